//! Another writer undoes again and again what the operator writes: a GitOps tool that prunes, a second
//! operator, a program that writes the status. Nobody wins, and nobody fights.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};
use tokenwright_api::names::{annotation, label};
use tokenwright_api::{ApiToken, ClusterTokenIssuer, TokenIssuer};
use tokenwright_client::Operation;
use tokenwright_testbed::memory::Fault;

use crate::adopt::delivered;
use crate::world::{NAMESPACE, OPERATOR, TOKENS, World};

const HOUR: u64 = 3_600;

/// How a writer by this name that undoes calls itself.
const RIVAL: &str = "argocd-controller";

/// A writer that looks every half second until it is stopped.
struct Rival(Arc<AtomicBool>);

impl Rival {
    fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn starts<F: Future<Output = ()> + Send>(
        world: &World,
        undo: impl Fn(Client, PatchParams) -> F + Send + 'static,
    ) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let (client, stop) = (world.user.clone(), Arc::clone(&stopped));
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let author = PatchParams {
                    field_manager: Some(RIVAL.to_owned()),
                    ..PatchParams::default()
                };
                undo(client.clone(), author).await;
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        });
        Self(stopped)
    }

    /// One that keeps a Secret as `change` makes it.
    fn of_secret(world: &World, change: Value) -> Self {
        Self::starts(world, move |client, author| {
            let change = change.clone();
            async move {
                let secrets: Api<Secret> = Api::namespaced(client, NAMESPACE);
                let change = Patch::Merge(change);
                let _gone = secrets.patch("ci-token", &author, &change).await;
            }
        })
    }
}

/// What the operator has written to Secrets and statuses until now.
fn count(world: &World, what: &str) -> usize {
    world.writes().iter().filter(|write| *write == what).count()
}

fn is_contested(world: &World) {
    assert_eq!(world.condition("Contested"), "True: SecretContested");
    let told = world.message("Contested");
    assert!(told.contains(RIVAL) && told.contains("ci-token"), "{told}");
    let notes = world.notes("SecretContested");
    assert!(notes.len() == 1 && notes[0].contains(RIVAL), "{notes:?}");
}

async fn an_hour_of(world: &World, change: Value) {
    let before = (count(world, "update secrets"), world.writes().len());
    let rival = Rival::of_secret(world, change.clone());
    world.pass(HOUR).await;
    let secrets = count(world, "update secrets") - before.0;
    assert!((3..=24).contains(&secrets), "{change}: {secrets} writes");
    let all = world.writes().len() - before.1;
    assert!(all <= 60, "{change}: {all} writes");
    is_contested(world);
    rival.stop();
    world.pass(301).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_prunes_our_marks_for_an_hour_is_named_and_not_fought_with() {
    let pruned = json!({ annotation::MANAGER_UID: null, annotation::CURRENT: null });
    for change in [
        json!({ "metadata": { "annotations": pruned } }),
        json!({ "metadata": { "labels": { label::SECRET: null } } }),
        json!({ "metadata": { "labels": { "team": "b" } } }),
        json!({ "data": { "npmrc": "Zm9yZ2Vk" } }),
    ] {
        let mut world = World::new().await;
        world.start();
        let secret = json!({ "labels": { "team": "a" }, "data": { "npmrc": "t=$(value.token)" } });
        world.ask(json!({ "secret": secret })).await;
        world.pass(5).await;
        let before = world.secret().unwrap();
        an_hour_of(&world, change.clone()).await;
        let after = world.secret().unwrap();
        assert_eq!(
            after.metadata.annotations, before.metadata.annotations,
            "{change}"
        );
        assert_eq!(after.metadata.labels, before.metadata.labels, "{change}");
        assert_eq!(after.data, before.data, "{change}");
        assert_eq!(world.issuer.count(Operation::Mint), 1, "{change}");
        assert_eq!(world.condition("Ready"), "True: Ready");
        world.pass(601).await;
        assert_eq!(world.condition("Contested"), "absent", "{change}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_holds_for_an_adopted_value() {
    for change in [
        json!({ "metadata": { "labels": { label::SECRET: null } } }),
        json!({ "metadata": { "annotations": { annotation::MANAGER_UID: null } } }),
        json!({ "stringData": { "token": "forged" } }),
    ] {
        let (world, value) = delivered(json!({})).await;
        an_hour_of(&world, change.clone()).await;
        assert_eq!(world.data("token"), Some(value), "{change}");
        assert_eq!(world.condition("Ready"), "True: Ready", "{change}");
        world.pass(601).await;
        assert_eq!(world.condition("Contested"), "absent", "{change}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_who_changes_the_specification_waits_for_no_contest() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(5).await;
    let change = json!({ "metadata": { "labels": { label::SECRET: null } } });
    let rival = Rival::of_secret(&world, change);
    world.pass(1_200).await;
    is_contested(&world);
    rival.stop();
    world.pass(1).await;
    let wish = json!({ "spec": { "secret": { "labels": { "team": "c" } } } });
    world.change(wish).await;
    world.pass(1).await;
    let labels = world.secret().unwrap().metadata.labels.unwrap();
    assert_eq!(labels.get("team").map(String::as_str), Some("c"));
}

#[tokio::test(start_paused = true)]
async fn whoever_writes_the_status_for_an_hour_is_named_and_not_fought_with() {
    for status in [
        json!({ "conditions": [] }),
        json!({ "conditions": [], "current": null, "digest": null, "lastRevision": null }),
    ] {
        let mut world = World::new().await;
        world.start();
        world.ask(json!({})).await;
        world.pass(5).await;
        let before = count(&world, "update apitokens/status");
        let wiped = status.clone();
        let rival = Rival::starts(&world, move |client, author| {
            let change = Patch::Merge(json!({ "status": wiped }));
            async move {
                let tokens: Api<ApiToken> = Api::namespaced(client, NAMESPACE);
                tokens.patch_status("ci", &author, &change).await.unwrap();
            }
        });
        world.pass(HOUR).await;
        let writes = count(&world, "update apitokens/status") - before;
        assert!((3..=40).contains(&writes), "{status}: {writes} writes");
        let notes = world.notes("StatusContested");
        assert!(notes.len() == 1 && notes[0].contains(RIVAL), "{notes:?}");
        rival.stop();
        world.pass(301).await;
        assert_eq!(world.condition("Ready"), "True: Ready", "{status}");
        world.the_only_token();
        world.pass(601).await;
        assert_eq!(world.condition("Contested"), "absent");
    }
}

#[tokio::test(start_paused = true)]
async fn the_status_of_an_issuer_is_said_again_and_not_fought_about() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(5).await;
    let told = |world: &World| {
        let writes = world.api.writes(crate::world::OPERATOR).into_iter();
        writes
            .filter(|write| write.seen.resource == "tokenissuers.tokenwright.dev")
            .count()
    };
    let before = told(&world);
    let rival = Rival::starts(&world, |client, author| async move {
        let issuers: Api<TokenIssuer> = Api::namespaced(client, NAMESPACE);
        let change = Patch::Merge(json!({ "status": { "conditions": [] } }));
        issuers
            .patch_status("issuer", &author, &change)
            .await
            .unwrap();
    });
    world.pass(HOUR).await;
    let writes = told(&world) - before;
    assert!((3..=40).contains(&writes), "{writes} writes");
    let notes = world.notes("StatusContested");
    assert!(notes.len() == 1 && notes[0].contains(RIVAL), "{notes:?}");
    rival.stop();
    world.pass(361).await;
    assert!(world.issuer_ready("issuer").starts_with("True: Ready"));
}

/// Takes marks of ours off something for an hour: how often they were set anew meanwhile.
async fn an_hour_without_marks(
    world: &World,
    rival: Rival,
    is_mark: impl Fn(&World) -> usize,
) -> usize {
    let before = is_mark(world);
    world.pass(HOUR).await;
    let notes = world.notes("MarkContested");
    assert!(notes.len() == 1 && notes[0].contains(RIVAL), "{notes:?}");
    rival.stop();
    // The longest pause, and the look of an issuer that nothing wakes.
    world.pass(301 + 61).await;
    is_mark(world) - before
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_our_finalizer_off_an_object_is_named_and_not_fought_with() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(5).await;
    let rival = Rival::starts(&world, |client, author| async move {
        let tokens: Api<ApiToken> = Api::namespaced(client, NAMESPACE);
        let change = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
        tokens.patch("ci", &author, &change).await.unwrap();
    });
    let set = |world: &World| count(world, "patch apitokens");
    let times = an_hour_without_marks(&world, rival, set).await;
    assert!((3..=24).contains(&times), "{times} times");
    let object = world.object().unwrap();
    assert_eq!(object.metadata.finalizers.unwrap_or_default().len(), 1);
    assert_eq!(world.condition("Contested"), "True: MarkContested");
    assert_eq!(world.condition("Ready"), "True: Ready");
    world.pass(601).await;
    assert_eq!(world.condition("Contested"), "absent");
}

#[tokio::test(start_paused = true)]
async fn the_same_holds_for_the_marks_of_a_credential_and_for_the_finalizer_of_its_issuer() {
    for of_issuer in [false, true] {
        let mut world = World::new().await;
        world.start();
        world.ask(json!({})).await;
        world.pass(5).await;
        let rival = Rival::starts(&world, move |client, author| async move {
            let change = json!({ "metadata": { "finalizers": null } });
            if of_issuer {
                let issuers: Api<TokenIssuer> = Api::namespaced(client, NAMESPACE);
                let change = Patch::Merge(change);
                issuers.patch("issuer", &author, &change).await.unwrap();
            } else {
                let secrets: Api<Secret> = Api::namespaced(client, NAMESPACE);
                let change = Patch::Merge(change);
                secrets.patch("credential", &author, &change).await.unwrap();
            }
        });
        let resource = match of_issuer {
            true => "tokenissuers.tokenwright.dev",
            false => "secrets",
        };
        let set = |world: &World| {
            let writes = world.api.writes(crate::world::OPERATOR).into_iter();
            let marks = writes.filter(|write| {
                let name = write.seen.name.as_deref();
                write.seen.resource == resource
                    && write.seen.subresource.is_none()
                    && matches!(name, Some("issuer" | "credential"))
            });
            marks.count()
        };
        let times = an_hour_without_marks(&world, rival, set).await;
        assert!((3..=24).contains(&times), "{of_issuer}: {times} times");
        let (_, finalizers) = world.marks("credential");
        assert_eq!(finalizers.len(), 1, "{of_issuer}");
        assert_eq!(world.condition("Ready"), "True: Ready");
    }
}

/// What belongs to no namespace has its events where the API server takes them.
#[tokio::test(start_paused = true)]
async fn the_same_holds_for_the_finalizer_of_an_issuer_of_the_cluster() {
    let mut world = World::new().await;
    let metadata = json!({ "name": "shared-credential", "namespace": "default" });
    let credential = json!({ "metadata": metadata, "stringData": { "token": "right" } });
    world.make("v1", "Secret", credential).await;
    let (settings, allow) = (
        json!({ "profile": "memory" }),
        json!([{ "namespaces": { "names": [NAMESPACE] } }]),
    );
    world.cluster_issuer("shared", settings, allow).await;
    world.start_everywhere();
    let issuer = json!({ "kind": "ClusterTokenIssuer", "name": "shared" });
    world.ask(json!({ "issuerRef": issuer })).await;
    world.pass(5).await;
    let rival = Rival::starts(&world, |client, author| async move {
        let issuers: Api<ClusterTokenIssuer> = Api::all(client);
        let change = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
        issuers.patch("shared", &author, &change).await.unwrap();
    });
    let set = |world: &World| {
        let writes = world.api.writes(OPERATOR).into_iter();
        let to_issuer = writes.filter(|write| {
            write.seen.resource == "clustertokenissuers.tokenwright.dev"
                && write.seen.subresource.is_none()
                && write.status == Some(200)
        });
        to_issuer.count()
    };
    let times = an_hour_without_marks(&world, rival, set).await;
    assert!((3..=24).contains(&times), "{times} times");
    assert_eq!(world.condition("Ready"), "True: Ready");
}

#[tokio::test(start_paused = true)]
async fn the_same_holds_for_the_marks_of_a_source() {
    let (world, value) = delivered(json!({})).await;
    let rival = Rival::starts(&world, |client, author| async move {
        let secrets: Api<Secret> = Api::namespaced(client, NAMESPACE);
        let change = json!({ "metadata": { "labels": { label::SECRET: null } } });
        let change = Patch::Merge(change);
        secrets.patch("source", &author, &change).await.unwrap();
    });
    let set = |world: &World| count(world, "patch secrets");
    let times = an_hour_without_marks(&world, rival, set).await;
    assert!((3..=40).contains(&times), "{times} times");
    assert_eq!(world.data("token"), Some(value));
    assert_eq!(world.condition("Ready"), "True: Ready");
}

/// What a cluster does to the status of each ApiToken on its way.
type OnTheWay = fn(&mut Value);

/// Those that leave no place to write down what is about to happen.
const LOSSES: [OnTheWay; 3] = [
    |object| {
        object.as_object_mut().unwrap().remove("status");
    },
    |object| object["status"]["attempts"] = json!([]),
    |object| object["status"]["lastRevision"] = json!(0),
];

fn lose_on_the_way(world: &World, lose: OnTheWay) {
    world.api.on_admission(move |seen, object| {
        let status = seen.subresource.as_deref() == Some("status");
        if status && seen.who == OPERATOR && seen.resource == TOKENS {
            lose(object);
        }
    });
}

/// Lets hours pass in which no status is taken: how many requests to the API server that costs in the last one.
async fn hours_without_status(world: &World) {
    world.pass(2 * HOUR).await;
    let before = world.api.requests().len();
    world.pass(HOUR).await;
    let requests = world.api.requests().len() - before;
    // Twelve of them look whether the store goes on.
    assert!(requests <= 150 + 12, "{requests} requests in an hour");
    let told = world.readyz().await;
    assert!(told.contains("writing the status"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_minted_where_no_status_keeps_what_is_written_and_nobody_hammers() {
    for (case, lose) in LOSSES.into_iter().enumerate() {
        let mut world = World::new().await;
        lose_on_the_way(&world, lose);
        world.start();
        world.ask(json!({})).await;
        hours_without_status(&world).await;
        assert_eq!(world.issuer.count(Operation::Mint), 0, "case {case}");
        let told = world.readyz().await;
        assert!(told.contains("webhook"), "{told}");
        world.api.clear_faults();
        world.pass(301).await;
        assert_eq!(world.condition("Ready"), "True: Ready", "case {case}");
        world.the_only_token();
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_serves_on_where_the_status_is_lost_or_refused_and_nobody_hammers() {
    for case in 0..=LOSSES.len() {
        let mut world = World::new().await;
        world.start();
        world.ask(json!({})).await;
        world.pass(30).await;
        match LOSSES.get(case) {
            Some(lose) => lose_on_the_way(&world, *lose),
            None => world.api.on_request(|seen| {
                match seen.who == OPERATOR && seen.subresource.as_deref() == Some("status") {
                    true => Fault::refuse(403, "Forbidden", "no"),
                    false => Fault::Pass,
                }
            }),
        }
        let wish = json!({ "spec": { "rotation": { "trigger": "now" } } });
        world.change(wish).await;
        hours_without_status(&world).await;
        world.the_secret_works();
        assert_eq!(world.issuer.count(Operation::Mint), 1, "case {case}");
        world.api.clear_faults();
        world.pass(301).await;
        assert_eq!(world.condition("Ready"), "True: Ready", "case {case}");
        assert_eq!(world.issuer.count(Operation::Mint), 2, "case {case}");
        world.the_secret_works();
    }
}

#[tokio::test(start_paused = true)]
async fn the_status_of_an_issuer_that_is_lost_on_its_way_keeps_nobody_from_a_token() {
    let mut world = World::new().await;
    world.api.on_admission(|seen, object| {
        if seen.subresource.as_deref() == Some("status")
            && seen.resource.starts_with("tokenissuers")
        {
            object.as_object_mut().unwrap().remove("status");
        }
    });
    world.start();
    world.ask(json!({})).await;
    world.pass(60).await;
    world.the_only_token();
    let before = world.api.requests().len();
    world.pass(HOUR).await;
    let requests = world.api.requests().len() - before;
    assert!(requests <= 150, "{requests} requests in an hour");
}

/// Values leak one after the other, and each is rotated away from and ended: nobody but the operator writes.
#[tokio::test(start_paused = true)]
async fn whoever_ends_each_former_token_at_once_after_its_rotation_meets_no_contest() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(5).await;
    for leaked in 1..=5 {
        let wish =
            json!({ "metadata": { "annotations": { annotation::ROTATE: leaked.to_string() } } });
        world.change(wish).await;
        world.pass(60).await;
        assert_eq!(world.issuer.live().len(), 2);
        let ends = json!({ "metadata": { "annotations": { annotation::REVOKE_PREVIOUS: leaked.to_string() } } });
        world.change(ends).await;
        world.pass(3).await;
        world.the_only_token();
        world.pass(60).await;
        assert_eq!(world.condition("Contested"), "absent", "{leaked}");
    }
    assert_eq!(world.notes("SecretContested"), [""; 0]);
}
