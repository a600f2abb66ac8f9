//! One `ApiToken` that adopts, under work: its object, what is known of it, and its issuer.

use std::sync::Arc;
use std::time::Duration;
use tokenwright_core::instant::after;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;
use tokenwright_api::ApiToken;
use tokenwright_api::adopt::AdoptRequest;
use tokenwright_api::names::{annotation, finalizer, reason};
use tokenwright_client::About;
use tokenwright_core::adopt::{AdoptSpec, Fingerprint};

use crate::adopted::record::{self, AdoptedRecord, Recognised, Remembered};
use crate::adopted::wanted;
use crate::cluster::calls::CallError;
use crate::cluster::conditions::{Trouble, say};
use crate::cluster::context::Context;
use crate::cluster::events::{Event, send};
use crate::cluster::finalizers;
use crate::cluster::logs;
use crate::cluster::memory::Memory;
use crate::cluster::pace::UNTOLD;
use crate::issuer::obstacle::Obstacle;
use crate::issuer::registry::Handle;
use crate::issuer::scheduler::Permit;
use crate::secret::limits::SecretLimits;
use crate::secret::manager::Manager;
use crate::secret::parts::{DigestKey, Parts};

/// The digits of a digest that tell values apart: 64 bits, under a key that nobody else has.
const DIGITS: usize = 16;

/// The longest wait until a write that was refused is tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// What the work on all of them shares.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The API server, the time, the tasks.
    pub(crate) context: Arc<Context>,
    /// The key of the digests.
    pub(crate) key: DigestKey,
    /// Which Secrets are left to others.
    pub(crate) limits: Arc<SecretLimits>,
    /// What is known of each beyond its status.
    pub(crate) memory: Arc<Memory<Option<Remembered>>>,
}

/// What is left to do after a step.
#[derive(Debug)]
pub(super) enum After {
    /// Look and decide again.
    Again,
    /// Nothing now, and again at this instant even if nothing changes.
    Rest(Option<Timestamp>),
    /// The object is gone.
    Gone,
}

/// One `ApiToken` that adopts.
#[derive(Debug)]
pub(super) struct Adopted {
    pub(super) context: Arc<Context>,
    pub(super) key: DigestKey,
    /// Which Secrets are left to others.
    pub(super) limits: Arc<SecretLimits>,
    memory: Arc<Memory<Option<Remembered>>>,
    pub(super) manager: Manager,
    /// The object at the version that was read or written last.
    pub(super) object: ApiToken,
    /// Its `spec.adopt`.
    pub(super) request: AdoptRequest,
    /// Who is asked about values, or why nobody can be.
    pub(super) issuer: Result<Arc<Handle>, Obstacle>,
    /// What is wanted.
    pub(super) spec: AdoptSpec,
    /// What of it cannot be carried out.
    pub(super) invalid: Option<Obstacle>,
    /// What is known, which is more than the status says until that is written.
    pub(super) known: AdoptedRecord,
    /// What went wrong just now.
    pub(super) trouble: Option<Trouble>,
    /// Why the Secret cannot be brought into its wanted form.
    pub(super) unformed: Option<Trouble>,
    /// Whether it was seen just now that it is in that form.
    pub(super) formed: bool,
    /// What it waits for at the issuer.
    pub(super) waits: Option<Trouble>,
    /// When that is tried again.
    pub(super) retry_at: Option<Timestamp>,
    /// The accepted value, from the removal of the Secret that held it until its token has ended.
    pub(super) kept: Option<Recognised>,
    /// Leave to ask the issuer, where more than one step needs it.
    pub(super) permit: Option<Permit>,
}

impl Adopted {
    pub(super) fn new(
        shared: &Shared,
        (manager, object): (Manager, ApiToken),
        request: AdoptRequest,
        issuer: Result<Arc<Handle>, Obstacle>,
    ) -> Self {
        let handle = issuer.as_ref().ok().map(AsRef::as_ref);
        let (spec, invalid) = wanted::read(&object, &request, handle, &shared.limits);
        let base = object
            .status
            .as_ref()
            .and_then(|status| status.adopted.clone());
        let remembered = shared.memory.known(&manager.uid, Clone::clone);
        let kept = remembered.as_ref().and_then(|known| known.kept.clone());
        let read = || {
            let read = record::read(base.as_ref());
            let seal = read.seal(&manager.uid, &shared.key);
            let seals = object.status.iter().flat_map(|status| &status.seals);
            let sealed = seal.is_some_and(|seal| seals.into_iter().any(|known| *known == seal));
            AdoptedRecord { sealed, ..read }
        };
        let known = match remembered {
            Some(remembered) if remembered.base == base => remembered.known,
            Some(remembered) => read().beside(&remembered.known),
            None => read(),
        };
        Self {
            context: Arc::clone(&shared.context),
            key: shared.key.clone(),
            limits: Arc::clone(&shared.limits),
            memory: Arc::clone(&shared.memory),
            manager,
            object,
            request,
            issuer,
            spec,
            invalid,
            known,
            trouble: None,
            unformed: None,
            formed: false,
            waits: None,
            retry_at: None,
            kept,
            permit: None,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.context.clock.now()
    }

    /// The name of the Secret that a person fills.
    pub(super) fn source(&self) -> &str {
        &self.request.value_from.secret_ref.name
    }

    /// The endpoint that is asked now.
    pub(super) fn endpoint(&self) -> Option<&str> {
        let handle = self.issuer.as_ref().ok();
        handle.map(|handle| handle.issuer.endpoint())
    }

    /// Whether the accepted value was taken up at another endpoint than that.
    pub(super) fn elsewhere(&self) -> bool {
        let taken_up_at = self.known.issuer.as_deref();
        let other = |now| taken_up_at.is_some_and(|was| was != now);
        self.endpoint().is_some_and(other)
    }

    /// Where the accepted value belongs, for whoever reads it; nothing where only a status without a seal says so.
    pub(super) fn place(&self) -> Option<&str> {
        match self.known.sealed {
            true => self.known.issuer.as_deref(),
            false => self.endpoint().filter(|_| !self.elsewhere()),
        }
    }

    /// The accepted value belongs to the endpoint that is asked now: where its owner says so of this very value, and
    /// where nothing can be asked and nobody has said another one.
    pub(super) fn belongs_here(&mut self) {
        let (Ok(handle), Some(accepted)) = (&self.issuer, &self.known.record.accepted) else {
            return;
        };
        let said = self.object.annotations().get(annotation::VALUE_BELONGS_TO);
        let here = self.said_to_belong_here(&accepted.fingerprint);
        let said = said.is_some_and(|said| said.trim().trim_end_matches('/') == here);
        let about = About::of(&self.request.parameters);
        if said || !self.elsewhere() && !handle.issuer.can_check(about) {
            self.bind();
        }
    }

    /// How whoever owns the object says that a value belongs to the endpoint that is asked now.
    pub(super) fn said_to_belong_here(&self, value: &Fingerprint) -> String {
        format!("{value}@{}", self.endpoint().unwrap_or_default())
    }

    /// Remembers that the accepted value belongs to the endpoint that is asked now.
    pub(super) fn bind(&mut self) {
        self.known.issuer = self.endpoint().map(ToOwned::to_owned);
        self.known.sealed = self.known.issuer.is_some();
    }

    /// What a person must do at this system.
    pub(super) fn manual(&self) -> Option<&str> {
        self.issuer.as_ref().ok()?.issuer.manual()
    }

    pub(super) fn in_trouble(&mut self, reason: &str, message: String) {
        self.trouble = Some(Trouble::new(reason, message));
    }

    /// A value with what tells it from others.
    pub(super) fn recognise(&self, parts: Parts) -> Recognised {
        let digest = parts.digest(&self.key);
        let beginning: String = digest.chars().take(DIGITS).collect();
        Recognised {
            fingerprint: Fingerprint::new(beginning),
            parts,
        }
    }

    /// Keeps in memory what is known, for whoever comes next in this process.
    pub(super) fn remember(&self) {
        let status = self.object.status.as_ref();
        let remembered = Remembered {
            base: status.and_then(|status| status.adopted.clone()),
            known: self.known.clone(),
            kept: self.kept.clone(),
        };
        self.memory
            .of(&self.manager.uid, |known| *known = Some(remembered));
    }

    /// The finalizer stands before anything is done that must be undone at the end.
    pub(super) async fn ensure_finalizer(&mut self) -> Result<(), CallError> {
        let ours = finalizer::API_TOKEN;
        if let Some(held) = finalizers::ensure(&self.context, &self.object, ours).await? {
            self.context.wrote(&held);
            self.object = held;
        }
        Ok(())
    }

    /// A write that the API server does not take: it is said, and tried again later and later.
    pub(super) fn refused(&mut self, what: &str, message: &str) -> After {
        self.trouble_with(what, message);
        After::Rest(None)
    }

    /// The same for a write that the others can do without.
    pub(super) fn trouble_with(&mut self, what: &str, message: &str) {
        logs::because(reason::WRITE_REFUSED);
        tracing::warn!(what, "a write was refused: {message}");
        self.in_trouble(reason::WRITE_REFUSED, format!("{what}: {message}"));
        self.retry_later();
    }

    /// The API server does not take the Secret as it is wanted, while its value works: it is said, once in an event.
    pub(super) async fn form_refused(&mut self, error: &CallError) {
        let why = Trouble::of_form(error);
        self.tell_refusal(&why, "Restore").await;
        self.unformed = Some(why);
    }

    /// Says once in an event what refuses that the Secret is changed or goes, and has it tried again.
    pub(super) async fn tell_refusal(&mut self, why: &Trouble, doing: &'static str) {
        logs::because(reason::SECRET_REFUSED);
        tracing::warn!("the Secret stays as it is: {}", why.message);
        let status = self.object.status.as_ref();
        if !status.is_some_and(|status| say(&status.conditions, why)) {
            let event = Event::warning(reason::SECRET_REFUSED, doing, why.message.clone());
            send(&self.context, &self.object, &event).await;
        }
        self.retry_later();
    }

    /// What was refused is tried again later and later.
    fn retry_later(&mut self) {
        let failures = self.context.failed(&self.manager.uid);
        let wait = Duration::from_secs(1).saturating_mul(1 << failures.min(9));
        let wait = SignedDuration::try_from(wait.min(LONGEST_WAIT)).unwrap_or(UNTOLD);
        self.retry_at = Some(after(self.now(), wait));
    }
}
