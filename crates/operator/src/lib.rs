//! The Kubernetes operator of Tokenwright.
//!
//! It observes `ApiToken`s, asks `tokenwright-core` what to do next, performs it at the issuer and
//! at the Secret, and records the outcome. It decides nothing itself.

pub mod clock;
pub mod conditions;
pub mod crds;
pub mod health;
pub mod hosts;
pub mod manager;
pub mod options;
pub mod parts;
pub mod record;
pub mod secret;
pub mod template;
