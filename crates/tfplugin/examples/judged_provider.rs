//! A provider that does nothing, and offers each kind of attribute in each position of whatever has a schema.
//!
//! It has no rules of its own: what is said of a configuration is what this crate says of it by the schema alone,
//! and the crate's tests hold that against the plugin framework in Go.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use tfplugin::{
    Action, Apply, ApplyResult, Attribute, Connection, DataSource, Diagnostics, Ephemeral,
    Function, FunctionError, FunctionSchema, Invoke, List, Listed, Lister, Name, Number, Object,
    Opened, Parameter, Plan, PlanResult, Provider, ProviderSchema, Read, ReadResult, Resource,
    Schema, ServeOptions, Type, Value, async_trait,
};

const SINGLE: Name<Object> = Name::new("single");
const LIST: Name<Vec<Object>> = Name::new("list");
const SET: Name<BTreeSet<Object>> = Name::new("set");
const MAP: Name<BTreeMap<String, Object>> = Name::new("map");
const SHOWN: Name<Vec<Object>> = Name::new("shown");
const OLD_ONES: Name<Vec<Object>> = Name::new("old_ones");

const REQUIRED: Name<String> = Name::new("required");
const OPTIONAL: Name<Number> = Name::new("optional");
const EITHER: Name<bool> = Name::new("either");
const COMPUTED: Name<String> = Name::new("computed");
const SECRET: Name<String> = Name::new("secret");
const OLD: Name<String> = Name::new("old");
const WORDS: Name<Vec<String>> = Name::new("words");
const LABELS: Name<BTreeMap<String, String>> = Name::new("labels");
const TAGS: Name<BTreeSet<String>> = Name::new("tags");

fn main() -> ExitCode {
    let options = ServeOptions::new("registry.terraform.io/tfplugin/judged");
    tfplugin::run(options, || Judged(schema()))
}

fn modes() -> Vec<Attribute> {
    vec![
        REQUIRED.required(),
        OPTIONAL.optional(),
        EITHER.optional().computed(),
        COMPUTED.computed(),
        SECRET.optional().sensitive(),
        OLD.optional().deprecated("Use another."),
        WORDS.optional().deprecated("Use others."),
        LABELS.optional(),
        TAGS.optional(),
    ]
}

/// Every position.
fn everywhere() -> Schema {
    let deep = LIST.nested(vec![REQUIRED.required(), COMPUTED.computed()]);
    let mut attributes = modes();
    attributes.extend([
        SINGLE
            .nested(vec![REQUIRED.required(), deep.optional()])
            .optional(),
        LIST.nested(modes()).optional(),
        SET.nested(modes()).optional(),
        MAP.nested(modes()).required(),
        SHOWN.nested(vec![COMPUTED.computed()]).computed(),
        OLD_ONES
            .nested(vec![REQUIRED.required()])
            .optional()
            .deprecated("Use `list`."),
    ]);
    Schema::new(attributes)
}

/// A parameter of each type.
fn function() -> FunctionSchema {
    let text = || Box::new(Type::String);
    let types = [
        Type::String,
        Type::Bool,
        Type::Number,
        Type::List(text()),
        Type::Map(text()),
    ];
    let parameters = types.into_iter().enumerate().map(|(at, ty)| Parameter {
        name: format!("p{at}"),
        ty,
        description: String::new(),
    });
    FunctionSchema {
        summary: String::new(),
        description: String::new(),
        parameters: parameters.collect(),
        returns: Type::String,
    }
}

fn schema() -> ProviderSchema {
    let one = |of: Schema| [("judged_one".to_owned(), of)].into();
    ProviderSchema {
        provider: everywhere(),
        resources: one(everywhere()),
        data_sources: one(everywhere()),
        ephemerals: one(everywhere()),
        lists: one(everywhere()),
        actions: one(everywhere()),
        functions: [("judged".to_owned(), function())].into(),
        ..ProviderSchema::default()
    }
}

struct Judged(ProviderSchema);

impl Provider for Judged {
    fn schema(&self) -> &ProviderSchema {
        &self.0
    }

    fn resource(&self, _: &str) -> Option<&dyn Resource> {
        Some(self)
    }

    fn data_source(&self, _: &str) -> Option<&dyn DataSource> {
        Some(self)
    }

    fn ephemeral(&self, _: &str) -> Option<&dyn Ephemeral> {
        Some(self)
    }

    fn lister(&self, _: &str) -> Option<&dyn Lister> {
        Some(self)
    }

    fn action(&self, _: &str) -> Option<&dyn Action> {
        Some(self)
    }

    fn function(&self, _: &str) -> Option<&dyn Function> {
        Some(self)
    }
}

impl Function for Judged {
    fn call(&self, _: &[Value]) -> Result<Value, FunctionError> {
        Ok("".into())
    }
}

#[async_trait]
impl Resource for Judged {
    async fn read(&self, request: Read, _: &mut Diagnostics) -> ReadResult {
        let Read { state, private } = request;
        ReadResult { state, private }
    }

    async fn plan(&self, request: Plan, _: &mut Diagnostics) -> PlanResult {
        PlanResult {
            planned: request.proposed,
            requires_replace: Vec::new(),
            private: request.private,
        }
    }

    async fn apply(&self, request: Apply, _: &mut Diagnostics) -> ApplyResult {
        ApplyResult {
            state: request.planned,
            private: request.private,
        }
    }
}

#[async_trait]
impl DataSource for Judged {
    async fn read(&self, config: Value, _: &mut Diagnostics) -> Value {
        config
    }
}

#[async_trait]
impl Ephemeral for Judged {
    async fn open(&self, _: Value, _: Connection, _: &mut Diagnostics) -> Option<Opened> {
        None
    }
}

#[async_trait]
impl Lister for Judged {
    async fn list(&self, _: List, _: &mut Diagnostics) -> Vec<Listed> {
        Vec::new()
    }
}

#[async_trait]
impl Action for Judged {
    async fn invoke(&self, _: Invoke, _: &mut Diagnostics) {}
}
