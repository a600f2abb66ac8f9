//! `cargo xtask demo`: the main job, shown on real programs, with every claim checked.

use clap::Parser;
use std::process::ExitCode;
use tokenwright_testbed::demo::{Arguments, run};

#[tokio::main]
async fn main() -> ExitCode {
    run(Arguments::parse()).await
}
