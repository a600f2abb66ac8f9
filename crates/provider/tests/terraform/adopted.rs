//! Tokens that people made, under a real Terraform: taken up, followed, refused, announced, left alive.

mod answers;
mod deliveries;
mod mistakes;

use serde_json::Value;
use tokenwright_sandbox::SystemName;

use crate::support::World;

/// A world with one adopted token, whose value is the ephemeral variable `key`.
pub(super) async fn world(system: SystemName, resource: &str) -> World {
    let world = World::of(system, 86_400.0, "").await;
    declare(&world, resource);
    world
}

pub(super) fn declare(world: &World, resource: &str) {
    declare_with(world, "value_wo = var.key", resource);
}

pub(super) fn declare_with(world: &World, value: &str, resource: &str) {
    world.write(&format!(
        "variable \"key\" {{\n type = string\n ephemeral = true\n default = null\n}}\n{}\
         resource \"tokenwright_adopted_token\" \"deploy\" {{\n name = \"deploy\"\n {value}\n {resource}\n}}\n",
        provider(world)
    ));
}

/// The provider block, without any credential.
pub(super) fn provider(world: &World) -> String {
    let system = world.played.system;
    let endpoint = &world.played.endpoint;
    format!(
        "provider \"tokenwright\" {{\n issuers = {{\n  vendor = {{\n profile = \"{system}\"\n endpoint = \"{endpoint}\"\n request_timeout = \"2s\"\n  }}\n }}\n}}\n"
    )
}

/// What the state says of a value, without the words and dates of its declaration.
pub(super) async fn found(world: &World) -> [Value; 4] {
    let mut state = world.state().await;
    ["fingerprint", "status", "verified_at", "value_version"].map(|name| state[name].take())
}
