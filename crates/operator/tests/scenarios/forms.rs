//! A Secret that the API server does not take in the form that is wanted: what is to end ends all the same.

use serde_json::{Value, json};
use tokenwright_testbed::memory::Fault;

use crate::revokes::{end_revision, live, rotated};
use crate::world::{OPERATOR, World};

const HOUR: u64 = 3_600;

fn with_label() -> Value {
    json!({ "spec": { "secret": { "labels": { "team": "a" } } } })
}

/// From now on every write of a Secret meets this, but for rehearsals.
fn refuses_writes(world: &World, fault: Fault) {
    world.api.on_request(move |seen| {
        match seen.who == OPERATOR && seen.resource == "secrets" && seen.is_write() {
            true => fault.clone(),
            false => Fault::Pass,
        }
    });
}

/// A policy does not take the label that is wanted; it leaves rehearsals alone.
fn refuses_the_label(world: &World) {
    world.api.on_admission(|seen, object| {
        let ours = seen.who == OPERATOR && seen.resource == "secrets" && !seen.dry_run;
        let label = object["metadata"]["labels"].get_mut("team");
        if let Some(label) = label.filter(|_| ours) {
            *label = json!("no word of this policy");
        }
    });
}

/// Once it is taken, the Secret is as it is wanted.
async fn is_formed_later(world: &World) {
    assert_eq!(world.condition("Ready"), "False: SecretRefused");
    assert_eq!(world.notes("SecretRefused").len(), 1);
    world.the_secret_works();
    world.api.clear_faults();
    world.pass(310).await;
    let labels = world.secret().unwrap().metadata.labels.unwrap();
    assert_eq!(labels.get("team").map(String::as_str), Some("a"));
    assert_eq!(world.condition("Ready"), "True: Ready");
    world.the_only_token();
}

#[tokio::test(start_paused = true)]
async fn an_overlap_ends_at_its_instant_while_no_write_of_the_secret_is_taken() {
    let refused = Fault::refuse(403, "Forbidden", "the policy of acme forbids it");
    let unreachable = Fault::refuse(500, "InternalError", "failed calling webhook: timeout");
    for (fault, late) in [(refused, 30), (unreachable, 600)] {
        let (world, former) = rotated(1).await;
        refuses_writes(&world, fault);
        world.change(with_label()).await;
        world.pass(HOUR / 2).await;
        assert!(live(&world).contains(&former[0]), "too early");
        world.pass(HOUR / 2 + late).await;
        assert!(!live(&world).contains(&former[0]), "it lives on");
        is_formed_later(&world).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_leaked_token_ends_at_once_while_a_label_of_the_secret_is_refused() {
    let (world, former) = rotated(1).await;
    refuses_the_label(&world);
    world.change(with_label()).await;
    world.pass(300).await;
    assert_eq!(world.condition("Ready"), "False: SecretRefused");
    assert_eq!(live(&world).len(), 2);
    end_revision(&world, 1).await;
    world.pass(10).await;
    assert!(!live(&world).contains(&former[0]));
    is_formed_later(&world).await;
}

/// After a second at first, after five minutes at last.
#[tokio::test(start_paused = true)]
async fn what_is_refused_is_tried_again_less_and_less_often() {
    let (world, _) = rotated(0).await;
    refuses_the_label(&world);
    world.change(with_label()).await;
    let before = world.api.writes(OPERATOR).len();
    world.pass(60).await;
    let soon = world.api.writes(OPERATOR).len() - before;
    assert!((4..=12).contains(&soon), "{soon} writes in a minute");
    world.pass(2 * HOUR).await;
    let all = world.api.writes(OPERATOR).len() - before;
    assert!(all <= 60, "{all} writes in two hours");
    is_formed_later(&world).await;
}
