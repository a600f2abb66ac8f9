//! Who works where several operators run: the holder of one Lease.
//!
//! A Lease spares two operators each other's refusals, and no more. What keeps them from breaking
//! anything is the commit, which is conditional: one who lost the Lease unseen finds its write refused
//! and withdraws its own token.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease as Object, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::ObjectMeta;
use tokenwright_client::Clock;
use tokio::time::{Instant, sleep, timeout};

use super::calls::{CallError, Calls};
use crate::cluster::cause;
use crate::cluster::troubles::Troubles;

/// A holder that did not renew for this long is gone.
const LASTS: Duration = Duration::from_secs(15);

/// The holder renews this often.
const RENEWED: Duration = Duration::from_secs(5);

/// A holder that could not renew for this long stops, before anybody else may begin.
const GIVEN_UP: Duration = Duration::from_secs(10);

/// Whoever comes late to its renewal asks for this long whether anybody took the Lease meanwhile.
const ASKED_LATE: Duration = Duration::from_secs(1);

/// After a renewal that failed the next one waits this long.
const RETRIED: Duration = Duration::from_secs(1);

/// Whoever stands by looks this often.
const LOOKED_AT: Duration = Duration::from_secs(2);

/// One candidate for one Lease.
#[derive(Debug)]
pub(crate) struct Lease {
    calls: Calls,
    clock: Clock,
    troubles: Troubles,
    namespace: String,
    name: String,
    /// Who we are: one process at a time has this name, and its successor is it again.
    holder: String,
}

/// The Lease as its holder last wrote it.
#[derive(Debug)]
pub(crate) struct Held {
    /// Whether somebody had it before.
    pub(crate) follows: bool,
    object: Object,
    renewed: Instant,
}

/// Why a Lease is no longer ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LeaseLost {
    /// Somebody else holds it, or the store of the cluster was set back.
    #[error("another replica holds the Lease now")]
    Taken,

    /// The API server accepted no renewal in time.
    #[error("the Lease could not be renewed for {} s", GIVEN_UP.as_secs())]
    NotRenewed,
}

/// A version of somebody else's Lease, and when it was first seen.
///
/// Only our own clock is asked: that of the holder may be wrong.
type Seen = Option<(Option<String>, Instant)>;

impl Lease {
    pub(crate) fn new(
        calls: Calls,
        (clock, troubles): (Clock, Troubles),
        (namespace, name): (&str, &str),
        holder: &str,
    ) -> Self {
        Self {
            calls,
            clock,
            troubles,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            holder: holder.to_owned(),
        }
    }

    /// Waits until the Lease is ours.
    pub(crate) async fn acquire(&self) -> Held {
        let mut seen = None;
        let mut told = None;
        loop {
            match self.try_acquire(&mut seen).await {
                Ok(Ok(held)) => {
                    tracing::info!(lease = self.name, holder = self.holder, "holding the Lease");
                    return held;
                }
                Ok(Err(other)) => {
                    if told.as_ref() != Some(&other) {
                        tracing::info!(lease = self.name, holder = other, "standing by");
                        told = Some(other);
                    }
                }
                Err(error) => self.fails("the Lease cannot be had yet", &error),
            }
            sleep(LOOKED_AT).await;
        }
    }

    /// The Lease, or who has it.
    async fn try_acquire(&self, seen: &mut Seen) -> Result<Result<Held, String>, CallError> {
        let Some(mut object) = self.calls.lease(&self.namespace, &self.name).await? else {
            return self.write(self.fresh()).await.map(Ok);
        };
        let now = Instant::now();
        let spec = object.spec.get_or_insert_default();
        if let Some(other) = spec
            .holder_identity
            .clone()
            .filter(|other| !other.is_empty() && *other != self.holder)
        {
            let version = object.metadata.resource_version.clone();
            match seen {
                Some((known, since)) if *known == version => {
                    if now.duration_since(*since) < LASTS {
                        return Ok(Err(other));
                    }
                }
                Some(_) | None => {
                    *seen = Some((version, now));
                    return Ok(Err(other));
                }
            }
        }
        spec.lease_transitions = Some(spec.lease_transitions.unwrap_or_default().saturating_add(1));
        spec.acquire_time = Some(self.now());
        spec.holder_identity = Some(self.holder.clone());
        self.write(object).await.map(Ok)
    }

    /// Renews the Lease for as long as it is ours.
    ///
    /// A process that was stopped or starved comes late to it. The API server accepts a renewal only of the
    /// version that we wrote, so one that is accepted says that nobody took the Lease meanwhile.
    pub(crate) async fn keep(&self, held: &mut Held) -> LeaseLost {
        loop {
            sleep(RENEWED).await;
            let left = GIVEN_UP.saturating_sub(held.renewed.elapsed());
            match timeout(left.max(ASKED_LATE), self.renew(held)).await {
                Ok(Some(renewed)) => *held = renewed,
                Ok(None) => return LeaseLost::Taken,
                Err(_) => return LeaseLost::NotRenewed,
            }
        }
    }

    /// The renewed Lease, for as long as it takes; nothing where somebody else has it.
    async fn renew(&self, held: &Held) -> Option<Held> {
        let mut object = held.object.clone();
        loop {
            match self.write(object.clone()).await {
                Ok(renewed) => return Some(renewed),
                Err(CallError::Conflict(_)) => match self.ours(held).await {
                    Ok(Some(newest)) => object = newest,
                    Ok(None) => return None,
                    Err(_) => {}
                },
                Err(error) => self.fails("the Lease could not be renewed", &error),
            }
            sleep(RETRIED).await;
        }
    }

    /// Says so, in the log and to whoever asks how the operator is.
    fn fails(&self, what: &str, error: &CallError) {
        let (lease, error) = (&self.name, cause::chain(error));
        tracing::warn!(lease, error, "{what}");
        let sentence = format!("{what}: {error}");
        self.troubles.begin_for(lease, sentence, LASTS);
    }

    /// The Lease as it is now, if it is still ours: an answer that was lost may have renewed it.
    ///
    /// One that is older than what we wrote is not: the store of the cluster was set back. Our watches wait
    /// for versions of a history that is no more, so the process has to begin anew.
    async fn ours(&self, held: &Held) -> Result<Option<Object>, CallError> {
        let object = self.calls.lease(&self.namespace, &self.name).await?;
        Ok(object.filter(|object| {
            let (now, known) = (object.spec.as_ref(), held.object.spec.as_ref());
            let holder = now.and_then(|spec| spec.holder_identity.as_ref());
            let renewed = |spec: Option<&LeaseSpec>| spec.and_then(|s| s.renew_time.clone());
            holder == Some(&self.holder) && renewed(now) >= renewed(known)
        }))
    }

    /// Lets the next one begin at once.
    pub(crate) async fn give_up(&self, held: Held) {
        let given_up = match self.let_go(held.object.clone()).await {
            // A renewal was under way, and may have been made.
            Err(CallError::Conflict(_)) => match self.ours(&held).await {
                Ok(Some(newest)) => self.let_go(newest).await,
                Ok(None) => return,
                Err(error) => Err(error),
            },
            answered => answered,
        };
        match given_up {
            Ok(()) => tracing::info!(lease = self.name, "the Lease is given up"),
            Err(error) => {
                let error = cause::chain(&error);
                tracing::warn!(lease = self.name, error, "the Lease runs out by itself");
            }
        }
    }

    async fn let_go(&self, mut object: Object) -> Result<(), CallError> {
        if let Some(spec) = &mut object.spec {
            spec.holder_identity = None;
            // Whoever reads the object sees when that was.
            spec.renew_time = Some(self.now());
        }
        self.calls.write_lease(&object).await.map(|_| ())
    }

    async fn write(&self, mut object: Object) -> Result<Held, CallError> {
        let renewed = Instant::now();
        let spec = object.spec.get_or_insert_default();
        spec.lease_duration_seconds = i32::try_from(LASTS.as_secs()).ok();
        spec.renew_time = Some(self.now());
        let object = self.calls.write_lease(&object).await?;
        let transitions = object.spec.as_ref().and_then(|spec| spec.lease_transitions);
        Ok(Held {
            follows: transitions.is_some_and(|count| count > 0),
            object,
            renewed,
        })
    }

    fn fresh(&self) -> Object {
        Object {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                namespace: Some(self.namespace.clone()),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(self.holder.clone()),
                acquire_time: Some(self.now()),
                ..LeaseSpec::default()
            }),
        }
    }

    fn now(&self) -> MicroTime {
        MicroTime(self.clock.now())
    }
}
