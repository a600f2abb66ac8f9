//! `cargo xtask`: the commands of a developer and of CI.
//!
//! Thin on purpose: it spawns cargo, the tools and the demo, and contains no logic of the product.

mod commands;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use commands::{
    Advisories, Bench, Book, Demo, Dist, FirstHour, Fuzz, Generate, MakeImage, Test, Tools,
};
use xtask::progress::say;

/// Development commands of Tokenwright.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Demo(Demo),
    Test(Test),
    Generate(Generate),
    Tools(Tools),
    Bench(Bench),
    Dist(Dist),
    Image(MakeImage),
    Book(Book),
    FirstHour(FirstHour),
    Fuzz(Fuzz),
    Advisories(Advisories),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Task::Demo(demo) => demo.run(),
        Task::Test(test) => test.run(),
        Task::Generate(generate) => generate.run(),
        Task::Tools(tools) => tools.run(),
        Task::Bench(bench) => bench.run(),
        Task::Dist(dist) => dist.run(),
        Task::Image(image) => image.run(),
        Task::Book(book) => book.run(),
        Task::FirstHour(hour) => hour.run(),
        Task::Fuzz(fuzz) => fuzz.run(),
        Task::Advisories(advisories) => advisories.run(),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            say(format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
