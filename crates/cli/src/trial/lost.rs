//! A mint that failed, and may have made a token all the same.
//!
//! A profile that is being tried is not yet believed: what it takes for a refusal may have minted, so
//! the issuer is asked after every failure that came from it.

use std::collections::BTreeSet;

use tokenwright_client::{Error, ErrorKind, Filter, Listing, MintRequest};
use tokenwright_core::{LostAnswer, TokenId};

use super::ending::Doomed;
use super::life::{Left, Trial};
use crate::clock::Stopwatch;
use crate::output::chain;

/// A request with an idempotency key is sent again so often before a person is told.
const REPLAYS: u32 = 3;

/// A mint that failed.
pub(super) struct Lost<'a> {
    pub(super) request: &'a MintRequest,
    pub(super) kind: ErrorKind,
    pub(super) before: Before,
    pub(super) since: Stopwatch,
}

/// The ids that were there before the mint; not asked for where more than an id tells a new token.
pub(super) type Before = Result<BTreeSet<TokenId>, Error>;

impl Trial<'_> {
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
        let Lost { kind, since, .. } = lost;
        match self.issuer.capabilities().lost_answer {
            LostAnswer::FindByMarker => self.find(kind, since).await,
            LostAnswer::CannotAttribute => self.find_new(lost.before, since).await,
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
    async fn find_new(&self, before: Before, since: Stopwatch) -> Left {
        let step = "find";
        self.report.begin();
        let before = match before {
            Ok(before) => before,
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
        match self.settled(since, shown, look).await {
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
            Err(error) => {
                self.report.failed(step, &chain(&error));
                Left::MayBeAlive(Vec::new())
            }
        }
    }

    /// Everything that is there, by id.
    pub(super) async fn ids(&self) -> Result<BTreeSet<TokenId>, Error> {
        let filter = Filter {
            parameters: self.inputs.parameters.clone(),
            manager: None,
        };
        let tokens = self.issuer.list(&filter).await?;
        Ok(tokens.into_iter().map(|token| token.id).collect())
    }

    async fn find(&self, kind: ErrorKind, since: Stopwatch) -> Left {
        let step = "find";
        self.report.begin();
        let look = async || self.marked().await;
        let seen = self.settled(since, shows_any, look).await;
        let listing = match seen {
            Ok(listing) => listing,
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
        if kind == ErrorKind::OutcomeUnknown {
            self.report.passed(step, "the token is there");
        } else {
            let what = "the mint was taken for a failure and yet made a token";
            self.report.failed(step, what);
        }
        let mut left = Left::Nothing;
        for token in &listing.tokens {
            let doomed = Doomed::Listed(&token.id, &listing);
            left = left.and(self.end(doomed).await);
        }
        left
    }

    async fn replay(&self, request: &MintRequest) -> Left {
        let step = "mint again";
        for _ in 0..REPLAYS {
            self.report.begin();
            match self.issuer.mint(request).await {
                Ok(minted) => {
                    self.report
                        .passed(step, "the same token, by its idempotency key");
                    let doomed = Doomed::Minted(&minted.token.id, &minted.value);
                    return self.end(doomed).await;
                }
                Err(error) => self.report.failed(step, &chain(&error)),
            }
            tokio::time::sleep(self.settle()).await;
        }
        Left::MayBeAlive(Vec::new())
    }
}

/// Whether a listing shows any token with the marker.
pub(super) fn shows_any(seen: &Result<Listing, Error>) -> bool {
    seen.as_ref()
        .is_ok_and(|listing| !listing.tokens.is_empty())
}
