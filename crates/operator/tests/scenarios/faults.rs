//! What happens when something says no: nothing is minted, or the fresh token is revoked, and what
//! worked goes on working.

use serde_json::json;
use tokenwright_client::memory::Fault as IssuerFault;
use tokenwright_client::{ErrorKind, Operation};
use tokenwright_testbed::memory::{Fault, Seen, Verb};

use crate::world::{NAMESPACE, TOKENS, World};

fn rehearsal(seen: &Seen) -> bool {
    seen.resource == "secrets" && seen.dry_run
}

fn delivery(seen: &Seen) -> bool {
    let writes = matches!(seen.verb, Verb::Create | Verb::Update);
    seen.resource == "secrets"
        && writes
        && !seen.dry_run
        && seen.namespace.as_deref() == Some(NAMESPACE)
}

#[tokio::test(start_paused = true)]
async fn a_refused_rehearsal_mints_nothing() {
    for (code, reason, message) in [
        (403, "Forbidden", "exceeded quota: compute-resources"),
        (
            403,
            "Forbidden",
            "secrets is forbidden: User cannot create resource",
        ),
        (422, "Invalid", "admission webhook denied the request"),
        (500, "InternalError", "etcd is down"),
    ] {
        let mut world = World::new().await;
        world.api.on_request(move |seen| match rehearsal(seen) {
            true => Fault::refuse(code, reason, message),
            false => Fault::Pass,
        });
        world.start();
        world.ask(json!({})).await;
        world.pass(5).await;
        assert_eq!(world.issuer.count(Operation::Mint), 0, "{message}");
        assert_eq!(world.condition("Ready"), "False: RehearsalRefused");
        let told = world.message("Ready");
        assert!(told.contains(message), "{told}");
        world.api.clear_faults();
        world.pass(60).await;
        world.the_only_token();
        assert_eq!(world.condition("Ready"), "True: Ready");
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_be_rehearsed_slowly_is_delivered_as_slowly() {
    let mut world = World::new().await;
    world.api.on_request(|seen| {
        let slow = rehearsal(seen) || delivery(seen);
        match slow && seen.is_write() {
            true => Fault::Delay(std::time::Duration::from_secs(12)),
            false => Fault::Pass,
        }
    });
    world.start();
    world.ask(json!({})).await;
    world.pass(300).await;
    world.the_secret_works();
    let trigger = json!({ "spec": { "rotation": { "trigger": "now" } } });
    world.change(trigger).await;
    world.pass(300).await;
    world.the_secret_works();
    assert_eq!(world.revision(), Some(2));
    assert_eq!(world.issuer.count(Operation::Mint), 2);
}

#[tokio::test(start_paused = true)]
async fn a_minted_value_that_is_dead_is_revoked_and_the_current_one_stays() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(5).await;
    let first = world.the_only_token();
    world.issuer.fault(Operation::Mint, IssuerFault::BornDead);
    world
        .change(json!({ "spec": { "rotation": { "trigger": "again" } } }))
        .await;
    world.pass(13).await;
    assert_eq!(world.the_only_token().token.id, first.token.id);
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.condition("Rotating"), "False: MintedValueRefused");
    world.pass(60).await;
    assert_eq!(world.revision(), Some(3));
    assert_eq!(world.condition("Rotating"), "absent");
    world.the_secret_works();
}

#[tokio::test(start_paused = true)]
async fn a_first_mint_whose_value_never_works_is_tried_less_and_less_often_and_says_when() {
    let mut world = World::new().await;
    world
        .issuer
        .hook(|request, _| (request.operation == Operation::Mint).then_some(IssuerFault::BornDead));
    world.start();
    world.ask(json!({})).await;
    world.pass(24 * 3_600).await;
    let minted = world.issuer.count(Operation::Mint);
    assert!((10..=34).contains(&minted), "{minted} mints in a day");
    assert_eq!(world.issuer.live().len(), 0);
    assert_eq!(world.condition("Ready"), "False: MintedValueRefused");
    let told = world.message("Ready");
    assert!(told.contains("The next try is at 2026-03-02T"), "{told}");

    // Whoever mended the issuer waits for no pause.
    world.issuer.calm();
    world
        .change(json!({ "spec": { "rotation": { "trigger": "mended" } } }))
        .await;
    world.pass(5).await;
    world.the_secret_works();
    let status = world.object().unwrap().status.unwrap();
    assert_eq!(status.last_repair, None, "there was nothing to repair");
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_healed_and_leaves_no_token() {
    for fault in [
        IssuerFault::LoseAnswer,
        IssuerFault::LoseRequest,
        IssuerFault::LandLater(jiff::SignedDuration::from_secs(40)),
    ] {
        let mut world = World::new().await;
        world.issuer.fault(Operation::Mint, fault.clone());
        world.start();
        world.ask(json!({})).await;
        world.pass(300).await;
        world.the_only_token();
        assert_eq!(world.condition("Ready"), "True: Ready", "{fault:?}");
        let attempts = world.object().unwrap().status.unwrap().attempts;
        assert!(attempts.is_empty(), "{fault:?}: {attempts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_got_no_answer_is_found_at_the_secret() {
    for fault in [
        Fault::LoseReply,
        Fault::LoseRequest,
        Fault::LateEffect(std::time::Duration::from_millis(100)),
        Fault::LateEffect(std::time::Duration::from_secs(5)),
        Fault::refuse(500, "InternalError", "etcd is slow"),
    ] {
        let mut world = World::new().await;
        world.api.once(delivery, fault.clone());
        world.start();
        world.ask(json!({})).await;
        world.pass(30).await;
        assert_eq!(world.issuer.count(Operation::Mint), 1, "{fault:?}");
        world.the_only_token();
        assert_eq!(world.condition("Ready"), "True: Ready");
        assert_eq!(world.events(), ["Published"], "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_could_not_be_let_go_is_let_go_soon_after() {
    for fault in [
        Fault::refuse(500, "InternalError", "etcd is slow"),
        // Of a gateway before the API server, or of a definition that is made anew.
        Fault::refuse(404, "Failed to parse error data", "404 page not found"),
        Fault::LoseRequest,
        Fault::LoseReply,
    ] {
        let mut world = World::new().await;
        world.start();
        world.ask(json!({})).await;
        world.pass(660).await;
        let (mut left, lost) = (4, fault.clone());
        world.api.on_request(move |seen| {
            let lets_go = seen.resource == TOKENS && seen.verb == Verb::Patch;
            match lets_go && left > 0 {
                true => {
                    left -= 1;
                    lost.clone()
                }
                false => Fault::Pass,
            }
        });
        world.delete().await;
        world.pass(180).await;
        assert!(world.object().is_none(), "{fault:?}");
        assert!(world.issuer.live().is_empty(), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_is_refused_for_good_revokes_the_fresh_token() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(5).await;
    let first = world.the_only_token();
    world.api.on_request(|seen| match delivery(seen) {
        true => Fault::refuse(403, "Forbidden", "not today"),
        false => Fault::Pass,
    });
    world
        .change(json!({ "spec": { "rotation": { "trigger": "again" } } }))
        .await;
    world.pass(80).await;
    assert_eq!(world.the_only_token().token.id, first.token.id);
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.condition("Rotating"), "False: PublishRefused");
    assert!(world.message("Rotating").contains("not today"));
}

#[tokio::test(start_paused = true)]
async fn a_refused_mint_backs_off_and_says_why_without_the_vendors_words() {
    let mut world = World::new().await;
    world.issuer.hook(|request, _| {
        (request.operation == Operation::Mint)
            .then_some(IssuerFault::Refuse(ErrorKind::LimitReached))
    });
    world.start();
    world.ask(json!({})).await;
    world.pass(3_600).await;
    let mints = world.issuer.count(Operation::Mint);
    assert!((3..12).contains(&mints), "{mints} mints in an hour");
    assert_eq!(world.condition("Ready"), "False: MintRefused");
    assert!(
        world.message("Ready").contains("quota"),
        "{}",
        world.message("Ready")
    );
    world.issuer.calm();
    world.pass(3_700).await;
    assert_eq!(world.condition("Ready"), "True: Ready");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_carried_out_is_named_and_mints_nothing() {
    for (change, field) in [
        (
            json!({ "rotation": { "overlap": "25d" } }),
            "spec.rotation.overlap",
        ),
        (
            json!({ "token": { "lifetime": "0d" } }),
            "spec.token.lifetime",
        ),
        (
            json!({ "token": { "name": "x".repeat(250) } }),
            "spec.token.name",
        ),
        (
            json!({ "secret": { "data": { "a": "$(nobody)" } } }),
            "spec.secret.data",
        ),
    ] {
        let mut world = World::new().await;
        world.start();
        world.ask(change).await;
        world.pass(30).await;
        assert_eq!(world.issuer.count(Operation::Mint), 0, "{field}");
        assert_eq!(world.condition("Stalled"), "True: InvalidSpec", "{field}");
        assert!(
            world.message("Stalled").starts_with(field),
            "{}",
            world.message("Stalled")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_credential_is_said_and_its_correction_is_seen() {
    let mut world = World::new().await;
    world.set_credential("wrong").await;
    world.start();
    world.ask(json!({})).await;
    world.pass(30).await;
    assert_eq!(world.condition("Stalled"), "True: CredentialNotFound");
    assert_eq!(world.issuer.count(Operation::Mint), 0);
    world.set_credential("right").await;
    world.pass(5).await;
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.condition("Stalled"), "False: Idle");
    world.the_only_token();
}

#[tokio::test(start_paused = true)]
async fn two_operators_at_once_end_with_one_token() {
    let mut world = World::new().await;
    world.start();
    world.start_second();
    world.ask(json!({ "rotation": { "overlap": "30s" } })).await;
    world.pass(120).await;
    world.the_only_token();
    world
        .change(json!({ "spec": { "rotation": { "trigger": "again" } } }))
        .await;
    for _ in 0..20 {
        world.pass(15).await;
        world.the_secret_works();
    }
    // Nothing of one is foreign to the other, and what one minted in vain is gone.
    world.the_only_token();
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.condition("ForeignActivity"), "absent");
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_emptied_in_any_order_leaks_nothing() {
    for order in [
        ["issuer", "credential", "token"],
        ["credential", "token", "issuer"],
        ["token", "issuer", "credential"],
    ] {
        let mut world = World::new().await;
        world.start();
        world.ask(json!({})).await;
        world.pass(5).await;
        world.the_only_token();
        for object in order {
            let now = Default::default();
            match object {
                "issuer" => drop(world.issuers().delete("issuer", &now).await.unwrap()),
                "credential" => drop(world.secrets().delete("credential", &now).await.unwrap()),
                _ => world.delete().await,
            }
            world.pass(1).await;
        }
        world.pass(120).await;
        assert!(
            world.object().is_none(),
            "{order:?}: {}",
            world.message("Ready")
        );
        assert!(world.issuer.live().is_empty(), "{order:?}");
        assert!(
            world.issuers().get_opt("issuer").await.unwrap().is_none(),
            "{order:?}: the issuer stays"
        );
        assert!(
            world
                .secrets()
                .get_opt("credential")
                .await
                .unwrap()
                .is_none(),
            "{order:?}: the credential stays"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_stale_view_of_its_own_objects_mints_nothing_twice() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(5).await;
    world.api.pin(crate::world::OPERATOR, TOKENS);
    world.crash().await;
    world
        .change(json!({ "spec": { "rotation": { "trigger": "again" } } }))
        .await;
    world.start();
    world.pass(60).await;
    world.api.release(crate::world::OPERATOR, TOKENS);
    world.pass(60).await;
    assert_eq!(world.revision(), Some(2));
    assert_eq!(world.issuer.count(Operation::Mint), 2);
    world.the_secret_works();
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_cannot_be_reached_keeps_what_works_and_holds_a_deletion() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({ "deletion": { "timeout": "1h" } })).await;
    world.pass(5).await;
    world.issuer.outage(Some(ErrorKind::Unavailable));
    world.delete().await;
    world.pass(1_800).await;
    assert!(
        world.object().is_some(),
        "a deletion must wait for the issuer"
    );
    world.pass(2_400).await;
    assert!(
        world.object().is_none(),
        "a deletion must end after its timeout"
    );
    assert!(
        world.events().contains(&"DeletionTimedOut".to_owned()),
        "{:?}",
        world.events()
    );
}

#[tokio::test(start_paused = true)]
async fn a_status_that_nominates_the_token_in_the_secret_ends_nothing() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(5).await;
    let current = world.object().unwrap().status.unwrap().current.unwrap();
    let forged = json!([{
        "tokenID": current.token_id, "marker": current.marker, "issuer": current.issuer,
        "identity": current.identity, "notBefore": "2020-01-01T00:00:00Z",
    }]);
    world
        .forge_status(json!({ "status": { "retiring": forged } }))
        .await;
    world.pass(3_600).await;
    world.the_only_token();
    assert_eq!(world.issuer.count(Operation::Revoke), 0);
}

#[tokio::test(start_paused = true)]
async fn a_status_that_nominates_the_token_of_another_object_ends_nothing() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world
        .ask_as("other", json!({ "secret": { "name": "other-token" } }))
        .await;
    world.pass(5).await;
    let ours = world.object().unwrap().status.unwrap().current.unwrap();
    let other = world
        .issuer
        .live()
        .into_iter()
        .find(|minted| minted.token.id.as_str() != ours.token_id)
        .unwrap();
    let forged = json!([{
        "tokenID": other.token.id.as_str(), "marker": other.marker.unwrap().to_string(), "issuer": ours.issuer,
        "identity": ours.identity, "notBefore": "2020-01-01T00:00:00Z",
    }]);
    world
        .forge_status(json!({ "status": { "retiring": forged } }))
        .await;
    world.pass(3_600).await;
    assert_eq!(world.issuer.live().len(), 2);
    assert_eq!(world.issuer.count(Operation::Revoke), 0);
}
