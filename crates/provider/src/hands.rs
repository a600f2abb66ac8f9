//! What every apply works with: the issuer, the time it may take, and whether anybody still waits.
//!
//! Waits and asks again; what is asked is up to the resource.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tfplugin::Connection;
use tokenwright_client::{Error, ErrorKind};
use tokio_util::sync::CancellationToken;

use crate::connect::Connected;

/// An issuer that cannot be reached is tried so often; waiting longer hides a wrong endpoint.
const UNREACHABLE: u32 = 3;
/// The first wait after a refusal that may pass; it doubles.
const FIRST_WAIT: SignedDuration = SignedDuration::from_millis(500);

/// One apply, or one read.
#[derive(Debug)]
pub(crate) struct Hands {
    pub(crate) connected: Arc<Connected>,
    /// Whether the caller still waits.
    pub(crate) connection: Connection,
    /// The user interrupted the run: nothing new is started.
    pub(crate) stop: CancellationToken,
    /// Nothing is tried again after this instant.
    pub(crate) deadline: Timestamp,
}

impl Hands {
    pub(crate) fn now(&self) -> Timestamp {
        self.connected.now()
    }

    /// Whether nothing new may be started.
    pub(crate) fn stopped(&self) -> bool {
        self.stop.is_cancelled() || self.connection.is_gone()
    }

    /// Sleeps; wakes early where the run is interrupted.
    pub(crate) async fn sleep_until(&self, at: Timestamp) {
        let wait = at.duration_since(self.now());
        let Ok(wait) = wait.try_into() else { return };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.stop.cancelled() => {}
            () = self.connection.gone() => {}
        }
    }

    /// How long to wait before the same is tried again; `None` where that would not help.
    pub(crate) fn patience(&self, kind: ErrorKind, failures: u32) -> Option<Timestamp> {
        let own = own_wait(failures);
        let wait = match kind {
            ErrorKind::RateLimited { retry_after } => {
                retry_after.map_or(own, |asked| asked.max(own))
            }
            ErrorKind::Unavailable if failures < UNREACHABLE => own,
            ErrorKind::Unavailable
            | ErrorKind::NotFound
            | ErrorKind::Unauthenticated
            | ErrorKind::Forbidden
            | ErrorKind::Invalid
            | ErrorKind::Conflict
            | ErrorKind::LimitReached
            | ErrorKind::OutcomeUnknown
            | ErrorKind::Unexpected => return None,
        };
        self.within(wait)
    }

    /// That much later, if it is still time for another try.
    pub(crate) fn within(&self, wait: SignedDuration) -> Option<Timestamp> {
        let at = self.now().saturating_add(wait).ok()?;
        (at <= self.deadline && !self.stopped()).then_some(at)
    }

    /// How long to wait after an unclear answer before the same is asked again.
    pub(crate) fn after(&self, failures: u32) -> Option<Timestamp> {
        self.within(own_wait(failures))
    }

    /// Asks, and asks again where that may help. Only for what changes nothing.
    pub(crate) async fn patiently<T, F: Future<Output = Result<T, Error>>>(
        &self,
        mut ask: impl FnMut() -> F,
    ) -> Result<T, Error> {
        let mut failures = 0;
        loop {
            let error = match ask().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match self.patience(error.kind, failures) {
                Some(at) => self.sleep_until(at).await,
                None => return Err(error),
            }
            failures += 1;
        }
    }
}

fn own_wait(failures: u32) -> SignedDuration {
    FIRST_WAIT * (1 << failures.min(6))
}
