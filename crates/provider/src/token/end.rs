//! Ending tokens: what a state named, and what this very call minted.
//!
//! By the client's proofs alone; what cannot be proven to be ours is left.

use jiff::{SignedDuration, Timestamp};
use tokenwright_client::{Evidence, Nomination, NotProven, RevokeError, revoke};
use tokenwright_core::instant::after;
use tokenwright_core::{Ended, LostAnswer, TokenRef, schedule};

use crate::session::Session;

/// Between two looks for a token that is too young to be shown.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(1);

/// A token to be ended, and what is known of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ending<'a> {
    pub(super) token: &'a TokenRef,
    pub(super) minted_at: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
    /// When its end was decided; a listing that started later serves as evidence.
    pub(super) decided_at: Timestamp,
    pub(super) account: CredentialOwner,
}

/// Whether the credential is of the account that minted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CredentialOwner {
    /// It is, or the issuer itself is asked.
    Same,
    /// The issuer cannot say, and the credential is not the one that was last seen.
    Unknown,
}

impl Session {
    /// Ends a token that a state named, once the issuer shows that it is ours.
    pub(super) async fn end(&self, ending: Ending<'_>) -> Result<Ended, RevokeError> {
        let mut failures = 0_u32;
        let mut decided_at = ending.decided_at;
        loop {
            let nomination = Nomination {
                token: ending.token,
                minted_at: ending.minted_at,
                expires_at: ending.expires_at,
                decided_at,
            };
            let ended = self.try_to_end(nomination).await;
            let again = match &ended {
                // Another account's listing says nothing about what is not in it.
                Ok(Ended::Gone) if ending.account == CredentialOwner::Unknown => {
                    let id = ending.token.id.to_string();
                    return Err(NotProven::OtherIssuer { id }.into());
                }
                Ok(_) => None,
                Err(RevokeError::Issuer(error)) => self.patience(error.kind, failures),
                Err(RevokeError::NotProven(NotProven::TooYoung { .. })) => self.within(LOOK_AGAIN),
                Err(RevokeError::NotProven(_)) => None,
            };
            match again {
                Some(at) => self.sleep_until(at).await,
                None => return ended,
            }
            failures = failures.saturating_add(1);
            // What was seen before was not enough.
            decided_at = self.now();
        }
    }

    async fn try_to_end(&self, nomination: Nomination<'_>) -> Result<Ended, RevokeError> {
        let (issuer, inventory) = (&self.connected.issuer, &self.connected.inventory);
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
        after(
            after(started_at, self.connected.request_timeout.saturating_mul(2)),
            schedule::SETTLE,
        )
    }
}
