//! The traits a provider implements, and what their calls carry.
//!
//! All traits are object-safe, so that resources can be built from data.
//! Every value that a method receives or returns has the shape of its schema; write-only
//! attributes have a value in `config` alone, and the framework nulls them everywhere else.

use async_trait::async_trait;

use crate::connection::Connection;
use crate::diagnostics::{AttributePath, Diagnostics};
use crate::schema::ProviderSchema;
use crate::value::{RawState, Value};

mod beside;
mod more;

pub use beside::{Action, Invoke, List, Listed, Lister, Progress};
pub use more::{DataSource, Ephemeral, Function, FunctionError, Opened};

/// A provider: its configuration and its resources.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// What it offers: the same whenever it is asked.
    fn schema(&self) -> &ProviderSchema;

    /// Checks the configuration, which may hold unknown values; no network.
    async fn validate_config(&self, _config: &Value, _diags: &mut Diagnostics) {}

    /// Takes the configuration, which may hold unknown values while planning.
    async fn configure(&self, _config: Value, _diags: &mut Diagnostics) {}

    /// The resource of this type name, if the schema lists it.
    fn resource(&self, type_name: &str) -> Option<&dyn Resource>;

    /// The data source of this type name, if the schema lists it.
    fn data_source(&self, _type_name: &str) -> Option<&dyn DataSource> {
        None
    }

    /// The ephemeral resource of this type name, if the schema lists it.
    fn ephemeral(&self, _type_name: &str) -> Option<&dyn Ephemeral> {
        None
    }

    /// The function of this name, if the schema lists it.
    fn function(&self, _name: &str) -> Option<&dyn Function> {
        None
    }

    /// What lists existing objects of this resource type, if the schema says so.
    fn lister(&self, _type_name: &str) -> Option<&dyn Lister> {
        None
    }

    /// The action of this name, if the schema lists it.
    fn action(&self, _name: &str) -> Option<&dyn Action> {
        None
    }

    /// The user interrupted the run: start nothing new, let running work finish or cut it short.
    /// Terraform waits for the running calls, not for this one.
    async fn stop(&self) {}
}

/// One type of resource.
#[async_trait]
pub trait Resource: Send + Sync {
    /// Checks a configuration, which may hold unknown values; no network.
    async fn validate(&self, _config: &Value, _diags: &mut Diagnostics) {}

    /// Turns a state of another schema version into one of the current version.
    /// A state of the current version never comes here: it is read leniently.
    async fn upgrade(&self, version: i64, _state: RawState, diags: &mut Diagnostics) -> Value {
        let detail =
            format!("It has version {version}, which this release of the provider does not read.");
        diags.error("The stored state cannot be upgraded", detail);
        Value::Null
    }

    /// Takes note of a state as it is stored. Every call that comes with a stored state tells of it first; of an
    /// object that rests, an apply tells nothing else.
    fn meet(&self, _state: &Value) {}

    /// Looks at the real object. A null state in the result says that it is gone.
    async fn read(&self, request: Read, diags: &mut Diagnostics) -> ReadResult;

    /// Says what apply would do. Called twice for one change, at plan and within apply; what was
    /// known in the first answer must be the same in the second.
    async fn plan(&self, request: Plan, diags: &mut Diagnostics) -> PlanResult;

    /// Performs a planned change. Runs detached: see [`Apply::connection`].
    ///
    /// A result with a state is kept **together with** errors: on a create the object is saved
    /// as tainted, on an update the returned state is saved. Null says that there is no object.
    async fn apply(&self, request: Apply, diags: &mut Diagnostics) -> ApplyResult;

    /// Finds an existing object by the id or the identity that the user gave. `None` needs an error.
    async fn import(&self, _request: Import, diags: &mut Diagnostics) -> Option<Imported> {
        diags.error(
            "This resource cannot be imported",
            "The provider offers no way to find an existing one.",
        );
        None
    }

    /// The identity of the object that a state describes, where the schema has identities of this type; null where
    /// there is none. Values may be unknown in what is planned.
    fn identity(&self, _state: &Value) -> Value {
        Value::Null
    }

    /// What a user writes to have what a state describes, as `-generate-config-out` asks. It comes with all that
    /// may be written, as the state has it, less what is a default; what else goes without saying is set to null here.
    fn configuration(&self, config: Value) -> Value {
        config
    }

    /// Takes over the state of another type of resource, which a `moved` block names. `None` needs an error.
    async fn take_over(&self, request: Move, diags: &mut Diagnostics) -> Option<Imported> {
        diags.error(
            "This resource takes over no other",
            format!("It cannot be moved from {}.", request.type_name),
        );
        None
    }
}

/// What [`Resource::take_over`] gets.
#[derive(Debug, Clone)]
pub struct Move {
    /// The address of the other provider, such as `registry.terraform.io/scaleway/scaleway`.
    pub provider: String,
    /// The other type.
    pub type_name: String,
    /// The version of its schema.
    pub version: i64,
    /// Its state, as stored.
    pub state: RawState,
}

/// What [`Resource::read`] gets.
#[derive(Debug, Clone)]
pub struct Read {
    /// The state as stored.
    pub state: Value,
    /// The provider's private bytes beside it.
    pub private: Vec<u8>,
}

/// What [`Resource::read`] answers.
#[derive(Debug, Clone)]
pub struct ReadResult {
    /// The state as observed; null if the object is gone.
    pub state: Value,
    /// Private bytes to store beside it. No place for secrets: they are stored in plain text.
    pub private: Vec<u8>,
}

/// Which of the three changes a plan or apply is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// There is no prior object.
    Create,
    /// There is one, and there shall be one.
    Update,
    /// There shall be none.
    Destroy,
}

/// What [`Resource::plan`] gets.
#[derive(Debug, Clone)]
pub struct Plan {
    /// As written by the user; null for a destroy.
    pub config: Value,
    /// The state as last read; null for a create.
    pub prior: Value,
    /// Terraform's own merge of config and prior, computed attributes kept from prior or unknown, with the
    /// defaults of the schema. Null for a destroy.
    pub proposed: Value,
    /// The provider's private bytes beside the prior state.
    pub private: Vec<u8>,
}

impl Plan {
    /// Which change this is.
    pub fn kind(&self) -> ChangeKind {
        kind(&self.prior, &self.proposed)
    }
}

/// What [`Resource::plan`] answers.
#[derive(Debug, Clone)]
pub struct PlanResult {
    /// The state after apply, unknown where only apply can tell. Ignored for a destroy.
    pub planned: Value,
    /// Attributes whose change needs a new object instead of an update, beside those that the schema names.
    pub requires_replace: Vec<AttributePath>,
    /// Private bytes for apply.
    pub private: Vec<u8>,
}

/// What [`Resource::apply`] gets.
#[derive(Debug, Clone)]
pub struct Apply {
    /// As written by the user, wholly known, with write-only values; null for a destroy.
    pub config: Value,
    /// The state before; null for a create.
    pub prior: Value,
    /// What the last plan promised; null for a destroy.
    pub planned: Value,
    /// The private bytes that the last plan answered.
    pub private: Vec<u8>,
    /// Whether the caller still waits. If it is gone before the work ended, undo what nobody
    /// will ever hear of; the process stays for a bounded time.
    pub connection: Connection,
}

impl Apply {
    /// Which change this is.
    pub fn kind(&self) -> ChangeKind {
        kind(&self.prior, &self.planned)
    }
}

/// What [`Resource::apply`] answers.
#[derive(Debug, Clone)]
pub struct ApplyResult {
    /// The state after the change, with every planned value; null if there is no object.
    pub state: Value,
    /// Private bytes to store beside it.
    pub private: Vec<u8>,
}

/// What [`Resource::import`] gets.
#[derive(Debug, Clone)]
pub struct Import {
    /// As the user typed it; empty where there is an identity.
    pub id: String,
    /// The identity of an `import` block; null where there is an id.
    pub identity: Value,
}

/// What [`Resource::import`] answers. Terraform reads it right afterwards.
#[derive(Debug, Clone)]
pub struct Imported {
    /// At least as much as read needs.
    pub state: Value,
    /// Private bytes to store beside it.
    pub private: Vec<u8>,
}

fn kind(prior: &Value, after: &Value) -> ChangeKind {
    match (prior.is_null(), after.is_null()) {
        (_, true) => ChangeKind::Destroy,
        (true, false) => ChangeKind::Create,
        (false, false) => ChangeKind::Update,
    }
}
