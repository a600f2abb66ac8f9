//! One client for every token system.
//!
//! [`Issuer`] is what both front ends talk to: eight questions that any token system can answer, or
//! say that it cannot. [`ProfileIssuer`] answers them by a profile, one YAML file per system;
//! [`MemoryIssuer`] answers them from memory, for tests and examples; [`contract`] holds both to it.
//! [`change()`] changes one in place, and [`revoke()`] is the only way to end one. [`Account`] is what everybody shares who uses one
//! credential: listings, who the credential is, and the gate that every request passes.
//! [`SecretValue`] holds what authenticates; [`text`] writes it where it is delivered, and all requests.
//!
//! Read in this order: [`issuer`], [`error`], [`secret`], [`change`](mod@change), [`revoke`](mod@revoke), [`account`],
//! [`limits`], [`http`], [`room`], [`text`], [`profile`], [`memory`], [`contract`].
//!
//! Nothing here knows Kubernetes or Terraform.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod account;
pub mod change;
pub mod clock;
pub mod contract;
pub mod error;
pub mod http;
pub mod issuer;
pub mod limits;
pub mod memory;
pub mod profile;
pub mod revoke;
pub mod room;
pub mod secret;
pub mod text;

pub use account::{Account, Gate, Inventory, Limiter, Rate, survey};
pub use change::{ChangeError, change};
pub use clock::Clock;
pub use error::{Error, ErrorKind, Operation};
pub use issuer::{About, Details, Filter, Issuer, MintRequest, Minted, Token, Told};
pub use memory::{MemoryIssuer, MemorySettings};
pub use profile::{Profile, ProfileIssuer, ProfileSettings};
pub use revoke::{
    Evidence, Listing, Nomination, NotProven, NotSeen, Proof, RevokeError, Revoked, revoke,
    revoke_adopted, second_look, seen_to_end,
};
pub use secret::{SecretText, SecretValue, Unsendable};
