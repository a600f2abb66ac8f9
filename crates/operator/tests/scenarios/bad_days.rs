//! Days on which an administrator or a colleague does what nobody foresaw: what works goes on working, nothing is
//! minted in a loop, and nothing is left behind.

use jiff::SignedDuration;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokenwright_api::names::{annotation, label};
use tokenwright_client::memory::{Fault as IssuerFault, Moment};
use tokenwright_client::{ErrorKind, MemorySettings, Operation};
use tokenwright_core::{Identity, TokenId};
use tokenwright_testbed::memory::{Fault, Verb};

use crate::world::{NAMESPACE, OPERATOR, TOKENS, World};

const HOUR: u64 = 3_600;

async fn rotate(world: &World, trigger: &str) {
    let wish = json!({ "spec": { "rotation": { "trigger": trigger } } });
    world.change(wish).await;
}

#[tokio::test(start_paused = true)]
async fn two_that_name_one_secret_before_an_operator_runs_end_with_one_owner_and_one_who_is_told() {
    let mut world = World::new().await;
    world.ask(json!({})).await;
    let web = json!({ "token": { "name": "web" } });
    world.ask_as("web", web).await;
    world.start();
    world.pass(2 * HOUR).await;
    let kind = TOKENS;
    let ready = |name: &str| world.condition_of(kind, name, "Ready") == "True: Ready";
    assert!(ready("ci") != ready("web"), "one of the two has it");
    let (has, waits) = if ready("ci") {
        ("ci", "web")
    } else {
        ("web", "ci")
    };
    let stalled = world.condition_of(kind, waits, "Stalled");
    assert_eq!(stalled, "True: DestinationForeign");
    let told = world.shown_of("apitokens", NAMESPACE, waits, "Stalled");
    assert!(
        told.contains(&format!("the ApiToken team-a/{has}")),
        "{told}"
    );
    world.the_only_token();
    assert!(world.issuer.minted().len() <= 2, "they fight");

    let once = DeleteParams::default();
    world.tokens().delete(has, &once).await.unwrap();
    world.pass(120).await;
    assert!(ready(waits), "the other one may have it now");
    world.the_only_token();
}

/// Past the planned rotation, too, nothing is minted, the first token serves on, and the status says these words.
async fn no_rehearsal_is_taken(world: &World, first: &TokenId, words: &[&str]) {
    for _ in 0..16 {
        world.pass(HOUR / 6).await;
        world.the_secret_works();
        assert_eq!(world.the_only_token().token.id, *first);
        assert_eq!(world.condition("Ready"), "True: Ready");
        assert_eq!(world.condition("Rotating"), "False: RehearsalRefused");
        let told = world.message("Rotating");
        assert!(words.iter().all(|word| told.contains(word)), "{told}");
    }
    assert_eq!(world.issuer.count(Operation::Mint), 1);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_somebody_makes_immutable_costs_no_token_and_is_told() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({ "token": { "lifetime": "3h" } })).await;
    world.pass(30).await;
    let first = world.the_only_token().token.id;
    world.edit_secret(json!({ "immutable": true })).await;
    rotate(&world, "now").await;
    no_rehearsal_is_taken(&world, &first, &["immutable"]).await;
    // What a person does about it.
    let once = DeleteParams::default();
    world.secrets().delete("ci-token", &once).await.unwrap();
    world.pass(HOUR).await;
    world.the_secret_works();
    assert_eq!(world.condition("Ready"), "True: Ready");
}

#[tokio::test(start_paused = true)]
async fn a_text_that_cannot_be_rendered_any_more_mints_nothing_and_costs_no_token() {
    for text in ["$(value.nothing)", "$(nobody)", "$("] {
        let mut world = World::new().await;
        world.start();
        world.ask(json!({ "token": { "lifetime": "3h" } })).await;
        world.pass(30).await;
        let first = world.the_only_token().token.id;
        let texts = |text: Value| json!({ "spec": { "secret": { "data": { "config": text } } } });
        world.change(texts(json!(text))).await;
        rotate(&world, "now").await;
        // It falls due by itself after two hours, and ends after three.
        for _ in 0..17 {
            world.pass(HOUR / 6).await;
            world.the_secret_works();
            assert_eq!(world.the_only_token().token.id, first, "{text}");
            assert_eq!(world.condition("Stalled"), "True: InvalidSpec", "{text}");
            let told = world.message("Stalled");
            assert!(told.contains("spec.secret.data[\"config\"]"), "{told}");
        }
        assert_eq!(world.issuer.count(Operation::Mint), 1, "{text}");
        world.change(texts(Value::Null)).await;
        world.pass(60).await;
        assert_eq!(world.revision(), Some(2), "{text}");
        world.the_secret_works();
        assert_eq!(world.condition("Ready"), "True: Ready");
    }
}

/// Lets the cluster change the value that the operator writes, as webhooks that encrypt or redact do.
fn change_on_the_way(world: &World, rehearsals: bool) {
    world.api.on_admission(move |seen, object| {
        let ours = seen.who == OPERATOR && seen.resource == "secrets";
        if ours && (rehearsals || !seen.dry_run) {
            object["data"]["token"] = json!("Zm9yZ2Vk");
        }
    });
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_changes_the_value_on_its_way_costs_no_token_and_is_told() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({ "token": { "lifetime": "3h" } })).await;
    world.pass(30).await;
    let first = world.the_only_token().token.id;
    change_on_the_way(&world, true);
    rotate(&world, "now").await;
    no_rehearsal_is_taken(&world, &first, &["webhook", "token"]).await;
    world.api.clear_faults();
    world.pass(HOUR).await;
    world.the_secret_works();
    assert_eq!(world.condition("Ready"), "True: Ready");
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_takes_our_marks_off_the_secret_is_told_before_anything_is_minted() {
    for (at, key) in [
        ("labels", label::SECRET),
        ("annotations", annotation::CURRENT),
    ] {
        let mut world = World::new().await;
        world.start();
        world.ask(json!({ "token": { "lifetime": "3h" } })).await;
        world.pass(30).await;
        let first = world.the_only_token().token.id;
        world.take_off_secrets(at, key);
        rotate(&world, "now").await;
        // It is due after two hours.
        for _ in 0..13 {
            world.pass(HOUR / 6).await;
            assert_eq!(world.the_only_token().token.id, first);
            assert_eq!(world.condition("Rotating"), "False: RehearsalRefused");
            let told = world.message("Rotating");
            assert!(told.contains("webhook") && told.contains(key), "{told}");
        }
        // It does not let the token die for that.
        for _ in 0..6 {
            world.pass(HOUR / 6).await;
            world.the_secret_works();
        }
        assert_eq!(world.revision(), Some(2));
        // Nor does it leave consumers without any.
        let once = DeleteParams::default();
        world.secrets().delete("ci-token", &once).await.unwrap();
        world.pass(HOUR / 6).await;
        world.the_secret_works();
        assert_eq!(world.condition("Ready"), "False: SecretRefused");
        world.api.clear_faults();
        world.pass(HOUR).await;
        world.the_secret_works();
        assert_eq!(world.condition("Ready"), "True: Ready");
    }
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_takes_our_marks_off_the_secret_keeps_no_token_alive_that_leaked() {
    for (at, key) in [
        ("labels", label::SECRET),
        ("annotations", annotation::CURRENT),
    ] {
        let mut world = World::new().await;
        world.start();
        world.ask(json!({})).await;
        world.pass(30).await;
        rotate(&world, "now").await;
        world.pass(30).await;
        assert_eq!(world.issuer.live().len(), 2);
        world.take_off_secrets(at, key);
        let ends = json!({ "metadata": { "annotations": { annotation::REVOKE_PREVIOUS: "1" } } });
        world.change(ends).await;
        world.pass(60).await;
        world.the_only_token();
        world.the_secret_works();
        let writes = world.api.writes(OPERATOR).len();
        for _ in 0..12 {
            world.pass(HOUR / 6).await;
            assert_eq!(world.condition("Ready"), "False: SecretRefused", "{key}");
        }
        let writes = world.api.writes(OPERATOR).len() - writes;
        // One in five minutes, and one with each recheck.
        assert!(writes <= 40, "{key}: {writes} writes in two hours");
        assert_eq!(world.notes("SecretRefused").len(), 1, "{key}");
        world.api.clear_faults();
        world.pass(HOUR).await;
        assert_eq!(world.condition("Ready"), "True: Ready", "{key}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_changed_on_its_way_is_not_taken_for_delivered() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(30).await;
    change_on_the_way(&world, false);
    rotate(&world, "now").await;
    world.pass(30).await;
    for _ in 0..120 {
        let ready = world.condition("Ready");
        assert!(ready.starts_with("False: "), "{ready}");
        world.pass(60).await;
    }
    let mints = world.issuer.count(Operation::Mint);
    assert!(mints <= 20, "{mints} mints in two hours");
    world.api.clear_faults();
    world.pass(HOUR).await;
    world.the_secret_works();
    assert_eq!(world.condition("Ready"), "True: Ready");
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_ends_while_a_mint_is_under_way_keeps_no_token() {
    for moment in [Moment::BeforeEffect, Moment::AfterEffect] {
        let mut world = World::new().await;
        world.start();
        let mut hold = world.issuer.hold_next(Operation::Mint, moment);
        world.ask(json!({})).await;
        hold.reached().await;
        let namespaces: Api<Namespace> = Api::all(world.user.clone());
        let once = DeleteParams::default();
        namespaces.delete(NAMESPACE, &once).await.unwrap();
        hold.release();
        world.pass(1).await;
        // What its controller does.
        world.delete_each(&["credential", "issuer", "ci"]).await;
        world.pass(300).await;
        assert!(world.object().is_none(), "{}", world.message("Ready"));
        assert!(world.issuer.live().is_empty(), "{moment:?}");
        let left = world.secrets().list(&Default::default()).await.unwrap();
        assert!(left.items.is_empty(), "{moment:?}: {left:?}");
        assert!(world.issuers().get_opt("issuer").await.unwrap().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_is_made_again_with_a_credential_of_another_account_ends_and_mints_nothing()
{
    let mut world = World::without_identity().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(30).await;
    let first = world.the_only_token().token.id;
    // Somebody takes the finalizer away, and writes another issuer under the same name.
    world.crash().await;
    let once = DeleteParams::default();
    world.issuers().delete("issuer", &once).await.unwrap();
    let loose = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    let issuers = world.issuers();
    let patch = PatchParams::default();
    issuers.patch("issuer", &patch, &loose).await.unwrap();
    world.fill("another", "elsewhere").await;
    let keys = json!({ "token": "PASTED" });
    let another = json!({ "credential": { "secretRef": { "name": "another", "keys": keys } } });
    world.issuer_as("issuer", another).await;
    world.start();
    rotate(&world, "now").await;
    world.pass(2 * HOUR).await;
    assert_eq!(world.the_only_token().token.id, first);
    assert!(
        world.elsewhere.minted().is_empty(),
        "a token of another account"
    );
    assert_eq!(world.condition("Ready"), "True: Ready");
    assert_eq!(world.condition("Stalled"), "True: AccountUnknown");
    // The right one comes back.
    world
        .issuers()
        .patch(
            "issuer",
            &PatchParams::default(),
            &Patch::Merge(json!({ "spec": { "credential": { "secretRef": { "name": "credential", "keys": null } } } })),
        )
        .await
        .unwrap();
    world.pass(2 * HOUR).await;
    assert_eq!(world.revision(), Some(2));
    world.the_only_token();
}

#[tokio::test(start_paused = true)]
async fn a_credential_of_another_identity_ends_and_mints_nothing_until_the_right_one_is_back() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(30).await;
    rotate(&world, "first").await;
    world.pass(30).await;
    let somebody = Identity::new("somebody else");
    world.issuer.become_identity(Some(somebody));
    world.set_credential("corrected").await;
    rotate(&world, "second").await;
    // The overlap of the first token ends meanwhile.
    world.pass(2 * HOUR).await;
    assert_eq!(world.issuer.count(Operation::Mint), 2);
    assert_eq!(world.issuer.live().len(), 2, "a stranger ended a token");
    world.the_secret_works();
    assert_eq!(world.condition("Ready"), "True: Ready");
    let stalled = world.condition("Stalled");
    assert_eq!(stalled, "True: IssuerIdentityChanged");

    let right = MemorySettings::default().identity;
    world.issuer.become_identity(right);
    world.set_credential("right").await;
    world.pass(3 * HOUR).await;
    assert_eq!(world.revision(), Some(3));
    world.the_only_token();
    assert_eq!(world.condition("Stalled"), "False: Idle");
}

/// A ClusterTokenIssuer that serves the namespace, and an ApiToken of it.
async fn shared() -> World {
    let mut world = World::new().await;
    let secret = json!({ "metadata": { "name": "shared-credential", "namespace": "default" }, "data": { "token": "cmlnaHQ=" } });
    world.make("v1", "Secret", secret).await;
    let allow = json!([{ "namespaces": { "names": [NAMESPACE] } }]);
    let settings = json!({ "profile": "memory" });
    world.cluster_issuer("shared", settings, allow).await;
    world.start_everywhere();
    let wish = json!({
        "issuerRef": { "kind": "ClusterTokenIssuer", "name": "shared" },
        "token": { "lifetime": "3h" },
    });
    world.ask(wish).await;
    world.pass(60).await;
    world.the_only_token();
    world
}

#[tokio::test(start_paused = true)]
async fn a_shared_credential_that_is_deleted_serves_until_its_last_token_has_ended() {
    let world = shared().await;
    let credentials: Api<k8s_openapi::api::core::v1::Secret> =
        Api::namespaced(world.user.clone(), "default");
    let once = DeleteParams::default();
    credentials
        .delete("shared-credential", &once)
        .await
        .unwrap();
    world.pass(3 * HOUR).await;
    assert!(world.revision() > Some(1), "it rotates on");
    world.the_secret_works();
    let issuers: Api<tokenwright_api::ClusterTokenIssuer> = Api::all(world.user.clone());
    issuers.delete("shared", &once).await.unwrap();
    world.pass(60).await;
    world.delete().await;
    world.pass(300).await;
    assert!(world.object().is_none(), "{}", world.message("Ready"));
    assert!(world.issuer.live().is_empty());
    assert!(issuers.get_opt("shared").await.unwrap().is_none());
    let left = credentials.get_opt("shared-credential").await.unwrap();
    assert!(left.is_none(), "the credential stays");
}

#[tokio::test(start_paused = true)]
async fn rights_that_are_cut_in_the_operators_own_namespace_stop_no_rotation_of_what_it_serves() {
    let world = shared().await;
    world.api.on_request(|seen| {
        let cut = seen.who == OPERATOR && seen.namespace.as_deref() == Some("default");
        match cut {
            true => Fault::refuse(403, "Forbidden", "no RoleBinding"),
            false => Fault::Pass,
        }
    });
    world.api.cut_watches(OPERATOR);
    world.pass(60).await;
    let calls = |world: &World| {
        let requests = world.api.requests().into_iter();
        let calls = requests.filter(|request| request.seen.who == OPERATOR);
        calls
            .filter(|request| !matches!(request.seen.verb, Verb::Watch | Verb::List))
            .count()
    };
    let before = calls(&world);
    for _ in 0..(3 * HOUR / 600) {
        world.pass(600).await;
        world.the_secret_works();
    }
    let asked = calls(&world) - before;
    assert!(asked <= 300, "{asked} calls in three hours");
    assert!(
        world.revision() > Some(1),
        "it rotates with what it has read"
    );
    world.api.clear_faults();
    world.pass(900).await;
    assert_eq!(world.readyz().await, "ready\n");
    assert_eq!(world.condition("Ready"), "True: Ready");
    world.the_secret_works();
    world.delete().await;
    world.pass(300).await;
    assert!(world.issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_grant_that_is_narrowed_ends_no_token_and_mints_only_what_it_still_covers() {
    let world = shared().await;
    let narrowed = |lifetime: &str| -> Value {
        json!({ "spec": { "allow": [{ "namespaces": { "names": [NAMESPACE] }, "maxLifetime": lifetime }] } })
    };
    let issuers: Api<tokenwright_api::ClusterTokenIssuer> = Api::all(world.user.clone());
    let patch = PatchParams::default();
    let less = Patch::Merge(narrowed("1h"));
    issuers.patch("shared", &patch, &less).await.unwrap();
    world.pass(60).await;
    assert_eq!(world.condition("Stalled"), "True: NotAllowed");
    let told = world.message("Stalled");
    assert!(told.contains("the lifetime 3h is longer than 1h"), "{told}");
    world.the_secret_works();
    assert_eq!(world.issuer.count(Operation::Mint), 1);
    let shorter =
        json!({ "spec": { "token": { "lifetime": "1h" }, "rotation": { "overlap": "5m" } } });
    world.change(shorter).await;
    world.pass(2 * HOUR).await;
    world.the_secret_works();
    assert_eq!(world.condition("Stalled"), "False: Idle");
    assert!(world.revision() > Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_expires_while_its_issuer_asks_for_an_hour_of_patience_is_said_not_to_work() {
    let mut world = World::new().await;
    world.start();
    world
        .ask(json!({ "token": { "lifetime": "30m" }, "rotation": { "overlap": "5m" } }))
        .await;
    world.pass(30).await;
    assert_eq!(world.condition("Ready"), "True: Ready");
    world.issuer.hook(|request, _| {
        let later = ErrorKind::RateLimited {
            retry_after: Some(SignedDuration::from_hours(1)),
        };
        (request.operation == Operation::List).then_some(IssuerFault::Refuse(later))
    });
    world.pass(29 * 60).await;
    assert_eq!(world.condition("Ready"), "True: Ready");
    world.pass(60).await;
    let ready = world.condition("Ready");
    assert!(ready.starts_with("False: "), "{ready}");
}
