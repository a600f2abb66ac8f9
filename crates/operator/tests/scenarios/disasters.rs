//! What is left after a disaster, and what is made of it: a status or a Secret that is gone, objects that a
//! backup brings back under new UIDs, an issuer that moves or goes, deletions in any order.

use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokenwright_client::{ErrorKind, Operation};
use tokenwright_core::TokenId;

use crate::world::{NAMESPACE, TOKENS, World};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// A world in which a token was delivered, and its predecessor still lives for a while.
async fn in_an_overlap() -> (World, TokenId) {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(30).await;
    let first = world.the_only_token().token.id;
    // No trigger: one that nobody remembers is obeyed once more.
    let wish = json!({ "spec": { "token": { "scopes": ["read"] } } });
    world.change(wish).await;
    world.pass(30).await;
    assert_eq!(world.revision(), Some(2));
    (world, first)
}

fn mints(world: &World) -> u32 {
    world.issuer.count(Operation::Mint)
}

/// Time passes, and what consumers read authenticates at every look.
async fn pass_working(world: &World, seconds: u64) {
    for _ in 0..seconds.div_ceil(10) {
        world.pass(10).await;
        world.the_secret_works();
    }
}

async fn wipe_status(world: &World) {
    let mut object = world.object().unwrap();
    object.status = None;
    let (tokens, post) = (world.tokens(), PostParams::default());
    tokens.replace_status("ci", &post, &object).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_status_that_is_wiped_is_read_back_from_the_secret_and_what_retires_ends_in_time() {
    for running in [true, false] {
        let (mut world, first) = in_an_overlap().await;
        if running {
            wipe_status(&world).await;
        } else {
            world.crash().await;
            wipe_status(&world).await;
            world.start();
        }
        pass_working(&world, 10 * MINUTE).await;
        assert_eq!(world.revision(), Some(2), "running: {running}");
        assert_eq!(
            world.condition("Ready"),
            "True: Ready",
            "running: {running}"
        );
        pass_working(&world, 2 * HOUR).await;
        assert_eq!(mints(&world), 2, "running: {running}");
        let only = world.the_only_token().token.id;
        assert_ne!(only, first, "running: {running}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_and_a_secret_that_are_lost_together_are_told_and_end_nothing_that_may_be_used() {
    let (mut world, first) = in_an_overlap().await;
    let second = world
        .issuer
        .owner_of(&world.data("token").unwrap())
        .unwrap();
    world.crash().await;
    wipe_status(&world).await;
    assert!(world.api.erase("secrets", NAMESPACE, "ci-token"));
    world.start();
    world.pass(MINUTE).await;
    pass_working(&world, 3 * HOUR).await;
    assert_eq!(mints(&world), 3);
    // Nobody recorded their nonces: they are another's, as far as anybody can prove.
    assert_eq!(world.condition("ForeignActivity"), "True: ForeignActivity");
    let told = world.message("ForeignActivity");
    for id in [&first, &second.token.id] {
        assert!(told.contains(&id.to_string()), "{told}");
    }
    assert_eq!(world.issuer.live().len(), 3);
}

/// What a backup holds of an object: no status, no UID, no version.
fn backed_up(mut object: Value) -> Value {
    object.as_object_mut().unwrap().remove("status");
    let metadata = object["metadata"].as_object_mut().unwrap();
    for key in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "managedFields",
    ] {
        metadata.remove(key);
    }
    object
}

#[tokio::test(start_paused = true)]
async fn what_a_backup_brings_back_goes_on_with_its_secret_or_without_and_ends_no_former_token() {
    for with_secret in [true, false] {
        let mut world = World::new().await;
        world.start();
        world.ask(json!({})).await;
        world.pass(30).await;
        let former = world.the_only_token().token.id;
        let token = backed_up(world.api.snapshot(TOKENS, NAMESPACE, "ci").unwrap());
        let secret = backed_up(
            world
                .api
                .snapshot("secrets", NAMESPACE, "ci-token")
                .unwrap(),
        );
        world.crash().await;
        for (kind, name) in [(TOKENS, "ci"), ("secrets", "ci-token")] {
            assert!(world.api.erase(kind, NAMESPACE, name));
        }
        if with_secret {
            let secret: Secret = serde_json::from_value(secret).unwrap();
            world
                .secrets()
                .create(&PostParams::default(), &secret)
                .await
                .unwrap();
        }
        let token = serde_json::from_value(token).unwrap();
        world
            .tokens()
            .create(&PostParams::default(), &token)
            .await
            .unwrap();
        world.start();
        if !with_secret {
            world.pass(MINUTE).await;
        }
        pass_working(&world, 3 * HOUR).await;
        assert_eq!(
            world.condition("Ready"),
            "True: Ready",
            "with: {with_secret}"
        );
        assert_eq!(mints(&world), 2, "with: {with_secret}");
        let live = world.issuer.live();
        assert!(
            live.len() == 2 && live.iter().any(|token| token.token.id == former),
            "with: {with_secret}: {live:#?}"
        );
        let told = world.notes("LeftBehind");
        assert_eq!(told.len(), usize::from(with_secret), "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_retained_is_taken_up_by_one_who_is_asked_for_again() {
    let mut world = World::new().await;
    world.start();
    world
        .ask(json!({ "deletion": { "policy": "Retain" } }))
        .await;
    world.pass(30).await;
    let retained = world.the_only_token().token.id;
    world.delete().await;
    world.pass(MINUTE).await;
    assert!(world.object().is_none());
    // The Secret is nobody's now, and so it is refused until a person offers it.
    world.ask(json!({})).await;
    pass_working(&world, 10 * MINUTE).await;
    assert_eq!(world.condition("Stalled"), "True: DestinationForeign");
    assert_eq!(mints(&world), 1);
    let offer =
        json!({ "metadata": { "annotations": { "tokenwright.dev/allow-takeover-by": "ci" } } });
    world.edit_secret(offer).await;
    pass_working(&world, 3 * HOUR).await;
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(mints(&world), 2);
    let live = world.issuer.live();
    assert!(
        live.iter().any(|token| token.token.id == retained),
        "it was to live on"
    );
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_moves_away_ends_and_mints_nothing_until_it_is_back() {
    let (world, _) = in_an_overlap().await;
    let revokes = world.issuer.count(Operation::Revoke);
    let moved = |endpoint: Value| {
        let issuers = world.issuers();
        async move {
            let change = Patch::Merge(json!({ "spec": { "endpoint": endpoint } }));
            let patch = PatchParams::default();
            issuers.patch("issuer", &patch, &change).await.unwrap();
        }
    };
    moved(json!("https://elsewhere.example.com")).await;
    pass_working(&world, 3 * HOUR).await;
    assert_eq!(mints(&world), 2);
    assert_eq!(world.issuer.count(Operation::Revoke), revokes);
    assert_eq!(world.issuer.live().len(), 2);
    moved(Value::Null).await;
    pass_working(&world, HOUR).await;
    world.the_only_token();
    assert_eq!(mints(&world), 2);
    assert_eq!(world.condition("Ready"), "True: Ready");
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_is_deleted_serves_until_the_last_of_its_tokens_is_gone() {
    let (world, _) = in_an_overlap().await;
    world
        .issuers()
        .delete("issuer", &DeleteParams::default())
        .await
        .unwrap();
    pass_working(&world, 2 * HOUR).await;
    world.the_only_token();
    assert!(world.issuers().get_opt("issuer").await.unwrap().is_some());
    world.delete().await;
    world.pass(3 * MINUTE).await;
    world.all_is_gone().await;
}

#[tokio::test(start_paused = true)]
async fn an_issuer_waits_for_as_long_as_the_deletions_of_its_tokens_do() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({ "deletion": { "timeout": "3d" } })).await;
    world.pass(MINUTE).await;
    world.the_only_token();
    let all = ["credential", "issuer", "ci"];
    let refused = (ErrorKind::Unavailable, 48 * HOUR);
    world.delete_each_while(&all, refused).await;
}

#[tokio::test(start_paused = true)]
async fn a_namespace_whose_objects_go_in_any_order_neither_wedges_nor_leaks() {
    for rotation in 0..4 {
        let (world, _) = in_an_overlap().await;
        let mut all = ["ci-token", "credential", "ci", "issuer"];
        all.rotate_left(rotation);
        world.delete_each(&all).await;
        world.pass(3 * MINUTE).await;
        let left = world.secrets().list(&Default::default()).await.unwrap();
        assert!(left.items.is_empty(), "from {}: {left:?}", all[0]);
        assert!(world.object().is_none(), "from {}", all[0]);
        let issuer = world.issuers().get_opt("issuer").await.unwrap();
        assert!(issuer.is_none(), "from {}", all[0]);
        assert!(
            world.issuer.live().is_empty(),
            "from {}: not revoked",
            all[0]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_in_the_foreground_is_done_and_leaves_the_finalizer_of_the_collector() {
    let (world, _) = in_an_overlap().await;
    let mut held = world.object().unwrap().metadata.finalizers.unwrap();
    let collector = "foregroundDeletion".to_owned();
    held.push(collector.clone());
    world
        .change(json!({ "metadata": { "finalizers": held } }))
        .await;
    world.delete().await;
    world.pass(3 * MINUTE).await;
    assert!(world.issuer.live().is_empty());
    assert!(world.secret().is_none());
    let left = world.object().unwrap().metadata.finalizers.unwrap();
    assert_eq!(left, [collector]);
    assert_eq!(mints(&world), 2, "minted for one that goes");
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_lost_while_its_issuer_cannot_be_used_is_told_and_comes_back_with_the_issuer()
 {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(30).await;
    world.the_only_token();
    let profile = |name: &str| Patch::Merge(json!({ "spec": { "profile": name } }));
    let params = PatchParams::default();
    let issuers = world.issuers();
    let unknown = profile("nobody-knows");
    issuers.patch("issuer", &params, &unknown).await.unwrap();
    world.pass(30).await;
    assert_eq!(world.condition("Ready"), "True: Ready", "the value works");
    let once = DeleteParams::default();
    world.secrets().delete("ci-token", &once).await.unwrap();
    world.pass(5).await;
    assert_eq!(world.condition("Ready"), "False: UnknownProfile");
    let told = world.message("Ready");
    assert!(told.contains("The Secret ci-token is gone"), "{told}");
    let known = profile("memory");
    issuers.patch("issuer", &params, &known).await.unwrap();
    world.pass(60).await;
    world.the_secret_works();
    assert_eq!(world.condition("Ready"), "True: Ready");
}
