//! What exists is listed with its identity, and comes under a resource by it.

use serde_json::{Value, json};
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

#[tokio::test(flavor = "multi_thread")]
async fn what_is_listed_is_the_latest_token_of_each_resource_and_can_be_imported_by_its_identity() {
    let world = World::new(86_400.0, CI).await;
    // Nobody manages it: it is no resource of ours.
    world.made_by_api().await;
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

    let other = json!({ "manager": "aaaaaaaaaaaa" });
    let imported = host
        .call("ImportResourceState", OF_TOKEN, import(&other))
        .await;
    assert_eq!(said(&imported)[0].2, "There is no such token");
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
