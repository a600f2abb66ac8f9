//! The operator as a whole: watches, controllers, tasks, and their end.
//!
//! Everything that runs is owned by the future that [`run()`] returns: dropping it is a crash, and
//! leaves nothing behind that could still act.

mod begin;
mod error;
mod leading;

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, select_all};
use futures::stream::{FuturesUnordered, StreamExt as _};
use kube::Client;
use kube::runtime::reflector::ObjectRef;
use tokenwright_api::ApiToken;
use tokenwright_client::Clock;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::begin::begin;
pub use self::error::RunError;
use self::leading::{Election, lead, take_over};
use crate::cluster::alarms::Alarms;
use crate::cluster::calls::Calls;
use crate::cluster::context::{Context, Tasks, Wakes};
use crate::cluster::lease::Lease;
use crate::cluster::memory::Memory;
use crate::cluster::shared::Shared;
use crate::cluster::startup::Startup;
use crate::crds;
use crate::health::Health;
use crate::issuer::IssuerFactory;
use crate::issuer::registry::Issuers;
use crate::options::Options;
use crate::secret::limits::SecretLimits;
use crate::watch::Dispatch;
use crate::watch::measured::samples;
use crate::watch::serve::{Signals, serve};

/// How long reconciles and mints that are under way may take once the end was asked for.
const GOODBYE: Duration = Duration::from_secs(45);

/// How long mints that are under way may take once the Lease is lost or the store was set back, which is no hurry of
/// anybody: as long as a withdrawal is tried whose token nobody else could find.
const BEREFT: Duration = Duration::from_secs(300);

/// Who is to be looked at, in one namespace or in all.
type Woken = UnboundedReceiver<ObjectRef<ApiToken>>;

/// Two ways to the API server: watches may be silent for minutes, calls may not.
#[derive(Clone)]
pub struct Clients {
    /// For watches.
    pub watches: Client,
    /// For everything else; must not try again by itself.
    pub calls: Client,
}

impl std::fmt::Debug for Clients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clients")
    }
}

impl From<Client> for Clients {
    fn from(client: Client) -> Self {
        Self {
            watches: client.clone(),
            calls: client,
        }
    }
}

/// Says what the operator finds, and runs it until `shutdown` is done and the mints that are under way are
/// delivered; where `options` name a Lease, only while it is held.
///
/// # Errors
///
/// If something is missing without which nothing works, if it cannot begin, or loses the Lease.
pub async fn run(
    clients: Clients,
    options: Options,
    factory: Arc<dyn IssuerFactory>,
    (clock, health): (Clock, Health),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), RunError> {
    let mut shutdown = pin!(shutdown);
    let startup = Startup::new(
        Calls::new(clients.calls.clone()),
        health.troubles.clone(),
        &options.watch_namespaces,
        &crds::WRITTEN,
    );
    tokio::select! {
        told = startup.tell() => told.map_err(RunError::Missing)?,
        () = &mut shutdown => return Ok(()),
    }
    let election = Election::default();
    let lease = options.lease.as_ref().map(|name| {
        let calls = Calls::new(clients.calls.clone());
        let place = (options.namespace.as_str(), name.as_str());
        let around = (clock.clone(), health.troubles.clone());
        Lease::new(calls, around, place, &options.instance)
    });
    let metrics = health.metrics.clone();
    let works = election.clone();
    let work = work(clients, options, factory, (clock, health), works, shutdown);
    let works = async {
        match lease {
            Some(lease) => lead((lease, metrics), election, work).await,
            None => {
                election.elected.cancel();
                work.await
            }
        }
    };
    tokio::select! {
        done = works => done,
        never = startup.look_again() => match never {},
    }
}

/// Watches, reconciles once it is `elected`, and ends when it is asked to.
async fn work(
    clients: Clients,
    options: Options,
    factory: Arc<dyn IssuerFactory>,
    (clock, health): (Clock, Health),
    Election { elected, lost }: Election,
    mut shutdown: Pin<&mut (dyn Future<Output = ()> + Send)>,
) -> Result<(), RunError> {
    if options.observe_only {
        tracing::warn!("--observe-only: nothing is minted, revoked or written but conditions");
    }
    let calls = Calls::new(clients.calls.clone()).only_observing(options.observe_only);
    let history = calls.history().clone();
    let stands_by = !elected.is_cancelled();
    let (origin, key) = tokio::select! {
        begun = begin(&calls, &options, (&clock, &health.troubles)) => begun?,
        () = &mut shutdown => return Ok(()),
        () = lost.cancelled() => return Ok(()),
    };
    let (stop, leading) = (CancellationToken::new(), CancellationToken::new());
    let (task_sender, mut new_tasks) = unbounded_channel();
    let (wakes, woken) = wakes_of(&options.watch_namespaces);
    let barred: HashMap<_, _> = woken
        .iter()
        .map(|(namespace, _)| (namespace.clone(), CancellationToken::new()))
        .collect();
    let per_token = options.metrics_per_token;
    let limits = SecretLimits {
        types: options.refuse_secret_types,
        metadata: options.refuse_secret_metadata,
    };
    let context = Arc::new(Context {
        calls,
        clock,
        instance: options.instance,
        home: options.namespace,
        observe_only: options.observe_only,
        origin,
        parameters: Shared::default(),
        objects: Memory::default(),
        alarms: Alarms::default(),
        issuers_told: Memory::default(),
        marks: Memory::default(),
        unreadable: health.unreadable.clone(),
        troubles: health.troubles.clone(),
        metrics: health.metrics.clone(),
        tasks: Tasks::new(task_sender, stop.clone()),
        wakes,
        barred: barred.clone(),
    });
    let alarmed = Arc::clone(&context);
    let mut alarms = pin!(alarmed.alarms.ring(|uid| alarmed.wake(uid)));
    let issuers = Issuers::new(factory, (options.allow_hosts, limits), key.clone());
    let known_key = stands_by.then(|| key.clone());
    let mut take_over = pin!(take_over(elected, Arc::clone(&context), known_key));
    let dispatch = Arc::new(Dispatch::new(context, issuers, key));
    measure(&health, &dispatch, &leading, per_token);
    let (listed, controllers) = serve_all(&clients.watches, woken, &dispatch, (&stop, &leading));
    let mut tasks = JoinSet::new();
    let mut ready = pin!(async {
        all_shown(&listed, &barred).await;
        health.ready();
        std::future::pending::<Infallible>().await
    });
    let mut controllers = Box::pin(controllers);
    // Counts from when the end is asked for: no issuer that hangs can put it off.
    let mut end = pin!(tokio::time::sleep(GOODBYE));
    let within = |time: Duration| {
        let now = Instant::now();
        now.checked_add(time).unwrap_or(now)
    };
    let mut asked = false;
    let ended = loop {
        tokio::select! {
            () = &mut shutdown, if !asked => {
                asked = true;
                stop.cancel();
                end.as_mut().reset(within(GOODBYE));
            }
            () = history.set_back() => break Err(RunError::SetBack),
            () = lost.cancelled() => break Ok(()),
            () = &mut controllers => break Ok(()),
            () = &mut end, if stop.is_cancelled() => break Ok(()),
            never = &mut alarms => match never {},
            never = &mut ready => match never {},
            taken = &mut take_over, if !leading.is_cancelled() => {
                taken?;
                leading.cancel();
            }
            Some(task) = new_tasks.recv(), if leading.is_cancelled() => {
                tasks.spawn(task);
            }
            Some(_) = tasks.join_next() => {}
        }
    };
    let bereft = lost.is_cancelled() || ended.is_err();
    if bereft {
        health.metrics.show(Vec::new);
        stop.cancel();
        // Who was asked to end before has no more time for it.
        if !asked {
            end.as_mut().reset(within(BEREFT));
        }
    }
    // What they have begun must keep nothing from a mint.
    drop(controllers);
    tracing::info!(tasks = tasks.len(), "ending");
    while leading.is_cancelled()
        && !bereft
        && let Ok(task) = new_tasks.try_recv()
    {
        tasks.spawn(task);
    }
    loop {
        tokio::select! {
            () = &mut shutdown, if !asked => {
                asked = true;
                end.as_mut().reset(within(GOODBYE));
            }
            () = &mut end => break,
            done = tasks.join_next() => if done.is_none() { break },
        }
    }
    ended
}

/// Done once the first lists of all namespaces are in. One where the operator has no rights keeps none of the others
/// waiting, and no new version from being rolled out; but where it has none at all, nothing is ever shown.
async fn all_shown(
    listed: &[(String, CancellationToken)],
    barred: &HashMap<String, CancellationToken>,
) {
    let any = listed.iter().map(|(_, list)| Box::pin(list.cancelled()));
    select_all(any).await;
    for (namespace, list) in listed {
        let refused = async {
            match barred.get(namespace) {
                Some(barred) => barred.cancelled().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = list.cancelled() => {}
            () = refused => {}
        }
    }
}

/// Where each namespace's controllers are woken; one of no name stands for all. One that is named twice has one.
fn wakes_of(namespaces: &[String]) -> (Wakes, Vec<(String, Woken)>) {
    let all = [String::new()];
    let namespaces: BTreeSet<_> = match namespaces {
        [] => all.iter(),
        some => some.iter(),
    }
    .collect();
    let mut senders = HashMap::new();
    let mut woken = Vec::new();
    for namespace in namespaces {
        let (sender, receiver) = unbounded_channel();
        senders.insert(namespace.clone(), sender);
        woken.push((namespace.clone(), receiver));
    }
    (Wakes::through(senders), woken)
}

/// Shows what is measured, for as long as this replica leads.
fn measure(
    health: &Health,
    dispatch: &Arc<Dispatch>,
    leading: &CancellationToken,
    per_token: bool,
) {
    let (dispatch, leading) = (Arc::downgrade(dispatch), leading.clone());
    health.metrics.show(move || {
        let dispatch = dispatch.upgrade().filter(|_| leading.is_cancelled());
        dispatch.map_or_else(Vec::new, |dispatch| samples(&dispatch, per_token))
    });
}

/// The watches and controllers of all namespaces, until they end; and what is cancelled for each once its
/// first lists are in.
fn serve_all(
    client: &Client,
    woken: Vec<(String, Woken)>,
    dispatch: &Arc<Dispatch>,
    (stop, leading): (&CancellationToken, &CancellationToken),
) -> (
    Vec<(String, CancellationToken)>,
    impl Future<Output = ()> + use<>,
) {
    let mut listed = Vec::new();
    let served = FuturesUnordered::<BoxFuture<'static, ()>>::new();
    for (namespace, woken) in woken {
        let signals = Signals {
            stop: stop.clone(),
            leading: leading.clone(),
            ..Signals::default()
        };
        listed.push((namespace.clone(), signals.shown.clone()));
        let (client, dispatch) = (client.clone(), Arc::clone(dispatch));
        served.push(Box::pin(serve(client, namespace, woken, dispatch, signals)));
    }
    (listed, served.collect::<()>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_that_is_named_twice_is_served_once() {
        let named = ["b", "a", "b"].map(str::to_owned);
        let (_, woken) = wakes_of(&named);
        let served: Vec<_> = woken.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(served, ["a", "b"]);
        assert_eq!(wakes_of(&[]).1.len(), 1);
    }
}
