//! `tokenwright_api_tokens`: the inventory of an issuer.

use tfplugin::{DataSource, Diagnostics, Value, async_trait};

use super::filters::Filters;
use super::row::row;
use super::{listing, open};
use crate::schema::names::*;
use crate::session::Sessions;
use crate::values::parameters;

/// The data source.
#[derive(Debug, Default)]
pub(crate) struct TokensData {
    pub(crate) sessions: Sessions,
}

#[async_trait]
impl DataSource for TokensData {
    async fn read(&self, config: Value, diags: &mut Diagnostics) -> Value {
        let mut state = config;
        let filters = Filters::read(&state);
        let Some((connected, session)) = open(&self.sessions, &state, diags) else {
            return state;
        };
        let Some(listing) = listing(&session, &parameters(&state), diags).await else {
            return state;
        };
        let now = session.now();
        let pass = |token: &&tokenwright_client::Token| filters.pass(token, &connected.origin, now);
        let mut found: Vec<_> = listing.tokens.iter().filter(pass).collect();
        // In an order of its own, whatever the issuer's is: a plan shows what changed.
        found.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
        let rows = found.iter().map(|token| row(token, &connected.origin));
        state.set(TOKENS, rows.collect::<Vec<_>>());
        let ids = found.iter().map(|token| token.id.to_string());
        state.set(TOKEN_IDS, ids.collect::<Vec<_>>());
        state
    }
}
