//! What is seen of an adopted token: the Secret that a person fills, and the one that is delivered.

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use tokenwright_api::names::annotation;
use tokenwright_api::owner::Owner;
use tokenwright_client::About;
use tokenwright_core::adopt::{AdoptView, Fingerprint, Holds, Tried};
use tokenwright_core::{DeletionPolicy, Liveness};

use crate::adopted::managed::Adopted;
use crate::adopted::record::Recognised;
use crate::adopted::source::{NoValue, hold, offered};
use crate::cluster::calls::CallError;
use crate::cluster::finalizers::{self, is_credential};
use crate::secret::delivery::{Ownership, ownership};
use crate::secret::owner::exchanged;
use crate::secret::parts::Parts;

/// In place of the endpoint that an accepted value belongs to, where only a digest tells that it is another one.
const NOBODY_SAYS: &str = "an endpoint that is on record no more";

/// Everything that is seen at one instant.
#[derive(Debug)]
pub(super) struct Observed {
    /// What the source offers; `None` where nobody could read it, for want of an issuer.
    pub(super) offer: Option<Result<Recognised, NoValue>>,
    /// Whether the source is the credential of an issuer.
    pub(super) authenticates: bool,
    /// The Secret that the value is delivered to, whosever it is.
    pub(super) secret: Option<Secret>,
    /// What it holds, where it is ours; of no part, where it is only about to become ours.
    pub(super) held: Option<Recognised>,
    /// Whose it is, where it is there.
    pub(super) ownership: Option<Ownership>,
    /// Whose value lies in it, where somebody exchanged the contents of two: nobody's only place is written over then.
    pub(super) exchanged: Option<Owner>,
}

impl Observed {
    /// The value that is offered.
    pub(super) fn offered(&self) -> Option<&Recognised> {
        self.offer.as_ref()?.as_ref().ok()
    }

    /// Only what is needed while an issuer is asked about a value, which takes as long as its tenant likes: of the
    /// Secrets that value, and of the delivered one what it says.
    pub(super) fn asks_about(&mut self, value: &Fingerprint) {
        if let Some(secret) = &mut self.secret {
            secret.data = None;
            secret.metadata.managed_fields = None;
        }
        if let Some(held) = self.held.as_mut().filter(|held| &held.fingerprint != value) {
            held.parts = Parts::default();
        }
    }

    /// Why none is offered.
    pub(super) fn no_value(&self) -> Option<&NoValue> {
        self.offer.as_ref()?.as_ref().err()
    }

    /// Whether there is no source, of which no watch will tell.
    pub(super) fn source_missing(&self) -> bool {
        matches!(self.no_value(), Some(NoValue::Missing(_)))
    }

    /// Whether the Secret is somebody else's, of which no watch will tell.
    pub(super) fn foreign(&self) -> bool {
        self.secret.is_some() && self.held.is_none()
    }

    /// The parts of the value that this fingerprint stands for, wherever they are.
    pub(super) fn value(&self, fingerprint: &Fingerprint) -> Option<&Recognised> {
        let all = [self.offered(), self.held.as_ref()];
        let mut all = all.into_iter().flatten();
        all.find(|value| &value.fingerprint == fingerprint)
    }

    /// What the delivered Secret says that it holds.
    pub(super) fn says(&self, key: &str) -> Option<&str> {
        let secret = self.secret.as_ref()?;
        secret.annotations().get(key).map(String::as_str)
    }

    /// Whether the delivered Secret holds what was delivered to it.
    pub(super) fn intact(&self) -> bool {
        let held = self.held.as_ref();
        let held = held.map(|held| held.fingerprint.as_str());
        held.is_some() && self.says(annotation::FINGERPRINT) == held
    }
}

impl Adopted {
    /// Reads both Secrets as they are now, and holds the source.
    pub(super) async fn observe(&mut self) -> Result<Observed, CallError> {
        let (offer, authenticates) = self.look_at_source().await?;
        let secret = self
            .context
            .calls
            .secret(&self.manager.namespace, &self.object.spec.secret.name);
        let secret = secret.await?;
        let ownership = secret.as_ref().map(|secret| self.judge(secret));
        let foreign = ownership.as_ref() == Some(&Ownership::Foreign);
        let exchanged = match secret.as_ref().filter(|_| foreign) {
            Some(secret) => self.exchanged(secret).await?,
            None => None,
        };
        let ours = !foreign || exchanged.is_some();
        let held = secret.as_ref().filter(|_| ours).map(|s| self.held_by(s));
        let observed = Observed {
            offer,
            authenticates,
            secret,
            held,
            ownership,
            exchanged,
        };
        self.recall_from(&observed);
        self.forget_what_is_not_offered(&observed);
        self.belongs_here();
        Ok(observed)
    }

    /// What our Secret holds under our seal was accepted, and at one endpoint: a status may be lost, or say what
    /// somebody wrote into it.
    fn recall_from(&mut self, observed: &Observed) {
        let ours = observed.says(annotation::MANAGER_UID) == Some(self.manager.uid.as_str());
        let held = observed.held.as_ref().filter(|_| ours && observed.intact());
        let (Some(held), Some(seal)) = (held, observed.says(annotation::SEAL)) else {
            return;
        };
        let print = &held.fingerprint;
        let accepted = self.known.record.accepts(print);
        let offered = observed.offered().map(|value| &value.fingerprint) == Some(print);
        if accepted && self.known.sealed || !accepted && !offered {
            return;
        }
        if !accepted {
            self.known.revision = self.number(print, observed);
            self.known.record.accepted = Some(Tried {
                fingerprint: print.clone(),
                liveness: Liveness::Unknown,
                asked_at: None,
                alive_at: None,
                failures: 0,
            });
        }
        let (uid, key) = (&self.manager.uid, &self.key);
        let is_here = |at: &&str| key.seal_of_adopted(uid, print.as_str(), at) == seal;
        let places = [self.endpoint(), self.known.issuer.as_deref()];
        let place = places.into_iter().flatten().find(is_here);
        let place = place.map(ToOwned::to_owned);
        self.known.sealed = place.is_some();
        self.known.issuer = Some(place.unwrap_or_else(|| NOBODY_SAYS.to_owned()));
    }

    /// What the source offers, and whether it is the credential of an issuer.
    async fn look_at_source(
        &mut self,
    ) -> Result<(Option<Result<Recognised, NoValue>>, bool), CallError> {
        let Ok(handle) = self.issuer.clone() else {
            return Ok((None, false));
        };
        let at = self.request.value_from.secret_ref.clone();
        let namespace = self.manager.namespace.clone();
        let mut secret = self.context.calls.secret(&namespace, &at.name).await?;
        if let Some(found) = secret.take() {
            secret = Some(self.hold(found).await?);
        }
        let wanted = (&handle.parts(), self.limits.as_ref());
        let parts = offered(secret.as_ref(), &at, wanted);
        let offer = parts.map(|parts| self.recognise(parts));
        Ok((Some(offer), secret.as_ref().is_some_and(is_credential)))
    }

    /// Holds a source, so that its changes are seen. Where that is refused, its value is used all the same.
    async fn hold(&mut self, source: Secret) -> Result<Secret, CallError> {
        let deleting = self.spec.deletion.since.is_some();
        let change = hold(&source, &self.limits);
        let Some(change) = change.filter(|_| !deleting && self.trouble.is_none()) else {
            return Ok(source);
        };
        self.ensure_finalizer().await?;
        match finalizers::mark(&self.context, &self.object, source.clone(), change).await {
            Err(CallError::Refused { what, message }) => {
                self.trouble_with(what, &message);
                Ok(source)
            }
            held => held,
        }
    }

    /// Whose value the Secret that we delivered to holds, where that is another `ApiToken`.
    async fn exchanged(&self, secret: &Secret) -> Result<Option<Owner>, CallError> {
        let delivered = self.known.record.accepted.is_some() && self.spec.deletion.since.is_none();
        if !delivered || self.is_accepted(secret) {
            return Ok(None);
        }
        let ours = (self.object.spec.secret.name.as_str(), secret);
        exchanged(&self.context.calls, &self.manager, ours).await
    }

    /// Whose a Secret is for us.
    fn judge(&self, secret: &Secret) -> Ownership {
        let deletion = self.spec.deletion;
        let goes = deletion.since.is_some();
        let released = goes && deletion.policy == DeletionPolicy::Retain;
        match ownership(secret, &self.manager).to_one_that(goes) {
            // Somebody only took our metadata away; a Secret that names another manager is theirs.
            Ownership::Foreign if !released && !claimed(secret) && self.is_accepted(secret) => {
                Ownership::Ours
            }
            Ownership::Ours if self.taken(secret) => Ownership::Foreign,
            says => says,
        }
    }

    /// Whether a controller made the Secret its own and wrote another value into it than we did.
    fn taken(&self, secret: &Secret) -> bool {
        let delivered = secret.annotations().get(annotation::FINGERPRINT);
        self.manager.owner().taker(&secret.metadata).is_some()
            && !self.is_accepted(secret)
            && delivered.map(String::as_str) != Some(self.held_by(secret).fingerprint.as_str())
    }

    fn is_accepted(&self, secret: &Secret) -> bool {
        self.known.record.accepts(&self.held_by(secret).fingerprint)
    }

    /// What a Secret holds: the parts that it names, or those that the profile has.
    fn held_by(&self, secret: &Secret) -> Recognised {
        let mut parts = Parts::held_by(secret);
        if let (true, Ok(handle)) = (parts.is_empty(), &self.issuer) {
            let known = handle.parts();
            parts = Parts::keys_of(secret, |key| known.contains_key(key));
        }
        self.recognise(parts)
    }

    /// A value that was refused and is not offered any more is of no interest.
    fn forget_what_is_not_offered(&mut self, observed: &Observed) {
        if observed.offer.is_none() {
            return;
        }
        let now = observed.offered().map(|value| &value.fingerprint);
        let offered = &mut self.known.record.offered;
        if offered
            .as_ref()
            .is_some_and(|tried| Some(&tried.fingerprint) != now)
        {
            *offered = None;
        }
    }

    /// What a decision is made from.
    pub(super) fn view<'a>(&'a self, observed: &'a Observed) -> AdoptView<'a> {
        // A Secret that is being deleted is on its way, also where somebody else delays its end.
        let going = self.spec.deletion.since.is_some()
            && self.spec.deletion.policy == DeletionPolicy::Revoke
            && observed
                .secret
                .as_ref()
                .is_some_and(|secret| secret.metadata.deletion_timestamp.is_some());
        let destination = match (&observed.secret, &observed.held) {
            (None, _) => Holds::Nothing,
            (Some(_), _) if going => Holds::Nothing,
            (Some(_), None) => Holds::Foreign,
            (Some(_), Some(held)) => Holds::Value(&held.fingerprint),
        };
        let issuer = self.issuer.as_ref().ok().map(|handle| &handle.issuer);
        AdoptView {
            spec: &self.spec,
            record: &self.known.record,
            source: observed.offered().map(|value| &value.fingerprint),
            destination,
            can_check: issuer
                .is_some_and(|issuer| issuer.can_check(About::of(&self.request.parameters))),
            // An issuer that is not there may come back until the deletion gives up.
            can_revoke: issuer.is_none_or(|issuer| issuer.capabilities().revoke),
            elsewhere: self.elsewhere(),
            in_use: self.used_by(observed).is_some(),
        }
    }
}

/// Whether a Secret names a manager.
fn claimed(secret: &Secret) -> bool {
    secret.annotations().contains_key(annotation::MANAGER_UID)
}
