//! How often an issuer is listed whose list has pages: once for all ApiTokens, however many rotate.

use std::time::Duration;

use kube::api::{DeleteParams, ListParams};
use serde_json::json;
use tokenwright_client::memory::Fault as Slow;
use tokenwright_client::{MemorySettings, Operation, Rate};

use crate::world::World;

const TOKENS: u32 = 200;
const ON_A_PAGE: u32 = 50;
/// Of a listing of all tokens that live when none is being replaced.
const PAGES: u32 = TOKENS / ON_A_PAGE;
const HOUR: u64 = 3_600;

/// How many pages were asked for while this passed.
async fn pages_in(world: &World, seconds: u64) -> u32 {
    let before = world.issuer.count(Operation::List);
    world.pass(seconds).await;
    world.issuer.count(Operation::List) - before
}

/// Two hundred tokens that were rolled out and are listed every ten minutes.
async fn rolled_out() -> World {
    let mut world = World::with(MemorySettings {
        on_a_page: Some(ON_A_PAGE as usize),
        ..MemorySettings::default()
    })
    .await;
    world.documented = Some(Rate {
        per_minute: 1_200,
        concurrency: 8,
    });
    for n in 0..TOKENS {
        let name = format!("ci-{n}");
        let wish = json!({ "rotation": { "overlap": "1h" }, "secret": { "name": name } });
        world.ask_as(&name, wish).await;
    }
    world.start();
    world.pass(HOUR).await;
    assert_eq!(world.issuer.live().len(), TOKENS as usize);
    world
}

#[tokio::test(start_paused = true)]
async fn at_rest_a_list_of_pages_is_read_once_in_each_recheck_for_all_tokens_together() {
    let world = rolled_out().await;
    assert_eq!(pages_in(&world, HOUR).await, 6 * PAGES);
}

#[tokio::test(start_paused = true)]
async fn a_restart_reads_the_list_once_for_all_tokens_together() {
    let mut world = rolled_out().await;
    world.crash().await;
    world.start();
    assert_eq!(pages_in(&world, 300).await, PAGES);
}

/// Named exceptions from the rest: what is revoked is seen to be gone in listings of its own, which all that
/// were revoked within five seconds share.
#[tokio::test(start_paused = true)]
async fn a_wave_of_rotations_reads_no_list_for_itself_and_its_revokes_share_theirs() {
    let world = rolled_out().await;
    for n in 0..TOKENS {
        let wish = json!({ "spec": { "rotation": { "trigger": "wave" } } });
        world.change_as(&format!("ci-{n}"), wish).await;
    }
    // Four hundred requests at twenty in a second; there are twice as many tokens, and pages, afterwards.
    let rotating = pages_in(&world, 3_000).await;
    assert_eq!(world.issuer.live().len(), 2 * TOKENS as usize);
    assert!(
        rotating <= 5 * 2 * PAGES,
        "{rotating} pages while they rotate"
    );
    let begun = world.clock.now();
    let revoking = pages_in(&world, 1_800).await;
    assert_eq!(world.issuer.live().len(), TOKENS as usize);
    let revoked = world.issuer.revoked();
    let at = revoked.iter().filter_map(|token| token.revoked_at);
    let last = at.max().unwrap();
    // One of each five seconds in which something was revoked, and those of rechecks.
    let first = revoked
        .iter()
        .filter_map(|token| token.revoked_at)
        .min()
        .unwrap();
    assert!(first > begun, "{first}");
    let seconds = u32::try_from(last.duration_since(first).as_secs()).unwrap();
    let listings = seconds / 5 + 2 + 3;
    let most = listings * 2 * PAGES;
    assert!(
        revoking <= most,
        "{revoking} pages, and {most} are {listings} listings"
    );
    // At rest again.
    assert_eq!(pages_in(&world, HOUR).await, 6 * PAGES);
}

/// A page that takes two seconds, as where the rate of the issuer is low.
#[tokio::test(start_paused = true)]
async fn listings_that_nobody_waits_for_take_a_twentieth_of_the_time_and_those_of_a_deletion_come_at_once()
 {
    const SECONDS_A_PAGE: u32 = 2;
    let world = rolled_out().await;
    world.issuer.hook(|request, _| {
        let slow = Slow::Delay(Duration::from_secs(SECONDS_A_PAGE.into()));
        (request.operation == Operation::List).then_some(slow)
    });
    // One after the other, so that their ends, an hour later, are, too.
    for n in 0..TOKENS {
        let wish = json!({ "spec": { "rotation": { "trigger": "one by one" } } });
        world.change_as(&format!("ci-{n}"), wish).await;
        world.pass(9).await;
    }
    world.pass(HOUR - 9 * u64::from(TOKENS)).await;
    let seconds = 9 * TOKENS;
    let pages = pages_in(&world, seconds.into()).await;
    // The first one, which was made before they took long, and the last one are beside it.
    let most = seconds / 20 / SECONDS_A_PAGE + 2 * 2 * PAGES;
    assert!(
        pages <= most,
        "{pages} pages, and {most} are a twentieth of the time"
    );
    assert_eq!(world.issuer.live().len(), TOKENS as usize);

    let now = DeleteParams::default();
    let _deleted = world.tokens().delete("ci-0", &now).await.unwrap();
    world.pass(30).await;
    let left = world.tokens().get_opt("ci-0").await.unwrap();
    assert!(left.is_none(), "its end was waited for: {left:?}");
    // What was revoked before is seen to be gone in a listing that is due anyway.
    world.pass(HOUR).await;
    let all = world.tokens().list(&ListParams::default()).await.unwrap();
    let open = all.iter().filter(|token| {
        let status = token.status.as_ref();
        status.is_some_and(|status| !status.retiring.is_empty() || !status.revokes.is_empty())
    });
    assert_eq!(open.count(), 0);
}
