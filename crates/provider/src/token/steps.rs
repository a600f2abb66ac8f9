//! The steps ahead: `core`'s plan under Terraform's rules. Pure, so that both plan calls and the apply
//! between which nothing changed agree on every step.

use tfplugin::Value;
use tokenwright_client::Issuer;
use tokenwright_core::{
    Action, AtIssuer, Change, Flow, Observed, Origin, Reason, Revision, Switch, TokenRef,
    TokenStatus, View, plan,
};

use super::present::Present;
use super::state::Stored;
use super::until::Until;
use super::wanted::{Wanted, configured};
use crate::connect::Connected;

/// Stands for the triggers of a token without a value; no map of triggers reads so.
const NO_VALUE: &str = "no value";
/// Stands for them where the value is wanted in another form.
const OTHER_OUTPUT: &str = "other output";

/// One step of an apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Mint this revision.
    Mint(Revision),
    /// Change the living token.
    Update(Change),
    /// Enable or disable it.
    SetEnabled(Switch),
    /// Revoke a superseded token.
    Revoke(TokenRef),
    /// Revoke the current token, whose place the next one needs.
    MakeRoom(TokenRef),
}

impl Step {
    /// What Terraform does of what `core` plans.
    fn of(action: Action, stored: &Stored, present: Present) -> Option<Self> {
        match action {
            Action::Flow(Flow::Mint { revision }) => Some(Self::Mint(revision)),
            Action::Issuer(AtIssuer::Update(_, change)) => Some(Self::Update(change)),
            Action::Issuer(AtIssuer::SetEnabled(_, switch)) => Some(Self::SetEnabled(switch)),
            // Only what the prior state names as retiring: what this apply supersedes waits for a later one.
            // Somebody may hold the value of a found token, so a rotation does not cut its overlap short.
            Action::Issuer(AtIssuer::Revoke(token)) => {
                let retiring = stored.retiring_as(&token)?;
                let over = !stored.was_found(&token.id) || present.is_past(retiring.not_before);
                over.then_some(Self::Revoke(token))
            }
            Action::Issuer(AtIssuer::MakeRoom(token)) => Some(Self::MakeRoom(token)),
            // Reading asks again whether a value authenticates; no plan is needed for that.
            Action::Issuer(AtIssuer::Prove(_) | AtIssuer::Check(_)) => None,
            // They say nothing to the issuer; the next read shows the same.
            Action::Record(_) => None,
            // There are no open attempts and no destination that could be lost.
            Action::Flow(Flow::Replay(_)) | Action::Destination(_) | Action::Finish => None,
        }
    }
}

/// What an apply does, in this order, and why nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ahead {
    pub(super) steps: Vec<(Step, Reason)>,
    pub(super) then: Reason,
}

impl Ahead {
    /// The steps for a state that was last read at `present`.
    /// `changed` says whether the plan shows a change of what is configured.
    pub(super) fn of(
        stored: &Stored,
        wanted: &Wanted,
        (issuer, origin): (&dyn Issuer, &Origin),
        present: Present,
        changed: bool,
    ) -> Self {
        let observed = Observed {
            clock_ahead: present.ahead,
            ..stored.observed(origin, issuer.endpoint(), present.at)
        };
        // What was suspended when it was lost is followed by what is suspended, as the state says and shows.
        let seen = match observed.status {
            TokenStatus::Missing | TokenStatus::Dead if stored.suspended => TokenStatus::Disabled,
            status => status,
        };
        let mut spec = wanted.spec.following(seen);
        // A value that cannot be had is a trigger that no apply has handled.
        if stored.valueless && wanted.rotates_without_value {
            spec.trigger = Some(NO_VALUE.to_owned());
        }
        // So is another form of the value, since the old one lies in old states.
        if !stored.valueless && stored.output != wanted.output {
            spec.trigger = Some(OTHER_OUTPUT.to_owned());
        }
        let view = View {
            spec: &spec,
            record: &stored.record,
            observed: &observed,
            can: issuer.capabilities(),
        };
        let ahead = plan(&view, present.at);
        let all = ahead.steps.into_iter();
        let mut steps: Vec<_> = all
            .filter_map(|(action, reason)| Some((Step::of(action, stored, present)?, reason)))
            .collect();
        let only_expired = steps.iter().all(|(step, _)| match step {
            Step::Revoke(token) => {
                let retiring = stored.retiring_as(token);
                let expires_at = retiring.and_then(|retiring| retiring.expires_at);
                expires_at.is_some_and(|at| present.is_past(at))
            }
            Step::Mint(_) | Step::Update(_) | Step::SetEnabled(_) | Step::MakeRoom(_) => false,
        });
        // Nobody can use what has expired: it goes with the next planned change, never as a plan of its own.
        if only_expired && !changed {
            steps.clear();
        }
        Self {
            steps,
            then: ahead.then,
        }
    }

    /// Whether time alone has brought something to do, with or without another change.
    pub(super) fn differs(
        stored: &Stored,
        wanted: &Wanted,
        connected: &Connected,
        [before, now]: [Present; 2],
    ) -> bool {
        let at = (&*connected.issuer, &connected.origin);
        let ahead = |present, changed| Self::of(stored, wanted, at, present, changed);
        [false, true]
            .into_iter()
            .any(|changed| ahead(before, changed) != ahead(now, changed))
    }

    /// The revision that is minted, and why, if one is.
    pub(super) fn mints(&self) -> Option<(Revision, Reason)> {
        let (revision, reason) = self.steps.iter().find_map(|(step, reason)| match step {
            Step::Mint(revision) => Some((*revision, *reason)),
            _ => None,
        })?;
        // Where room is made for it, the reason is that of the room.
        let room = self.steps.iter().find_map(|(step, reason)| match step {
            Step::MakeRoom(_) => Some(*reason),
            _ => None,
        });
        Some((revision, room.unwrap_or(reason)))
    }

    /// The changes that are made on the living token: a name comes alone and first.
    pub(super) fn updates(&self) -> impl Iterator<Item = &Change> {
        self.steps.iter().filter_map(|(step, _)| match step {
            Step::Update(change) => Some(change),
            _ => None,
        })
    }

    /// The switch that is thrown last, if one is.
    pub(super) fn switches(&self) -> Option<Switch> {
        self.steps.iter().rev().find_map(|(step, _)| match step {
            Step::SetEnabled(switch) => Some(*switch),
            _ => None,
        })
    }

    pub(super) fn revokes(&self) -> bool {
        let mut steps = self.steps.iter().map(|(step, _)| step);
        steps.any(|step| matches!(step, Step::Revoke(_)))
    }
}

/// Whether what is configured differs between two states.
pub(super) fn changed(prior: &Value, planned: &Value) -> bool {
    let ends = |state: &Value| Until::read(state);
    configured().any(|name| prior.get(name) != planned.get(name)) || ends(prior) != ends(planned)
}
