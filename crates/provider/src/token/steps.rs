//! The steps ahead: `core`'s plan under Terraform's rules. Pure, so that both plan calls and the apply
//! between which nothing changed agree on every step.

use jiff::Timestamp;
use tfplugin::Value;
use tokenwright_client::Issuer;
use tokenwright_core::{Action, Change, Origin, Reason, Revision, Switch, TokenRef, View, plan};

use super::state::Stored;
use super::wanted::{CONFIGURED, Wanted};
use crate::connect::Connected;

/// Stands for the triggers of a token without a value; no map of triggers reads so.
const NO_VALUE: &str = "no value";

/// What an apply does, in this order, and why nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ahead {
    pub(super) steps: Vec<(Action, Reason)>,
    pub(super) then: Reason,
}

impl Ahead {
    /// The steps for a state that was last read at `read_at`.
    /// `changed` says whether the plan shows a change of what is configured.
    pub(super) fn of(
        stored: &Stored,
        wanted: &Wanted,
        (issuer, origin): (&dyn Issuer, &Origin),
        read_at: Timestamp,
        changed: bool,
    ) -> Self {
        let observed = stored.observed(origin, issuer.endpoint(), read_at);
        let mut spec = wanted.spec.following(observed.status);
        // A value that cannot be had is a trigger that no apply has handled.
        if stored.valueless && wanted.rotates_without_value {
            spec.trigger = Some(NO_VALUE.to_owned());
        }
        let view = View {
            spec: &spec,
            record: &stored.record,
            observed: &observed,
            can: issuer.capabilities(),
        };
        let ahead = plan(&view, read_at);
        let retiring = |token: &TokenRef| stored.record.retiring.iter().find(|r| r.token == *token);
        let kept = ahead.steps.into_iter().filter(|(action, _)| match action {
            // Only what the prior state names as retiring: what this apply supersedes waits for a later one.
            // Somebody may hold the value of a found token, so a rotation does not cut its overlap short.
            Action::Revoke(token) => retiring(token).is_some_and(|retiring| {
                !stored.was_found(&token.id) || retiring.not_before <= read_at
            }),
            // Reading asks again whether a value authenticates; no plan is needed for that.
            Action::Prove(_) | Action::Check(_) | Action::TrustValue(_) => false,
            // It says nothing to the issuer; the next read shows the same.
            Action::WithdrawIntent(_) | Action::Recognise(_) => false,
            Action::Mint { .. } | Action::Update(..) | Action::SetEnabled(..) => true,
            // Without open attempts and without a destination that could be lost, these do not occur.
            Action::Replay(_)
            | Action::Record(_)
            | Action::CloseAttempt { .. }
            | Action::CloseRevoke { .. }
            | Action::RemoveDestination
            | Action::ReleaseDestination
            | Action::Finish => false,
        });
        let mut steps: Vec<_> = kept.collect();
        let only_expired = steps.iter().all(|(action, _)| match action {
            Action::Revoke(token) => {
                let expires_at = retiring(token).and_then(|retiring| retiring.expires_at);
                expires_at.is_some_and(|at| at <= read_at)
            }
            _ => false,
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
        [before, now]: [Timestamp; 2],
    ) -> bool {
        let at = (&*connected.issuer, &connected.origin);
        let ahead = |present, changed| Self::of(stored, wanted, at, present, changed);
        [false, true]
            .into_iter()
            .any(|changed| ahead(before, changed) != ahead(now, changed))
    }

    /// The revision that is minted, and why, if one is.
    pub(super) fn mints(&self) -> Option<(Revision, Reason)> {
        self.steps.iter().find_map(|(action, reason)| match action {
            Action::Mint { revision } => Some((*revision, *reason)),
            _ => None,
        })
    }

    /// The change that is made on the living token, if one is.
    pub(super) fn updates(&self) -> Option<&Change> {
        self.steps.iter().find_map(|(action, _)| match action {
            Action::Update(_, change) => Some(change),
            _ => None,
        })
    }

    /// The switch that is thrown last, if one is.
    pub(super) fn switches(&self) -> Option<Switch> {
        self.steps
            .iter()
            .rev()
            .find_map(|(action, _)| match action {
                Action::SetEnabled(_, switch) => Some(*switch),
                _ => None,
            })
    }

    pub(super) fn revokes(&self) -> bool {
        let mut actions = self.steps.iter().map(|(action, _)| action);
        actions.any(|action| matches!(action, Action::Revoke(_)))
    }
}

/// Whether what is configured differs between two states.
pub(super) fn changed(prior: &Value, planned: &Value) -> bool {
    CONFIGURED
        .iter()
        .any(|name| prior.get(name) != planned.get(name))
}
