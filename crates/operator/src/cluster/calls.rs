//! Calls to the API server: each with a limit in time, and an answer that tells what to believe.
//!
//! Nothing is tried again here. A write that got no clear answer may have been made, and only the
//! one who asked knows how to find out.

mod deliveries;
mod secrets;
mod status;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::authorization::v1::{
    ResourceRule, SelfSubjectRulesReview, SelfSubjectRulesReviewSpec,
};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::{ApiResource, ClusterResourceScope, DynamicObject, NamespaceResourceScope};
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokenwright_api::{ApiToken, names};
use tokenwright_client::http::said_without;
use tokio::sync::Semaphore;
use tokio::time::error::Elapsed;

use self::deliveries::Deliveries;
use crate::cluster::conditions::shortened;
use crate::cluster::history::{History, number};
use crate::cluster::kinds::Definition;
use crate::cluster::name::is_name;
use crate::cluster::unread;

/// A healthy API server answers within milliseconds; a busy one within some seconds.
const LIMIT: Duration = Duration::from_secs(10);

/// A write of the Secret, and its rehearsal: longer than a webhook that hangs may take by default, so that the API
/// server says which one it was. What was rehearsed must be doable in the same time; else a token would be minted that
/// cannot be delivered, and again after each pause.
const LIMIT_OF_DELIVERY: Duration = Duration::from_secs(15);

/// So many calls are under way at once. Each has a connection of its own meanwhile, which costs a handshake and
/// memory: a crowd of a thousand ApiTokens is served no sooner by hundreds of them.
const AT_ONCE: usize = 32;

/// What the API server says of an object that is not there; another 404 is that of a gateway, or of a kind that is
/// not served just now.
const NOT_FOUND: &str = "NotFound";

/// Why a call did not do what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The object is not at the version that the write was made for, or exists already.
    #[error("{0}: the object has changed meanwhile")]
    Conflict(&'static str),

    /// There is no such object.
    #[error("{0}: there is no such object")]
    Missing(&'static str),

    /// The API server says no, and did nothing.
    #[error("{what}: {message}")]
    Refused {
        /// What was being done.
        what: &'static str,
        /// What the API server says.
        message: String,
    },

    /// Another writer undoes it again and again.
    #[error(
        "{what}: another writer undoes it again and again; it is written anew from {again:.0} on"
    )]
    Contested {
        /// What was being done.
        what: &'static str,
        /// When it may be done.
        again: Timestamp,
    },

    /// There was no clear answer; the call may have had its effect.
    #[error("{what}: no clear answer from the API server")]
    Unclear {
        /// What was being done.
        what: &'static str,
        /// What happened, if not only the time ran out.
        source: Option<Box<kube::Error>>,
    },
}

impl CallError {
    /// The same of a dry run, which has no effect: that a webhook cannot be reached is a no, too, and tells why.
    fn of_rehearsal(self) -> Self {
        let Self::Unclear {
            what,
            source: Some(source),
        } = &self
        else {
            return self;
        };
        match &**source {
            kube::Error::Api(status) if status.code == 500 => Self::Refused {
                what,
                message: shortened(&status.message),
            },
            _ => self,
        }
    }

    /// The same about a Secret, of which policies and webhooks may quote what it holds.
    fn about(self, secret: &Secret) -> Self {
        let values = secret.data.iter().flat_map(|data| data.values());
        let values = values.map(|value| value.0.as_slice());
        match self {
            Self::Refused { what, message } => Self::Refused {
                what,
                message: said_without(&message, values),
            },
            Self::Unclear {
                what,
                source: Some(source),
            } => Self::Unclear {
                what,
                source: Some(match *source {
                    kube::Error::Api(mut status) => {
                        status.message = said_without(&status.message, values);
                        Box::new(kube::Error::Api(status))
                    }
                    other => Box::new(other),
                }),
            },
            other => other,
        }
    }
}

/// Where objects of a scope are reached: in a namespace, in all of them where it is empty, or, for those
/// of the whole cluster, whatever it is.
pub(crate) trait Scoped: Sized {
    /// Objects of a kind.
    fn api<K: Resource<DynamicType = (), Scope = Self>>(client: Client, namespace: &str) -> Api<K>;

    /// The same, as objects that this version may not understand.
    fn untyped(client: Client, namespace: &str, kind: &ApiResource) -> Api<DynamicObject>;
}

impl Scoped for NamespaceResourceScope {
    fn api<K: Resource<DynamicType = (), Scope = Self>>(client: Client, namespace: &str) -> Api<K> {
        match namespace {
            "" => Api::all(client),
            namespace => Api::namespaced(client, namespace),
        }
    }

    fn untyped(client: Client, namespace: &str, kind: &ApiResource) -> Api<DynamicObject> {
        Api::namespaced_with(client, namespace, kind)
    }
}

impl Scoped for ClusterResourceScope {
    fn api<K: Resource<DynamicType = (), Scope = Self>>(client: Client, _: &str) -> Api<K> {
        Api::all(client)
    }

    fn untyped(client: Client, _: &str, kind: &ApiResource) -> Api<DynamicObject> {
        Api::all_with(client, kind)
    }
}

type Called<T> = Result<T, CallError>;

/// The calls that the operator makes, beside its watches.
#[derive(Clone)]
pub(crate) struct Calls {
    client: Client,
    turns: Arc<Semaphore>,
    deliveries: Deliveries,
    limit: Duration,
    observe_only: bool,
    history: History,
}

impl Debug for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Calls")
    }
}

fn answer<T>(what: &'static str, answer: Result<kube::Result<T>, Elapsed>) -> Called<T> {
    let unclear = |status| CallError::Unclear {
        what,
        source: Some(Box::new(kube::Error::Api(status))),
    };
    match answer {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(kube::Error::Api(status))) => Err(match status.code {
            404 if status.reason == NOT_FOUND => CallError::Missing(what),
            409 => CallError::Conflict(what),
            // Who it is, or that there are too many: that is no word about the object.
            401 | 404 | 408 | 429 => unclear(status),
            400..=499 => CallError::Refused {
                what,
                message: shortened(&status.message),
            },
            _ => unclear(status),
        }),
        Ok(Err(source)) => Err(CallError::Unclear {
            what,
            source: Some(Box::new(source)),
        }),
        Err(_) => Err(CallError::Unclear { what, source: None }),
    }
}

fn found<T>(answer: Called<T>) -> Called<Option<T>> {
    match answer {
        Ok(object) => Ok(Some(object)),
        Err(CallError::Missing(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn post(dry_run: bool) -> PostParams {
    PostParams {
        dry_run,
        field_manager: Some(names::FIELD_MANAGER.to_owned()),
    }
}

fn patch() -> PatchParams {
    PatchParams {
        field_manager: Some(names::FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    }
}

impl Calls {
    /// Calls through this client, which must not try again by itself.
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            deliveries: Deliveries::default(),
            limit: LIMIT,
            observe_only: false,
            history: History::default(),
        }
    }

    /// The answer to a call, once it is its turn.
    async fn limited<T>(
        &self,
        what: &'static str,
        call: impl Future<Output = kube::Result<T>>,
    ) -> Called<T> {
        // Nobody closes it.
        let _turn = self.turns.acquire().await;
        answer(what, tokio::time::timeout(self.limit, call).await)
    }

    /// The answer to a write at the version that was read. What was changed meanwhile is newer, unless the store
    /// was set back.
    async fn at_version<K, T>(
        &self,
        what: &'static str,
        (api, object): (&Api<K>, &impl Resource),
        write: impl Future<Output = kube::Result<T>>,
    ) -> Called<T>
    where
        K: Clone + DeserializeOwned + Debug,
    {
        let answer = self.limited(what, write).await;
        let known = number(object.meta().resource_version.as_deref());
        if matches!(answer, Err(CallError::Conflict(_))) && known.is_some() {
            let name = object.meta().name.as_deref().unwrap_or_default();
            let live = self.limited(what, api.get_metadata(name)).await;
            let live = live.ok().and_then(|live| live.metadata.resource_version);
            self.history.goes_on(known, number(live.as_deref()));
        }
        answer
    }

    /// Asked before what nobody can take back in a namespace: does the store go on from what it was decided on?
    pub(crate) async fn store_goes_on(&self, namespace: &str) -> Called<()> {
        let what = "asking whether the store was set back";
        match self.history.lasts(&self.client, namespace).await {
            Some(true) => Ok(()),
            Some(false) => Err(CallError::Conflict(what)),
            None => Err(CallError::Unclear { what, source: None }),
        }
    }

    /// What the clock of the API server shows: what it would make in the operator's own namespace begins now.
    pub(crate) async fn server_time(&self, home: &str) -> Called<Timestamp> {
        let what = "asking the API server for the time";
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), home);
        let mut lease = Lease::default();
        lease.metadata.name = Some("tokenwright-time".to_owned());
        let made = self
            .limited(what, leases.create(&post(true), &lease))
            .await?;
        let made = made.metadata.creation_timestamp.map(|at| at.0);
        made.ok_or(CallError::Unclear { what, source: None })
    }

    /// What is known of the store.
    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// The same, and with `only` none that changes a Secret, or holds or releases an object.
    pub(crate) fn only_observing(self, only: bool) -> Self {
        Self {
            observe_only: only,
            ..self
        }
    }

    /// The UID of the namespace that every cluster has.
    pub(crate) async fn cluster_uid(&self) -> Called<Option<String>> {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let namespace = self
            .limited(
                "reading the namespace kube-system",
                namespaces.get("kube-system"),
            )
            .await?;
        Ok(namespace.uid())
    }

    /// A Lease as it is now.
    pub(crate) async fn lease(&self, namespace: &str, name: &str) -> Called<Option<Lease>> {
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), namespace);
        found(self.limited("reading the Lease", leases.get(name)).await)
    }

    /// Creates the Lease, or updates it at the version that was read.
    pub(crate) async fn write_lease(&self, lease: &Lease) -> Called<Lease> {
        let namespace = lease.namespace().unwrap_or_default();
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), &namespace);
        match lease.metadata.resource_version {
            None => {
                self.limited("creating the Lease", leases.create(&post(false), lease))
                    .await
            }
            Some(_) => {
                let (name, post) = (lease.name_any(), post(false));
                let write = leases.replace(&name, &post, lease);
                self.limited("renewing the Lease", write).await
            }
        }
    }

    /// Whether nothing is done but to look.
    pub(crate) fn observe_only(&self) -> bool {
        self.observe_only
    }

    /// An `ApiToken` as it is now.
    pub(crate) async fn token(&self, namespace: &str, name: &str) -> Called<Option<ApiToken>> {
        if !is_name(name) {
            return Ok(None);
        }
        let tokens: Api<ApiToken> = Api::namespaced(self.client.clone(), namespace);
        found(self.limited("reading the ApiToken", tokens.get(name)).await)
    }

    /// Sets the finalizers of an `ApiToken` or an issuer at the version that was read; not while only looking.
    pub(crate) async fn set_finalizers<K>(&self, object: &K, finalizers: &[String]) -> Called<K>
    where
        K: Resource<DynamicType = (), Scope: Scoped> + Clone + DeserializeOwned + Debug,
    {
        if self.observe_only {
            return Ok(object.clone());
        }
        let namespace = object.namespace().unwrap_or_default();
        let api: Api<K> = K::Scope::api(self.client.clone(), &namespace);
        let change = at_version(
            json!({ "finalizers": finalizers }),
            object.resource_version(),
        );
        let (name, params, change) = (object.name_any(), patch(), Patch::Merge(change));
        let set = api.patch(&name, &params, &change);
        self.at_version("setting the finalizers", (&api, object), set)
            .await
    }

    /// Writes the status of an object at the version that was read.
    pub(crate) async fn write_status<K>(&self, mut object: K) -> Called<K>
    where
        K: Resource<DynamicType = (), Scope: Scoped> + Clone + DeserializeOwned + Serialize + Debug,
    {
        let namespace = object.namespace().unwrap_or_default();
        let api: Api<K> = K::Scope::api(self.client.clone(), &namespace);
        object.meta_mut().managed_fields = None;
        let (name, post) = (object.name_any(), post(false));
        let written = api.replace_status(&name, &post, &object);
        self.at_version("writing the status", (&api, &object), written)
            .await
    }

    /// The definition of a kind.
    pub(crate) async fn definition(&self, name: &str) -> Called<Option<Definition>> {
        let kind = ApiResource::erase::<CustomResourceDefinition>(&());
        let definitions: Api<Definition> = Api::all_with(self.client.clone(), &kind);
        found(self.limited("reading the CRD", definitions.get(name)).await)
    }

    /// What the operator may do in a namespace; nothing where the API server cannot tell all of it.
    pub(crate) async fn rules(&self, namespace: &str) -> Called<Option<Vec<ResourceRule>>> {
        let review = SelfSubjectRulesReview {
            spec: SelfSubjectRulesReviewSpec {
                namespace: Some(namespace.to_owned()),
            },
            ..SelfSubjectRulesReview::default()
        };
        let reviews: Api<SelfSubjectRulesReview> = Api::all(self.client.clone());
        let post = PostParams::default();
        let asked = self.limited("asking what is allowed", reviews.create(&post, &review));
        let status = asked.await?.status;
        let complete = status.filter(|status| !status.incomplete);
        Ok(complete.map(|status| status.resource_rules))
    }

    /// An object as it stands, whether or not this version understands it.
    pub(crate) async fn untyped<K>(
        &self,
        namespace: &str,
        name: &str,
    ) -> Called<Option<DynamicObject>>
    where
        K: Resource<DynamicType = (), Scope: Scoped>,
    {
        let api = self.untyped_api::<K>(namespace);
        found(self.limited("reading the object", api.get(name)).await)
    }

    /// Writes the status of such an object at the version that was read.
    pub(crate) async fn write_untyped_status<K>(
        &self,
        object: DynamicObject,
    ) -> Called<DynamicObject>
    where
        K: Resource<DynamicType = (), Scope: Scoped>,
    {
        let api = self.untyped_api::<K>(&object.namespace().unwrap_or_default());
        let (name, post) = (object.name_any(), post(false));
        let written = api.replace_status(&name, &post, &object);
        self.at_version("writing the status", (&api, &object), written)
            .await
    }

    fn untyped_api<K>(&self, namespace: &str) -> Api<DynamicObject>
    where
        K: Resource<DynamicType = (), Scope: Scoped>,
    {
        let resource = ApiResource::erase::<K>(&());
        K::Scope::untyped(self.client.clone(), namespace, &resource)
    }

    /// Reports an event.
    pub(crate) async fn send_event(&self, event: &Event) -> Called<()> {
        let post = PostParams::default();
        let reported = unread::create(&self.client, event, &post);
        self.limited("reporting an event", reported).await
    }
}

/// A merge patch of metadata that is refused if the object has another version.
fn at_version(mut metadata: serde_json::Value, version: Option<String>) -> serde_json::Value {
    if let Some(fields) = metadata.as_object_mut() {
        fields.insert("resourceVersion".to_owned(), json!(version));
    }
    json!({ "metadata": metadata })
}
