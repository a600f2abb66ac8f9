//! What is listed anew is no work for what stands beside it, however much of it a tenant has.

use serde_json::json;
use tokenwright_api::names::{finalizer, label};

use crate::metrics::scraped;
use crate::neighbours::{VERSION, neighbour, rotates_on_time};
use crate::world::{NAMESPACE, OPERATOR, World};

const CROWD: usize = 500;
/// Each credential is looked at a few times for each kind that is listed anew.
const MOST_LOOKS: f64 = 10_000.0;

/// How often a Secret was looked at for those who hold it.
async fn looks_at_secrets(world: &World) -> f64 {
    let all = scraped(&world.health).await;
    let looks = all.iter().filter(|(line, _)| {
        line.starts_with("tokenwright_reconcile_duration_seconds_count")
            && line.contains("kind=\"Secret\"")
    });
    looks.map(|(_, count)| count).sum()
}

#[tokio::test(start_paused = true)]
async fn issuers_that_are_listed_anew_are_no_work_for_each_credential_of_their_namespace() {
    let mut world = World::new().await;
    let metadata = |name: &str| json!({ "name": name, "namespace": NAMESPACE, "finalizers": [finalizer::IN_USE] });
    for n in 0..CROWD {
        let name = format!("crowd-{n}");
        let mut credential =
            json!({ "metadata": metadata(&name), "stringData": { "token": "right" } });
        credential["metadata"]["labels"] =
            json!({ label::CREDENTIAL: label::CREDENTIAL_OF_ISSUER });
        world.make("v1", "Secret", credential).await;
        let spec = json!({ "profile": "memory", "credential": { "secretRef": { "name": name } } });
        let issuer = json!({ "metadata": metadata(&name), "spec": spec });
        world.make(VERSION, "TokenIssuer", issuer).await;
    }
    neighbour(&world).await;
    world.start_everywhere();
    world.pass(120).await;
    let before = looks_at_secrets(&world).await;
    world.api.compact();
    world.api.cut_watches(OPERATOR);
    rotates_on_time(&world).await;
    let looks = looks_at_secrets(&world).await - before;
    assert!(looks <= MOST_LOOKS, "{looks} looks");
}
