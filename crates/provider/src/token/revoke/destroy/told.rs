//! What a person hears of a destroy.

use tfplugin::Diagnostics;
use tokenwright_client::{Error, NotProven, RevokeError, SecretValue};
use tokenwright_core::{DeletionPolicy, Reason, Standing, TokenRef};

use super::{Destroy, lost};
use crate::diagnostics;
use crate::session::Session;
use crate::token::state::{Stored, name};
use crate::token::wanted::Wanted;

/// Whether none of the tokens that this ends authenticates the requests of this very run.
pub(super) fn spares_the_credential(
    session: &Session,
    stored: &Stored,
    (wanted, value): (&Wanted, Option<&SecretValue>),
    diags: &mut Diagnostics,
) -> bool {
    let retained = wanted.spec.deletion.policy == DeletionPolicy::Retain;
    let current = stored.record.current.as_ref().map(|held| &held.token.id);
    let mut own = stored.credentials(&session.connected, value).into_iter();
    let Some(id) = own.find(|id| !retained || current != Some(id)) else {
        return true;
    };
    diags.error(
        "The token is this run's own credential",
        format!(
            "Token {id} authenticates the requests of this very run. Give issuer {:?} another credential, then destroy it.",
            session.connected.name
        ),
    );
    false
}

/// One token could not be ended; the destroy goes on with the others.
pub(super) fn was_not_revoked(token: &TokenRef, error: &RevokeError, diags: &mut Diagnostics) {
    let (why, next) = (diagnostics::not_revoked(error), what_helps(error));
    let summary = format!("Token {} was not revoked", token.id);
    diags.error(summary, format!("{why} {next}"));
}

/// What a person does about a token that a destroy could not end.
fn what_helps(error: &RevokeError) -> &'static str {
    match error {
        RevokeError::NotProven(
            NotProven::ListingDoesNotCover { .. } | NotProven::TooYoung { .. },
        ) => "It stays in the state; destroy again in a minute.",
        RevokeError::NotProven(_) => {
            "Revoke it at the issuer, then destroy again; or remove the resource from the state."
        }
        RevokeError::NotSeen(_) => {
            "It stays in the state; destroy again, or revoke it at the issuer."
        }
        RevokeError::Issuer(error) if error.kind.is_transient() => {
            "It stays in the state; destroy again."
        }
        RevokeError::Issuer(_) => {
            "It stays in the state; destroy again once the issuer allows it, or revoke it there."
        }
    }
}

impl Destroy<'_> {
    pub(super) fn did_not_list(&self, error: &Error, diags: &mut Diagnostics) {
        let summary = format!("Issuer {:?} did not answer", self.session.connected.name);
        let named = name(self.stored);
        let next = format!("{named} was not revoked and stays in the state.");
        diagnostics::issuer_error(diags, &summary, error, &next);
    }

    /// What lives on, as it is wanted or because the system cannot end it, is named.
    pub(super) fn name_left(&self, diags: &mut Diagnostics) {
        let left = self.stored.record.referenced();
        let left: Vec<_> = left.map(|token| token.id.as_str()).collect();
        if left.is_empty() {
            return;
        }
        let issuer = &self.session.connected;
        let why = match self.wanted.spec.deletion.policy {
            DeletionPolicy::Retain => "on_destroy is \"retain\".",
            DeletionPolicy::Revoke => {
                let manual = issuer.issuer.manual();
                manual.unwrap_or("This system cannot revoke tokens.")
            }
        };
        diags.warning(
            "Tokens stay alive",
            format!(
                "{why} Nobody manages these tokens of issuer {:?} any more: {}.",
                issuer.name,
                left.join(", ")
            ),
        );
    }

    pub(super) fn may_have_left_one(&self, diags: &mut Diagnostics) {
        let connected = &self.session.connected;
        let manual = connected.issuer.manual().unwrap_or_default();
        diags.warning(
            "A token may exist that nothing can find",
            format!(
                "The answer to a mint was lost, and issuer {:?} cannot tell whose its tokens are. {manual}",
                connected.name
            ),
        );
    }

    /// `false`: it is not over.
    pub(super) fn is_stuck(&self, reason: Reason, diags: &mut Diagnostics) -> bool {
        let summary = format!("{} was not revoked", name(self.stored));
        let detail = match reason {
            Reason::RevokesHeld | Reason::ForeignActivity => format!(
                "{} Tokens with its marker exist that this state did not mint ({}). Revoke them if nobody needs them, then destroy again; \
                 or remove the resource from the state.",
                Reason::ForeignActivity.sentence(),
                self.foreign()
            ),
            reason if lost::is_waited_for(reason) => format!(
                "The answer to a mint was lost, and its token may yet appear at issuer {:?}. Destroy again in a minute.",
                self.session.connected.name
            ),
            reason => format!(
                "{} It stays in the state; destroy again.",
                reason.sentence()
            ),
        };
        diags.error(summary, detail);
        false
    }

    /// The tokens of another writer, which hold up every revoke.
    fn foreign(&self) -> String {
        let seen = self.observed.survey.iter().flat_map(|survey| &survey.ours);
        let foreign = seen.filter(|one| one.standing(&self.stored.record) == Standing::Foreign);
        let ids: Vec<_> = foreign.map(|one| one.id.as_str()).collect();
        ids.join(", ")
    }
}
