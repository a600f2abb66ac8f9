//! What people and accidents do to a state, step by step. `scripts/README.md` names each script and its test.
//!
//! Each asserts on the vendor's ledger, on a request with the value that the *consumer* holds, and on the plan;
//! and after each apply that a refresh has no news and the next plan is empty.

use std::collections::BTreeMap;

use serde_json::Value;
use tokenwright_sandbox::ledger::Life;

use crate::support::{CI, Ran, World};

mod accounts;
mod addresses;
mod console;
mod consumer;
mod destroys;
mod ephemeral;
mod ignored;
mod interrupts;
mod killed;
mod places;
mod plans;
mod refreshes;
mod replaced;
mod table;
mod workspaces;

const APPLY: [&str; 3] = ["apply", "-auto-approve", "-no-color"];
const REFRESH_ALONE: [&str; 4] = ["plan", "-refresh-only", "-detailed-exitcode", "-json"];
const PLAN: [&str; 3] = ["plan", "-detailed-exitcode", "-json"];
const ADDRESS: &str = "tokenwright_api_token.ci";

/// The token with this trigger, and more in its rotation.
fn trigger(n: u32, rotation: &str) -> String {
    format!("{CI}\n  rotation = {{ triggers = {{ a = \"{n}\" }}\n {rotation} }}")
}

/// This token with two consumers: a file that a command writes, and a write-only attribute.
fn consumed(token: &str) -> String {
    format!(
        r#"{token}
}}
resource "terraform_data" "consumer" {{
  triggers_replace = tokenwright_api_token.ci.value_version
  provisioner "local-exec" {{
    command     = "test ! -e broken && printf %s \"$VALUE\" > held"
    environment = {{ VALUE = tokenwright_api_token.ci.value }}
  }}
}}
resource "tokenwright_adopted_token" "consumer" {{
  name             = "consumer"
  expires_at       = "2099-01-01T00:00:00Z"
  value_wo         = tokenwright_api_token.ci.value
  value_wo_version = tokenwright_api_token.ci.value_version
"#
    )
}

/// The value that the consumer holds.
fn held(world: &World) -> Value {
    std::fs::read_to_string(world.path("held")).unwrap().into()
}

fn living(world: &World) -> Vec<Life> {
    let lives = world.lives().into_iter();
    lives.filter(|life| life.ended_at.is_none()).collect()
}

/// The actions of the plan that was saved last, by address.
async fn actions(world: &World) -> BTreeMap<String, String> {
    let shown = world.run(&["show", "-json", "plan"]).await.succeeded();
    let shown: Value = serde_json::from_str(&shown.text).unwrap();
    let changes = shown["resource_changes"].as_array().unwrap().iter();
    let named = changes.map(|change| {
        let actions = change["change"]["actions"].as_array().unwrap().iter();
        let actions: Vec<_> = actions.map(|action| action.as_str().unwrap()).collect();
        (
            change["address"].as_str().unwrap().to_owned(),
            actions.join("+"),
        )
    });
    named.collect()
}

/// Every token that lives has a place in the state: current, retiring, or named as nobody's.
fn every_living_token_is_named(world: &World, state: &Value) {
    let rows = ["retiring", "orphans"].map(|name| state[name].as_array().unwrap().clone());
    let rows = rows.iter().flatten().map(|row| &row["token_id"]);
    let named: Vec<_> = rows.chain([&state["token_id"]]).collect();
    // What a person made has no marker.
    let ours = |life: &Life| life.name.contains(" tw1-");
    for life in living(world).into_iter().filter(ours) {
        let known = named.iter().any(|id| **id == life.id.as_str());
        assert!(
            known,
            "nobody names {life:?}: {named:?} in {} {} {}",
            state["remote_name"], state["rotation_reason"], state["created_at"]
        );
    }
}

/// A plain apply, and what each promises.
async fn apply(world: &World) -> Ran {
    let ran = world.apply().await;
    is_quiet(world).await;
    ran
}

/// The same with the plan that was saved last.
async fn apply_plan(world: &World) -> Ran {
    let ran = world.run(&["apply", "-json", "plan"]).await.succeeded();
    is_quiet(world).await;
    ran
}

/// A refresh has no news, and the next plan is empty, until an instant comes that the state names.
async fn is_quiet(world: &World) {
    says_nothing(world, &REFRESH_ALONE).await;
    says_nothing(world, &PLAN).await;
}

async fn says_nothing(world: &World, args: &[&str]) {
    let ran = world.run(args).await;
    if ran.code != 0 {
        let state = world.state().await;
        let news = ran.code == 2 && has_come(&state);
        assert!(news, "{args:?}: {}\n{state}", ran.text);
    }
}

/// Whether it is time for a rotation, or the token or an overlap has ended.
fn has_come(state: &Value) -> bool {
    let now = tokenwright_client::Clock::system().now();
    let retiring = state["retiring"].as_array().into_iter().flatten();
    let ends = retiring.map(|row| &row["revoke_after"]);
    let all = ends.chain([&state["renew_at"], &state["expires_at"]]);
    let mut all = all.filter_map(|at| at.as_str()?.parse::<jiff::Timestamp>().ok());
    all.any(|at| at <= now)
}

/// The consumer has the current value, which works, nothing is left to do, and nothing is forgotten.
async fn rests(world: &World) -> Value {
    let state = has_all(world).await;
    says_nothing(world, &PLAN).await;
    state
}

/// The same where a plan has just told that nothing is left to do.
async fn has_all(world: &World) -> Value {
    let state = world.state().await;
    assert_eq!(held(world), state["value"]);
    assert!(world.works(&held(world)).await, "{state}");
    every_living_token_is_named(world, &state);
    state
}
