//! A server for the Terraform plugin protocol, version 6 (minor 11), in Rust.
//!
//! A provider implements [`Provider`] and [`Resource`] and hands itself to [`run`].
//! This crate does the rest: the go-plugin handshake with mutual TLS, the log format, the
//! wire encoding of values, the nulling of write-only attributes, and the end of the process.
//! It knows nothing about what a provider manages.
//!
//! # Guarantees
//!
//! * Only the host that started the process can talk to it: its certificate is compared byte by
//!   byte and its signature is verified.
//! * [`Resource::apply`] runs detached: a dropped call does not cancel it, and it can ask its
//!   [`Connection`] whether anybody still waits for the answer.
//! * The process ends by itself when its host is gone, after a bounded time.
//! * No `Debug` of this crate's types shows the content of a string value.
//!
//! # Reading order
//!
//! [`provider`] (the traits), [`schema`], [`name`] (the table of attributes), [`timeouts`], [`value`], [`diagnostics`], then [`serve`] and its parts.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod diagnostics;
pub mod logging;
pub mod name;
pub mod proto;
pub mod provider;
pub mod schema;
pub mod serve;
pub mod timeouts;
pub mod value;

mod builtin;
mod clock;
mod connection;
mod handshake;
mod lifecycle;
mod service;
mod signals;
mod tls;
mod transport;

pub use async_trait::async_trait;
pub use connection::Connection;
pub use diagnostics::{AttributePath, Diagnostic, Diagnostics, Severity};
pub use name::{AnyName, Name, Object};
pub use provider::{
    Action, Apply, ApplyResult, ChangeKind, DataSource, Ephemeral, Function, FunctionError, Import,
    Imported, Invoke, List, Listed, Lister, Move, Opened, Plan, PlanResult, Progress, Provider,
    Read, ReadResult, Resource,
};
pub use schema::{
    Attribute, FunctionSchema, IdentityAttribute, IdentitySchema, Nesting, Parameter,
    ProviderSchema, Schema, Unfit,
};
pub use serve::{ServeError, ServeOptions, run};
pub use transport::Transport;
pub use value::{Number, RawState, Type, Value};

/// Its blocks of code are compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
