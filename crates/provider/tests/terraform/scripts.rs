//! What people and accidents do to a state, step by step. `scripts/README.md` names each script and its test.
//!
//! Each asserts on the vendor's ledger, on a request with the value that the *consumer* holds, and on the plan;
//! and after each apply that a refresh has no news and the next plan is empty.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokenwright_sandbox::ledger::Life;

use self::script::Script;
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
mod script;
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
    let changes = changes(world).await.into_iter();
    let named = changes.map(|(address, change)| {
        let actions = change["actions"].as_array().unwrap().iter();
        let actions: Vec<_> = actions.map(|action| action.as_str().unwrap()).collect();
        (address, actions.join("+"))
    });
    named.collect()
}

/// The changes of the plan that was saved last, by address.
async fn changes(world: &World) -> BTreeMap<String, Value> {
    let shown = world.run(&["show", "-json", "plan"]).await.succeeded();
    let shown: Value = serde_json::from_str(&shown.text).unwrap();
    let changes = shown["resource_changes"].as_array().unwrap().iter();
    let named = changes.map(|of| {
        let address = of["address"].as_str().unwrap().to_owned();
        (address, of["change"].clone())
    });
    named.collect()
}

/// The tokens that the state names as nobody's.
fn nobodys(state: &Value) -> Vec<String> {
    let rows = state["orphans"].as_array().unwrap().iter();
    let ids = rows.map(|row| row["token_id"].as_str().unwrap().to_owned());
    ids.collect()
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

/// A plain apply, and what each promises: a token that it changes was planned twice, from the same.
async fn apply(world: &World) -> Ran {
    let before = world.record.repeats();
    let ran = world.apply().await;
    let planned = ran.planned();
    let token = planned.iter().any(|(address, action)| {
        address.starts_with("tokenwright_api_token.") && action != "delete"
    });
    let repeats = world.record.repeats() - before;
    assert!(!token || repeats > 0, "{planned:?} was planned once");
    is_quiet(world).await;
    ran
}

/// The same with the plan that was saved last, which was the first of the two.
async fn apply_plan(world: &World) -> Ran {
    let before = world.record.repeats();
    let ran = world.run(&["apply", "-json", "plan"]).await.succeeded();
    let token = ran.applied().iter().any(|(address, action)| {
        address.starts_with("tokenwright_api_token.") && action != "delete"
    });
    let repeats = world.record.repeats() - before;
    assert!(!token || repeats > 0, "the saved plan was asked for once");
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
        let tokens = world.tokens();
        let now = tokenwright_client::Clock::system().now();
        let news = ran.code == 2 && tokens.values().any(|token| has_come(token, now).is_some());
        assert!(news, "{args:?}: {}\n{tokens:?}", ran.text);
        let changes = [ran.seen_changed(), ran.planned()]
            .into_iter()
            .flatten()
            .collect();
        let unexpected = unexpected(&tokens, now, &changes);
        assert!(unexpected.is_empty(), "{unexpected:?}: {}", ran.text);
    }
}

/// What an instant brings that has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Come {
    /// The end of an overlap.
    End,
    /// Another token.
    Mint,
}

/// What time has brought a token; that a retiring one has expired is no plan at all.
fn has_come(token: &Value, now: Timestamp) -> Option<Come> {
    let at = |of: &Value, name: &str| {
        let at = of[name].as_str()?.parse::<Timestamp>();
        at.ok().filter(|at| *at <= now)
    };
    let retiring = token["retiring"].as_array().into_iter().flatten();
    let mut alive = retiring.filter(|row| at(row, "expires_at").is_none());
    let ends = alive.any(|row| at(row, "revoke_after").is_some());
    let mints = ["renew_at", "expires_at"].map(|name| at(token, name));
    let mints = mints.iter().any(Option::is_some);
    let come = [mints.then_some(Come::Mint), ends.then_some(Come::End)];
    come.into_iter().flatten().max()
}

/// What changes though it awaited nothing: a token is updated where an instant has come, and its consumers
/// follow a mint.
fn unexpected<'a>(
    tokens: &BTreeMap<String, Value>,
    now: Timestamp,
    planned: &'a BTreeMap<String, String>,
) -> Vec<(&'a String, &'a String)> {
    let come = |address: &str| has_come(tokens.get(address)?, now);
    let minted = tokens.keys().any(|of| come(of) == Some(Come::Mint));
    let awaited = |address: &str, action: &str| match address {
        "terraform_data.consumer" => minted && action == "replace",
        "tokenwright_adopted_token.consumer" => minted && action == "update",
        token => come(token).is_some() && action == "update",
    };
    let of = planned.iter();
    of.filter(|(address, action)| !awaited(address, action))
        .collect()
}

#[test]
fn only_what_awaited_an_instant_may_change_once_it_has_come() {
    let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
    let [past, ahead] = ["2029-12-31T00:00:00Z", "2030-01-02T00:00:00Z"];
    let token = |renew: &str, revoke: &str, expires: &str| {
        let retiring = json!([{ "revoke_after": revoke, "expires_at": expires }]);
        json!({ "renew_at": renew, "expires_at": ahead, "retiring": retiring })
    };
    let consumer = "tokenwright_adopted_token.consumer";
    for (token, address, action, is_awaited) in [
        (token(past, ahead, ahead), ADDRESS, "update", true),
        (token(past, ahead, ahead), ADDRESS, "replace", false),
        (token(past, ahead, ahead), consumer, "update", true),
        (
            token(past, ahead, ahead),
            "terraform_data.consumer",
            "replace",
            true,
        ),
        (
            token(past, ahead, ahead),
            "terraform_data.other",
            "update",
            false,
        ),
        (token(ahead, past, ahead), ADDRESS, "update", true),
        (token(ahead, past, ahead), consumer, "update", false),
        (token(ahead, past, past), ADDRESS, "update", false),
        (token(ahead, ahead, ahead), ADDRESS, "update", false),
    ] {
        let tokens = BTreeMap::from([(ADDRESS.to_owned(), token)]);
        let planned = BTreeMap::from([(address.to_owned(), action.to_owned())]);
        let unexpected = unexpected(&tokens, now, &planned);
        assert_eq!(unexpected.is_empty(), is_awaited, "{tokens:?} {planned:?}");
    }
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
