//! A mint that failed, and may have made a token all the same.
//!
//! A profile that is being tried is not yet believed: what it takes for a refusal may have minted, so
//! the issuer is asked after every failure that came from it: once after a clear refusal, and for as long
//! as its answers may lag after any other.

use std::collections::BTreeSet;

use tokenwright_client::{Error, ErrorKind, Filter, Listing, MintRequest};
use tokenwright_core::{LostAnswer, TokenId};

use super::ending::ToRevoke;
use super::terms::{Left, Loan};
use crate::clock::Stopwatch;
use crate::output::chain;

/// A request with an idempotency key is sent again so often before a person is told.
const REPLAYS: u32 = 3;

/// A mint that failed.
pub(super) struct Lost<'a> {
    pub(super) request: &'a MintRequest,
    pub(super) kind: ErrorKind,
    /// Whether the issuer said no, clearly: then one look is enough, and none is needed.
    pub(super) refused: bool,
    pub(super) before: Before,
    pub(super) since: Stopwatch,
}

/// The ids that were there before the mint; not asked for where more than an id tells a new token.
pub(super) type Before = Result<BTreeSet<TokenId>, Error>;

impl Loan<'_> {
    /// Looks at what is there before anything is minted.
    pub(super) async fn before(&self) -> Before {
        match self.issuer.capabilities().lost_answer {
            LostAnswer::CannotAttribute => self.ids().await,
            LostAnswer::Replay | LostAnswer::FindByMarker | LostAnswer::CannotList => {
                Ok(BTreeSet::new())
            }
        }
    }

    /// Finds and ends what a failed mint may have left.
    pub(super) async fn recover(&self, lost: Lost<'_>) -> Left {
        let kind = lost.kind;
        match self.issuer.capabilities().lost_answer {
            LostAnswer::FindByMarker => self.find(&lost).await,
            LostAnswer::CannotAttribute => self.find_new(lost).await,
            // The word of the profile is all there is.
            LostAnswer::Replay | LostAnswer::CannotList if kind != ErrorKind::OutcomeUnknown => {
                Left::Nothing
            }
            LostAnswer::Replay => self.replay(lost.request).await,
            LostAnswer::CannotList => {
                let why = "the system has no listing: what was minted cannot be found";
                self.report.failed("find", why);
                Left::MayBeAlive(Vec::new())
            }
        }
    }

    /// Where no names are shown, what is new may be somebody else's: it is named, never revoked.
    async fn find_new(&self, lost: Lost<'_>) -> Left {
        let step = "find";
        self.report.begin();
        let (refused, since) = (lost.refused, lost.since);
        let before = match lost.before {
            Ok(before) => before,
            Err(error) if refused => return self.cannot_look(&error),
            Err(error) => {
                let what = format!("what was there before is not known: {}", chain(&error));
                self.report.failed(step, &what);
                return Left::MayBeAlive(Vec::new());
            }
        };
        let look = async || {
            let now = self.ids().await?;
            Ok::<Vec<_>, Error>(now.difference(&before).cloned().collect())
        };
        let shown = |new: &Result<Vec<_>, Error>| new.as_ref().is_ok_and(|new| !new.is_empty());
        let new = match refused {
            true => look().await,
            false => self.settled(since, shown, look).await,
        };
        match new {
            Ok(new) if new.is_empty() => {
                self.report
                    .passed(step, "no token is new: nothing was minted");
                Left::Nothing
            }
            Ok(new) => {
                let ids: Vec<_> = new.iter().map(TokenId::as_str).collect();
                let what = format!(
                    "new is id {}, and the system does not show whose that is",
                    ids.join(", ")
                );
                self.report.failed(step, &what);
                Left::MayBeAlive(new)
            }
            Err(error) if refused => self.cannot_look(&error),
            Err(error) => {
                self.report.failed(step, &chain(&error));
                Left::MayBeAlive(Vec::new())
            }
        }
    }

    /// Everything that is there, by id.
    pub(crate) async fn ids(&self) -> Result<BTreeSet<TokenId>, Error> {
        let filter = Filter::of(self.inputs.parameters.clone());
        self.patience().await;
        let tokens = self.issuer.list(&filter).await?;
        Ok(tokens.into_iter().map(|token| token.id).collect())
    }

    async fn find(&self, lost: &Lost<'_>) -> Left {
        let step = "find";
        self.report.begin();
        let look = async || self.marked().await;
        let seen = match lost.refused {
            true => look().await,
            false => self.settled(lost.since, shows_any, look).await,
        };
        let listing = match seen {
            Ok(listing) => listing,
            Err(error) if lost.refused => return self.cannot_look(&error),
            Err(error) => {
                self.report.failed(step, &chain(&error));
                // A refusal that cannot be looked behind is not believed either.
                return Left::MayBeAlive(Vec::new());
            }
        };
        if listing.tokens.is_empty() {
            self.report
                .passed(step, "no token carries the marker: nothing was minted");
            return Left::Nothing;
        }
        if lost.kind == ErrorKind::OutcomeUnknown {
            self.report.passed(step, "the token is there");
        } else {
            let what = "the mint was taken for a failure and yet made a token";
            self.report.failed(step, what);
        }
        let mut left = Left::Nothing;
        for token in &listing.tokens {
            let to_revoke = ToRevoke::Listed(&token.id, &listing);
            left = left.and(self.end(to_revoke).await);
        }
        left
    }

    /// A clear refusal made nothing; one look would only tell whether the profile took it for one wrongly.
    fn cannot_look(&self, error: &Error) -> Left {
        let why = format!("the mint was clearly refused; {}", chain(error));
        self.report.skipped("find", &why);
        Left::Nothing
    }

    async fn replay(&self, request: &MintRequest) -> Left {
        let step = "mint again";
        for _ in 0..REPLAYS {
            self.report.begin();
            match self.issuer.mint(request).await {
                Ok(minted) => {
                    self.report
                        .passed(step, "the same token, by its idempotency key");
                    return self.end(ToRevoke::Minted(&minted)).await;
                }
                Err(error) => self.report.failed(step, &chain(&error)),
            }
            tokio::time::sleep(self.settle()).await;
        }
        Left::MayBeAlive(Vec::new())
    }
}

/// Whether a listing shows any token with the marker.
pub(crate) fn shows_any(seen: &Result<Listing, Error>) -> bool {
    seen.as_ref()
        .is_ok_and(|listing| !listing.tokens.is_empty())
}
