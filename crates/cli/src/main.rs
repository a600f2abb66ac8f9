//! `tokenwright`: the command line, for people.
//!
//! Knows token systems by their profiles alone, and neither Kubernetes nor Terraform.
//! Read in this order: `arguments`, `exit`, `output`, `profile` (what is known without asking anybody),
//! `trial` (what a real issuer answers), `clock` and `random`.

mod arguments;
mod clock;
mod exit;
mod output;
mod profile;
mod random;
mod trial;

use std::process::ExitCode;

use arguments::{Command, CommandLine, ProfileCommand};
use clap::Parser as _;
use exit::Exit;

fn main() -> ExitCode {
    let Command::Profile(command) = CommandLine::parse().command;
    let done = match command {
        ProfileCommand::List(list) => profile::list::run(&list),
        ProfileCommand::Show(show) => profile::show::run(&show),
        ProfileCommand::Check(check) => profile::check::run(&check),
        ProfileCommand::Try(trial) => trial::run(trial),
    };
    done.unwrap_or_else(|error| {
        output::complain(&format!("error: {error:#}"));
        Exit::Refused
    })
    .into()
}
