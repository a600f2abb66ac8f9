//! What the exit code says; `docs/cli.md` has the same table.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything went as it should.
    Done,
    /// Something that was checked or tried is not as it should be.
    Failed,
    /// The command cannot be carried out as it is written; nothing was sent.
    Refused,
    /// A token may be alive at the issuer, and a person must look.
    MayBeAlive,
    /// A signal ended it early; nothing is left alive.
    Interrupted(Signal),
    /// `run`: as the command that was run.
    Command(u8),
    /// `run`: the command did not run, or its token may be alive.
    NotRun,
}

impl Exit {
    /// What `env`, `timeout` and their like say when they themselves have failed.
    pub(crate) const NOT_RUN: u8 = 125;
}

/// The signals that end a command early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// The terminal went away.
    Hangup,
    /// Ctrl-C.
    Interrupt,
    /// Somebody asked it to end.
    Terminate,
}

impl Signal {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hangup => "SIGHUP",
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            // The code that clap gives to wrong arguments.
            Exit::Refused => 2,
            Exit::MayBeAlive => 3,
            // As shells count them: 128 and the signal's number.
            Exit::Interrupted(Signal::Hangup) => 129,
            Exit::Interrupted(Signal::Interrupt) => 130,
            Exit::Interrupted(Signal::Terminate) => 143,
            Exit::Command(code) => code,
            Exit::NotRun => Exit::NOT_RUN,
        })
    }
}
