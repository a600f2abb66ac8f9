//! The storm: an operator that is killed again and again while answers get lost and every token rotates.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use serde_json::json;

use super::super::row;
use super::shown::{Shown, Token};
use super::size::Scale;
use super::world::{World, name};

/// More requests than the issuers get in a storm of an hour.
const REQUESTS: u32 = 20_000;
/// After the storm nobody helps, and all is as it should be within this.
const CALM: Duration = Duration::from_secs(180);

/// What was seen while it lasted.
#[derive(Debug, Default)]
struct Seen {
    kills: usize,
    samples: usize,
    dead: usize,
}

pub(super) async fn measure(scale: &Scale) -> Result<()> {
    let tokens = scale.tokens.unwrap_or(100);
    // Each is rotated every twenty seconds, and the former one lives some seconds more.
    let spec = json!({ "lifetime": "60s", "renewBefore": "40s", "overlap": "6s" });
    let mut world = World::start(scale, &spec).await?;
    world.run_operator().await?;
    let shown = Shown::watch(&world.client);
    world.create(tokens).await?;
    let ready = |all: &[Token]| all.len() == tokens && all.iter().all(|t| t.ready);
    shown.until("all to be Ready", CALM, ready).await?;
    for place in &world.places {
        place.sandbox.lose_one_in_twenty(REQUESTS).await?;
    }

    let seen = storm(&mut world, tokens, Duration::from_secs(scale.minutes * 60)).await?;
    let lost = lost(&world).await?;
    for place in &world.places {
        place.sandbox.clear_faults().await?;
    }
    // From here on nothing rotates any more, and what is left over can be counted.
    let calm =
        json!({ "spec": { "token": { "lifetime": "90d" }, "rotation": { "renewBefore": "30d" } } });
    world.patch(tokens, &calm).await?;
    let settled = shown
        .until("all to be well by themselves", CALM, |all: &[Token]| {
            all.iter().all(|t| t.ready && t.retiring == 0)
        })
        .await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    let live = world.live().await?;
    let need_help = shown.now().iter().filter(|token| !token.ready).count();

    row(
        "minutes, kills, lost answers",
        &format!("{}, {}, {lost}", scale.minutes, seen.kills),
        "",
    );
    row(
        "alive at the end, of as many objects",
        &format!("{live} of {tokens}"),
        "as many",
    );
    row("leaked", &live.saturating_sub(tokens).to_string(), "0");
    row(
        "samples that did not authenticate",
        &format!("{} of {}", seen.dead, seen.samples),
        "0",
    );
    row("objects that need a person", &need_help.to_string(), "0");
    settled
}

async fn lost(world: &World) -> Result<u64> {
    let mut lost: u64 = 0;
    for place in &world.places {
        lost = lost.saturating_add(place.sandbox.faults_met().await?);
    }
    Ok(lost)
}

async fn storm(world: &mut World, tokens: usize, lasts: Duration) -> Result<Seen> {
    let (begun, mut seen) = (Instant::now(), Seen::default());
    while begun.elapsed() < lasts {
        let pause = Duration::from_millis(3_000 + (seen.kills as u64 * 700) % 2_000);
        let again = Instant::now() + pause;
        while Instant::now() < again {
            let number = seen.samples * 37 % tokens;
            seen.samples += 1;
            seen.dead += usize::from(!lives(world, number).await?);
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        world.kill_operator().await?;
        world.run_operator().await?;
        seen.kills += 1;
    }
    Ok(seen)
}

/// Whether the value in a Secret authenticates, asked as a program that reads it anew would.
async fn lives(world: &World, number: usize) -> Result<bool> {
    let at = number % world.places.len();
    let place = world.places.get(at).context("no such place")?;
    let api: Api<Secret> = Api::namespaced(world.client.clone(), &place.namespace);
    let secret = api.get(&name(number)).await.context("no Secret")?;
    let value = secret.data.as_ref().and_then(|data| data.get("secret_key"));
    let value = value.context("a Secret without its value")?;
    let value = String::from_utf8(value.0.clone())?;
    ensure!(!value.is_empty(), "a Secret with an empty value");
    place.authenticates(&value).await
}
