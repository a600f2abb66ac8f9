//! What is shipped, installed into empty folders and used from there by the programs that users have.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy tells test functions from others, but not what they share"
)]

mod container;

mod install {
    mod alerts;
    mod argocd;
    mod chart;
    mod command_line;
    mod dashboard;
    mod examples;
    mod gitlab;
    mod guide;
    mod guides;
    mod image;
    mod migrate;
    mod moving;
    mod packed;
    mod reference;
    mod release;
    mod rights;
    mod terraform;
    mod vendor;
    mod vendors;
    mod words;
}
