//! The end of what was minted: stubborn, and not interrupted by any signal.

use std::time::Duration;

use tokenwright_client::revoke::{Evidence, Listing, Nomination, RevokeError, revoke};
use tokenwright_client::{Error, Filter, Minted};
use tokenwright_core::{Look, LostAnswer, TokenId};

use super::terms::{LONGEST_PAUSE, Left, Loan};
use crate::clock::{self, Stopwatch};
use crate::output::chain;

/// With doubling waits between them: about half a minute in all.
const ATTEMPTS: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// A token that is to be ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum ToRevoke<'a> {
    /// Minted in this process, with its value.
    Minted(&'a Minted),
    /// Shown by a listing with our whole marker.
    Listed(&'a TokenId, &'a Listing),
}

impl Loan<'_> {
    /// Revokes the token and whatever else carries the marker, and looks whether that worked.
    pub(super) async fn end(&self, to_revoke: ToRevoke<'_>) -> Left {
        let revoked = self.revoke(to_revoke).await;
        if revoked != Left::Nothing {
            return revoked;
        }
        let seen = self.seen_to_end(to_revoke).await;
        // Leftovers first: a second token is worse than a first that takes its time to die.
        let others = self.leftovers(to_revoke.id()).await;
        let dead = match to_revoke {
            ToRevoke::Minted(minted) => self.dead(minted).await,
            ToRevoke::Listed(..) => Left::Nothing,
        };
        seen.and(others).and(dead)
    }

    async fn revoke(&self, to_revoke: ToRevoke<'_>) -> Left {
        let step = "revoke";
        let id = to_revoke.id();
        let token = self.token(id);
        let (evidence, decided_at, value) = match to_revoke {
            ToRevoke::Minted(minted) => (Evidence::Minted, clock::now(), Some(&minted.value)),
            ToRevoke::Listed(_, listing) => (Evidence::Listing(listing), listing.started_at, None),
        };
        let nomination = Nomination {
            // Some systems end a token by its value alone.
            value,
            ..Nomination::of(&token, decided_at)
        };
        self.report.begin();
        let mut wait = FIRST_WAIT;
        let mut attempt = 1_u32;
        loop {
            let evidence = match &evidence {
                Evidence::Listing(listing) => Evidence::Listing(listing),
                Evidence::Minted | Evidence::Look => Evidence::Minted,
            };
            let ended = revoke(self.issuer, nomination, evidence, clock::now()).await;
            let error = match ended {
                Ok(_) => {
                    self.report.passed(step, &format!("id {id}"));
                    return Left::Nothing;
                }
                Err(error) => error,
            };
            if attempt == ATTEMPTS {
                self.report
                    .failed(step, &format!("id {id}: {}", chain(&error)));
                return Left::MayBeAlive(vec![id.clone()]);
            }
            let pause = wait
                .max(asked(&error).unwrap_or_default())
                .min(LONGEST_PAUSE);
            let seconds = pause.as_secs();
            self.report
                .note(&format!("{}; again in {seconds} s", chain(&error)));
            tokio::time::sleep(pause).await;
            wait = wait.saturating_mul(2);
            attempt = attempt.saturating_add(1);
        }
    }

    /// A success of a revoke is a claim: the token must not be shown any more.
    async fn seen_to_end(&self, to_revoke: ToRevoke<'_>) -> Left {
        let id = to_revoke.id();
        let step = "look again";
        let can = self.issuer.capabilities();
        if can.look == Look::Nothing {
            self.report
                .skipped(step, "the system cannot show its tokens");
            return Left::Nothing;
        }
        let by_list = matches!(
            can.lost_answer,
            LostAnswer::FindByMarker | LostAnswer::CannotAttribute
        );
        self.report.begin();
        let since = Stopwatch::start();
        let look = async || match by_list {
            true => self.ids().await.map(|ids| ids.contains(id)),
            false => {
                let shown = self.issuer.get(id, &self.inputs.parameters).await;
                shown.map(|token| token.is_some())
            }
        };
        let gone = |shown: &Result<bool, Error>| matches!(shown, Ok(false));
        match self.settled(since, gone, look).await {
            Ok(false) => {
                self.report.passed(step, "it is shown no more");
                return Left::Nothing;
            }
            Ok(true) => self.report.failed(
                step,
                "the revoke was accepted, and the token is still shown",
            ),
            Err(error) => {
                self.report.failed(step, &chain(&error));
                // Its value tells, too.
                if can.check && matches!(to_revoke, ToRevoke::Minted(..)) {
                    return Left::Nothing;
                }
            }
        }
        Left::MayBeAlive(vec![id.clone()])
    }

    /// A value that still authenticates after its revoke: the id was another token's, or the system
    /// does not do what it says.
    async fn dead(&self, minted: &Minted) -> Left {
        let step = "check again";
        if !self.issuer.capabilities().check {
            self.report
                .skipped(step, "the system has no call that proves a value");
            return Left::Nothing;
        }
        self.report.begin();
        match self.alive(minted, false, Stopwatch::start()).await {
            Ok(false) => {
                self.report.passed(step, "dead");
                Left::Nothing
            }
            Err(why) => {
                self.report.failed(step, &why);
                Left::Nothing
            }
            Ok(true) => {
                self.report
                    .failed(step, "the value still authenticates after the revoke");
                Left::MayBeAlive(vec![minted.token.id.clone()])
            }
        }
    }

    /// Tokens with the same marker and another id: a mint that was applied twice, or an id that the
    /// profile reads wrongly.
    async fn leftovers(&self, ended: &TokenId) -> Left {
        if self.issuer.capabilities().lost_answer != LostAnswer::FindByMarker {
            return Left::Nothing;
        }
        let step = "list again";
        self.report.begin();
        let listing = match self.marked().await {
            Ok(listing) => listing,
            Err(error) => {
                self.report.failed(step, &chain(&error));
                return Left::Nothing;
            }
        };
        let others = listing.tokens.iter().map(|token| &token.id);
        let others: Vec<&TokenId> = others.filter(|id| *id != ended).collect();
        if others.is_empty() {
            self.report.passed(step, "nothing else carries the marker");
            return Left::Nothing;
        }
        let ids: Vec<_> = others.iter().map(|id| id.as_str()).collect();
        let ids = ids.join(", ");
        self.report
            .failed(step, &format!("the marker stands on other ids, too: {ids}"));
        let mut left = Left::Nothing;
        for other in others {
            left = left.and(self.revoke(ToRevoke::Listed(other, &listing)).await);
        }
        left
    }

    /// Every token that the issuer shows with our whole marker.
    pub(crate) async fn marked(&self) -> Result<Listing, Error> {
        let started_at = clock::now();
        let parameters = self.inputs.parameters.clone();
        let filter = Filter {
            manager: Some(self.marker.manager.clone()),
            ..Filter::of(parameters.clone())
        };
        self.patience().await;
        let mut tokens = self.issuer.list(&filter).await?;
        tokens.retain(|token| token.marker().as_ref() == Some(&self.marker));
        Ok(Listing::new(started_at, parameters, tokens))
    }
}

impl<'a> ToRevoke<'a> {
    fn id(self) -> &'a TokenId {
        match self {
            Self::Minted(minted) => &minted.token.id,
            Self::Listed(id, _) => id,
        }
    }
}

/// How long the issuer asks to wait.
fn asked(error: &RevokeError) -> Option<Duration> {
    match error {
        RevokeError::Issuer(error) => Duration::try_from(error.kind.retry_after()?).ok(),
        RevokeError::NotProven(_) | RevokeError::NotSeen(_) => None,
    }
}
