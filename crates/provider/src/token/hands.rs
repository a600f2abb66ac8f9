//! What every apply works with: the issuer, the time it may take, and whether anybody still waits.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tfplugin::Connection;
use tokenwright_client::{Error, ErrorKind, Evidence, Nomination, NotProven, RevokeError, revoke};
use tokenwright_core::{Ended, LostAnswer, TokenRef, schedule};
use tokio_util::sync::CancellationToken;

use crate::connect::Connected;

/// An issuer that cannot be reached is tried so often; waiting longer hides a wrong endpoint.
const UNREACHABLE: u32 = 3;
/// Between two looks for a token that is too young to be shown.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(1);
/// The first wait after a refusal that may pass; it doubles.
const FIRST_WAIT: SignedDuration = SignedDuration::from_millis(500);

/// One apply, or one read.
#[derive(Debug)]
pub(super) struct Hands {
    pub(super) connected: Arc<Connected>,
    /// Whether the caller still waits.
    pub(super) connection: Connection,
    /// The user interrupted the run: nothing new is started.
    pub(super) stop: CancellationToken,
    /// Nothing is tried again after this instant.
    pub(super) deadline: Timestamp,
}

/// A token to be ended, and what is known of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ending<'a> {
    pub(super) token: &'a TokenRef,
    pub(super) minted_at: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) account: Account,
}

/// Whether the credential is of the account that minted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    /// It is, or the issuer itself is asked.
    Same,
    /// The issuer cannot say, and the credential is not the one that was last seen.
    Unknown,
}

impl Hands {
    pub(super) fn now(&self) -> Timestamp {
        self.connected.now()
    }

    /// Whether nothing new may be started.
    pub(super) fn stopped(&self) -> bool {
        self.stop.is_cancelled() || self.connection.is_gone()
    }

    /// Sleeps; wakes early where the run is interrupted.
    pub(super) async fn sleep_until(&self, at: Timestamp) {
        let wait = at.duration_since(self.now());
        let Ok(wait) = wait.try_into() else { return };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.stop.cancelled() => {}
            () = self.connection.gone() => {}
        }
    }

    /// How long to wait before the same is tried again; `None` where that would not help.
    pub(super) fn patience(&self, kind: ErrorKind, failures: u32) -> Option<Timestamp> {
        let own = FIRST_WAIT * (1 << failures.min(6));
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
        let at = self.now() + wait;
        (at <= self.deadline && !self.stopped()).then_some(at)
    }

    /// Asks, and asks again where that may help. Only for what changes nothing.
    pub(super) async fn patiently<T, F: Future<Output = Result<T, Error>>>(
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

    /// Ends a token that a state named, once the issuer shows that it is ours.
    pub(super) async fn end(&self, ending: Ending<'_>) -> Result<Ended, RevokeError> {
        let mut failures = 0;
        loop {
            let decided_at = self.now();
            let nomination = Nomination {
                token: ending.token,
                minted_at: ending.minted_at,
                expires_at: ending.expires_at,
                decided_at,
            };
            let ended = self.try_to_end(nomination).await;
            let again = match &ended {
                // Another account's listing says nothing about what is not in it.
                Ok(Ended::Gone) if ending.account == Account::Unknown => {
                    let id = ending.token.id.to_string();
                    return Err(NotProven::OtherIssuer { id }.into());
                }
                Ok(_) => None,
                Err(RevokeError::Issuer(error)) => self.patience(error.kind, failures),
                Err(RevokeError::NotProven(NotProven::TooYoung { .. })) => {
                    let at = decided_at + LOOK_AGAIN;
                    (at <= self.deadline && !self.stopped()).then_some(at)
                }
                Err(RevokeError::NotProven(_)) => None,
            };
            match again {
                Some(at) => self.sleep_until(at).await,
                None => return ended,
            }
            failures += 1;
        }
    }

    async fn try_to_end(&self, nomination: Nomination<'_>) -> Result<Ended, RevokeError> {
        let Connected {
            issuer, inventory, ..
        } = &*self.connected;
        let parameters = &nomination.token.parameters;
        let listing;
        let evidence = match issuer.capabilities().lost_answer {
            LostAnswer::FindByMarker | LostAnswer::CannotAttribute => {
                // One listing serves all revokes that wait when it starts.
                listing = inventory.since(parameters, nomination.decided_at).await?;
                Evidence::Listing(&listing)
            }
            LostAnswer::Replay | LostAnswer::CannotList => Evidence::Look,
        };
        let ended = revoke(&**issuer, nomination, evidence, self.now()).await;
        self.connected.changed(parameters);
        ended
    }

    /// Ends a token that this very call minted.
    pub(super) async fn take_back(&self, token: &TokenRef) -> Result<Ended, RevokeError> {
        let now = self.now();
        let nomination = Nomination {
            token,
            minted_at: Some(now),
            expires_at: None,
            decided_at: now,
        };
        let ended = revoke(&*self.connected.issuer, nomination, Evidence::Minted, now).await;
        self.connected.changed(&token.parameters);
        ended
    }

    /// After this instant a request of a mint that is lost now can no longer land.
    pub(super) fn lost_until(&self, started_at: Timestamp) -> Timestamp {
        started_at + self.connected.request_timeout * 2 + schedule::SETTLE
    }
}
