//! The Terraform and OpenTofu provider of Tokenwright.
//!
//! `tokenwright_api_token` is minted, `tokenwright_adopted_token` was made by a person,
//! `tokenwright_retirement` ends what a token was before.
//! What to do next is decided in `tokenwright-core`, requests are made by `tokenwright-client`, the plugin
//! protocol is spoken by `tfplugin`. This crate reads and writes Terraform's values, and performs what was
//! planned.
//!
//! In reading order: `schema` (what users write), `config` (the provider block), `connect` (an issuer at
//! its first use), `session` (what every call works with), `provider`, `token`, `adopted`
//! and `retirement` (the resources), `data` (what is only read), `actions` (what is done at once), `decrypt` (the
//! function) with `age`.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod actions;
mod adopted;
mod age;
mod config;
mod connect;
mod data;
mod decrypt;
mod diagnostics;
mod private_state;
mod provider;
mod random;
mod replaces;
mod retirement;
mod schema;
mod secrets;
mod session;
#[cfg(test)]
mod testing;
mod token;
#[cfg(test)]
mod unknowns;
mod value_version;
mod values;

use std::process::ExitCode;

fn main() -> ExitCode {
    let options = tfplugin::ServeOptions {
        masked_fields: schema::names::SECRETS
            .map(|name| name.as_ref().to_owned())
            .into(),
        ..tfplugin::ServeOptions::new("registry.terraform.io/tokenwright/tokenwright")
    };
    tfplugin::run(options, provider::Tokenwright::new)
}
