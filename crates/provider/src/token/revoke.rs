//! All endings of tokens: one that a state names, one that this very call minted (here), all of a resource
//! (`destroy`), and those whose overlap is over (`retire`).
//!
//! By the client's proofs alone; what cannot be proven to be ours is left, and what is not seen to end stays.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokenwright_client::{
    Error, Evidence, Listing, Nomination, NotProven, NotSeen, RevokeError, Revoked, SecretValue,
    revoke, second_look, seen_to_end,
};
use tokenwright_core::instant::after;
use tokenwright_core::{Ended, Look, TokenRef, schedule};

use super::owner::CredentialOwner;
use crate::diagnostics;
use crate::session::Session;

mod destroy;
mod retire;

pub(super) use destroy::destroy;

/// Between two looks for a token that is too young to be shown.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(1);

/// A token to be ended, and what is known of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending<'a> {
    pub(crate) token: &'a TokenRef,
    pub(crate) minted_at: Option<Timestamp>,
    pub(crate) expires_at: Option<Timestamp>,
    /// When its end was decided; a listing that started later serves as evidence.
    pub(crate) decided_at: Timestamp,
    /// Whether such a listing is there already: then it serves, and the token is not asked for alone.
    pub(crate) listed: bool,
    pub(crate) account: CredentialOwner,
    /// Its value, where the state has it.
    pub(crate) value: Option<&'a SecretValue>,
}

impl<'a> Ending<'a> {
    /// One of which nothing else is known, under a credential of its own account.
    pub(crate) const fn of(token: &'a TokenRef, decided_at: Timestamp) -> Self {
        Self {
            token,
            minted_at: None,
            expires_at: None,
            decided_at,
            listed: false,
            account: CredentialOwner::Same,
            value: None,
        }
    }
}

impl Session {
    /// Ends a token that a state named, once the issuer shows that it is ours, and looks whether that worked.
    pub(crate) async fn end(&self, ending: Ending<'_>) -> Result<Ended, RevokeError> {
        let mut failures = 0_u32;
        let mut listed = ending.listed;
        let mut nomination = Nomination {
            minted_at: ending.minted_at,
            expires_at: ending.expires_at,
            value: ending.value,
            ..Nomination::of(ending.token, ending.decided_at)
        };
        loop {
            let ended = self.try_to_end(nomination, listed).await;
            let second = second_look(&*self.connected.issuer, nomination, &ended);
            let again = match (&ended, second) {
                (_, Some((second, settle))) => {
                    nomination = second;
                    self.within(settle)
                }
                // Another account's listing says nothing about what is not in it.
                (Ok(Ended::Gone), _) if ending.account == CredentialOwner::Unknown => {
                    let id = ending.token.id.to_string();
                    return Err(NotProven::OtherIssuer { id }.into());
                }
                (Err(RevokeError::Issuer(error)), _) => self.patience(error.kind, failures),
                (Err(RevokeError::NotProven(NotProven::TooYoung { .. })), _) => {
                    self.within(LOOK_AGAIN)
                }
                (Ok(_) | Err(RevokeError::NotSeen(_) | RevokeError::NotProven(_)), _) => None,
            };
            match again {
                Some(at) => self.sleep_until(at).await,
                None => return ended,
            }
            // A run that ends wakes it early, and a second look must come late.
            if nomination.missed_before && self.stopped() {
                return ended;
            }
            failures = failures.saturating_add(1);
            // What was seen before was not enough.
            (nomination.decided_at, listed) = (self.now(), false);
        }
    }

    async fn try_to_end(
        &self,
        nomination: Nomination<'_>,
        listed: bool,
    ) -> Result<Ended, RevokeError> {
        let issuer = &*self.connected.issuer;
        let shown = match listed {
            true => {
                let parameters = &nomination.token.parameters;
                let inventory = &self.connected.inventory;
                Shown::All(inventory.since(parameters, nomination.decided_at).await?)
            }
            false => self.shown(nomination).await?,
        };
        match revoke(issuer, nomination, shown.evidence(), self.now()).await? {
            Revoked::Ended(ended) => Ok(ended),
            Revoked::Sent => self.see_it_end(nomination).await,
        }
    }

    /// Ends a token that this very call minted.
    pub(super) async fn take_back(
        &self,
        token: &TokenRef,
        value: Option<&SecretValue>,
    ) -> Result<Ended, RevokeError> {
        let mut failures = 0_u32;
        loop {
            let now = self.now();
            let nomination = Nomination {
                minted_at: Some(now),
                value,
                ..Nomination::of(token, now)
            };
            let issuer = &*self.connected.issuer;
            let error = match revoke(issuer, nomination, Evidence::Minted, now).await {
                Ok(Revoked::Ended(ended)) => return Ok(ended),
                Ok(Revoked::Sent) => return self.see_it_end(nomination).await,
                Err(error) => error,
            };
            let again = match &error {
                RevokeError::Issuer(error) => self.patience(error.kind, failures),
                RevokeError::NotSeen(_) | RevokeError::NotProven(_) => None,
            };
            match again {
                Some(at) => self.sleep_until(at).await,
                None => return Err(error),
            }
            failures = failures.saturating_add(1);
        }
    }

    /// Looks at once, and again until `settle` has passed: no later run would.
    async fn see_it_end(&self, nomination: Nomination<'_>) -> Result<Ended, RevokeError> {
        let sent_at = self.now();
        let settled = after(sent_at, self.connected.issuer.capabilities().settle);
        let mut failures = 0;
        loop {
            let began = self.now();
            let nomination = Nomination {
                decided_at: began,
                sent_at: Some(sent_at),
                ..nomination
            };
            let seen = self.look_whether_ended(nomination).await;
            let again = match &seen {
                Ok(_) => None,
                Err(RevokeError::Issuer(error)) => self.patience(error.kind, failures),
                Err(_) if began < settled => self.after(failures).map(|at| at.min(settled)),
                Err(_) => None,
            };
            match (again, seen) {
                (Some(at), _) => self.sleep_until(at).await,
                // It was accepted: that nobody looked makes nothing undone.
                (None, Err(RevokeError::Issuer(error))) => {
                    diagnostics::log(&error);
                    let id = nomination.token.id.to_string();
                    return Err(NotSeen::NotTold { id }.into());
                }
                (None, seen) => return seen,
            }
            failures = failures.saturating_add(1);
        }
    }

    async fn look_whether_ended(&self, nomination: Nomination<'_>) -> Result<Ended, RevokeError> {
        let shown = self.shown(nomination).await?;
        let issuer = &*self.connected.issuer;
        seen_to_end(issuer, nomination, shown.evidence(), self.now()).await
    }

    /// What shows a token: a request of its own, or one listing for all that wait when it starts.
    async fn shown(&self, nomination: Nomination<'_>) -> Result<Shown, Error> {
        let (issuer, inventory) = (&self.connected.issuer, &self.connected.inventory);
        let parameters = &nomination.token.parameters;
        Ok(match issuer.capabilities().look {
            Look::Listing => Shown::All(inventory.since(parameters, nomination.decided_at).await?),
            Look::Alone | Look::Nothing => Shown::One,
        })
    }

    /// After this instant a request of a mint that is lost now can no longer land.
    pub(super) fn lost_until(&self, started_at: Timestamp) -> Timestamp {
        after(
            after(started_at, self.connected.request_timeout.saturating_mul(2)),
            schedule::SETTLE,
        )
    }
}

/// What a revoke rests on.
enum Shown {
    All(Arc<Listing>),
    One,
}

impl Shown {
    fn evidence(&self) -> Evidence<'_> {
        match self {
            Self::All(listing) => Evidence::Listing(listing),
            Self::One => Evidence::Look,
        }
    }
}
