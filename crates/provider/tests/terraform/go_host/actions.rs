//! Actions do at once what they say, to tokens of ours alone.

use serde_json::{Value, json};
use tokenwright_sandbox::SystemName;

use super::life::Life;
use super::{Host, config, said};
use crate::support::{CI, World, seconds};

/// Plans and invokes it: what was said at its end, and on the way.
async fn invoke(host: &mut Host, action: &str, wanted: Value) -> (Value, Vec<String>) {
    let of = format!("action:{action}");
    let request = json!({ "actionType": action, "config": { "$value": wanted } });
    let validate = json!({ "typeName": action, "config": { "$value": wanted } });
    for (rpc, request) in [
        ("ValidateActionConfig", &validate),
        ("PlanAction", &request),
    ] {
        let answer = host.call(rpc, &of, request.clone()).await;
        if !said(&answer).is_empty() {
            return (answer, Vec::new());
        }
    }
    let mut events = host.stream("InvokeAction", &of, request).await;
    let end = events.pop().unwrap()["completed"].clone();
    assert!(!end.is_null(), "{action} did not end");
    let told = events.iter().map(|event| &event["progress"]["message"]);
    (
        end,
        told.map(|one| one.as_str().unwrap().to_owned()).collect(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_disabled_enabled_and_revoked_and_its_resource_sees_it() {
    let world = World::new(86_400.0, CI).await;
    let mut host = Host::configured(&world).await;
    // What a run minted it does not revoke by an action.
    let mut next_run = Host::configured(&world).await;
    let mut life = Life::of(&mut host).await;
    life.apply(config(json!({}))).await;
    life.host = &mut next_run;
    let token = json!({ "token_id": life.state["token_id"] });
    for (action, told, status) in [
        ("tokenwright_disable", "is disabled", "disabled"),
        ("tokenwright_enable", "is enabled", "active"),
        ("tokenwright_revoke", "is revoked", "missing"),
    ] {
        let (end, on_the_way) = invoke(life.host, action, token.clone()).await;
        assert!(said(&end).is_empty(), "{action}: {end}");
        assert!(on_the_way[0].contains(told), "{on_the_way:?}");
        if action == "tokenwright_revoke" {
            // A listing is believed once it must show the token: ten seconds after its mint.
            seconds(10.2).await;
        }
        life.read().await;
        assert_eq!(life.state["status"], status, "{action}");
    }
    world.nothing_lives();
    // The next plan of its resource has a new one.
    life.apply(config(json!({}))).await;
    assert_eq!(life.state["rotation_reason"], "missing at the issuer");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_elses_token_is_touched_by_an_action_and_what_cannot_be_is_said_at_plan() {
    let world = World::new(86_400.0, CI).await;
    let by_hand = world.made_by_api().await;
    let mut host = Host::configured(&world).await;
    for action in [
        "tokenwright_disable",
        "tokenwright_enable",
        "tokenwright_revoke",
    ] {
        let (end, _) = invoke(&mut host, action, json!({ "token_id": by_hand })).await;
        assert_eq!(said(&end)[0].1, "token_id", "{end}");
        let (end, _) = invoke(&mut host, action, json!({ "token_id": "nothing" })).await;
        assert_eq!(said(&end)[0].1, "token_id", "{end}");
        // It may be a value that somebody gave for the id.
        assert!(!end.to_string().contains("nothing"), "{end}");
        let mistyped = json!({ "token_id": "nothing", "parameters": { "a": "b" } });
        let (end, _) = invoke(&mut host, action, mistyped).await;
        assert_eq!(said(&end)[0].1, "parameters", "{end}");
        let (end, _) = invoke(&mut host, action, json!({ "token_id": null })).await;
        assert_eq!(said(&end)[0].2, "token_id is required", "{end}");
    }
    assert_eq!(world.summary().live, 1);

    let world = World::of(SystemName::Scaleway, 86_400.0, "").await;
    let mut host = Host::configured(&world).await;
    let application = world.played.parameter("application_id").unwrap();
    let wanted = json!({ "token_id": "SCW", "parameters": { "application_id": application } });
    let (end, _) = invoke(&mut host, "tokenwright_disable", wanted).await;
    assert!(said(&end)[0].2.contains("cannot be disabled"), "{end}");
}
