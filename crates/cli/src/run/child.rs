//! The command: started, told of signals, and waited for.

use std::io::{ErrorKind, IsTerminal as _};
use std::os::unix::process::ExitStatusExt as _;

use rustix::process::{Pid, kill_process};

use super::handover::Prepared;
use crate::exit::{Exit, Signal};
use crate::loan::Loan;

/// Runs it to its end, and says its exit code as a shell does; signals are handed on to it, and none of
/// them ends this process.
pub(super) async fn run(loan: &Loan<'_>, prepared: anyhow::Result<Prepared>) -> u8 {
    let step = "command";
    loan.report.begin();
    let mut prepared = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            loan.report.failed(step, &format!("{error:#}"));
            return Exit::NOT_RUN;
        }
    };
    let mut child = match prepared.command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let name = &prepared.name;
            loan.report
                .failed(step, &format!("{name} cannot be started: {error}"));
            return match error.kind() {
                ErrorKind::NotFound => 127,
                _ => 126,
            };
        }
    };
    let id = child.id();
    let mut signals = loan.signals.clone();
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            signal = signals.next() => hand_on(id, signal),
        }
    };
    let code = status.map(|status| {
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        let by_signal = status.signal().and_then(|signal| u8::try_from(signal).ok());
        code.or_else(|| by_signal.map(|signal| signal.saturating_add(128)))
    });
    match code {
        Ok(Some(code)) => {
            loan.report.passed(step, &format!("exit code {code}"));
            code
        }
        Ok(None) | Err(_) => {
            loan.report.failed(step, "nobody knows how it ended");
            Exit::NOT_RUN
        }
    }
}

/// At a terminal Ctrl-C reaches the command by itself.
fn hand_on(id: Option<u32>, signal: Signal) {
    let by_terminal = signal == Signal::Interrupt && std::io::stdin().is_terminal();
    let pid = id
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    if let (Some(pid), false) = (pid, by_terminal) {
        // It may have ended just now.
        let _ = kill_process(
            pid,
            match signal {
                Signal::Hangup => rustix::process::Signal::HUP,
                Signal::Interrupt => rustix::process::Signal::INT,
                Signal::Terminate => rustix::process::Signal::TERM,
            },
        );
    }
}
