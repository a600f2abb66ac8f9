//! What to do next with an adopted token, and why: an ordered list of rules, the first match wins.

use jiff::Timestamp;

use super::{AdoptRecord, AdoptSpec, Fingerprint, Term, Tried};
use crate::instant::{after, can_have_happened};
use crate::observed::Liveness;
use crate::reason::Reason;
use crate::schedule::can_wait_until;
use crate::spec::DeletionPolicy;
use crate::token::TokenId;

/// Everything that a decision about an adopted token is made from.
#[derive(Debug, Clone, Copy)]
pub struct AdoptView<'a> {
    /// What is wanted.
    pub spec: &'a AdoptSpec,
    /// What is remembered.
    pub record: &'a AdoptRecord,
    /// The value that a person offers; `None` where there is none that could be used.
    pub source: Option<&'a Fingerprint>,
    /// What the destination is.
    pub destination: Holds<'a>,
    /// Whether the issuer can be asked about values, with what was given.
    pub can_check: bool,
    /// Whether the issuer can revoke tokens.
    pub can_revoke: bool,
    /// Whether the accepted value was taken up at another endpoint than the issuer has now. Nothing about it is
    /// sent there: it would be told to a stranger, whose answer would say nothing.
    pub elsewhere: bool,
    /// Whether somebody would lose what it works with, if the named token ended now.
    pub in_use: bool,
}

/// What the destination holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds<'a> {
    /// It is not there.
    Nothing,
    /// It is there and ours, and holds this value.
    Value(&'a Fingerprint),
    /// It belongs to somebody else.
    Foreign,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptDecision {
    /// The step; `None` where there is nothing to do now.
    pub action: Option<AdoptAction>,
    /// Why this, or why nothing.
    pub reason: Reason,
    /// When to decide again even if nothing changes.
    pub check_again: Option<Timestamp>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdoptAction {
    /// Ask the issuer whether this value authenticates.
    Check(Fingerprint),
    /// Take this value up; nothing can be asked about it.
    TakeUp(Fingerprint),
    /// Put this value, which is the accepted one, at the destination.
    Deliver(Fingerprint),
    /// Remove the destination (deletion under `Revoke`).
    RemoveDestination,
    /// Give the destination back to its owner (deletion under `Retain`).
    ReleaseDestination,
    /// Revoke this token, once its own value shows that it is this one.
    Revoke(TokenId),
    /// Nothing is left: the manager may go.
    Finish,
}

type Step = (Option<AdoptAction>, Reason);
type Rule = fn(&AdoptView<'_>, Timestamp) -> Option<Step>;

/// The rules while the manager lives, in the order in which they win.
const LIVING: &[Rule] = &[
    foreign, // somebody else's destination is left alone
    take_up, // what a person offers
    deliver, // what was accepted, to where it belongs
    recheck, // whether it still authenticates
    wait,    // nothing to do, and this is why
];

/// The rules while it is being deleted.
const DELETION: &[Rule] = &[
    give_up,           // after the timeout, loudly
    cannot_end,        // until it can, nothing goes
    end_first,         // what it may hold the only copy of
    leave_destination, // remove or release it
    revoke,            // only the named token, only under `Revoke`
    finish,
];

/// What to do next with an adopted token.
///
/// Pure: the same view at the same instant gives the same decision, at every restart.
#[must_use]
pub fn decide_adopted(view: &AdoptView<'_>, now: Timestamp) -> AdoptDecision {
    let rules = match view.spec.deletion.since {
        Some(_) => DELETION,
        None => LIVING,
    };
    let step = rules.iter().find_map(|rule| rule(view, now));
    let (action, reason) = step.unwrap_or((None, Reason::Quiet));
    AdoptDecision {
        action,
        reason,
        check_again: check_again(view, now),
    }
}

fn act(action: AdoptAction, reason: Reason) -> Option<Step> {
    Some((Some(action), reason))
}

impl AdoptView<'_> {
    /// Whether the destination holds the accepted value.
    #[must_use]
    pub fn holds_accepted(&self) -> bool {
        matches!(self.destination, Holds::Value(held) if self.record.accepts(held))
    }

    /// Whether the destination holds a token that works, as far as is known.
    #[must_use]
    pub fn works(&self, now: Timestamp) -> bool {
        let ended = matches!(self.spec.term(now), Term::Ended(_));
        self.holds_accepted() && !self.dead() && !ended
    }

    /// Whether the accepted value was seen to authenticate no more.
    fn dead(&self) -> bool {
        let accepted = self.record.accepted.as_ref();
        accepted.is_some_and(|tried| tried.liveness == Liveness::Dead)
    }

    /// Whether somebody has the accepted value, so that it can be asked about.
    fn askable(&self) -> bool {
        let offered = self
            .source
            .is_some_and(|source| self.record.accepts(source));
        offered || self.holds_accepted()
    }

    /// The token that is to end with its manager.
    fn ending(&self) -> Option<&TokenId> {
        let named = self.spec.token_id.as_ref()?;
        let wanted = self.spec.deletion.policy == DeletionPolicy::Revoke;
        let ends = wanted && self.can_revoke && !self.record.ended;
        (ends && self.record.accepted.is_some()).then_some(named)
    }

    /// Another value than the accepted one, which a person offers.
    fn offer(&self) -> Option<&Fingerprint> {
        self.source.filter(|offered| !self.record.accepts(offered))
    }

    /// What is known of that value, if it was asked about.
    fn tried(&self) -> Option<&Tried> {
        let offer = self.offer()?;
        self.record
            .offered
            .as_ref()
            .filter(|t| &t.fingerprint == offer)
    }

    /// What was asked in what is the future now was asked before the clock was set back.
    fn due(&self, tried: &Tried, now: Timestamp) -> bool {
        let asked = tried.asked_at.filter(|at| can_have_happened(*at, now));
        let again = tried.ask_at(self.spec.recheck);
        asked.is_none() || again.is_none_or(|at| at <= now)
    }
}

fn foreign(view: &AdoptView<'_>, _now: Timestamp) -> Option<Step> {
    (view.destination == Holds::Foreign).then_some((None, Reason::DestinationForeign))
}

fn take_up(view: &AdoptView<'_>, now: Timestamp) -> Option<Step> {
    let offer = view.offer()?;
    if view.spec.suspend {
        return None;
    }
    if !view.can_check {
        return act(AdoptAction::TakeUp(offer.clone()), Reason::ValueOffered);
    }
    let waits = view.tried().is_some_and(|tried| !view.due(tried, now));
    if waits {
        return None;
    }
    act(AdoptAction::Check(offer.clone()), Reason::ValueOffered)
}

/// The destination is restored from the source, which must still offer the accepted value.
fn deliver(view: &AdoptView<'_>, _now: Timestamp) -> Option<Step> {
    let accepted = view.source.filter(|offered| view.record.accepts(offered))?;
    if view.holds_accepted() || view.dead() {
        return None;
    }
    act(AdoptAction::Deliver(accepted.clone()), Reason::NotDelivered)
}

/// What was accepted and is dead is asked about as well: it may have been a slip of the issuer.
fn recheck(view: &AdoptView<'_>, now: Timestamp) -> Option<Step> {
    let accepted = view.record.accepted.as_ref()?;
    if !view.can_check || view.elsewhere || !view.askable() || !view.due(accepted, now) {
        return None;
    }
    act(
        AdoptAction::Check(accepted.fingerprint.clone()),
        Reason::CheckDue,
    )
}

fn wait(view: &AdoptView<'_>, now: Timestamp) -> Option<Step> {
    let refused = view.tried().map(|tried| match tried.liveness {
        Liveness::Dead => Reason::ValueRefused,
        Liveness::Alive | Liveness::Unknown => Reason::ValueNotChecked,
    });
    let suspended = view.offer().filter(|_| view.spec.suspend);
    let missing = view.source.is_none().then_some(Reason::SourceMissing);
    let term = match view.spec.term(now) {
        Term::Open => None,
        Term::EndsSoon(_) => Some(Reason::ExpiresSoon),
        Term::Ended(_) => Some(Reason::TokenExpired),
    };
    let elsewhere = view.elsewhere && view.holds_accepted();
    let reason = (elsewhere.then_some(Reason::IssuerIdentityChanged))
        .or(view.dead().then_some(Reason::TokenDead))
        .or(refused)
        .or(missing)
        .or(suspended.map(|_| Reason::Suspended))
        .or(term);
    reason.map(|reason| (None, reason))
}

fn give_up(view: &AdoptView<'_>, now: Timestamp) -> Option<Step> {
    let deletion = view.spec.deletion;
    let over = deletion.since.map(|since| after(since, deletion.timeout));
    match over {
        Some(over) if over <= now => act(AdoptAction::Finish, Reason::DeletionTimedOut),
        Some(_) | None => None,
    }
}

fn cannot_end(view: &AdoptView<'_>, _now: Timestamp) -> Option<Step> {
    view.ending()?;
    let elsewhere = view.elsewhere.then_some(Reason::IssuerIdentityChanged);
    let reason = elsewhere.or(view.in_use.then_some(Reason::RevokeInUse));
    reason.map(|reason| (None, reason))
}

/// Only its own value shows whose the named token is: where the destination alone holds that, it stays until the token
/// has ended, so that a crash between the two loses nothing.
fn end_first(view: &AdoptView<'_>, now: Timestamp) -> Option<Step> {
    let offered = view
        .source
        .is_some_and(|source| view.record.accepts(source));
    (view.holds_accepted() && !offered).then(|| revoke(view, now))?
}

fn leave_destination(view: &AdoptView<'_>, _now: Timestamp) -> Option<Step> {
    match (view.destination, view.spec.deletion.policy) {
        (Holds::Value(_), DeletionPolicy::Retain) => act(
            AdoptAction::ReleaseDestination,
            Reason::ReleasingDestination,
        ),
        (Holds::Value(_), DeletionPolicy::Revoke) => {
            act(AdoptAction::RemoveDestination, Reason::RemovingDestination)
        }
        (Holds::Nothing | Holds::Foreign, _) => None,
    }
}

fn revoke(view: &AdoptView<'_>, now: Timestamp) -> Option<Step> {
    let named = view.ending()?;
    let wait = view.record.revoke.map(|wait| wait.retry_at);
    if wait.is_some_and(|until| until > now && can_wait_until(until, now)) {
        return Some((None, Reason::RevokeFailed));
    }
    act(
        AdoptAction::Revoke(named.clone()),
        Reason::RevokingForDeletion,
    )
}

fn finish(_view: &AdoptView<'_>, _now: Timestamp) -> Option<Step> {
    act(AdoptAction::Finish, Reason::Deleted)
}

/// The next instant at which a rule may say something else.
fn check_again(view: &AdoptView<'_>, now: Timestamp) -> Option<Timestamp> {
    let deletion = view.spec.deletion;
    let timeout = deletion.since.map(|since| after(since, deletion.timeout));
    let asked = |tried: Option<&Tried>| tried.and_then(|tried| tried.ask_at(view.spec.recheck));
    let delivered = view.record.accepted.as_ref();
    let delivered = delivered.filter(|_| view.can_check && !view.elsewhere && view.askable());
    [
        timeout,
        view.record.revoke.map(|wait| wait.retry_at),
        asked(view.tried()),
        asked(delivered),
        view.spec.warn_at(),
        view.spec.expires_at,
    ]
    .into_iter()
    .flatten()
    .filter(|at| *at > now)
    .min()
}
