//! What a provider offers beside the life of a resource: lists of what exists, and actions.

use async_trait::async_trait;

use crate::connection::Connection;
use crate::diagnostics::Diagnostics;
use crate::value::Value;

/// Lists existing objects of one type of resource, managed or not. Needs an
/// [identity](crate::ProviderSchema::identities) of that type.
#[async_trait]
pub trait Lister: Send + Sync {
    /// Checks a configuration, which may hold unknown values; no network.
    async fn validate(&self, _config: &Value, _diags: &mut Diagnostics) {}

    /// Finds them, in an order that does not change by itself. What is beyond the limit of the host is cut.
    async fn list(&self, request: List, diags: &mut Diagnostics) -> Vec<Listed>;
}

/// What [`Lister::list`] gets.
#[derive(Debug, Clone)]
pub struct List {
    /// As written by the user, wholly known.
    pub config: Value,
    /// Whether [`Listed::state`] is wanted, too.
    pub states: bool,
}

/// One object that exists.
#[derive(Debug, Clone)]
pub struct Listed {
    /// By it the object can be imported.
    pub identity: Value,
    /// For people.
    pub display_name: String,
    /// Its state as an import would give it.
    pub state: Option<Value>,
}

/// Something that is done at once, and leaves no state.
#[async_trait]
pub trait Action: Send + Sync {
    /// Checks a configuration, which may hold unknown values; no network.
    async fn validate(&self, _config: &Value, _diags: &mut Diagnostics) {}

    /// Says before anything is applied what cannot work; nothing is done. May hold unknown values.
    async fn plan(&self, _config: &Value, _diags: &mut Diagnostics) {}

    /// Does it. Runs detached.
    async fn invoke(&self, request: Invoke, diags: &mut Diagnostics);
}

/// What [`Action::invoke`] gets.
#[derive(Debug)]
pub struct Invoke {
    /// As written by the user, wholly known.
    pub config: Value,
    /// Whether the caller still waits.
    pub connection: Connection,
    /// Where the user is told how far it is.
    pub progress: Progress,
}

/// Tells the user of a running action how far it is.
pub struct Progress(Box<dyn Fn(String) + Send + Sync>);

impl Progress {
    /// Each sentence is passed on; for tests of actions, too.
    pub fn new(tell: impl Fn(String) + Send + Sync + 'static) -> Self {
        Self(Box::new(tell))
    }

    /// One sentence. Never put a secret value into it.
    pub fn say(&self, sentence: impl Into<String>) {
        (self.0)(sentence.into());
    }
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Progress")
    }
}
