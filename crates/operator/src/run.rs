//! The operator as a whole: watches, controllers, tasks, and their end.
//!
//! Everything that runs is owned by the future that [`run()`] returns: dropping it is a crash, and
//! leaves nothing behind that could still act.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::core::PartialObjectMeta;
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::reflector::{ObjectRef, Store, store};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, ResourceExt as _};
use tokenwright_api::names::{annotation, label};
use tokenwright_api::{ApiToken, TokenIssuer};
use tokenwright_client::Clock;
use tokenwright_core::Origin;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::calls::{CallError, Calls};
use crate::context::{Context, Tasks, Wakes};
use crate::factory::IssuerFactory;
use crate::health::Health;
use crate::issuer::{self, Around, Known};
use crate::issuers::Issuers;
use crate::locked::Locked;
use crate::options::Options;
use crate::parts::DigestKey;
use crate::reconcile::{self as tokens, after_error, reconcile};

/// The Secret that holds the key of the digests.
pub const DIGEST_KEY: &str = "tokenwright-digest-key";

/// The key in that Secret.
const DIGEST_KEY_FIELD: &str = "key";

/// Reconciles at the same time; they wait for the API server most of their time.
const CONCURRENCY: u16 = 32;

/// How long mints that are under way may take once the end was asked for.
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
}

/// Runs the operator until `shutdown` is done and the mints that are under way are delivered.
///
/// # Errors
///
/// If it cannot begin.
pub async fn run(
    clients: Clients,
    options: Options,
    factory: Arc<dyn IssuerFactory>,
    (clock, health): (Clock, Health),
    shutdown: impl Future<Output = ()> + Send + 'static,
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
    let calls = Calls::new(clients.calls.clone());
    let mut shutdown = pin!(shutdown);
    let begun = tokio::select! {
        begun = begin(&calls, &options, &clock) => begun?,
        () = &mut shutdown => return Ok(()),
    };
    let (origin, key) = begun;
    let context = Arc::new(Context {
        calls,
        started_at: clock.now(),
        clock,
        options,
        origin,
        key,
        factory,
        issuers: Issuers::default(),
        memory: Locked::default(),
        tasks: Tasks(task_sender),
        wakes: Wakes { senders },
    });
    let controllers: FuturesUnordered<BoxFuture<'static, ()>> = wakes
        .into_iter()
        .map(|(namespace, wakes)| {
            Box::pin(serve(
                clients.watches.clone(),
                namespace,
                wakes,
                context.clone(),
                (health.clone(), stop.clone()),
            )) as _
        })
        .collect();
    let mut controllers = pin!(controllers.collect::<()>());
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            () = &mut shutdown, if !stop.is_cancelled() => stop.cancel(),
            () = &mut controllers => break,
            Some(task) = new_tasks.recv() => {
                tasks.spawn(task);
            }
            Some(_) = tasks.join_next() => {}
        }
    }
    tracing::info!(tasks = tasks.len(), "ending");
    let _late = tokio::time::timeout(GOODBYE, async {
        while let Ok(task) = new_tasks.try_recv() {
            tasks.spawn(task);
        }
        while tasks.join_next().await.is_some() {}
    })
    .await;
    Ok(())
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
        wait = (wait * 2).min(Duration::from_secs(15));
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
            calls.deliver(&key_secret(options, random), false).await?
        }
    };
    let key = secret
        .data
        .and_then(|data| data.get(DIGEST_KEY_FIELD).map(|bytes| bytes.0.clone()));
    Ok(Ok((
        Origin::of(&uid),
        DigestKey::new(key.unwrap_or_default()),
    )))
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

fn api<K>(client: &Client, namespace: &str) -> Api<K>
where
    K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
{
    match namespace {
        "" => Api::all(client.clone()),
        namespace => Api::namespaced(client.clone(), namespace),
    }
}

type SecretMeta = PartialObjectMeta<Secret>;

/// A watch of our Secrets of one sort, as metadata, and what it shows.
fn secrets(
    client: &Client,
    namespace: &str,
    sort: &str,
) -> (
    Store<SecretMeta>,
    impl futures::Stream<Item = Result<SecretMeta, watcher::Error>> + Send + use<>,
) {
    let (reader, writer) = store();
    let only = watcher::Config::default().labels(&format!("{}={sort}", label::SECRET));
    let stream = watcher(api::<SecretMeta>(client, namespace), only)
        .default_backoff()
        .modify(|secret| secret.metadata.managed_fields = None)
        .reflect(writer)
        .touched_objects();
    (reader, stream)
}

/// Runs the controllers of one namespace, or of all.
async fn serve(
    client: Client,
    namespace: String,
    wakes: UnboundedReceiver<ObjectRef<ApiToken>>,
    context: Arc<Context>,
    (health, stop): (Health, CancellationToken),
) {
    let config = Config::default().concurrency(CONCURRENCY);
    let (delivered, delivered_stream) = secrets(&client, &namespace, label::SECRET_TOKEN);
    let (credentials, credentials_stream) = secrets(&client, &namespace, label::SECRET_CREDENTIAL);
    let tokens = Controller::new(
        api::<ApiToken>(&client, &namespace),
        watcher::Config::default(),
    );
    let issuers = Controller::new(
        api::<TokenIssuer>(&client, &namespace),
        watcher::Config::default(),
    );
    let (token_store, issuer_store) = (tokens.store(), issuers.store());

    let named = token_store.clone();
    let wakes = futures::stream::unfold(wakes, |mut wakes| async move {
        Some((wakes.recv().await?, wakes))
    });
    let (secrets_of, issuers_of) = (delivered.clone(), issuer_store.clone());
    let tokens = tokens
        .with_config(config.clone())
        .watches_stream(delivered_stream, move |secret| manager_of(&secret, &named))
        .reconcile_on(wakes)
        .graceful_shutdown_on(stop.clone().cancelled_owned())
        .run(
            move |object: Arc<ApiToken>, context| {
                let namespace = object.namespace().unwrap_or_default();
                let secret = version_of(&secrets_of, &object.spec.secret.name, &namespace);
                let issuer = ObjectRef::new(&object.spec.issuer_ref.name).within(&namespace);
                let issuers = issuers_of.clone();
                async move {
                    // Without the first list nobody can tell that an issuer is not there.
                    let listed = issuers.wait_until_ready().await.is_ok();
                    let issuer = !listed || issuers.get(&issuer).is_some();
                    reconcile(object, context, tokens::Around { secret, issuer }).await
                }
            },
            |object, error, context| after_error(&object, error, &context),
            context.clone(),
        )
        .for_each(|_| std::future::ready(()));

    let known = Arc::new(Known::default());
    let (all_tokens, all_issuers) = (token_store.clone(), issuer_store.clone());
    let credentials_of = credentials.clone();
    let issuers = issuers
        .with_config(config)
        .watches(
            api::<ApiToken>(&client, &namespace),
            watcher::Config::default(),
            |token: ApiToken| {
                let namespace = token.namespace().unwrap_or_default();
                Some(ObjectRef::new(&token.spec.issuer_ref.name).within(&namespace))
            },
        )
        .watches_stream(credentials_stream, move |secret| {
            issuers_with(&secret, &all_issuers)
        })
        .graceful_shutdown_on(stop.cancelled_owned())
        .run(
            move |object: Arc<TokenIssuer>, context| {
                let around = around(&object, &all_tokens, &credentials_of);
                let known = Arc::clone(&known);
                async move { issuer::reconcile(object, context, &known, around).await }
            },
            |object, error, _| {
                tracing::warn!(
                    issuer = object.name_any(),
                    error = error as &dyn std::error::Error,
                    "the reconcile failed and is tried again"
                );
                Action::requeue(Duration::from_secs(2))
            },
            context,
        )
        .for_each(|_| std::future::ready(()));

    let ready = async {
        let lists = (
            token_store.wait_until_ready(),
            issuer_store.wait_until_ready(),
            delivered.wait_until_ready(),
        );
        if let (Ok(()), Ok(()), Ok(())) = futures::join!(lists.0, lists.1, lists.2) {
            health.ready();
        }
    };
    futures::join!(tokens, issuers, ready);
}

/// The `ApiToken` that a Secret says it belongs to, or those that name it.
fn manager_of(secret: &SecretMeta, tokens: &Store<ApiToken>) -> Vec<ObjectRef<ApiToken>> {
    let namespace = secret.namespace().unwrap_or_default();
    match secret.annotations().get(annotation::MANAGER_NAME) {
        Some(name) => vec![ObjectRef::new(name).within(&namespace)],
        None => {
            let name = secret.name_any();
            let names_it = |token: &ApiToken| {
                token.spec.secret.name == name && token.namespace().as_ref() == Some(&namespace)
            };
            tokens
                .state()
                .iter()
                .filter(|token| names_it(token))
                .map(|token| ObjectRef::from_obj(token.as_ref()))
                .collect()
        }
    }
}

fn issuers_with(secret: &SecretMeta, issuers: &Store<TokenIssuer>) -> Vec<ObjectRef<TokenIssuer>> {
    let (namespace, name) = (secret.namespace(), secret.name_any());
    let uses_it = |issuer: &TokenIssuer| {
        let credential = issuer.spec.credential.as_ref();
        issuer.namespace() == namespace
            && credential.is_some_and(|credential| credential.secret_ref.name == name)
    };
    issuers
        .state()
        .iter()
        .filter(|issuer| uses_it(issuer))
        .map(|issuer| ObjectRef::from_obj(issuer.as_ref()))
        .collect()
}

fn version_of(secrets: &Store<SecretMeta>, name: &str, namespace: &str) -> Option<String> {
    let reference = ObjectRef::new(name).within(namespace);
    secrets
        .get(&reference)
        .and_then(|secret| secret.resource_version())
}

fn around(
    issuer: &TokenIssuer,
    tokens: &Store<ApiToken>,
    credentials: &Store<SecretMeta>,
) -> Around {
    let name = issuer.name_any();
    let needs_it = |token: &ApiToken| {
        token.namespace() == issuer.namespace() && token.spec.issuer_ref.name == name
    };
    let credential = issuer.spec.credential.as_ref();
    Around {
        dependents: tokens
            .state()
            .iter()
            .filter(|token| needs_it(token))
            .filter_map(|token| token.uid())
            .collect(),
        credential: credential.and_then(|at| {
            version_of(
                credentials,
                &at.secret_ref.name,
                &issuer.namespace().unwrap_or_default(),
            )
        }),
    }
}
