//! What counts as evidence: absence is asked about, a digest of a lost key is none, and many losses at
//! once are one of the issuer's.

use std::time::Duration;

use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;
use tokenwright_api::TokenIssuer;
use tokenwright_api::names::annotation;
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, MemorySettings, Operation};
use tokenwright_core::{Look, TokenId};
use tokio::time::Instant;

use crate::counted::value;
use crate::world::{NAMESPACE, TOKENS, World};

const KEY_SECRET: &str = "tokenwright-digest-key";

fn without_check() -> MemorySettings {
    let mut settings = MemorySettings::default();
    settings.capabilities.check = false;
    settings
}

/// `ci-0` to `ci-<many>`, each with a Secret of its own.
async fn delivered(settings: MemorySettings, many: usize) -> World {
    let mut world = World::with(settings).await;
    world.start();
    for n in 0..many {
        let secret = json!({ "secret": { "name": format!("token-{n}") } });
        world.ask_as(&format!("ci-{n}"), secret).await;
    }
    // Until the first listings that must show them were taken.
    world.pass(660).await;
    assert_eq!(world.issuer.live().len(), many);
    world
}

/// Every listing is empty from now on.
fn empty_listings(world: &World) {
    world
        .issuer
        .hook(|request, _| (request.operation == Operation::List).then_some(Fault::Empty));
}

fn mints(world: &World) -> u32 {
    world.issuer.count(Operation::Mint)
}

async fn issuer(world: &World) -> TokenIssuer {
    world.issuers().get("issuer").await.unwrap()
}

async fn suspect(world: &World) -> Option<String> {
    let conditions = issuer(world).await.status.unwrap_or_default().conditions;
    let mut conditions = conditions.into_iter();
    conditions
        .find(|condition| condition.type_ == "Suspect")
        .map(|condition| condition.message)
}

#[tokio::test(start_paused = true)]
async fn empty_listings_mint_nothing_while_the_values_authenticate() {
    let world = delivered(MemorySettings::default(), 30).await;
    let before = mints(&world);
    empty_listings(&world);
    world.pass(3_600).await;
    assert_eq!(mints(&world), before);
    assert!(world.issuer.count(Operation::Check) > 0, "nobody was asked");
    world.issuer.calm();
    world.pass(1_200).await;
    assert_eq!((mints(&world), world.issuer.live().len()), (before, 30));
}

#[tokio::test(start_paused = true)]
async fn whoever_vanished_without_an_end_makes_no_issuer_suspect_by_the_token_it_left() {
    let world = delivered(MemorySettings::default(), 11).await;
    let live = world.issuer.live();
    let id_of = |n: usize| {
        let name = format!("ci-{n}");
        let object = world.api.snapshot(TOKENS, NAMESPACE, &name).unwrap();
        let id = object["status"]["current"]["tokenID"].as_str().unwrap();
        TokenId::new(id)
    };
    let ids: Vec<_> = (0..5).map(id_of).collect();
    for n in 0..4 {
        assert!(world.api.erase(TOKENS, NAMESPACE, &format!("ci-{n}")));
    }
    for id in &ids {
        assert!(world.issuer.revoke_by_hand(id));
    }
    world.pass(1_500).await;
    assert_eq!(suspect(&world).await, None);
    // Whoever is still there has lost its token, and gets another one.
    assert_eq!(mints(&world), 12);
    assert_eq!(world.issuer.live().len(), live.len() - 4);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_really_gone_is_minted_anew() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(660).await;
    let first = world.the_only_token();
    world.issuer.revoke_by_hand(&first.token.id);
    world.pass(660).await;
    assert_ne!(world.the_only_token().token.id, first.token.id);
}

#[tokio::test(start_paused = true)]
async fn one_empty_listing_is_no_loss_where_nothing_can_be_asked_and_a_second_one_is() {
    let world = delivered(without_check(), 2).await;
    let before = mints(&world);
    world.issuer.fault(Operation::List, Fault::Empty);
    world.pass(1_200).await;
    assert_eq!(mints(&world), before);
    let gone = world.issuer.live()[0].token.id.clone();
    world.issuer.revoke_by_hand(&gone);
    world.pass(660).await;
    assert_eq!(mints(&world), before + 1);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_while_listings_miss_the_token_for_a_moment_leaves_it_not_alive() {
    let mut settings = without_check();
    settings.capabilities.look = Look::Listing;
    let mut world = World::with(settings).await;
    world.start();
    world.ask(json!({})).await;
    world.pass(660).await;
    let until = Instant::now() + Duration::from_secs(5);
    world.issuer.hook(move |request, _| {
        // A look at one token is a listing here, too.
        let looks = matches!(request.operation, Operation::Get | Operation::List);
        (looks && Instant::now() < until).then_some(Fault::Pretend)
    });
    world.delete().await;
    world.pass(120).await;
    assert!(world.object().is_none(), "{}", world.message("Ready"));
    assert_eq!(world.issuer.live(), []);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_while_listings_miss_a_token_of_a_lost_answer_leaves_it_not_alive() {
    // After its revoke failed, and before it was tried.
    for (refused, hidden) in [(true, 0..8), (false, 0..78)] {
        let mut world = World::with(without_check()).await;
        world.start();
        world.ask(json!({})).await;
        world.pass(660).await;
        world.issuer.fault(Operation::Mint, Fault::LoseAnswer);
        let turns = json!({ "spec": { "rotation": { "trigger": "now" } } });
        world.change(turns).await;
        world.pass(2).await;
        if refused {
            world.issuer.hook(|request, _| {
                let revokes = request.operation == Operation::Revoke;
                revokes.then_some(Fault::Refuse(ErrorKind::Unavailable))
            });
            world.pass(120).await;
        }
        assert!(world.issuer.live().len() > 1, "no mint was lost");
        let now = Instant::now();
        world.issuer.hook(move |request, _| {
            let hides = hidden.contains(&now.elapsed().as_secs());
            (hides && request.operation == Operation::List).then_some(Fault::Empty)
        });
        world.delete().await;
        world.pass(600).await;
        assert!(world.object().is_none(), "{}", world.message("Ready"));
        assert_eq!(world.issuer.live(), [], "refused: {refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn many_losses_at_once_are_held_until_they_return_or_a_person_acknowledges_them() {
    let world = delivered(without_check(), 8).await;
    let before = mints(&world);
    empty_listings(&world);
    world.pass(1_800).await;
    assert_eq!(mints(&world), before);
    let told = suspect(&world).await.expect("the issuer does not say so");
    let metric = "tokenwright_issuer_suspect";
    assert_eq!(value(&world, metric).await, 1.0);
    assert!(told.contains("acknowledge-loss"), "{told}");

    world.issuer.calm();
    world.pass(1_200).await;
    assert_eq!((mints(&world), suspect(&world).await), (before, None));
    assert_eq!(value(&world, metric).await, 0.0);

    for token in world.issuer.live() {
        world.issuer.revoke_by_hand(&token.token.id);
    }
    world.pass(1_800).await;
    assert_eq!(mints(&world), before);
    acknowledge(&world, "2026-03-01T02:00:00Z").await;
    world.pass(1_800).await;
    assert_eq!(mints(&world), before + 8);
    assert_eq!(world.issuer.live().len(), 8);
    assert_eq!(suspect(&world).await, None);
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_of_a_loss_outlives_the_operator_and_serves_for_no_later_loss() {
    let mut world = delivered(without_check(), 8).await;
    let lose_all = |world: &World| {
        for token in world.issuer.live() {
            world.issuer.revoke_by_hand(&token.token.id);
        }
    };
    let before = mints(&world);
    lose_all(&world);
    world.pass(1_800).await;
    acknowledge(&world, "first").await;
    world.crash().await;
    world.start();
    world.pass(3_600).await;
    assert_eq!((mints(&world), suspect(&world).await), (before + 8, None));
    world.crash().await;
    lose_all(&world);
    world.start();
    world.pass(3_600).await;
    assert_eq!(
        mints(&world),
        before + 8,
        "the former word is of the former loss"
    );
    acknowledge(&world, "second").await;
    world.pass(1_800).await;
    assert_eq!(mints(&world), before + 16);
}

#[tokio::test(start_paused = true)]
async fn a_reinstalled_operator_without_its_digest_key_mints_nothing_and_says_so_once() {
    for settings in [MemorySettings::default(), without_check()] {
        let mut world = delivered(settings, 20).await;
        let before = mints(&world);
        world.crash().await;
        remove_key(&world).await;
        world.start();
        world.pass(1_800).await;
        assert_eq!((mints(&world), world.issuer.live().len()), (before, 20));
        assert_eq!(world.notes("DigestKeyChanged").len(), 20);
        // The new digests tell, as the old ones did.
        world.crash().await;
        world.start();
        world.pass(60).await;
        assert_eq!(world.notes("DigestKeyChanged").len(), 20);
        edit(&world, "token-3").await;
        world.pass(60).await;
        assert_eq!(mints(&world), before + 1);
    }
}

async fn acknowledge(world: &World, text: &str) {
    let annotations = json!({ annotation::ACKNOWLEDGE_LOSS: text });
    let word = json!({ "metadata": { "annotations": annotations } });
    let issuers = world.issuers();
    let params = PatchParams::default();
    issuers
        .patch("issuer", &params, &Patch::Merge(word))
        .await
        .unwrap();
}

async fn remove_key(world: &World) {
    let secrets: kube::Api<k8s_openapi::api::core::v1::Secret> =
        kube::Api::namespaced(world.user.clone(), &key_namespace());
    secrets
        .delete(KEY_SECRET, &DeleteParams::default())
        .await
        .unwrap();
}

fn key_namespace() -> String {
    tokenwright_operator::Options::default().namespace
}

async fn edit(world: &World, secret: &str) {
    let change = json!({ "data": { "token": "b3RoZXI=" } });
    world
        .secrets()
        .patch(secret, &PatchParams::default(), &Patch::Merge(change))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_value_edited_soon_after_its_mint_is_noticed() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(30).await;
    edit(&world, "ci-token").await;
    world.pass(30).await;
    world.the_secret_works();
    assert_eq!(world.revision(), Some(2));
}
