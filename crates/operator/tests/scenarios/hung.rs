//! What the writes of one tenant that hang take from another tenant: nothing.

use serde_json::json;
use tokenwright_testbed::memory::{Fault, Verb};

use crate::neighbours::{NEIGHBOUR, VERSION, neighbour, rotates_on_time};
use crate::world::{NAMESPACE, OPERATOR, World};

/// A webhook that looks at one namespace alone, and at nothing that is only tried.
#[tokio::test(start_paused = true)]
async fn a_rotation_is_on_time_while_each_delivery_of_another_tenant_hangs() {
    let mut world = World::new().await;
    world.api.on_request(|seen| {
        let of_theirs = seen.resource == "secrets" && seen.namespace.as_deref() == Some(NAMESPACE);
        match of_theirs && seen.verb == Verb::Create && !seen.dry_run && seen.who == OPERATOR {
            true => Fault::Hang,
            false => Fault::Pass,
        }
    });
    for n in 0..100 {
        let name = format!("crowd-{n}");
        world.issuer_as(&name, json!({ "recheck": "60s" })).await;
        for of in 0..4 {
            let secret = format!("{name}-{of}");
            let wish = json!({ "issuerRef": { "name": name }, "secret": { "name": secret } });
            world.ask_as(&secret, wish).await;
        }
    }
    neighbour(&world).await;
    world.start_everywhere();
    rotates_on_time(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_crowd_is_served_within_a_minute_while_each_change_of_another_tenant_s_secrets_hangs() {
    const MANY: usize = 100;
    let mut world = World::new().await;
    for n in 0..MANY {
        let name = format!("ci-{n}");
        let wish = json!({ "secret": { "name": name } });
        world.ask_as(&name, wish).await;
    }
    world.start_everywhere();
    world.pass(300).await;
    assert_eq!(world.issuer.live().len(), MANY);
    world.api.on_request(|seen| {
        let of_theirs = seen.resource == "secrets" && seen.namespace.as_deref() == Some(NAMESPACE);
        match of_theirs && seen.verb == Verb::Update && seen.who == OPERATOR {
            true => Fault::Hang,
            false => Fault::Pass,
        }
    });
    neighbour(&world).await;
    let spec = json!({
        "profile": "memory",
        "credential": { "secretRef": { "name": "credential" } },
        "rate": { "perMinute": 6000, "concurrency": 16 },
    });
    let metadata = json!({ "name": "wide", "namespace": NEIGHBOUR });
    let issuer = json!({ "metadata": metadata, "spec": spec });
    world.make(VERSION, "TokenIssuer", issuer).await;
    for n in 0..MANY {
        let labelled = json!({ "spec": { "secret": { "labels": { "team": "a" } } } });
        world.change_as(&format!("ci-{n}"), labelled).await;
    }
    world.pass(20).await;
    let crowd: Vec<_> = (0..MANY).map(|n| format!("crowd-{n}")).collect();
    for name in &crowd {
        let token = json!({ "name": name, "lifetime": "30d" });
        let spec =
            json!({ "issuerRef": { "name": "wide" }, "token": token, "secret": { "name": name } });
        let metadata = json!({ "name": name, "namespace": NEIGHBOUR });
        let wish = json!({ "metadata": metadata, "spec": spec });
        world.make(VERSION, "ApiToken", wish).await;
    }
    world.pass(60).await;
    let delivered = |name: &&String| world.api.snapshot("secrets", NEIGHBOUR, name).is_some();
    assert_eq!(crowd.iter().filter(delivered).count(), MANY);
}
