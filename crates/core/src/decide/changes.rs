//! What the wanted inputs differ in from those of the current token.

use jiff::Timestamp;

use super::action::Change;
use super::view::View;
use crate::capabilities::UpdateKind;
use crate::duration::Lifetime;
use crate::instant::after;

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
        let wanted_end = wants
            .lifetime
            .duration()
            .map(|d| after(current.created_at, d));
        kinds.push(match (has.lifetime, wants.lifetime) {
            (Lifetime::Never, _) => UpdateKind::AddExpiry,
            (Lifetime::For(_), Lifetime::Never) => UpdateKind::ExtendExpiry,
            (Lifetime::For(a), Lifetime::For(b)) if b < a => UpdateKind::ShortenExpiry,
            (Lifetime::For(_), Lifetime::For(_)) => UpdateKind::ExtendExpiry,
        });
        // An expiry that already lies behind would end what works.
        remint |= wanted_end.is_some_and(|end| end <= now);
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
