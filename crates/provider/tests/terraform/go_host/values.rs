//! Values that go-cty wrote are read, and what is answered is read by go-cty, by the schema alone.

use serde_json::{Value, json};

use super::{Host, OF_TOKEN, TOKEN, config, said};
use crate::support::{CI, World};

/// The service as a host sees it, in each process anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_go_plugin_host_starts_it_under_its_own_certificate_and_is_told_what_there_is() {
    let world = World::new(86_400.0, CI).await;
    let mut host = Host::start(&world).await;
    let told = host.calm("GetMetadata", "", Value::Null).await;
    for (kind, count) in [
        ("resources", 3),
        ("dataSources", 3),
        ("ephemeralResources", 1),
        ("listResources", 1),
        ("actions", 3),
    ] {
        assert_eq!(
            told[kind].as_array().unwrap().len(),
            count,
            "{kind}: {told}"
        );
    }
    assert_eq!(told["serverCapabilities"]["planDestroy"], true);
    for rpc in [
        "ValidateStateStoreConfig",
        "ConfigureStateStore",
        "LockState",
        "UnlockState",
        "GetStates",
        "DeleteState",
        "ReadStateBytes",
    ] {
        let answer = host.answer(rpc, "", json!({})).await;
        assert_eq!(answer["error"]["code"], "Unimplemented", "{rpc}: {answer}");
    }
    let stranger = json!({ "typeName": "tokenwright_other" });
    let answer = host.answer("ReadResource", OF_TOKEN, stranger).await;
    assert_eq!(answer["error"]["code"], "InvalidArgument", "{answer}");
    host.calm("StopProvider", "", json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_null_and_refined_values_come_back_as_what_they_were() {
    let world = World::new(86_400.0, CI).await;
    let mut host = Host::configured(&world).await;
    let unknown = json!({ "$unknown": true });
    let wanted = config(json!({
        "name": { "$unknown": { "not_null": true, "prefix": "team-" } },
        "scopes": unknown,
        "rotation": { "overlap": { "$unknown": { "not_null": true } }, "triggers": { "a": "1", "b": unknown } },
        "timeouts": { "create": "1m" },
    }));
    let mut proposed = wanted.clone();
    for computed in [
        "value",
        "token_id",
        "retiring",
        "enabled",
        "value_version",
        "record",
    ] {
        proposed[computed] = unknown.clone();
    }
    let request = json!({
        "typeName": TOKEN,
        "config": { "$value": wanted },
        "proposedNewState": { "$value": proposed },
        "priorState": { "$value": null },
    });
    let answer = host.calm("PlanResourceChange", OF_TOKEN, request).await;
    let planned = &answer["plannedState"];
    for open in [
        "name",
        "scopes",
        "value",
        "retiring",
        "value_version",
        "enabled",
    ] {
        assert_eq!(planned[open], unknown, "{open}: {planned}");
    }
    assert_eq!(planned["rotation"]["overlap"], unknown);
    assert_eq!(
        planned["rotation"]["triggers"],
        json!({ "a": "1", "b": unknown })
    );
    assert!(planned["rotation"]["every"].is_null());
    assert_eq!(planned["timeouts"]["create"], "1m");
    assert!(planned["parameters"].is_null());
    assert_eq!(planned["lifetime"], "30d");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_with_the_path_to_it() {
    let world = World::new(86_400.0, CI).await;
    let mut host = Host::configured(&world).await;
    for (wrong, path) in [
        (
            json!({ "rotation": { "overlap": "soon" } }),
            "rotation.overlap",
        ),
        (json!({ "timeouts": { "read": "soon" } }), "timeouts.read"),
        (json!({ "scopes": [null] }), "scopes"),
        (json!({ "lifetime": "0d" }), "lifetime"),
        (json!({ "token_id": "mine" }), "token_id"),
        (json!({ "name": true }), "name"),
        (
            json!({ "rotation": { "triggers": true } }),
            "rotation.triggers",
        ),
    ] {
        let request = json!({ "typeName": TOKEN, "config": { "$value": config(wrong) } });
        let answer = host.call("ValidateResourceConfig", OF_TOKEN, request).await;
        let said = said(&answer);
        assert_eq!(said.len(), 1, "{answer}");
        assert_eq!(
            (said[0].0.as_str(), said[0].1.as_str()),
            ("ERROR", path),
            "{answer}"
        );
    }
    let wrong = json!({ "issuers": { "vendor": { "profile": "seemee" } } });
    let request = json!({ "config": { "$value": wrong } });
    let answer = host
        .call("ValidateProviderConfig", "provider", request)
        .await;
    assert_eq!(said(&answer)[0].1, "issuers.vendor", "{answer}");
}
