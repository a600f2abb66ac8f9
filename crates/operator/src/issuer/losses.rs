//! How many of an issuer's current tokens its listings do not show: many at once are no loss of each.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokenwright_client::Inventory;
use tokenwright_core::instant::after;
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
}

#[derive(Debug)]
struct Current {
    id: TokenId,
    parameters: Arc<Parameters>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
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
}

impl Losses {
    /// Whether so many vanished at once that the issuer is suspect, and nobody acknowledged it.
    pub(crate) fn suspect(&self, mine: Mine<'_>, inventory: &Inventory, now: Timestamp) -> bool {
        let mut state = self.0.lock();
        match mine.held {
            Some(held) => {
                let known = state.current.get(mine.uid);
                if !known.is_some_and(|known| known.is(held)) {
                    let current = Current {
                        id: held.token.id.clone(),
                        parameters: state.parameters.one(&held.token.parameters),
                        created_at: held.created_at,
                        expires_at: held.expires_at,
                    };
                    state.current.insert(mine.uid.to_owned(), current);
                }
            }
            None => {
                state.current.remove(mine.uid);
            }
        }
        if !mine.unlisted && state.vanished.is_none() {
            return false;
        }
        let vanished = state.count(inventory, now);
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
        state.calm_since = calm.then(|| state.calm_since.unwrap_or(now));
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
        self.0.lock().current.remove(uid);
    }
}

impl Current {
    fn is(&self, held: &Held) -> bool {
        self.id == held.token.id
            && *self.parameters == held.token.parameters
            && (self.created_at, self.expires_at) == (held.created_at, held.expires_at)
    }
}

impl State {
    fn acknowledged(&self) -> bool {
        let handled = self.handled.as_ref().and_then(Option::as_deref);
        self.noted.is_some() && self.noted.as_deref() != handled
    }

    /// How many of the current tokens the newest listings do not show.
    fn count(&self, inventory: &Inventory, now: Timestamp) -> usize {
        let mut shown = BTreeMap::<&Parameters, Option<(Timestamp, HashSet<TokenId>)>>::new();
        let mut vanished = 0_usize;
        for current in self.current.values() {
            let listing = shown.entry(current.parameters.as_ref()).or_insert_with(|| {
                let listing = inventory.newest(&current.parameters)?;
                let ids = listing.tokens.iter().map(|token| token.id.clone());
                Some((listing.started_at, ids.collect()))
            });
            let expired = current.expires_at.is_some_and(|at| at <= now);
            let tells = |(at, _): &&(Timestamp, _)| *at > current.created_at && !expired;
            let listing = listing.as_ref().filter(tells);
            let lacks = listing.is_some_and(|(_, ids)| !ids.contains(&current.id));
            vanished = vanished.saturating_add(usize::from(lacks));
        }
        vanished
    }
}
