//! A local server that plays token systems faithfully, quirks included.
//!
//! It is the counterpart of the tests and the embedded default of the demo: it enforces scopes,
//! expiry, disabling and revocation on the vendors' own calls, keeps a ledger of every minted
//! token, and goes wrong on request. It is written from what is known about each system and shares
//! no code with any client, so that it cannot share a client's misreadings.
//!
//! It deliberately does nothing beyond tokens, listens on loopback only, and keeps no value in
//! clear.
//!
//! In reading order: [`sandbox`](Sandbox) starts and holds everything, `play` takes one request
//! through authentication, faults and effect, `systems` has one file for each vendor, each of which is a
//! `system` that answers what it is `asked`, `console` is what people see of it, in the words of its
//! `desk`, `store` remembers, [`ledger`], [`faults`] and [`settings`] are what a test looks at and
//! turns, `admin` is all three over HTTP.

mod admin;
mod asked;
mod clock;
mod console;
mod desk;
pub mod faults;
mod http;
pub mod ledger;
mod play;
mod played;
mod random;
mod sandbox;
pub mod settings;
mod shared;
mod store;
mod system;
mod systems;

pub use played::Played;
pub use sandbox::{Error, Options, Sandbox};
pub use settings::Settings;
pub use store::StoreError;
pub use systems::{SystemName, UnknownSystem};
