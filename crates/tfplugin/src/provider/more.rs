//! What a provider offers beside resources: data sources, ephemeral resources, functions.

use std::time::SystemTime;

use async_trait::async_trait;

use crate::connection::Connection;
use crate::diagnostics::Diagnostics;
use crate::value::Value;

/// One type of data source.
#[async_trait]
pub trait DataSource: Send + Sync {
    /// Checks a configuration, which may hold unknown values; no network.
    async fn validate(&self, _config: &Value, _diags: &mut Diagnostics) {}

    /// Looks at the real thing. The configuration is wholly known; the result has its values, and the
    /// computed ones.
    async fn read(&self, config: Value, diags: &mut Diagnostics) -> Value;
}

/// One type of ephemeral resource: opened in each run that needs it, closed at its end, stored nowhere.
#[async_trait]
pub trait Ephemeral: Send + Sync {
    /// Checks a configuration, which may hold unknown values; no network.
    async fn validate(&self, _config: &Value, _diags: &mut Diagnostics) {}

    /// Makes it. Runs detached: if the caller is gone before the work ended, undo what nobody will
    /// ever hear of. `None` needs an error.
    async fn open(
        &self,
        config: Value,
        connection: Connection,
        diags: &mut Diagnostics,
    ) -> Option<Opened>;

    /// Ends it. Runs detached. Where the host is gone and asked for no end, it is ended all the same.
    async fn close(&self, _private: Vec<u8>, _diags: &mut Diagnostics) {}

    /// Keeps it alive; only called where [`Opened::renew_at`] was set. Answers the next such instant.
    async fn renew(&self, _private: &mut Vec<u8>, _diags: &mut Diagnostics) -> Option<SystemTime> {
        None
    }
}

/// What [`Ephemeral::open`] answers.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The configuration with its values, and the computed ones.
    pub result: Value,
    /// What [`Ephemeral::close`] will get. Kept by the host for the run.
    pub private: Vec<u8>,
    /// When [`Ephemeral::renew`] must be called, if the run is still going.
    pub renew_at: Option<SystemTime>,
}

/// One function: the same arguments always give the same result. No network, no clock.
pub trait Function: Send + Sync {
    /// Computes it. The arguments have the types of the parameters and are wholly known.
    ///
    /// # Errors
    /// What is wrong with the arguments.
    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError>;
}

/// Why a function gives nothing. Never put a secret value into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// A sentence without its full stop, which a core sets.
    pub text: String,
    /// The position of the argument at fault, if it is one.
    pub argument: Option<usize>,
}
