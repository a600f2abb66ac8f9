//! A mint that failed, and may have made a token all the same.
//!
//! A profile that is being tried is not yet believed: what it takes for a refusal may have minted, so
//! the issuer is asked after every failure that came from it.

use tokenwright_client::{Error, ErrorKind, Listing, MintRequest};
use tokenwright_core::LostAnswer;

use super::ending::Doomed;
use super::life::{Left, Trial};
use crate::clock::Stopwatch;
use crate::output::chain;

/// A request with an idempotency key is sent again so often before a person is told.
const REPLAYS: u32 = 3;

impl Trial<'_> {
    /// Finds and ends what a failed mint may have left.
    pub(super) async fn recover(
        &self,
        request: &MintRequest,
        kind: ErrorKind,
        since: Stopwatch,
    ) -> Left {
        match self.issuer.capabilities().lost_answer {
            LostAnswer::FindByMarker => self.find(kind, since).await,
            // The word of the profile is all there is.
            LostAnswer::Replay | LostAnswer::CannotAttribute | LostAnswer::CannotList
                if kind != ErrorKind::OutcomeUnknown =>
            {
                Left::Nothing
            }
            LostAnswer::Replay => self.replay(request).await,
            LostAnswer::CannotAttribute | LostAnswer::CannotList => {
                let why =
                    "the system does not show whose tokens it has: what was minted cannot be found";
                self.report.failed("find", why);
                Left::MayBeAlive
            }
        }
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
                return Left::MayBeAlive;
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
            left = left.or(self.end(doomed).await);
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
        Left::MayBeAlive
    }
}

/// Whether a listing shows any token with the marker.
pub(super) fn shows_any(seen: &Result<Listing, Error>) -> bool {
    seen.as_ref()
        .is_ok_and(|listing| !listing.tokens.is_empty())
}
