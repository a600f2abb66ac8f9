//! A fixed end: `expires_at` as a wish, in place of a lifetime.
//!
//! `core` knows lifetimes alone. One that leads from a mint to the wanted end is made of the wish where it is
//! needed; what is kept is the wish, in the words of whoever wrote it.

use jiff::{SignedDuration, Timestamp};
use tfplugin::{Diagnostics, Value};
use tokenwright_client::Issuer;
use tokenwright_core::instant::after;
use tokenwright_core::{Held, Lifetime};

use crate::schema::names::*;

/// Issuers give or take a few seconds between the mint and what they count from.
pub(super) const ROUNDING: SignedDuration = SignedDuration::from_secs(5);

/// The wanted end of every token of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Until {
    pub(super) at: Timestamp,
    pub(super) text: String,
}

impl Until {
    /// Reads a configuration or state. Beside a lifetime, `expires_at` is what came of it, and no wish.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let text = value.get(EXPIRES_AT).as_str();
        let text = text.filter(|_| value.get(LIFETIME).is_null())?;
        Some(Self {
            at: text.parse().ok()?,
            text: text.to_owned(),
        })
    }

    /// The lifetime of a token that was minted then. In whole seconds, as issuers count; a part of one is
    /// none too early.
    pub(super) fn lifetime(&self, minted_at: Timestamp) -> Lifetime {
        let left = self.at.duration_since(minted_at);
        let part = i64::from(left.subsec_nanos() > 0);
        Lifetime::For(SignedDuration::from_secs(
            left.as_secs().saturating_add(part),
        ))
    }
}

impl Until {
    /// Whether a token ends so, or as this system gives it.
    pub(super) fn is_end_of(&self, held: &Held, issuer: &dyn Issuer) -> bool {
        let wished = self.lifetime(held.created_at).duration();
        let given = wished.map(|wished| after(held.created_at, issuer.rounded(wished)));
        let near = |at: Timestamp| {
            let ends = held.expires_at.map(|ends| ends.duration_since(at).abs());
            ends.is_some_and(|off| off <= ROUNDING)
        };
        near(self.at) || given.is_some_and(near)
    }
}

/// Whether two lifetimes differ by no more than what issuers round.
pub(super) fn same_length(one: Lifetime, other: Lifetime) -> bool {
    match (one.duration(), other.duration()) {
        (Some(one), Some(other)) => one.saturating_sub(other).abs() <= ROUNDING,
        (_, _) => one == other,
    }
}

/// Takes an end out of what a plan is given that stands beside a lifetime: a core lays it there for `ignore_changes`,
/// as it came of the lifetime. It is no wish; a configuration that has both is refused before any plan.
pub(super) fn take_ignored(config: &mut Value, prior: &Value) -> Option<Value> {
    let lasts = [&*config, prior]
        .iter()
        .all(|of| !of.get(LIFETIME).is_null());
    let end = config.get(EXPIRES_AT).clone();
    let ignored = lasts && end.as_str().is_some() && end == *prior.get(EXPIRES_AT);
    ignored.then(|| {
        config.insert(EXPIRES_AT, Value::Null);
        end
    })
}

/// Shows that end again, as a core wants it. The record says when the token ends indeed.
pub(super) fn keep_ignored(end: Value, planned: &mut Value) {
    if planned.get(EXPIRES_AT).is_unknown() {
        planned.open(&[&RECORD]);
    }
    planned.set(EXPIRES_AT, end);
}

/// One end, and not two: a lifetime, or the instant. Only what is known is judged.
pub(super) fn check_choice(value: &Value, until: Option<&Until>, diags: &mut Diagnostics) {
    let (lifetime, expires_at) = (value.get(LIFETIME), value.get(EXPIRES_AT));
    if lifetime.is_null() && expires_at.is_null() {
        diags.error_at(
            LIFETIME.path(),
            "lifetime is required",
            "It needs a value, such as 90d or the explicit never, or expires_at in its place; null is none.",
        );
    }
    if lifetime.as_str().is_some() && expires_at.as_str().is_some() {
        diags.error_at(
            EXPIRES_AT.path(),
            "expires_at stands beside lifetime",
            "A token has one end: give the one or the other.",
        );
    }
    let Some(_) = until else { return };
    for name in [RENEW_BEFORE, EVERY] {
        if value.get(ROTATION).get(name).as_str().is_some() {
            let path = ROTATION.path().attribute(name);
            diags.error_at(
                path.clone(),
                format!("{path} needs a lifetime"),
                "Tokens with a fixed end all end at once: the next is minted when expires_at is moved, or by rotation.triggers.",
            );
        }
    }
}
