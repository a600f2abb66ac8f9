//! How an issuer's object becomes something that can mint.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use tokenwright_client::{Gate, Issuer, Profile, Rate, SecretText};

/// Which token system.
#[derive(Debug, Clone)]
pub enum System {
    /// A built-in profile, by its name.
    BuiltIn(String),
    /// A `TokenProfile`.
    Described(Arc<Profile>),
}

/// Makes issuers. The program makes them from profiles; tests make them in memory.
pub trait IssuerFactory: Send + Sync + std::fmt::Debug {
    /// The endpoint that a profile names itself; `None` where there is no such profile.
    fn home(&self, system: &System) -> Option<String>;

    /// The names of what a profile delivers beside the secret parts of a value.
    fn public_parts(&self, system: &System) -> Vec<String>;

    /// How much may be asked of a system, where its vendor says so.
    fn rate(&self, system: &System) -> Option<Rate>;

    /// An issuer.
    ///
    /// # Errors
    ///
    /// What is missing or wrong in the setup.
    fn make(&self, setup: Setup) -> Result<Arc<dyn Issuer>, SetupError>;
}

/// Everything that an issuer is made from.
#[derive(Debug)]
pub struct Setup {
    /// The token system.
    pub system: System,
    /// Where the API is.
    pub endpoint: String,
    /// The parts of the credential, by the profile's names; empty where none was given.
    pub credential: BTreeMap<String, SecretText>,
    /// How long one request may take.
    pub request_timeout: SignedDuration,
    /// What every request must pass.
    pub gate: Arc<Gate>,
}

/// Why no issuer can be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The profile needs a credential.
    #[error("the profile needs a credential: name its Secret in spec.credential.secretRef")]
    CredentialMissing,

    /// A part of the credential is missing or cannot be used.
    #[error("the credential cannot be used: {0}")]
    Credential(String),

    /// Anything else.
    #[error("{0}")]
    Invalid(String),
}
