//! A store that is set back under a running operator, as by a copy of etcd: what the older store says is what
//! people see and consumers read, and nothing is ended because of what only the operator still remembers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kube::api::DeleteParams;
use serde_json::json;
use tokenwright_client::memory::Moment;
use tokenwright_client::{MemorySettings, Operation};
use tokenwright_operator::{LeaseLost, RunError};
use tokenwright_testbed::memory::{Fault, Seen, Verb};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::world::{NAMESPACE, OPERATOR, TOKENS, World};

pub(crate) const HOUR: u64 = 3_600;
/// No watch is longer than this.
const A_WATCH: u64 = 300;

pub(crate) type Operator = (JoinHandle<Result<(), RunError>>, CancellationToken);

/// An operator with or without a Lease.
pub(crate) fn operator(world: &World, has_lease: bool) -> Operator {
    match has_lease {
        true => world.replica("first"),
        false => world.alone("first"),
    }
}

/// A world in which one token was delivered a while ago.
pub(crate) async fn delivered(has_lease: bool) -> (World, Operator) {
    let world = World::new().await;
    let operator = operator(&world, has_lease);
    world.ask(json!({})).await;
    world.pass(21).await;
    world.the_only_token();
    (world, operator)
}

/// Sets the store back. Where `others` write on, it comes as far again as it was.
pub(crate) async fn set_back(world: &World, to: u64, others: bool) {
    let was = world.api.version();
    world.api.rewind(to).unwrap();
    if others {
        write_on(world, was).await;
    }
}

/// Others write until the store is beyond this version.
async fn write_on(world: &World, was: u64) {
    let mut number = 0;
    while world.api.version() <= was {
        let other = json!({ "metadata": { "name": format!("other-{number}") } });
        world.make("v1", "Namespace", other).await;
        number += 1;
    }
}

/// Somebody asks for another token, with a Secret of the same name.
async fn ask_for(world: &World, name: &str) {
    world
        .ask_as(name, json!({ "secret": { "name": name } }))
        .await;
}

/// The version of the `ApiToken`.
pub(crate) fn version(world: &World) -> u64 {
    let version = world.object().unwrap().metadata.resource_version;
    version.unwrap().parse().unwrap()
}

/// Has all requests wait for some seconds that are like this one, and says when the first one came.
fn delayed(
    world: &World,
    who: &'static str,
    like: impl Fn(&Seen) -> bool + Send + 'static,
) -> Arc<AtomicBool> {
    let came = Arc::new(AtomicBool::new(false));
    let comes = Arc::clone(&came);
    world.api.on_request(move |seen| {
        if seen.who != who || !like(seen) {
            return Fault::Pass;
        }
        comes.store(true, Ordering::Relaxed);
        Fault::Delay(Duration::from_secs(2))
    });
    came
}

async fn until(came: &AtomicBool, world: &World) {
    for _ in 0..600 {
        if came.load(Ordering::Relaxed) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it never came to that: {:?}", world.object());
}

/// The operator ended by itself, since it knows that the store is another one.
pub(crate) async fn noticed((operator, _): Operator, telling: &str) {
    assert!(
        operator.is_finished(),
        "{telling}: it goes on with what it knew"
    );
    let ended = operator.await.unwrap();
    let noticed = matches!(
        ended,
        Err(RunError::SetBack | RunError::LeaseLost(LeaseLost::Taken))
    );
    assert!(noticed, "{telling}: {ended:?}");
}

/// Time passes, and what consumers read authenticates at every look.
pub(crate) async fn pass_working(world: &World, seconds: u64) {
    for _ in 0..seconds.div_ceil(10) {
        world.pass(10).await;
        world.the_secret_works();
    }
}

/// Every token that lives is named: as valid, as one that ends later, or as one that nobody can prove to be ours.
pub(crate) fn all_are_named(world: &World, telling: &str) {
    let status = world.object().unwrap().status.unwrap();
    let mut named: Vec<_> = status
        .retiring
        .into_iter()
        .map(|old| old.token_id)
        .collect();
    named.extend(status.current.map(|held| held.token_id));
    let told = world.message("ForeignActivity");
    for token in world.issuer.live() {
        let id = token.token.id.to_string();
        let is_named = named.contains(&id) || told.contains(&id);
        assert!(is_named, "{telling}: {id} is named nowhere");
    }
}

#[tokio::test(start_paused = true)]
async fn a_former_token_that_is_the_current_one_again_is_not_revoked_at_the_end_of_its_overlap() {
    for has_lease in [true, false] {
        for others in [true, false] {
            // Just after the rotation, when no Lease has been renewed since, and just before the end.
            for wait in [0, HOUR - 10] {
                let telling = format!("lease: {has_lease}, others: {others}, after {wait} s");
                let (world, first) = delivered(has_lease).await;
                let before = world.api.version();
                let wish = json!({ "spec": { "token": { "scopes": ["read"] } } });
                world.change(wish).await;
                world.pass(3).await;
                assert_eq!(world.revision(), Some(2), "{telling}");
                world.pass(wait).await;
                set_back(&world, before, others).await;
                assert_eq!(world.revision(), Some(1), "{telling}");
                // Its watches tell it nothing.
                pass_working(&world, HOUR - wait + 30).await;
                noticed(first, &telling).await;
                let (again, _stop) = operator(&world, has_lease);
                pass_working(&world, 2 * HOUR).await;
                assert_eq!(world.condition("Ready"), "True: Ready", "{telling}");
                all_are_named(&world, &telling);
                again.abort();
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_revoke_whose_look_is_under_way_while_the_store_is_set_back_is_not_sent() {
    for has_lease in [true, false] {
        let telling = format!("lease: {has_lease}");
        let (world, first) = delivered(has_lease).await;
        let before = world.api.version();
        let wish = json!({ "spec": { "token": { "scopes": ["read"] } } });
        world.change(wish).await;
        world.pass(60).await;
        assert_eq!(world.revision(), Some(2), "{telling}");
        let mut looked = world.issuer.hold_next(Operation::Get, Moment::BeforeEffect);
        looked.reached().await;
        set_back(&world, before, false).await;
        world.api.cut_watches("first");
        world.pass(2).await;
        looked.release();
        pass_working(&world, 60).await;
        noticed(first, &telling).await;
        let (again, _stop) = operator(&world, has_lease);
        pass_working(&world, 2 * HOUR).await;
        assert_eq!(world.condition("Ready"), "True: Ready", "{telling}");
        again.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_former_token_that_is_the_current_one_again_works_on_though_the_newest_apitoken_never_was()
 {
    for has_lease in [true, false] {
        for others in [true, false] {
            let telling = format!("lease: {has_lease}, others: {others}");
            let (world, first) = delivered(has_lease).await;
            let before = world.api.version();
            let wish = json!({ "spec": { "token": { "scopes": ["read"] } } });
            world.change(wish).await;
            world.pass(HOUR - 20).await;
            ask_for(&world, "late").await;
            world.pass(10).await;
            assert!(world.secret_called("late").is_some(), "{telling}");
            set_back(&world, before, others).await;
            pass_working(&world, 3 * A_WATCH).await;
            noticed(first, &telling).await;
            let (again, _stop) = operator(&world, has_lease);
            pass_working(&world, 2 * HOUR).await;
            assert_eq!(world.condition("Ready"), "True: Ready", "{telling}");
            again.abort();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_the_store_does_not_know_of_any_more_removes_and_revokes_nothing() {
    for has_lease in [true, false] {
        for others in [true, false] {
            for removed in [true, false] {
                let telling = format!("lease: {has_lease}, others: {others}, removed: {removed}");
                let (world, first) = delivered(has_lease).await;
                let before = world.api.version();
                deleted_until(&world, removed).await;
                set_back(&world, before, others).await;
                pass_working(&world, 30).await;
                noticed(first, &telling).await;
                world.api.clear_faults();
                let (again, _stop) = operator(&world, has_lease);
                pass_working(&world, HOUR).await;
                world.the_only_token();
                assert_eq!(world.issuer.count(Operation::Mint), 1, "{telling}");
                again.abort();
            }
        }
    }
}

/// Deletes the `ApiToken`: its Secret is about to be removed, or is and its token is about to end.
async fn deleted_until(world: &World, removed: bool) {
    // The look at the Secret comes before it is removed, and the question about the store before the token ends.
    let reads = delayed(world, "first", move |seen| {
        seen.verb == Verb::Get && (!removed || seen.resource == TOKENS)
    });
    world.delete().await;
    until(&reads, world).await;
    for _ in 0..600 {
        if !removed || world.secret().is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the Secret stays");
}

#[tokio::test(start_paused = true)]
async fn whoever_is_let_go_of_in_a_store_that_was_set_back_is_still_there_and_works_or_ends_anew() {
    for has_lease in [true, false] {
        for is_asked_for in [true, false] {
            let telling = format!("lease: {has_lease}, still deleted: {is_asked_for}");
            let (world, first) = delivered(has_lease).await;
            let let_go = delayed(&world, "first", |seen| {
                seen.verb == Verb::Patch && seen.resource == TOKENS
            });
            let before = world.api.version();
            world.delete().await;
            let deleted = version(&world);
            until(&let_go, &world).await;
            assert!(world.issuer.live().is_empty(), "{telling}");
            let to = if is_asked_for { deleted } else { before };
            set_back(&world, to, false).await;
            world.pass(60).await;
            noticed(first, &telling).await;
            world.api.clear_faults();
            let (again, _stop) = operator(&world, has_lease);
            world.pass(300).await;
            match is_asked_for {
                true => {
                    assert!(world.object().is_none(), "{telling}");
                    assert!(world.secret().is_none(), "{telling}");
                    assert!(world.issuer.live().is_empty(), "{telling}");
                }
                false => {
                    world.the_only_token();
                    assert_eq!(world.condition("Ready"), "True: Ready", "{telling}");
                    assert_eq!(world.issuer.count(Operation::Mint), 2, "{telling}");
                }
            }
            again.abort();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_the_store_does_not_know_any_more_is_served_anew_once_it_is_asked_for_again() {
    for has_lease in [true, false] {
        for others in [true, false] {
            let telling = format!("lease: {has_lease}, others: {others}");
            let (world, first) = delivered(has_lease).await;
            let before = world.api.version();
            ask_for(&world, "late").await;
            world.pass(3).await;
            assert_eq!(world.issuer.live().len(), 2, "{telling}");
            set_back(&world, before, others).await;
            assert!(world.secret_called("late").is_none(), "{telling}");
            world.pass(1).await;
            // As a tool does that keeps a cluster to a manifest.
            ask_for(&world, "late").await;
            world.pass(A_WATCH).await;
            // Whoever took the new one for what it is goes on; whoever noticed is started again.
            let (served_by, _stop) = match first.0.is_finished() {
                true => operator(&world, has_lease),
                false => first,
            };
            pass_working(&world, HOUR).await;
            let ready = world.condition_of("ApiToken", "late", "Ready");
            assert_eq!(ready, "True: Ready", "{telling}");
            assert_eq!(world.issuer.count(Operation::Mint), 3, "{telling}");
            let secret = world.secret_called("late").unwrap();
            assert_eq!(secret.metadata.namespace.as_deref(), Some(NAMESPACE));
            served_by.abort();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_asked_for_while_the_watches_wait_for_versions_that_are_yet_to_come_is_served() {
    for has_lease in [true, false] {
        // What is lost of ApiTokens, and whether the store comes as far again.
        for (lost, others) in [
            ("one", true),
            ("one", false),
            ("a change", true),
            ("nothing", false),
        ] {
            let telling = format!("lease: {has_lease}, lost: {lost}, others: {others}");
            let (world, first) = delivered(has_lease).await;
            let before = world.api.version();
            match lost {
                "one" => ask_for(&world, "lost").await,
                "a change" => world.change(json!({ "spec": { "suspend": true } })).await,
                _ => {}
            }
            // The watches hear how far the store comes, whatever it is that changes.
            write_on(&world, before + 300).await;
            world.pass(3).await;
            let was = world.api.version();
            world.api.rewind(before).unwrap();
            ask_for(&world, "later").await;
            if others {
                write_on(&world, was).await;
            }
            world.pass(3 * A_WATCH).await;
            noticed(first, &telling).await;
            let (again, _stop) = operator(&world, has_lease);
            pass_working(&world, HOUR).await;
            let ready = world.condition_of("ApiToken", "later", "Ready");
            assert_eq!(ready, "True: Ready", "{telling}");
            again.abort();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_shows_an_older_apitoken_than_the_known_one_is_that_of_another_history() {
    let (world, first) = delivered(false).await;
    let before = world.api.version();
    world.change(json!({ "spec": { "suspend": true } })).await;
    world.pass(3).await;
    set_back(&world, before, true).await;
    // Nobody answers the question of the watch, which has to begin with what is there.
    world.api.on_request(|seen| match seen.verb {
        Verb::List if seen.resource == TOKENS => Fault::refuse(500, "InternalError", "later"),
        _ => Fault::Pass,
    });
    world.api.compact();
    world.api.cut_watches("first");
    world.pass(60).await;
    noticed(first, "a list").await;
}

/// A token whose former one ends in a while, and one that is asked for after it.
async fn beside_a_newer(world: &mut World) {
    world.ask(json!({})).await;
    world.start();
    world.pass(21).await;
    let wish = json!({ "spec": { "token": { "scopes": ["read"] } } });
    world.change(wish).await;
    world.pass(HOUR - 60).await;
    ask_for(world, "newer").await;
    world.pass(21).await;
    assert_eq!(world.issuer.live().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_newest_apitoken_says_nothing_of_the_store_once_it_was_deleted_by_force() {
    let mut world = World::new().await;
    beside_a_newer(&mut world).await;
    assert!(world.api.erase(TOKENS, NAMESPACE, "newer"));
    world.pass(60).await;
    assert_eq!(world.issuer.count(Operation::Revoke), 1);
    world.pass(3 * A_WATCH).await;
    world
        .change(json!({ "spec": { "rotation": { "trigger": "now" } } }))
        .await;
    world.pass(30).await;
    assert_eq!(world.revision(), Some(3), "the operator has ended");
}

#[tokio::test(start_paused = true)]
async fn no_end_waits_for_a_watch_that_is_late_to_tell_that_another_apitoken_is_gone() {
    let mut world = World::new().await;
    beside_a_newer(&mut world).await;
    let let_go = delayed(&world, OPERATOR, |seen| {
        seen.verb == Verb::Patch && seen.resource == TOKENS
    });
    world
        .tokens()
        .delete("newer", &DeleteParams::default())
        .await
        .unwrap();
    until(&let_go, &world).await;
    world.api.on_request(|seen| match seen.verb {
        Verb::Watch if seen.resource == TOKENS => Fault::refuse(500, "InternalError", "later"),
        _ => Fault::Pass,
    });
    world.api.cut_watches(OPERATOR);
    let ended = world.issuer.count(Operation::Revoke);
    world.pass(60).await;
    assert!(world.api.snapshot(TOKENS, NAMESPACE, "newer").is_none());
    assert_eq!(world.issuer.count(Operation::Revoke), ended + 1);
}

#[tokio::test(start_paused = true)]
async fn an_adopted_value_stays_where_the_store_does_not_know_of_the_deletion_any_more() {
    for has_lease in [true, false] {
        for removed in [true, false] {
            let telling = format!("lease: {has_lease}, removed: {removed}");
            let world = World::with(MemorySettings {
                values_name_ids: true,
                ..MemorySettings::default()
            })
            .await;
            let (id, value) = world.by_hand().await;
            world.fill("source", &value).await;
            let first = operator(&world, has_lease);
            world
                .adopt(json!({ "adopt": { "tokenID": id.to_string() } }))
                .await;
            world.pass(21).await;
            let before = world.api.version();
            deleted_until(&world, removed).await;
            set_back(&world, before, false).await;
            pass_working(&world, 60).await;
            noticed(first, &telling).await;
            world.api.clear_faults();
            let (again, _stop) = operator(&world, has_lease);
            pass_working(&world, HOUR).await;
            assert_eq!(world.data("token").as_ref(), Some(&value), "{telling}");
            again.abort();
        }
    }
}
