//! What a rule is, and what it can say.

use jiff::Timestamp;

use super::action::Action;
use super::view::View;
use crate::reason::Reason;

/// What a rule says: a step and why, or why nothing may be done.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) action: Option<Action>,
    pub(super) reason: Reason,
}

/// A rule, and in a few words what it looks after.
pub(super) type Rule = (&'static str, fn(&View<'_>, Timestamp) -> Option<Step>);

pub(super) fn act(action: impl Into<Action>, reason: Reason) -> Option<Step> {
    Some(Step {
        action: Some(action.into()),
        reason,
    })
}

pub(super) fn wait(reason: Reason) -> Option<Step> {
    Some(Step {
        action: None,
        reason,
    })
}
