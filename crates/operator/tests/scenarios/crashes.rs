//! The operator dies at every point at which it can: before and after each of its writes and each of
//! its requests to the issuer. A new one heals whatever it finds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokenwright_client::memory::Moment;
use tokenwright_client::{MemorySettings, Operation};
use tokenwright_core::LostAnswer;
use tokenwright_testbed::memory::{Fault, Seen, StopPoint};

use crate::world::{OPERATOR, World};

/// What is done with the operator, from a world in which it is quiet.
#[derive(Debug, Clone, Copy)]
enum Scenario {
    FirstMint,
    Rotation,
    Trigger,
    ChangedInputs,
    LostSecret,
    Deletion,
}

const REQUESTS: [Operation; 6] = [
    Operation::Mint,
    Operation::Check,
    Operation::Get,
    Operation::List,
    Operation::Revoke,
    Operation::Identity,
];

impl Scenario {
    /// The world just before it.
    async fn prepared(self, lost_answer: LostAnswer) -> World {
        let mut settings = MemorySettings::default();
        settings.capabilities.lost_answer = lost_answer;
        let mut world = World::with(settings).await;
        match self {
            Self::FirstMint => {}
            Self::Rotation => {
                world.start();
                // Due two minutes after its mint, with an overlap of half a minute.
                world.ask(json!({ "token": { "lifetime": "10m" }, "rotation": { "renewBefore": "8m", "overlap": "30s" } })).await;
                world.pass(60).await;
            }
            Self::Trigger | Self::ChangedInputs | Self::LostSecret | Self::Deletion => {
                world.start();
                world.ask(json!({ "rotation": { "overlap": "30s" } })).await;
                world.pass(60).await;
            }
        }
        world
    }

    /// What a person does, and the time that it takes when nothing goes wrong.
    async fn play(self, world: &mut World) -> u64 {
        match self {
            Self::FirstMint => {
                world.start();
                world.ask(json!({})).await;
                20
            }
            Self::Rotation => 120,
            Self::Trigger => {
                world
                    .change(json!({ "spec": { "rotation": { "trigger": "again" } } }))
                    .await;
                60
            }
            Self::ChangedInputs => {
                world
                    .change(json!({ "spec": { "token": { "scopes": ["read"] } } }))
                    .await;
                60
            }
            Self::LostSecret => {
                world
                    .secrets()
                    .delete("ci-token", &Default::default())
                    .await
                    .unwrap();
                60
            }
            Self::Deletion => {
                world.delete().await;
                60
            }
        }
    }

    /// What holds whatever happened on the way.
    fn holds(self, world: &World, story: &str) {
        // What the Secret holds was not revoked, at no time.
        if let Some(value) = world.data("token") {
            let owner = world
                .issuer
                .owner_of(&value)
                .unwrap_or_else(|| panic!("{story}: nobody's value"));
            assert!(
                owner.revoked_at.is_none(),
                "{story}: the Secret holds a revoked token"
            );
        }
    }

    /// What holds in the end.
    async fn ends_well(self, world: &World, crashes: u32, story: &str) {
        let mints = world.issuer.count(Operation::Mint);
        match self {
            Self::Deletion => {
                assert!(
                    world.object().is_none(),
                    "{story}: the object is still there: {}",
                    world.message("Ready")
                );
                assert!(
                    world.secret().is_none(),
                    "{story}: the Secret is still there"
                );
                assert!(
                    world.issuer.live().is_empty(),
                    "{story}: {:#?}",
                    world.issuer.live()
                );
                assert_eq!(mints, 1, "{story}");
            }
            Self::FirstMint | Self::Trigger | Self::ChangedInputs | Self::LostSecret => {
                assert_eq!(
                    world.issuer.live().len(),
                    1,
                    "{story}: {:#?}",
                    world.issuer.live()
                );
                world.the_only_token();
                assert_eq!(world.condition("Ready"), "True: Ready", "{story}");
                let reasons = if matches!(self, Self::FirstMint) {
                    1
                } else {
                    2
                };
                assert!(mints <= reasons + crashes, "{story}: {mints} mints");
                let attempts = world.object().unwrap().status.unwrap().attempts;
                assert!(attempts.is_empty(), "{story}: {attempts:?}");
            }
            Self::Rotation => {
                // Rotations go on; what matters is that there is one current token and no orphan.
                world.the_secret_works();
                assert!(
                    world.issuer.live().len() <= 2,
                    "{story}: {:#?}",
                    world.issuer.live()
                );
                assert_eq!(world.condition("Ready"), "True: Ready", "{story}");
            }
        }
    }
}

/// A point at which the operator dies.
#[derive(Debug, Clone, Copy)]
enum Point {
    Write(usize, Moment),
    Request(Operation, u32, Moment),
}

fn counts(seen: &Seen) -> bool {
    seen.who == OPERATOR && seen.is_write() && !seen.resource.starts_with("events")
}

/// How many writes and requests the scenario takes without a crash.
async fn points(scenario: Scenario, lost_answer: LostAnswer) -> Vec<Point> {
    let mut world = scenario.prepared(lost_answer).await;
    let writes_before = world.api.writes(OPERATOR).len();
    let before = REQUESTS.map(|operation| world.issuer.count(operation));
    let seconds = scenario.play(&mut world).await;
    world.pass(seconds).await;
    let mut points = Vec::new();
    for moment in [Moment::BeforeEffect, Moment::AfterEffect] {
        points.extend(
            (1..=world.api.writes(OPERATOR).len() - writes_before).map(|n| Point::Write(n, moment)),
        );
        for (operation, before) in REQUESTS.into_iter().zip(before) {
            points.extend(
                (before + 1..=world.issuer.count(operation))
                    .map(|n| Point::Request(operation, n, moment)),
            );
        }
    }
    points
}

/// Runs until the operator stands at `point`, or until the scenario is over.
async fn stand_at(point: Point, world: &mut World, scenario: Scenario) -> bool {
    match point {
        Point::Write(wanted, moment) => {
            let (stop, count) = (StopPoint::new(), Arc::new(AtomicUsize::new(0)));
            let held = stop.clone();
            world.api.on_request(move |seen| {
                if !counts(seen) || count.fetch_add(1, Ordering::Relaxed) + 1 != wanted {
                    return Fault::Pass;
                }
                match moment {
                    Moment::BeforeEffect => Fault::StopBefore(held.clone()),
                    Moment::AfterEffect => Fault::StopAfter(held.clone()),
                }
            });
            let seconds = scenario.play(world).await;
            let reached =
                tokio::time::timeout(std::time::Duration::from_secs(seconds + 60), stop.reached())
                    .await;
            reached.is_ok()
        }
        Point::Request(operation, nth, moment) => {
            let mut hold = world.issuer.hold(operation, nth, moment);
            let seconds = scenario.play(world).await;
            let reached =
                tokio::time::timeout(std::time::Duration::from_secs(seconds + 60), hold.reached())
                    .await;
            reached.is_ok()
        }
    }
}

async fn dies_everywhere(scenario: Scenario, at_least: usize) {
    dies_with(scenario, LostAnswer::FindByMarker, at_least).await;
}

async fn dies_with(scenario: Scenario, lost_answer: LostAnswer, at_least: usize) {
    let points = points(scenario, lost_answer).await;
    assert!(
        points.len() >= at_least,
        "only {} points: {points:?}",
        points.len()
    );
    for point in points {
        let story = format!("{scenario:?} with a crash at {point:?}");
        let mut world = scenario.prepared(lost_answer).await;
        assert!(
            stand_at(point, &mut world, scenario).await,
            "{story}: never reached"
        );
        world.crash().await;
        world.api.clear_faults();
        scenario.holds(&world, &story);
        world.start();
        for _ in 0..15 {
            world.pass(20).await;
            scenario.holds(&world, &story);
        }
        scenario.ends_well(&world, 1, &story).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_mint_survives_a_crash_at_every_point() {
    dies_everywhere(Scenario::FirstMint, 16).await;
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_rotation_survives_a_crash_at_every_point() {
    dies_everywhere(Scenario::Rotation, 16).await;
}

#[tokio::test(start_paused = true)]
async fn a_triggered_rotation_survives_a_crash_at_every_point() {
    dies_everywhere(Scenario::Trigger, 16).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_of_inputs_survives_a_crash_at_every_point() {
    dies_everywhere(Scenario::ChangedInputs, 16).await;
}

#[tokio::test(start_paused = true)]
async fn the_loss_of_the_secret_survives_a_crash_at_every_point() {
    dies_everywhere(Scenario::LostSecret, 16).await;
}

#[tokio::test(start_paused = true)]
async fn a_deletion_survives_a_crash_at_every_point() {
    dies_everywhere(Scenario::Deletion, 10).await;
}

#[tokio::test(start_paused = true)]
async fn a_system_that_answers_again_survives_a_crash_at_every_point() {
    for scenario in [Scenario::FirstMint, Scenario::Trigger, Scenario::Deletion] {
        dies_with(scenario, LostAnswer::Replay, 8).await;
    }
}
