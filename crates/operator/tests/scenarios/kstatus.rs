//! What kstatus, the library of Flux, Helm, kpt and others, computes of each status that the operator
//! writes, and of objects that it has not looked at.

use serde_json::{Value, json};
use tokenwright_api::names::annotation;
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, MemorySettings, Operation};
use tokenwright_core::TokenId;
use tokenwright_testbed::kstatus::computed;

use crate::metrics::scraped;
use crate::world::{NAMESPACE, World};

/// Objects as they were, with what was going on and what kstatus is to say of them.
#[derive(Default)]
struct Album(Vec<(String, &'static str, Value)>);

impl Album {
    fn token(&mut self, world: &World, wanted: &'static str, when: &str) {
        self.keep(world, ("apitokens", "ci"), (wanted, when));
    }

    fn issuer(&mut self, world: &World, wanted: &'static str, when: &str) {
        self.keep(world, ("tokenissuers", "issuer"), (wanted, when));
    }

    fn keep(
        &mut self,
        world: &World,
        (plural, name): (&str, &str),
        (wanted, when): (&'static str, &str),
    ) {
        let kind = format!("{plural}.tokenwright.dev");
        let namespace = if plural.starts_with("cluster") || plural == "tokenprofiles" {
            ""
        } else {
            NAMESPACE
        };
        let object = world.api.snapshot(&kind, namespace, name);
        let object = object.unwrap_or_else(|| panic!("{when}: the object is gone"));
        self.0.push((when.to_owned(), wanted, object));
    }

    #[track_caller]
    fn compare(&self) {
        let objects: Vec<_> = self.0.iter().map(|(_, _, object)| object.clone()).collect();
        let computed = computed(&objects).unwrap();
        for ((when, wanted, object), computed) in self.0.iter().zip(computed) {
            assert_eq!(computed, *wanted, "{when}: {:#}", object["status"]);
        }
    }
}

fn refuse_mints(world: &World, kind: ErrorKind) {
    world.issuer.hook(move |request, _| {
        (request.operation == Operation::Mint).then_some(Fault::Refuse(kind))
    });
}

#[tokio::test(start_paused = true)]
async fn kstatus_sees_a_token_current_exactly_while_a_live_one_of_this_generation_is_delivered() {
    let mut album = Album::default();
    let mut world = World::new().await;
    world.start();
    refuse_mints(&world, ErrorKind::Unavailable);
    world.ask(json!({})).await;
    world.pass(30).await;
    album.token(&world, "InProgress", "nothing is delivered yet");
    world.issuer.calm();
    world.pass(1_300).await;
    album.token(&world, "Current", "it is delivered");
    album.issuer(&world, "Current", "the issuer answers");

    let wish = json!({ "spec": { "rotation": { "trigger": "now" } } });
    world.change(wish).await;
    album.token(&world, "InProgress", "the operator has not seen the wish");
    world.pass(60).await;
    album.token(&world, "Current", "the former token waits for its end");
    world.pass(4_000).await;
    album.token(&world, "Current", "the former token is revoked");

    world.change(json!({ "spec": { "suspend": true } })).await;
    world.pass(30).await;
    album.token(&world, "Current", "it is suspended, and its token lives");
    world.change(json!({ "spec": { "suspend": false } })).await;
    world.pass(30).await;

    // A specification that nothing can be minted for, while the token of the former one lives.
    let wish = json!({ "spec": { "rotation": { "every": "1s" } } });
    world.change(wish).await;
    world.pass(30).await;
    album.token(&world, "Failed", "a person has to change the specification");
    let wish = json!({ "spec": { "rotation": { "every": null } } });
    world.change(wish).await;
    world.pass(60).await;
    album.token(&world, "Current", "the specification is mended");

    world.issuer_refuses(Operation::Revoke, ErrorKind::Unavailable);
    world.delete().await;
    world.pass(30).await;
    album.token(&world, "Terminating", "its token could not be revoked yet");
    album.compare();
}

#[tokio::test(start_paused = true)]
async fn kstatus_sees_what_waits_for_a_person_as_failed() {
    let mut album = Album::default();
    // A Secret of somebody else, for a token that is minted and for one that is adopted.
    for adopts in [false, true] {
        let mut world = World::new().await;
        world.other_secret(json!({})).await;
        let (_, value) = world.by_hand().await;
        world.fill("source", &value).await;
        world.start();
        match adopts {
            true => world.adopt(json!({})).await,
            false => world.ask(json!({})).await,
        }
        world.pass(60).await;
        album.token(&world, "Failed", "the Secret is somebody else's");
    }
    let mut world = World::new().await;
    world.start();
    let stranger = json!({ "issuerRef": { "name": "nobody" } });
    world.ask(stranger).await;
    world.pass(60).await;
    album.token(&world, "InProgress", "its issuer may come yet");
    album.compare();
}

#[tokio::test(start_paused = true)]
async fn kstatus_sees_a_token_that_somebody_disabled_as_failed_and_what_a_person_wished_for_in_progress()
 {
    let mut album = Album::default();
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(30).await;
    let id = world.the_only_token().token.id;
    assert!(world.issuer.enable_by_hand(&id, false));
    world.pass(1_300).await;
    album.token(&world, "Failed", "a person has to enable it");
    assert_eq!(world.condition("Stalled"), "True: DisabledOutside");
    let metric = r#"tokenwright_failing_mints{issuer="team-a/issuer"}"#;
    assert_eq!(scraped(&world.health).await[metric], 1.0);
    assert!(world.issuer.enable_by_hand(&id, true));
    world.pass(1_300).await;
    album.token(&world, "Current", "it is enabled again");

    // GitOps tools are told of these by name: `deploy/argocd` and `deploy/flux`.
    world
        .change(json!({ "spec": { "state": "Disabled" } }))
        .await;
    world.pass(1_300).await;
    album.token(&world, "InProgress", "it is disabled on purpose");
    assert_eq!(
        wished(&world),
        ["False: Disabled", "False: Idle", "False: Idle"]
    );

    let mut world = World::new().await;
    world.start();
    world.ask(json!({ "suspend": true })).await;
    world.pass(60).await;
    album.token(
        &world,
        "InProgress",
        "it was suspended before its first token",
    );
    assert_eq!(
        wished(&world),
        ["False: Suspended", "False: Idle", "False: Idle"]
    );

    // An adopted one whose value is not taken up for that.
    let (mut world, _, _) = World::offering(MemorySettings::default()).await;
    world.start();
    world.adopt(json!({ "suspend": true })).await;
    world.pass(60).await;
    assert_eq!(
        wished(&world),
        ["False: Suspended", "False: Idle", "False: Idle"]
    );
    album.compare();
}

fn wished(world: &World) -> [String; 3] {
    ["Ready", "Reconciling", "Stalled"].map(|type_| world.condition(type_))
}

#[tokio::test(start_paused = true)]
async fn a_token_that_somebody_disabled_is_stalled_beside_another_that_cannot_be_revoked() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(30).await;
    world.issuer_refuses(Operation::Revoke, ErrorKind::Forbidden);
    let wish = json!({ "spec": { "rotation": { "trigger": "now", "overlap": "1m" } } });
    world.change(wish).await;
    world.pass(300).await;
    assert_eq!(world.condition("RevokeFailed"), "True: RevokeFailed");
    let current = world.annotation(annotation::TOKEN_ID).unwrap();
    assert!(world.issuer.enable_by_hand(&TokenId::new(current), false));
    world.pass(1_300).await;
    assert_eq!(world.condition("Ready"), "False: DisabledOutside");
    assert_eq!(world.condition("Stalled"), "True: DisabledOutside");
}

#[tokio::test(start_paused = true)]
async fn kstatus_sees_an_adopted_token_current_while_it_works_and_no_longer() {
    let mut album = Album::default();
    let mut world = World::new().await;
    let (id, value) = world.by_hand().await;
    world.start();
    world.adopt(json!({})).await;
    world.pass(30).await;
    album.token(&world, "Failed", "a person has to fill its source");
    world.fill("source", &value).await;
    world.pass(30).await;
    album.token(&world, "Current", "it is adopted");
    world.issuer.revoke_by_hand(&id);
    world.pass(1_300).await;
    album.token(&world, "Failed", "a person has to fill in another value");
    album.compare();
}

/// One object of each kind, which an operator has not looked at.
async fn all_kinds() -> World {
    let world = World::new().await;
    let secret = json!({ "metadata": { "name": "shared-credential", "namespace": "default" }, "data": { "token": "cmlnaHQ=" } });
    world.make("v1", "Secret", secret).await;
    let allow = json!([{ "namespaces": { "names": [NAMESPACE] } }]);
    let settings = json!({ "profile": "memory" });
    world.cluster_issuer("shared", settings, allow).await;
    let (text, _) = tokenwright_client::profile::builtin_files("devpi").unwrap();
    let mut spec: Value = serde_saphyr::from_str(text).unwrap();
    spec.as_object_mut().unwrap().remove("profile");
    let object = json!({ "metadata": { "name": "ours" }, "spec": spec });
    let version = "tokenwright.dev/v1alpha1";
    world.make(version, "TokenProfile", object).await;
    world.ask(json!({})).await;
    world
}

const ALL_KINDS: [(&str, &str); 4] = [
    ("apitokens", "ci"),
    ("tokenissuers", "issuer"),
    ("clustertokenissuers", "shared"),
    ("tokenprofiles", "ours"),
];

#[tokio::test(start_paused = true)]
async fn kstatus_sees_each_kind_in_progress_until_an_operator_looked_at_it() {
    let mut album = Album::default();
    let mut world = all_kinds().await;
    for kind in ALL_KINDS {
        let wanted = ("InProgress", "no operator runs");
        album.keep(&world, kind, wanted);
    }
    world.start_everywhere();
    world.pass(60).await;
    for kind in ALL_KINDS {
        album.keep(&world, kind, ("Current", "all is well"));
    }
    album.compare();
}

#[tokio::test(start_paused = true)]
async fn kstatus_sees_issuers_and_profiles_as_they_are() {
    let mut album = Album::default();
    let mut world = all_kinds().await;
    world.set_credential("wrong").await;
    world.start_everywhere();
    world.pass(60).await;
    album.issuer(&world, "Failed", "a person has to correct the credential");
    world.set_credential("right").await;
    world.pass(60).await;
    album.issuer(&world, "Current", "the credential is corrected");

    world.issuer.outage(Some(ErrorKind::Unavailable));
    // A token is asked for there, so that the outage is met.
    for n in 0..1_300 {
        world.pass(1).await;
        if !world.issuer_ready("issuer").starts_with("True") {
            break;
        }
        assert!(n < 1_200, "nobody meets the outage");
    }
    album.issuer(&world, "InProgress", "it may answer again by itself");
    world.issuer.outage(None);
    world.pass(1_300).await;
    album.issuer(&world, "Current", "it answers again");

    let profile = ("tokenprofiles", "ours");
    let profiles: kube::Api<tokenwright_api::TokenProfile> = kube::Api::all(world.user.clone());
    let wrong = json!({ "spec": { "mint": { "pots": "/x" } } });
    let patch = kube::api::PatchParams::default();
    let wrong = kube::api::Patch::Merge(wrong);
    profiles.patch("ours", &patch, &wrong).await.unwrap();
    album.keep(
        &world,
        profile,
        ("InProgress", "nobody has looked at the change"),
    );
    world.pass(10).await;
    album.keep(
        &world,
        profile,
        ("Failed", "a person has to correct the key"),
    );

    let now = kube::api::DeleteParams::default();
    world.issuers().delete("issuer", &now).await.unwrap();
    world.pass(10).await;
    album.issuer(&world, "Terminating", "an ApiToken needs it");
    album.compare();
}

#[tokio::test(start_paused = true)]
async fn kstatus_sees_what_an_operator_that_only_observes_would_do_in_progress() {
    let mut album = Album::default();
    let mut world = World::new().await;
    world.ask(json!({})).await;
    world.start_observing();
    world.pass(60).await;
    album.token(&world, "InProgress", "it would be minted");
    album.compare();
}
