//! SIGKILL while each request is on its way: of the provider, of Terraform, of both. A plain apply heals it.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;
use tokenwright_sandbox::SystemName::{self, Scaleway, Seeme};
use tokenwright_sandbox::ledger::What;

use super::{
    ADDRESS, APPLY, Script, apply, apply_plan, consumed, every_living_token_is_named, has_all,
    held, living, nobodys, trigger,
};
use crate::support::processes::{kill, providers, runs};
use crate::support::{CI, World, reached, seconds, until};

mod beside;

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
    /// The first after one like this; absent is the first of all.
    after: Option<&'static str>,
}

impl Point {
    /// A request that never takes effect.
    const fn before(operation: &'static str) -> Self {
        Self {
            operation,
            took_effect: false,
            after: None,
        }
    }

    /// One that has, unanswered.
    const fn after(operation: &'static str) -> Self {
        Self {
            took_effect: true,
            ..Self::before(operation)
        }
    }

    /// The listing that follows such a request.
    const fn listing_after(operation: &'static str) -> Self {
        Self {
            after: Some(operation),
            ..Self::after("list")
        }
    }
}

/// Runs Terraform up to this point, and no further.
async fn dies(world: &World, args: &[&str], at: Point, victim: Victim) {
    let effect = match at.took_effect {
        true => json!({ "latency_ms": 60_000 }),
        false => json!({ "hang": true }),
    };
    let mut matching = json!({ "operation": at.operation, "count": 1 });
    if at.operation == "list" {
        // A proof is a listing, too.
        matching["by"] = json!("credential");
    }
    let first = !world.path("terraform.tfstate").exists();
    let slow = at.after.map(|operation| {
        world.fault(
            json!({ "operation": operation, "count": 1 }),
            json!({ "latency_ms": 500 }),
        )
    });
    let fault = slow
        .is_none()
        .then(|| world.fault(matching.clone(), effect.clone()));
    let mut terraform = world.spawn(args);
    if let Some(slow) = slow {
        until("what comes before it is asked", || world.waiting(slow) == 1).await;
    }
    let fault = fault.unwrap_or_else(|| world.fault(matching, effect));
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
async fn at<F: Future<Output = ()>>(point: Point, script: impl Fn(SystemName, Point, Victim) -> F) {
    join_all(VICTIMS.map(|victim| script(Seeme, point, victim))).await;
}

/// The token of a world, with this trigger, and its consumers.
fn token(world: &World, n: u32) -> String {
    let token = match world.played.parameter("application_id") {
        Some(application) => format!(
            "  name = \"ci\"\n  lifetime = \"30d\"\n  parameters = {{ application_id = {application:?} }}"
        ),
        None => CI.to_owned(),
    };
    consumed(&format!(
        "{token}\n  rotation = {{ triggers = {{ a = \"{n}\" }} }}"
    ))
}

/// What is planned for the token.
async fn plans(world: &World, what: &str) {
    let planned = world.plan().await.1.planned();
    let of = planned.get(ADDRESS).map_or("no-op", String::as_str);
    assert_eq!(of, what, "{planned:?}");
}

async fn create(system: SystemName, at: Point, victim: Victim) {
    let world = Script::of(system, 86_400.0, "").await;
    world.configure(&token(&world, 1));
    dies(&world, &APPLY, at, victim).await;
    plans(&world, "create").await;
    world.apply().await;
    assert!(world.works(&held(&world)).await);
    // What was left is seen by the refresh after the create.
    apply(&world).await;
    let state = has_all(&world).await;
    // What it left is a person's, and was named; a destroy leaves it, and says so.
    let left = nobodys(&state);
    assert!(left.len() <= 1, "{left:?}");
    let ran = world.ends_beside(&left).await;
    for id in left {
        ran.warns(&["stay alive", &id]);
        assert!(
            at.took_effect && victim != Victim::Core,
            "{at:?} {victim:?}"
        );
    }
}

/// A world whose requests wait until the core is done with its state.
async fn patient(system: SystemName) -> Script {
    let mut world = Script::of(system, 86_400.0, "").await;
    world.issuer = world.issuer.replace("\"2s\"", "\"8s\"");
    world.configure(&token(&world, 1));
    world
}

async fn rotate(system: SystemName, at: Point, victim: Victim) {
    let world = patient(system).await;
    apply(&world).await;
    let first = world.state().await;
    world.configure(&token(&world, 2));
    dies(&world, &APPLY, at, victim).await;
    assert!(world.works(&first["value"]).await, "{at:?} {victim:?}");
    plans(&world, "update").await;
    apply_plan(&world).await;
    let second = has_all(&world).await;
    assert_ne!(first["value"], second["value"]);
    assert!(world.works(&first["value"]).await, "the overlap runs");
    world.ends().await;
}

/// A rotation within the overlap of the one before ends the oldest token.
async fn rotate_on(system: SystemName, at: Point, victim: Victim) {
    let world = patient(system).await;
    for n in [1, 2] {
        world.configure(&token(&world, n));
        apply(&world).await;
    }
    let former = has_all(&world).await;
    world.configure(&token(&world, 3));
    dies(&world, &APPLY, at, victim).await;
    assert!(world.works(&former["value"]).await, "{at:?} {victim:?}");
    plans(&world, "update").await;
    apply_plan(&world).await;
    let third = has_all(&world).await;
    assert_ne!(third["value"], former["value"]);
    assert!(world.works(&former["value"]).await, "the overlap runs");
    assert!(!living(&world).contains(&world.lives()[0]), "the oldest");
    world.ends().await;
}

/// A token is disabled, and enabled again, where the same request does both.
async fn toggle(system: SystemName, at: Point, victim: Victim) {
    let world = patient(system).await;
    apply(&world).await;
    let value = held(&world);
    for enabled in [false, true] {
        let wished = format!("{}\n  enabled = {enabled}", trigger(1, ""));
        world.configure(&consumed(&wished));
        dies(&world, &APPLY, at, victim).await;
        let done = world.works(&value).await == enabled;
        assert_eq!(done, at.took_effect, "{at:?} {victim:?}");
        // What is done is seen by the refresh.
        plans(&world, if done { "no-op" } else { "update" }).await;
        apply_plan(&world).await;
        assert_eq!(world.works(&value).await, enabled, "{at:?} {victim:?}");
    }
    for once in [What::Mint, What::Disable, What::Enable] {
        assert_eq!(world.count(once), 1, "{once:?} {at:?} {victim:?}");
    }
    world.ends().await;
}

async fn destroy(system: SystemName, at: Point, victim: Victim) {
    let world = patient(system).await;
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
    world.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_killed_before_its_mint_is_healed_by_a_plain_apply() {
    at(Point::before("mint"), create).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_killed_after_its_mint_is_healed_by_a_plain_apply() {
    at(Point::after("mint"), create).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_killed_while_its_value_is_proven_is_healed_by_a_plain_apply() {
    at(Point::after("check"), create).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_killed_before_its_mint_is_healed_by_a_plain_apply() {
    at(Point::before("mint"), rotate).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_killed_after_its_mint_is_healed_by_a_plain_apply() {
    at(Point::after("mint"), rotate).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_killed_while_its_value_is_proven_is_healed_by_a_plain_apply() {
    at(Point::after("check"), rotate).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_killed_while_it_ends_an_older_token_is_healed_by_a_plain_apply() {
    at(Point::before("revoke"), rotate_on).await;
    at(Point::after("revoke"), rotate_on).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_killed_before_its_revoke_is_healed_by_a_plain_apply() {
    at(Point::before("revoke"), destroy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_killed_after_its_revoke_is_healed_by_a_plain_apply() {
    at(Point::after("revoke"), destroy).await;
}

/// The listings of a rotation are that of its refresh, and of an older token those around its revoke.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_or_destroy_killed_while_it_lists_is_healed_by_a_plain_apply() {
    tokio::join!(
        rotate(Seeme, Point::before("list"), Victim::Both),
        rotate(Seeme, Point::before("list"), Victim::Provider),
        rotate_on(Seeme, Point::listing_after("mint"), Victim::Provider),
        rotate_on(Seeme, Point::listing_after("mint"), Victim::Both),
        rotate_on(Seeme, Point::listing_after("revoke"), Victim::Core),
        rotate_on(Seeme, Point::listing_after("revoke"), Victim::Provider),
        destroy(Seeme, Point::listing_after("revoke"), Victim::Both),
        destroy(Seeme, Point::listing_after("revoke"), Victim::Provider),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_killed_before_or_after_its_request_is_healed_by_a_plain_apply_and_never_flipped_back()
 {
    join_all([
        toggle(Seeme, Point::before("toggle"), Victim::Provider),
        toggle(Seeme, Point::before("toggle"), Victim::Core),
        toggle(Seeme, Point::after("toggle"), Victim::Provider),
        toggle(Seeme, Point::after("toggle"), Victim::Both),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_single_tokens_are_shown_each_kill_is_healed_by_a_plain_apply_too() {
    tokio::join!(
        create(Scaleway, Point::after("mint"), Victim::Provider),
        rotate(Scaleway, Point::after("mint"), Victim::Both),
        rotate_on(Scaleway, Point::after("revoke"), Victim::Core),
        destroy(Scaleway, Point::after("revoke"), Victim::Both),
    );
}
