//! What the operator says at its start: what is missing, what a person does about it, and when that is so
//! no more.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::{Value, json};
use tokenwright_client::ErrorKind;
use tokenwright_client::memory::Fault as IssuerFault;
use tokenwright_operator::Options;
use tokenwright_testbed::memory::{Fault, Verb};

use crate::counted::value;
use crate::metrics::scraped;
use crate::world::{NAMESPACE, OPERATOR, TOKENS, World};

const NAME: &str = TOKENS;

fn definitions(world: &World) -> Api<CustomResourceDefinition> {
    Api::all(world.user.clone())
}

/// Applies a definition as an older version wrote it, which does not know `spec.suspend`; gives the right one.
pub(crate) async fn older_definition(world: &World) -> CustomResourceDefinition {
    let right = definitions(world).get(NAME).await.unwrap();
    let mut older = serde_json::to_value(&right).unwrap();
    let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
    let fields = older.pointer_mut(spec).unwrap().as_object_mut().unwrap();
    fields.remove("suspend");
    older["metadata"]["annotations"]["tokenwright.dev/version"] = json!("0.0.7");
    replace(world, serde_json::from_value(older).unwrap()).await;
    right
}

/// Somebody applies this definition.
async fn replace(world: &World, mut object: CustomResourceDefinition) {
    let all = definitions(world);
    let now = all.get(NAME).await.unwrap();
    object.metadata.resource_version = now.metadata.resource_version;
    all.replace(NAME, &PostParams::default(), &object)
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_its_kinds_it_ends_with_a_sentence_that_says_what_to_do() {
    let world = World::new().await;
    let delete = DeleteParams::default();
    definitions(&world).delete(NAME, &delete).await.unwrap();
    let (operator, _stop) = world.replica("operator");
    let said = operator.await.unwrap().unwrap_err().to_string();
    assert!(
        said.contains("the CRD apitokens.tokenwright.dev is not installed"),
        "{said}"
    );
    assert!(
        said.contains("tokenwright-operator crd | kubectl apply -f -"),
        "{said}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_definitions_that_it_writes_itself_are_its_own() {
    let mut world = World::new().await;
    world.start();
    world.pass(60).await;
    assert_eq!(world.readyz().await, "ready\n");
}

#[tokio::test(start_paused = true)]
async fn an_older_definition_is_told_until_somebody_applies_the_right_one() {
    let mut world = World::new().await;
    let right = older_definition(&world).await;
    world.ask(json!({})).await;
    world.start();
    world.pass(60).await;
    world.the_only_token();
    let said = world.readyz().await;
    assert!(said.starts_with("ready\n"), "{said}");
    assert!(said.contains("is of an older version (0.0.7)"), "{said}");
    assert!(said.contains("(spec.suspend)"), "{said}");
    replace(&world, right).await;
    world.pass(400).await;
    assert_eq!(world.readyz().await, "ready\n");
}

#[tokio::test(start_paused = true)]
async fn after_a_start_a_tenant_with_one_waits_for_no_crowd_of_another_to_be_looked_at() {
    let mut world = World::new().await;
    for n in 0..1_000 {
        let name = format!("ci-{n}");
        let wish = json!({ "issuerRef": { "name": "none" }, "secret": { "name": name } });
        world.ask_as(&name, wish).await;
    }
    let namespace = json!({ "metadata": { "name": "team-z" } });
    world.make("v1", "Namespace", namespace).await;
    let spec = json!({
        "issuerRef": { "name": "none" },
        "token": { "name": "ci", "lifetime": "30d" },
        "secret": { "name": "ci" },
    });
    let metadata = json!({ "name": "alone", "namespace": "team-z" });
    let alone = json!({ "metadata": metadata, "spec": spec });
    world
        .make("tokenwright.dev/v1alpha1", "ApiToken", alone)
        .await;
    // The ApiTokens are shown before all else is: they come again together, once that is there.
    world.api.on_request(|seen| {
        let lists = matches!(seen.verb, Verb::List | Verb::Watch);
        let shows = lists && seen.resource == TOKENS;
        match seen.who == OPERATOR && !shows {
            true => Fault::Delay(Duration::from_secs(1)),
            false => Fault::Pass,
        }
    });
    world.start_everywhere();
    world.pass(20).await;
    let looked_at = |token: &&Value| !token["status"]["conditions"].is_null();
    let all = world.api.snapshots(TOKENS);
    let known: Vec<_> = all.iter().filter(looked_at).collect();
    assert!(known.len() < 500, "{} were looked at", known.len());
    let alone = known
        .iter()
        .any(|token| token["metadata"]["name"] == "alone");
    assert!(alone, "{} were looked at before it", known.len());
}

#[tokio::test(start_paused = true)]
async fn many_namespaces_on_an_api_server_that_streams_no_lists_are_served_soon() {
    const MANY: usize = 200;
    // It says so, or takes the request for that of a watch.
    for (says_so, within) in [(true, 10), (false, 20)] {
        let world = World::new().await;
        let mut begun = HashMap::new();
        world.api.on_request(move |seen| {
            let watches = seen.who == OPERATOR && seen.verb == Verb::Watch;
            let of = (seen.resource.clone(), seen.namespace.clone());
            let kinds = if seen.resource == "secrets" { 3 } else { 1 };
            let count = begun.entry(of).or_insert(0);
            *count += usize::from(watches);
            match (watches && *count <= kinds, says_so) {
                (false, _) => Fault::Pass,
                (true, true) => Fault::refuse(422, "Invalid", "sendInitialEvents is forbidden"),
                (true, false) => Fault::Hang,
            }
        });
        let others = (1..MANY).map(|number| format!("team-{number}"));
        let options = Options {
            watch_namespaces: others.chain([NAMESPACE.to_owned()]).collect(),
            ..Options::default()
        };
        let operator = world.spawn_with(options);
        world.ask(json!({})).await;
        world.pass(within).await;
        assert_eq!(world.readyz().await, "ready\n", "says so: {says_so}");
        world.the_only_token();
        // A stream in vain, a page and a watch for each kind; where a watch seems to have ended, how far the store has
        // come, too.
        let asked = |verb| {
            let all = world.api.requests().into_iter();
            let all = all.filter(|it| it.seen.who == OPERATOR && it.seen.verb == verb);
            all.count()
        };
        let (watches, lists) = (asked(Verb::Watch), asked(Verb::List));
        assert!(watches <= 2 * 5 * MANY, "{watches} watches");
        let each = if says_so { 5 } else { 10 };
        assert!(lists <= each * MANY + 20, "{lists} lists");
        world.pass(200).await;
        assert!(asked(Verb::List) <= lists + 20, "{}", asked(Verb::List));
        operator.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_refuses_is_measured_as_paused_after_a_start_too() {
    let mut world = World::new().await;
    let paused = "tokenwright_issuer_paused";
    world.start();
    world.ask(json!({})).await;
    world.pass(60).await;
    assert_eq!(value(&world, paused).await, 0.0);
    let refused = || Some(IssuerFault::Refuse(ErrorKind::Unauthenticated));
    world.issuer.hook(move |_, _| refused());
    world.crash().await;
    world.start();
    world.pass(60).await;
    assert!(
        world
            .issuer_ready("issuer")
            .starts_with("False: CredentialRefused")
    );
    assert_eq!(value(&world, paused).await, 1.0);
    world.issuer.calm();
    world.pass(3_600).await;
    assert_eq!(value(&world, paused).await, 0.0);
}

/// Of a number that begins at 1 nobody sees that it grew.
#[tokio::test(start_paused = true)]
async fn what_is_counted_of_an_issuer_begins_at_nothing() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({ "suspend": true })).await;
    world.pass(60).await;
    let counted = |samples: BTreeMap<String, f64>| {
        let of = |line: &str| {
            line.starts_with("tokenwright_mints_total{")
                || line.starts_with("tokenwright_revokes_total{")
        };
        samples
            .into_iter()
            .filter(|(line, _)| of(line))
            .collect::<BTreeMap<_, _>>()
    };
    let before = counted(scraped(&world.health).await);
    assert!(before.values().all(|value| *value == 0.0), "{before:?}");
    world.change(json!({ "spec": { "suspend": false } })).await;
    world.pass(60).await;
    let change = json!({ "spec": { "rotation": { "trigger": "now", "overlap": "1m" } } });
    world.change(change).await;
    world.pass(600).await;
    let after = counted(scraped(&world.health).await);
    assert!(after.keys().eq(before.keys()), "{after:?}");
    assert_eq!(after.values().sum::<f64>(), 3.0, "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn after_a_start_in_an_outage_no_try_of_the_issuer_is_told_in_each_status() {
    for failure in [ErrorKind::Unavailable, ErrorKind::Unauthenticated] {
        let mut world = World::new().await;
        for n in 0..40 {
            let name = format!("ci-{n}");
            let secret = json!({ "name": name });
            world.ask_as(&name, json!({ "secret": secret })).await;
        }
        world.start();
        world.pass(120).await;
        assert_eq!(world.issuer.live().len(), 40);
        world.crash().await;
        world.issuer.outage(Some(failure));
        let before = world.api.requests().len();
        world.start();
        world.pass(1_800).await;
        let mut written: HashMap<String, usize> = HashMap::new();
        for request in world.api.requests().into_iter().skip(before) {
            let seen = request.seen;
            let status = seen.resource == TOKENS && seen.subresource.as_deref() == Some("status");
            if status && seen.is_write() {
                *written.entry(seen.name.unwrap_or_default()).or_default() += 1;
            }
        }
        let most = written.values().max().copied().unwrap_or_default();
        assert!(most <= 2, "{failure:?}: {most} writes of one status");
        let issuer = world.issuer_ready("issuer");
        assert!(issuer.contains("asked again at 2026-"), "{issuer}");
        for condition in ["Reconciling", "Stalled"] {
            let told = world.shown_of("apitokens", NAMESPACE, "ci-0", condition);
            assert!(!told.contains("2026-"), "{told}");
        }
    }
}
