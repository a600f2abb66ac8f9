//! SIGKILL at the worst moments: the next run heals, or says what a person must do.

use serde_json::json;
use tokio::process::Child;

use crate::support::processes::{kill, kill_provider};
use crate::support::{CI, World, until};

const APPLY: [&str; 3] = ["apply", "-auto-approve", "-no-color"];

fn trigger(n: u32) -> String {
    format!("{CI}\n  rotation = {{ triggers = {{ a = \"{n}\" }} }}")
}

/// Applies, and ends when the vendor has minted `count` tokens and still holds the answer back.
async fn apply_until_minted(world: &World, count: usize) -> Child {
    world.fault(
        json!({ "operation": "mint", "count": 1 }),
        json!({ "latency_ms": 1500 }),
    );
    let child = world.spawn(&APPLY);
    until("the mint reaches the vendor", || {
        world.summary().minted == count
    })
    .await;
    child
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_killed_in_a_rotation_leaves_a_token_that_is_found_and_retired() {
    let world = World::new(86_400.0, &trigger(1)).await;
    world.apply().await;
    let first = world.state().await;
    world.configure(&trigger(2));
    let mut terraform = apply_until_minted(&world, 2).await;
    kill_provider(&terraform);
    assert!(!terraform.wait().await.unwrap().success());
    assert_eq!(world.state().await["value"], first["value"]);

    let ran = world.apply().await;
    ran.warns(&["lost answer was found", &world.lives()[1].id]);
    assert!(world.works(&world.state().await["value"]).await);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_terraform_in_a_rotation_makes_the_provider_take_its_token_back() {
    let world = World::new(86_400.0, &trigger(1)).await;
    world.apply().await;
    let first = world.state().await;
    world.configure(&trigger(2));
    let mut terraform = apply_until_minted(&world, 2).await;
    kill(terraform.id().unwrap());
    terraform.wait().await.unwrap();
    until("the provider takes its token back", || {
        world.summary().live == 1
    })
    .await;
    assert!(world.works(&first["value"]).await);

    let _ = std::fs::remove_file(world.path(".terraform.tfstate.lock.info"));
    world.apply().await;
    assert!(world.works(&world.state().await["value"]).await);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_terraform_in_a_first_create_leaves_nothing_alive() {
    let world = World::new(86_400.0, CI).await;
    let mut terraform = apply_until_minted(&world, 1).await;
    kill(terraform.id().unwrap());
    terraform.wait().await.unwrap();
    until("the provider takes its token back", || {
        world.summary().live == 0
    })
    .await;
    let _ = std::fs::remove_file(world.path(".terraform.tfstate.lock.info"));
    world.apply().await;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_killed_in_a_first_create_leaves_is_named_in_every_run_until_it_is_gone() {
    let world = World::new(86_400.0, CI).await;
    let mut terraform = apply_until_minted(&world, 1).await;
    kill_provider(&terraform);
    assert!(!terraform.wait().await.unwrap().success());
    let left = world.lives()[0].clone();
    let named = [
        "other tokens named \"ci\"",
        &left.id,
        "revoke them at the issuer",
    ];

    world.apply().await;
    for _ in 0..2 {
        world
            .run(&["plan", "-json"])
            .await
            .succeeded()
            .warns(&named);
    }
    world.apply().await.warns(&named);
    let unread = ["plan", "-json", "-refresh=false"];
    world.run(&unread).await.succeeded().warns(&named);
    let state = world.state().await;
    assert_eq!(state["orphans"][0]["token_id"], left.id.as_str());
    world.plans_nothing().await;

    // A destroy leaves it, and says so.
    let ran = world.destroy().await;
    ran.warns(&["stay alive", &left.id]);
    assert_eq!(world.summary().live, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_revoked_is_named_no_more() {
    let world = World::new(86_400.0, CI).await;
    let mut terraform = apply_until_minted(&world, 1).await;
    kill_provider(&terraform);
    assert!(!terraform.wait().await.unwrap().success());
    let left = world.lives()[0].clone();
    world.apply().await;
    world.apply().await;
    world
        .by_hand(reqwest::Method::DELETE, &json!(left.id))
        .await;
    let ran = world.apply().await;
    assert!(!ran.text.contains(&left.id), "{}", ran.text);
    assert_eq!(world.state().await["orphans"].as_array().unwrap().len(), 0);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_killed_in_a_destroy_is_healed_by_the_next_destroy() {
    let world = World::new(86_400.0, CI).await;
    world.apply().await;
    world.fault(
        json!({ "operation": "revoke", "count": 1 }),
        json!({ "latency_ms": 1500 }),
    );
    let mut terraform = world.spawn(&["destroy", "-auto-approve", "-no-color"]);
    until("the revoke reaches the vendor", || {
        world.summary().live == 0
    })
    .await;
    kill_provider(&terraform);
    assert!(!terraform.wait().await.unwrap().success());
    // The token is young: an absence is believed only once a listing must show it.
    world.destroy().await;
    assert!(world.state().await.is_null());
    world.nothing_lives();
}
