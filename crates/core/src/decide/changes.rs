//! What the wanted inputs differ in from those of the current token.

use jiff::Timestamp;

use super::action::Change;
use super::view::View;
use crate::capabilities::UpdateKind;
use crate::duration::Lifetime;
use crate::instant::after;
use crate::record::Held;
use crate::schedule;

/// What the wanted inputs differ in, and whether only a new token can have them.
#[derive(Debug)]
pub(super) struct Changes {
    pub(super) change: Change,
    pub(super) remint: bool,
}

pub(super) fn changes(view: &View<'_>, now: Timestamp) -> Option<Changes> {
    let current = view.record.current.as_ref()?;
    let (has, wants) = (&current.inputs, &view.spec.inputs);
    if has == wants {
        return None;
    }
    let mut kinds = Vec::new();
    if has.name != wants.name {
        kinds.push(UpdateKind::Name);
    }
    if has.scopes != wants.scopes {
        kinds.push(UpdateKind::Scopes);
    }
    let mut remint = has.parameters != wants.parameters;
    if has.lifetime != wants.lifetime {
        let end_of = |lifetime: Lifetime| lifetime.duration().map(|d| after(current.created_at, d));
        let (ends, wanted_end) = (end_of(has.lifetime), end_of(wants.lifetime));
        // An issuer may have given less than was asked for.
        let ends = ends.map(|end| current.relied_on_until().unwrap_or(end).min(end));
        kinds.push(match (ends, wanted_end) {
            (None, _) => UpdateKind::AddExpiry,
            (Some(ends), Some(wanted)) if wanted <= ends => UpdateKind::ShortenExpiry,
            (Some(_), _) => UpdateKind::ExtendExpiry,
        });
        // An end that lies behind, or so near that a renewal is due, would end what works.
        let changed = Held {
            expires_at: wanted_end,
            wished_end: wanted_end,
            ..current.clone()
        };
        let due = schedule::renew_at(view.spec, &changed);
        remint |= wanted_end.into_iter().chain(due).any(|at| at <= now);
    }
    remint |= kinds.iter().any(|kind| !view.can.update.contains(kind));
    Some(Changes {
        change: Change {
            inputs: wants.clone(),
            kinds,
        },
        remint,
    })
}
