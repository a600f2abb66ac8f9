//! The provider under a real Terraform, against a sandbox that plays the vendor.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy tells test functions from others, but not what they share"
)]

mod adopted;
mod attached;
mod axes;
mod bad_input;
mod blind;
mod changes;
mod data;
mod declared;
mod docs;
mod encrypted;
mod ends;
mod ephemeral;
mod examples;
mod followed;
mod go_host;
mod imports;
mod issuers;
mod kills;
mod lifecycle;
mod lost_answers;
mod many;
mod moves;
mod neighbours;
mod newest;
mod pages;
mod reads;
mod retirement;
mod scripts;
mod support;
mod titles;
mod unknowns;
