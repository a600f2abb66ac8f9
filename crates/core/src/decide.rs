//! What to do next, and why: an ordered list of rules, the first match wins.
//!
//! A decision names the exact step. Whoever performs it adds no policy, only the words of its world.
//! Every decision also says when to look again, so that no timer is lost.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::capabilities::Capabilities;
use crate::marker::Revision;
use crate::observed::{Carried, Destination, IssuerSeen, Observed, Sighting, Standing};
use crate::reason::Reason;
use crate::record::{Attempt, Ended, Identity, Record, Retiring, TokenRef};
use crate::schedule;
use crate::spec::{Inputs, Spec};

mod account;
mod deletion;
mod doubt;
mod instants;
mod minting;
mod revokes;
mod tending;

pub use deletion::{decide_deletion, explain_deletion};
pub(crate) use minting::loss;

/// Everything that a decision is made from.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// What is wanted.
    pub spec: &'a Spec,
    /// What is remembered.
    pub record: &'a Record,
    /// What was seen.
    pub observed: &'a Observed,
    /// What the system can do.
    pub can: &'a Capabilities,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The step; `None` where there is nothing to do now.
    pub action: Option<Action>,
    /// Why this, or why nothing.
    pub reason: Reason,
    /// When to decide again even if nothing changes.
    pub check_again: Option<Timestamp>,
    /// An inventory that started at this instant or later is wanted before the next decision.
    pub inventory: Option<Timestamp>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Run the mint flow for this revision.
    Mint {
        /// `last_revision + 1`, or one above the highest foreign one.
        revision: Revision,
    },
    /// Send this attempt again with its idempotency key.
    Replay(Attempt),
    /// Write down what the destination says is current.
    Record(Box<Carried>),
    /// Revoke this token, once the issuer shows its whole marker.
    Revoke(TokenRef),
    /// Write down that the revoke of this token is done.
    CloseRevoke {
        /// Which one.
        token: TokenRef,
        /// How it ended.
        ended: Ended,
    },
    /// Suspend this token, or end its suspension.
    SetEnabled(TokenRef, Switch),
    /// Change this token in place.
    Update(TokenRef, Change),
    /// Ask again whether the current value authenticates.
    Prove(TokenRef),
    /// Ask whether the value at the destination authenticates; the answer is seen, not recorded.
    Check(TokenRef),
    /// Take the value at the destination for the one of this token, and make its digest anew.
    TrustValue(TokenRef),
    /// Write down that a token which we meant to disable is not disabled by us.
    WithdrawIntent(TokenRef),
    /// Write down that this credential is one of the account of the tokens on record.
    Recognise(Identity),
    /// Close an attempt whose answer was lost.
    CloseAttempt {
        /// Which one.
        attempt: Attempt,
        /// Whether a token may exist that nothing can find.
        suspect: bool,
    },
    /// Remove the destination (deletion under `Revoke`).
    RemoveDestination,
    /// Give the destination back to its owner (deletion under `Retain`).
    ReleaseDestination,
    /// Nothing is left: the manager may go.
    Finish,
}

/// A state to switch a token to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Switch {
    /// It authenticates again.
    Enable,
    /// It authenticates no more, for now.
    Disable,
}

/// What to change on a living token: the inputs that it has afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The wanted inputs.
    pub inputs: Inputs,
    /// Which of them differ.
    pub kinds: Vec<crate::UpdateKind>,
}

/// What a rule says: a step and why, or why nothing may be done.
#[derive(Debug)]
struct Step {
    action: Option<Action>,
    reason: Reason,
}

/// A rule, and in a few words what it looks after.
type Rule = (&'static str, fn(&View<'_>, Timestamp) -> Option<Step>);

/// The rules, in the order in which they win.
const RULES: &[Rule] = &[
    ("one mint at a time", minting::running),
    (
        "nothing is sent to an account that is not ours",
        account::other_issuer,
    ),
    (
        "whose a new credential is, before anything depends on it",
        account::recognise,
    ),
    (
        "the destination is the truth about what is current",
        minting::published,
    ),
    (
        "the same mint again, where its answer can be had again",
        minting::replay,
    ),
    (
        "a lost answer that nothing can repair",
        minting::give_up_answer,
    ),
    (
        "make before break: the next token where one is due",
        minting::mint,
    ),
    (
        "what speaks against a token, and proves nothing",
        doubt::resolve,
    ),
    ("what was published unproven", tending::prove),
    (
        "inputs that the system can change in place",
        tending::update,
    ),
    ("enable or disable", tending::switch),
    // No revoke that fails may delay it.
    ("lost answers that left no token", tending::close_attempts),
    ("revokes that are seen to be done", revokes::close),
    ("overlaps that ended", tending::retire),
    ("tokens whose value is lost", tending::sweep),
    ("revokes that are not done", revokes::again),
    ("nothing to do, and this is why", tending::blocked),
];

/// What to do next.
///
/// Pure: the same view at the same instant gives the same decision, at every restart.
#[must_use]
pub fn decide(view: &View<'_>, now: Timestamp) -> Decision {
    let step = first(RULES, view, now).map(|(_, step)| step);
    decision(view, now, step)
}

/// The first rule that has something to say: how many were asked before it, and what it says.
fn first(rules: &[Rule], view: &View<'_>, now: Timestamp) -> Option<(usize, Step)> {
    let mut rules = rules.iter().enumerate();
    rules.find_map(|(before, (_, rule))| Some((before, rule(view, now)?)))
}

/// A decision, and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The rules that were asked, in their order. The last one won, unless `none_won`.
    pub asked: Vec<&'static str>,
    /// Whether no rule had anything to say.
    pub none_won: bool,
    /// What was decided.
    pub decision: Decision,
}

/// What to do next, and which rules were asked for it.
#[must_use]
pub fn explain(view: &View<'_>, now: Timestamp) -> Explained {
    explained(RULES, view, now)
}

fn explained(rules: &[Rule], view: &View<'_>, now: Timestamp) -> Explained {
    let won = first(rules, view, now);
    let asked = won
        .as_ref()
        .map_or(rules.len(), |(before, _)| before.saturating_add(1));
    Explained {
        asked: rules.iter().take(asked).map(|(name, _)| *name).collect(),
        none_won: won.is_none(),
        decision: decision(view, now, won.map(|(_, step)| step)),
    }
}

fn decision(view: &View<'_>, now: Timestamp, step: Option<Step>) -> Decision {
    let Step { action, reason } = step.unwrap_or(Step {
        action: None,
        reason: Reason::Quiet,
    });
    Decision {
        action,
        reason,
        check_again: instants::next(view, now),
        inventory: instants::inventory(view, now),
    }
}

fn act(action: Action, reason: Reason) -> Option<Step> {
    Some(Step {
        action: Some(action),
        reason,
    })
}

fn wait(reason: Reason) -> Option<Step> {
    Some(Step {
        action: None,
        reason,
    })
}

/// What a wait after a failed mint is for: another wish, trigger or credential ends it.
#[must_use]
pub fn basis(spec: &Spec, issuer: &IssuerSeen) -> String {
    let mut digest = Sha256::new();
    for text in [&spec.written, &spec.trigger, &issuer.credential] {
        let text = text.as_deref().unwrap_or_default();
        digest.update(text.len().to_be_bytes());
        digest.update(text);
    }
    let digest = digest.finalize();
    let short = digest.iter().take(6);
    short.map(|byte| format!("{byte:02x}")).collect()
}

impl View<'_> {
    /// Until when the next mint waits after one that failed.
    #[must_use]
    pub fn waits_until(&self, now: Timestamp) -> Option<Timestamp> {
        let of_this = |of: &String| *of == basis(self.spec, &self.observed.issuer);
        let same = self.record.retry_basis.as_ref().is_none_or(of_this);
        self.record.retry_at.filter(|at| *at > now && same)
    }

    /// Open attempts that no flow of this process is working on.
    pub(crate) fn lost_attempts(&self) -> impl Iterator<Item = &Attempt> {
        let running = self.observed.running.as_ref();
        self.record
            .attempts
            .iter()
            .filter(move |a| Some(&a.nonce) != running)
    }

    /// The tokens with our marker that nothing of ours explains: another writer made them.
    pub fn foreign(&self) -> impl Iterator<Item = &Sighting> {
        let acknowledged = &self.spec.acknowledged;
        let foreign = self.sightings(Standing::Foreign);
        foreign.filter(|sighting| !acknowledged.contains(&sighting.id))
    }

    fn foreign_activity(&self) -> bool {
        self.foreign().next().is_some()
    }

    fn sightings(&self, standing: Standing) -> impl Iterator<Item = &Sighting> {
        let ours = self.observed.survey.iter().flat_map(|survey| &survey.ours);
        ours.filter(move |sighting| sighting.standing(self.record) == standing)
    }

    /// Until when a superseded token stays: what the destination shows counts, where it says later.
    fn not_before(&self, retiring: &Retiring) -> Timestamp {
        let current = self.record.current.as_ref();
        let not_before = schedule::lowered(self.spec, self.can, current, retiring);
        let Destination::Present {
            carried: Some(carried),
            ..
        } = &self.observed.destination
        else {
            return not_before;
        };
        let shown = carried
            .retiring
            .iter()
            .filter(|r| r.token == retiring.token);
        shown.map(|r| r.not_before).fold(not_before, Timestamp::max)
    }

    fn revokes_held(&self) -> bool {
        self.observed.hold_revokes || self.foreign_activity()
    }

    /// The reference of a sighted token, as the issuer that showed it is known now.
    fn reference(&self, sighting: &Sighting) -> TokenRef {
        if let Some(open) = self.record.open_revoke(&sighting.id, &sighting.marker) {
            return open.token.clone();
        }
        let parameters = match self.record.attempt(&sighting.marker.nonce) {
            Some(attempt) => &attempt.inputs.parameters,
            None => &self.spec.inputs.parameters,
        };
        TokenRef {
            id: sighting.id.clone(),
            marker: sighting.marker.clone(),
            parameters: parameters.clone(),
            endpoint: self.observed.issuer.endpoint.clone(),
            identity: self.observed.issuer.identity.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
