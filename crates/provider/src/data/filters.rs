//! Which tokens of an inventory are wanted. All filters must agree; one that is absent lets all pass.

use jiff::{SignedDuration, Timestamp};
use tfplugin::Value;
use tokenwright_client::Token;
use tokenwright_core::Origin;
use tokenwright_core::instant::{after, before};

use super::row::wanted_name;
use crate::schema::names::*;
use crate::values::span;

/// The filters of a configuration.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Filters {
    name_prefix: Option<String>,
    owner: Option<String>,
    managed: Option<bool>,
    ours: Option<bool>,
    enabled: Option<bool>,
    expires_within: Option<SignedDuration>,
    unused_for: Option<SignedDuration>,
}

impl Filters {
    /// Reads a configuration.
    pub(crate) fn read(config: &Value) -> Self {
        Self {
            expires_within: span(config, EXPIRES_WITHIN),
            unused_for: span(config, UNUSED_FOR),
            name_prefix: config.read(NAME_PREFIX),
            owner: config.read(OWNER),
            managed: config.read(MANAGED),
            ours: config.read(OURS),
            enabled: config.read(ENABLED),
        }
    }

    /// Whether a token passes all of them.
    pub(crate) fn pass(&self, token: &Token, origin: &Origin, now: Timestamp) -> bool {
        let marker = token.marker();
        let ours = marker
            .as_ref()
            .is_some_and(|marker| marker.origin == *origin);
        let named =
            |prefix: &String| wanted_name(token).is_some_and(|name| name.starts_with(prefix));
        self.name_prefix.as_ref().is_none_or(named)
            && (self.owner.is_none() || self.owner == token.details.owner)
            && self
                .managed
                .is_none_or(|managed| managed == marker.is_some())
            && self.ours.is_none_or(|wanted| wanted == ours)
            && self
                .enabled
                .is_none_or(|enabled| token.enabled == Some(enabled))
            && self
                .expires_within
                .is_none_or(|within| token.expires_at.is_some_and(|at| at <= after(now, within)))
            && self
                .unused_for
                .is_none_or(|long| unused(token, before(now, long)))
    }
}

/// Whether nobody used it since; one that was never used counts from its mint.
fn unused(token: &Token, since: Timestamp) -> bool {
    let last = token.details.last_used_at.or(token.details.created_at);
    last.is_some_and(|at| at <= since)
}

#[cfg(test)]
mod tests;
