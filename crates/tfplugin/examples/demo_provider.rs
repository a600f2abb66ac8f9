//! A provider with one resource that manages nothing, `demo_thing`, and an ephemeral one, `demo_lease`.
//!
//! It shows the shape of an implementation, and the crate's tests drive it with real hosts.
//! The tests watch what they do through the journal file that the configuration may name.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use tfplugin::timeouts::{CREATE, Timeouts, UPDATE};
use tfplugin::{
    Apply, ApplyResult, ChangeKind, Connection, Diagnostics, Ephemeral, Import, Imported, Name,
    Number, Object, Opened, Plan, PlanResult, Provider, ProviderSchema, RawState, Read, ReadResult,
    Resource, Schema, ServeOptions, Transport, Value, async_trait,
};

const GREETING: Name<String> = Name::new("greeting");

const NAME: Name<String> = Name::new("name");
const KIND: Name<String> = Name::new("kind");
const PASSWORD: Name<String> = Name::new("password");
const SETTINGS: Name<Object> = Name::new("settings");
const RULES: Name<Vec<Object>> = Name::new("rules");
const LABELS: Name<BTreeMap<String, String>> = Name::new("labels");
const RATIO: Name<Number> = Name::new("ratio");
const TITLE: Name<String> = Name::new("title");
const DELAY_MS: Name<i64> = Name::new("delay_ms");
const JOURNAL: Name<String> = Name::new("journal");
const ID: Name<String> = Name::new("id");
const SECRET: Name<String> = Name::new("secret");
const REVISION: Name<i64> = Name::new("revision");

/// In `settings`.
const SIZE: Name<i64> = Name::new("size");
const TAGS: Name<BTreeSet<String>> = Name::new("tags");
const PIN: Name<String> = Name::new("pin");
/// In each of `rules`.
const RULE: Name<String> = Name::new("rule");

const MINUTE: Duration = Duration::from_secs(60);
const TIMES: Timeouts = Timeouts::new(&[(CREATE, MINUTE), (UPDATE, MINUTE)]);

fn main() -> ExitCode {
    let options = ServeOptions {
        detached_limit: Duration::from_secs(5),
        masked_fields: [GREETING.as_str().to_owned()].into(),
        // As everywhere, unless a test wants it otherwise.
        transport: match std::env::var_os("DEMO_TCP") {
            Some(_) => Transport::Tcp,
            None => Transport::default(),
        },
        ..ServeOptions::new("registry.terraform.io/tfplugin/demo")
    };
    tfplugin::run(options, Demo::new)
}

struct Demo {
    schema: ProviderSchema,
}

impl Demo {
    fn new() -> Self {
        let provider = Schema::new(vec![GREETING.optional().description("Said by nobody.")]);
        Self {
            schema: ProviderSchema {
                provider,
                resources: [("demo_thing".to_owned(), thing_schema())].into(),
                ephemerals: [("demo_lease".to_owned(), lease_schema())].into(),
                ..ProviderSchema::default()
            },
        }
    }
}

#[async_trait]
impl Provider for Demo {
    fn schema(&self) -> &ProviderSchema {
        &self.schema
    }

    async fn validate_config(&self, _config: &Value, _diags: &mut Diagnostics) {}

    async fn configure(&self, config: Value, _diags: &mut Diagnostics) {
        tracing::info!(greeting = config.read(GREETING), "configured");
    }

    fn resource(&self, type_name: &str) -> Option<&dyn Resource> {
        match type_name {
            "demo_thing" => Some(&Thing),
            _ => None,
        }
    }

    fn ephemeral(&self, type_name: &str) -> Option<&dyn Ephemeral> {
        match type_name {
            "demo_lease" => Some(&Lease),
            _ => None,
        }
    }

    async fn stop(&self) {}
}

fn thing_schema() -> Schema {
    Schema::new(vec![
        NAME.required()
            .not_blank("A thing needs a name.")
            .description("What it is called."),
        KIND.optional()
            .computed()
            .one_of(["round", "square"])
            .defaults_to("round")
            .requires_replace()
            .description("Its shape."),
        PASSWORD
            .optional()
            .write_only()
            .description("Never stored."),
        SETTINGS
            .nested(vec![
                SIZE.required(),
                TAGS.optional(),
                PIN.optional().write_only(),
            ])
            .optional(),
        RULES.nested(vec![RULE.required()]).optional(),
        LABELS.optional(),
        RATIO.optional(),
        TITLE
            .optional()
            .conflicts_with(&[&LABELS])
            .deprecated("Use name."),
        DELAY_MS
            .optional()
            .between(0..=600_000)
            .description("How long an apply takes."),
        JOURNAL
            .optional()
            .description("A file that an apply writes to."),
        ID.computed(),
        SECRET.computed().sensitive(),
        REVISION.computed().description("Counts the updates."),
        TIMES.attribute(),
    ])
    .description("A thing that exists in the state alone.")
    .version(1)
}

/// Writes a line into a journal, where there is one.
fn note(journal: Option<&str>, line: &str) {
    let Some(path) = journal else { return };
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path);
    if let Ok(mut file) = file {
        let _ = writeln!(file, "{line}");
    }
}

struct Thing;

#[async_trait]
impl Resource for Thing {
    async fn upgrade(&self, version: i64, state: RawState, diags: &mut Diagnostics) -> Value {
        state.decode(&thing_schema().ty()).unwrap_or_else(|error| {
            diags.error(
                "The state cannot be upgraded",
                format!("From version {version}: {error}."),
            );
            Value::Null
        })
    }

    async fn read(&self, request: Read, _diags: &mut Diagnostics) -> ReadResult {
        ReadResult {
            state: request.state,
            private: request.private,
        }
    }

    async fn plan(&self, request: Plan, _diags: &mut Diagnostics) -> PlanResult {
        let mut planned = request.proposed.clone();
        match request.kind() {
            ChangeKind::Create => {
                planned.open(&[&ID, &SECRET]);
                planned.set(REVISION, 1);
            }
            ChangeKind::Update => {
                if planned != request.prior {
                    let revision = request.prior.read(REVISION).unwrap_or_default();
                    planned.set(REVISION, revision + 1);
                }
            }
            ChangeKind::Destroy => {}
        }
        PlanResult {
            planned,
            requires_replace: Vec::new(),
            private: request.private,
        }
    }

    async fn apply(&self, request: Apply, diags: &mut Diagnostics) -> ApplyResult {
        let journal = request.planned.read(JOURNAL);
        let note = |line: &str| note(journal.as_deref(), line);
        note(&format!("started {}", std::process::id()));
        let delay = request.planned.read(DELAY_MS).unwrap_or_default();
        let delay = Duration::from_millis(delay.unsigned_abs());
        let limit = match request.kind() {
            ChangeKind::Create => TIMES.of(&request.config, CREATE),
            ChangeKind::Update | ChangeKind::Destroy => TIMES.of(&request.config, UPDATE),
        };
        if tokio::time::timeout(limit, tokio::time::sleep(delay))
            .await
            .is_err()
        {
            diags.error("The thing took too long", "See its timeouts.");
        }
        if request.connection.is_gone() {
            note("gone");
        }
        note("finished");
        let mut state = request.planned.clone();
        if request.kind() == ChangeKind::Create {
            let name = request.config.read(NAME).unwrap_or_default();
            let password = request.config.read(PASSWORD).unwrap_or_default();
            state.set(ID, format!("thing-{name}"));
            state.set(SECRET, format!("{password}-made-secret"));
        }
        if request.config.get(NAME).as_str() == Some("half") {
            diags.error("The thing is only half made", "It is kept in the state.");
        }
        ApplyResult {
            state,
            private: request.private,
        }
    }

    async fn import(&self, request: Import, diags: &mut Diagnostics) -> Option<Imported> {
        let Some(name) = request.id.strip_prefix("thing-") else {
            diags.error("No such thing", "The id of a thing starts with \"thing-\".");
            return None;
        };
        Some(Imported {
            state: Value::empty()
                .with(ID, request.id.as_str())
                .with(NAME, name)
                .with(KIND, "round"),
            private: Vec::new(),
        })
    }
}

fn lease_schema() -> Schema {
    let journal = JOURNAL.required();
    Schema::new(vec![journal.description("A file that its end writes to.")])
        .description("A lease that takes a while to end.")
}

struct Lease;

#[async_trait]
impl Ephemeral for Lease {
    async fn open(
        &self,
        config: Value,
        _connection: Connection,
        _diags: &mut Diagnostics,
    ) -> Option<Opened> {
        let private = config.read(JOURNAL).unwrap_or_default().into_bytes();
        Some(Opened {
            result: config,
            private,
            renew_at: None,
        })
    }

    async fn close(&self, private: Vec<u8>, _diags: &mut Diagnostics) {
        let journal = String::from_utf8(private).ok();
        let journal = journal.as_deref();
        note(journal, &format!("started {}", std::process::id()));
        tokio::time::sleep(Duration::from_millis(800)).await;
        note(journal, "finished");
    }
}
