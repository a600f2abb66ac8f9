//! What every call works with: the issuer, the time it may take, and whether anybody still waits.
//!
//! Waits and asks again; what is asked is up to the resource.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use tfplugin::{Connection, Diagnostics, Value};
use tokenwright_client::{Error, ErrorKind};
use tokenwright_core::instant::after;
use tokio_util::sync::CancellationToken;

use crate::connect::{Connected, Connections, Purpose};
use crate::schema::names::*;

/// An issuer that cannot be reached is tried so often; waiting longer hides a wrong endpoint.
const UNREACHABLE: u32 = 3;
/// The first wait after a refusal that may pass; it doubles.
const FIRST_WAIT: SignedDuration = SignedDuration::from_millis(500);

/// So soon other calls of a run have told of their resources.
const TOLD: SignedDuration = SignedDuration::from_secs(2);
const LISTEN_AGAIN: SignedDuration = SignedDuration::from_millis(100);

/// What is brought to its end takes no longer: a provider without its Terraform ends after half a minute.
const LAST: SignedDuration = SignedDuration::from_secs(25);

/// The way from a resource to its issuer: what Configure set, and the end of the run.
/// Shared by all resources. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sessions {
    /// Set by Configure.
    connections: Arc<RwLock<Option<Arc<Connections>>>>,
    /// Cancelled by StopProvider; a run that configures anew is another one.
    stop: Arc<RwLock<CancellationToken>>,
}

impl Sessions {
    pub(crate) fn configure(&self, connections: Connections) {
        let stop = self.stop.write();
        *stop.unwrap_or_else(PoisonError::into_inner) = CancellationToken::new();
        let kept = self.connections.write();
        *kept.unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(connections));
    }

    pub(crate) fn stop(&self) {
        self.stopping().cancel();
    }

    fn stopping(&self) -> CancellationToken {
        let stop = self.stop.read();
        stop.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn connections(&self) -> Option<Arc<Connections>> {
        let connections = self.connections.read();
        connections.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The issuer that a configuration or state names; `None` without an error means that it is not
    /// known yet.
    pub(crate) fn connected(
        &self,
        resource: &Value,
        purpose: Purpose,
        diags: &mut Diagnostics,
    ) -> Option<Arc<Connected>> {
        let issuer = resource.get(ISSUER);
        match issuer.is_unknown() {
            true => None,
            false => self.named(issuer.as_str(), purpose, diags),
        }
    }

    /// The same by its name.
    pub(crate) fn named(
        &self,
        issuer: Option<&str>,
        purpose: Purpose,
        diags: &mut Diagnostics,
    ) -> Option<Arc<Connected>> {
        self.connections()?.issuer(issuer, purpose, diags)
    }

    /// The issuer by its name: an absent `issuer` is the only one there is.
    pub(crate) fn issuer_of(&self, resource: &Value) -> Value {
        match resource.get(ISSUER) {
            Value::Null => {
                let connections = self.connections();
                let sole = connections.as_ref().and_then(|all| all.sole());
                Value::from(sole.map(str::to_owned))
            }
            named => named.clone(),
        }
    }

    pub(crate) fn open(
        &self,
        connected: &Arc<Connected>,
        connection: Connection,
        patience: SignedDuration,
    ) -> Session {
        let deadline = connected.now().saturating_add(patience);
        Session {
            connected: Arc::clone(connected),
            connection,
            stop: self.stopping(),
            deadline: deadline.unwrap_or(Timestamp::MAX),
        }
    }
}

/// An issuer that is asked now, and so must be known.
pub(crate) fn ready(
    connected: Option<Arc<Connected>>,
    diags: &mut Diagnostics,
) -> Option<Arc<Connected>> {
    let ready = connected.filter(|connected| connected.credential.is_some());
    if ready.is_none() && !diags.has_errors() {
        diags.error(
            "The issuer is not known yet",
            "Profile, endpoint and credential of the issuer must be known when it is asked. \
             What of it comes from a resource that is yet to be applied is known after that: apply it first, with -target.",
        );
    }
    ready
}

/// One apply, or one read.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) connected: Arc<Connected>,
    /// Whether the caller still waits.
    pub(crate) connection: Connection,
    /// The user interrupted the run: nothing new is started.
    pub(crate) stop: CancellationToken,
    /// Nothing is tried again after this instant.
    pub(crate) deadline: Timestamp,
}

impl Session {
    pub(crate) fn now(&self) -> Timestamp {
        self.connected.now()
    }

    /// The same for what must not be left half done: it goes on where nobody waits any more, not for long,
    /// since the process ends then.
    pub(crate) fn to_the_end(&self) -> Self {
        Self {
            connected: Arc::clone(&self.connected),
            connection: Connection::default(),
            stop: CancellationToken::new(),
            deadline: after(self.now(), LAST).min(self.deadline),
        }
    }

    /// The same for what an interrupt must not leave half done: whoever interrupts once waits for it.
    pub(crate) fn uninterrupted(&self) -> Self {
        Self {
            connected: Arc::clone(&self.connected),
            connection: self.connection.clone(),
            stop: CancellationToken::new(),
            deadline: self.deadline,
        }
    }

    /// Whether nothing new may be started.
    pub(crate) fn stopped(&self) -> bool {
        self.stop.is_cancelled() || self.connection.is_gone()
    }

    /// Sleeps; wakes early where the run is interrupted.
    pub(crate) async fn sleep_until(&self, at: Timestamp) {
        let wait = at.duration_since(self.now());
        let Ok(wait) = wait.try_into() else { return };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.stop.cancelled() => {}
            () = self.connection.gone() => {}
        }
    }

    /// Waits until other calls of this run have told enough, and not for long.
    pub(crate) async fn hear(&self, mut enough: impl FnMut() -> bool) {
        let until = after(self.now(), TOLD);
        while !enough() && self.now() < until && !self.stopped() {
            self.sleep_until(after(self.now(), LISTEN_AGAIN)).await;
        }
    }

    /// How long to wait before the same is tried again; `None` where that would not help.
    pub(crate) fn patience(&self, kind: ErrorKind, failures: u32) -> Option<Timestamp> {
        let own = own_wait(failures);
        let wait = match kind {
            ErrorKind::RateLimited { retry_after } => {
                retry_after.map_or(own, |asked| asked.max(own))
            }
            ErrorKind::Paused { wait } => wait,
            ErrorKind::Unavailable if failures < UNREACHABLE => own,
            ErrorKind::Unavailable
            | ErrorKind::NotFound
            | ErrorKind::Unauthenticated
            | ErrorKind::Forbidden
            | ErrorKind::Invalid
            | ErrorKind::Conflict
            | ErrorKind::LimitReached
            | ErrorKind::OutcomeUnknown
            | ErrorKind::AnswerNotUnderstood
            | ErrorKind::NoRoom => return None,
        };
        self.within(wait)
    }

    /// That much later, if it is still time for another try.
    pub(crate) fn within(&self, wait: SignedDuration) -> Option<Timestamp> {
        let at = self.now().saturating_add(wait).ok()?;
        (at <= self.deadline && !self.stopped()).then_some(at)
    }

    /// How long to wait after an unclear answer before the same is asked again.
    pub(crate) fn after(&self, failures: u32) -> Option<Timestamp> {
        self.within(own_wait(failures))
    }

    /// Asks, and asks again where that may help: what was, by the answer, not done.
    pub(crate) async fn patiently<T, F: Future<Output = Result<T, Error>>>(
        &self,
        mut ask: impl FnMut() -> F,
    ) -> Result<T, Error> {
        let mut failures = 0_u32;
        loop {
            let error = match ask().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match self.patience(error.kind, failures) {
                Some(at) => self.sleep_until(at).await,
                None => return Err(error),
            }
            failures = failures.saturating_add(1);
        }
    }
}

fn own_wait(failures: u32) -> SignedDuration {
    FIRST_WAIT.saturating_mul(1 << failures.min(6))
}
