//! The identity of a resource, under a core that knows it: it stands in the state, outlives rotations, and brings
//! a token back.

use serde_json::{Value, json};
use tokenwright_sandbox::SystemName;
use tokenwright_sandbox::ledger::What;

use super::ADDRESS;
use crate::support::cores::{is_tofu, with_identities};
use crate::support::{CI, World};

async fn world(system: SystemName) -> World {
    let mut world = World::of(system, 86_400.0, "").await;
    world.core = with_identities();
    world
}

/// What the core keeps of the identity.
pub(crate) fn identity(world: &World) -> Value {
    let state = std::fs::read(world.path("terraform.tfstate")).unwrap();
    let state: Value = serde_json::from_slice(&state).unwrap();
    state["resources"][0]["instances"][0]["identity"].clone()
}

/// The state forgets the resource, and a block brings it back. Text of an object is one of HCL, too.
async fn forget_and_import(world: &World, resource: &str, identity: &Value) {
    forget_and_import_by(world, resource, &format!("identity = {identity}")).await;
}

async fn forget_and_import_by(world: &World, resource: &str, by: &str) {
    world.run(&["state", "rm", ADDRESS]).await.succeeded();
    world.configure(&format!(
        "{resource}\n}}\nimport {{\n  to = {ADDRESS}\n  {by}\n"
    ));
    let (actions, ran) = world.plan().await;
    assert_eq!(actions, "no-op", "{}", ran.text);
    let importing = world.planned().await["importing"].clone();
    assert!(importing.is_object(), "{importing}");
    world.run(&["apply", "-json", "plan"]).await.succeeded();
    world.plans_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_outlives_rotations_and_an_import_block_with_it_brings_the_token_back() {
    let world = world(SystemName::Seeme).await;
    world.configure(CI);
    world.apply().await;
    let first = identity(&world);
    assert_eq!(first["endpoint"], world.played.endpoint.as_str());
    assert!(first["manager"].is_string() && first["parameters"].is_null());

    let rotated = format!("{CI}\n  rotation = {{ triggers = {{ a = \"1\" }} }}");
    world.configure(&rotated);
    world.plan().await;
    let change = world.planned().await;
    if !is_tofu(&world.core) {
        // OpenTofu shows none in its plans.
        assert_eq!(
            [&change["before_identity"], &change["after_identity"]],
            [&first; 2]
        );
    }
    world.run(&["apply", "-json", "plan"]).await.succeeded();
    assert_eq!(identity(&world), first);
    let before = world.state().await;
    assert_eq!(before["revision"], 2);

    // The manager says enough where there is one issuer. What triggered the rotation no import can know.
    for wanted in [first.clone(), json!({ "manager": first["manager"] })] {
        forget_and_import(&world, CI, &wanted).await;
        let after = world.state().await;
        for name in ["token_id", "remote_name", "revision", "expires_at"] {
            assert_eq!(after[name], before[name], "{name}");
        }
        assert!(after["value"].is_null());
        assert_eq!(after["retiring"].as_array().unwrap().len(), 1, "{after}");
        assert_eq!(identity(&world), first);
    }
    // An identity outlives every number; an id in the block brings the number along.
    let version = &before["value_version"];
    let id = json!({ "token_id": before["token_id"], "value_version": version });
    forget_and_import_by(&world, CI, &format!("id = jsonencode({id})")).await;
    assert_eq!(world.state().await["value_version"], *version);
    assert_eq!(identity(&world), first);
    assert_eq!(world.count(What::Mint), 2);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_issuer_needs_to_list_stands_in_the_identity() {
    let world = world(SystemName::Scaleway).await;
    let application = world.played.parameter("application_id").unwrap();
    let token = format!(
        "  name = \"ci\"\n  lifetime = \"30d\"\n  parameters = {{ application_id = {application:?} }}"
    );
    world.configure(&token);
    world.apply().await;
    let wanted = identity(&world);
    let needs = format!("application_id={application}");
    assert_eq!(wanted["parameters"], json!([needs]));
    forget_and_import(&world, &token, &wanted).await;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_that_no_token_has_is_said_and_nothing_is_minted_in_its_place() {
    let world = world(SystemName::Seeme).await;
    world.configure(&format!(
        "{CI}\n}}\nimport {{\n  to = {ADDRESS}\n  identity = {{ manager = \"aaaaaaaaaaaa\" }}\n"
    ));
    world
        .try_apply()
        .await
        .failed()
        .says(&["There is no such token", "manager \"aaaaaaaaaaaa\""]);
    assert_eq!(world.count(What::Mint), 0);
}
