//! A token that is the credential of the issuer that mints it: bootstrapped by a person, then rotated like
//! any other, at every point at which the operator can die.

use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;
use tokenwright_api::names::{annotation, finalizer, label};
use tokenwright_client::memory::Moment;
use tokenwright_client::{MemorySettings, Operation};
use tokenwright_core::TokenId;

use crate::points::{self, Story};
use crate::rewound::{noticed, operator, set_back};
use crate::world::{NAMESPACE, World};

/// The Secret that holds the credential, and that the token is delivered to.
const SECRET: &str = "credential";

/// What is done, from a world in which the operator is quiet.
#[derive(Debug, Clone, Copy)]
enum SelfRotating {
    /// The token takes the place of the person's first credential.
    TakeOver,
    /// It is replaced by the next one, and ended after its overlap.
    Rotation,
}

/// The world with a person's credential; its id.
async fn bootstrapped() -> (World, TokenId) {
    let world = World::new().await;
    let id = bootstrap(&world).await;
    (world, id)
}

/// A person's credential, which the token may take the place of; its id.
async fn bootstrap(world: &World) -> TokenId {
    let (id, value) = world.by_hand().await;
    let change = json!({
        "metadata": { "annotations": { annotation::ALLOW_TAKEOVER_BY: "ci" } },
        "stringData": { "token": value },
    });
    world
        .secrets()
        .patch(SECRET, &PatchParams::default(), &Patch::Merge(change))
        .await
        .unwrap();
    id
}

async fn ask(world: &World) {
    world
        .ask(json!({
            "token": { "lifetime": "10m" },
            "rotation": { "renewBefore": "8m", "overlap": "30s" },
            "secret": { "name": SECRET },
        }))
        .await;
}

/// The value in the Secret.
fn credential(world: &World) -> String {
    let data = world.secret_called(SECRET).unwrap().data.unwrap();
    String::from_utf8(data["token"].0.clone()).unwrap()
}

/// What authenticates the issuer's requests is alive, whatever happens.
fn the_credential_works(world: &World, telling: &str) {
    let owner = world.issuer.owner_of(&credential(world));
    let owner = owner.unwrap_or_else(|| panic!("{telling}: nobody's value"));
    assert!(
        owner.revoked_at.is_none(),
        "{telling}: the credential is revoked"
    );
}

impl Story for SelfRotating {
    async fn prepared(self) -> World {
        let (mut world, _) = bootstrapped().await;
        if matches!(self, Self::Rotation) {
            world.start();
            ask(&world).await;
            world.pass(60).await;
        }
        world
    }

    async fn play(self, world: &mut World) -> u64 {
        match self {
            Self::TakeOver => {
                world.start();
                ask(world).await;
                30
            }
            Self::Rotation => 120,
        }
    }

    fn holds(self, world: &World, telling: &str) {
        the_credential_works(world, telling);
    }

    fn ends_well(self, world: &World, telling: &str) {
        the_credential_works(world, telling);
        assert_eq!(world.condition("Ready"), "True: Ready", "{telling}");
        let ready = world.issuer_ready("issuer");
        assert!(ready.starts_with("True: Ready"), "{telling}: {ready}");
        // The person's own, the current one, and at most one in its overlap.
        assert!(
            world.issuer.live().len() <= 3,
            "{telling}: {:#?}",
            world.issuer.live()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_takes_the_place_of_a_persons_credential_and_both_duties_keep_their_marks() {
    let (mut world, bootstrap) = bootstrapped().await;
    world.start();
    ask(&world).await;
    world.pass(60).await;
    assert_eq!(world.condition("Ready"), "True: Ready");
    the_credential_works(&world, "after the take-over");
    assert_eq!(world.revision(), Some(1));
    let (labels, finalizers) = world.marks(SECRET);
    for name in [label::SECRET, label::CREDENTIAL] {
        assert!(labels.contains(&name.to_owned()), "{labels:?}");
    }
    assert_eq!(finalizers, [finalizer::IN_USE]);
    // What a person made is not ours to end; it is named.
    let live = world.issuer.live();
    assert!(live.iter().any(|token| token.token.id == bootstrap));
    let notes = world.notes("LeftBehind");
    assert!(notes.iter().any(|note| note.contains(SECRET)), "{notes:?}");
    // Now that nothing needs it, a person ends it, and the next rotation works all the same.
    world.issuer.revoke_by_hand(&bootstrap);
    world.pass(1800).await;
    the_credential_works(&world, "after many rotations");
    assert!(world.revision().unwrap() >= 10);
    assert!(world.issuer.live().len() <= 2, "{:#?}", world.issuer.live());
    assert!(world.issuer_ready("issuer").starts_with("True: Ready"));
}

#[tokio::test(start_paused = true)]
async fn its_rotations_go_on_where_the_issuer_does_not_say_whose_a_credential_is() {
    let mut world = World::without_identity().await;
    let _bootstrap = bootstrap(&world).await;
    world.start();
    ask(&world).await;
    for _ in 0..60 {
        world.pass(30).await;
        the_credential_works(&world, "while it is rotated");
    }
    assert!(world.revision().unwrap() >= 10, "{:?}", world.revision());
    // The person's own, the current one, and at most one in its overlap.
    assert!(world.issuer.live().len() <= 3, "{:#?}", world.issuer.live());
    assert_eq!(world.condition("Stalled"), "False: Idle");
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_is_minted_while_the_store_is_set_back_is_none_too_many() {
    let (world, _) = bootstrapped().await;
    let first = operator(&world, false);
    ask(&world).await;
    world.pass(60).await;
    let before = world.api.version();
    let mut minted = world.issuer.hold_next(Operation::Mint, Moment::AfterEffect);
    minted.reached().await;
    world.pass(1).await;
    set_back(&world, before, false).await;
    world.pass(2).await;
    minted.release();
    world.pass(30).await;
    noticed(first, "its own credential").await;
    // The person's own, and the current one.
    assert_eq!(world.issuer.live().len(), 2, "{:#?}", world.issuer.live());
    let (again, _stop) = operator(&world, false);
    for _ in 0..60 {
        world.pass(10).await;
        the_credential_works(&world, "after the store was set back");
        assert!(world.issuer.live().len() <= 3, "{:#?}", world.issuer.live());
    }
    assert_eq!(world.condition("Ready"), "True: Ready");
    again.abort();
}

#[tokio::test(start_paused = true)]
async fn two_duties_on_one_secret_do_not_write_against_each_other() {
    let (mut world, _) = bootstrapped().await;
    world.start();
    world
        .ask(json!({ "token": { "lifetime": "30d" }, "secret": { "name": SECRET } }))
        .await;
    world.pass(60).await;
    let (writes, requests) = (world.writes().len(), world.issuer.requests().len());
    world.pass(60).await;
    assert_eq!(world.writes().len(), writes, "{:?}", world.writes());
    assert_eq!(world.issuer.requests().len(), requests);
}

#[tokio::test(start_paused = true)]
async fn the_token_that_a_run_authenticates_with_is_not_revoked_by_it() {
    let (mut world, _) = bootstrapped().await;
    world.start();
    ask(&world).await;
    world.pass(60).await;
    world.delete().await;
    for _ in 0..30 {
        world.pass(10).await;
        the_credential_works(&world, "while it is deleted");
    }
    assert!(world.object().is_some(), "it waits for another credential");
    // It waits, says for what, and tries nothing meanwhile.
    assert_eq!(world.condition("Reconciling"), "True: StillCredential");
    assert!(world.message("Ready").contains(SECRET));
    assert_eq!(world.notes("StillCredential").len(), 1);
    let (writes, requests) = (world.writes().len(), world.api.requests().len());
    world.pass(1_200).await;
    assert_eq!(world.writes().len(), writes);
    let reads = world.api.requests().len() - requests;
    assert!(reads < 100, "{reads} requests in twenty minutes");
    let next = json!({ "metadata": { "name": "next", "namespace": NAMESPACE }, "stringData": { "token": "corrected" } });
    world.make("v1", "Secret", next).await;
    let change = json!({ "spec": { "credential": { "secretRef": { "name": "next" } } } });
    world
        .issuers()
        .patch("issuer", &PatchParams::default(), &Patch::Merge(change))
        .await
        .unwrap();
    world.pass(600).await;
    assert!(world.object().is_none());
    assert_eq!(world.issuer.live().len(), 1, "{:#?}", world.issuer.live());
}

#[tokio::test(start_paused = true)]
async fn a_deletion_ends_with_the_credential_that_the_rotations_began_with() {
    let mut world = World::without_identity().await;
    bootstrap(&world).await;
    let first = credential(&world);
    world.start();
    ask(&world).await;
    // The first credential minted the token that retires, and that one the current one.
    while world.revision() != Some(2) {
        world.pass(5).await;
    }
    other_credential(&world, &first).await;
    world.delete().await;
    world.pass(600).await;
    assert!(world.object().is_none(), "{}", world.everything_shown());
    // The person's own.
    assert_eq!(world.issuer.live().len(), 1, "{:#?}", world.issuer.live());
}

/// A person gives the issuer a credential in another Secret.
async fn other_credential(world: &World, text: &str) {
    let next = json!({ "metadata": { "name": "next", "namespace": NAMESPACE }, "stringData": { "token": text } });
    world.make("v1", "Secret", next).await;
    let change = json!({ "spec": { "credential": { "secretRef": { "name": "next" } } } });
    let change = Patch::Merge(change);
    let as_user = PatchParams::default();
    world
        .issuers()
        .patch("issuer", &as_user, &change)
        .await
        .unwrap();
}

/// As a namespace that is deleted asks for it.
async fn deleted_with_its_issuer() -> World {
    let (mut world, bootstrap) = bootstrapped().await;
    world.start();
    ask(&world).await;
    world.pass(60).await;
    world.issuer.revoke_by_hand(&bootstrap);
    let delete = DeleteParams::default();
    world.issuers().delete("issuer", &delete).await.unwrap();
    world.delete().await;
    world.pass(120).await;
    assert_eq!(world.condition("Reconciling"), "True: StillCredential");
    the_credential_works(&world, "while both are deleted");
    world
}

#[tokio::test(start_paused = true)]
async fn one_that_is_deleted_with_its_issuer_ends_once_that_has_another_credential() {
    let world = deleted_with_its_issuer().await;
    other_credential(&world, "corrected").await;
    world.pass(600).await;
    assert!(world.object().is_none(), "{}", world.everything_shown());
    assert_eq!(world.issuer.live(), [], "nothing of ours is left");
    assert_eq!(world.issuers().get_opt("issuer").await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_deleted_with_its_issuer_ends_once_its_token_may_live_on() {
    let world = deleted_with_its_issuer().await;
    world
        .change(json!({ "spec": { "deletion": { "policy": "Retain" } } }))
        .await;
    world.pass(120).await;
    assert!(world.object().is_none(), "{}", world.everything_shown());
    assert_eq!(world.issuer.live().len(), 1, "{:#?}", world.issuer.live());
    assert_eq!(world.issuers().get_opt("issuer").await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn an_adopted_value_that_an_issuer_authenticates_with_stays_until_it_has_another() {
    let (mut world, _, _) = World::offering(MemorySettings::default()).await;
    world.start();
    world.adopt(json!({})).await;
    world.pass(10).await;
    let on_it = json!({ "credential": { "secretRef": { "name": "ci-token" } } });
    world.issuer_as("second", on_it).await;
    world
        .ask_as(
            "other",
            json!({ "issuerRef": { "name": "second" }, "secret": { "name": "other" } }),
        )
        .await;
    world.pass(10).await;
    world.delete().await;
    world.pass(600).await;
    assert!(
        world.secret().is_some(),
        "the second issuer has lost its credential"
    );
    assert_eq!(world.condition("Reconciling"), "True: StillCredential");
    let change = json!({ "spec": { "credential": { "secretRef": { "name": "credential" } } } });
    world
        .issuers()
        .patch("second", &PatchParams::default(), &Patch::Merge(change))
        .await
        .unwrap();
    world.pass(120).await;
    assert!(world.object().is_none() && world.secret().is_none());
}

/// A world whose issuer authenticates with the value of a person's token, which is adopted from a Secret of this
/// name; its value.
async fn adopts_the_credential(source: &str) -> (World, String) {
    let mut world = World::with(MemorySettings {
        values_name_ids: true,
        ..MemorySettings::default()
    })
    .await;
    let (id, value) = world.by_hand().await;
    world.set_credential(&value).await;
    if source != SECRET {
        world.fill(source, &value).await;
    }
    world.start();
    let from = json!({ "secretRef": { "name": source } });
    world
        .adopt(json!({ "adopt": { "valueFrom": from, "tokenID": id.to_string() } }))
        .await;
    world.pass(30).await;
    assert_eq!(world.data("token").as_ref(), Some(&value));
    (world, value)
}

#[tokio::test(start_paused = true)]
async fn an_adopted_token_is_not_revoked_with_itself_as_the_credential_wherever_its_value_stands() {
    for source in [SECRET, "source"] {
        let (world, value) = adopts_the_credential(source).await;
        world.delete().await;
        world.pass(60).await;
        let requests = world.api.requests().len();
        world.pass(1_200).await;
        assert!(world.issuer.accepts(&value), "the issuer has no credential");
        assert!(world.object().is_some() && world.secret().is_some());
        assert_eq!(world.condition("Ready"), "False: Deleting");
        assert_eq!(world.condition("RevokeFailed"), "True: RevokeInUse");
        let told = world.message("RevokeFailed");
        assert!(
            told.contains("it is the credential of its own issuer"),
            "{told}"
        );
        assert_eq!(world.notes("RevokeFailed").len(), 1);
        let reads = world.api.requests().len() - requests;
        assert!(reads < 100, "{reads} requests in twenty minutes");
        other_credential(&world, "right").await;
        world.pass(600).await;
        assert!(world.object().is_none(), "{}", world.message("Ready"));
        assert!(!world.issuer.accepts(&value));
    }
}

#[tokio::test(start_paused = true)]
async fn an_adopted_token_is_not_revoked_while_its_source_is_the_credential_of_another_issuer() {
    let (mut world, id, value) = World::offering(MemorySettings {
        values_name_ids: true,
        ..MemorySettings::default()
    })
    .await;
    let keys = json!({ "token": "PASTED" });
    let theirs = json!({ "credential": { "secretRef": { "name": "source", "keys": keys } } });
    world.issuer_as("second", theirs).await;
    world
        .ask_as(
            "other",
            json!({ "issuerRef": { "name": "second" }, "secret": { "name": "other" } }),
        )
        .await;
    world.start();
    world
        .adopt(json!({ "adopt": { "tokenID": id.to_string() } }))
        .await;
    world.pass(30).await;
    world.delete().await;
    world.pass(1_200).await;
    assert!(
        world.issuer.accepts(&value),
        "the second issuer has lost its credential"
    );
    assert_eq!(world.condition("RevokeFailed"), "True: RevokeInUse");
    let change = json!({ "credential": { "secretRef": { "name": "credential", "keys": null } } });
    world.change_issuer("second", change).await;
    world.pass(120).await;
    assert!(world.object().is_none(), "{}", world.message("Ready"));
    assert!(!world.issuer.accepts(&value));
}

#[tokio::test(start_paused = true)]
async fn an_adopted_secret_that_an_issuer_authenticates_with_stays_where_its_deletion_gives_up() {
    let (mut world, _, _) = World::offering(MemorySettings::default()).await;
    world.start();
    let timeout = json!({ "deletion": { "timeout": "1h" } });
    world.adopt(timeout).await;
    world.pass(10).await;
    let on_it = json!({ "credential": { "secretRef": { "name": "ci-token" } } });
    world.issuer_as("second", on_it).await;
    let other = json!({ "issuerRef": { "name": "second" }, "secret": { "name": "other" } });
    world.ask_as("other", other).await;
    world.pass(10).await;
    world.delete().await;
    world.pass(3_700).await;
    assert!(world.object().is_none());
    let left = world
        .secret()
        .expect("the second issuer has lost its credential");
    assert_eq!(left.metadata.deletion_timestamp, None);
    assert_eq!(world.notes("DeletionTimedOut").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_take_over_of_the_own_credential_survives_a_crash_at_every_point() {
    points::dies_everywhere(SelfRotating::TakeOver, 16).await;
}

#[tokio::test(start_paused = true)]
async fn a_rotation_of_the_own_credential_survives_a_crash_at_every_point() {
    points::dies_everywhere(SelfRotating::Rotation, 16).await;
}
