//! SIGKILL while each request is on its way: of the provider, of Terraform, of both. A plain apply heals it.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;

use super::{
    ADDRESS, APPLY, actions, apply, apply_plan, consumed, every_living_token_is_named, has_all,
    held, living, trigger,
};
use crate::support::processes::{kill, providers, runs};
use crate::support::{CI, World, reached, seconds, until};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Provider,
    Core,
    Both,
}

/// So long nothing is written beside a request that hangs.
const QUIET: Duration = Duration::from_millis(1500);

const VICTIMS: [Victim; 3] = [Victim::Provider, Victim::Core, Victim::Both];

/// A request that has taken effect, or never will.
#[derive(Debug, Clone, Copy)]
struct Point {
    operation: &'static str,
    took_effect: bool,
}

const BEFORE_THE_MINT: Point = Point {
    operation: "mint",
    took_effect: false,
};
const AFTER_THE_MINT: Point = Point {
    operation: "mint",
    took_effect: true,
};
const IN_THE_PROOF: Point = Point {
    operation: "check",
    took_effect: true,
};
const BEFORE_THE_REVOKE: Point = Point {
    operation: "revoke",
    took_effect: false,
};
const AFTER_THE_REVOKE: Point = Point {
    operation: "revoke",
    took_effect: true,
};

/// Runs Terraform up to this point, and no further.
async fn dies(world: &World, args: &[&str], at: Point, victim: Victim) {
    let effect = match at.took_effect {
        true => json!({ "latency_ms": 60_000 }),
        false => json!({ "hang": true }),
    };
    let fault = world.fault(json!({ "operation": at.operation, "count": 1 }), effect);
    let first = !world.path("terraform.tfstate").exists();
    let mut terraform = world.spawn(args);
    until(&format!("{at:?} is reached"), || world.waiting(fault) == 1).await;
    // A core that is killed while it writes its state leaves an empty file, whatever the provider does.
    let mut quiet = Quiet::default();
    until("the core has written what it did", || {
        first || quiet.since(world)
    })
    .await;
    let all = providers(&terraform);
    // The core first: the end of its provider is what it writes down.
    if victim != Victim::Provider {
        kill(terraform.id().unwrap());
    }
    if victim != Victim::Core {
        all.iter().copied().for_each(kill);
    }
    terraform.wait().await.unwrap();
    until("nothing of it runs any more", || {
        !all.iter().copied().any(runs)
    })
    .await;
    world.sandbox.faults().clear();
    let _ = std::fs::remove_file(world.path(".terraform.tfstate.lock.info"));
}

/// Whether a core is done with its state: Terraform writes it with each step, the end of the consumer beside
/// the mint or before the revoke among them, and OpenTofu seldom.
#[derive(Debug, Default)]
struct Quiet {
    text: String,
    since: Option<Instant>,
}

impl Quiet {
    fn since(&mut self, world: &World) -> bool {
        let text = std::fs::read_to_string(world.path("terraform.tfstate")).unwrap();
        if self.since.is_none() || text != self.text {
            (self.text, self.since) = (text, Some(Instant::now()));
        }
        let whole = serde_json::from_str::<serde_json::Value>(&self.text).is_ok();
        let quiet = self.since.is_some_and(|since| since.elapsed() > QUIET);
        whole && (quiet || !self.text.contains("\"terraform_data\""))
    }
}

/// All victims at one point, side by side.
async fn at<F: Future<Output = ()>>(point: Point, script: impl Fn(Point, Victim) -> F) {
    join_all(VICTIMS.map(|victim| script(point, victim))).await;
}

/// What is planned for the token.
async fn plans(world: &World, what: &str) {
    world.plan().await;
    assert_eq!(actions(world).await[ADDRESS], what);
}

async fn create(at: Point, victim: Victim) {
    let world = World::new(86_400.0, &consumed(CI)).await;
    dies(&world, &APPLY, at, victim).await;
    plans(&world, "create").await;
    world.apply().await;
    assert!(world.works(&held(&world)).await);
    // What was left is seen by the refresh after the create.
    apply(&world).await;
    let state = has_all(&world).await;
    // What it left is a person's, and was named; a destroy leaves it, and says so.
    let ran = world.destroy().await;
    let left = living(&world);
    assert!(left.len() <= 1, "{left:?}");
    for life in left {
        assert!(state["orphans"].to_string().contains(&life.id), "{state}");
        ran.warns(&["stay alive", &life.id]);
        assert!(
            at.took_effect && victim != Victim::Core,
            "{at:?} {victim:?}"
        );
    }
}

/// A world whose requests wait until the core is done with its state.
async fn patient(resource: &str) -> World {
    let mut world = World::new(86_400.0, resource).await;
    world.issuer = world.issuer.replace("\"2s\"", "\"8s\"");
    world.configure(resource);
    world
}

async fn rotate(at: Point, victim: Victim) {
    let world = patient(&consumed(&trigger(1, ""))).await;
    apply(&world).await;
    let first = world.state().await;
    world.configure(&consumed(&trigger(2, "")));
    dies(&world, &APPLY, at, victim).await;
    assert!(world.works(&first["value"]).await, "{at:?} {victim:?}");
    plans(&world, "update").await;
    apply_plan(&world).await;
    let second = has_all(&world).await;
    assert_ne!(first["value"], second["value"]);
    assert!(world.works(&first["value"]).await, "the overlap runs");
    world.destroy().await;
    world.nothing_lives();
}

/// A rotation within the overlap of the one before ends the oldest token.
async fn rotate_on(at: Point, victim: Victim) {
    let world = patient("").await;
    for n in [1, 2] {
        world.configure(&consumed(&trigger(n, "")));
        apply(&world).await;
    }
    let former = has_all(&world).await;
    world.configure(&consumed(&trigger(3, "")));
    dies(&world, &APPLY, at, victim).await;
    assert!(world.works(&former["value"]).await, "{at:?} {victim:?}");
    plans(&world, "update").await;
    apply_plan(&world).await;
    let third = has_all(&world).await;
    assert_ne!(third["value"], former["value"]);
    assert!(world.works(&former["value"]).await, "the overlap runs");
    assert!(!living(&world).contains(&world.lives()[0]), "the oldest");
    world.destroy().await;
    world.nothing_lives();
}

async fn destroy(at: Point, victim: Victim) {
    let world = patient(&consumed(CI)).await;
    apply(&world).await;
    // An absence is believed once a listing must show the token: ten seconds after its mint.
    reached(&world.state().await["created_at"]).await;
    seconds(10.2).await;
    let args = ["destroy", "-auto-approve", "-no-color"];
    dies(&world, &args, at, victim).await;
    let state = world.state().await;
    if !state.is_null() {
        every_living_token_is_named(&world, &state);
    }
    let ended = at.took_effect;
    plans(
        &world,
        match () {
            () if state.is_null() => "create",
            () if ended => "update",
            () => "no-op",
        },
    )
    .await;
    apply_plan(&world).await;
    has_all(&world).await;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_killed_before_its_mint_is_healed_by_a_plain_apply() {
    at(BEFORE_THE_MINT, create).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_killed_after_its_mint_is_healed_by_a_plain_apply() {
    at(AFTER_THE_MINT, create).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_killed_while_its_value_is_proven_is_healed_by_a_plain_apply() {
    at(IN_THE_PROOF, create).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_killed_before_its_mint_is_healed_by_a_plain_apply() {
    at(BEFORE_THE_MINT, rotate).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_killed_after_its_mint_is_healed_by_a_plain_apply() {
    at(AFTER_THE_MINT, rotate).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_killed_while_its_value_is_proven_is_healed_by_a_plain_apply() {
    at(IN_THE_PROOF, rotate).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_killed_while_it_ends_an_older_token_is_healed_by_a_plain_apply() {
    at(BEFORE_THE_REVOKE, rotate_on).await;
    at(AFTER_THE_REVOKE, rotate_on).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_killed_before_its_revoke_is_healed_by_a_plain_apply() {
    at(BEFORE_THE_REVOKE, destroy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_killed_after_its_revoke_is_healed_by_a_plain_apply() {
    at(AFTER_THE_REVOKE, destroy).await;
}
