//! Ending tokens beside a rotation: what retired, what was lost, what nobody waits for.

use std::collections::BTreeMap;

use tfplugin::Diagnostics;
use tokenwright_client::{NotProven, RevokeError};
use tokenwright_core::{Marker, Outcome, TokenRef};

use super::apply::Work;
use super::end::{CredentialOwner, Ending};
use super::read::account;
use super::state::Orphan;
use crate::diagnostics;

impl Work<'_> {
    /// Revokes a token whose overlap has ended.
    pub(super) async fn retire(&mut self, token: &TokenRef, diags: &mut Diagnostics) -> bool {
        let retiring = self
            .stored
            .record
            .retiring
            .iter()
            .find(|r| r.token == *token);
        let Some(retiring) = retiring.cloned() else {
            return true;
        };
        let id = &token.id;
        if self.is_own_credential(token) {
            diags.warning(
                format!("Token {id} is this run's own credential"),
                "It is retired, and it authenticates the requests of this very run, so it is not revoked. Give the issuer another credential.",
            );
            return true;
        }
        let summary = format!("Token {id} was not revoked");
        let ending = Ending {
            token,
            decided_at: self.session.now(),
            minted_at: None,
            expires_at: retiring.expires_at,
            account: account(self.session, &self.stored),
        };
        match self.session.end(ending).await {
            Ok(ended) => {
                self.evolve(Outcome::Ended {
                    token: token.clone(),
                    ended,
                });
                true
            }
            Err(RevokeError::NotProven(why)) if matches!(why, NotProven::OtherMarker { .. }) => {
                // It would be tried for ever: from now on it is a person's.
                // The name that it had less the marker, which it has no more; the next refresh sees its own.
                let name = self.stored.names.get(id).map(String::as_str);
                let without = name.and_then(|name| name.rsplit_once(' '));
                self.stored.orphans.push(Orphan {
                    id: id.clone(),
                    remote_name: without.map_or("", |(name, _)| name).to_owned(),
                });
                self.stored.record.retiring.retain(|r| r.token != *token);
                let why = diagnostics::not_revoked(&why.into());
                diags.warning(
                    summary,
                    format!("{why} Revoke it at the issuer if nobody needs it."),
                );
                true
            }
            Err(error) => {
                let why = diagnostics::not_revoked(&error);
                let detail = format!("{why} It stays in retiring; the next plan tries again.");
                if self.minted.is_some() {
                    diags.warning(summary, detail);
                    true
                } else {
                    diags.error(summary, detail);
                    false
                }
            }
        }
    }

    /// Whether a retiring token is what this run's requests authenticate with.
    fn is_own_credential(&self, token: &TokenRef) -> bool {
        let Some(credential) = &self.session.connected.credential else {
            return false;
        };
        let own = credential.keyed(self.stored.instance.as_bytes());
        self.stored.fingerprints.get(&token.id) == Some(&own)
    }

    /// Takes back what this apply minted, since nobody waits for its value any more.
    pub(super) async fn take_back(&self) {
        let current = self.stored.record.current.as_ref();
        if let (Some(held), Some(_)) = (current, &self.minted) {
            match self.session.take_back(&held.token).await {
                Ok(_) => {
                    tracing::info!(token = %held.token.id, "took back a token that nobody waits for")
                }
                Err(error) => {
                    tracing::error!(token = %held.token.id, "{}", diagnostics::not_revoked(&error))
                }
            }
        }
    }

    /// Looks for a token that a first create lost, and revokes it: nobody can have its value.
    pub(super) async fn look_for_lost(&mut self, diags: &mut Diagnostics) {
        let Some(nonce) = self.stored.next_nonce.clone() else {
            return;
        };
        let parameters = &self.wanted.spec.inputs.parameters;
        let since = self.session.now();
        let Ok(listing) = self
            .session
            .connected
            .inventory
            .since(parameters, since)
            .await
        else {
            return;
        };
        let manager = self.stored.manager();
        let ours = |marker: &Marker| marker.manager == manager && marker.nonce == nonce;
        let found: BTreeMap<_, _> = listing
            .tokens
            .iter()
            .filter_map(|token| Some((token.id.clone(), token.marker().filter(|m| ours(m))?)))
            .collect();
        for (id, marker) in found {
            let token = TokenRef {
                id,
                marker,
                parameters: parameters.clone(),
                endpoint: self.session.connected.issuer.endpoint().to_owned(),
                identity: None,
            };
            let ending = Ending {
                decided_at: self.session.now(),
                token: &token,
                minted_at: None,
                expires_at: None,
                account: CredentialOwner::Same,
            };
            match self.session.end(ending).await {
                Ok(_) => diags.warning(
                    "The token of the lost answer was found and revoked",
                    format!(
                        "Token {} was minted, and its value was lost with the answer.",
                        token.id
                    ),
                ),
                Err(error) => diags.warning(
                    format!("Token {} of the lost answer was not revoked", token.id),
                    format!(
                        "{} The next apply tries again.",
                        diagnostics::not_revoked(&error)
                    ),
                ),
            }
        }
    }
}
