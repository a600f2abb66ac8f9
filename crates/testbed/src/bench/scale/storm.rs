//! The storm: an operator that is killed again and again while answers get lost and every token rotates.
//! It fails where a token leaked, a value did not authenticate, or a person is needed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt as _};
use serde_json::json;

use super::super::row;
use super::shown::Token;
use super::size::Scale;
use super::world::{World, name};
use crate::clock;

/// More requests than the issuers get in a storm of an hour.
const REQUESTS: u32 = 20_000;
/// After the storm nobody helps, and all is as it should be within this, and a second for each four tokens.
const CALM: Duration = Duration::from_secs(180);
/// Whoever stands still for so long has lost its Lease.
const STILL: Duration = Duration::from_secs(20);
/// Whoever wakes up goes on for a moment with what it was about.
const AWAKE: Duration = Duration::from_secs(2);

/// On a Secret: when its token ends by itself.
const EXPIRES_AT: &str = "tokenwright.dev/expires-at";

/// What was seen while it lasted.
#[derive(Debug, Default)]
struct Seen {
    kills: usize,
    /// How often an operator stood still while another one took its place.
    stills: usize,
    samples: usize,
    /// Values whose token had ended at its own time: nobody could mint the next one early enough.
    expired: usize,
    /// Values whose token somebody ended before its time.
    ended: usize,
}

pub(super) async fn measure(scale: &Scale) -> Result<()> {
    let tokens = scale.tokens.unwrap_or(100);
    // Each is rotated every twenty seconds, or ten each second, and the former one lives some seconds more.
    let every = (tokens / 10).max(20);
    let spec = json!({
        "lifetime": format!("{}s", 3 * every),
        "renewBefore": format!("{}s", 2 * every),
        "overlap": "6s",
    });
    let calm = CALM + Duration::from_secs(tokens as u64 / 4);
    let mut world = World::start(scale, &spec).await?;
    let replicas = scale.replicas.max(1);
    for replica in 0..replicas {
        world.run_operator(replica).await?;
    }
    let shown = world.watch();
    world.create(tokens).await?;
    let ready = |all: &[Token]| all.len() == tokens && all.iter().all(|t| t.ready);
    shown.until("all to be Ready", calm, ready).await?;
    for place in &world.places {
        place.sandbox.lose_one_in_twenty(REQUESTS).await?;
    }

    let lasts = Duration::from_secs(scale.minutes * 60);
    let seen = storm(&mut world, (tokens, replicas), lasts).await?;
    let lost = lost(&world).await?;
    for place in &world.places {
        place.sandbox.clear_faults().await?;
    }
    // From here on nothing rotates any more, and what is left over can be counted.
    let seldom =
        json!({ "spec": { "token": { "lifetime": "90d" }, "rotation": { "renewBefore": "30d" } } });
    world.patch(tokens, &seldom).await?;
    let settled = shown
        .until("all to be well by themselves", calm, |all: &[Token]| {
            all.iter().all(|t| t.ready && t.retiring == 0)
        })
        .await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    let live = world.live().await?;
    let all = shown.now();
    let wanted: BTreeSet<String> = all
        .iter()
        .filter_map(|token| token.current.clone())
        .collect();
    let leaked = live.difference(&wanted).count();
    let need_help = all.iter().filter(|token| !token.ready).count();
    let mut dead = 0_usize;
    for number in 0..tokens {
        let lives = matches!(sampled(&world, number).await?, Sample::Lives);
        dead += usize::from(!lives);
    }

    row(
        "minutes, kills, standstills, lost answers",
        &format!("{}, {}, {}, {lost}", scale.minutes, seen.kills, seen.stills),
        "",
    );
    row(
        "alive at the end, of as many objects",
        &format!("{} of {tokens}", live.len()),
        "as many",
    );
    row(
        "alive, and in no object's status: leaked",
        &leaked.to_string(),
        "0",
    );
    row(
        "samples that did not authenticate",
        &format!(
            "{} of {}, {} of them expired",
            seen.expired + seen.ended,
            seen.samples,
            seen.expired
        ),
        "0",
    );
    row(
        "values that do not authenticate at the end",
        &format!("{dead} of {tokens}"),
        "0",
    );
    row("objects that need a person", &need_help.to_string(), "0");
    settled?;
    ensure!(
        live == wanted && live.len() == tokens,
        "{} tokens live where {tokens} are wanted, {leaked} of them in no object's status",
        live.len()
    );
    ensure!(
        dead == 0,
        "{dead} Secrets hold a value that does not authenticate"
    );
    ensure!(
        seen.expired + seen.ended == 0,
        "a program read a value that did not authenticate"
    );
    ensure!(need_help == 0, "{need_help} objects need a person");
    Ok(())
}

async fn lost(world: &World) -> Result<u64> {
    let mut lost: u64 = 0;
    for place in &world.places {
        lost = lost.saturating_add(place.sandbox.faults_met().await?);
    }
    Ok(lost)
}

async fn storm(
    world: &mut World,
    (tokens, replicas): (usize, usize),
    lasts: Duration,
) -> Result<Seen> {
    let (begun, mut seen) = (Instant::now(), Seen::default());
    while begun.elapsed() < lasts {
        let pause = Duration::from_millis(3_000 + (seen.kills as u64 * 700) % 2_000);
        seen.sample(world, tokens, pause).await?;
        let replica = seen.kills % replicas;
        // Two in six, which are two different ones.
        if replicas > 1 && seen.kills % 6 > 3 {
            world.signal(replica, "STOP").await?;
            seen.sample(world, tokens, STILL).await?;
            world.signal(replica, "CONT").await?;
            seen.sample(world, tokens, AWAKE).await?;
            seen.stills += 1;
        }
        world.kill_operator(replica).await?;
        world.run_operator(replica).await?;
        seen.kills += 1;
    }
    Ok(seen)
}

impl Seen {
    /// Asks for so long whether values authenticate.
    async fn sample(&mut self, world: &World, tokens: usize, lasts: Duration) -> Result<()> {
        let until = Instant::now() + lasts;
        while Instant::now() < until {
            let number = self.samples * 37 % tokens;
            self.samples += 1;
            match sampled(world, number).await? {
                Sample::Lives => {}
                Sample::Expired => self.expired += 1,
                Sample::Ended => self.ended += 1,
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        Ok(())
    }
}

/// What became of a token whose value was read from its Secret.
enum Sample {
    Lives,
    Expired,
    Ended,
}

/// Whether the value in a Secret authenticates, asked as a program that reads it anew would.
async fn sampled(world: &World, number: usize) -> Result<Sample> {
    let at = number % world.places.len();
    let place = world.places.get(at).context("no such place")?;
    let api: Api<Secret> = Api::namespaced(world.client.clone(), &place.namespace);
    let secret = api.get(&name(number)).await.context("no Secret")?;
    let value = secret.data.as_ref().and_then(|data| data.get("secret_key"));
    let value = value.context("a Secret without its value")?;
    let value = String::from_utf8(value.0.clone())?;
    ensure!(!value.is_empty(), "a Secret with an empty value");
    if place.authenticates(&value).await? {
        return Ok(Sample::Lives);
    }
    let end = secret.annotations().get(EXPIRES_AT);
    let end: Option<Timestamp> = end.and_then(|end| end.parse().ok());
    Ok(match end.is_some_and(|end| end <= clock::now()) {
        true => Sample::Expired,
        false => Sample::Ended,
    })
}
