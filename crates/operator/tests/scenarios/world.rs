//! A world to run the operator in: an API server and an issuer in memory, and time that stands still
//! until everybody waits.

#![allow(unreachable_pub, reason = "a module of a test binary")]

mod in_memory;
mod people;
mod shown;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use kube::core::DynamicObject;
use kube::{Api, Client};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokenwright_api::{ApiToken, TokenIssuer};
use tokenwright_client::{Clock, Gate, MemoryIssuer, MemorySettings, Rate};
use tokenwright_operator::health::Health;
use tokenwright_operator::{Clients, Options, RunError, run};
use tokenwright_testbed::memory::Memory;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use self::in_memory::InMemory;

pub const NAMESPACE: &str = "team-a";

/// A client by this name is the operator, whichever process of it.
pub const OPERATOR: &str = "operator";
/// What the API server calls all ApiTokens.
pub const TOKENS: &str = "apitokens.tokenwright.dev";

pub struct World {
    pub api: Memory,
    pub issuer: MemoryIssuer,
    /// Another account at the same endpoint, with tokens of its own.
    pub elsewhere: MemoryIssuer,
    /// The same system at another endpoint, with tokens of its own.
    pub moved: MemoryIssuer,
    /// How much the vendor says that it takes, where it does.
    pub documented: Option<Rate>,
    gates: Arc<Mutex<Vec<Arc<Gate>>>>,
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
        // Whatever a scenario was about.
        if !std::thread::panicking() {
            self.check_conditions();
        }
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(MemorySettings::default()).await
    }

    /// One whose issuer does not say whose a credential is.
    pub async fn without_identity() -> Self {
        Self::with(MemorySettings {
            identity: None,
            ..MemorySettings::default()
        })
        .await
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
        let moved = MemorySettings {
            endpoint: "memory://moved".to_owned(),
            ..settings.clone()
        };
        let moved = MemoryIssuer::new(moved, clock.clone());
        let issuer = MemoryIssuer::new(settings, clock.clone());
        let elsewhere = issuer.another_account();
        let user = api.client("user");
        let world = Self {
            api,
            issuer,
            elsewhere,
            moved,
            documented: None,
            gates: Arc::default(),
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
        for crd in tokenwright_operator::crds::definitions().unwrap() {
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

    /// Starts an operator; a former one must have been crashed.
    pub fn start(&mut self) {
        assert!(self.operator.is_none(), "two operators");
        self.operator = Some(self.spawn());
    }

    /// Starts another one beside it, as a network that is cut in two would.
    pub fn start_second(&mut self) {
        self.second = Some(self.spawn());
    }

    /// Ends the one beside it.
    pub fn end_second(&mut self) {
        self.second.take().unwrap().abort();
    }

    /// Starts an operator that serves all namespaces, and what belongs to none.
    pub fn start_everywhere(&mut self) {
        assert!(self.operator.is_none(), "two operators");
        self.operator = Some(self.spawn_with(Options::default()));
    }

    fn factory(&self) -> Arc<InMemory> {
        Arc::new(InMemory {
            account: self.issuer.clone(),
            elsewhere: self.elsewhere.clone(),
            moved: self.moved.clone(),
            documented: self.documented,
            gates: Arc::clone(&self.gates),
        })
    }

    /// Starts an operator that only looks.
    pub fn start_observing(&mut self) {
        assert!(self.operator.is_none(), "two operators");
        self.operator = Some(self.spawn_with(Options {
            watch_namespaces: vec![NAMESPACE.to_owned()],
            observe_only: true,
            ..Options::default()
        }));
    }

    fn spawn(&self) -> JoinHandle<()> {
        self.spawn_with(Options {
            watch_namespaces: vec![NAMESPACE.to_owned()],
            ..Options::default()
        })
    }

    /// Starts an operator whose clock is so much ahead of everybody else's.
    pub fn start_ahead(&mut self, ahead: jiff::SignedDuration) {
        let clock = self.clock.clone();
        self.start_by(Clock::new(move || {
            clock.now().saturating_add(ahead).unwrap()
        }));
    }

    /// Starts an operator with a clock of its own.
    pub fn start_by(&mut self, clock: Clock) {
        assert!(self.operator.is_none(), "two operators");
        self.operator = Some(self.spawn_at(Options::default(), clock));
    }

    pub fn spawn_with(&self, options: Options) -> JoinHandle<()> {
        self.spawn_at(options, self.clock.clone())
    }

    fn spawn_at(&self, options: Options, clock: Clock) -> JoinHandle<()> {
        let clients = Clients::from(self.api.client(OPERATOR));
        let factory = self.factory();
        let around = (clock, self.health.clone());
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
        self.launch(name, Some("operator".to_owned()))
    }

    /// The same without a Lease, as the only one that there is.
    pub fn alone(&self, name: &str) -> (JoinHandle<Result<(), RunError>>, CancellationToken) {
        self.launch(name, None)
    }

    fn launch(
        &self,
        name: &str,
        lease: Option<String>,
    ) -> (JoinHandle<Result<(), RunError>>, CancellationToken) {
        let clients = Clients::from(self.api.client(name));
        let factory = self.factory();
        let around = (self.clock.clone(), Health::default());
        let stop = CancellationToken::new();
        let options = Options {
            watch_namespaces: vec![NAMESPACE.to_owned()],
            lease,
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

    /// The issuer's answers say by their dates that the operator's clock is so much ahead.
    pub fn date_answers(&self, ahead: jiff::SignedDuration) {
        for gate in self.gates.lock().iter() {
            gate.heard(ahead);
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
}
