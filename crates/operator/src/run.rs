//! The operator as a whole: watches, controllers, tasks, and their end.
//!
//! Everything that runs is owned by the future that [`run()`] returns: dropping it is a crash, and
//! leaves nothing behind that could still act.

use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use tokenwright_client::Clock;
use tokenwright_core::Origin;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cluster::calls::{CallError, Calls};
use crate::cluster::context::{Context, Tasks, Wakes};
use crate::cluster::kinds::Kind;
use crate::cluster::lease::{Lease, LeaseLost};
use crate::cluster::memory::Memory;
use crate::cluster::startup::Startup;
use crate::crds;
use crate::health::Health;
use crate::issuer::IssuerFactory;
use crate::issuer::registry::Issuers;
use crate::options::Options;
use crate::secret::limits::SecretLimits;
use crate::secret::parts::{DigestKey, WeakKey};
use crate::watch::Dispatch;
use crate::watch::measured::samples;
use crate::watch::serve::{Signals, serve};

/// The Secret that holds the key of the digests.
pub(crate) const DIGEST_KEY: &str = "tokenwright-digest-key";

/// The key in that Secret.
const DIGEST_KEY_FIELD: &str = "key";

/// How long reconciles and mints that are under way may take once the end was asked for.
const GOODBYE: Duration = Duration::from_secs(45);

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

/// Why the operator cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The operator could not draw random bytes.
    #[error("drawing the key of the digests")]
    Random(#[source] getrandom::Error),

    /// The kinds of this version make no definition.
    #[error(transparent)]
    Unwritable(#[from] crds::Unwritable),

    /// Nothing can work.
    #[error("the operator cannot work: {0}")]
    Missing(String),

    /// Another process may work now.
    #[error("{0}: this replica ends, and begins anew as one that stands by")]
    LeaseLost(LeaseLost),

    /// The Secret of the digest key holds another one than before.
    #[error(
        "the Secret {0}/{DIGEST_KEY} holds another key than when this replica began to stand by: it ends, and begins anew with that"
    )]
    OtherDigestKey(String),

    /// The Secret of the digest key holds none.
    #[error(
        "the Secret {namespace}/{DIGEST_KEY} has no key of the digests under {DIGEST_KEY_FIELD:?}: {source}. \
         Delete that Secret: a new key is drawn, each value is asked about once, and nothing is minted"
    )]
    DigestKey {
        /// Where it is.
        namespace: String,
        /// Why.
        source: WeakKey,
    },
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
        crds::definitions()?.iter().map(Kind::of).collect(),
    );
    tokio::select! {
        told = startup.tell() => told.map_err(RunError::Missing)?,
        () = &mut shutdown => return Ok(()),
    }
    tokio::select! {
        done = lead(clients, options, factory, (clock, health), shutdown) => done,
        never = startup.look_again() => match never {},
    }
}

/// Works, where `options` name a Lease only while it is held: whoever stands by watches, and does no more.
async fn lead(
    clients: Clients,
    options: Options,
    factory: Arc<dyn IssuerFactory>,
    (clock, health): (Clock, Health),
    shutdown: Pin<&mut (dyn Future<Output = ()> + Send)>,
) -> Result<(), RunError> {
    let elected = CancellationToken::new();
    let Some(name) = options.lease.clone() else {
        elected.cancel();
        return work(
            clients,
            options,
            factory,
            (clock, health),
            elected,
            shutdown,
        )
        .await;
    };
    let lease = Lease::new(
        Calls::new(clients.calls.clone()),
        clock.clone(),
        (&options.namespace, &name),
        &options.instance,
    );
    // A task of its own: no work, however long, puts off a renewal. Dropping the set ends it.
    let mut kept = JoinSet::new();
    let done = CancellationToken::new();
    kept.spawn(keep(lease, elected.clone(), done.clone()));
    tokio::select! {
        result = work(clients, options, factory, (clock, health), elected, shutdown) => {
            done.cancel();
            kept.join_all().await;
            result
        }
        Some(Ok(Err(lost))) = kept.join_next() => Err(RunError::LeaseLost(lost)),
    }
}

/// Gets the Lease and says so, keeps it until the work is done, and gives it up then.
async fn keep(
    lease: Lease,
    elected: CancellationToken,
    done: CancellationToken,
) -> Result<(), LeaseLost> {
    let mut held = tokio::select! {
        held = lease.acquire() => held,
        () = done.cancelled() => return Ok(()),
    };
    elected.cancel();
    tokio::select! {
        lost = lease.keep(&mut held) => Err(lost),
        () = done.cancelled() => {
            lease.give_up(held).await;
            Ok(())
        }
    }
}

/// Watches, reconciles once it is `elected`, and ends when it is asked to.
async fn work(
    clients: Clients,
    options: Options,
    factory: Arc<dyn IssuerFactory>,
    (clock, health): (Clock, Health),
    elected: CancellationToken,
    mut shutdown: Pin<&mut (dyn Future<Output = ()> + Send)>,
) -> Result<(), RunError> {
    let stop = CancellationToken::new();
    let (task_sender, mut new_tasks) = unbounded_channel();
    let namespaces = match options.watch_namespaces.is_empty() {
        true => vec![String::new()],
        false => options.watch_namespaces.clone(),
    };
    let (senders, wakes): (HashMap<_, _>, Vec<_>) = namespaces
        .iter()
        .map(|namespace| {
            let (sender, receiver) = unbounded_channel();
            ((namespace.clone(), sender), (namespace.clone(), receiver))
        })
        .unzip();
    if options.observe_only {
        tracing::warn!("--observe-only: nothing is minted, revoked or written but conditions");
    }
    let calls = Calls::new(clients.calls.clone()).only_observing(options.observe_only);
    let stands_by = !elected.is_cancelled();
    let begun = tokio::select! {
        begun = begin(&calls, &options, &clock) => begun?,
        () = &mut shutdown => return Ok(()),
    };
    let (origin, key) = begun;
    let leading = CancellationToken::new();
    let context = Arc::new(Context {
        calls,
        clock,
        instance: options.instance,
        home: options.namespace,
        observe_only: options.observe_only,
        origin,
        objects: Memory::default(),
        issuers_told: Memory::default(),
        marks: Memory::default(),
        unreadable: health.unreadable.clone(),
        troubles: health.troubles.clone(),
        metrics: health.metrics.clone(),
        tasks: Tasks(task_sender),
        wakes: Wakes { senders },
    });
    let issuers = Issuers::new(factory, options.allow_hosts, key.clone());
    let limits = SecretLimits {
        types: options.refuse_secret_types,
        metadata: options.refuse_secret_metadata,
    };
    let mut take_over = pin!(take_over(
        elected,
        Arc::clone(&context),
        stands_by.then(|| key.clone())
    ));
    let dispatch = Arc::new(Dispatch::new(context, issuers, key, limits));
    let (measured, per_token) = (Arc::downgrade(&dispatch), options.metrics_per_token);
    let leads = leading.clone();
    health.metrics.show(move || {
        let dispatch = measured.upgrade().filter(|_| leads.is_cancelled());
        dispatch.map_or_else(Vec::new, |dispatch| samples(&dispatch, per_token))
    });
    let mut tasks = JoinSet::new();
    let mut lists = Vec::new();
    let mut served = Vec::new();
    for (namespace, wakes) in wakes {
        let signals = Signals {
            stop: stop.clone(),
            leading: leading.clone(),
            ..Signals::default()
        };
        lists.push(signals.shown.clone());
        served.push(serve(
            clients.watches.clone(),
            namespace,
            wakes,
            Arc::clone(&dispatch),
            signals,
        ));
    }
    tasks.spawn(async move {
        for listed in lists {
            listed.cancelled().await;
        }
        health.ready();
    });
    let served: FuturesUnordered<BoxFuture<'static, ()>> = served
        .into_iter()
        .map(|served| Box::pin(served) as _)
        .collect();
    let mut controllers = pin!(served.collect::<()>());
    // Counts from when the end is asked for: no issuer that hangs can put it off.
    let mut end = pin!(tokio::time::sleep(GOODBYE));
    loop {
        tokio::select! {
            () = &mut shutdown, if !stop.is_cancelled() => {
                stop.cancel();
                let now = Instant::now();
                end.as_mut().reset(now.checked_add(GOODBYE).unwrap_or(now));
            }
            () = &mut controllers => break,
            () = &mut end, if stop.is_cancelled() => break,
            taken = &mut take_over, if !leading.is_cancelled() => {
                taken?;
                leading.cancel();
            }
            Some(task) = new_tasks.recv(), if leading.is_cancelled() => {
                tasks.spawn(task);
            }
            Some(_) = tasks.join_next() => {}
        }
    }
    tracing::info!(tasks = tasks.len(), "ending");
    let _late = tokio::time::timeout_at(end.deadline(), async {
        while leading.is_cancelled()
            && let Ok(task) = new_tasks.try_recv()
        {
            tasks.spawn(task);
        }
        while tasks.join_next().await.is_some() {}
    })
    .await;
    Ok(())
}

/// Waits for the Lease. Whoever stood by looks then whether the key of the digests is still the known one.
async fn take_over(
    elected: CancellationToken,
    context: Arc<Context>,
    known: Option<DigestKey>,
) -> Result<(), RunError> {
    elected.cancelled().await;
    let Some(known) = known else { return Ok(()) };
    let home = &context.home;
    loop {
        match context.calls.secret(home, DIGEST_KEY).await {
            Ok(Some(secret)) if key_in(&secret, home)? != known => {
                return Err(RunError::OtherDigestKey(home.clone()));
            }
            // Without it, too, what is sealed with the known one is read by that.
            Ok(_) => return Ok(()),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the operator cannot take over yet"
                );
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Reads what must be known before anything is done, for as long as it takes.
async fn begin(
    calls: &Calls,
    options: &Options,
    clock: &Clock,
) -> Result<(Origin, DigestKey), RunError> {
    let mut wait = Duration::from_millis(250);
    loop {
        match try_begin(calls, options).await {
            Ok(begun) => return begun,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, at = %clock.now(), "the operator cannot begin yet");
            }
        }
        tokio::time::sleep(wait).await;
        wait = wait.saturating_mul(2).min(Duration::from_secs(15));
    }
}

async fn try_begin(
    calls: &Calls,
    options: &Options,
) -> Result<Result<(Origin, DigestKey), RunError>, CallError> {
    let uid = calls.cluster_uid().await?.unwrap_or_default();
    let secret = match calls.secret(&options.namespace, DIGEST_KEY).await? {
        Some(secret) => secret,
        None => {
            let mut random = vec![0; 32];
            if let Err(error) = getrandom::fill(&mut random) {
                return Ok(Err(RunError::Random(error)));
            }
            let secret = key_secret(options, random);
            match options.observe_only {
                // Nothing is compared with what another key has sealed.
                true => secret,
                false => calls.deliver(&secret, false).await?,
            }
        }
    };
    let key = key_in(&secret, &options.namespace);
    Ok(key.map(|key| (Origin::of(&uid), key)))
}

fn key_in(secret: &Secret, namespace: &str) -> Result<DigestKey, RunError> {
    let data = secret.data.as_ref();
    let key = data.and_then(|data| data.get(DIGEST_KEY_FIELD).map(|bytes| bytes.0.clone()));
    DigestKey::new(key.unwrap_or_default()).map_err(|source| RunError::DigestKey {
        namespace: namespace.to_owned(),
        source,
    })
}

fn key_secret(options: &Options, random: Vec<u8>) -> Secret {
    Secret {
        metadata: kube::api::ObjectMeta {
            name: Some(DIGEST_KEY.to_owned()),
            namespace: Some(options.namespace.clone()),
            ..kube::api::ObjectMeta::default()
        },
        data: Some([(DIGEST_KEY_FIELD.to_owned(), ByteString(random))].into()),
        ..Secret::default()
    }
}
