//! The operator as a program: the command line, the client and the signals.

use clap::Parser as _;
use tokenwright_operator::crds;
use tokenwright_operator::options::{Command, CommandLine};

fn main() -> anyhow::Result<()> {
    let line = CommandLine::parse();
    match line.command {
        Some(Command::Crd) => crds::print(),
        None => Ok(()),
    }
}
