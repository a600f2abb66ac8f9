//! A world to run the operator in: an API server and an issuer in memory, and time that stands still
//! until everybody waits.

#![allow(unreachable_pub, reason = "a module of a test binary")]

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use kube::{Api, Client};
use serde_json::{Value, json};
use tokenwright_api::adopt::AdoptedToken;
use tokenwright_api::{ApiToken, TokenIssuer};
use tokenwright_client::memory::MintedToken;
use tokenwright_client::{
    Clock, Issuer, MemoryIssuer, MemorySettings, MintRequest, Rate, SecretText, SecretValue,
};
use tokenwright_core::{Inputs, Lifetime, TokenId};
use tokenwright_operator::health::Health;
use tokenwright_operator::{
    Clients, IssuerFactory, Options, RunError, Setup, SetupError, System, run,
};
use tokenwright_testbed::memory::Memory;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

pub const NAMESPACE: &str = "team-a";

/// A client by this name is the operator, whichever process of it.
pub const OPERATOR: &str = "operator";

/// One issuer in memory for every `TokenIssuer`.
#[derive(Debug, Clone)]
struct InMemory(MemoryIssuer);

impl IssuerFactory for InMemory {
    fn home(&self, system: &System) -> Option<String> {
        match system {
            System::BuiltIn(name) if name != "memory" => None,
            System::BuiltIn(_) | System::Described(_) => {
                Some("https://issuer.example.com".to_owned())
            }
        }
    }

    fn rate(&self, _: &System) -> Option<Rate> {
        None
    }

    fn public_parts(&self, _: &System) -> Vec<String> {
        Vec::new()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the test looks at what it was given"
    )]
    fn make(&self, setup: Setup) -> Result<Arc<dyn Issuer>, SetupError> {
        let issuer = self.0.clone().behind(setup.gate);
        let Some(text) = setup.credential.get("token") else {
            return Err(SetupError::CredentialMissing);
        };
        match text.expose() {
            "right" | "corrected" => Ok(Arc::new(issuer)),
            // The value of a token, which lets in as long as that lives.
            value if value.starts_with("memory-secret-") => {
                let text = SecretText::new(value.to_owned());
                let value = SecretValue::new([("token".to_owned(), text)]);
                Ok(Arc::new(issuer.authenticated_by(&value)))
            }
            _ => Err(SetupError::Credential("the token is wrong".to_owned())),
        }
    }
}

pub struct World {
    pub api: Memory,
    pub issuer: MemoryIssuer,
    pub clock: Clock,
    pub user: Client,
    pub health: Health,
    operator: Option<JoinHandle<()>>,
    second: Option<JoinHandle<()>>,
    stop: CancellationToken,
}

impl Drop for World {
    fn drop(&mut self) {
        for operator in [self.operator.take(), self.second.take()]
            .into_iter()
            .flatten()
        {
            operator.abort();
        }
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(MemorySettings::default()).await
    }

    /// A world with a namespace, a credential and a `TokenIssuer`, and no operator yet.
    pub async fn with(settings: MemorySettings) -> Self {
        tokenwright_testbed::crypto();
        let base: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        let started = Instant::now();
        let clock =
            Clock::new(move || base + jiff::SignedDuration::try_from(started.elapsed()).unwrap());
        let now = clock.clone();
        let api = Memory::with_clock(move || now.now());
        let issuer = MemoryIssuer::new(settings, clock.clone());
        let user = api.client("user");
        let world = Self {
            api,
            issuer,
            clock,
            user,
            health: Health::default(),
            operator: None,
            second: None,
            stop: CancellationToken::new(),
        };
        world
            .make(
                "v1",
                "Namespace",
                json!({ "metadata": { "name": NAMESPACE } }),
            )
            .await;
        let credential = json!({ "metadata": { "name": "credential", "namespace": NAMESPACE }, "data": { "token": "cmlnaHQ=" } });
        world.make("v1", "Secret", credential).await;
        let crd = tokenwright_api::crds();
        for crd in crd {
            world
                .make(
                    "apiextensions.k8s.io/v1",
                    "CustomResourceDefinition",
                    serde_json::to_value(crd).unwrap(),
                )
                .await;
        }
        let spec =
            json!({ "profile": "memory", "credential": { "secretRef": { "name": "credential" } } });
        let issuer: TokenIssuer =
            serde_json::from_value(json!({ "apiVersion": "tokenwright.dev/v1alpha1", "kind": "TokenIssuer", "metadata": { "name": "issuer", "namespace": NAMESPACE }, "spec": spec }))
                .unwrap();
        let issuers: Api<TokenIssuer> = Api::namespaced(world.user.clone(), NAMESPACE);
        issuers
            .create(&PostParams::default(), &issuer)
            .await
            .unwrap();
        world
    }

    pub async fn make(&self, api_version: &str, kind: &str, object: Value) {
        let mut object = object;
        object["apiVersion"] = json!(api_version);
        object["kind"] = json!(kind);
        let object: DynamicObject = serde_json::from_value(object).unwrap();
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resource = kube::core::ApiResource::from_gvk(&kube::core::GroupVersionKind::gvk(
            group, version, kind,
        ));
        let api: Api<DynamicObject> = match &object.metadata.namespace {
            Some(namespace) => Api::namespaced_with(self.user.clone(), namespace, &resource),
            None => Api::all_with(self.user.clone(), &resource),
        };
        api.create(&PostParams::default(), &object).await.unwrap();
    }

    /// An object as somebody with a newer version of the kinds, or a typing error, writes it.
    pub async fn make_token(&self, name: &str, changes: Value) {
        let mut object = json!({
            "metadata": { "name": name, "namespace": NAMESPACE },
            "spec": {
                "issuerRef": { "name": "issuer" },
                "token": { "name": "ci", "lifetime": "30d" },
                "secret": { "name": "ci-token" },
            },
        });
        merge(&mut object, changes);
        let version = "tokenwright.dev/v1alpha1";
        self.make(version, "ApiToken", object).await;
    }

    /// `True: Reason` of a condition of any object.
    pub fn condition_of(&self, kind: &str, name: &str, type_: &str) -> String {
        let object = self.api.snapshot(kind, NAMESPACE, name).unwrap_or_default();
        let conditions = object["status"]["conditions"].as_array();
        let condition = conditions
            .into_iter()
            .flatten()
            .find(|condition| condition["type"] == type_);
        condition.map_or("absent".to_owned(), |condition| {
            let text = |key: &str| condition[key].as_str().unwrap_or_default().to_owned();
            format!("{}: {}", text("status"), text("reason"))
        })
    }

    /// Starts an operator; a former one must have been crashed.
    pub fn start(&mut self) {
        assert!(self.operator.is_none(), "two operators");
        self.operator = Some(self.spawn());
    }

    /// Starts another one beside it, as a network that is cut in two would.
    pub fn start_second(&mut self) {
        self.second = Some(self.spawn());
    }

    /// Starts an operator that serves all namespaces, and what belongs to none.
    pub fn start_everywhere(&mut self) {
        assert!(self.operator.is_none(), "two operators");
        self.operator = Some(self.spawn_with(Options::default()));
    }

    fn spawn(&self) -> JoinHandle<()> {
        self.spawn_with(Options {
            watch_namespaces: vec![NAMESPACE.to_owned()],
            ..Options::default()
        })
    }

    fn spawn_with(&self, options: Options) -> JoinHandle<()> {
        let clients = Clients::from(self.api.client(OPERATOR));
        let factory = Arc::new(InMemory(self.issuer.clone()));
        let around = (self.clock.clone(), self.health.clone());
        let stop = self.stop.clone();
        tokio::spawn(async move {
            run(clients, options, factory, around, stop.cancelled_owned())
                .await
                .unwrap();
        })
    }

    /// What the operator says of itself to whoever asks how it is.
    pub async fn readyz(&self) -> String {
        let request = Request::get("/readyz").body(Body::empty()).unwrap();
        let answer = self.health.router().oneshot(request).await.unwrap();
        let body = to_bytes(answer.into_body(), 100_000).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    /// Starts one of several replicas, which share a Lease, and a switch that asks it to end.
    pub fn replica(&self, name: &str) -> (JoinHandle<Result<(), RunError>>, CancellationToken) {
        let clients = Clients::from(self.api.client(name));
        let factory = Arc::new(InMemory(self.issuer.clone()));
        let around = (self.clock.clone(), Health::default());
        let stop = CancellationToken::new();
        let options = Options {
            watch_namespaces: vec![NAMESPACE.to_owned()],
            lease: Some("operator".to_owned()),
            instance: name.to_owned(),
            ..Options::default()
        };
        let end = stop.clone().cancelled_owned();
        let replica = tokio::spawn(run(clients, options, factory, around, end));
        (replica, stop)
    }

    /// Asks the operator to end, as SIGTERM does.
    pub fn shut_down(&mut self) -> JoinHandle<()> {
        self.stop.cancel();
        self.operator.take().unwrap()
    }

    /// Ends the operator as SIGKILL would: nothing of it runs any more.
    pub async fn crash(&mut self) {
        if let Some(operator) = self.operator.take() {
            operator.abort();
            let _aborted = operator.await;
        }
    }

    pub async fn pass(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    pub fn issuers(&self) -> Api<TokenIssuer> {
        Api::namespaced(self.user.clone(), NAMESPACE)
    }

    pub fn tokens(&self) -> Api<ApiToken> {
        Api::namespaced(self.user.clone(), NAMESPACE)
    }

    pub fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.user.clone(), NAMESPACE)
    }

    /// Asks for a token `ci` that is delivered to the Secret `ci-token`; `changes` are merged into its
    /// specification.
    pub async fn ask(&self, changes: Value) {
        self.ask_as("ci", changes).await;
    }

    /// The same under another name.
    pub async fn ask_as(&self, name: &str, changes: Value) {
        let mut spec = json!({
            "issuerRef": { "name": "issuer" },
            "token": { "name": "ci", "lifetime": "30d" },
            "rotation": { "overlap": "1h" },
            "secret": { "name": "ci-token" },
        });
        merge(&mut spec, changes);
        self.declare(name, spec).await;
    }

    async fn declare(&self, name: &str, spec: Value) {
        let token: ApiToken = serde_json::from_value(json!({
            "apiVersion": "tokenwright.dev/v1alpha1", "kind": "ApiToken",
            "metadata": { "name": name, "namespace": NAMESPACE }, "spec": spec,
        }))
        .unwrap();
        self.tokens()
            .create(&PostParams::default(), &token)
            .await
            .unwrap();
    }

    /// Adopts what a person put into the Secret `source`; delivered to the Secret `ci-token`.
    pub async fn adopt(&self, changes: Value) {
        self.adopt_as("ci", changes).await;
    }

    /// The same under another name.
    pub async fn adopt_as(&self, name: &str, changes: Value) {
        let mut spec = json!({
            "issuerRef": { "name": "issuer" },
            "adopt": { "valueFrom": { "secretRef": { "name": "source" } } },
            "secret": { "name": "ci-token" },
        });
        merge(&mut spec, changes);
        self.declare(name, spec).await;
    }

    /// A person makes a token at the issuer's console: its id and its value.
    #[expect(
        clippy::disallowed_methods,
        reason = "a person sees the value that is shown once"
    )]
    pub async fn by_hand(&self) -> (TokenId, String) {
        let request = MintRequest {
            remote_name: "made by a person".to_owned(),
            inputs: Inputs {
                name: "made by a person".to_owned(),
                scopes: [].into(),
                parameters: [].into(),
                lifetime: Lifetime::Never,
            },
            at: self.clock.now(),
            idempotency_key: format!("person-{}", self.issuer.minted().len()),
            send_by: None,
        };
        let minted = self.issuer.mint(&request).await.unwrap();
        let value = minted.value.part("token").unwrap().expose().to_owned();
        (minted.token.id, value)
    }

    /// A person puts a text into a Secret of their own.
    pub async fn fill(&self, name: &str, text: &str) {
        let filled = json!({ "stringData": { "PASTED": text } });
        if self.secrets().get_opt(name).await.unwrap().is_none() {
            let mut object = json!({ "metadata": { "name": name, "namespace": NAMESPACE } });
            merge(&mut object, filled);
            return self.make("v1", "Secret", object).await;
        }
        self.secrets()
            .patch(name, &PatchParams::default(), &Patch::Merge(filled))
            .await
            .unwrap();
    }

    /// A Secret by its name.
    pub fn secret_called(&self, name: &str) -> Option<Secret> {
        let object = self.api.snapshot("secrets", NAMESPACE, name)?;
        Some(serde_json::from_value(object).unwrap())
    }

    /// An annotation of the delivered Secret.
    pub fn annotation(&self, key: &str) -> Option<String> {
        self.secret()?.metadata.annotations?.get(key).cloned()
    }

    /// What the status says of the adopted token.
    pub fn adopted(&self) -> AdoptedToken {
        let status = self.object().and_then(|object| object.status);
        status.and_then(|status| status.adopted).unwrap_or_default()
    }

    /// The notes of the events of one reason about the `ApiToken`.
    pub fn notes(&self, reason: &str) -> Vec<String> {
        let mut events = self.api.snapshots("events.events.k8s.io");
        events.retain(|event| event["reason"] == reason);
        let notes = events.iter().filter_map(|event| event["note"].as_str());
        notes.map(ToOwned::to_owned).collect()
    }

    /// Everything that people and programs without the right to read Secrets can see.
    pub fn everything_shown(&self) -> String {
        let mut shown = self.api.snapshots("events.events.k8s.io");
        shown.extend(self.api.snapshots("apitokens.tokenwright.dev"));
        shown.extend(self.api.snapshots("tokenissuers.tokenwright.dev"));
        let mut secrets = self.api.snapshots("secrets");
        secrets
            .iter_mut()
            .for_each(|secret| secret["data"] = Value::Null);
        shown.extend(secrets);
        serde_json::to_string(&shown).unwrap()
    }

    pub async fn change(&self, change: Value) {
        self.tokens()
            .patch("ci", &PatchParams::default(), &Patch::Merge(change))
            .await
            .unwrap();
    }

    /// A Secret by the name of ours that nobody of us made.
    pub async fn other_secret(&self, metadata: Value) {
        let mut object = json!({ "metadata": { "name": "ci-token", "namespace": NAMESPACE }, "type": "Opaque", "data": { "mine": "cHJlY2lvdXM=" } });
        merge(&mut object, json!({ "metadata": metadata }));
        self.make("v1", "Secret", object).await;
    }

    /// Somebody edits the Secret.
    pub async fn edit_secret(&self, change: Value) {
        self.secrets()
            .patch("ci-token", &PatchParams::default(), &Patch::Merge(change))
            .await
            .unwrap();
    }

    /// Somebody who was given too much changes the status.
    pub async fn forge_status(&self, change: Value) {
        self.tokens()
            .patch_status("ci", &PatchParams::default(), &Patch::Merge(change))
            .await
            .unwrap();
    }

    /// Another `TokenIssuer`; `changes` are merged into its specification.
    pub async fn issuer_as(&self, name: &str, changes: Value) {
        let mut spec =
            json!({ "profile": "memory", "credential": { "secretRef": { "name": "credential" } } });
        merge(&mut spec, changes);
        let object = json!({ "metadata": { "name": name, "namespace": NAMESPACE }, "spec": spec });
        self.make("tokenwright.dev/v1alpha1", "TokenIssuer", object)
            .await;
    }

    /// A `ClusterTokenIssuer` whose credential is in the operator's own namespace.
    pub async fn cluster_issuer(&self, name: &str, settings: Value, allow: Value) {
        let mut spec = json!({
            "credential": { "secretRef": { "name": "shared-credential" } },
            "allow": allow,
        });
        merge(&mut spec, settings);
        let object = json!({ "metadata": { "name": name }, "spec": spec });
        self.make("tokenwright.dev/v1alpha1", "ClusterTokenIssuer", object)
            .await;
    }

    /// Changes the labels of the namespace.
    pub async fn label_namespace(&self, labels: Value) {
        let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(self.user.clone());
        let change = Patch::Merge(json!({ "metadata": { "labels": labels } }));
        namespaces
            .patch(NAMESPACE, &PatchParams::default(), &change)
            .await
            .unwrap();
    }

    /// `Status: Reason: message` of the condition `Ready` of a `TokenIssuer`.
    pub fn issuer_ready(&self, name: &str) -> String {
        self.shown_of("tokenissuers", NAMESPACE, name, "Ready")
    }

    /// `Status: Reason: message` of a condition of one of our objects.
    pub fn shown_of(&self, plural: &str, namespace: &str, name: &str, type_: &str) -> String {
        let kind = format!("{plural}.tokenwright.dev");
        let object = self
            .api
            .snapshot(&kind, namespace, name)
            .unwrap_or_default();
        let conditions = object["status"]["conditions"].as_array();
        let conditions = conditions.into_iter().flatten();
        let condition = conditions.into_iter().find(|c| c["type"] == type_);
        condition.map_or("absent".to_owned(), |condition| {
            let text = |key: &str| condition[key].as_str().unwrap_or_default().to_owned();
            format!(
                "{}: {}: {}",
                text("status"),
                text("reason"),
                text("message")
            )
        })
    }

    /// Labels and finalizers of a Secret.
    pub fn marks(&self, secret: &str) -> (Vec<String>, Vec<String>) {
        let metadata = self.secret_called(secret).unwrap().metadata;
        let labels = metadata.labels.unwrap_or_default();
        (
            labels.into_keys().collect(),
            metadata.finalizers.unwrap_or_default(),
        )
    }

    /// Somebody changes the credential of the issuer.
    pub async fn set_credential(&self, text: &str) {
        let change = json!({ "stringData": { "token": text } });
        self.secrets()
            .patch("credential", &PatchParams::default(), &Patch::Merge(change))
            .await
            .unwrap();
    }

    pub async fn delete(&self) {
        self.tokens()
            .delete("ci", &DeleteParams::default())
            .await
            .unwrap();
    }

    pub fn object(&self) -> Option<ApiToken> {
        let object = self
            .api
            .snapshot("apitokens.tokenwright.dev", NAMESPACE, "ci")?;
        Some(serde_json::from_value(object).unwrap())
    }

    pub fn secret(&self) -> Option<Secret> {
        let object = self.api.snapshot("secrets", NAMESPACE, "ci-token")?;
        Some(serde_json::from_value(object).unwrap())
    }

    /// The text under a key of the Secret.
    pub fn data(&self, key: &str) -> Option<String> {
        let data = self.secret()?.data?;
        Some(String::from_utf8(data.get(key)?.0.clone()).unwrap())
    }

    /// `True: Reason` of a condition of the `ApiToken`.
    pub fn condition(&self, type_: &str) -> String {
        let status = self
            .object()
            .and_then(|object| object.status)
            .unwrap_or_default();
        let condition = status
            .conditions
            .into_iter()
            .find(|condition| condition.type_ == type_);
        condition.map_or("absent".to_owned(), |condition| {
            format!("{}: {}", condition.status, condition.reason)
        })
    }

    pub fn message(&self, type_: &str) -> String {
        let status = self
            .object()
            .and_then(|object| object.status)
            .unwrap_or_default();
        let condition = status
            .conditions
            .into_iter()
            .find(|condition| condition.type_ == type_);
        condition
            .map(|condition| condition.message)
            .unwrap_or_default()
    }

    pub fn revision(&self) -> Option<u32> {
        Some(self.object()?.status?.current?.revision)
    }

    /// What the operator wrote, in short: `patch apitokens`, `update apitokens/status`, …
    pub fn writes(&self) -> Vec<String> {
        let writes = self.api.writes(OPERATOR);
        let about_token =
            |resource: &str| resource == "apitokens.tokenwright.dev" || resource == "secrets";
        writes
            .into_iter()
            .filter(|record| {
                about_token(&record.seen.resource)
                    && record.seen.namespace.as_deref() == Some(NAMESPACE)
            })
            .filter(|record| record.seen.name.as_deref() != Some("credential"))
            .map(|record| {
                let seen = &record.seen;
                let resource = seen.resource.split('.').next().unwrap_or_default();
                let sub = seen
                    .subresource
                    .as_ref()
                    .map(|sub| format!("/{sub}"))
                    .unwrap_or_default();
                format!("{:?} {resource}{sub}", seen.verb).to_lowercase()
            })
            .collect()
    }

    /// The reasons of the events about the `ApiToken`, in order.
    pub fn events(&self) -> Vec<String> {
        let mut events = self.api.snapshots("events.events.k8s.io");
        events.retain(|event| event["regarding"]["kind"] == "ApiToken");
        events.sort_by_key(|event| event["eventTime"].as_str().map(ToOwned::to_owned));
        events
            .iter()
            .filter_map(|event| Some(event["reason"].as_str()?.to_owned()))
            .collect()
    }

    /// The one live token, which must be the one whose value the Secret holds.
    pub fn the_only_token(&self) -> MintedToken {
        let live = self.issuer.live();
        assert_eq!(live.len(), 1, "live tokens: {live:#?}");
        let value = self.data("token").expect("there is no value in the Secret");
        assert!(
            self.issuer.accepts(&value),
            "the value in the Secret does not authenticate"
        );
        let owner = self.issuer.owner_of(&value).unwrap();
        assert_eq!(owner.token.id, live[0].token.id);
        owner
    }

    /// The value in the Secret authenticates; asked after every step of a scenario.
    pub fn the_secret_works(&self) {
        let value = self.data("token").expect("there is no value in the Secret");
        assert!(
            self.issuer.accepts(&value),
            "the value in the Secret does not authenticate"
        );
    }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
