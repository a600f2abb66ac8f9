//! Where an operator can die: before and after each of its writes and each of its requests to the issuer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokenwright_client::Operation;
use tokenwright_client::memory::Moment;
use tokenwright_testbed::memory::{Fault, Seen, StopPoint};

use crate::world::{OPERATOR, World};

/// What is done with an operator, and what must hold wherever it dies.
pub(crate) trait Story: std::fmt::Debug + Copy {
    /// The world just before it.
    async fn prepared(self) -> World;

    /// What a person does, and the time in seconds that it takes when nothing goes wrong.
    async fn play(self, world: &mut World) -> u64;

    /// What holds whatever happened on the way.
    fn holds(self, world: &World, telling: &str);

    /// What holds in the end, after one crash.
    fn ends_well(self, world: &World, telling: &str);
}

const REQUESTS: [Operation; 9] = [
    Operation::Mint,
    Operation::Update,
    Operation::Check,
    Operation::Get,
    Operation::List,
    Operation::Revoke,
    Operation::Disable,
    Operation::Enable,
    Operation::Identity,
];

/// A point at which the operator dies.
#[derive(Debug, Clone, Copy)]
enum Point {
    Write(usize, Moment),
    Request(Operation, u32, Moment),
}

fn counts(seen: &Seen) -> bool {
    seen.who == OPERATOR && seen.is_write() && !seen.resource.starts_with("events")
}

/// The writes and requests that a story takes without a crash.
async fn points(story: impl Story) -> Vec<Point> {
    let mut world = story.prepared().await;
    let writes_before = world.api.writes(OPERATOR).len();
    let before = REQUESTS.map(|operation| world.issuer.count(operation));
    let seconds = story.play(&mut world).await;
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

/// Runs until the operator stands at `point`, or until the story is over.
async fn stand_at(point: Point, world: &mut World, story: impl Story) -> bool {
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
            let seconds = story.play(world).await;
            let reached =
                tokio::time::timeout(std::time::Duration::from_secs(seconds + 60), stop.reached())
                    .await;
            reached.is_ok()
        }
        Point::Request(operation, nth, moment) => {
            let mut hold = world.issuer.hold(operation, nth, moment);
            let seconds = story.play(world).await;
            let reached =
                tokio::time::timeout(std::time::Duration::from_secs(seconds + 60), hold.reached())
                    .await;
            reached.is_ok()
        }
    }
}

/// Plays the story once for each point at which the operator can die, of which there are `at_least` so
/// many.
pub(crate) async fn dies_everywhere(story: impl Story, at_least: usize) {
    let points = points(story).await;
    assert!(
        points.len() >= at_least,
        "only {} points: {points:?}",
        points.len()
    );
    for point in points {
        let telling = format!("{story:?} with a crash at {point:?}");
        let mut world = story.prepared().await;
        assert!(
            stand_at(point, &mut world, story).await,
            "{telling}: never reached"
        );
        world.crash().await;
        world.api.clear_faults();
        story.holds(&world, &telling);
        world.start();
        for _ in 0..15 {
            world.pass(20).await;
            story.holds(&world, &telling);
        }
        story.ends_well(&world, &telling);
    }
}
