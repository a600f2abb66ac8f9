//! What one tenant's issuer and crowd take from another tenant: nothing that can be measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tokenwright_api::ApiToken;
use tokenwright_client::memory::{Fault, MintedToken};
use tokenwright_client::{ErrorKind, Operation, Rate};

use crate::world::{NAMESPACE, TOKENS, World};

pub(crate) const NEIGHBOUR: &str = "team-b";
/// More of those that are none.
const OTHERS: [&str; 11] = [
    "team-c", "team-d", "team-e", "team-f", "team-g", "team-h", "team-i", "team-j", "team-k",
    "team-l", "team-m",
];
pub(crate) const VERSION: &str = "tokenwright.dev/v1alpha1";

/// Another tenant, with an issuer and a credential of its own, and a token that is due soon.
pub(crate) async fn neighbour(world: &World) {
    let namespace = json!({ "metadata": { "name": NEIGHBOUR } });
    world.make("v1", "Namespace", namespace).await;
    let metadata = |name: &str| json!({ "name": name, "namespace": NEIGHBOUR });
    // The text chooses an account at the issuer: this one does not hang.
    let secret =
        json!({ "metadata": metadata("credential"), "stringData": { "token": "elsewhere" } });
    world.make("v1", "Secret", secret).await;
    let spec =
        json!({ "profile": "memory", "credential": { "secretRef": { "name": "credential" } } });
    let issuer = json!({ "metadata": metadata("issuer"), "spec": spec });
    world.make(VERSION, "TokenIssuer", issuer).await;
    let spec = json!({
        "issuerRef": { "name": "issuer" },
        "token": { "name": "ci", "lifetime": DUE_SOON[0] },
        "rotation": { "renewBefore": DUE_SOON[1], "overlap": "30s" },
        "secret": { "name": "ci-token" },
    });
    let token = json!({ "metadata": metadata("ci"), "spec": spec });
    world.make(VERSION, "ApiToken", token).await;
}

/// One issuer for this tenant and that, and the same token of the neighbour's.
async fn shared() -> World {
    let mut names = vec![NAMESPACE, NEIGHBOUR];
    names.extend(OTHERS);
    shared_as(json!([{ "namespaces": { "names": names } }])).await
}

async fn shared_as(allow: Value) -> World {
    let world = World::new().await;
    for name in OTHERS.into_iter().chain([NEIGHBOUR]) {
        let namespace = json!({ "metadata": { "name": name } });
        world.make("v1", "Namespace", namespace).await;
    }
    let metadata = json!({ "name": "shared-credential", "namespace": "default" });
    let secret = json!({ "metadata": metadata, "stringData": { "token": "right" } });
    world.make("v1", "Secret", secret).await;
    let settings = json!({ "profile": "memory" });
    world.cluster_issuer("shared", settings, allow).await;
    world
}

fn of_shared() -> Value {
    json!({ "kind": "ClusterTokenIssuer", "name": "shared" })
}

/// How long a token of the neighbour's lives, and when it is replaced: while what hangs for half a minute has
/// begun, and not when it ends.
const DUE_SOON: [&str; 2] = ["250s", "2m"];

async fn neighbour_of_shared(world: &World, [lifetime, before]: [&str; 2]) {
    let spec = json!({
        "issuerRef": of_shared(),
        "token": { "name": "ci", "lifetime": lifetime },
        "rotation": { "renewBefore": before, "overlap": "30s" },
        "secret": { "name": "ci-token" },
    });
    let metadata = json!({ "name": "ci", "namespace": NEIGHBOUR });
    let token = json!({ "metadata": metadata, "spec": spec });
    world.make(VERSION, "ApiToken", token).await;
}

async fn ask_shared(world: &World, name: &str, token: &str) {
    let token = json!({ "name": token, "lifetime": "30d" });
    let wish = json!({ "issuerRef": of_shared(), "token": token, "secret": { "name": name } });
    world.ask_as(name, wish).await;
}

fn served(world: &World) -> ApiToken {
    let object = world.api.snapshot(TOKENS, NEIGHBOUR, "ci");
    serde_json::from_value(object.unwrap_or(Value::Null)).unwrap()
}

/// Five minutes in which the neighbour rotates, on time.
pub(crate) async fn rotates_on_time(world: &World) {
    world.pass(30).await;
    let mut revisions = Vec::new();
    let mut latest = SignedDuration::ZERO;
    for _ in 0..(5 * 6) {
        let current = served(world).status.and_then(|status| status.current);
        let current = current.expect("the neighbour has no token");
        let late = world.clock.now().duration_since(current.renew_at.unwrap());
        latest = latest.max(late);
        revisions.push(current.revision);
        world.pass(10).await;
    }
    revisions.dedup();
    assert!(
        revisions.len() >= 3,
        "rotations in five minutes: {revisions:?}"
    );
    assert!(
        latest <= SignedDuration::from_secs(10),
        "the neighbour rotated {latest:?} late"
    );
}

/// How many ApiTokens have none yet.
fn waiting(world: &World) -> usize {
    let all = world.api.snapshots(TOKENS);
    let waits = |token: &&Value| token["status"]["current"].is_null();
    all.iter().filter(waits).count()
}

const HANGS: Duration = Duration::from_secs(30);

#[tokio::test(start_paused = true)]
async fn a_rotation_is_on_time_while_another_tenant_s_issuer_hangs_with_five_thousand_waiting() {
    let mut world = World::new().await;
    world.issuer.hook(|_, _| Some(Fault::Delay(HANGS)));
    for n in 0..5_000 {
        let changes = json!({ "secret": { "name": format!("ci-{n}") } });
        world.ask_as(&format!("ci-{n}"), changes).await;
    }
    neighbour(&world).await;
    world.start_everywhere();
    rotates_on_time(&world).await;
    assert!(waiting(&world) > 4_900, "nobody waited");
}

/// Each issuer has a rate of its own: a tenant who writes a hundred of them has a hundred.
#[tokio::test(start_paused = true)]
async fn a_rotation_is_on_time_while_a_hundred_issuers_of_another_tenant_hang() {
    let mut world = World::new().await;
    world.issuer.hook(|_, _| Some(Fault::Delay(HANGS)));
    for n in 0..100 {
        let name = format!("crowd-{n}");
        world.issuer_as(&name, json!({ "recheck": "60s" })).await;
        let changes = json!({ "issuerRef": { "name": name }, "secret": { "name": name } });
        world.ask_as(&name, changes).await;
    }
    neighbour(&world).await;
    world.start_everywhere();
    rotates_on_time(&world).await;
}

/// Of the issuer and of its credential; the tests of the gate try all that there are.
const FAILURES: [ErrorKind; 2] = [ErrorKind::Unavailable, ErrorKind::Unauthenticated];

/// Of the wish alone.
const REFUSALS: [ErrorKind; 4] = [
    ErrorKind::Forbidden,
    ErrorKind::Invalid,
    ErrorKind::LimitReached,
    ErrorKind::RateLimited { retry_after: None },
];

#[tokio::test(start_paused = true)]
async fn a_rotation_is_on_time_while_wishes_of_another_tenant_make_the_shared_issuer_fail() {
    for failure in FAILURES.into_iter().chain(REFUSALS) {
        let mut world = shared().await;
        world.issuer.hook(move |request, _| {
            let name = request.name.as_deref().unwrap_or_default();
            let fails = request.operation == Operation::Mint && name.starts_with("poison");
            fails.then_some(Fault::Refuse(failure))
        });
        for n in 0..12 {
            ask_shared(&world, &format!("poison-{n}"), "poison").await;
        }
        neighbour_of_shared(&world, DUE_SOON).await;
        world.start_everywhere();
        rotates_on_time(&world).await;
        let ready = world.shown_of("clustertokenissuers", "", "shared", "Ready");
        assert!(ready.starts_with("True: Ready"), "{failure:?}: {ready}");
        assert_eq!(waiting(&world), 12, "{failure:?}");
        // Each of them waits longer and longer by itself.
        world.pass(1_800).await;
        let before = world.issuer.requests().len();
        world.pass(1_800).await;
        let asked = world.issuer.requests().len() - before;
        assert!(
            asked <= 500,
            "{failure:?}: {asked} requests in half an hour"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_answers_nobody_is_paused_for_all_tenants_at_the_first_failures() {
    for failure in FAILURES {
        let mut world = shared().await;
        neighbour_of_shared(&world, DUE_SOON).await;
        world.start_everywhere();
        world.pass(30).await;
        assert!(served(&world).status.unwrap().current.is_some());
        world.issuer.outage(Some(failure));
        for n in 0..40 {
            ask_shared(&world, &format!("ci-{n}"), "ci").await;
        }
        let before = world.issuer.requests().len();
        world.pass(60).await;
        let first = world.issuer.requests().len() - before;
        assert!(first <= 40, "{failure:?}: {first} requests in a minute");
        world.pass(1_140).await;
        let asked = world.issuer.requests().len() - before;
        assert!(
            asked <= 60,
            "{failure:?}: {asked} requests in twenty minutes"
        );
        let ready = world.shown_of("clustertokenissuers", "", "shared", "Ready");
        assert!(ready.starts_with("False"), "{failure:?}: {ready}");
        world.issuer.calm();
        world.pass(900).await;
        assert_eq!(waiting(&world), 0, "{failure:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotation_is_on_time_while_wishes_of_other_tenants_hang_at_the_shared_issuer() {
    // One, and as many as there are slots.
    let all = [&[NAMESPACE][..], &OTHERS[..3]].concat();
    for hostile in [&all[..1], &all] {
        let mut world = shared().await;
        world.issuer.hook(|request, _| {
            let name = request.name.as_deref().unwrap_or_default();
            name.starts_with("poison").then_some(Fault::Delay(HANGS))
        });
        for n in 0..60 {
            for namespace in hostile {
                let name = format!("poison-{n}");
                let token = json!({ "name": "poison", "lifetime": "30d" });
                let spec =
                    json!({ "issuerRef": of_shared(), "token": token, "secret": { "name": name } });
                let metadata = json!({ "name": name, "namespace": namespace });
                let token = json!({ "metadata": metadata, "spec": spec });
                world.make(VERSION, "ApiToken", token).await;
            }
        }
        neighbour_of_shared(&world, DUE_SOON).await;
        world.start_everywhere();
        // Each of them gets the last slot once, until it is known for keeping it.
        world.pass(90).await;
        rotates_on_time(&world).await;
        assert!(waiting(&world) > 10, "nobody waited");
    }
}

/// A tenant whose tokens are listed each by itself, and the neighbour, whose are listed without parameters.
async fn shared_beside_listings() -> World {
    shared_as(json!([
        { "namespaces": { "names": [NAMESPACE] }, "parameters": { "team": ["ci-*"] } },
        { "namespaces": { "names": [NEIGHBOUR] } },
    ]))
    .await
}

async fn ask_listed_alone(world: &World, name: &str) {
    let token = json!({ "name": "crowd", "parameters": { "team": name }, "lifetime": "30d" });
    let wish = json!({ "issuerRef": of_shared(), "token": token, "secret": { "name": name } });
    world.ask_as(name, wish).await;
}

/// Three mints and a listing are as many as there are slots.
#[tokio::test(start_paused = true)]
async fn a_rotation_is_on_time_while_listings_hang_that_another_tenant_chooses() {
    let mut world = shared_beside_listings().await;
    world.documented = Some(Rate {
        per_minute: 1_200,
        concurrency: 4,
    });
    world.issuer.hook(|request, _| {
        let name = request.name.as_deref().unwrap_or_default();
        let chosen = name.starts_with("crowd") || !request.listed_with.is_empty();
        chosen.then_some(Fault::Delay(HANGS))
    });
    for n in 0..60 {
        ask_listed_alone(&world, &format!("ci-{n}")).await;
    }
    neighbour_of_shared(&world, DUE_SOON).await;
    world.start_everywhere();
    rotates_on_time(&world).await;
    let requests = world.issuer.requests();
    let hang = |what| {
        let hung = requests.iter().filter(|request| request.fault.is_some());
        hung.filter(|request| request.operation == what).count()
    };
    let (mints, listings) = (hang(Operation::Mint), hang(Operation::List));
    assert!(mints >= 10 && listings >= 5, "{mints} and {listings}");
}

/// Listings that are answered keep no slot, but each takes a part of the rate.
#[tokio::test(start_paused = true)]
async fn an_orphan_ends_soon_while_hundreds_of_listings_of_another_tenant_wait() {
    let mut world = shared_beside_listings().await;
    world.documented = Some(Rate {
        per_minute: 6_000,
        concurrency: 8,
    });
    for n in 0..200 {
        ask_listed_alone(&world, &format!("ci-{n}")).await;
    }
    world.start_everywhere();
    world.pass(60).await;
    assert_eq!(waiting(&world), 0);
    // After a start each is listed anew, and where nobody says otherwise one request is sent each second.
    world.crash().await;
    world.documented = None;
    world.start_everywhere();
    world.pass(10).await;
    world.issuer.fault(Operation::Mint, Fault::LoseAnswer);
    neighbour_of_shared(&world, DUE_SOON).await;
    world.pass(120).await;
    assert_eq!(world.issuer.minted().len(), 202);
    assert_eq!(world.issuer.live().len(), 201);
}

/// At the least rate there is never room for two requests, and each listing is wanted again before all are done.
#[tokio::test(start_paused = true)]
async fn a_token_is_replaced_before_it_ends_at_a_request_a_minute_while_another_tenant_s_listings_wait()
 {
    let mut world = shared_beside_listings().await;
    world.documented = Some(Rate {
        per_minute: 6_000,
        concurrency: 8,
    });
    for n in 0..60 {
        ask_listed_alone(&world, &format!("ci-{n}")).await;
    }
    neighbour_of_shared(&world, ["3h", "2h"]).await;
    world.start_everywhere();
    world.pass(60).await;
    assert_eq!(waiting(&world), 0);
    world.crash().await;
    world.documented = Some(Rate {
        per_minute: 1,
        concurrency: 4,
    });
    world.start_everywhere();
    world.pass(2 * 3_600).await;
    let current = served(&world).status.and_then(|status| status.current);
    let replaced = current.is_some_and(|current| current.revision >= 2);
    assert!(replaced, "the neighbour waits");
}

/// Turns that are served take their part of the rate as well, and listings have but a share of it.
#[tokio::test(start_paused = true)]
async fn an_orphan_ends_soon_while_hundreds_of_turns_of_another_tenant_wait() {
    let mut world = shared().await;
    let lost = AtomicBool::new(false);
    world.issuer.hook(move |request, _| {
        let own = request
            .name
            .as_deref()
            .unwrap_or_default()
            .starts_with("ci");
        let lose = own && request.operation == Operation::Mint;
        (lose && !lost.swap(true, Ordering::Relaxed)).then_some(Fault::LoseAnswer)
    });
    for n in 0..400 {
        ask_shared(&world, &format!("crowd-{n}"), "crowd").await;
    }
    world.start_everywhere();
    world.pass(10).await;
    neighbour_of_shared(&world, DUE_SOON).await;
    world.pass(120).await;
    let own = |all: Vec<MintedToken>| {
        let own = |one: &MintedToken| {
            one.token
                .name
                .as_deref()
                .unwrap_or_default()
                .starts_with("ci")
        };
        all.into_iter().filter(own).count()
    };
    assert_eq!(own(world.issuer.minted()), 2);
    assert_eq!(own(world.issuer.live()), 1);
    assert!(waiting(&world) > 200, "nobody waited");
}

/// So many tokens of each of these tenants, of which each is due every minute.
async fn crowd_that_rotates(world: &World, namespaces: &[&str], each: usize) {
    for namespace in namespaces {
        for n in 0..each {
            let name = format!("crowd-{n}");
            let spec = json!({
                "issuerRef": of_shared(),
                "token": { "name": "crowd", "lifetime": "5m" },
                "rotation": { "renewBefore": "4m", "overlap": "10s" },
                "secret": { "name": name },
            });
            let metadata = json!({ "name": name, "namespace": namespace });
            let token = json!({ "metadata": metadata, "spec": spec });
            world.make(VERSION, "ApiToken", token).await;
        }
    }
}

/// Each answer comes a second before it would be long by itself, and three slots in four are never free.
#[tokio::test(start_paused = true)]
async fn a_rotation_is_on_time_while_those_of_many_tenants_are_answered_after_nine_seconds() {
    let mut world = shared().await;
    world.documented = Some(Rate {
        per_minute: 6_000,
        concurrency: 4,
    });
    let slow = Arc::new(AtomicBool::new(false));
    let is_slow = Arc::clone(&slow);
    world.issuer.hook(move |request, _| {
        let crowd = request
            .name
            .as_deref()
            .unwrap_or_default()
            .starts_with("crowd");
        let slow = crowd && is_slow.load(Ordering::Relaxed);
        slow.then_some(Fault::Delay(Duration::from_secs(9)))
    });
    crowd_that_rotates(&world, &[&[NAMESPACE][..], &OTHERS].concat(), 5).await;
    neighbour_of_shared(&world, DUE_SOON).await;
    world.start_everywhere();
    world.pass(30).await;
    assert_eq!(waiting(&world), 0);
    slow.store(true, Ordering::Relaxed);
    // Each of them gets the last slot twice, until it is known for keeping it.
    world.pass(150).await;
    rotates_on_time(&world).await;
}

/// All together need several times the rate.
#[tokio::test(start_paused = true)]
async fn a_first_token_comes_soon_while_rotations_of_other_tenants_need_more_than_the_rate() {
    let mut world = shared().await;
    world.documented = Some(Rate {
        per_minute: 6_000,
        concurrency: 8,
    });
    // As many tenants as there are slots: of one, the last slot would be left to the neighbour.
    crowd_that_rotates(&world, &[&[NAMESPACE][..], &OTHERS[..3]].concat(), 25).await;
    world.start_everywhere();
    world.pass(30).await;
    assert_eq!(waiting(&world), 0);
    world.crash().await;
    world.documented = None;
    world.start_everywhere();
    world.pass(60).await;
    neighbour_of_shared(&world, DUE_SOON).await;
    world.pass(60).await;
    let current = served(&world).status.and_then(|status| status.current);
    assert!(current.is_some(), "the neighbour waits");
}
