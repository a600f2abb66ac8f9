//! The Kubernetes operator of Tokenwright.
//!
//! It observes `ApiToken`s, asks `tokenwright-core` what to do next, performs it at the issuer and
//! at the Secret, and records the outcome. It decides nothing itself.
//!
//! In reading order: [`run()`] and [`serve`] (everything together), [`reconcile`] (one `ApiToken`), [`subject`]
//! (what is seen and recorded of it), [`wishes`] and [`record`] and [`report`] (its specification and
//! status in the words of the lifecycle), [`mint`] and [`steps`] and [`tend`] (what is performed),
//! `adopt` (the same for a token that a person made), [`secret`], [`parts`] and [`template`] (what is delivered), [`issuer`] (one `TokenIssuer`),
//! [`scheduler`] (what its managers share), [`calls`] (the API server).

mod adopt;
pub mod calls;
pub mod conditions;
pub mod context;
pub mod crds;
pub mod events;
pub mod factory;
mod finalizers;
pub mod health;
pub mod hosts;
pub mod issuer;
pub mod issuers;
pub mod locked;
pub mod manager;
pub mod mint;
pub mod options;
pub mod parts;
pub mod profiles;
pub mod reconcile;
pub mod record;
pub mod report;
pub mod run;
pub mod scheduler;
pub mod secret;
pub mod serve;
pub mod steps;
pub mod subject;
pub mod template;
pub mod tend;
pub mod wishes;

pub use factory::{IssuerFactory, Setup, SetupError};
pub use options::Options;
pub use run::{Clients, RunError, run};
