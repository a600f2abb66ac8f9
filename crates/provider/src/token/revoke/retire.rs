//! Ending tokens beside a rotation: what retired, and what nobody waits for.

use tfplugin::Diagnostics;
use tokenwright_client::{NotProven, RevokeError, SecretValue};
use tokenwright_core::{Outcome, Reason, TokenId, TokenRef};

use super::Ending;
use crate::diagnostics;
use crate::token::apply::Work;
use crate::token::owner::account;
use crate::token::state::Orphan;
use crate::token::why::rotation_reason;

impl Work<'_> {
    /// Revokes a token whose overlap has ended.
    pub(in crate::token) async fn retire(
        &mut self,
        token: &TokenRef,
        diags: &mut Diagnostics,
    ) -> bool {
        let Some(retiring) = self.stored.retiring_as(token).cloned() else {
            return true;
        };
        let id = &token.id;
        if self.is_own_credential(token, None) {
            diags.warning(
                format!("Token {id} is this run's own credential"),
                "It is retired, and it authenticates the requests of this very run, so it is not revoked. Give the issuer another credential.",
            );
            return true;
        }
        let summary = format!("Token {id} was not revoked");
        // The state has the value of the current one alone.
        let ending = Ending {
            expires_at: retiring.expires_at,
            account: account(self.session, &self.stored),
            ..Ending::of(token, self.session.now())
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
                let lasting =
                    matches!(&error, RevokeError::Issuer(error) if !error.kind.is_transient());
                let next = match lasting {
                    true => "the next plan tries again, which helps once the issuer allows it.",
                    false => "the next plan tries again.",
                };
                let detail = format!("{why} It stays in retiring; {next}");
                let may_be_done = matches!(error, RevokeError::NotSeen(_));
                if self.minted.is_some() || may_be_done {
                    diags.warning(summary, detail);
                    true
                } else {
                    diags.error(summary, detail);
                    false
                }
            }
        }
    }

    /// Ends the current token, since its place is needed for the next one; from here on nothing works until
    /// that one is minted.
    pub(in crate::token) async fn make_room(
        &mut self,
        (token, reason): (&TokenRef, Reason),
        diags: &mut Diagnostics,
    ) -> bool {
        self.why = Some(rotation_reason(reason, &self.stored, self.wanted));
        let summary = format!(
            "Token {} was not revoked, so that nothing was minted",
            token.id
        );
        let current = self.stored.record.current.as_ref();
        let Some(held) = current.filter(|held| held.token == *token).cloned() else {
            return true;
        };
        if self.is_own_credential(token, self.old_value.as_ref()) {
            diags.error(
                summary,
                "It is this run's own credential: it authenticates the requests of this very run, and the system keeps one token at a time. Give the issuer another credential.",
            );
            return false;
        }
        if self.session.stopped() {
            diags.error(
                summary,
                "The run was interrupted. The next plan tries again.",
            );
            return false;
        }
        let session = self.session.uninterrupted();
        let ending = Ending {
            minted_at: Some(held.created_at),
            expires_at: held.expires_at,
            account: account(self.session, &self.stored),
            value: self.old_value.as_ref(),
            ..Ending::of(token, session.now())
        };
        match session.end(ending).await {
            Ok(ended) => {
                let token = token.clone();
                self.evolve(Outcome::Ended { token, ended });
                self.stored.rotated_at = Some(self.session.now());
                true
            }
            Err(error) => {
                let why = diagnostics::not_revoked(&error);
                diags.error(summary, format!("{why} The next plan tries again."));
                false
            }
        }
    }

    /// Whether a token is what this run's requests authenticate with; of the current one its value is given, where
    /// the state has it.
    fn is_own_credential(&self, token: &TokenRef, value: Option<&SecretValue>) -> bool {
        let own = self.stored.credentials(&self.session.connected, value);
        own.contains(&token.id)
    }

    /// Takes back what this apply minted, since nobody waits for its value any more. What is left could not be
    /// revoked.
    pub(in crate::token) async fn take_back(&self) -> Vec<TokenId> {
        let current = self.stored.record.current.as_ref();
        let published = current.filter(|_| self.minted.is_some());
        let published = published.map(|held| &held.token);
        let mut left = Vec::new();
        for token in published.into_iter().chain(&self.not_withdrawn) {
            match self.session.to_the_end().take_back(token, None).await {
                Ok(_) => {
                    tracing::info!(token = %token.id, "took back a token that nobody waits for")
                }
                Err(error) => {
                    tracing::error!(token = %token.id, "{}", diagnostics::not_revoked(&error));
                    left.push(token.id.clone());
                }
            }
        }
        left
    }
}
