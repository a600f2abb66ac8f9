//! One `ApiToken` under work: its object, its record, its issuer, and what was seen of them.
//!
//! This is the *observe* and the *record* of the operator; what to do is decided elsewhere.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use tokenwright_api::ApiToken;
use tokenwright_client::survey;
use tokenwright_core::{
    Capabilities, Decision, DeletionPolicy, Destination, InvalidSpec, LostAnswer, Nonce, Observed,
    Outcome, Record, Spec, Survey, TokenStatus, View, decide, decide_deletion, evolve_beside,
};

use crate::calls::CallError;
use crate::context::{Context, SecretSeen};
use crate::issuers::Handle;
use crate::manager::Manager;
use crate::parts::Parts;
use crate::record::{self, Unreadable};
use crate::report::{Scene, Trouble, status};
use crate::secret::{Ownership, carried, ownership, version};
use crate::wishes;

/// A value that somebody changes is minted anew, but not more often than this: the other writer
/// may be a program.
const BETWEEN_MODIFICATIONS: SignedDuration = SignedDuration::from_mins(5);

/// A token that was shown without our marker is looked at again this much later.
const NOT_PROVEN_AGAIN: SignedDuration = SignedDuration::from_mins(10);

/// One `ApiToken` under work.
#[derive(Debug, Clone)]
pub struct Subject {
    /// What all tasks share.
    pub context: Arc<Context>,
    /// Who manages.
    pub manager: Manager,
    /// The object at the version that was read or written last.
    pub object: ApiToken,
    /// What its status remembers.
    pub record: Record,
    /// Who mints.
    pub handle: Arc<Handle>,
    /// What is wanted.
    pub spec: Spec,
    /// What cannot be carried out.
    pub invalid: Option<InvalidSpec>,
}

/// A Secret that was read just now, and what it is to the manager.
#[derive(Debug, Clone)]
pub struct Look {
    /// The Secret itself; `None` if there is none, or if what was seen before is still true.
    pub secret: Option<Secret>,
    /// What it is.
    pub destination: Destination,
}

/// What is recorded beside the record.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// What went wrong just now.
    pub trouble: Option<Trouble>,
    /// The digest of a value that was delivered just now.
    pub digest: Option<String>,
    /// The flow that runs.
    pub running: Option<Nonce>,
}

impl Subject {
    /// The subject that an object is.
    ///
    /// # Errors
    ///
    /// If its status cannot be read.
    pub fn new(
        context: &Arc<Context>,
        manager: Manager,
        object: ApiToken,
        handle: Arc<Handle>,
    ) -> Result<Self, Unreadable> {
        let record = record::read(&object.status.clone().unwrap_or_default(), &manager)?;
        let (spec, invalid) = wanted(context, &object, &record, &handle);
        Ok(Self {
            context: Arc::clone(context),
            manager,
            object,
            record,
            handle,
            spec,
            invalid,
        })
    }

    /// What the system can do.
    #[must_use]
    pub fn can(&self) -> &Capabilities {
        self.handle.issuer.capabilities()
    }

    /// The same subject at another version of its object.
    ///
    /// # Errors
    ///
    /// If the status of that version cannot be read.
    pub fn at(&mut self, object: ApiToken) -> Result<(), Unreadable> {
        *self = Self::new(
            &self.context,
            self.manager.clone(),
            object,
            Arc::clone(&self.handle),
        )?;
        Ok(())
    }

    /// Everything that is seen, given what the destination is.
    #[must_use]
    pub fn observed(
        &self,
        destination: Destination,
        running: Option<Nonce>,
        now: Timestamp,
    ) -> Observed {
        let survey = self.survey(now);
        let touched_at = self
            .context
            .remember(&self.manager.uid, |memory| memory.touched_at);
        let fresh = survey
            .as_ref()
            .filter(|survey| touched_at.is_none_or(|at| survey.started_at >= at));
        let not_proven = self.context.remember(&self.manager.uid, |memory| {
            memory
                .not_proven
                .retain(|(_, at)| now.duration_since(*at) < NOT_PROVEN_AGAIN);
            memory.not_proven.iter().map(|(id, _)| id.clone()).collect()
        });
        let status = match (fresh, &self.record.current) {
            (Some(survey), Some(current)) => {
                TokenStatus::from_survey(survey, current, self.can().settle)
            }
            _ => TokenStatus::Unknown,
        };
        Observed {
            running,
            issuer: self.handle.seen(),
            destination,
            status,
            // After a start nothing is ended before the issuer has shown what there is.
            hold_revokes: self.lists() && survey.is_none(),
            survey,
            hold_mints: false,
            not_proven,
        }
    }

    /// What the newest listing shows of ours.
    fn survey(&self, now: Timestamp) -> Option<Survey> {
        let listing = self.handle.inventory.newest(&self.spec.inputs.parameters)?;
        let Manager { origin, id, .. } = &self.manager;
        Some(survey(&listing, origin, id, now))
    }

    /// The record after `outcome`, which forgets nothing that the newest listing still shows.
    #[must_use]
    pub fn evolve(&self, outcome: Outcome, now: Timestamp) -> Record {
        let survey = self.survey(now);
        evolve_beside(self.record.clone(), outcome, survey.as_ref(), now)
    }

    /// Whether the issuer's listing shows what is ours.
    #[must_use]
    pub fn lists(&self) -> bool {
        self.can().lost_answer == LostAnswer::FindByMarker
    }

    /// Decides from what was seen.
    #[must_use]
    pub fn decide(&self, observed: &Observed, now: Timestamp) -> Decision {
        let view = self.view(observed, &self.record);
        match self.spec.deletion.since {
            Some(_) => decide_deletion(&view, now),
            None => decide(&view, now),
        }
    }

    /// The view of a record and what was seen.
    #[must_use]
    pub fn view<'a>(&'a self, observed: &'a Observed, record: &'a Record) -> View<'a> {
        View {
            spec: &self.spec,
            record,
            observed,
            can: self.can(),
        }
    }

    /// Reads the Secret, unless the watch shows that it is as it was.
    ///
    /// # Errors
    ///
    /// If the API server does not answer clearly.
    pub async fn look(&self, watched: Option<&str>) -> Result<Look, CallError> {
        let known = self
            .context
            .remember(&self.manager.uid, |memory| memory.secret.clone());
        if let Some(known) = known.filter(|known| self.still_true(known, watched)) {
            return Ok(Look {
                secret: None,
                destination: known.destination,
            });
        }
        self.look_now().await
    }

    fn still_true(&self, known: &SecretSeen, watched: Option<&str>) -> bool {
        // While an attempt is open, or the object is being deleted, nothing but the truth will do.
        let unsettled = !self.record.attempts.is_empty() || self.spec.deletion.since.is_some();
        let unsure = matches!(
            known.destination,
            Destination::Present { intact: false, .. } | Destination::Foreign
        );
        !unsettled
            && !unsure
            && known.version.as_deref() == watched
            && known.generation == self.object.metadata.generation
    }

    /// Reads the Secret as it is now.
    ///
    /// # Errors
    ///
    /// If the API server does not answer clearly.
    pub async fn look_now(&self) -> Result<Look, CallError> {
        let name = &self.object.spec.secret.name;
        let secret = self
            .context
            .calls
            .secret(&self.manager.namespace, name)
            .await?;
        let destination = self.judge(secret.as_ref());
        self.saw(secret.as_ref(), &destination);
        Ok(Look {
            secret,
            destination,
        })
    }

    /// Remembers what a Secret was seen to be.
    pub fn saw(&self, secret: Option<&Secret>, destination: &Destination) {
        let seen = SecretSeen {
            version: secret.and_then(ResourceExt::resource_version),
            destination: destination.clone(),
            generation: self.object.metadata.generation,
        };
        self.context
            .remember(&self.manager.uid, |memory| memory.secret = Some(seen));
    }

    /// Remembers that the Secret cannot look as it is wanted, and begins nothing new because of it.
    pub fn cannot(&mut self, invalid: InvalidSpec) {
        let found = (self.object.metadata.generation, invalid);
        self.context
            .remember(&self.manager.uid, |memory| memory.impossible = Some(found));
        (self.spec, self.invalid) = wanted(&self.context, &self.object, &self.record, &self.handle);
    }

    /// What a Secret is to the manager.
    #[must_use]
    pub fn judge(&self, secret: Option<&Secret>) -> Destination {
        let Some(secret) = secret else {
            return Destination::Absent;
        };
        let present = |carried, intact| Destination::Present {
            version: version(Some(secret)),
            carried,
            intact,
        };
        match ownership(secret, &self.manager) {
            Ownership::Ours => {
                let carried = carried(secret, &self.manager).map(Box::new);
                let intact = match (&carried, &self.record.current) {
                    (Some(carried), Some(current)) if carried.current.token != current.token => {
                        true
                    }
                    _ => self.holds_our_value(&Parts::held_by(secret)) || self.modified_lately(),
                };
                present(carried, intact)
            }
            Ownership::Offered | Ownership::Predecessor { .. } => present(None, true),
            Ownership::Foreign if !self.released() && self.stripped(secret) => present(None, true),
            Ownership::Foreign => Destination::Foreign,
        }
    }

    fn holds_our_value(&self, parts: &Parts) -> bool {
        let known = self
            .object
            .status
            .as_ref()
            .and_then(|status| status.digest.as_ref());
        known.is_none_or(|known| parts.digest(&self.context.key) == *known)
    }

    /// Whether the value was minted so lately that a change of it is not answered yet.
    fn modified_lately(&self) -> bool {
        let now = self.context.clock.now();
        let current = self.record.current.as_ref();
        current.is_some_and(|current| now < current.created_at + BETWEEN_MODIFICATIONS)
    }

    /// Whether a Secret without our annotations is one that we gave back.
    fn released(&self) -> bool {
        let deletion = self.spec.deletion;
        deletion.since.is_some() && deletion.policy == DeletionPolicy::Retain
    }

    /// Whether a Secret without our annotations holds our value: somebody only took the metadata away.
    fn stripped(&self, secret: &Secret) -> bool {
        let known = self
            .object
            .status
            .as_ref()
            .and_then(|status| status.digest.as_ref());
        known.is_some()
            && self.record.current.is_some()
            && self.holds_our_value(&self.unlabelled_parts(secret))
    }

    /// The parts of a Secret that does not say any more which keys they are.
    #[must_use]
    pub fn unlabelled_parts(&self, secret: &Secret) -> Parts {
        let rendered = &self.object.spec.secret.data;
        Parts::keys_of(secret, |key| !rendered.contains_key(key))
    }

    /// The status that says what is known now.
    fn status(
        &self,
        record: &Record,
        observed: &Observed,
        beside: &Beside,
        now: Timestamp,
    ) -> tokenwright_api::ApiTokenStatus {
        let view = self.view(observed, record);
        let decision = match self.spec.deletion.since {
            Some(_) => decide_deletion(&view, now),
            None => decide(&view, now),
        };
        let scene = Scene {
            view,
            decision: &decision,
            invalid: self.invalid.as_ref(),
            trouble: beside.trouble.as_ref(),
            digest: beside.digest.clone(),
            secret_name: &self.object.spec.secret.name,
            generation: self.object.metadata.generation.unwrap_or_default(),
        };
        status(&scene, &self.object.status.clone().unwrap_or_default(), now)
    }

    /// Writes down a record and what it means; nothing is sent where nothing would change.
    ///
    /// # Errors
    ///
    /// If the object has changed meanwhile, or the API server does not answer clearly.
    pub async fn write(
        &mut self,
        record: Record,
        destination: Destination,
        beside: &Beside,
    ) -> Result<(), CallError> {
        let now = self.context.clock.now();
        let mut next = self.clone();
        // What is wanted depends on what was handled.
        (next.spec, next.invalid) = wanted(&self.context, &self.object, &record, &self.handle);
        let observed = next.observed(destination, beside.running.clone(), now);
        let status = next.status(&record, &observed, beside, now);
        if self.object.status.as_ref() == Some(&status) {
            next.record = record;
            *self = next;
            return Ok(());
        }
        next.object.status = Some(status);
        next.object = self.context.calls.write_status(next.object).await?;
        next.record = record;
        self.context.wrote(&next.object);
        *self = next;
        Ok(())
    }
}

/// What is wanted, and what of it cannot be carried out.
///
/// Where something cannot, what exists is tended as it is, and nothing new is begun.
fn wanted(
    context: &Context,
    object: &ApiToken,
    record: &Record,
    handle: &Handle,
) -> (Spec, Option<InvalidSpec>) {
    let spec = wishes::read(
        object,
        record.handled_trigger.as_deref(),
        handle.request_timeout,
    );
    let valid = spec.and_then(|spec| {
        handle
            .issuer
            .validate(&spec.inputs)
            .map_err(wishes::with_path)?;
        let known = object
            .metadata
            .uid
            .as_ref()
            .and_then(|uid| context.remember(uid, |memory| memory.impossible.clone()));
        match known {
            Some((generation, invalid)) if generation == object.metadata.generation => Err(invalid),
            Some(_) | None => Ok(spec),
        }
    });
    match valid {
        Ok(spec) => (spec, None),
        Err(invalid) => {
            let current = record.current.as_ref().map(|held| &held.inputs);
            let spec = wishes::only_tend(object, current, handle.request_timeout);
            let deleting = spec.deletion.since.is_some();
            (spec, (!deleting).then_some(invalid))
        }
    }
}
