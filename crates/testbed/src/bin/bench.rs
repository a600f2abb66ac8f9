//! `cargo xtask bench`: the figures of the docs, measured on the release build.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    tokenwright_testbed::bench::run().await
}
