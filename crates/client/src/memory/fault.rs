//! What can go wrong with one request, and a way to stop the world around it.

use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use tokenwright_core::TokenId;
use tokio::sync::watch;

use crate::error::{ErrorKind, Operation};

/// What goes wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The issuer says no; nothing is done.
    Refuse(ErrorKind),
    /// No connection; nothing is done, and the caller knows it.
    NotSent,
    /// Sent and never handled; the caller cannot know it.
    LoseRequest,
    /// Done, and the answer lost.
    LoseAnswer,
    /// The answer is lost at once, and the effect comes this much later.
    LandLater(SignedDuration),
    /// The effect comes this much later (tokio time); from the request timeout on, the caller has gone.
    Delay(Duration),
    /// The answer comes this much later than the effect (tokio time), or is lost by the request timeout.
    DelayAnswer(Duration),
    /// The issuer says that it is done, and does nothing; a listing or a look shows nothing.
    Pretend,
    /// A mint whose value does not authenticate.
    BornDead,
    /// A mint that uses this id again.
    ReuseId(TokenId),
    /// A mint that is applied twice, as by a proxy that sends again: two tokens with one name.
    Twice,
    /// A listing that says it is complete, and shows nothing at all.
    Empty,
}

/// Where a request is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It arrived; nothing was done yet.
    BeforeEffect,
    /// It was done; nobody was answered yet.
    AfterEffect,
}

/// A request that stops at its moment until it is released, or until this is dropped.
///
/// A caller that is gone by then never gets its answer; what was done stays done.
pub struct Hold {
    reached: watch::Receiver<bool>,
    _release: watch::Sender<()>,
}

impl Hold {
    /// Waits until the request stands at its moment.
    pub async fn reached(&mut self) {
        // An error means that the issuer is gone: nobody will come.
        if self.reached.wait_for(|reached| *reached).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Lets the request go on.
    pub fn release(self) {}
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hold")
    }
}

/// The issuer's side of a [`Hold`].
#[derive(Debug)]
pub(super) struct Stop {
    pub(super) operation: Operation,
    pub(super) nth: u32,
    pub(super) moment: Moment,
    reached: watch::Sender<bool>,
    release: watch::Receiver<()>,
}

impl Stop {
    pub(super) fn new(operation: Operation, nth: u32, moment: Moment) -> (Self, Hold) {
        let (reached_tx, reached) = watch::channel(false);
        let (_release, release) = watch::channel(());
        let stop = Self {
            operation,
            nth,
            moment,
            reached: reached_tx,
            release,
        };
        (stop, Hold { reached, _release })
    }

    /// Says that the moment is reached and waits until the hold is gone.
    pub(super) async fn wait(mut self) {
        self.reached.send_replace(true);
        while self.release.changed().await.is_ok() {}
    }
}
