//! What exists is listed with its identity, and comes under a resource by it.

use serde_json::{Value, json};
use tokenwright_core::{ManagerId, Marker, Nonce, Origin};
use tokenwright_sandbox::SystemName;

use super::life::Life;
use super::{Host, OF_TOKEN, TOKEN, config, said};
use crate::support::{CI, World};

async fn list(host: &mut Host, wanted: Value, more: Value) -> Vec<Value> {
    let mut request = json!({ "typeName": TOKEN, "config": { "$value": wanted }, "limit": 100 });
    for (name, value) in more.as_object().unwrap() {
        request[name] = value.clone();
    }
    host.stream("ListResource", &format!("list:{TOKEN}"), request)
        .await
}

/// An import block with an identity.
fn import(identity: &Value) -> Value {
    json!({
        "typeName": TOKEN,
        "identity": { "identityData": { "$value": identity, "$of": format!("identity:{TOKEN}") } },
    })
}

/// The name of a token that another run minted for itself.
fn ephemeral() -> String {
    let marker = Marker {
        origin: Origin::of("test"),
        manager: ManagerId::of(ManagerId::EPHEMERAL),
        revision: 1,
        nonce: Nonce::from_bytes([1, 2, 3, 4, 5]),
    };
    marker.remote_name("run")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_listed_is_the_latest_token_of_each_resource_and_can_be_imported_by_its_identity() {
    let world = World::new(86_400.0, CI).await;
    // Nobody manages it: it is no resource of ours.
    world.made_by_api().await;
    let of_one_run = world.named_by_api(&ephemeral()).await;
    let mut host = Host::configured(&world).await;
    let mut life = Life::of(&mut host).await;
    life.apply(config(json!({}))).await;
    life.apply(config(json!({ "rotation": { "triggers": { "a": "1" } } })))
        .await;
    let managed = life.state.clone();

    let listed = list(
        &mut host,
        json!({}),
        json!({ "includeResourceObject": true }),
    )
    .await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0]["displayName"], "ci (revision 2)");
    let state = &listed[0]["resourceObject"];
    for name in [
        "token_id",
        "remote_name",
        "revision",
        "name",
        "lifetime",
        "scopes",
    ] {
        assert_eq!(state[name], managed[name], "{name}");
    }
    assert!(state["value"].is_null());
    let without = list(&mut host, json!({}), json!({})).await;
    assert!(without[0]["resourceObject"].is_null());
    let filtered = list(&mut host, json!({ "name_prefix": "other" }), json!({})).await;
    assert!(filtered.is_empty(), "{filtered:?}");
    let limited = list(&mut host, json!({}), json!({ "limit": 0 })).await;
    assert!(limited.is_empty(), "{limited:?}");

    // Another process, another state.
    let mut host = Host::configured(&world).await;
    let identity = &listed[0]["identity"]["identityData"];
    let imported = host
        .call("ImportResourceState", OF_TOKEN, import(identity))
        .await;
    assert_eq!(said(&imported)[0].0, "WARNING", "{imported}");
    let imported = &imported["importedResources"][0];
    assert_eq!(imported["state"]["token_id"], managed["token_id"]);
    assert_eq!(imported["state"]["retiring"].as_array().unwrap().len(), 1);
    assert_eq!(imported["identity"]["identityData"], *identity);
    let only = json!({ "manager": identity["manager"] });
    let imported = host
        .call("ImportResourceState", OF_TOKEN, import(&only))
        .await;
    let imported = &imported["importedResources"][0];
    assert_eq!(imported["identity"]["identityData"], *identity);

    let run = json!({ "typeName": TOKEN, "id": of_one_run });
    let imported = host.call("ImportResourceState", OF_TOKEN, run).await;
    let detail = imported["diagnostics"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("It is an ephemeral token"), "{imported}");

    let other = json!({ "manager": "aaaaaaaaaaaa" });
    let imported = host
        .call("ImportResourceState", OF_TOKEN, import(&other))
        .await;
    assert_eq!(said(&imported)[0].2, "There is no such token");
    let mut elsewhere = identity.clone();
    elsewhere["endpoint"] = json!(format!("{}/", world.played.endpoint));
    let imported = host
        .call("ImportResourceState", OF_TOKEN, import(&elsewhere))
        .await;
    assert_eq!(said(&imported)[0].2, "No issuer is at this endpoint");
    let wrong = json!({ "manager": "aaaaaaaaaaaa", "parameters": ["team"] });
    let imported = host
        .call("ImportResourceState", OF_TOKEN, import(&wrong))
        .await;
    assert_eq!(said(&imported)[0].1, "parameters", "{imported}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_listing_needs_stands_in_the_identity() {
    let world = World::of(SystemName::Scaleway, 86_400.0, "").await;
    let application = world.played.parameter("application_id").unwrap();
    let mut host = Host::configured(&world).await;
    let mut life = Life::of(&mut host).await;
    let needs = json!({ "application_id": application });
    life.apply(json!({ "name": "ci", "lifetime": "30d", "parameters": needs }))
        .await;
    let managed = life.state.clone();
    let listed = list(&mut host, json!({ "parameters": needs }), json!({})).await;
    let identity = &listed[0]["identity"]["identityData"];
    assert_eq!(
        identity["parameters"],
        json!([format!("application_id={application}")])
    );
    let mut host = Host::configured(&world).await;
    let imported = host
        .call("ImportResourceState", OF_TOKEN, import(identity))
        .await;
    let imported = &imported["importedResources"][0];
    assert_eq!(imported["state"]["token_id"], managed["token_id"]);
    assert_eq!(imported["state"]["parameters"], needs);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_data_source_answers_the_calls_of_a_core() {
    let world = World::new(86_400.0, CI).await;
    let mut host = Host::configured(&world).await;
    let mut life = Life::of(&mut host).await;
    life.apply(config(json!({}))).await;
    let id = life.state["token_id"].clone();
    let remote_name = life.state["remote_name"].clone();
    let mut read = async |name: &str, wanted: Value| {
        let of = format!("data:{name}");
        let request = json!({ "typeName": name, "config": { "$value": wanted } });
        host.calm("ValidateDataResourceConfig", &of, request.clone())
            .await;
        let answer = host.calm("ReadDataSource", &of, request).await;
        answer["state"].clone()
    };
    let one = read("tokenwright_api_token", json!({ "token_id": id })).await;
    assert_eq!(one["remote_name"], remote_name);
    assert_eq!((&one["ours"], &one["issuer"]), (&json!(true), &Value::Null));
    let all = read("tokenwright_api_tokens", json!({ "managed": true })).await;
    assert_eq!(all["token_ids"], json!([id]));
    let us = read("tokenwright_identity", json!({})).await;
    assert_eq!(us["profile"], "seeme");

    // What is not known is read later, and what is wrong is told at its place.
    let of = "data:tokenwright_api_token";
    let unknown = json!({ "token_id": { "$unknown": true } });
    let request = json!({ "typeName": TOKEN, "config": { "$value": unknown } });
    host.calm("ValidateDataResourceConfig", of, request).await;
    let wrong = json!({ "typeName": TOKEN, "config": { "$value": { "token_id": "nothing" } } });
    let answer = host.call("ReadDataSource", of, wrong).await;
    assert_eq!(said(&answer)[0].1, "token_id", "{answer}");
}
