//! A revoke is seen or it is not done; one that fails keeps no other waiting, and is told of at once.

use serde_json::json;
use tokenwright_api::names::annotation;
use tokenwright_client::memory::{Fault, MintedToken, Moment};
use tokenwright_client::{ErrorKind, MemorySettings, Operation};
use tokenwright_core::{Look, TokenId};
use tokenwright_testbed::memory::Fault as ApiFault;

use crate::world::{OPERATOR, World};

const HOUR: u64 = 3_600;

/// A delivered token and `superseded` former ones, whose overlaps run for an hour.
pub(crate) async fn rotated(superseded: usize) -> (World, Vec<TokenId>) {
    let mut world = World::new().await;
    world.start();
    world
        .ask(json!({ "deletion": { "timeout": "150s" } }))
        .await;
    world.pass(5).await;
    let mut former = Vec::new();
    for n in 0..superseded {
        former.push(TokenId::new(
            world.annotation(annotation::TOKEN_ID).unwrap(),
        ));
        let trigger = format!("trigger-{n}");
        world
            .change(json!({ "spec": { "rotation": { "trigger": trigger } } }))
            .await;
        world.pass(5).await;
    }
    (world, former)
}

fn refuses_to_revoke(world: &World, id: &TokenId, with: Fault) {
    let id = id.clone();
    world.issuer.hook(move |request, _| {
        let this = request.operation == Operation::Revoke && request.id.as_ref() == Some(&id);
        this.then(|| with.clone())
    });
}

pub(crate) fn live(world: &World) -> Vec<TokenId> {
    let live = world.issuer.live().into_iter();
    live.map(|minted| minted.token.id).collect()
}

#[tokio::test(start_paused = true)]
async fn a_refused_revoke_is_told_of_at_once_and_keeps_no_other_waiting() {
    let (world, former) = rotated(1).await;
    refuses_to_revoke(&world, &former[0], Fault::Refuse(ErrorKind::Forbidden));
    world.pass(HOUR + 60).await;
    assert_eq!(world.condition("RevokeFailed"), "True: RevokeFailed");
    let message = world.message("RevokeFailed");
    assert!(message.contains(former[0].as_str()), "{message}");
    assert!(
        message.contains("the issuer does not allow it"),
        "{message}"
    );
    assert_eq!(world.notes("RevokeFailed").len(), 1);
    assert_eq!(world.condition("Ready"), "True: Ready");
    let ready = world.message("Ready");
    assert!(ready.contains("should have ended"), "{ready}");
    let object = world.object().unwrap();
    let observed = object.status.unwrap().observed_generation;
    assert_eq!(observed, object.metadata.generation);

    // A rotation goes on, and so does the end of its predecessor.
    let second = TokenId::new(world.annotation(annotation::TOKEN_ID).unwrap());
    world
        .change(json!({ "spec": { "rotation": { "trigger": "more" } } }))
        .await;
    world.pass(HOUR + 60).await;
    assert_eq!(world.revision(), Some(3));
    let live = live(&world);
    assert!(
        live.contains(&former[0]) && !live.contains(&second),
        "{live:?}"
    );
    assert_eq!(
        world.notes("RevokeFailed").len(),
        1,
        "one event for all of it"
    );
}

#[tokio::test(start_paused = true)]
async fn a_deletion_ends_what_it_can_and_times_out_at_its_instant() {
    let (world, former) = rotated(1).await;
    refuses_to_revoke(&world, &former[0], Fault::Refuse(ErrorKind::Forbidden));
    world.delete().await;
    world.pass(145).await;
    assert_eq!(live(&world), [former[0].clone()]);
    assert!(world.object().is_some());
    assert_eq!(world.condition("RevokeFailed"), "True: RevokeFailed");
    world.pass(10).await;
    assert!(world.object().is_none(), "{}", world.message("Ready"));
    let said = world.notes("DeletionTimedOut").join(" ");
    assert!(said.contains(former[0].as_str()), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_revoke_that_did_nothing_is_noticed_and_asked_for_again() {
    let (world, former) = rotated(1).await;
    world.issuer.fault(Operation::Revoke, Fault::Pretend);
    world.pass(HOUR + 1).await;
    let retiring = |world: &World| world.object().unwrap().status.unwrap().retiring.len();
    assert_eq!(retiring(&world), 1, "the word of the issuer is no end");
    world.pass(120).await;
    assert_eq!(world.issuer.count(Operation::Revoke), 2);
    assert_eq!(world.notes("RevokeNotSeen").len(), 1);
    assert!(!live(&world).contains(&former[0]));
    assert_eq!(retiring(&world), 0);
    assert_eq!(world.condition("RevokeFailed"), "absent");
    assert_eq!(world.notes("Revoked").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_whose_marker_was_edited_away_is_left_alone_quietly_while_the_rest_is_deleted() {
    let (world, former) = rotated(1).await;
    world.issuer.rename_by_hand(&former[0], "a name of its own");
    world.delete().await;
    world.pass(5).await;
    let before = world.issuer.requests().len();
    world.pass(100).await;
    assert_eq!(live(&world), [former[0].clone()]);
    let asked = world.issuer.requests().len() - before;
    assert!(asked < 20, "{asked} requests for one token");
    assert_eq!(world.notes("NotProven").len(), 1);
    assert_eq!(world.condition("RevokeFailed"), "True: RevokeNotProven");
    world.pass(60).await;
    assert!(world.object().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_shown_and_still_authenticates_is_not_taken_for_gone() {
    let (world, _) = rotated(0).await;
    world.pass(60).await;
    world.issuer.hook(|request, _| {
        let looks = matches!(request.operation, Operation::Get | Operation::List);
        looks.then_some(Fault::Pretend)
    });
    world.delete().await;
    world.pass(60).await;
    assert!(
        world.object().is_some(),
        "a token was given up that is alive"
    );
    assert_eq!(live(&world).len(), 1);
    world.issuer.calm();
    world.pass(60).await;
    assert!(
        world.object().is_none(),
        "{}",
        world.message("RevokeFailed")
    );
    assert_eq!(live(&world), []);
}

#[tokio::test(start_paused = true)]
async fn an_overlap_that_is_lowered_ends_the_former_token_once_the_secret_shows_it() {
    let (world, former) = rotated(1).await;
    world.pass(300).await;
    assert_eq!(live(&world).len(), 2);
    world
        .change(json!({ "spec": { "rotation": { "overlap": "0s" } } }))
        .await;
    world.pass(30).await;
    assert!(!live(&world).contains(&former[0]));
    world.the_only_token();
}

#[tokio::test(start_paused = true)]
async fn a_superseded_token_that_a_person_names_ends_at_once_and_no_other() {
    let (world, former) = rotated(1).await;
    world.pass(300).await;
    let annotate = |text: &str| json!({ "metadata": { "annotations": { "tokenwright.dev/revoke-previous": text } } });
    // Neither the current one, nor one that never was, nor what is no number.
    for nothing in ["2", "7", "all", ""] {
        world.change(annotate(nothing)).await;
        world.pass(60).await;
        assert_eq!(live(&world).len(), 2, "{nothing:?}");
        world.the_secret_works();
    }
    world.change(annotate("1")).await;
    world.pass(30).await;
    assert!(!live(&world).contains(&former[0]));
    world.the_only_token();
    assert_eq!(world.condition("RevokeFailed"), "absent");
    // It asks for nothing more: the next overlap is a whole one.
    let wish = json!({ "spec": { "rotation": { "trigger": "next" } } });
    world.change(wish).await;
    world.pass(300).await;
    assert_eq!(live(&world).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_text_that_names_no_revision_is_told_with_those_that_can_be_named() {
    let (world, former) = rotated(1).await;
    world.pass(300).await;
    let annotate = |text: &str| json!({ "metadata": { "annotations": { "tokenwright.dev/revoke-previous": text } } });
    for nothing in ["7", "v1", "-1"] {
        world.change(annotate(nothing)).await;
        world.pass(60).await;
        assert_eq!(world.condition("RevokeFailed"), "True: InvalidSpec");
        let told = world.message("RevokeFailed");
        let words = [format!("{nothing:?}"), format!("1 (token {})", former[0])];
        assert!(words.iter().all(|word| told.contains(word)), "{told}");
        assert_eq!(world.condition("Ready"), "True: Ready");
    }
    let events = world.events();
    let told = events.iter().filter(|reason| *reason == "InvalidSpec");
    assert_eq!(told.count(), 1, "{events:?}");
    // The current one ends without an overlap, but not before its next rotation: a person believes otherwise.
    world.change(annotate("2")).await;
    world.pass(60).await;
    assert_eq!(world.condition("RevokeFailed"), "True: InvalidSpec");
    let told = world.message("RevokeFailed");
    assert!(
        told.contains("revision 2, which is the current one"),
        "{told}"
    );
    assert_eq!(live(&world).len(), 2);
    world.change(annotate("1")).await;
    world.pass(30).await;
    world.the_only_token();
    assert_eq!(world.condition("RevokeFailed"), "absent");
}

#[tokio::test(start_paused = true)]
async fn a_leaked_token_ends_at_once_also_while_the_texts_of_the_secret_cannot_be_rendered() {
    let (world, former) = rotated(1).await;
    let broken = json!({ "spec": { "secret": { "data": { "x": "$(value.nothing)" } } } });
    world.change(broken).await;
    world.pass(60).await;
    assert_eq!(world.condition("Stalled"), "True: InvalidSpec");
    end_revision(&world, 1).await;
    world.pass(60).await;
    assert!(!live(&world).contains(&former[0]));
    world.the_only_token();
    assert_eq!(world.data("x"), None);
    assert_eq!(world.condition("Stalled"), "True: InvalidSpec");
}

/// Names a revision that is to end now.
pub(crate) async fn end_revision(world: &World, revision: u32) {
    let named = json!({ "tokenwright.dev/revoke-previous": revision.to_string() });
    let annotated = json!({ "metadata": { "annotations": named } });
    world.change(annotated).await;
}

/// A person is in a hurry: the value leaked, and the rotation away from it is under way.
#[tokio::test(start_paused = true)]
async fn a_revision_that_is_named_during_its_rotation_ends_when_its_successor_is_delivered_and_once()
 {
    let (world, _) = rotated(0).await;
    let first = live(&world);
    for (operation, moment) in [
        (Operation::Mint, Moment::BeforeEffect),
        (Operation::Check, Moment::BeforeEffect),
    ] {
        let former = live(&world);
        let revision = world.revision().unwrap();
        let mut hold = world.issuer.hold_next(operation, moment);
        let trigger = format!("{operation}");
        let wish = json!({ "spec": { "rotation": { "trigger": trigger } } });
        world.change(wish).await;
        hold.reached().await;
        end_revision(&world, revision).await;
        world.pass(20).await;
        assert!(
            live(&world).contains(&former[0]),
            "{operation}: nothing works in between"
        );
        world.the_secret_works();
        drop(hold);
        world.pass(20).await;
        assert_eq!(world.revision(), Some(revision + 1));
        world.the_only_token();
    }
    assert!(!live(&world).contains(&first[0]));
    // Named once more, after its end and after a restart, it asks for nothing.
    let revokes = world.issuer.count(Operation::Revoke);
    assert_eq!(revokes, 2);
    for named in [1, 2] {
        end_revision(&world, named).await;
        world.pass(300).await;
    }
    assert_eq!(world.issuer.count(Operation::Revoke), revokes);
    world.the_only_token();
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_is_named_ends_only_after_the_secret_says_so() {
    let (world, former) = rotated(1).await;
    world.pass(300).await;
    world.api.on_request(|seen| {
        let write = seen.who == OPERATOR && seen.resource == "secrets" && seen.is_write();
        match write {
            true => ApiFault::refuse(403, "Forbidden", "a quota is used up"),
            false => ApiFault::Pass,
        }
    });
    end_revision(&world, 1).await;
    world.pass(1_800).await;
    assert!(live(&world).contains(&former[0]), "the Secret says later");
    world.api.clear_faults();
    world.pass(600).await;
    world.the_only_token();
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_is_named_lives_on_while_no_successor_can_be_proven() {
    let (world, _) = rotated(0).await;
    let former = live(&world);
    world.issuer.hook(|request, _| {
        let check = request.operation == Operation::Check;
        check.then_some(Fault::Refuse(ErrorKind::Unavailable))
    });
    let wish = json!({ "spec": { "rotation": { "trigger": "now" } } });
    world.change(wish).await;
    world.pass(10).await;
    end_revision(&world, 1).await;
    world.pass(HOUR).await;
    assert!(world.issuer.minted().len() > 2, "it is tried again");
    assert!(
        live(&world).contains(&former[0]),
        "the next one may be dead"
    );
    world.the_secret_works();
    world.issuer.calm();
    world.pass(HOUR).await;
    world.the_only_token();
    assert!(world.revision() > Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_current_token_that_a_status_names_as_superseded_is_not_revoked_and_delays_no_other_end()
{
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(30).await;
    let first = world.object().unwrap().status.unwrap().current.unwrap();
    world
        .change(json!({ "spec": { "rotation": { "trigger": "now" } } }))
        .await;
    world.pass(30).await;
    // Somebody who was given too much says that the current token retires.
    let status = world.object().unwrap().status.unwrap();
    let mut forged = serde_json::to_value(&status.retiring).unwrap();
    let mut current = forged[0].clone();
    let held = status.current.unwrap();
    current["tokenID"] = json!(held.token_id);
    current["marker"] = json!(held.marker);
    current["notBefore"] = json!("2026-03-01T00:00:00Z");
    forged.as_array_mut().unwrap().insert(0, current);
    world
        .forge_status(json!({ "status": { "retiring": forged } }))
        .await;
    world.pass(2 * 3600).await;
    world.the_secret_works();
    // One id is one token: the current one stands in no list of those that are to end.
    let live = world.issuer.live();
    let current = |token: &MintedToken| token.token.id.as_str() == held.token_id;
    assert!(live.iter().any(current), "{live:#?}");
    assert!(
        live.iter()
            .all(|token| token.token.id.as_str() != first.token_id),
        "the other one has ended: {live:#?}"
    );
}

#[tokio::test(start_paused = true)]
async fn tokens_whose_ids_are_secrets_live_and_end_like_all_others() {
    let settings = MemorySettings {
        secret_ids: true,
        ..MemorySettings::default()
    };
    let mut world = World::with(settings).await;
    world.start();
    world.ask(json!({})).await;
    world.pass(30).await;
    let first = world.the_only_token().token.id;
    assert_eq!(first.as_str().len(), 32);
    // A lost mint is found by its marker, and ended by the value that the listing shows.
    world.issuer.fault(Operation::Mint, Fault::LoseAnswer);
    world
        .change(json!({ "spec": { "rotation": { "trigger": "now" } } }))
        .await;
    world.pass(2 * HOUR).await;
    assert_ne!(world.the_only_token().token.id, first);
    world.delete().await;
    world.pass(300).await;
    assert!(live(&world).is_empty());
}

/// Admission takes it: it counts nanoseconds, and begins again at zero.
#[tokio::test(start_paused = true)]
async fn a_deletion_that_is_to_wait_longer_than_anybody_can_does_not_give_up_after_a_day() {
    for adopts in [false, true] {
        let mut world = World::with(MemorySettings {
            values_name_ids: true,
            ..MemorySettings::default()
        })
        .await;
        world.start();
        let mut wish = json!({ "deletion": { "timeout": "400000d" } });
        match adopts {
            false => world.ask(wish).await,
            true => {
                let (id, value) = world.by_hand().await;
                world.fill("source", &value).await;
                wish["adopt"] = json!({ "tokenID": id.to_string() });
                world.adopt(wish).await;
            }
        }
        world.pass(30).await;
        assert_eq!(world.condition("Ready"), "True: Ready", "{adopts}");
        world.issuer.outage(Some(ErrorKind::Unavailable));
        world.delete().await;
        world.pass(10 * 24 * HOUR).await;
        assert!(world.object().is_some(), "adopts: {adopts}");
        world.issuer.calm();
        world.pass(3 * HOUR).await;
        assert!(world.object().is_none(), "adopts: {adopts}");
        assert!(live(&world).is_empty(), "adopts: {adopts}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_still_authenticated_is_not_taken_for_gone_by_the_next_process_either() {
    for looks in [Look::Alone, Look::Listing, Look::Nothing] {
        let mut settings = MemorySettings::default();
        settings.capabilities.look = looks;
        let mut world = World::with(settings).await;
        world.start();
        world.ask(json!({})).await;
        world.pass(60).await;
        // What is asked for is said to be done, and nothing is shown.
        world.issuer.hook(|request, _| match request.operation {
            Operation::Get | Operation::Revoke => Some(Fault::Pretend),
            Operation::List => Some(Fault::Empty),
            _ => None,
        });
        world.delete().await;
        world.pass(60).await;
        assert!(world.object().is_some(), "{looks:?}");
        assert!(world.secret().is_none(), "its value is nowhere");
        world.crash().await;
        world.start();
        world.pass(HOUR).await;
        assert!(world.object().is_some(), "{looks:?}: it is alive");
        let told = world.message("RevokeFailed");
        assert!(told.contains("still authenticates"), "{looks:?}: {told}");
        world.issuer.calm();
        world.pass(2 * HOUR).await;
        assert!(world.issuer.live().is_empty(), "{looks:?}");
        // Where nothing can look, nothing tells of its end any more but the person who has ended it.
        let waits = world.object().is_some();
        assert_eq!(waits, looks == Look::Nothing, "{looks:?}");
        if waits {
            world.says_ended().await;
            assert!(world.object().is_none(), "{looks:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_still_authenticated_and_a_person_ended_is_gone_once_that_person_says_so() {
    for looks in [Look::Alone, Look::Listing, Look::Nothing] {
        let mut settings = MemorySettings::default();
        settings.capabilities.look = looks;
        let mut world = World::with(settings).await;
        world.start();
        world.ask(json!({})).await;
        world.pass(60).await;
        world.issuer.hook(|request, _| match request.operation {
            Operation::Get | Operation::Revoke => Some(Fault::Pretend),
            Operation::List => Some(Fault::Empty),
            _ => None,
        });
        let id = world.the_only_token().token.id;
        world.delete().await;
        world.pass(60).await;
        world.crash().await;
        world.start();
        world.pass(60).await;
        assert!(world.issuer.revoke_by_hand(&id));
        world.pass(HOUR).await;
        assert!(world.object().is_some(), "{looks:?}: nothing tells of it");
        world.says_ended().await;
        assert!(world.object().is_none(), "{looks:?}");
    }
}
