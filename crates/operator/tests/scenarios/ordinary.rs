//! What happens when nothing goes wrong.

use jiff::SignedDuration;
use serde_json::json;
use tokenwright_api::names::annotation;
use tokenwright_client::memory::{Fault as IssuerFault, Moment};
use tokenwright_client::{MemorySettings, Operation};

use crate::world::World;

const HOUR: u64 = 3_600;

/// A world with one token that was delivered.
async fn delivered(changes: serde_json::Value) -> World {
    let mut world = World::new().await;
    world.start();
    world.ask(changes).await;
    world.pass(5).await;
    world.the_only_token();
    world
}

#[tokio::test(start_paused = true)]
async fn a_token_whose_expiry_is_told_hours_too_late_is_renewed_before_it_ends() {
    let mut world = World::with(MemorySettings {
        tells_expiry_late_by: SignedDuration::from_hours(9),
        ..MemorySettings::default()
    })
    .await;
    world.start();
    world.ask(json!({ "token": { "lifetime": "3h" } })).await;
    for _ in 0..24 {
        world.pass(1_800).await;
        let now = world.clock.now();
        let live = world.issuer.live();
        let current = live
            .iter()
            .find(|token| token.marker.as_ref().map(|m| m.revision) == world.revision());
        assert!(current.is_some(), "it has ended at {now}: {live:#?}");
    }
    let minted = world.issuer.minted().len();
    assert!(
        (5..=8).contains(&minted),
        "{minted} mints in four lifetimes"
    );
}

#[tokio::test(start_paused = true)]
async fn a_first_token_is_minted_proven_and_delivered_in_four_writes() {
    let world = delivered(json!({})).await;
    assert_eq!(world.revision(), Some(1));
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.condition("Reconciling"), "False: Idle");
    assert_eq!(world.condition("Stalled"), "False: Idle");
    assert_eq!(world.condition("Proven"), "True: ValueProven");
    assert!(
        world
            .the_only_token()
            .token
            .name
            .unwrap()
            .starts_with("ci tw1-")
    );
    let wanted = [
        "patch apitokens",
        "update apitokens/status",
        "create secrets",
        "update apitokens/status",
    ];
    assert_eq!(world.writes(), wanted);
    assert_eq!(world.events(), ["Published"]);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_that_is_due_makes_before_it_breaks_in_four_writes() {
    let world = delivered(json!({ "token": { "lifetime": "72h" } })).await;
    let first = world.the_only_token();
    let before = world.writes().len();
    world.pass(46 * HOUR).await;
    assert_eq!(world.revision(), Some(1), "rotated before its time");
    // The jitter takes at most 2 % of the lifetime.
    for _ in 0..24 * 6 {
        world.pass(600).await;
        if world.revision() == Some(2) {
            break;
        }
    }
    assert_eq!(
        world.revision(),
        Some(2),
        "not rotated at two thirds of its lifetime"
    );
    world.the_secret_works();
    let live: Vec<_> = world
        .issuer
        .live()
        .into_iter()
        .map(|minted| minted.token.id)
        .collect();
    assert_eq!(
        live.len(),
        2,
        "the former token must live through the overlap"
    );
    assert!(live.contains(&first.token.id));
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.condition("Reconciling"), "False: Idle");
    assert_eq!(world.condition("Rotating"), "absent");

    // The overlap, and until its end is seen.
    world.pass(HOUR + 60).await;
    assert_ne!(world.the_only_token().token.id, first.token.id);
    let wanted = [
        "update apitokens/status",
        "update secrets",
        "update apitokens/status",
        // A revoke is sent, and recorded once it is seen to be done.
        "update apitokens/status",
    ];
    assert_eq!(world.writes()[before..], wanted);
}

#[tokio::test(start_paused = true)]
async fn each_new_trigger_rotates_once() {
    let world = delivered(json!({ "rotation": { "trigger": "1" } })).await;
    assert_eq!(
        world.revision(),
        Some(1),
        "a first mint handles the trigger that it finds"
    );
    world
        .change(json!({ "spec": { "rotation": { "trigger": "2" } } }))
        .await;
    world.pass(5).await;
    assert_eq!(world.revision(), Some(2));
    world
        .change(json!({ "metadata": { "annotations": { annotation::ROTATE: "now" } } }))
        .await;
    world.pass(5).await;
    assert_eq!(world.revision(), Some(3));
    world
        .change(json!({ "metadata": { "annotations": { annotation::ROTATE: null } } }))
        .await;
    world
        .change(json!({ "metadata": { "labels": { "team": "a" } } }))
        .await;
    world.pass(2 * HOUR).await;
    assert_eq!(world.revision(), Some(3));
    world.the_only_token();
}

#[tokio::test(start_paused = true)]
async fn changed_inputs_mint_anew_only_where_the_living_token_cannot_have_them() {
    let world = delivered(json!({})).await;
    let first = world.the_only_token();
    world
        .change(json!({ "spec": { "token": { "name": "deploy" } } }))
        .await;
    world.pass(5).await;
    assert_eq!(
        world.the_only_token().token.id,
        first.token.id,
        "a name can be changed in place"
    );
    assert!(
        world
            .the_only_token()
            .token
            .name
            .unwrap()
            .starts_with("deploy tw1-")
    );
    assert_eq!(world.condition("Ready"), "True: Ready");

    world
        .change(json!({ "spec": { "token": { "scopes": ["read"] } } }))
        .await;
    world.pass(5).await;
    assert_eq!(world.revision(), Some(2));
    world.the_secret_works();
    world.pass(HOUR).await;
    assert_ne!(world.the_only_token().token.id, first.token.id);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_revokes_everything_and_removes_the_secret() {
    let world = delivered(json!({})).await;
    world
        .change(json!({ "spec": { "rotation": { "trigger": "again" } } }))
        .await;
    world.pass(5).await;
    assert_eq!(world.issuer.live().len(), 2);
    world.delete().await;
    world.pass(60).await;
    assert!(
        world.object().is_none(),
        "the object is still there: {}",
        world.message("Ready")
    );
    assert!(world.secret().is_none());
    assert!(world.issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_retains_leaves_secret_and_token() {
    let world = delivered(json!({ "deletion": { "policy": "Retain" } })).await;
    world.delete().await;
    world.pass(60).await;
    assert!(
        world.object().is_none(),
        "the object is still there: {}",
        world.message("Ready")
    );
    world.the_only_token();
    assert!(
        !world
            .secret()
            .unwrap()
            .metadata
            .annotations
            .unwrap()
            .contains_key(annotation::MANAGER_UID)
    );
    assert!(world.events().contains(&"LeftBehind".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_restart_mints_and_writes_nothing() {
    let mut world = delivered(json!({})).await;
    let writes = world.writes().len();
    for _ in 0..3 {
        world.crash().await;
        world.start();
        world.pass(HOUR).await;
    }
    assert_eq!(world.issuer.count(Operation::Mint), 1);
    assert_eq!(world.writes().len(), writes);
}

#[tokio::test(start_paused = true)]
async fn an_idle_operator_asks_for_its_watches_alone_and_once_when_that_of_apitokens_ends() {
    let world = delivered(json!({})).await;
    world.pass(60).await;
    let before = world.api.requests().len();
    world.pass(HOUR).await;
    let mut later: Vec<_> = world.api.requests()[before..]
        .iter()
        .filter(|record| !matches!(record.seen.verb, tokenwright_testbed::memory::Verb::Watch))
        .map(|record| format!("{:?} {}", record.seen.verb, record.seen.resource))
        .collect();
    let look = format!("List {}", crate::world::TOKENS);
    let looks = later.extract_if(.., |asked| *asked == look).count();
    assert!((11..=13).contains(&looks), "{looks}");
    // Each issuer says once an hour when its list was read.
    let told = ["Update tokenissuers.tokenwright.dev"];
    assert!(later.is_empty() || later == told, "{later:?}");
}

#[tokio::test(start_paused = true)]
async fn the_secret_is_rendered_anew_without_a_mint() {
    let world =
        delivered(json!({ "secret": { "data": { ".npmrc": "token=$(value.token)" } } })).await;
    let value = world.data("token").unwrap();
    assert_eq!(world.data(".npmrc"), Some(format!("token={value}")));
    world.change(json!({ "spec": { "secret": { "data": { ".npmrc": null, "config": "$(name): $(value.token)" } } } })).await;
    world.pass(5).await;
    assert_eq!(world.data("config"), Some(format!("ci: {value}")));
    assert_eq!(world.data(".npmrc"), None);
    assert_eq!(world.issuer.count(Operation::Mint), 1);

    world
        .change(json!({ "spec": { "secret": { "data": { "config": "$(value.other)" } } } }))
        .await;
    world.pass(5).await;
    assert_eq!(world.condition("Stalled"), "True: InvalidSpec");
    assert!(
        world.message("Stalled").contains("spec.secret.data"),
        "{}",
        world.message("Stalled")
    );
    assert_eq!(
        world.data("config"),
        Some(format!("ci: {value}")),
        "what worked goes on working"
    );
}

#[tokio::test(start_paused = true)]
async fn the_secret_is_rendered_as_it_is_wanted_by_the_end_of_a_mint_and_not_as_at_its_beginning() {
    let mut world = World::new().await;
    world.start();
    let mut mint = world
        .issuer
        .hold_next(Operation::Mint, Moment::BeforeEffect);
    world.ask(json!({})).await;
    mint.reached().await;
    let labels = json!({ "spec": { "secret": { "labels": { "team": "a" } } } });
    world.change(labels).await;
    drop(mint);
    world.pass(20).await;
    world.the_only_token();
    let labels = world.secret().unwrap().metadata.labels.unwrap();
    assert_eq!(labels.get("team").map(String::as_str), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn a_suspended_object_rotates_no_more_but_still_retires_and_reports() {
    let world = delivered(json!({ "rotation": { "overlap": "1m" } })).await;
    world
        .change(json!({ "spec": { "rotation": { "trigger": "1" } } }))
        .await;
    world.pass(5).await;
    world
        .change(json!({ "spec": { "suspend": true, "rotation": { "trigger": "2" } } }))
        .await;
    world.pass(120).await;
    assert_eq!(world.revision(), Some(2));
    world.the_only_token();
    world.change(json!({ "spec": { "suspend": false } })).await;
    world.pass(5).await;
    assert_eq!(world.revision(), Some(3));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_disabled_and_enabled_again_without_a_mint() {
    let world = delivered(json!({})).await;
    world.pass(15).await;
    world
        .change(json!({ "spec": { "state": "Disabled" } }))
        .await;
    world.pass(700).await;
    assert_eq!(world.issuer.live()[0].token.enabled, Some(false));
    assert_eq!(world.condition("Ready"), "False: Disabled");
    world
        .change(json!({ "spec": { "state": "Enabled" } }))
        .await;
    world.pass(700).await;
    world.the_only_token();
    assert_eq!(world.issuer.live()[0].token.enabled, Some(true));
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.issuer.count(Operation::Mint), 1);
    assert_eq!(world.issuer.count(Operation::Disable), 1);
    assert_eq!(world.issuer.count(Operation::Enable), 1);
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_says_that_it_disabled_a_token_and_did_not_is_asked_again_without_haste() {
    let world = delivered(json!({})).await;
    world.pass(15).await;
    world.issuer.hook(|request, _| {
        (request.operation == Operation::Disable).then_some(IssuerFault::Pretend)
    });
    world
        .change(json!({ "spec": { "state": "Disabled" } }))
        .await;
    world.pass(600).await;
    let ready = world.condition("Ready");
    assert!(ready.starts_with("False: Disabl"), "{ready}");
    let asked = world.issuer.count(Operation::Disable);
    assert!((2..=10).contains(&asked), "{asked} times in ten minutes");
    world.issuer.hook(|_, _| None);
    world.pass(120).await;
    assert_eq!(world.condition("Ready"), "False: Disabled");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_somebody_revoked_is_minted_anew() {
    let world = delivered(json!({})).await;
    let first = world.the_only_token();
    world.pass(60).await;
    world.issuer.revoke_by_hand(&first.token.id);
    world.pass(700).await;
    assert_eq!(world.revision(), Some(2));
    world.the_only_token();
}

#[tokio::test(start_paused = true)]
async fn the_previous_value_is_kept_where_it_is_asked_for() {
    let world = delivered(json!({ "secret": { "keepPrevious": true } })).await;
    let first = world.data("token");
    world
        .change(json!({ "spec": { "rotation": { "trigger": "1" } } }))
        .await;
    world.pass(5).await;
    let second = world.data("token");
    assert_ne!(second, first);
    assert_eq!(world.data("previous.token"), first);
    world
        .change(json!({ "spec": { "rotation": { "trigger": "2" } } }))
        .await;
    world.pass(5).await;
    assert_ne!(world.data("token"), second);
    assert_eq!(
        world.data("previous.token"),
        second,
        "the direct predecessor"
    );
    world
        .change(json!({ "spec": { "secret": { "keepPrevious": false } } }))
        .await;
    world.pass(5).await;
    assert_eq!(world.data("previous.token"), None);
    world.the_secret_works();
}

#[tokio::test(start_paused = true)]
async fn what_somebody_wrote_over_a_value_is_not_kept_as_the_previous_one() {
    let world = delivered(json!({ "secret": { "keepPrevious": true } })).await;
    let first = world.data("token");
    world
        .change(json!({ "spec": { "rotation": { "trigger": "1" } } }))
        .await;
    world.pass(600).await;
    world
        .edit_secret(json!({ "stringData": { "token": "forged" } }))
        .await;
    world.pass(30).await;
    world.the_secret_works();
    assert_eq!(world.revision(), Some(3), "it was repaired");
    assert_eq!(world.data("previous.token"), first, "the last of ours");
}

#[tokio::test(start_paused = true)]
async fn the_place_of_the_previous_value_is_for_nothing_else() {
    let text = json!({ "previous.url": "https://$(name)" });
    let world = delivered(json!({ "secret": { "keepPrevious": true, "data": text } })).await;
    assert_eq!(world.data("previous.url"), Some("https://ci".to_owned()));
    let over = json!({ "previous.url": null, "previous.token": "$(name)" });
    world
        .change(json!({ "spec": { "secret": { "data": over } } }))
        .await;
    world.pass(5).await;
    assert_eq!(world.condition("Stalled"), "True: InvalidSpec");
    let told = world.message("Stalled");
    assert!(told.contains("previous.token"), "{told}");
    world
        .change(json!({ "spec": { "secret": { "data": null } } }))
        .await;
    world.pass(5).await;
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(
        world.data("previous.url"),
        None,
        "nobody asks for it any more"
    );
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_is_told_to_end_delivers_first_what_it_minted() {
    let mut world = World::new().await;
    let mut hold = world.issuer.hold(
        Operation::Mint,
        1,
        tokenwright_client::memory::Moment::AfterEffect,
    );
    world.start();
    world.ask(json!({})).await;
    hold.reached().await;
    let ended = world.shut_down();
    world.pass(1).await;
    assert!(!ended.is_finished(), "it left a token behind");
    hold.release();
    ended.await.unwrap();
    world.the_only_token();
    assert_eq!(world.condition("Ready"), "True: Ready");
}

#[tokio::test(start_paused = true)]
async fn a_token_whose_marker_was_edited_away_is_left_alone_and_keeps_no_other_waiting() {
    let world = delivered(json!({ "rotation": { "overlap": "1m" } })).await;
    let first = world.the_only_token();
    world
        .change(json!({ "spec": { "rotation": { "trigger": "1" } } }))
        .await;
    world.pass(5).await;
    world
        .issuer
        .rename_by_hand(&first.token.id, "somebody else's now");
    world.pass(120).await;
    world
        .change(json!({ "spec": { "rotation": { "trigger": "2" } } }))
        .await;
    world.pass(200).await;
    let live: Vec<_> = world.issuer.live();
    let ids: Vec<_> = live.iter().map(|minted| &minted.token.id).collect();
    assert!(ids.contains(&&first.token.id), "revoked what is not ours");
    assert_eq!(ids.len(), 2, "the second token was not revoked: {ids:?}");
    assert_eq!(world.revision(), Some(3));
}
