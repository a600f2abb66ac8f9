//! Actions: what a person does to a token at once, outside any plan of its resource.
//!
//! By the same proofs as everywhere: the issuer must show the token with a marker of this provider's
//! `manager`, and a run never ends the token that it authenticates with. The next refresh of the resource
//! sees what was done.

use std::sync::Arc;

use tfplugin::{Action, Connection, Diagnostics, Invoke, Value, async_trait};
use tokenwright_client::{Error, NotSeen, RevokeError};
use tokenwright_core::{Disable, Marker, Switch, TokenId, TokenRef};

use crate::connect::{Connected, Fresh, Purpose};
use crate::data::{are_known, show};
use crate::diagnostics;
use crate::schema::TIMEOUT;
use crate::schema::names::*;
use crate::session::{Session, Sessions, ready};
use crate::token::Ending;
use crate::values::parameters;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Revoke,
    Disable,
    Enable,
}

/// One of the actions.
#[derive(Debug)]
pub(crate) struct TokenAction {
    pub(crate) verb: Verb,
    pub(crate) sessions: Sessions,
}

impl TokenAction {
    /// Where the id is written out, nothing says that the resource of the token comes first: it is waited for.
    async fn session(
        &self,
        config: &Value,
        connected: &Arc<Connected>,
        connection: Connection,
    ) -> Session {
        let session = self.sessions.open(connected, connection, TIMEOUT);
        if let Some(id) = config.read(TOKEN_ID).map(TokenId::new) {
            let known = || connected.claims.name_of(&id).is_some();
            session.hear(known).await;
        }
        session
    }
}

#[async_trait]
impl Action for TokenAction {
    async fn plan(&self, config: &Value, diags: &mut Diagnostics) {
        let connected = self.sessions.connected(config, Purpose::Mint, diags);
        let Some(connected) = connected else {
            return;
        };
        self.session(config, &connected, Connection::default())
            .await;
        self.verb.check_at(config, &connected, diags);
    }

    async fn invoke(&self, request: Invoke, diags: &mut Diagnostics) {
        let config = &request.config;
        let connected = self.sessions.connected(config, Purpose::Mint, diags);
        let Some(connected) = ready(connected, diags) else {
            return;
        };
        let session = self.session(config, &connected, request.connection).await;
        self.verb.check_at(config, &connected, diags);
        if diags.has_errors() {
            return;
        }
        let Some(token) = self.verb.proven(&session, config, diags).await else {
            return;
        };
        if self.verb.perform(&session, &token, diags).await {
            let done = format!("Token {} is {}.", token.id, self.verb.past());
            request.progress.say(done);
        }
    }
}

/// Of an action that a rotation triggers, and that names the token by its resource.
const SUCCESSOR: &str = "It took the place of another in this very run, and consumers were just told of it. \
    If the former one is meant, name that: caller.retiring[0].token_id in a trigger of its own resource.";

/// Of one that a create triggers.
const FIRST: &str = "It was minted in this very run, and consumers were just told of it: the next plan would mint another. \
    To end it, destroy its resource, or invoke the action in a run of its own. \
    A token for one run alone is the ephemeral tokenwright_api_token.";

/// Of what was not done.
const AS_IT_WAS: &str = "The token is as it was.";

/// Of what may have been done.
const SHOWN_LATER: &str =
    "The next refresh of its resource shows it, and the action may be invoked again.";

/// What is known after a failure, and what happens next.
fn next(error: &Error) -> String {
    match diagnostics::may_be_done(error) {
        true => SHOWN_LATER.to_owned(),
        false => {
            let then = diagnostics::then(error, "The action may be invoked again.");
            format!("{AS_IT_WAS} {then}")
        }
    }
}

impl Verb {
    const fn past(self) -> &'static str {
        match self {
            Self::Revoke => "revoked",
            Self::Disable => "disabled",
            Self::Enable => "enabled",
        }
    }

    fn not_done(self, to: &str) -> String {
        format!("{to} was not {}", self.past())
    }

    /// What the system cannot do is said at plan, and what this run must not do to itself.
    fn check_at(self, config: &Value, connected: &Connected, diags: &mut Diagnostics) {
        are_known(&parameters(config), connected, diags);
        let id = config.read(TOKEN_ID).map(TokenId::new);
        if let Some(id) = id.filter(|id| connected.is_credential(id) && self != Self::Enable) {
            let named = format!("Token {id}");
            let summary = self.not_done(&named);
            diags.error_at(
                TOKEN_ID.path(),
                summary,
                "It is this run's own credential. Give the issuer another one first.",
            );
        }
        let can = connected.issuer.capabilities();
        let able = match self {
            Self::Revoke => can.revoke,
            Self::Disable | Self::Enable => can.disable != Disable::Unsupported,
        };
        if !able {
            let summary = format!(
                "Tokens cannot be {} at issuer {:?}",
                self.past(),
                connected.name
            );
            diags.error(summary, "Its API offers no way to do that.");
        }
    }

    /// The token, once the issuer has shown that it is of this provider's `manager`.
    async fn proven(
        self,
        session: &Session,
        config: &Value,
        diags: &mut Diagnostics,
    ) -> Option<TokenRef> {
        let connected = &session.connected;
        let id = TokenId::new(config.read(TOKEN_ID)?);
        let path = || TOKEN_ID.path();
        let named = format!("Token {id}");
        let summary = self.not_done(&named);
        // What the issuer does not show may be anything that somebody wrote there, a value even.
        let unnamed = self.not_done("The token");
        match (self, connected.claims.fresh(&id)) {
            (Self::Revoke, Some(fresh)) => {
                let why = match fresh {
                    Fresh::First => FIRST,
                    Fresh::Successor => SUCCESSOR,
                };
                diags.error_at(path(), summary, why);
                return None;
            }
            (Self::Disable, Some(Fresh::Successor)) => diags.warning_at(
                path(),
                format!("{named} was minted by this very run"),
                SUCCESSOR,
            ),
            (Self::Disable | Self::Enable, _) | (Self::Revoke, None) => {}
        }
        let asked = session.patiently(|| show(connected, &id, config, session.now()));
        let shown = match asked.await {
            Ok(Some(token)) => token,
            Ok(None) => {
                let detail =
                    "The issuer does not show it. Has it ended already, or other parameters?";
                diags.error_at(path(), unnamed, detail);
                return None;
            }
            Err(error) => {
                diagnostics::issuer_error(diags, &unnamed, &error, "Nothing was done.");
                return None;
            }
        };
        let marker = shown.name.as_deref().and_then(Marker::of_name);
        let Some(marker) = marker.filter(|marker| marker.origin == connected.origin) else {
            let detail = "The issuer shows it without a marker of this provider's `manager`, so nothing proves that it is ours.";
            diags.error_at(path(), summary, detail);
            return None;
        };
        Some(connected.reference(id, marker, &parameters(config)))
    }

    async fn perform(self, session: &Session, token: &TokenRef, diags: &mut Diagnostics) -> bool {
        let named = format!("Token {}", token.id);
        let switch = match self {
            Self::Revoke => {
                let ended = session.end(Ending::of(token, session.now())).await;
                session.connected.changed(&token.parameters);
                let error = match ended {
                    Ok(_) => return true,
                    Err(error) => error,
                };
                let why = diagnostics::not_revoked(&error);
                let (summary, next) = match &error {
                    RevokeError::Issuer(error) => (
                        diagnostics::not_done(&named, self.past(), error),
                        next(error),
                    ),
                    RevokeError::NotSeen(NotSeen::NotTold { .. }) => {
                        let summary = diagnostics::not_known(&named, self.past());
                        (summary, SHOWN_LATER.to_owned())
                    }
                    RevokeError::NotSeen(_) => (self.not_done(&named), SHOWN_LATER.to_owned()),
                    RevokeError::NotProven(_) => (self.not_done(&named), AS_IT_WAS.to_owned()),
                };
                diags.error(summary, format!("{why} {next}"));
                return false;
            }
            Self::Disable => Switch::Disable,
            Self::Enable => Switch::Enable,
        };
        let connected: &Arc<Connected> = &session.connected;
        let issuer = &connected.issuer;
        let switched = session
            .patiently(|| issuer.set_enabled(&token.id, &token.parameters, switch))
            .await;
        connected.changed(&token.parameters);
        match switched {
            Ok(_) => true,
            Err(error) => {
                let summary = diagnostics::not_done(&named, self.past(), &error);
                diagnostics::issuer_error(diags, &summary, &error, &next(&error));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests;
