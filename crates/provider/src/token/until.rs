//! A fixed end: `expires_at` as a wish, in place of a lifetime.
//!
//! `core` knows lifetimes alone. One that leads from a mint to the wanted end is made of the wish where it is
//! needed; what is kept is the wish, in the words of whoever wrote it.

use jiff::{SignedDuration, Timestamp};
use tfplugin::{AttributePath, Diagnostics, Value};
use tokenwright_core::Lifetime;

use crate::diagnostics;

/// The wanted end of every token of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Until {
    pub(super) at: Timestamp,
    pub(super) text: String,
}

impl Until {
    /// Reads a configuration or state. Beside a lifetime, `expires_at` is what came of it, and no wish.
    pub(super) fn read(value: &Value, diags: &mut Diagnostics) -> Option<Self> {
        let text = value.get("expires_at").as_str();
        let text = text.filter(|_| value.get("lifetime").is_null())?;
        match text.parse() {
            Ok(at) => Some(Self {
                at,
                text: text.to_owned(),
            }),
            Err(_) => {
                let summary = "expires_at is no instant";
                let detail = "Write it as 2027-01-31T00:00:00Z.";
                diags.error_at(AttributePath::new("expires_at"), summary, detail);
                None
            }
        }
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

/// One end, and not two: a lifetime, or the instant. Only what is known is judged.
pub(super) fn check_choice(value: &Value, until: Option<&Until>, diags: &mut Diagnostics) {
    let (lifetime, expires_at) = (value.get("lifetime"), value.get("expires_at"));
    if lifetime.is_null() && expires_at.is_null() {
        diags.error_at(
            AttributePath::new("lifetime"),
            "lifetime is required",
            "It needs a value, such as 90d or the explicit never, or expires_at in its place; null is none.",
        );
    }
    if lifetime.as_str().is_some() && expires_at.as_str().is_some() {
        diags.error_at(
            AttributePath::new("expires_at"),
            "expires_at stands beside lifetime",
            "A token has one end: give the one or the other.",
        );
    }
    let Some(_) = until else { return };
    for field in ["renew_before", "every"] {
        if value.get("rotation").get(field).as_str().is_some() {
            diags.error_at(
                diagnostics::path(field),
                format!("{} needs a lifetime", diagnostics::full_name(field)),
                "Tokens with a fixed end all end at once: the next is minted when expires_at is moved, or by rotation.triggers.",
            );
        }
    }
}
