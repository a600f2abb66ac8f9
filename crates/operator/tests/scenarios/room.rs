//! A system that keeps one token at a time: rotations need leave, and end the old token first.

use serde_json::{Value, json};
use tokenwright_api::names::label;
use tokenwright_client::memory::Fault;
use tokenwright_client::{MemorySettings, Operation};

use tokenwright_testbed::memory::Fault as Refusal;

use crate::world::{OPERATOR, World};

const HOUR: u64 = 3_600;

async fn world(changes: Value) -> World {
    let mut settings = MemorySettings::default();
    settings.capabilities.one = true;
    let mut world = World::with(settings).await;
    world.start();
    world.ask(changes).await;
    world.pass(5).await;
    world
}

/// What the issuer was asked for, less what only looks.
fn changes(world: &World) -> Vec<Operation> {
    let asked = world.issuer.requests().into_iter();
    let asked = asked.map(|request| request.operation);
    asked
        .filter(|operation| matches!(operation, Operation::Mint | Operation::Revoke))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_overlap_and_a_schedule_without_leave_are_refused_before_anything_is_minted() {
    for (rotation, field) in [
        (json!({ "allowGap": true }), "spec.rotation.overlap"),
        (json!({ "overlap": "0s" }), "spec.rotation.allowGap"),
    ] {
        let world = world(json!({ "rotation": rotation })).await;
        assert_eq!(world.condition("Stalled"), "True: InvalidSpec", "{field}");
        let message = world.message("Stalled");
        assert!(message.contains(field), "{message}");
        assert!(changes(&world).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotation_that_nobody_allowed_ends_nothing_and_says_so() {
    let spec = json!({ "rotation": { "overlap": "0s" }, "token": { "lifetime": "never" } });
    let world = world(spec).await;
    let first = world.the_only_token().token.id;
    world
        .change(json!({ "spec": { "rotation": { "trigger": "now" } } }))
        .await;
    world.pass(60).await;
    assert_eq!(world.the_only_token().token.id, first);
    assert_eq!(world.condition("Stalled"), "True: GapNotAllowed");
    world
        .change(json!({ "spec": { "rotation": { "allowGap": true } } }))
        .await;
    world.pass(60).await;
    assert_ne!(world.the_only_token().token.id, first);
    assert_eq!(world.condition("Stalled"), "False: Idle");
}

#[tokio::test(start_paused = true)]
async fn a_rotation_that_is_due_ends_the_old_token_and_delivers_the_next() {
    let rotation = json!({ "allowGap": true, "overlap": "0s" });
    let spec = json!({ "rotation": rotation, "token": { "lifetime": "1d" } });
    let world = world(spec).await;
    world.pass(17 * HOUR).await;
    assert_eq!(world.revision(), Some(2));
    world.the_only_token();
    use Operation::{Mint, Revoke};
    assert_eq!(changes(&world), [Mint, Revoke, Mint]);
    assert_eq!(world.condition("Ready"), "True: Ready");
    world.delete().await;
    world.pass(120).await;
    assert!(world.issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_takes_our_label_off_leaves_no_gap_open_that_was_made_for_the_next_token() {
    let rotation = json!({ "allowGap": true, "overlap": "0s" });
    let spec = json!({ "rotation": rotation, "token": { "lifetime": "1d" } });
    let world = world(spec).await;
    world.take_off_secrets("labels", label::SECRET);
    // It is due after sixteen hours, and presses after twenty.
    world.pass(19 * HOUR).await;
    assert_eq!(changes(&world), [Operation::Mint]);
    world.pass(2 * HOUR).await;
    assert_eq!(world.revision(), Some(2));
    world.the_secret_works();
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_point_of_the_gap_is_healed() {
    for (operation, fault) in [
        (Operation::Revoke, Fault::LoseAnswer),
        (Operation::Mint, Fault::LoseRequest),
        (Operation::Mint, Fault::LoseAnswer),
    ] {
        let rotation = json!({ "allowGap": true, "overlap": "0s" });
        let mut world = world(json!({ "rotation": rotation })).await;
        world.issuer.fault(operation, fault.clone());
        world
            .change(json!({ "spec": { "rotation": { "trigger": "now" } } }))
            .await;
        world.pass(1).await;
        world.crash().await;
        world.start();
        world.pass(600).await;
        world.the_only_token();
        assert_eq!(
            world.condition("Ready"),
            "True: Ready",
            "{operation:?} {fault:?}"
        );
        assert!(world.revision() > Some(1), "{operation:?} {fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn why_the_next_token_did_not_come_is_told_until_it_comes() {
    let rotation = json!({ "allowGap": true, "overlap": "0s" });
    let world = world(json!({ "rotation": rotation })).await;
    world.api.on_request(|seen| {
        let write = seen.who == OPERATOR && seen.resource == "secrets" && seen.is_write();
        match write {
            true => Refusal::refuse(403, "Forbidden", "a quota is used up"),
            false => Refusal::Pass,
        }
    });
    world
        .change(json!({ "spec": { "rotation": { "trigger": "now" } } }))
        .await;
    world.pass(180).await;
    for _ in 0..30 {
        let (ready, message) = (world.condition("Ready"), world.message("Ready"));
        if ready != "False: Minting" {
            assert_eq!(ready, "False: PublishRefused", "{message}");
            assert!(message.contains("a quota is used up"), "{message}");
        }
        world.pass(20).await;
    }
    world.api.clear_faults();
    world.pass(3_700).await;
    world.the_only_token();
    assert_eq!(world.condition("Ready"), "True: Ready");
}
