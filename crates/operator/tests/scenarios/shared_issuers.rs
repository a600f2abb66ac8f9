//! An issuer that many namespaces share: what it grants, to whom, and what follows when it does not any more.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokenwright_api::{ApiToken, ClusterTokenIssuer, TokenProfile};
use tokenwright_client::Operation;
use tokenwright_client::memory::Fault as IssuerFault;
use tokenwright_operator::Options;

use crate::world::{NAMESPACE, OPERATOR, TOKENS, World};

const DAY: u64 = 24 * 3_600;
/// Longer than anybody waits who is told of nothing.
const UNTOLD: u64 = 120;

/// A world with an operator that serves all namespaces, and one `ClusterTokenIssuer` that allows this.
pub(crate) async fn shared(allow: Value) -> World {
    let mut world = World::new().await;
    world
        .make(
            "v1",
            "Secret",
            json!({ "metadata": { "name": "shared-credential", "namespace": "default" }, "data": { "token": "cmlnaHQ=" } }),
        )
        .await;
    world
        .cluster_issuer("shared", json!({ "profile": "memory" }), allow)
        .await;
    world.start_everywhere();
    world
}

fn of_shared() -> Value {
    json!({ "issuerRef": { "kind": "ClusterTokenIssuer", "name": "shared" } })
}

pub(crate) fn also(mut changes: Value) -> Value {
    changes["issuerRef"] = of_shared()["issuerRef"].clone();
    changes
}

fn issuers(world: &World) -> Api<ClusterTokenIssuer> {
    Api::all(world.user.clone())
}

pub(crate) async fn allow(world: &World, allow: Value) {
    let change = Patch::Merge(json!({ "spec": { "allow": allow } }));
    issuers(world)
        .patch("shared", &PatchParams::default(), &change)
        .await
        .unwrap();
}

pub(crate) fn team_a() -> Value {
    json!([{ "namespaces": { "names": [NAMESPACE] } }])
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_allowed_gets_its_token_with_the_credential_of_the_operator_s_namespace()
 {
    let world = shared(team_a()).await;
    world.ask(of_shared()).await;
    world.pass(5).await;
    world.the_only_token();
    assert_eq!(world.condition("Ready"), "True: Ready");
    let ready = world.shown_of("clustertokenissuers", "", "shared", "Ready");
    assert!(ready.starts_with("True: Ready"), "{ready}");
    world.delete().await;
    world.pass(UNTOLD).await;
    assert!(world.issuer.live().is_empty());
    assert!(world.object().is_none());
}

#[tokio::test(start_paused = true)]
async fn without_an_entry_nobody_gets_anything_and_the_issuer_is_not_even_asked() {
    let world = shared(json!([])).await;
    world.pass(5).await;
    let before = world.issuer.count(Operation::List) + world.issuer.count(Operation::Mint);
    world.ask(of_shared()).await;
    world.pass(UNTOLD).await;
    assert_eq!(world.condition("Stalled"), "True: NotAllowed");
    assert_eq!(world.condition("Ready"), "False: NotAllowed");
    assert_eq!(
        world.message("Stalled"),
        "The ClusterTokenIssuer shared does not allow this to the namespace team-a: no entry of its spec.allow is for this namespace."
    );
    let after = world.issuer.count(Operation::List) + world.issuer.count(Operation::Mint);
    assert_eq!(
        before, after,
        "the issuer was asked for somebody who may not"
    );
    // Nothing holds the object.
    world.delete().await;
    world.pass(5).await;
    assert!(world.object().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_lies_beyond_the_grant_is_refused_by_name_and_granted_once_the_entry_says_so() {
    let entry = |scopes| json!([{ "namespaces": { "names": [NAMESPACE] }, "scopes": scopes }]);
    let world = shared(entry(json!(["read:*"]))).await;
    world
        .ask(also(
            json!({ "token": { "scopes": ["read:org", "admin:org"] } }),
        ))
        .await;
    world.pass(5).await;
    assert_eq!(world.condition("Stalled"), "True: NotAllowed");
    let message = world.message("Stalled");
    assert!(
        message.contains("spec.allow[0]: the scope \"admin:org\" matches none of read:*"),
        "{message}"
    );
    assert!(world.issuer.live().is_empty());
    allow(&world, entry(json!(["read:*", "admin:*"]))).await;
    world.pass(5).await;
    world.the_only_token();
    assert_eq!(world.condition("Stalled"), "False: Idle");
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_grant_stops_rotation_and_lets_the_living_token_run_out() {
    let world = shared(team_a()).await;
    world
        .ask(also(json!({ "token": { "lifetime": "1d" } })))
        .await;
    world.pass(5).await;
    let token = world.the_only_token().token.id;
    allow(&world, json!([])).await;
    world.pass(5).await;
    assert_eq!(world.condition("Stalled"), "True: NotAllowed");
    world.the_secret_works();
    world.pass(DAY / 6 * 5).await;
    assert_eq!(
        world.the_only_token().token.id,
        token,
        "it was rotated, or revoked"
    );
    allow(&world, team_a()).await;
    world.pass(60).await;
    assert_eq!(world.revision(), Some(2));
    world.the_secret_works();
}

#[tokio::test(start_paused = true)]
async fn two_that_come_at_once_for_one_place_get_one_token_and_the_next_follows_when_it_is_free() {
    let world = shared(json!([{ "namespaces": { "names": [NAMESPACE] }, "maxTokens": 1 }])).await;
    world.pass(5).await;
    let second = also(json!({ "secret": { "name": "other" } }));
    tokio::join!(world.ask(of_shared()), world.ask_as("second", second));
    world.pass(UNTOLD).await;
    assert_eq!(world.issuer.minted().len(), 1, "both were let in");
    let stalled = |name: &str| world.shown_of("apitokens", NAMESPACE, name, "Stalled");
    let refused: Vec<_> = ["ci", "second"]
        .into_iter()
        .filter(|name| stalled(name).starts_with("True: NotAllowed"))
        .collect();
    assert_eq!(refused.len(), 1);
    assert!(
        stalled(refused[0]).contains("all of its maxTokens (1) are taken"),
        "{}",
        stalled(refused[0])
    );
    let has = if refused[0] == "ci" { "second" } else { "ci" };
    let tokens: Api<ApiToken> = world.tokens();
    tokens.delete(has, &DeleteParams::default()).await.unwrap();
    world.pass(15).await;
    assert_eq!(world.issuer.live().len(), 1, "nobody followed");
    assert_eq!(world.issuer.minted().len(), 2);
    // A place is free, too, whose ApiToken goes while nobody watches.
    let third = also(json!({ "secret": { "name": "third" } }));
    world.ask_as("third", third).await;
    world.pass(15).await;
    assert!(stalled("third").starts_with("True: NotAllowed"));
    world.api.cut_watches(OPERATOR);
    assert!(world.api.erase(TOKENS, NAMESPACE, refused[0]));
    world.api.compact();
    world.pass(60).await;
    assert_eq!(world.issuer.minted().len(), 3, "nobody followed");
}

#[tokio::test(start_paused = true)]
async fn who_goes_by_force_in_the_middle_of_a_mint_leaves_its_place() {
    let world = shared(json!([{ "namespaces": { "names": [NAMESPACE] }, "maxTokens": 1 }])).await;
    world.pass(5).await;
    let late = IssuerFault::DelayAnswer(Duration::from_secs(20));
    world.issuer.fault(Operation::Mint, late);
    world.ask(of_shared()).await;
    world.pass(10).await;
    assert_eq!(world.issuer.minted().len(), 1);
    assert!(world.api.erase(TOKENS, NAMESPACE, "ci"));
    world.pass(60).await;
    world
        .ask_as("second", also(json!({ "secret": { "name": "other" } })))
        .await;
    world.pass(60).await;
    let ready = world.shown_of("apitokens", NAMESPACE, "second", "Ready");
    assert!(ready.starts_with("True: Ready"), "{ready}");
}

#[tokio::test(start_paused = true)]
async fn a_label_that_a_namespace_gets_lets_it_in_and_one_that_it_loses_shuts_it_out() {
    let gold = json!([{ "namespaces": { "selector": { "matchLabels": { "tier": "gold" } } } }]);
    let world = shared(gold).await;
    world.ask(of_shared()).await;
    world.pass(5).await;
    assert_eq!(world.condition("Stalled"), "True: NotAllowed");
    world.label_namespace(json!({ "tier": "gold" })).await;
    world.pass(5).await;
    world.the_only_token();
    world.label_namespace(json!({ "tier": null })).await;
    world.pass(5).await;
    assert_eq!(world.condition("Stalled"), "True: NotAllowed");
    world.the_secret_works();
}

#[tokio::test(start_paused = true)]
async fn adopting_needs_a_grant_of_its_own_and_without_one_a_foreign_token_is_not_ended() {
    let world = shared(team_a()).await;
    let (id, value) = world.by_hand().await;
    world.fill("source", &value).await;
    let adopt = json!({ "adopt": { "tokenID": id.to_string() } });
    world.adopt(also(adopt)).await;
    world.pass(UNTOLD).await;
    assert_eq!(world.condition("Stalled"), "True: NotAllowed");
    assert!(world.secret().is_none(), "it was delivered");
    world.delete().await;
    world.pass(UNTOLD).await;
    assert!(world.object().is_none());
    assert!(world.issuer.accepts(&value), "somebody's token was revoked");

    let grant = json!([{ "namespaces": { "names": [NAMESPACE] }, "adopt": true }]);
    allow(&world, grant).await;
    world.adopt(of_shared()).await;
    world.pass(UNTOLD).await;
    assert_eq!(world.condition("Ready"), "True: Ready");
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_is_limited_to_namespaces_leaves_shared_issuers_alone_and_says_so() {
    let mut world = World::new().await;
    world
        .cluster_issuer("shared", json!({ "profile": "memory" }), team_a())
        .await;
    world.start();
    world.ask(of_shared()).await;
    world.pass(5).await;
    assert_eq!(world.condition("Stalled"), "True: IssuerNotFound");
    assert!(world.message("Stalled").contains("limited to namespaces"));
    let asked = world.api.requests();
    let of_cluster = asked
        .iter()
        .filter(|asked| asked.seen.resource.starts_with("clustertokenissuers"))
        .filter(|asked| asked.seen.who == OPERATOR);
    assert_eq!(of_cluster.count(), 0);
}

/// A profile as an administrator writes it; the issuer in memory plays it.
fn profile(title: &str) -> Value {
    let (text, _) = tokenwright_client::profile::builtin_files("devpi").unwrap();
    let mut spec: Value = serde_saphyr::from_str(text).unwrap();
    spec.as_object_mut().unwrap().remove("profile");
    spec["title"] = json!(title);
    spec
}

async fn described(spec: Value) -> World {
    let mut world = World::new().await;
    let object = json!({ "metadata": { "name": "ours" }, "spec": spec });
    world
        .make("tokenwright.dev/v1alpha1", "TokenProfile", object)
        .await;
    world
        .issuer_as(
            "described",
            json!({ "profile": null, "profileRef": { "name": "ours" } }),
        )
        .await;
    world.start_everywhere();
    world
        .ask(json!({ "issuerRef": { "name": "described" } }))
        .await;
    world.pass(5).await;
    world
}

fn profiles(world: &World) -> Api<TokenProfile> {
    Api::all(world.user.clone())
}

#[tokio::test(start_paused = true)]
async fn a_profile_of_an_administrator_mints_and_a_change_of_it_mints_nothing() {
    let world = described(profile("Ours")).await;
    world.the_only_token();
    let ready = world.shown_of("tokenprofiles", "", "ours", "Ready");
    assert!(ready.starts_with("True: Ready"), "{ready}");
    let change = Patch::Merge(json!({ "spec": { "title": "Ours, renamed" } }));
    profiles(&world)
        .patch("ours", &PatchParams::default(), &change)
        .await
        .unwrap();
    world.pass(DAY).await;
    assert_eq!(world.issuer.minted().len(), 1, "a changed profile minted");
    assert_eq!(world.condition("Ready"), "True: Ready");
}

#[tokio::test(start_paused = true)]
async fn a_profile_that_is_wrong_names_the_key_and_one_that_is_gone_leaves_the_tokens() {
    let mut wrong = profile("Ours");
    wrong["mint"]["pots"] = json!("/x");
    let world = described(wrong.clone()).await;
    let stalled = world.shown_of("tokenprofiles", "", "ours", "Stalled");
    assert!(
        stalled
            .starts_with("True: InvalidProfile: The TokenProfile ours cannot be used: spec.mint"),
        "{stalled}"
    );
    let issuer = world.issuer_ready("described");
    assert!(issuer.starts_with("False: InvalidProfile"), "{issuer}");
    let change = Patch::Merge(json!({ "spec": { "mint": { "pots": null } } }));
    profiles(&world)
        .patch("ours", &PatchParams::default(), &change)
        .await
        .unwrap();
    world.pass(5).await;
    world.the_only_token();
    profiles(&world)
        .delete("ours", &DeleteParams::default())
        .await
        .unwrap();
    world.pass(DAY).await;
    let issuer = world.issuer_ready("described");
    assert!(
        issuer.starts_with("False: UnknownProfile: spec.profileRef: there is no TokenProfile ours"),
        "{issuer}"
    );
    world.the_secret_works();
    world.delete().await;
    world.pass(60).await;
    assert!(
        world.issuer.live().is_empty(),
        "it could not be ended any more"
    );
}

#[tokio::test(start_paused = true)]
async fn a_profile_that_goes_while_nobody_watches_is_missed() {
    let world = described(profile("Ours")).await;
    world.pass(5).await;
    world.the_only_token();
    world.api.cut_watches(OPERATOR);
    assert!(world.api.erase("TokenProfile", "", "ours"));
    world.api.compact();
    world.pass(UNTOLD).await;
    let issuer = world.issuer_ready("described");
    assert!(issuer.starts_with("False: UnknownProfile"), "{issuer}");
    world.the_secret_works();
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_over_goes_by_the_profiles_that_there_are_then() {
    let world = World::new().await;
    let object = json!({ "metadata": { "name": "ours" }, "spec": profile("Ours") });
    world
        .make("tokenwright.dev/v1alpha1", "TokenProfile", object)
        .await;
    let settings = json!({ "profile": null, "profileRef": { "name": "ours" } });
    world.issuer_as("described", settings).await;
    let replica = |name: &str| {
        world.spawn_with(Options {
            lease: Some("operator".to_owned()),
            instance: name.to_owned(),
            ..Options::default()
        })
    };
    let first = replica("first");
    world.pass(5).await;
    let _second = replica("second");
    world.pass(5).await;
    let once = DeleteParams::default();
    profiles(&world).delete("ours", &once).await.unwrap();
    world.pass(5).await;
    first.abort();
    world.pass(UNTOLD).await;
    let lease: Api<Lease> = Api::namespaced(world.user.clone(), "default");
    let held = lease.get("operator").await.unwrap().spec.unwrap();
    assert_eq!(held.holder_identity.as_deref(), Some("second"));
    let issuer = world.issuer_ready("described");
    assert!(issuer.starts_with("False: UnknownProfile"), "{issuer}");
}

#[tokio::test(start_paused = true)]
async fn an_issuer_says_when_its_tokens_need_more_than_its_rate_and_when_its_list_was_read() {
    let mut world = World::new().await;
    world
        .issuer_as("slow", json!({ "rate": { "perMinute": 2 } }))
        .await;
    world.start();
    let hasty = json!({
        "issuerRef": { "name": "slow" },
        "token": { "lifetime": "3m" },
        "rotation": { "overlap": "10s" },
    });
    world.ask(hasty).await;
    world.pass(180).await;
    let said = || world.shown_of("tokenissuers", NAMESPACE, "slow", "Overcommitted");
    assert_eq!(
        said(),
        "True: RateTooLow: The ApiTokens of this issuer need about 110 % of its rate of 2 requests a minute; above 70 % rotations may come late."
    );
    // Who comes now and waits is told why, and what can be done.
    let new = json!({
        "issuerRef": { "name": "slow" }, "secret": { "name": "new" }, "token": { "name": "new" },
    });
    world.ask_as("new", new).await;
    world.pass(60).await;
    let ready = world.shown_of("apitokens", NAMESPACE, "new", "Ready");
    let wanted = "False: RateTooLow: It waits for its turn. The ApiTokens of this issuer need about 110 % of its rate of 2 requests a minute, and those whose token ends sooner go first. Raise spec.rate";
    assert!(ready.starts_with(wanted), "{ready}");
    let change = Patch::Merge(json!({ "spec": { "rate": { "perMinute": 60 } } }));
    world
        .issuers()
        .patch("slow", &PatchParams::default(), &change)
        .await
        .unwrap();
    world.pass(130).await;
    assert_eq!(said(), "absent");
    world.pass(4 * 3_600).await;
    let status = world.issuers().get("slow").await.unwrap().status.unwrap();
    let age = world
        .clock
        .now()
        .duration_since(status.last_inventory.unwrap());
    assert!(age.as_hours() < 2, "{age:?}");
}

#[tokio::test(start_paused = true)]
async fn a_first_token_that_waits_behind_the_rotations_of_a_crowd_is_told_why_and_what_to_do() {
    let mut world = World::new().await;
    world
        .issuer_as("slow", json!({ "rate": { "perMinute": 12 } }))
        .await;
    world.start();
    for number in 0..24 {
        let hasty = json!({
            "issuerRef": { "name": "slow" }, "secret": { "name": format!("hasty-{number}") },
            "token": { "lifetime": "3m" }, "rotation": { "overlap": "10s" },
        });
        world.ask_as(&format!("hasty-{number}"), hasty).await;
    }
    world.pass(600).await;
    let new = json!({ "issuerRef": { "name": "slow" }, "secret": { "name": "new" } });
    world.ask_as("new", new).await;
    let wanted =
        "False: RateTooLow: It waits for its turn. The ApiTokens of this issuer need about ";
    let mut told = Vec::new();
    // One turn in ten is for first tokens: it is told until then.
    for _ in 0..60 {
        world.pass(1).await;
        told.push(world.shown_of("apitokens", NAMESPACE, "new", "Ready"));
    }
    let why = |ready: &String| ready.starts_with(wanted) && ready.contains("Raise spec.rate");
    assert!(told.iter().any(why), "{told:?}");
}
