//! What the operator says at its start: what is missing, what a person does about it, and when that is so
//! no more.

use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::{Value, json};
use tokenwright_testbed::memory::{Fault, Verb};

use crate::world::{OPERATOR, TOKENS, World};

const NAME: &str = TOKENS;

fn definitions(world: &World) -> Api<CustomResourceDefinition> {
    Api::all(world.user.clone())
}

/// Applies a definition as an older version wrote it, which does not know `spec.suspend`; gives the right one.
pub(crate) async fn older_definition(world: &World) -> CustomResourceDefinition {
    let right = definitions(world).get(NAME).await.unwrap();
    let mut older = serde_json::to_value(&right).unwrap();
    let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
    let fields = older.pointer_mut(spec).unwrap().as_object_mut().unwrap();
    fields.remove("suspend");
    older["metadata"]["annotations"]["tokenwright.dev/version"] = json!("0.0.7");
    replace(world, serde_json::from_value(older).unwrap()).await;
    right
}

/// Somebody applies this definition.
async fn replace(world: &World, mut object: CustomResourceDefinition) {
    let all = definitions(world);
    let now = all.get(NAME).await.unwrap();
    object.metadata.resource_version = now.metadata.resource_version;
    all.replace(NAME, &PostParams::default(), &object)
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_its_kinds_it_ends_with_a_sentence_that_says_what_to_do() {
    let world = World::new().await;
    let delete = DeleteParams::default();
    definitions(&world).delete(NAME, &delete).await.unwrap();
    let (operator, _stop) = world.replica("operator");
    let said = operator.await.unwrap().unwrap_err().to_string();
    assert!(
        said.contains("the CRD apitokens.tokenwright.dev is not installed"),
        "{said}"
    );
    assert!(
        said.contains("tokenwright-operator crd | kubectl apply -f -"),
        "{said}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_definitions_that_it_writes_itself_are_its_own() {
    let mut world = World::new().await;
    world.start();
    world.pass(60).await;
    assert_eq!(world.readyz().await, "ready\n");
}

#[tokio::test(start_paused = true)]
async fn an_older_definition_is_told_until_somebody_applies_the_right_one() {
    let mut world = World::new().await;
    let right = older_definition(&world).await;
    world.ask(json!({})).await;
    world.start();
    world.pass(60).await;
    world.the_only_token();
    let said = world.readyz().await;
    assert!(said.starts_with("ready\n"), "{said}");
    assert!(said.contains("is of an older version (0.0.7)"), "{said}");
    assert!(said.contains("(spec.suspend)"), "{said}");
    replace(&world, right).await;
    world.pass(400).await;
    assert_eq!(world.readyz().await, "ready\n");
}

#[tokio::test(start_paused = true)]
async fn after_a_start_a_tenant_with_one_waits_for_no_crowd_of_another_to_be_looked_at() {
    let mut world = World::new().await;
    for n in 0..1_000 {
        let name = format!("ci-{n}");
        let wish = json!({ "issuerRef": { "name": "none" }, "secret": { "name": name } });
        world.ask_as(&name, wish).await;
    }
    let namespace = json!({ "metadata": { "name": "team-z" } });
    world.make("v1", "Namespace", namespace).await;
    let spec = json!({
        "issuerRef": { "name": "none" },
        "token": { "name": "ci", "lifetime": "30d" },
        "secret": { "name": "ci" },
    });
    let metadata = json!({ "name": "alone", "namespace": "team-z" });
    let alone = json!({ "metadata": metadata, "spec": spec });
    world
        .make("tokenwright.dev/v1alpha1", "ApiToken", alone)
        .await;
    // The ApiTokens are shown before all else is: they come again together, once that is there.
    world.api.on_request(|seen| {
        let lists = matches!(seen.verb, Verb::List | Verb::Watch);
        let shows = lists && seen.resource == TOKENS;
        match seen.who == OPERATOR && !shows {
            true => Fault::Delay(Duration::from_secs(1)),
            false => Fault::Pass,
        }
    });
    world.start_everywhere();
    world.pass(20).await;
    let looked_at = |token: &&Value| !token["status"]["conditions"].is_null();
    let all = world.api.snapshots(TOKENS);
    let known: Vec<_> = all.iter().filter(looked_at).collect();
    assert!(known.len() < 500, "{} were looked at", known.len());
    let alone = known
        .iter()
        .any(|token| token["metadata"]["name"] == "alone");
    assert!(alone, "{} were looked at before it", known.len());
}
