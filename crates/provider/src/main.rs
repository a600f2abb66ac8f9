//! The Terraform and OpenTofu provider of Tokenwright.
//!
//! One resource, `tokenwright_api_token`: what to do next is decided in `tokenwright-core`, requests are
//! made by `tokenwright-client`, the plugin protocol is spoken by `tfplugin`. This crate reads and writes
//! Terraform's values, and performs what was planned.
//!
//! In reading order: `schema` (what users write), `config` (the provider block), `connect` (an issuer at
//! its first use), `provider`, and `token` (the resource).

mod config;
mod connect;
mod provider;
mod say;
mod schema;
mod secrets;
mod token;

use std::process::ExitCode;

fn main() -> ExitCode {
    let options = tfplugin::ServeOptions::new("registry.terraform.io/tokenwright/tokenwright");
    tfplugin::run(options, provider::Tokenwright::new)
}
