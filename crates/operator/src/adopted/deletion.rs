//! The end of an `ApiToken` that adopts: what becomes of the Secret, of the token, and of the object.

use tokenwright_api::names::{event, reason};
use tokenwright_client::revoke::LeftToPerson;
use tokenwright_client::revoke_adopted;
use tokenwright_core::instant::after;
use tokenwright_core::{DeletionPolicy, Ended, Reason, TokenId};

use crate::adopted::managed::{Adopted, After};
use crate::adopted::observe::Observed;
use crate::cluster::calls::CallError;
use crate::cluster::cause;
use crate::cluster::conditions::Trouble;
use crate::cluster::deletion;
use crate::cluster::events::{Event, send};
use crate::cluster::finalizers::is_credential;
use crate::cluster::metrics;
use crate::cluster::pace::UNTOLD;
use crate::issuer::abandoned::abandon;
use crate::issuer::object::place_of;
use crate::secret::credential::still_credential;
use crate::secret::taken;

impl Adopted {
    /// Whether a revoke follows on the removal of the Secret.
    pub(super) fn revokes(&self, observed: &Observed) -> bool {
        let record = &self.known.record;
        self.spec.deletion.policy == DeletionPolicy::Revoke
            && self.spec.token_id.is_some()
            && self.view(observed).can_revoke
            && record.accepted.is_some()
            && !record.ended
    }

    /// Who would lose what it works with, if the token ended now. Of the Secret that it is delivered to, its removal
    /// tells that.
    pub(super) fn used_by(&self, observed: &Observed) -> Option<&'static str> {
        self.spec.deletion.since?;
        let delivered = observed.secret.as_ref().is_some_and(is_credential);
        let accepted = self.known.record.accepted.as_ref().filter(|_| !delivered)?;
        let handle = self.issuer.as_ref().ok()?;
        let value = observed.value(&accepted.fingerprint).or(self.kept.as_ref());
        let value = value.and_then(|value| value.parts.value(handle.issuer.value_parts()));
        let named = self.spec.token_id.as_ref();
        if value.is_some_and(|value| handle.authenticates_with(&value))
            || named.is_some() && handle.authenticates_by.as_ref() == named
        {
            return Some("it is the credential of its own issuer");
        }
        let offered = observed.offered().map(|offered| &offered.fingerprint);
        let offered = offered == Some(&accepted.fingerprint);
        (offered && observed.authenticates).then_some("it is the credential of an issuer")
    }

    /// Removes the Secret, and keeps its value for as long as a revoke may need it.
    pub(super) async fn remove(&mut self, observed: &Observed) -> Result<After, CallError> {
        if let Some(wait) = self.still_credential(observed) {
            return Ok(wait);
        }
        // The revoke may have to be tried again, and nobody else may have the value then.
        self.remember();
        let Some(secret) = &observed.secret else {
            return Ok(After::Again);
        };
        let removed = self.context.calls.remove_secret(secret).await;
        self.left(removed.map(|_| ())).await
    }

    /// Neither the Secret goes nor its token while an issuer authenticates with it; its value is kept meanwhile.
    fn still_credential(&mut self, observed: &Observed) -> Option<After> {
        let accepted = self.known.record.accepted.as_ref();
        let value = accepted.and_then(|tried| observed.value(&tried.fingerprint));
        self.kept = value.cloned().or(self.kept.take());
        let ours = observed.secret.as_ref().filter(|_| observed.held.is_some());
        self.waits = Some(still_credential(ours?)?);
        self.permit = None;
        Some(After::Rest(Some(after(self.now(), UNTOLD))))
    }

    /// The Secret is removed or released, or it is told, once in an event, what refuses that.
    pub(super) async fn left(&mut self, done: Result<(), CallError>) -> Result<After, CallError> {
        let error = match done {
            Ok(()) => return Ok(After::Again),
            Err(error @ CallError::Refused { .. }) => error,
            Err(error) => return Err(error),
        };
        let why = Trouble::new(reason::SECRET_REFUSED, format!("{error}."));
        self.tell_refusal(&why, "Delete").await;
        self.permit = None;
        self.waits = Some(why);
        Ok(After::Rest(None))
    }

    pub(super) async fn revoke(
        &mut self,
        token: &TokenId,
        observed: &Observed,
    ) -> Result<After, CallError> {
        if let Some(wait) = self.still_credential(observed) {
            return Ok(wait);
        }
        let (Ok(handle), Some(accepted)) = (self.issuer.clone(), &self.known.record.accepted)
        else {
            return Ok(After::Rest(None));
        };
        let namespace = &self.manager.namespace;
        self.context.calls.store_goes_on(namespace).await?;
        let issuer = handle.issuer.as_ref();
        let value = observed.value(&accepted.fingerprint).or(self.kept.as_ref());
        let value = value.and_then(|value| value.parts.value(issuer.value_parts()));
        let revoked = match &value {
            Some(value) => revoke_adopted(issuer, token, value, &self.request.parameters).await,
            // Nobody has the value any more, and nothing else could show whose it is.
            None => Err(LeftToPerson::OtherValue { id: token.clone() }),
        };
        self.permit = None;
        match revoked {
            Ok(ended) => {
                let (how, result) = match ended {
                    Ended::Gone => ("was gone already", "Gone"),
                    _ => ("is revoked", event::REVOKED),
                };
                self.count(result);
                let note = format!(
                    "Token {token} {how}. {}",
                    Reason::RevokingForDeletion.sentence()
                );
                self.ended(Event::normal(event::REVOKED, "Revoke", note))
                    .await;
                Ok(After::Again)
            }
            Err(why @ LeftToPerson::OtherValue { .. }) => {
                let note = format!("Left alive: token {token}; {why}.{}", self.by_hand());
                let news = Event::warning(event::LEFT_BEHIND, "Revoke", note);
                self.count(event::NOT_PROVEN);
                self.ended(news).await;
                Ok(After::Again)
            }
            Err(why) => {
                tracing::warn!(%token, error = cause::chain(&why), "not revoked yet");
                if self.known.record.revoke.is_none() {
                    self.count(event::REVOKE_FAILED);
                }
                self.in_trouble(
                    Reason::RevokeFailed.name(),
                    format!("Token {token}: {why}."),
                );
                let asked = match &why {
                    LeftToPerson::Issuer(error) => error.kind.retry_after(),
                    _ => None,
                };
                let now = self.now();
                self.known.record = self.known.record.clone().not_revoked(asked, now);
                self.remember();
                let wait = self.known.record.revoke;
                Ok(After::Rest(wait.map(|wait| wait.retry_at)))
            }
        }
    }

    /// Counts what came of a revoke.
    pub(super) fn count(&self, result: &str) {
        let issuer = metrics::issuer(place_of(&self.object));
        self.context.metrics.revoked(&issuer, result);
    }

    /// The end of the named token was tried, and this is what became of it.
    async fn ended(&mut self, news: Event) {
        self.end_is_told();
        send(&self.context, &self.object, &news).await;
    }

    fn end_is_told(&mut self) {
        self.known.record.ended = true;
        self.known.told = true;
        self.remember();
    }

    fn by_hand(&self) -> String {
        let manual = self.manual();
        manual.map_or(String::new(), |manual| format!(" By hand: {manual}."))
    }

    /// Says what stays alive and lets the object go. Its source is let go once the object is gone.
    pub(super) async fn finish(
        &mut self,
        reason: Reason,
        observed: &Observed,
    ) -> Result<After, CallError> {
        let accepted = self.known.record.accepted.as_ref();
        let elsewhere = self.known.issuer.as_ref().filter(|_| self.elsewhere());
        let at = elsewhere.map_or(String::new(), |issuer| format!(" at {issuer}"));
        let left = accepted.map(|tried| match &self.spec.token_id {
            Some(id) => format!("token {id}{at}"),
            None => format!(
                "the token with the value {} from the Secret {}{at}",
                tried.fingerprint,
                self.source()
            ),
        });
        let gave_up = reason == Reason::DeletionTimedOut;
        if let Some(left) = left.filter(|_| !self.known.told) {
            let news = match self.spec.deletion.policy {
                _ if gave_up => {
                    let note = format!("{} Left alive: {left}.", reason.sentence());
                    Event::warning(event::DELETION_TIMED_OUT, "Delete", note + &self.by_hand())
                }
                DeletionPolicy::Retain => {
                    let note = format!("Left alive: {left}, as the deletion policy Retain says.");
                    Event::normal(event::LEFT_BEHIND, "Delete", note)
                }
                DeletionPolicy::Revoke => {
                    let note = format!("Left alive: {left}.{}", self.by_hand());
                    Event::warning(event::LEFT_BEHIND, "Delete", note)
                }
            };
            self.end_is_told();
            match gave_up {
                true => abandon(&self.context, &self.object, 1, &news).await,
                false => send(&self.context, &self.object, &news).await,
            }
        }
        if gave_up
            && let (Some(secret), Some(_)) = (&observed.secret, &observed.held)
            && !is_credential(secret)
            && self.spec.deletion.policy == DeletionPolicy::Revoke
            && let Err(error) = self.context.calls.remove_secret(secret).await
        {
            // One that has changed meanwhile is read again.
            if matches!(error, CallError::Conflict(_)) {
                return Err(error);
            }
            tracing::warn!(error = cause::chain(&error), "the Secret stays");
        }
        if let Some(secret) = observed.secret.as_ref().filter(|_| observed.foreign()) {
            taken::disowned(&self.context, &self.manager, secret).await?;
        }
        deletion::let_go(&self.context, &self.object).await?;
        Ok(After::Gone)
    }
}
