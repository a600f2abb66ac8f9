//! One module for each command, and what they share: how cargo is called.

mod advisories;
mod bench;
mod book;
mod cargo;
mod demo;
mod dist;
mod first_hour;
mod fuzz;
mod generate;
mod image;
mod older;
mod shipped;
mod tally;
mod test;
mod tools;

pub(crate) use advisories::Advisories;
pub(crate) use bench::Bench;
pub(crate) use book::Book;
pub(crate) use demo::Demo;
pub(crate) use dist::Dist;
pub(crate) use first_hour::FirstHour;
pub(crate) use fuzz::Fuzz;
pub(crate) use generate::Generate;
pub(crate) use image::MakeImage;
pub(crate) use test::Test;
pub(crate) use tools::Tools;
