//! What a decision about an adopted token asks for, done once.
//!
//! No policy is added here. What is learnt is remembered at once and written down at the end.

use jiff::Timestamp;
use tokenwright_api::names::{annotation, event};
use tokenwright_client::About;
use tokenwright_core::adopt::{AdoptAction, AdoptRecord, Fingerprint};
use tokenwright_core::instant::after;
use tokenwright_core::{Liveness, Reason};

use crate::adopted::managed::{Adopted, After};
use crate::adopted::observe::Observed;
use crate::adopted::record::Recognised;
use crate::cluster::calls::CallError;
use crate::cluster::conditions::Trouble;
use crate::cluster::events::{Event, send};
use crate::cluster::pace::UNTOLD;
use crate::issuer::scheduler::{ASK_AGAIN, Class, SlotRequest, Turn};
use crate::issuer::status::paused;
use crate::secret::contested;
use crate::secret::delivery::{
    AdoptedValue, BuildError, Delivery, Ownership, Token, left_behind, let_go, same_object,
};
use crate::secret::on_the_way::marked;
use crate::secret::parts::Parts;

/// Whether a Secret that was written keeps our marks; nothing where it was not written.
type Marks = Option<Result<(), CallError>>;

impl Adopted {
    /// Does one step.
    pub(super) async fn perform(
        &mut self,
        action: AdoptAction,
        reason: Reason,
        observed: &Observed,
    ) -> Result<After, CallError> {
        self.ensure_finalizer().await?;
        if let Some(wait) = self.turn(&action, observed) {
            return Ok(wait);
        }
        match action {
            AdoptAction::Check(value) => self.check(&value, observed).await,
            AdoptAction::TakeUp(value) => {
                self.learn(self.known.record.clone().taken_up(&value), observed);
                Ok(After::Again)
            }
            AdoptAction::Deliver(value) => self.deliver(&value, observed).await,
            AdoptAction::RemoveDestination => self.remove(observed).await,
            AdoptAction::ReleaseDestination => {
                let Some(secret) = &observed.secret else {
                    return Ok(After::Again);
                };
                let released = self.context.calls.patch_secret(secret, let_go()).await;
                self.left(released.map(|_| ())).await
            }
            AdoptAction::Revoke(token) => self.revoke(&token, observed).await,
            AdoptAction::Finish => self.finish(reason, observed).await,
        }
    }

    /// Asks for leave to ask the issuer, where the step needs it; what is left to do without.
    fn turn(&mut self, action: &AdoptAction, observed: &Observed) -> Option<After> {
        let class = self.class(action, observed)?;
        if self.permit.is_some() {
            return None;
        }
        let now = self.now();
        let handle = match &self.issuer {
            Ok(handle) => handle,
            Err(obstacle) => {
                self.waits = Some(Trouble::new(obstacle.reason, &obstacle.message));
                return Some(After::Rest(Some(after(now, UNTOLD))));
            }
        };
        let request = SlotRequest {
            uid: self.manager.uid.clone(),
            namespace: self.manager.namespace.clone(),
            class,
            expiry: None,
            ahead: false,
        };
        match handle.scheduler.ask(request) {
            Turn::Now(permit) => {
                self.permit = Some(permit);
                None
            }
            Turn::Paused(pause) => {
                let obstacle = paused(&pause);
                self.waits = Some(Trouble::new(obstacle.reason, obstacle.message));
                Some(After::Rest(Some(pause.until)))
            }
            Turn::Later => Some(After::Rest(Some(after(now, ASK_AGAIN)))),
        }
    }

    fn class(&self, action: &AdoptAction, observed: &Observed) -> Option<Class> {
        match action {
            AdoptAction::Check(value) if self.known.record.accepts(value) => Some(Class::Recheck),
            AdoptAction::Check(_) if self.known.record.accepted.is_none() => Some(Class::First),
            AdoptAction::Check(_) => Some(Class::Triggered),
            AdoptAction::Revoke(_) => Some(Class::Revoke),
            // The Secret may hold the only copy: it goes when the token can go in the same breath.
            AdoptAction::RemoveDestination => self.revokes(observed).then_some(Class::Revoke),
            AdoptAction::TakeUp(_)
            | AdoptAction::Deliver(_)
            | AdoptAction::ReleaseDestination
            | AdoptAction::Finish => None,
        }
    }

    async fn check(
        &mut self,
        value: &Fingerprint,
        observed: &Observed,
    ) -> Result<After, CallError> {
        let Ok(handle) = self.issuer.clone() else {
            return Ok(After::Rest(None));
        };
        let issuer = &handle.issuer;
        let parts = observed.value(value).map(|value| &value.parts);
        let answer = match parts.and_then(|parts| parts.value(issuer.value_parts())) {
            Some(value) => {
                let about = About::of(&self.request.parameters);
                issuer.check_with(&value, about).await
            }
            None => Liveness::Unknown,
        };
        self.permit = None;
        let holds = self.view(observed).holds_accepted();
        let record = self.known.record.clone();
        self.learn(record.answered(value, answer, holds, self.now()), observed);
        // One that a version took up which did not write down where.
        if answer == Liveness::Alive && self.known.record.accepts(value) {
            self.bind();
            self.remember();
        }
        Ok(After::Again)
    }

    /// Remembers what is known now; a value that is accepted anew gets its number.
    fn learn(&mut self, record: AdoptRecord, observed: &Observed) {
        if let Some(accepted) = &record.accepted
            && !self.known.record.accepts(&accepted.fingerprint)
        {
            self.known.revision = self.number(&accepted.fingerprint, observed);
            // What authenticated nowhere yet may be of the endpoint that a person corrects this one to.
            (self.known.issuer, self.known.sealed) = (None, false);
        }
        self.known.record = record;
        self.remember();
    }

    /// A value that was delivered before a crash keeps the number that the Secret gives it.
    pub(super) fn number(&self, accepted: &Fingerprint, observed: &Observed) -> u32 {
        let said = observed
            .held
            .as_ref()
            .and(observed.says(annotation::REVISION));
        let said = said.and_then(|said| said.parse().ok()).unwrap_or(0_u32);
        let held = observed.held.as_ref();
        let holds = held.is_some_and(|held| &held.fingerprint == accepted) && observed.intact();
        if holds && said > 0 {
            return said;
        }
        self.known.revision.max(said).saturating_add(1)
    }

    async fn deliver(
        &mut self,
        value: &Fingerprint,
        observed: &Observed,
    ) -> Result<After, CallError> {
        let Some(value) = observed.value(value).cloned() else {
            return Ok(After::Rest(None));
        };
        let delivered = observed.says(annotation::FINGERPRINT) == Some(value.fingerprint.as_str());
        let modified = observed.held.is_some() && delivered && !observed.intact();
        if modified && let Some(again) = self.waits_for_rival(observed) {
            let message = format!(
                "Somebody else changes the value in the Secret {}; it is restored again at {again:.0}.",
                self.object.spec.secret.name
            );
            self.in_trouble(Reason::ValueModified.name(), message);
            return Ok(After::Rest(Some(again)));
        }
        let previous = match (&observed.held, &observed.secret) {
            _ if observed.exchanged.is_some() => Parts::default(),
            (Some(held), _) if observed.intact() && held.fingerprint != value.fingerprint => {
                held.parts.clone()
            }
            (_, Some(secret)) => Parts::previous_in(secret),
            (_, None) => Parts::default(),
        };
        let marks = match self.write(observed, &value, &previous).await? {
            Ok(marks) => marks,
            Err(error) => {
                self.invalid = Some(error.as_invalid().into());
                return Ok(After::Rest(None));
            }
        };
        self.tell_delivery(&value, observed).await;
        match marks {
            Some(Err(error)) => self.form_refused(&error).await,
            Some(Ok(())) | None => self.formed = true,
        }
        Ok(After::Again)
    }

    /// Writes the Secret with `value`, unless it says and holds that already; gives whether what it says stays
    /// there.
    async fn write(
        &self,
        observed: &Observed,
        value: &Recognised,
        previous: &Parts,
    ) -> Result<Result<Marks, BuildError>, CallError> {
        // Whoever reads the Secret sends the value there: to no other endpoint than its own, whatever a status says.
        let endpoint = self.place();
        let adopted = AdoptedValue {
            name: self.manager.name.clone(),
            endpoint: endpoint.map(str::to_owned),
            token_id: self.spec.token_id.as_ref().map(ToString::to_string),
            revision: self.known.revision,
            expires_at: self.spec.expires_at,
            fingerprint: value.fingerprint.to_string(),
            seal: self.known.own_seal(&self.manager.uid, &self.key),
            parameters: self.request.parameters.clone(),
        };
        let delivery = Delivery {
            manager: &self.manager,
            template: &self.object.spec.secret,
            token: Token::Adopted(&adopted),
            parts: &value.parts,
            previous,
            key: &self.key,
        };
        let wanted = match delivery.build(observed.secret.as_ref()).await {
            Ok(wanted) => wanted,
            Err(error) => return Ok(Err(error)),
        };
        if observed
            .secret
            .as_ref()
            .is_some_and(|is| same_object(is, &wanted))
        {
            return Ok(Ok(None));
        }
        let written = self.context.calls.deliver(&wanted, false).await?;
        // What delivers another value undoes nothing of another writer.
        let same = observed.says(annotation::FINGERPRINT) == Some(value.fingerprint.as_str());
        if let Some(before) = observed.secret.as_ref().filter(|_| same) {
            contested::written(&self.context, &self.object, (before, &written)).await;
        }
        Ok(Ok(Some(marked(&wanted, &written))))
    }

    /// When the Secret may be brought into its form, where another writer undoes that again and again.
    fn waits_for_rival(&self, observed: &Observed) -> Option<Timestamp> {
        let secret = observed.secret.as_ref()?;
        contested::waits(&self.context, &self.object, secret)
    }

    /// Holds the object for as long as there is something to undo, whoever takes the finalizer away, and the Secret in
    /// its wanted form.
    pub(super) async fn tend(&mut self, observed: &Observed) -> Result<After, CallError> {
        if self.known.record.accepted.is_some() {
            self.ensure_finalizer().await?;
        }
        match self.restore(observed).await {
            Err(error @ CallError::Refused { .. }) => {
                self.form_refused(&error).await;
                Ok(After::Rest(None))
            }
            done => done,
        }
    }

    /// Restores what is not the value, and renders anew where the user wants it to look different.
    /// The issuer is not asked.
    async fn restore(&mut self, observed: &Observed) -> Result<After, CallError> {
        let rest = After::Rest(None);
        let Ok(handle) = &self.issuer else {
            return Ok(rest);
        };
        handle.scheduler.forget(&self.manager.uid);
        let held = observed.held.as_ref();
        let held = held.filter(|held| self.known.record.accepts(&held.fingerprint));
        let (Some(held), Some(secret)) = (held, &observed.secret) else {
            return Ok(rest);
        };
        // What was taken off on its way just now would be again.
        if self.unformed.is_some() {
            return Ok(rest);
        }
        if self.spec.deletion.since.is_some() || self.waits_for_rival(observed).is_some() {
            return Ok(rest);
        }
        // What it says of the endpoint is right, and could not be said again.
        if self.place().is_none() {
            return Ok(rest);
        }
        match self
            .write(observed, held, &Parts::previous_in(secret))
            .await?
        {
            Ok(Some(marks)) => {
                let secret = &self.object.spec.secret.name;
                tracing::info!(secret, "the Secret is brought into its wanted form");
                match marks {
                    Ok(()) => self.formed = true,
                    Err(error) => self.form_refused(&error).await,
                }
                Ok(After::Again)
            }
            Ok(None) => {
                self.formed = true;
                Ok(rest)
            }
            Err(error) => {
                self.invalid = Some(error.as_invalid().into());
                Ok(rest)
            }
        }
    }

    async fn tell_delivery(&self, value: &Recognised, observed: &Observed) {
        let name = &self.object.spec.secret.name;
        let (print, source) = (&value.fingerprint, self.source());
        let revision = self.known.revision;
        let note = format!(
            "The value {print} from the Secret {source} is delivered to the Secret {name} as revision {revision}."
        );
        let news = Event::normal(event::PUBLISHED, "Deliver", note);
        send(&self.context, &self.object, &news).await;
        if let Some(other) = &observed.exchanged {
            let reason = Reason::ValueModified;
            let note = format!("{} {}", reason.sentence(), other.exchanged());
            let news = Event::warning(reason.name(), "Repair", note);
            send(&self.context, &self.object, &news).await;
        }
        let held = observed.held.as_ref().map(|held| &held.fingerprint);
        if let Some(Ownership::Predecessor { uid }) = &observed.ownership
            && let Some(secret) = &observed.secret
            && held != Some(print)
        {
            let note = left_behind(uid, &secret.metadata, self.now());
            let news = Event::warning(event::LEFT_BEHIND, "TakeOver", note);
            send(&self.context, &self.object, &news).await;
        }
    }
}
