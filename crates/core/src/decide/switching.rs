//! Whether the current token is enabled, and whether it is to be.

use jiff::Timestamp;

use super::action::{AtIssuer, Note, Switch};
use super::rule::{Step, act};
use super::view::View;
use crate::capabilities::{Disable, LostAnswer};
use crate::reason::Reason;
use crate::record::{Duty, Held};
use crate::spec::WantedState;
use crate::token::TokenStatus;

/// What is known of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It is enabled.
    Enabled,
    /// It is disabled.
    Disabled,
    /// It was switched, and the answer was lost.
    Either,
    /// Nothing for now.
    Nothing,
}

pub(super) fn switch(view: &View<'_>, now: Timestamp) -> Option<Step> {
    let current = view.record.current.as_ref()?;
    if not_our_doing(view, current) {
        return act(Note::IntentWithdrawn, Reason::IntentWithdrawn);
    }
    let wanted = switch_wanted(view, current)?;
    let waits = view.record.paused(Duty::Switch, now).is_some();
    if view.can.disable == Disable::Unsupported || waits {
        return None;
    }
    let reason = match wanted {
        Switch::Enable => Reason::Enabling,
        Switch::Disable => Reason::Disabling,
    };
    act(AtIssuer::SetEnabled(current.token.clone(), wanted), reason)
}

/// Whether a token that we meant to disable is enabled after all: a later disabling is somebody else's.
fn not_our_doing(view: &View<'_>, current: &Held) -> bool {
    let unwanted = view.spec.state != WantedState::Disabled;
    current.disabled_by_us && unwanted && known(view, current) == Known::Enabled
}

/// What somebody else disabled is enabled only where a person says so explicitly.
fn switch_wanted(view: &View<'_>, current: &Held) -> Option<Switch> {
    match (view.spec.state, known(view, current)) {
        (WantedState::Disabled, Known::Enabled | Known::Either) => Some(Switch::Disable),
        (WantedState::EnabledExplicitly, Known::Disabled | Known::Either) => Some(Switch::Enable),
        (WantedState::Enabled, Known::Disabled | Known::Either) if current.disabled_by_us => {
            Some(Switch::Enable)
        }
        (
            WantedState::Follow
            | WantedState::Enabled
            | WantedState::EnabledExplicitly
            | WantedState::Disabled,
            _,
        ) => None,
    }
}

/// What the issuer shows counts. Where it never shows which tokens are ours, or whether they are enabled, the record
/// is all that tells: what we switched, and whether an answer to that came.
fn known(view: &View<'_>, current: &Held) -> Known {
    let shows_names = view.can.lost_answer == LostAnswer::FindByMarker;
    match view.observed.status {
        TokenStatus::Active if !says_nothing(view, current) => Known::Enabled,
        TokenStatus::Disabled => Known::Disabled,
        TokenStatus::Unknown if shows_names => Known::Nothing,
        TokenStatus::Active | TokenStatus::Unknown => match current.disabled_by_us {
            false => Known::Enabled,
            true if unanswered(view) => Known::Either,
            true => Known::Disabled,
        },
        TokenStatus::Unlisted | TokenStatus::Missing | TokenStatus::Dead => Known::Nothing,
    }
}

/// Whether the listing shows the token and not whether it is enabled.
fn says_nothing(view: &View<'_>, current: &Held) -> bool {
    let mut shown = view.observed.survey.iter().flat_map(|survey| &survey.ours);
    shown.any(|s| s.id == current.token.id && s.enabled.is_none())
}

/// Whether the last switch did not come to its end.
fn unanswered(view: &View<'_>) -> bool {
    let mut pauses = view.record.pauses.iter();
    pauses.any(|pause| pause.duty == Duty::Switch)
}

impl View<'_> {
    /// Why nobody is to rely on the current token, though it lives: it is disabled, or a person wants that.
    #[must_use]
    pub fn out_of_use(&self) -> Option<Reason> {
        let current = self.record.current.as_ref()?;
        let by_us = current.disabled_by_us;
        let known = match known(self, current) {
            Known::Nothing if by_us && unanswered(self) => Known::Either,
            Known::Nothing if by_us => Known::Disabled,
            known => known,
        };
        match (self.spec.state, known) {
            (WantedState::Disabled, Known::Disabled) => Some(Reason::Disabled),
            (WantedState::Disabled, _) => Some(match self.can.disable {
                Disable::Unsupported => Reason::CannotDisable,
                Disable::SetState | Disable::BlindToggle => Reason::Disabling,
            }),
            (WantedState::Follow, _) | (_, Known::Enabled | Known::Nothing) => None,
            (WantedState::Enabled, _) if !by_us => Some(Reason::DisabledOutside),
            (WantedState::Enabled | WantedState::EnabledExplicitly, _) => Some(Reason::Enabling),
        }
    }
}
