//! `tokenwright_api_token`: one token, by its id or its name.

use tfplugin::{DataSource, Diagnostics, Value, async_trait};
use tokenwright_client::Token;

use super::row::{row, wanted_name};
use super::{listing, open};
use crate::schema::names::*;
use crate::session::Sessions;
use crate::values::parameters;

/// The data source.
#[derive(Debug, Default)]
pub(crate) struct TokenData {
    pub(crate) sessions: Sessions,
}

#[async_trait]
impl DataSource for TokenData {
    async fn read(&self, config: Value, diags: &mut Diagnostics) -> Value {
        let mut state = config;
        let Some((connected, session)) = open(&self.sessions, &state, diags) else {
            return state;
        };
        let Some(listing) = listing(&session, &parameters(&state), diags).await else {
            return state;
        };
        let [id, name] = [TOKEN_ID, NAME].map(|name| state.get(name).as_str());
        let wanted = |token: &&Token| match id {
            Some(id) => token.id.as_str() == id,
            None => name.is_some_and(|name| {
                token.name.as_deref() == Some(name) || wanted_name(token).as_deref() == Some(name)
            }),
        };
        let named: Vec<_> = listing.tokens.iter().filter(wanted).collect();
        let latest = named.iter().filter(|token| is_latest(token, &named));
        let found: Vec<_> = latest.copied().collect();
        match found.as_slice() {
            [token] => {
                let row = row(token, &connected.origin);
                for (name, value) in row.as_map().into_iter().flatten() {
                    // What is configured stays as it is written.
                    if state.get(name).is_null() {
                        state.insert(name, value.clone());
                    }
                }
            }
            [] => diags.error_at(
                match state.get(TOKEN_ID).is_null() {
                    true => NAME.path(),
                    false => TOKEN_ID.path(),
                },
                "There is no such token",
                format!(
                    "Issuer {:?} shows {} tokens with this credential and these parameters, and this one is not among them.",
                    connected.name,
                    listing.tokens.len()
                ),
            ),
            several => {
                let ids = several.iter().map(|token| token.id.to_string());
                let ids: Vec<_> = ids.collect();
                diags.error_at(
                    NAME.path(),
                    "Several tokens have this name",
                    format!("Name one of them with token_id: {}.", ids.join(", ")),
                );
            }
        }
        state
    }
}

/// Whether no later token of the same resource is among these: earlier ones end with their overlap.
fn is_latest(token: &Token, among: &[&Token]) -> bool {
    let Some(marker) = token.marker() else {
        return true;
    };
    let mut others = among.iter().filter_map(|other| other.marker());
    !others.any(|other| {
        let same = other.origin == marker.origin && other.manager == marker.manager;
        same && other.revision > marker.revision
    })
}
