//! One `ApiToken` under work: its object, what its status remembers, its issuer, and what is wanted.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokenwright_api::record::{self, Unreadable};
use tokenwright_api::wanted::{ended_suspects, longest};
use tokenwright_api::{ApiToken, ApiTokenStatus};
use tokenwright_client::Operation;
use tokenwright_core::instant::{after, before, can_have_happened, part};
use tokenwright_core::schedule::{self, attempt_within};
use tokenwright_core::{
    Capabilities, Decision, Destination, Duty, Held, InvalidSpec, Nonce, Observed, Outcome, Record,
    Spec, View, basis, decide, decide_deletion, evolve_beside,
};

use crate::cluster::calls::CallError;
use crate::cluster::conditions::{Trouble, say};
use crate::cluster::context::Context;
use crate::cluster::events::send;
use crate::cluster::memory::Memory;
use crate::cluster::metrics;
use crate::cluster::pace;
use crate::cluster::told::{self, same_record};
use crate::issuer::object::place_of;
use crate::issuer::obstacle::Obstacle;
use crate::issuer::registry::Handle;
use crate::minted::seen::{Begun, Impossible, Seen};
use crate::minted::status::{Basis, status};
use crate::minted::transitions::transitions;
use crate::minted::unended::asked_in_vain;
use crate::minted::wanted;
use crate::secret::limits::SecretLimits;
use crate::secret::manager::Manager;
use crate::secret::parts::DigestKey;
use crate::secret::shown::SecretMeta;

/// A wait that is over within this time is not worth a write: a queue at the issuer, or a listing.
const SHORT_WAIT: SignedDuration = SignedDuration::from_secs(20);

/// Nor is one that is over within this time, in a queue that moves: thousands would say it, and none be served
/// meanwhile.
const WAIT_IN_A_QUEUE: SignedDuration = SignedDuration::from_mins(10);

/// What the work on all of them shares.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    /// The API server, the time, the tasks.
    pub(crate) context: Arc<Context>,
    /// The key of the digests.
    pub(crate) key: DigestKey,
    /// Which Secrets are left to others.
    pub(crate) limits: Arc<SecretLimits>,
    /// What was seen of each.
    pub(crate) memory: Arc<Memory<Seen>>,
}

/// One `ApiToken` under work.
#[derive(Debug, Clone)]
pub(crate) struct Managed {
    shared: Shared,
    /// Who manages.
    pub(crate) manager: Manager,
    /// The object at the version that was read or written last.
    pub(crate) object: ApiToken,
    /// What its status remembers.
    pub(crate) record: Record,
    /// Who mints.
    pub(crate) handle: Arc<Handle>,
    /// Its Secret without the value, as the watch shows it; `None` where none of ours is shown.
    pub(crate) watched: Option<Arc<SecretMeta>>,
    /// What is wanted.
    pub(crate) spec: Spec,
    /// What cannot be carried out.
    pub(crate) invalid: Option<Obstacle>,
    /// What the Secret lacks of what is wanted: what the API server does not take, a mark that does not stay on it,
    /// or what only the next value has.
    pub(crate) unformed: Option<Trouble>,
}

/// What is recorded beside the record.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beside {
    /// What went wrong just now.
    pub(crate) trouble: Option<Trouble>,
    /// What it waits for at the issuer.
    pub(crate) waits: Option<Trouble>,
    /// The digest of a value that was delivered just now.
    pub(crate) digest: Option<String>,
    /// The flow that runs.
    pub(crate) running: Option<Nonce>,
}

impl std::ops::Deref for Managed {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Managed {
    /// The managed that an object is.
    ///
    /// # Errors
    ///
    /// If its status cannot be read.
    pub(crate) fn new(
        shared: &Shared,
        manager: Manager,
        object: ApiToken,
        handle: Arc<Handle>,
    ) -> Result<Self, Unreadable> {
        let nothing = ApiTokenStatus::default();
        let status = object.status.as_ref().unwrap_or(&nothing);
        let mut record = record::read(status, |marker| manager.owns(marker))?;
        let known = shared.memory.of(&manager.uid, |seen| seen.revokes.clone());
        let known = known.into_iter();
        let known: Vec<_> = known
            .filter_map(|begun| begun.unknown_to(&record))
            .collect();
        record.revokes.extend(known);
        let attempt = attempt_within(handle.request_timeout, handle.issuer.capabilities());
        let longest = longest(&object, attempt);
        let now = shared.context.clock.now();
        let record = record.as_of(now, longest).without_ended_suspects(
            &ended_suspects(&object),
            !handle.issuer.capabilities().lifetime_ignored,
            before(now, handle.account.gate.ahead()),
        );
        let impossible = shared
            .memory
            .of(&manager.uid, |seen| seen.impossible.as_deref().cloned());
        let limits = &shared.limits;
        let (spec, invalid) = wanted::of(&object, &record, &handle, limits, impossible);
        Ok(Self {
            shared: shared.clone(),
            manager,
            object,
            record,
            handle,
            watched: None,
            spec,
            invalid,
            unformed: None,
        })
    }

    /// The same, beside what the watch shows of its Secret.
    pub(crate) fn beside(self, watched: Option<Arc<SecretMeta>>) -> Self {
        Self { watched, ..self }
    }

    /// What the system can do.
    pub(crate) fn can(&self) -> &Capabilities {
        self.handle.issuer.capabilities()
    }

    /// The same managed at another version of its object.
    ///
    /// # Errors
    ///
    /// If the status of that version cannot be read.
    pub(crate) fn at(&mut self, object: ApiToken) -> Result<(), Unreadable> {
        let anew = Self::new(
            &self.shared,
            self.manager.clone(),
            object,
            Arc::clone(&self.handle),
        )?;
        let unformed = self.unformed.take();
        *self = Self {
            unformed,
            ..anew.beside(self.watched.take())
        };
        Ok(())
    }

    /// Whether the delivered token ends so soon that its successor waits for nothing that its delivery does not
    /// need: half of the time that its rotation has is over.
    pub(crate) fn presses(&self) -> bool {
        let held = self.record.current.as_ref();
        let due = held.and_then(|held| schedule::renew_at(&self.spec, held));
        let (Some(due), Some(ends)) = (due, held.and_then(Held::relied_on_until)) else {
            return false;
        };
        self.context.clock.now() >= after(due, part(ends.duration_since(due), 2))
    }

    /// The Secret is not as it is wanted, which holds up nothing else: that is tried again later and later.
    pub(crate) fn lacks(&mut self, why: Trouble) {
        self.unformed = Some(why);
        self.remember(|seen| seen.unformed = seen.unformed.saturating_add(1));
        self.doubt_form();
    }

    /// When that is tried again.
    pub(crate) fn formed_again_at(&self, now: Timestamp) -> Option<Timestamp> {
        let times = self.remember(|seen| seen.unformed);
        let lacks = self.unformed.as_ref();
        lacks.map(|_| pace::after_failures(times.into(), now))
    }

    /// Has the Secret read again where it is not as it is wanted.
    pub(crate) fn doubt_form(&self) {
        if self.unformed.is_some() {
            self.remember(|seen| seen.doubted = true);
        }
    }

    /// The record after `outcome`, which forgets nothing that the newest listing still shows.
    pub(crate) fn evolve(&self, outcome: Outcome, now: Timestamp) -> Record {
        let survey = self.survey(now);
        let mut record = evolve_beside(self.record.clone(), outcome, survey.as_ref(), now);
        if record.retry_at != self.record.retry_at && record.retry_at.is_some() {
            record.retry_basis = Some(basis(&self.spec, &self.handle.seen()));
        }
        record
    }

    /// Decides from what was seen.
    pub(crate) fn decide(&self, observed: &Observed, now: Timestamp) -> Decision {
        let view = self.view(observed, &self.record);
        match self.spec.deletion.since {
            Some(_) => decide_deletion(&view, now),
            None => decide(&view, now),
        }
    }

    /// The view of a record and what was seen.
    pub(crate) fn view<'a>(&'a self, observed: &'a Observed, record: &'a Record) -> View<'a> {
        View {
            spec: &self.spec,
            record,
            observed,
            can: self.can(),
        }
    }

    /// Remembers that the Secret cannot look as it is wanted, and begins nothing new because of it.
    pub(crate) fn cannot(&mut self, invalid: InvalidSpec) {
        let found = Impossible {
            generation: self.object.metadata.generation,
            parts: self.handle.parts(),
            invalid,
        };
        self.remember(|seen| seen.impossible = Some(Box::new(found)));
        (self.spec, self.invalid) = self.wanted(&self.record);
    }

    fn wanted(&self, record: &Record) -> (Spec, Option<Obstacle>) {
        let impossible = self.remember(|seen| seen.impossible.as_deref().cloned());
        wanted::of(&self.object, record, &self.handle, &self.limits, impossible)
    }

    /// Reads or changes what was seen of it in this process.
    pub(crate) fn remember<T>(&self, change: impl FnOnce(&mut Seen) -> T) -> T {
        self.memory.of(&self.manager.uid, change)
    }

    /// Its issuer is asked again for what failed before.
    pub(crate) fn retries(&self, operation: Operation) {
        let issuer = metrics::issuer(place_of(&self.object));
        self.context.metrics.retried(&issuer, operation);
    }

    /// Whether its conditions say this already, by this process or by the one before it.
    pub(crate) fn says(&self, why: &Trouble) -> bool {
        let status = self.object.status.as_ref();
        status.is_some_and(|status| say(&status.conditions, why))
    }

    /// The version of the Secret that was seen last, where it is as it is wanted.
    fn version_in_form(&self) -> Option<String> {
        self.remember(|seen| {
            seen.secret
                .as_ref()
                .filter(|_| !seen.doubted)?
                .version
                .clone()
        })
    }

    /// The status that says what is known now.
    fn status(
        &self,
        record: &Record,
        observed: &Observed,
        beside: &Beside,
        now: Timestamp,
    ) -> ApiTokenStatus {
        let view = self.view(observed, record);
        let decision = match self.spec.deletion.since {
            Some(_) => decide_deletion(&view, now),
            None => decide(&view, now),
        };
        // Nothing refuses what was not asked: it is one of a deletion.
        let refusal = self.remember(|seen| Some(seen.refusal.as_ref()?.why.clone()));
        let waits = beside.waits.clone().or(refusal);
        let waits = waits.or_else(|| self.unchanged(record));
        let basis = Basis {
            view,
            decision: &decision,
            invalid: self.invalid.as_ref(),
            trouble: beside.trouble.as_ref(),
            refused: self.unformed.as_ref(),
            waits: waits.as_ref(),
            unread: self.remember(|seen| seen.unread.as_deref().cloned()),
            contested: self.context.contested(
                &self.manager.uid,
                &self.object.spec.secret.name,
                now,
            ),
            foreign: self.remember(|seen| seen.foreign.clone()).map(String::from),
            in_vain: asked_in_vain(&self.object, record),
            digest: beside.digest.clone(),
            secret_version: self.version_in_form(),
            secret_name: &self.object.spec.secret.name,
            generation: self.object.metadata.generation.unwrap_or_default(),
        };
        let nothing = ApiTokenStatus::default();
        let before = self.object.status.as_ref().unwrap_or(&nothing);
        ApiTokenStatus {
            seals: self.seals_of(record),
            ..status(&basis, before, now)
        }
    }

    /// Why the token is not changed in place, as far as that is wanted still.
    fn unchanged(&self, record: &Record) -> Option<Trouble> {
        let held = record.current.as_ref()?;
        let wished = held.inputs != self.spec.inputs;
        let mut pauses = record.pauses.iter();
        let paused = pauses.any(|pause| pause.duty == Duty::Update && (wished || pause.unsure));
        let wanted = paused && self.spec.deletion.since.is_none();
        let unchanged = |seen: &mut Seen| seen.unchanged.as_ref().and_then(|it| it.why.clone());
        self.remember(unchanged).filter(|_| wanted)
    }

    /// Writes down a record and what it means; nothing is sent where nothing would change.
    ///
    /// # Errors
    ///
    /// If the object has changed meanwhile, or the API server does not answer clearly.
    pub(crate) async fn write(
        &mut self,
        record: Record,
        destination: Destination,
        beside: &Beside,
    ) -> Result<(), CallError> {
        let same = |before: &ApiTokenStatus, after: &ApiTokenStatus| before == after;
        // Apart: who writes waits for an issuer most of the time.
        Box::pin(self.write_unless(record, destination, beside, same)).await
    }

    /// The same in the middle of a piece of work: what follows says it in other words anyway, so that words
    /// alone are not sent.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub(crate) async fn write_between(
        &mut self,
        record: Record,
        destination: Destination,
    ) -> Result<(), CallError> {
        Box::pin(self.write_unless(record, destination, &Beside::default(), same_record)).await
    }

    /// Says that it waits, once that lasts; gives the instant to look again where it has not lasted yet.
    ///
    /// Until then the status that the definition gives a new object says that nothing is done.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub(crate) async fn write_wait(
        &mut self,
        destination: Destination,
        beside: Beside,
        (tell_at, now): (Timestamp, Timestamp),
    ) -> Result<Option<Timestamp>, CallError> {
        if now < tell_at {
            return Ok(Some(tell_at));
        }
        let record = self.record.clone();
        self.write(record, destination, &beside).await?;
        Ok(None)
    }

    /// From when on it says that it waits.
    pub(crate) fn tells_wait_at(&self, now: Timestamp) -> Timestamp {
        let since = self.remember(|seen| {
            let since = seen.waits_since.filter(|at| can_have_happened(*at, now));
            *seen.waits_since.insert(since.unwrap_or(now))
        });
        after(since, SHORT_WAIT)
    }

    /// The same of a wait for a turn.
    pub(crate) fn tells_queue_at(&self, now: Timestamp) -> Timestamp {
        let at = self.tells_wait_at(now);
        match at <= now && self.handle.scheduler.moves(WAIT_IN_A_QUEUE, now) {
            true => after(at, WAIT_IN_A_QUEUE),
            false => at,
        }
    }

    async fn write_unless(
        &mut self,
        record: Record,
        destination: Destination,
        beside: &Beside,
        same: impl Fn(&ApiTokenStatus, &ApiTokenStatus) -> bool,
    ) -> Result<(), CallError> {
        let now = self.context.clock.now();
        // What is wanted depends on what was handled.
        let (spec, invalid) = self.wanted(&record);
        let former = (
            std::mem::replace(&mut self.spec, spec),
            std::mem::replace(&mut self.invalid, invalid),
        );
        let observed = self.observed(destination, beside.running.clone(), now);
        let mut status = self.status(&record, &observed, beside, now);
        self.remember(|seen| seen.revokes = record.revokes.iter().map(Begun::of).collect());
        let nothing = ApiTokenStatus::default();
        let before = self.object.status.as_ref().unwrap_or(&nothing);
        // Which version was read last is worth no write of its own.
        let version = std::mem::replace(&mut status.secret_version, before.secret_version.clone());
        if self.object.status.is_some() && same(before, &status) {
            self.record = record;
            return Ok(());
        }
        status.secret_version = version;
        let news = transitions(before, &status);
        let written = match told::say(&self.context, &self.object, status).await {
            Ok(written) => written,
            Err(error) => {
                (self.spec, self.invalid) = former;
                return Err(error);
            }
        };
        // The events are of what was read before.
        for event in news {
            send(&self.context, &self.object, &event).await;
        }
        self.record = record;
        if let Some(written) = written {
            self.object = written;
        }
        Ok(())
    }
}
