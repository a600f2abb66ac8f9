//! The resource in one process, on an issuer in memory and virtual time: what a real Terraform cannot
//! be made to show.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use tfplugin::{
    Apply, Connection, Diagnostics, Plan, PlanResult, Provider, RawState, Read, Resource, Severity,
    Value,
};
use tokenwright_client::memory::Fault;
use tokenwright_client::{Clock, ErrorKind, MemoryIssuer, MemorySettings, Operation, SecretText};
use tokenwright_core::{Identity, TokenId};
use tokio_util::sync::CancellationToken;

use crate::config::Given;
use crate::connect::{Made, Refusal};
use crate::provider::Tokenwright;
use crate::schema;
use crate::secrets::digests;

mod faults;

/// Terraform's part: state and private bytes, and the calls in its order.
struct Run {
    issuer: MemoryIssuer,
    provider: Tokenwright,
    credential: Arc<Mutex<String>>,
    config: Value,
    state: Value,
    private: Vec<u8>,
}

/// What came of a call.
struct Said {
    errors: Vec<String>,
    warnings: Vec<String>,
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
        }
    }
}

fn clock() -> Clock {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let began = tokio::time::Instant::now();
    Clock::new(move || start + began.elapsed())
}

impl Run {
    async fn new(settings: MemorySettings) -> Self {
        let issuer = MemoryIssuer::new(settings, clock());
        let credential = Arc::new(Mutex::new("first".to_owned()));
        let (made, secret) = (issuer.clone(), Arc::clone(&credential));
        let maker = move |_: &_| -> Result<Made, Refusal> {
            let text = SecretText::new(secret.lock().unwrap().clone());
            let credential = tokenwright_client::SecretValue::new([("key".to_owned(), text)]);
            Ok(Made {
                issuer: Arc::new(made.clone()),
                credential: Given::Known(digests(&credential)),
                credential_hint: String::new(),
            })
        };
        let run = Self {
            issuer,
            provider: Tokenwright::with(Arc::new(maker), clock()),
            credential,
            config: config(&[]),
            state: Value::Null,
            private: Vec::new(),
        };
        run.configure().await;
        run
    }

    /// A new process: nothing is remembered.
    async fn configure(&self) {
        let issuer = Value::object([("profile", "memory".into())]);
        let issuers = BTreeMap::from([("vendor".to_owned(), issuer)]);
        let block = Value::object([("manager", "test".into()), ("issuers", Value::Map(issuers))]);
        self.provider
            .configure(block, &mut Diagnostics::new())
            .await;
    }

    fn resource(&self) -> &dyn Resource {
        self.provider.resource(schema::API_TOKEN).unwrap()
    }

    async fn read(&mut self) -> Said {
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

    async fn plan(&self) -> (PlanResult, Said) {
        let mut diags = Diagnostics::new();
        let request = Plan {
            config: self.config.clone(),
            prior: self.state.clone(),
            proposed: proposed(&self.config, &self.state),
            private: self.private.clone(),
        };
        let result = self.resource().plan(request, &mut diags).await;
        (result, diags.into())
    }

    async fn apply_planned(&mut self, plan: PlanResult, connection: Connection) -> Said {
        self.configure().await;
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
    async fn apply(&mut self) -> Said {
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

    async fn destroy(&mut self) -> Said {
        let plan = PlanResult {
            planned: Value::Null,
            requires_replace: Vec::new(),
            private: self.private.clone(),
        };
        self.apply_planned(plan, Connection::default()).await
    }

    async fn plans_nothing(&self) -> bool {
        self.plan().await.0.planned == self.state
    }

    fn id(&self) -> TokenId {
        TokenId::new(self.state.get("token_id").as_str().unwrap())
    }

    fn text(&self, name: &str) -> &str {
        self.state.get(name).as_str().unwrap_or_default()
    }
}

/// A configuration with some attributes of one's own.
fn config(more: &[(&str, Value)]) -> Value {
    let schema = schema::schema()
        .resources
        .remove(schema::API_TOKEN)
        .unwrap();
    let names = schema
        .attributes
        .iter()
        .map(|a| (a.name().to_owned(), Value::Null));
    let mut config = Value::object(names);
    config.set("name", "ci");
    config.set("lifetime", "30d");
    config.set("rotation", rotation(&[]));
    for (name, value) in more {
        config.set(*name, value.clone());
    }
    config
}

fn rotation(more: &[(&str, &str)]) -> Value {
    let names = ["renew_before", "every", "overlap", "triggers"];
    let mut rotation = Value::object(names.map(|name| (name, Value::Null)));
    for (name, text) in more {
        rotation.set(*name, *text);
    }
    rotation
}

/// Terraform's own merge: what is configured, else what was before, else unknown where it is computed.
fn proposed(config: &Value, prior: &Value) -> Value {
    let mut proposed = config.clone();
    for (name, value) in config.as_map().unwrap() {
        let computed =
            !["issuer", "scopes", "parameters", "rotation", "timeouts"].contains(&name.as_str());
        if value.is_null() && computed {
            let before = match prior {
                Value::Null => Value::Unknown,
                prior => prior.get(name).clone(),
            };
            proposed.set(name.clone(), before);
        }
    }
    proposed
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

fn hours(count: i64) -> std::time::Duration {
    SignedDuration::from_hours(count).unsigned_abs()
}

#[tokio::test(start_paused = true)]
async fn a_plan_says_the_same_at_any_time_and_only_a_refresh_moves_its_present() {
    let mut run = Run::new(MemorySettings::default()).await;
    run.apply().await;
    tokio::time::sleep(hours(24 * 25)).await;
    assert!(run.plans_nothing().await, "the present is the last read");
    run.read().await;
    let first = run.plan().await.0;
    assert_eq!(first.planned.get("revision").as_i64(), Some(2));
    tokio::time::sleep(hours(24 * 300)).await;
    let second = run.plan().await.0;
    assert_eq!(first.planned, second.planned);
    assert_eq!(first.private, second.private);
    assert_eq!(run.issuer.count(Operation::Mint), 1, "a plan asks nobody");
}

#[tokio::test(start_paused = true)]
async fn a_year_of_monthly_applies_keeps_one_token_and_one_that_retires() {
    let mut run = Run::new(MemorySettings::default()).await;
    run.config = config(&[(
        "rotation",
        rotation(&[("overlap", "5d"), ("renew_before", "10d")]),
    )]);
    for day in 0..365 {
        let said = run.apply().await;
        assert!(
            said.errors.is_empty() && said.warnings.is_empty(),
            "day {day}"
        );
        let live = run.issuer.live();
        assert!((1..=2).contains(&live.len()), "day {day}: {}", live.len());
        assert!(run.issuer.accepts(run.text("value")), "day {day}");
        tokio::time::sleep(hours(24)).await;
    }
    assert_eq!(run.issuer.count(Operation::Mint), 19, "every 20 days");
    run.destroy().await;
    assert!(run.issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn another_identity_is_an_error_and_changes_nothing() {
    let mut run = Run::new(MemorySettings::default()).await;
    run.apply().await;
    let before = run.state.clone();
    run.issuer.become_identity(Some(Identity::new("account-2")));
    let said = run.read().await;
    assert!(
        said.errors[0].contains("another account"),
        "{:?}",
        said.errors
    );
    assert_eq!(run.state, before);
    let said = run.destroy().await;
    assert!(
        said.errors[0].contains("another endpoint or by another account"),
        "{:?}",
        said.errors
    );
    assert_eq!(run.issuer.live().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn where_an_issuer_cannot_say_who_a_credential_is_a_changed_one_concludes_little() {
    let settings = MemorySettings {
        identity: None,
        ..MemorySettings::default()
    };
    let mut run = Run::new(settings).await;
    run.apply().await;
    let first = run.text("identity").to_owned();
    tokio::time::sleep(hours(1)).await;
    // The token is shown: the account is the same, and the new credential is remembered.
    *run.credential.lock().unwrap() = "second".to_owned();
    assert!(run.read().await.errors.is_empty());
    let second = run.text("identity").to_owned();
    assert_ne!(first, second);

    // It is not shown, and its value still works: the listing is another account's.
    let token = run.issuer.live()[0].clone();
    let before = run.state.clone();
    *run.credential.lock().unwrap() = "third".to_owned();
    run.issuer.rename_by_hand(&token.token.id, "elsewhere");
    run.state.set("token_id", "elsewhere");
    let said = run.read().await;
    assert!(
        said.errors[0].contains("another account"),
        "{:?}",
        said.errors
    );
    // Nor is it ended by a destroy that did not read before.
    let said = run.destroy().await;
    assert!(
        said.errors[0].contains("was not revoked"),
        "{:?}",
        said.errors
    );
    assert!(!run.state.is_null());
    run.state = before;

    // It is not shown, and its value is dead: it is gone indeed.
    run.issuer.revoke_by_hand(&token.token.id);
    assert!(run.read().await.errors.is_empty());
    assert_eq!(run.text("status"), "missing");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_renamed_is_neither_missing_nor_revoked_but_named() {
    let mut run = Run::new(MemorySettings::default()).await;
    run.config = config(&[("rotation", rotation(&[("overlap", "1h")]))]);
    run.apply().await;
    let id = run.id();
    tokio::time::sleep(hours(1)).await;
    run.issuer.rename_by_hand(&id, "mine now");
    let said = run.read().await;
    assert!(
        said.warnings[0].contains("another name"),
        "{:?}",
        said.warnings
    );
    assert_eq!(run.text("status"), "active");

    // It is rotated away, and then left to a person.
    run.config.set("lifetime", "20d");
    run.apply().await;
    tokio::time::sleep(hours(2)).await;
    let said = run.apply().await;
    assert!(
        said.warnings.iter().any(|w| w.contains("was not revoked")),
        "{:?}",
        said.warnings
    );
    assert_eq!(run.issuer.live().len(), 2);
    assert_eq!(run.state.get("orphans").as_slice().unwrap().len(), 1);
    run.read().await;
    assert!(run.plans_nothing().await, "it is not tried for ever");
}

#[tokio::test(start_paused = true)]
async fn a_value_that_nobody_can_prove_is_delivered_first_and_proven_by_a_later_read() {
    let mut run = Run::new(MemorySettings::default()).await;
    run.issuer.hook(|request, _| {
        (request.operation == Operation::Check).then_some(Fault::Refuse(ErrorKind::Unavailable))
    });
    let said = run.apply().await;
    assert!(
        said.warnings[0].contains("not proven"),
        "{:?}",
        said.warnings
    );
    assert_eq!(run.text("status"), "unproven");
    run.read().await;
    assert_eq!(run.text("status"), "unproven");
    assert!(run.plans_nothing().await);
    run.issuer.calm();
    run.read().await;
    assert_eq!(run.text("status"), "active");
    assert!(run.plans_nothing().await);

    // While one works, an unproven one does not replace it.
    run.issuer.hook(|request, _| {
        (request.operation == Operation::Check).then_some(Fault::Refuse(ErrorKind::Unavailable))
    });
    let value = run.text("value").to_owned();
    run.config.set("lifetime", "20d");
    let said = run.apply().await;
    assert!(
        said.errors[0].contains("could not be proven"),
        "{:?}",
        said.errors
    );
    assert_eq!(run.text("value"), value);
    assert_eq!(run.text("lifetime"), "30d");
    assert_eq!(run.issuer.live().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_minted_is_taken_back_when_nobody_waits_any_more() {
    for rotation in [false, true] {
        let mut run = Run::new(MemorySettings::default()).await;
        if rotation {
            run.apply().await;
            run.config.set("lifetime", "20d");
        }
        let before = run.issuer.live().len();
        let gone = CancellationToken::new();
        let when_checked = gone.clone();
        run.issuer.hook(move |request, _| {
            if request.operation == Operation::Check {
                when_checked.cancel();
            }
            None
        });
        let plan = run.plan().await.0;
        let state = run.state.clone();
        run.apply_planned(plan, Connection::until(gone)).await;
        assert_eq!(run.state, state);
        assert_eq!(run.issuer.live().len(), before, "rotation: {rotation}");
        assert_eq!(run.issuer.minted().len(), before + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_published_is_taken_back_when_nobody_waits_for_the_rest() {
    let mut run = Run::new(MemorySettings::default()).await;
    run.config.set("enabled", false);
    let gone = CancellationToken::new();
    let when_disabled = gone.clone();
    run.issuer.hook(move |request, _| {
        if request.operation == Operation::Disable {
            when_disabled.cancel();
        }
        None
    });
    let plan = run.plan().await.0;
    run.apply_planned(plan, Connection::until(gone)).await;
    assert!(run.state.is_null());
    assert_eq!(run.issuer.minted().len(), 1);
    assert!(run.issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn after_an_interrupt_nothing_new_is_minted() {
    let mut run = Run::new(MemorySettings::default()).await;
    let plan = run.plan().await.0;
    run.provider.stop().await;
    let said = run.apply_planned(plan, Connection::default()).await;
    assert!(said.errors[0].contains("interrupted"), "{:?}", said.errors);
    assert!(run.state.is_null());
    assert_eq!(run.issuer.count(Operation::Mint), 0);
}

#[tokio::test(start_paused = true)]
async fn unknown_inputs_open_everything_that_a_mint_would_change() {
    let mut run = Run::new(MemorySettings::default()).await;
    run.apply().await;
    run.config.set("scopes", Value::Unknown);
    let first = run.plan().await.0.planned;
    for name in [
        "value",
        "values",
        "token_id",
        "revision",
        "value_version",
        "retiring",
        "past",
        "orphans",
        "status",
    ] {
        assert!(first.get(name).is_unknown(), "{name}");
    }
    // What is known then may not change in the second plan call, whatever the scopes turn out to be.
    for scopes in [Value::Null, Value::Set(vec!["read".into()])] {
        run.config.set("scopes", scopes);
        let second = run.plan().await.0.planned;
        for (name, value) in first.as_map().unwrap() {
            if value.is_wholly_known() && name != "scopes" {
                assert_eq!(value, second.get(name), "{name}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn many_refreshes_share_one_listing() {
    let mut run = Run::new(MemorySettings::default()).await;
    run.apply().await;
    run.configure().await;
    let before = run.issuer.count(Operation::List);
    for _ in 0..20 {
        let request = Read {
            state: run.state.clone(),
            private: Vec::new(),
        };
        run.resource().read(request, &mut Diagnostics::new()).await;
    }
    assert_eq!(run.issuer.count(Operation::List), before + 1);
}

/// A state of the first release. Never edit it: upgrades mint nothing.
const STATE_V0: &str = include_str!("tests/state_v0.json");

#[tokio::test(start_paused = true)]
async fn a_state_of_the_first_release_reads_the_same_and_plans_nothing() {
    let mut run = Run::new(MemorySettings::default()).await;
    let ty = schema::schema().resources[schema::API_TOKEN].ty();
    run.state = RawState::parse(STATE_V0.as_bytes())
        .unwrap()
        .decode(&ty)
        .unwrap();
    run.config
        .set("scopes", Value::Set(vec!["models:read".into()]));
    assert!(run.plans_nothing().await);
    let stored = super::state::Stored::read(&run.state, &mut Diagnostics::new()).unwrap();
    let wish = super::wish::Wish::read(&run.config, SignedDuration::ZERO, &mut Diagnostics::new());
    let mut written = run.state.clone();
    stored.write(&mut written, &wish.spec);
    // The schedule is computed anew at each read.
    written.set("renew_at", run.state.get("renew_at").clone());
    assert_eq!(written, run.state);
    assert_eq!(stored.record.last_revision, 4);
    assert_eq!(stored.record.past.len(), 2);
}
