//! `run`: a token for one command, which ends with the command.
//!
//! The token is on [`loan`](crate::loan). `handover` is the only place of the command line where a value
//! leaves its type: the command that a person names is where it is delivered to.

mod child;
mod handover;

use anyhow::Context as _;
use tokenwright_client::Minted;
use tokenwright_core::Inputs;

use crate::arguments::Run;
use crate::clock::Stopwatch;
use crate::exit::Exit;
use crate::loan::{Left, Loan, Report, possible};
use crate::output::complain;
use crate::random::{self, OwnCommand};
use crate::reach::{Reached, runtime};
use crate::signals;
use handover::Handover;

/// Refuses what cannot be; then mints, runs and revokes.
pub(crate) fn run(asked: Run) -> Exit {
    carried_out(asked).unwrap_or_else(|error| {
        complain(&format!("error: {error:#}"));
        Exit::NotRun
    })
}

fn carried_out(asked: Run) -> anyhow::Result<Exit> {
    let Run {
        reach,
        lifetime,
        scopes,
        name,
        variables,
        files,
        quiet,
        command,
    } = asked;
    let reached = Reached::by(reach)?;
    let handover = Handover::of(&reached.profile, &variables, &files)?;
    let inputs = Inputs {
        name,
        scopes: scopes.into_iter().collect(),
        parameters: reached.parameters.clone(),
        lifetime,
    };
    possible(&reached, &inputs)?;
    // Standard output is the command's.
    let report = match quiet {
        false => Report::to(|line| complain(line.trim_end())),
        true => Report::to(|line| {
            if line.starts_with('✗') {
                complain(line.trim_end());
            }
        }),
    };
    report.heading(&reached.heading());
    runtime()?.block_on(async {
        // Before anything is minted: a signal that came between would end the process.
        let signals = signals::listen(|signal, again| {
            let name = signal.name();
            match again {
                false => format!("{name}: the token is revoked as soon as the command has ended"),
                true => format!("{name}: handed on to the command again"),
            }
        });
        let loan = Loan {
            issuer: reached.account.issuer.as_ref(),
            gate: &reached.account.gate,
            inputs,
            marker: random::marker(OwnCommand::Run)?,
            report: &report,
            signals: signals.context("listening for signals")?,
        };
        Ok(lent(&loan, &handover, &command).await)
    })
}

/// Runs the command while the token lives.
async fn lent(loan: &Loan<'_>, handover: &Handover, command: &[std::ffi::OsString]) -> Exit {
    let mut ended = None;
    let used = async |minted: &Minted, since: Stopwatch| {
        let works = loan.signals.unless(works(loan, minted, since)).await;
        if works == Some(true) && !loan.report.has_failed() {
            ended = Some(child::run(loan, handover.prepared(command, minted)).await);
        }
    };
    let left = loan.during(used).await;
    if let Left::MayBeAlive(ids) = &left {
        // Said however quiet it was to be.
        complain(&loan.advice(ids));
    }
    match (ended, loan.signals.came()) {
        (Some(0), _) if left != Left::Nothing => Exit::NotRun,
        (Some(code), _) => Exit::Command(code),
        (None, Some(signal)) if left == Left::Nothing => Exit::Interrupted(signal),
        (None, _) => Exit::NotRun,
    }
}

/// Whether the value authenticates, as far as that can be asked.
async fn works(loan: &Loan<'_>, minted: &Minted, since: Stopwatch) -> bool {
    let step = "check";
    if !loan.issuer.capabilities().check {
        return true;
    }
    loan.report.begin();
    match loan.alive(minted, true, since).await {
        Ok(true) => loan.report.passed(step, "alive"),
        Ok(false) => loan.report.failed(step, "the value does not authenticate"),
        // A gateway that answers for the issuer now may let the command through later.
        Err(why) => loan.report.skipped(step, &why),
    }
    !loan.report.has_failed()
}
