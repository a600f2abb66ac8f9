//! How many of an issuer's current tokens its listings do not show: many at once are no loss of each.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokenwright_client::{Inventory, Listing};
use tokenwright_core::instant::{after, can_have_happened};
use tokenwright_core::{Held, Parameters, TokenId, suspect};

use crate::cluster::shared::Shared;

/// The current tokens of all managers of one issuer.
#[derive(Debug, Default)]
pub(crate) struct Losses(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    current: BTreeMap<String, Current>,
    /// Each set of parameters once: thousands of tokens have the same ones.
    parameters: Shared<Parameters>,
    /// The annotation that is there now.
    noted: Option<String>,
    /// The annotation of an earlier loss, if there was one; `None` until the status was read.
    handled: Option<Option<String>>,
    /// Since when the listings show what they should.
    calm_since: Option<Timestamp>,
    /// How many are missing, while too many are.
    vanished: Option<usize>,
    /// What was counted last.
    counted: Option<Counted>,
    /// Those who came since, by UID.
    uncounted: Vec<String>,
}

/// A count that is true for as long as the listings and the time are the same.
#[derive(Debug)]
struct Counted {
    /// The version of the inventory.
    of: u64,
    at: Timestamp,
    /// When one of the tokens expires that were counted.
    until: Option<Timestamp>,
    missing: usize,
}

#[derive(Debug)]
struct Current {
    id: TokenId,
    parameters: Arc<Parameters>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    /// It was counted as missing.
    missing: bool,
}

/// A loss is over once nothing was suspect for so long: just after a start nothing is known yet.
const CALM: SignedDuration = SignedDuration::from_mins(2);

/// What a person noted of losses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Noted<'a> {
    /// The annotation that is there now.
    pub(crate) text: Option<&'a str>,
    /// The one that the status remembers.
    pub(crate) handled: Option<&'a str>,
    /// Whether the issuer was listed since the operator began.
    pub(crate) listed: bool,
}

/// One manager's own token.
#[derive(Debug)]
pub(crate) struct Mine<'a> {
    /// Whose.
    pub(crate) uid: &'a str,
    /// The current token.
    pub(crate) held: Option<&'a Held>,
    /// Whether the listings do not show it.
    pub(crate) unlisted: bool,
    /// How long a listing of its issuer may lag.
    pub(crate) settle: SignedDuration,
}

impl Losses {
    /// Whether so many vanished at once that the issuer is suspect, and nobody acknowledged it.
    pub(crate) fn suspect(&self, mine: Mine<'_>, inventory: &Inventory, now: Timestamp) -> bool {
        let mut state = self.0.lock();
        match mine.held {
            Some(held) => state.is_there(mine.uid, held),
            None => state.leave(mine.uid),
        }
        if !mine.unlisted && state.vanished.is_none() {
            return false;
        }
        let vanished = state.count(inventory, mine.settle, now);
        let suspected = suspect(state.current.len(), vanished);
        state.vanished = suspected.then_some(vanished);
        suspected && !state.acknowledged()
    }

    /// Takes a person's annotation up: a text other than the one of an earlier loss acknowledges the loss
    /// that is. What the status remembers of the earlier one is `handled`; this is what it is to remember.
    pub(crate) fn note(&self, noted: Noted<'_>, now: Timestamp) -> Option<String> {
        let mut state = self.0.lock();
        let owned = |text: Option<&str>| text.map(str::to_owned);
        state.noted = owned(noted.text);
        let handled = state.handled.take().unwrap_or_else(|| owned(noted.handled));
        let calm = state.vanished.is_none() && noted.listed;
        let since = state.calm_since.filter(|at| can_have_happened(*at, now));
        state.calm_since = calm.then(|| since.unwrap_or(now));
        let over = state
            .calm_since
            .is_some_and(|since| now >= after(since, CALM));
        let handled = match over {
            true => state.noted.clone(),
            false => handled,
        };
        state.handled = Some(handled.clone());
        handled
    }

    /// How many are missing, while too many are and nobody acknowledged it.
    pub(crate) fn unacknowledged(&self) -> Option<usize> {
        let state = self.0.lock();
        state.vanished.filter(|_| !state.acknowledged())
    }

    /// A manager is gone, and its token no loss.
    pub(crate) fn forget(&self, uid: &str) {
        self.0.lock().leave(uid);
    }
}

impl Current {
    fn is(&self, held: &Held) -> bool {
        self.id == held.token.id
            && *self.parameters == held.token.parameters
            && (self.created_at, self.expires_at) == (held.created_at, held.expires_at)
    }
}

impl Current {
    /// A listing that lags lacks young tokens, and that is no loss.
    fn is_missing(
        &self,
        listing: Option<&Listing>,
        settle: SignedDuration,
        now: Timestamp,
    ) -> bool {
        let expired = self.expires_at.is_some_and(|at| at <= now);
        let settled = after(self.created_at, settle);
        let tells = |listing: &&Listing| listing.started_at > settled && !expired;
        listing
            .filter(tells)
            .is_some_and(|listing| !listing.shows(&self.id))
    }
}

impl State {
    fn acknowledged(&self) -> bool {
        let handled = self.handled.as_ref().and_then(Option::as_deref);
        self.noted.is_some() && self.noted.as_deref() != handled
    }

    fn is_there(&mut self, uid: &str, held: &Held) {
        if self.current.get(uid).is_some_and(|known| known.is(held)) {
            return;
        }
        self.leave(uid);
        let current = Current {
            id: held.token.id.clone(),
            parameters: self.parameters.one(&held.token.parameters),
            created_at: held.created_at,
            expires_at: held.expires_at,
            missing: false,
        };
        self.current.insert(uid.to_owned(), current);
        match self.counted.is_some() && self.uncounted.len() < self.current.len() {
            true => self.uncounted.push(uid.to_owned()),
            // All are counted anew, where ever somebody asks again.
            false => (self.counted, self.uncounted) = (None, Vec::new()),
        }
    }

    fn leave(&mut self, uid: &str) {
        let was_missing = self.current.remove(uid).is_some_and(|left| left.missing);
        if let Some(counted) = self.counted.as_mut().filter(|_| was_missing) {
            counted.missing = counted.missing.saturating_sub(1);
        }
    }

    /// How many of the current tokens the newest listings do not show. Thousands ask one after the other: as
    /// long as the listings are the same, only those are looked at who came since.
    fn count(&mut self, inventory: &Inventory, settle: SignedDuration, now: Timestamp) -> usize {
        let of = inventory.version();
        let stands = |counted: &Counted| {
            counted.of == of && counted.at <= now && counted.until.is_none_or(|until| now < until)
        };
        let uncounted = std::mem::take(&mut self.uncounted);
        let (former, uids) = match self.counted.take().filter(stands) {
            Some(counted) => (counted, uncounted),
            None => {
                for current in self.current.values_mut() {
                    current.missing = false;
                }
                let none = Counted {
                    of,
                    at: now,
                    until: None,
                    missing: 0,
                };
                (none, self.current.keys().cloned().collect())
            }
        };
        let mut counted = Counted { at: now, ..former };
        let mut newest = BTreeMap::new();
        for uid in uids {
            let Some(current) = self.current.get_mut(&uid) else {
                continue;
            };
            let parameters = Arc::clone(&current.parameters);
            let listing = newest
                .entry(parameters)
                .or_insert_with_key(|parameters| inventory.newest(parameters));
            let missing = current.is_missing(listing.as_deref(), settle, now);
            let before = std::mem::replace(&mut current.missing, missing);
            let ends = current.expires_at.filter(|at| *at > now);
            counted.until = counted.until.into_iter().chain(ends).min();
            let others = counted.missing.saturating_sub(usize::from(before));
            counted.missing = others.saturating_add(usize::from(current.missing));
        }
        let missing = counted.missing;
        self.counted = Some(counted);
        missing
    }
}

#[cfg(test)]
mod tests;
