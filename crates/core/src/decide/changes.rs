//! What the wanted inputs differ in from those of the current token, as far as those are known: where nobody knows
//! what became of an update, all that it may have done is set again, whatever is wanted by now, and read back.

use jiff::Timestamp;

use super::action::Change;
use super::view::View;
use crate::capabilities::UpdateKind;
use crate::duration::Lifetime;
use crate::instant::after;
use crate::record::Held;
use crate::schedule;
use crate::spec::Inputs;

/// What the wanted inputs differ in, and whether only a new token can have them.
#[derive(Debug)]
pub(super) struct Changes {
    pub(super) change: Change,
    pub(super) remint: bool,
}

pub(super) fn changes(view: &View<'_>, now: Timestamp) -> Option<Changes> {
    let current = view.record.current.as_ref()?;
    let has = &current.inputs;
    let unsure = view.record.doubts_inputs();
    // Which way its end is to be moved is known once it is known where that is; where nothing moves it, it is.
    let moves = view.can.update.iter().any(UpdateKind::moves_the_end);
    let wants = &match unsure && moves {
        true => Inputs {
            lifetime: has.lifetime,
            ..view.spec.inputs.clone()
        },
        false => view.spec.inputs.clone(),
    };
    let again = |kind| unsure && view.can.update.contains(&kind);
    let mut kinds = Vec::new();
    if has.name != wants.name || again(UpdateKind::Name) {
        kinds.push(UpdateKind::Name);
    }
    if has.scopes != wants.scopes || again(UpdateKind::Scopes) {
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
    if kinds.is_empty() && !remint && !unsure {
        return None;
    }
    // A name comes alone and first, so that what was done is on record where the rest is refused.
    let alone = kinds.first() == Some(&UpdateKind::Name) && kinds.len() > 1;
    let change = match alone && !unsure && !remint {
        true => Change {
            inputs: Inputs {
                name: wants.name.clone(),
                ..has.clone()
            },
            kinds: vec![UpdateKind::Name],
        },
        false => Change {
            inputs: wants.clone(),
            kinds,
        },
    };
    Some(Changes { change, remint })
}
