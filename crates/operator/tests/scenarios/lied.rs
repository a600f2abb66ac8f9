//! What a tenant writes into its own Secret about a mint whose answer was lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokenwright_api::names::annotation;
use tokenwright_client::Operation;
use tokenwright_client::memory::Fault;
use tokenwright_testbed::memory::Fault as ApiFault;

use crate::world::{OPERATOR, World};

/// So many rehearsals in a row are a loop without a pause, in which no time passes.
const A_LOOP: usize = 500;

/// A world with a delivered token and an attempt for the next one whose answer was lost; how often a write to the
/// Secret was rehearsed since.
async fn with_a_lost_answer() -> (World, Arc<AtomicUsize>) {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(600).await;
    world.issuer.fault(Operation::Mint, Fault::LoseRequest);
    world
        .change(json!({ "spec": { "rotation": { "trigger": "now" } } }))
        .await;
    while world.issuer.count(Operation::Mint) < 2 {
        world.pass(1).await;
    }
    let rehearsals = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&rehearsals);
    world.api.on_request(move |seen| {
        let rehearses = seen.who == OPERATOR && seen.resource == "secrets" && seen.dry_run;
        let loops = rehearses && count.fetch_add(1, Ordering::Relaxed) > A_LOOP;
        match loops {
            true => ApiFault::refuse(403, "Forbidden", "it loops"),
            false => ApiFault::Pass,
        }
    });
    (world, rehearsals)
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_names_a_lost_attempt_in_its_secret_keeps_no_mint_from_going_on() {
    let (world, rehearsals) = with_a_lost_answer().await;
    let attempts = world.object().unwrap().status.unwrap().attempts;
    let lost = &attempts.first().expect("no attempt is open").nonce;
    let own = world.annotation(annotation::NONCE).unwrap();
    let says = world.annotation(annotation::CURRENT).unwrap();
    let lies = says.replace(&own, lost);
    assert_ne!(says, lies);
    let lie = json!({ annotation::CURRENT: lies, annotation::NONCE: lost });
    world
        .edit_secret(json!({ "metadata": { "annotations": lie } }))
        .await;
    world.pass(900).await;
    let rehearsals = rehearsals.load(Ordering::Relaxed);
    assert!(rehearsals < 10, "{rehearsals}");
    world.the_secret_works();
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert!(world.revision() > Some(1), "{:?}", world.revision());
}

#[tokio::test(start_paused = true)]
async fn a_rehearsal_that_meets_another_version_each_time_is_tried_less_and_less_often() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(600).await;
    let rehearsals = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&rehearsals);
    world.api.on_request(move |seen| {
        let rehearses = seen.who == OPERATOR && seen.resource == "secrets" && seen.dry_run;
        match rehearses {
            true if count.fetch_add(1, Ordering::Relaxed) > A_LOOP => {
                ApiFault::refuse(403, "Forbidden", "it loops")
            }
            true => ApiFault::refuse(409, "Conflict", "another version"),
            false => ApiFault::Pass,
        }
    });
    world
        .change(json!({ "spec": { "rotation": { "trigger": "now" } } }))
        .await;
    world.pass(3_600).await;
    let rehearsals = rehearsals.load(Ordering::Relaxed);
    assert!((2..60).contains(&rehearsals), "{rehearsals} in an hour");
}
