//! Signals that end a command early that has minted something. They are heard from before the mint until
//! after the revoke, and none of them ends the process: a token would be left.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::exit::Signal;
use crate::output::complain;

/// The signals that came.
#[derive(Debug, Clone)]
pub(crate) struct Signals {
    first: watch::Receiver<Option<Signal>>,
    latest: watch::Receiver<Option<Signal>>,
}

/// Listens from now on, and says of each signal what `words` says of it: whether it is a further one.
pub(crate) fn listen(
    words: impl Fn(Signal, bool) -> String + Send + 'static,
) -> io::Result<Signals> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (first, first_came) = watch::channel(None);
    let (latest, latest_came) = watch::channel(None);
    tokio::spawn(async move {
        loop {
            let came = tokio::select! {
                Some(()) = hangup.recv() => Signal::Hangup,
                Some(()) = interrupt.recv() => Signal::Interrupt,
                Some(()) = terminate.recv() => Signal::Terminate,
                else => return,
            };
            let again = first.borrow().is_some();
            complain(&words(came, again));
            if !again {
                first.send_replace(Some(came));
            }
            latest.send_replace(Some(came));
        }
    });
    Ok(Signals {
        first: first_came,
        latest: latest_came,
    })
}

impl Signals {
    /// Signals of a test.
    #[cfg(test)]
    pub(crate) fn of(receiver: watch::Receiver<Option<Signal>>) -> Self {
        Self {
            latest: receiver.clone(),
            first: receiver,
        }
    }

    /// The first signal, if one came.
    pub(crate) fn came(&self) -> Option<Signal> {
        *self.first.borrow()
    }

    /// Waits for the first signal.
    pub(crate) async fn wait(&self) {
        let mut signals = self.first.clone();
        if signals.wait_for(Option::is_some).await.is_err() {
            // Nobody listens any more, so nothing will come.
            std::future::pending::<()>().await;
        }
    }

    /// Waits for the next signal, however many came before.
    pub(crate) async fn next(&mut self) -> Signal {
        while self.latest.changed().await.is_ok() {
            if let Some(signal) = *self.latest.borrow_and_update() {
                return signal;
            }
        }
        std::future::pending().await
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
