//! The identity of a resource: the manager in the markers of its tokens. It outlives every rotation, as an
//! identity must: a core refuses one that changes.

use tfplugin::{Diagnostics, Value};
use tokenwright_core::{ManagerId, Parameters};

use super::Asked;
use crate::connect::{Connected, Purpose};
use crate::schema::names::*;
use crate::token::ApiToken;
use crate::token::state::Bookkeeping;
use crate::values::parameters;

/// The identity of the tokens of one manager, there and with these parameters.
pub(in crate::token) fn named(manager: &ManagerId, endpoint: &str, needs: &Parameters) -> Value {
    let written = needs.iter().map(|(name, text)| format!("{name}={text}"));
    let written: Vec<_> = written.collect();
    Value::empty()
        .with(MANAGER, manager.as_str())
        .with(ENDPOINT, endpoint)
        .with(PARAMETER_LIST, Some(written).filter(|all| !all.is_empty()))
}

/// The identity of the resource of a state; unknown where its record is.
pub(in crate::token) fn identity_of(state: &Value) -> Value {
    let record = state.get(RECORD);
    if record.is_unknown() || !state.get(PARAMETERS).is_wholly_known() {
        return Value::Unknown;
    }
    let (Some(kept), Some(endpoint)) = (Bookkeeping::read(record), state.get(ENDPOINT).as_str())
    else {
        return Value::Null;
    };
    named(&kept.manager(), endpoint, &parameters(state))
}

impl ApiToken {
    /// The token that an identity means: the latest one of its manager.
    pub(in crate::token) async fn asked_by(
        &self,
        identity: &Value,
        diags: &mut Diagnostics,
    ) -> Option<Asked> {
        let manager = identity.read(MANAGER).unwrap_or_default();
        let needs = needs(identity, diags)?;
        let issuers = self.issuers_of(identity, diags);
        let several = issuers.len() > 1 || self.sessions.issuer_of(&Value::Null).is_null();
        for connected in issuers {
            let session = (self.sessions).open(&connected, Default::default(), super::READ_TIMEOUT);
            let listing = crate::data::listing(&session, &needs, diags).await?;
            let revision = |token: &tokenwright_client::Token| {
                let marker = token.marker()?;
                (marker.manager.as_str() == manager).then_some(marker.revision)
            };
            let found = listing
                .tokens
                .iter()
                .filter_map(|token| Some((revision(token)?, token)));
            if let Some((_, token)) = found.max_by_key(|(revision, _)| *revision) {
                return Some(Asked {
                    token_id: token.id.to_string(),
                    issuer: several.then(|| connected.name.clone()),
                    parameters: needs,
                    ..Asked::default()
                });
            }
        }
        if !diags.has_errors() {
            let detail = format!(
                "No issuer shows a token whose marker names the manager {manager:?}, with these parameters."
            );
            diags.error("There is no such token", detail);
        }
        None
    }

    /// Those at the endpoint of an identity, or the only one there is.
    fn issuers_of(
        &self,
        identity: &Value,
        diags: &mut Diagnostics,
    ) -> Vec<std::sync::Arc<Connected>> {
        let endpoint = identity.get(ENDPOINT).as_str();
        let (Some(endpoint), Some(connections)) = (endpoint, self.sessions.connections()) else {
            return self.connected(&Value::Null, diags).into_iter().collect();
        };
        let found = connections.at(endpoint, Purpose::Mint);
        if found.is_empty() {
            let detail = match connections.endpoints(Purpose::Mint).as_slice() {
                [] => "None of the provider's issuers can be used. Do they have their credentials?"
                    .to_owned(),
                all => format!(
                    "Nobody was asked. Those that can be used are at {}.",
                    all.join(", ")
                ),
            };
            diags.error_at(ENDPOINT.path(), "No issuer is at this endpoint", detail);
        }
        found
    }
}

/// What stands in the list `parameters` as `name=value`.
fn needs(identity: &Value, diags: &mut Diagnostics) -> Option<Parameters> {
    let all = identity.read(PARAMETER_LIST).unwrap_or_default();
    let read = all.iter().map(|text| {
        let (name, value) = text.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    });
    let read: Option<_> = read.collect();
    if read.is_none() {
        let detail = "Each of them is written as \"name=value\", such as \"application_id=…\".";
        diags.error_at(
            PARAMETER_LIST.path(),
            "The parameters of the identity cannot be read",
            detail,
        );
    }
    read
}
