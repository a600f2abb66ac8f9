//! The watches and controllers of one namespace, or of all.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, ResourceExt as _};
use tokenwright_api::names::label;
use tokenwright_api::{ApiToken, TokenIssuer};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

use crate::adopted::release;
use crate::issuer::reconcile::{self as issuer, Known};

use crate::watch::dispatch::{Around, Dispatch};
use crate::watch::feeds::{SecretMeta, api, received, secrets, telling, watch};
use crate::watch::mappers::{adopters_of, around, issuers_with, manager_of, version_of};

/// Reconciles at the same time; they wait for the API server most of their time.
const CONCURRENCY: u16 = 32;

/// What is shared by the controllers of one namespace and those who start and end them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signals {
    /// Cancelled to ask for the end.
    pub(crate) stop: CancellationToken,
    /// Cancelled once all first lists are in.
    pub(crate) listed: CancellationToken,
}

/// Runs the controllers of one namespace, or of all, until `signals.stop`.
pub(crate) async fn serve(
    client: Client,
    namespace: String,
    wakes: UnboundedReceiver<ObjectRef<ApiToken>>,
    dispatch: Arc<Dispatch>,
    signals: Signals,
) {
    let config = Config::default().concurrency(CONCURRENCY);
    let all = watcher::Config::default;
    let (delivered, delivered_events, delivered_listed) =
        secrets(&client, &namespace, label::SECRET_TOKEN);
    let (credentials, credentials_events, _) =
        secrets(&client, &namespace, label::SECRET_CREDENTIAL);
    let (sources, source_events, _) = secrets(&client, &namespace, label::SECRET_SOURCE);
    let (tokens, token_events, tokens_listed) = watch(api::<ApiToken>(&client, &namespace), all());
    let (issuers, issuer_events, issuers_listed) =
        watch(api::<TokenIssuer>(&client, &namespace), all());
    let first_lists = {
        let Signals { listed, .. } = signals.clone();
        async move {
            let lists = (
                delivered_listed.cancelled(),
                tokens_listed.cancelled(),
                issuers_listed.cancelled(),
            );
            futures::join!(lists.0, lists.1, lists.2);
            listed.cancel();
        }
    };

    let (named, known_issuers, listed) = (tokens.clone(), issuers.clone(), signals.listed.clone());
    // A value may be adopted from a Secret that is something else to somebody else.
    let wake_adopters = |of: &Store<ApiToken>| {
        let (tokens, context) = (of.clone(), Arc::clone(&dispatch.context));
        move |secret: &SecretMeta, _| {
            for token in adopters_of(secret, &tokens) {
                context.wakes.send(token);
            }
        }
    };
    let credentials_events = telling(credentials_events, wake_adopters(&tokens));
    let source_events = telling(source_events, wake_adopters(&tokens));
    let (left, maybe_left) = unbounded_channel();
    // Told after the store knows it: whoever looks there then sees who needs a source now.
    let token_events = telling(token_events, move |token: &ApiToken, change| {
        for name in release::left_by(token, change) {
            let namespace = token.namespace().unwrap_or_default();
            let _ended = left.send(ObjectRef::<SecretMeta>::new(name).within(&namespace));
        }
    });
    let token_controller = Controller::for_stream(token_events.applied_objects(), tokens.clone())
        .with_config(config.clone())
        .watches_stream(delivered_events.touched_objects(), move |secret| {
            let mut concerned = manager_of(&secret, &named);
            concerned.extend(adopters_of(&secret, &named));
            concerned
        })
        .reconcile_on(received(wakes))
        .graceful_shutdown_on(signals.stop.clone().cancelled_owned())
        .run(
            move |object: Arc<ApiToken>, dispatch: Arc<Dispatch>| {
                let (delivered, issuers, listed) =
                    (delivered.clone(), known_issuers.clone(), listed.clone());
                async move {
                    // Before the first lists are in nobody can tell that something is not there.
                    listed.cancelled().await;
                    let namespace = object.namespace().unwrap_or_default();
                    let secret = version_of(&delivered, &object.spec.secret.name, &namespace);
                    let issuer = ObjectRef::new(&object.spec.issuer_ref.name).within(&namespace);
                    let issuer = issuers.get(&issuer).is_some();
                    dispatch.reconcile(object, Around { secret, issuer }).await
                }
            },
            |object, error, dispatch| dispatch.after_error(&object, error),
            Arc::clone(&dispatch),
        )
        .for_each(|_| std::future::ready(()));

    let (adopters, listed) = (tokens.clone(), signals.listed.clone());
    let source_controller = Controller::for_stream(source_events.applied_objects(), sources)
        .with_config(config.clone())
        .reconcile_on(received(maybe_left))
        .graceful_shutdown_on(signals.stop.clone().cancelled_owned())
        .run(
            move |source: Arc<SecretMeta>, dispatch: Arc<Dispatch>| {
                let (adopters, listed) = (adopters.clone(), listed.clone());
                async move {
                    // Before the first lists are in every source seems to be needed by nobody.
                    listed.cancelled().await;
                    let needed = !adopters_of(&source, &adopters).is_empty();
                    let (namespace, name) = (source.namespace(), source.name_any());
                    let place = (namespace.unwrap_or_default(), name);
                    release::reconcile(place, Arc::clone(&dispatch.context), needed).await
                }
            },
            |source, error, _| {
                let secret = source.name_any();
                let error = error as &dyn std::error::Error;
                tracing::warn!(secret, error, "the source is not given back yet");
                Action::requeue(Duration::from_secs(2))
            },
            Arc::clone(&dispatch),
        )
        .for_each(|_| std::future::ready(()));

    let known = Arc::new(Known::default());
    let (with_credential, listed) = (issuers.clone(), signals.listed.clone());
    let of_tokens = api::<ApiToken>(&client, &namespace);
    let issuer_controller = Controller::for_stream(issuer_events.applied_objects(), issuers)
        .with_config(config)
        .watches(of_tokens, all(), |token: ApiToken| {
            let namespace = token.namespace().unwrap_or_default();
            Some(ObjectRef::new(&token.spec.issuer_ref.name).within(&namespace))
        })
        .watches_stream(credentials_events.touched_objects(), move |secret| {
            issuers_with(&secret, &with_credential)
        })
        .graceful_shutdown_on(signals.stop.cancelled_owned())
        .run(
            move |object: Arc<TokenIssuer>, dispatch: Arc<Dispatch>| {
                let (tokens, credentials) = (tokens.clone(), credentials.clone());
                let (known, listed) = (Arc::clone(&known), listed.clone());
                async move {
                    // An issuer that seems to be needed by nobody would be let go.
                    listed.cancelled().await;
                    let around = around(&object, &tokens, &credentials);
                    let Dispatch {
                        context, issuers, ..
                    } = dispatch.as_ref();
                    issuer::reconcile(object, context, issuers, &known, around).await
                }
            },
            |object, error, _| {
                let issuer = object.name_any();
                let error = error as &dyn std::error::Error;
                tracing::warn!(issuer, error, "the reconcile failed and is tried again");
                Action::requeue(Duration::from_secs(2))
            },
            dispatch,
        )
        .for_each(|_| std::future::ready(()));

    let controllers =
        async { futures::join!(token_controller, source_controller, issuer_controller) };
    let mut controllers = std::pin::pin!(controllers);
    tokio::select! {
        _ = &mut controllers => {}
        () = first_lists => {
            controllers.await;
        }
    }
}
