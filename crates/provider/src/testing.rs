//! A resource in one process, on an issuer in memory and virtual time: what a real Terraform cannot be
//! made to show. For tests alone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy tells test functions from others, but not what they share"
)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use tfplugin::{
    Apply, Connection, Diagnostics, Plan, PlanResult, Provider, Read, Resource, Schema, Severity,
    Value,
};
use tokenwright_client::account::SecretDigests;
use tokenwright_client::{
    Clock, Issuer, MemoryIssuer, MemorySettings, MintRequest, SecretText, SecretValue,
};
use tokenwright_core::{Inputs, Lifetime, TokenId};

use crate::config::{Given, IssuerSettings};
use crate::connect::{FromSettings, Hosts, MadeIssuer};
use crate::provider::Tokenwright;
use crate::schema;
use crate::secrets::encode;
use crate::token::Bookkeeping;

/// Terraform's part: state and private bytes, and the calls in its order.
pub(crate) struct Run {
    pub(crate) issuer: MemoryIssuer,
    pub(crate) provider: Arc<Tokenwright>,
    /// Further accounts at the same endpoint, by the keys of their issuers; each has a credential of its own.
    pub(crate) accounts: Arc<Mutex<BTreeMap<String, MemoryIssuer>>>,
    /// Whether the user has interrupted the run.
    stopped: AtomicBool,
    pub(crate) credential: Arc<Mutex<Option<String>>>,
    /// How far its clock is ahead of the issuer's, by the answers that the next process hears, if it hears any.
    pub(crate) ahead: Arc<Mutex<Option<SignedDuration>>>,
    /// The type of the resource.
    pub(crate) of: &'static str,
    pub(crate) config: Value,
    /// `lifecycle.ignore_changes`: a plan sees the state's values for these, an apply sees the written ones.
    pub(crate) ignored: Vec<&'static str>,
    pub(crate) state: Value,
    pub(crate) private: Vec<u8>,
}

/// What came of a call.
pub(crate) struct Said {
    pub(crate) errors: Vec<String>,
    pub(crate) warnings: Vec<String>,
    /// Where all of them point.
    pub(crate) paths: Vec<String>,
}

impl From<Diagnostics> for Said {
    fn from(diags: Diagnostics) -> Self {
        let of = |severity: Severity| {
            let some = diags.iter().filter(move |d| d.severity == severity);
            some.map(|d| format!("{}: {}", d.summary, d.detail))
                .collect()
        };
        Self {
            errors: of(Severity::Error),
            warnings: of(Severity::Warning),
            paths: diags
                .iter()
                .flat_map(|d| &d.path)
                .map(ToString::to_string)
                .collect(),
        }
    }
}

fn clock() -> Clock {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let began = tokio::time::Instant::now();
    Clock::new(move || start + began.elapsed())
}

impl Run {
    pub(crate) async fn new(of: &'static str, config: Value, settings: MemorySettings) -> Self {
        let issuer = MemoryIssuer::new(settings, clock());
        let credential = Arc::new(Mutex::new(Some("first".to_owned())));
        let (made, secret) = (issuer.clone(), Arc::clone(&credential));
        let ahead = Arc::new(Mutex::new(None));
        let heard = Arc::clone(&ahead);
        let accounts: Arc<Mutex<BTreeMap<String, MemoryIssuer>>> = Arc::default();
        let others = Arc::clone(&accounts);
        let maker = move |settings: &IssuerSettings, hosts: &Hosts| {
            let key = settings.profile.known().cloned().unwrap_or_default();
            let other = others.lock().unwrap().get(&key).cloned();
            let credential = other.as_ref().map(|_| key);
            let made = other.unwrap_or_else(|| made.clone());
            let credential = match credential.or_else(|| secret.lock().unwrap().clone()) {
                Some(text) => {
                    let key = ("key".to_owned(), SecretText::new(text));
                    Given::Known(SecretDigests::of(&SecretValue::new([key])))
                }
                None => Given::Absent,
            };
            let gate = hosts.gate(made.endpoint());
            if let Some(ahead) = *heard.lock().unwrap() {
                gate.heard(ahead);
            }
            let issuer = Arc::new(made.behind(Arc::clone(&gate)));
            FromSettings {
                only_by_hand: None,
                made: Ok(MadeIssuer {
                    issuer,
                    gate,
                    credential,
                    credential_hint: "there is none.".to_owned(),
                    parameters: vec!["project".to_owned()],
                    public_parts: vec!["id".to_owned()],
                }),
            }
        };
        let run = Self {
            issuer,
            provider: Arc::new(Tokenwright::with(Arc::new(maker), clock())),
            stopped: AtomicBool::new(false),
            credential,
            accounts,
            ahead,
            of,
            config,
            ignored: Vec::new(),
            state: Value::Null,
            private: Vec::new(),
        };
        run.configure().await;
        run
    }

    /// Its clock is so many hours ahead of the issuer's, as the next process hears.
    pub(crate) fn is_ahead_by(&self, hours: i64) {
        *self.ahead.lock().unwrap() = Some(SignedDuration::from_hours(hours));
    }

    /// A new process: nothing is remembered.
    pub(crate) async fn configure(&self) {
        let issuer = |profile: &str| Value::object([("profile", profile.into())]);
        let others = self.accounts.lock().unwrap().clone().into_keys();
        let others = others.map(|key| (key.clone(), issuer(&key)));
        let issuers = others.chain([("vendor".to_owned(), issuer("memory"))]);
        let issuers = issuers.collect();
        let block = Value::object([("manager", "test".into()), ("issuers", Value::Map(issuers))]);
        self.provider
            .configure(block, &mut Diagnostics::new())
            .await;
        if self.stopped.load(Ordering::Relaxed) {
            self.provider.stop().await;
        }
    }

    /// The user interrupts the run.
    pub(crate) async fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.provider.stop().await;
    }

    pub(crate) fn schema(&self) -> Schema {
        let all = self.provider.schema();
        let of_resource = all.resources.get(self.of);
        of_resource.unwrap_or(&all.provider).clone()
    }

    pub(crate) fn resource(&self) -> &dyn Resource {
        self.provider.resource(self.of).unwrap()
    }

    /// As the plugin server does.
    pub(crate) async fn validate(&self, config: &Value, diags: &mut Diagnostics) {
        self.schema().check_rules(config, diags);
        match self.provider.resource(self.of) {
            Some(resource) => resource.validate(config, diags).await,
            None => self.provider.validate_config(config, diags).await,
        }
    }

    pub(crate) async fn read(&mut self) -> Said {
        self.configure().await;
        let mut diags = Diagnostics::new();
        let request = Read {
            state: self.state.clone(),
            private: self.private.clone(),
        };
        let result = self.resource().read(request, &mut diags).await;
        (self.state, self.private) = (result.state, result.private);
        diags.into()
    }

    pub(crate) async fn plan(&self) -> (PlanResult, Said) {
        let mut diags = Diagnostics::new();
        let config = self.seen_by_a_plan();
        // A core has a configuration validated before each plan.
        self.schema().check_rules(&config, &mut diags);
        let request = Plan {
            prior: self.state.clone(),
            proposed: self.proposed(&config),
            config,
            private: self.private.clone(),
        };
        let result = self.resource().plan(request, &mut diags).await;
        (result, diags.into())
    }

    /// What Terraform shows of the configuration to a plan, and not to an apply.
    fn seen_by_a_plan(&self) -> Value {
        let mut config = self.config.clone();
        if !self.state.is_null() {
            for name in &self.ignored {
                config.insert(*name, self.state.get(name).clone());
            }
        }
        config
    }

    /// Terraform's own merge: what is configured, else what was before, else unknown where it is
    /// computed. Write-only values stay in the configuration.
    fn proposed(&self, config: &Value) -> Value {
        let schema = self.schema();
        let mut proposed = config.clone();
        for attribute in schema.attributes.iter().filter(|a| a.is_computed()) {
            if config.get(attribute.name()).is_null() {
                let before = match &self.state {
                    Value::Null => Value::Unknown,
                    prior => prior.get(attribute.name()).clone(),
                };
                proposed.insert(attribute.name(), before);
            }
        }
        schema.null_write_only(&mut proposed);
        schema.set_defaults(config, &mut proposed);
        proposed
    }

    /// As `terraform apply` does: plan again, and what was known must be the same; then apply.
    pub(crate) async fn apply_planned(&mut self, plan: PlanResult, connection: Connection) -> Said {
        self.configure().await;
        let plan = match plan.planned.is_null() {
            true => plan,
            false => {
                let (second, said) = self.plan().await;
                assert!(said.errors.is_empty(), "{:?}", said.errors);
                agrees(&plan.planned, &second.planned);
                second
            }
        };
        let mut diags = Diagnostics::new();
        let request = Apply {
            config: self.config.clone(),
            prior: self.state.clone(),
            planned: plan.planned.clone(),
            private: plan.private,
            connection,
        };
        let result = self.resource().apply(request, &mut diags).await;
        if !diags.has_errors() && !plan.planned.is_null() {
            promised(&plan.planned, &result.state);
        }
        (self.state, self.private) = (result.state, result.private);
        diags.into()
    }

    /// Refresh, plan, plan again, apply: as `terraform apply` does.
    pub(crate) async fn apply(&mut self) -> Said {
        if !self.state.is_null() {
            let said = self.read().await;
            assert!(said.errors.is_empty(), "{:?}", said.errors);
        }
        let (plan, said) = self.plan().await;
        assert!(said.errors.is_empty(), "{:?}", said.errors);
        if plan.planned == self.state {
            return said;
        }
        self.apply_planned(plan, Connection::default()).await
    }

    pub(crate) async fn destroy(&mut self) -> Said {
        let plan = PlanResult {
            planned: Value::Null,
            requires_replace: Vec::new(),
            private: self.private.clone(),
        };
        self.apply_planned(plan, Connection::default()).await
    }

    /// Somebody else mints a token of this name: its id, and its value as the vendor shows it.
    pub(crate) async fn mint(&self, remote_name: &str) -> (TokenId, Value) {
        let request = MintRequest {
            remote_name: remote_name.to_owned(),
            inputs: Inputs {
                name: remote_name.to_owned(),
                scopes: Default::default(),
                parameters: Default::default(),
                lifetime: Lifetime::Never,
            },
            at: Default::default(),
            idempotency_key: String::new(),
            send_by: None,
        };
        let minted = self.issuer.mint(&request).await.unwrap();
        (minted.token.id, encode(&minted.value))
    }

    pub(crate) async fn plans_nothing(&self) -> bool {
        self.plan().await.0.planned == self.state
    }

    /// What only the program reads.
    pub(crate) fn bookkeeping(&self) -> Bookkeeping {
        Bookkeeping::read(self.state.get("record")).unwrap()
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.state.get(name).as_str().unwrap_or_default()
    }
}

/// A configuration of this resource: these attributes, and null for all others.
pub(crate) fn configuration(of: &str, given: &[(&str, Value)]) -> Value {
    let mut config = schema::schema().resources[of].empty();
    for (name, value) in given {
        config.insert(*name, value.clone());
    }
    config
}

/// Terraform's check of the second plan call: what was known in the first is the same.
pub(crate) fn agrees(first: &Value, second: &Value) {
    for (name, value) in first.as_map().unwrap() {
        if value.is_wholly_known() {
            assert_eq!(value, second.get(name), "{name} was planned otherwise");
        }
    }
}

/// Terraform's check of an apply: what was known comes back, and all is known.
fn promised(planned: &Value, state: &Value) {
    for (name, value) in planned.as_map().unwrap() {
        let after = state.get(name);
        assert!(after.is_wholly_known(), "{name} is unknown after the apply");
        if !value.is_unknown() {
            assert_eq!(value, after, "{name} is not what was planned");
        }
    }
}

pub(crate) fn hours(count: i64) -> std::time::Duration {
    SignedDuration::from_hours(count).unsigned_abs()
}
