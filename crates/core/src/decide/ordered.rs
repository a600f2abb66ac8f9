//! How a list of rules makes a decision: they are asked in their order, and the first that says something wins.

use jiff::Timestamp;

use super::action::Decision;
use super::instants;
use super::rule::{Rule, Step};
use super::view::View;
use crate::reason::Reason;

/// The first rule that has something to say: how many were asked before it, and what it says.
pub(super) fn first(rules: &[Rule], view: &View<'_>, now: Timestamp) -> Option<(usize, Step)> {
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

pub(super) fn explained(rules: &[Rule], view: &View<'_>, now: Timestamp) -> Explained {
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

pub(super) fn decision(view: &View<'_>, now: Timestamp, step: Option<Step>) -> Decision {
    let Step { action, reason } = step.unwrap_or(Step {
        action: None,
        reason: Reason::Quiet,
    });
    Decision {
        action,
        reason,
        check_again: instants::next(view, now),
        inventory: instants::inventory(view, now),
        awaited: instants::awaited(view),
    }
}
