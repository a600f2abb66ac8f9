//! What could be imported: the latest token of each manager that an issuer shows.

use std::collections::BTreeMap;

use tfplugin::{Diagnostics, List, Listed, Lister, async_trait};
use tokenwright_client::Token;
use tokenwright_core::{ManagerId, Marker};

use super::ephemeral::of_one_run;
use super::import::{Asked, named, state_of};
use crate::data::{Filters, listing, open, wanted_name};
use crate::schema::names::*;
use crate::session::Sessions;
use crate::values::parameters;

/// The list resource.
#[derive(Debug, Default)]
pub(crate) struct TokenList {
    pub(crate) sessions: Sessions,
}

#[async_trait]
impl Lister for TokenList {
    async fn list(&self, request: List, diags: &mut Diagnostics) -> Vec<Listed> {
        let config = &request.config;
        let filters = Filters::read(config);
        let Some((connected, session)) = open(&self.sessions, config, diags) else {
            return Vec::new();
        };
        let needs = parameters(config);
        let Some(listing) = listing(&session, &needs, diags).await else {
            return Vec::new();
        };
        let now = session.now();
        let mut found = Vec::new();
        for (manager, (marker, token)) in latest(&listing.tokens) {
            if !filters.pass(token, &connected.origin, now) {
                continue;
            }
            let asked = Asked {
                token_id: token.id.to_string(),
                issuer: config.read(ISSUER),
                parameters: needs.clone(),
                ..Asked::default()
            };
            let state = match request.states {
                true => state_of(&session, &asked, (token, Some(&*listing)), diags).await,
                false => None,
            };
            // What is wrong with one is wrong with all.
            if diags.has_errors() {
                break;
            }
            found.push(Listed {
                identity: named(&manager, connected.issuer.endpoint(), &needs),
                display_name: format!(
                    "{} (revision {})",
                    wanted_name(token).unwrap_or_default(),
                    marker.revision
                ),
                state,
            });
        }
        found
    }
}

/// The latest token of each manager; earlier ones end with their overlap, and those of one run with it.
fn latest(tokens: &[Token]) -> BTreeMap<ManagerId, (Marker, &Token)> {
    let mut latest: BTreeMap<_, (Marker, &Token)> = BTreeMap::new();
    for token in tokens {
        let Some(marker) = token.marker().filter(|marker| !of_one_run(marker)) else {
            continue;
        };
        let known = latest.get(&marker.manager);
        if known.is_none_or(|(known, _)| known.revision < marker.revision) {
            latest.insert(marker.manager.clone(), (marker, token));
        }
    }
    latest
}
