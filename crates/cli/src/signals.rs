//! Signals that end a command early that has minted something. They are heard from before the mint until after the revoke, and none
//! of them ends the process: a token would be left.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::exit::Signal;
use crate::output::complain;

/// The first signal that came.
#[derive(Debug, Clone)]
pub(crate) struct Signals(watch::Receiver<Option<Signal>>);

/// Listens from now on.
pub(crate) fn listen() -> io::Result<Signals> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (first, signals) = watch::channel(None);
    tokio::spawn(async move {
        loop {
            let came = tokio::select! {
                Some(()) = hangup.recv() => Signal::Hangup,
                Some(()) = interrupt.recv() => Signal::Interrupt,
                Some(()) = terminate.recv() => Signal::Terminate,
                else => return,
            };
            let again = first.borrow().is_some();
            let name = came.name();
            complain(&match again {
                false => format!("{name}: ending what was minted; please wait"),
                true => format!("{name}: still ending what was minted"),
            });
            if !again {
                first.send_replace(Some(came));
            }
        }
    });
    Ok(Signals(signals))
}

impl Signals {
    /// Signals of a test.
    #[cfg(test)]
    pub(crate) fn of(receiver: watch::Receiver<Option<Signal>>) -> Self {
        Self(receiver)
    }

    /// The first signal, if one came.
    pub(crate) fn came(&self) -> Option<Signal> {
        *self.0.borrow()
    }

    /// Waits for the first signal.
    pub(crate) async fn wait(&self) {
        let mut signals = self.0.clone();
        if signals.wait_for(Option::is_some).await.is_err() {
            // Nobody listens any more, so nothing will come.
            std::future::pending::<()>().await;
        }
    }

    /// The work's result, or nothing where a signal came first.
    pub(crate) async fn unless<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.wait() => None,
            done = work => Some(done),
        }
    }
}
