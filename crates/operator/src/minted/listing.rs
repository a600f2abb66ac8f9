//! The listing of what the issuer holds, which a decision needs or which is due anyway.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokenwright_api::names::reason;
use tokenwright_client::{ErrorKind, Listing, Operation};
use tokenwright_core::Decision;
use tokenwright_core::instant::after;
use tokenwright_core::schedule::can_wait_until;
use tracing::Span;

use crate::cluster::cause;
use crate::cluster::conditions::Trouble;
use crate::cluster::logs;
use crate::minted::managed::Managed;

/// After a listing that failed, the next one waits this long, and twice as long after each that follows.
const AFTER_FAILURE: SignedDuration = SignedDuration::from_secs(10);

/// The longest such wait.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(160);

/// After a change of a token, no listing tells of it for so long at least.
const UNSETTLED: SignedDuration = SignedDuration::from_mins(1);

/// Listings that nobody waits for take one in so many parts of the time.
const ONE_IN: i32 = 20;

impl Managed {
    /// From when on a listing tells of the token, where this process changed it at the issuer. One that lags shows
    /// it as it was, and whoever believed that would change it again, without an end. What lies in the future now
    /// was before the clock was set back, and every listing of now is a later one.
    pub(crate) fn told_from(&self, now: Timestamp) -> Option<Timestamp> {
        let touched_at = self.remember(|seen| seen.touched_at);
        let touched_at = touched_at.filter(|at| *at <= now)?;
        Some(after(touched_at, self.can().settle.max(UNSETTLED)))
    }
}

/// Asks for the listing that the decision needs, or for the one that is due anyway; says when to look
/// again for its sake.
pub(crate) fn want(managed: &Managed, decision: &Decision, now: Timestamp) -> Option<Timestamp> {
    if !managed.lists() || managed.record.last_revision == 0 {
        return None;
    }
    let parameters = managed.spec.inputs.parameters.clone();
    let handle = Arc::clone(&managed.handle);
    let listing = handle.inventory.newest(&parameters);
    let newest = listing.as_ref().map(|listing| listing.started_at);
    let due = newest.map_or(now, |newest| after(newest, handle.recheck));
    let touched = managed.told_from(now);
    let since = decision
        .inventory
        .max(touched)
        .filter(|since| newest.is_none_or(|newest| newest < *since));
    let hurried = decision.awaited || (touched.is_some() && since == touched);
    let since = since.unwrap_or(due);
    if since > now {
        return Some(since);
    }
    let spared = listing.filter(|_| !hurried);
    let spared = spared.map(|listing| spared_until(&listing).min(due));
    if let Some(spared) = spared.filter(|at| *at > now) {
        return Some(spared);
    }
    // One that is under way will do, or the next one is spared again.
    let since = spared.map_or(since, |spared| spared.min(since));
    // Nothing waits that would have to be waited for: the end of the operator puts off no hand-over.
    let again = managed.remember(|seen| seen.list_again_at);
    if let Some(again) = again.filter(|at| *at > now && can_wait_until(*at, now)) {
        return Some(again);
    }
    if managed.remember(|seen| std::mem::replace(&mut seen.listing, true)) {
        return None;
    }
    if managed.remember(|seen| seen.listings_failed > 0) {
        managed.retries(Operation::List);
    }
    // Ten thousand wait for it at a start: each holds no more than it needs for that.
    let (context, memory) = (Arc::clone(&managed.context), Arc::clone(&managed.memory));
    let (tasks, uid) = (context.tasks.clone(), managed.manager.uid.clone());
    tasks.start_unnamed(async move {
        let listed = async {
            let _turn = handle.listers.turn().await;
            handle.inventory.standing(&parameters, since).await
        };
        let Some(listing) = context.tasks.unless_ending(listed).await else {
            return;
        };
        match listing {
            Ok(listing) => {
                *handle.listed_at.lock() = Some(listing.started_at);
                memory.change(&uid, |seen| {
                    seen.listings_failed = 0;
                    seen.list_again_at = None;
                    seen.unread = None;
                });
            }
            Err(error) => {
                let about = context.known_place(&uid).map(|place| logs::span(&place));
                about.unwrap_or_else(Span::none).in_scope(|| {
                    tracing::warn!(
                        error = cause::chain(&error),
                        "the inventory could not be read"
                    );
                });
                let asked = error.kind.retry_after().unwrap_or_default();
                let now = context.clock.now();
                let alone = handle.gate.standing().is_none();
                memory.change(&uid, |seen| {
                    // Whether the issuer is away for all, is known when it fails again.
                    let unread = unread(&error.kind, alone && seen.listings_failed > 0);
                    let own = AFTER_FAILURE.saturating_mul(1 << seen.listings_failed.min(4));
                    seen.listings_failed = seen.listings_failed.saturating_add(1);
                    seen.list_again_at = Some(after(now, asked.max(own.min(LONGEST_WAIT))));
                    seen.unread = unread.map(Box::new);
                });
            }
        }
        // What is wrong is told at once, and not only with the next try.
        memory.change(&uid, |seen| seen.listing = false);
        context.wake(&uid);
    });
    None
}

/// Before this instant no listing is made that nobody waits for. One of thousands of tokens has many pages, of which
/// each takes a turn at the issuer, and serves all the more of them the later it is made.
fn spared_until(newest: &Listing) -> Timestamp {
    // That very one is none.
    let spared = newest.took.max(SignedDuration::from_nanos(1));
    after(newest.started_at, spared.saturating_mul(ONE_IN))
}

/// What a token tells of a listing that failed, where its issuer tells nothing of it by a pause; `alone` where it
/// is listed well for others.
fn unread(kind: &ErrorKind, alone: bool) -> Option<Trouble> {
    match kind {
        ErrorKind::Paused { .. } => None,
        ErrorKind::RateLimited { .. }
        | ErrorKind::Unavailable
        | ErrorKind::OutcomeUnknown
        | ErrorKind::Unauthenticated
            if !alone =>
        {
            None
        }
        ErrorKind::RateLimited { .. }
        | ErrorKind::Unavailable
        | ErrorKind::OutcomeUnknown
        | ErrorKind::Unauthenticated
        | ErrorKind::NotFound
        | ErrorKind::Forbidden
        | ErrorKind::Invalid
        | ErrorKind::Conflict
        | ErrorKind::LimitReached
        | ErrorKind::AnswerNotUnderstood
        | ErrorKind::NoRoom => {
            let message = format!(
                "The issuer's list of tokens cannot be read: {} ({}). {} Nothing is revoked by it until it can; it is asked for again.",
                kind.sentence(),
                kind.name(),
                kind.advice()
            );
            Some(Trouble::new(reason::ISSUER_NOT_READY, message))
        }
    }
}
