//! `token`: what is alive at an issuer, and what each token is to the records.

pub(crate) mod list;
pub(crate) mod orphans;

use jiff::Timestamp;
use serde::Serialize;
use tokenwright_client::Token;
use tokenwright_core::Marker;

use crate::records::{Records, Standing, own_command};

/// One token, as programs read it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    pub(crate) id: String,
    /// The name without the marker; null where the system shows none.
    pub(crate) name: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) owner: Option<String>,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) last_used_at: Option<Timestamp>,
    /// Null is never.
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) enabled: Option<bool>,
    pub(crate) marker: Option<String>,
    pub(crate) standing: Standing,
}

impl Row {
    pub(crate) fn of(token: &Token, records: &Records) -> Self {
        let marker = token.marker();
        Self {
            id: token.id.to_string(),
            name: token
                .name
                .as_deref()
                .map(|name| wanted(name, marker.as_ref())),
            scopes: token.details.scopes.iter().cloned().collect(),
            owner: token.details.owner.clone(),
            created_at: token.details.created_at,
            last_used_at: token.details.last_used_at,
            expires_at: token.expires_at,
            enabled: token.enabled,
            standing: records.standing(marker.as_ref()),
            marker: marker.map(|marker| marker.to_string()),
        }
    }

    /// Who manages it, in a few words.
    pub(crate) fn manager(&self) -> String {
        let marker = self
            .marker
            .as_deref()
            .and_then(|text| text.parse::<Marker>().ok());
        match (&self.standing, marker) {
            (Standing::Managed(who), _) => who.clone(),
            (Standing::LostAnswer(who), _) => format!("{who} (lost answer)"),
            (Standing::Newer(who), _) => format!("{who} (newer than its record)"),
            (Standing::Orphan(why), _) => format!("orphan: {why}"),
            (Standing::Ephemeral, _) => "a run of terraform".to_owned(),
            (Standing::Unmarked, _) | (_, None) => "-".to_owned(),
            (Standing::Unclaimed | Standing::Elsewhere, Some(marker)) => match own_command(&marker)
            {
                Some(command) => command.to_owned(),
                None => format!("{} at {}", marker.manager, marker.origin),
            },
        }
    }
}

/// The name as it was asked for, before the marker.
fn wanted(remote_name: &str, marker: Option<&Marker>) -> String {
    let marker = marker.map(ToString::to_string).unwrap_or_default();
    let name = remote_name.strip_suffix(&marker).unwrap_or(remote_name);
    name.trim_end().to_owned()
}
