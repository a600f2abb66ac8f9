//! `tokenwright`: the command line, for people.
//!
//! Knows token systems by their profiles alone, the records of Terraform by the files that it writes, and
//! those of a cluster by the kinds of the operator.
//! Read in this order: `arguments`, `exit`, `output`, `profile` (what is known without asking anybody),
//! `reach` (an account at an issuer), `loan` (a token that ends with the command), `trial` (what a real
//! issuer answers), `run` (a token for a command), `records` (who claims a token), `token` (the inventory
//! and its orphans), `migrate` (from something else), `explain` (what messages mean), `shell` (completions and man pages), `progress`, `signals`, `when`, `clock` and `random`.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod arguments;
mod clock;
mod cluster;
mod exit;
mod explain;
mod loan;
mod migrate;
mod output;
mod profile;
mod progress;
mod random;
mod reach;
mod records;
mod report;
mod run;
mod shell;
mod signals;
mod token;
mod trial;
mod when;

use std::process::ExitCode;

use arguments::{Command, CommandLine, ProfileCommand, TokenCommand};
use exit::Exit;

fn main() -> ExitCode {
    let done = match CommandLine::read().command {
        Command::Profile(command) => match command {
            ProfileCommand::List(list) => profile::list::run(&list),
            ProfileCommand::Show(show) => profile::show::run(&show),
            ProfileCommand::New(asked) => profile::new::run(&asked),
            ProfileCommand::Explain(asked) => profile::explain::run(&asked),
            ProfileCommand::Check(check) => profile::check::run(&check),
            ProfileCommand::Try(trial) => trial::run(trial),
        },
        Command::Token(command) => match command {
            TokenCommand::List(list) => token::list::run(list),
            TokenCommand::Orphans(orphans) => token::orphans::run(orphans),
        },
        Command::Run(asked) => Ok(run::run(asked)),
        Command::Report(asked) => report::run(&asked),
        Command::Migrate(asked) => migrate::run(&asked),
        Command::Status(asked) => cluster::status::run(&asked),
        Command::Why(asked) => cluster::why::run(&asked),
        Command::Events(asked) => cluster::events::run(&asked),
        Command::Rotate(asked) => cluster::rotate::run(&asked),
        Command::Doctor(asked) => cluster::doctor::run(&asked),
        Command::Explain(asked) => explain::run(&asked),
        Command::Completion(completion) => shell::completion(&completion),
        Command::Man(man) => shell::man(&man),
    };
    done.unwrap_or_else(|error| {
        output::complain(&format!("error: {error:#}"));
        Exit::Refused
    })
    .into()
}
