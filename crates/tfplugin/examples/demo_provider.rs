//! A provider with one resource that manages nothing: `demo_thing`.
//!
//! It shows the shape of an implementation, and the crate's tests drive it with real hosts.
//! The tests watch an apply through the journal file that the configuration may name.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use tfplugin::{
    Apply, ApplyResult, Attribute, AttributePath, ChangeKind, Diagnostics, Import, Imported,
    Nesting, Plan, PlanResult, Provider, ProviderSchema, RawState, Read, ReadResult, Resource,
    Schema, ServeOptions, Type, Value, async_trait,
};

fn main() -> ExitCode {
    let options = ServeOptions {
        detached_limit: Duration::from_secs(5),
        ..ServeOptions::new("registry.terraform.io/tfplugin/demo")
    };
    tfplugin::run(options, Demo::new)
}

struct Demo {
    schema: ProviderSchema,
    thing: Thing,
}

impl Demo {
    fn new() -> Self {
        let provider = Schema::new(vec![
            Attribute::string("greeting")
                .optional()
                .description("Said by nobody."),
        ]);
        Self {
            schema: ProviderSchema {
                provider,
                resources: [("demo_thing".to_owned(), thing_schema())].into(),
                ..ProviderSchema::default()
            },
            thing: Thing,
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
        tracing::info!(greeted = !config.get("greeting").is_null(), "configured");
    }

    fn resource(&self, type_name: &str) -> Option<&dyn Resource> {
        match type_name {
            "demo_thing" => Some(&self.thing),
            _ => None,
        }
    }

    async fn stop(&self) {}
}

fn thing_schema() -> Schema {
    let size = Attribute::number("size").required();
    let tags = Attribute::new("tags", Type::set(Type::String)).optional();
    let pin = Attribute::string("pin").optional().write_only();
    let rule = Attribute::string("rule").required();
    Schema::new(vec![
        Attribute::string("name")
            .required()
            .description("What it is called."),
        Attribute::string("kind")
            .optional()
            .description("A change replaces the thing."),
        Attribute::string("password")
            .optional()
            .write_only()
            .description("Never stored."),
        Attribute::nested("settings", Nesting::Single, vec![size, tags, pin]).optional(),
        Attribute::nested("rules", Nesting::List, vec![rule]).optional(),
        Attribute::new("labels", Type::map(Type::String)).optional(),
        Attribute::number("ratio").optional(),
        Attribute::string("title")
            .optional()
            .deprecated("Use name."),
        Attribute::number("delay_ms")
            .optional()
            .description("How long an apply takes."),
        Attribute::string("journal")
            .optional()
            .description("A file that an apply writes to."),
        Attribute::string("id").computed(),
        Attribute::string("secret").computed().sensitive(),
        Attribute::number("revision")
            .computed()
            .description("Counts the updates."),
    ])
    .description("A thing that exists in the state alone.")
    .version(1)
}

struct Thing;

#[async_trait]
impl Resource for Thing {
    async fn validate(&self, config: &Value, diags: &mut Diagnostics) {
        if config.get("name").as_str() == Some("") {
            let path = AttributePath::new("name");
            diags.error_at(path, "The name is empty", "A thing needs a name.");
        }
    }

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
        let mut requires_replace = Vec::new();
        let mut planned = request.proposed.clone();
        match request.kind() {
            ChangeKind::Create => {
                for name in ["id", "secret"] {
                    planned.set(name, Value::Unknown);
                }
                planned.set("revision", 1);
            }
            ChangeKind::Update => {
                if planned != request.prior {
                    let revision = request.prior.get("revision").as_i64().unwrap_or_default();
                    planned.set("revision", revision + 1);
                }
                if planned.get("kind") != request.prior.get("kind") {
                    requires_replace.push(AttributePath::new("kind"));
                }
            }
            ChangeKind::Destroy => {}
        }
        PlanResult {
            planned,
            requires_replace,
            private: request.private,
        }
    }

    async fn apply(&self, request: Apply, diags: &mut Diagnostics) -> ApplyResult {
        let journal = request.planned.get("journal").as_str().map(str::to_owned);
        let note = |line: &str| {
            let Some(path) = &journal else { return };
            let file = std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(path);
            if let Ok(mut file) = file {
                let _ = writeln!(file, "{line}");
            }
        };
        note(&format!("started {}", std::process::id()));
        let delay = request.planned.get("delay_ms").as_i64().unwrap_or_default();
        tokio::time::sleep(Duration::from_millis(delay.unsigned_abs())).await;
        if request.connection.is_gone() {
            note("gone");
        }
        note("finished");
        let mut state = request.planned.clone();
        if request.kind() == ChangeKind::Create {
            let name = request.config.get("name").as_str().unwrap_or_default();
            let password = request.config.get("password").as_str().unwrap_or_default();
            state.set("id", format!("thing-{name}"));
            state.set("secret", format!("{password}-made-secret"));
        }
        if request.config.get("name").as_str() == Some("half") {
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
            state: Value::object([("id", request.id.as_str().into()), ("name", name.into())]),
            private: Vec::new(),
        })
    }
}
