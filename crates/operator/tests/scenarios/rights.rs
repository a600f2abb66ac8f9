//! What the operator is allowed to do: all of it is used, and nothing else is asked for.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use serde_json::{Value, json};
use tokenwright_client::Operation;
use tokenwright_client::profile::builtin_files;
use tokenwright_operator::Options;
use tokenwright_operator::rights::{
    NEEDED, NEEDED_AT_HOME, NEEDED_OF_CLUSTER, NEEDED_OF_ONE, Right,
};
use tokenwright_testbed::memory::{Fault, Seen, Verb};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::starts::older_definition;
use crate::world::{NAMESPACE, OPERATOR, World};

const VERSION: &str = "tokenwright.dev/v1alpha1";
/// Where the operator lives, with its key and its Lease.
const HOME: &str = "default";
const KEY: &str = "tokenwright-digest-key";
/// Everybody who is known may ask what they may do.
const OWN_RIGHTS: &str = "create selfsubjectrulesreviews.authorization.k8s.io";

/// In this time each watch asks for a stream.
const AT_FIRST: Duration = Duration::from_millis(500);
/// What an API server says that streams no lists.
const NO_STREAMS: &str =
    "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled";

/// A request as a right names it.
fn named(seen: &Seen) -> String {
    let verb = format!("{:?}", seen.verb).to_lowercase();
    let part = seen.subresource.as_ref();
    let part = part.map_or_else(String::new, |part| format!("/{part}"));
    format!("{verb} {}{part}", seen.resource)
}

fn text(right: &Right) -> String {
    let (kind, part) = match right.resource.split_once('/') {
        Some((kind, part)) => (kind, format!("/{part}")),
        None => (right.resource, String::new()),
    };
    let group = match right.group {
        "" => String::new(),
        group => format!(".{group}"),
    };
    format!("{} {kind}{group}{part}", right.verb)
}

/// A wish for a token of this issuer, which goes to the Secret of the same name.
fn token(name: &str, issuer: Value) -> Value {
    json!({
        "metadata": { "name": name, "namespace": NAMESPACE },
        "spec": {
            "issuerRef": issuer,
            "token": { "name": name, "lifetime": "30d" },
            "rotation": { "overlap": "1m" },
            "secret": { "name": name },
        },
    })
}

fn shared(name: &str) -> Value {
    json!({ "kind": "ClusterTokenIssuer", "name": name })
}

/// A profile as an administrator writes it; the issuer in memory plays it.
fn profile() -> Value {
    let (text, _) = builtin_files("devpi").unwrap();
    let mut spec: Value = serde_saphyr::from_str(text).unwrap();
    spec.as_object_mut().unwrap().remove("profile");
    spec
}

/// What there is before the operator begins, and where something is wrong.
async fn prepared() -> World {
    let world = World::new().await;
    let secret = json!({ "metadata": { "name": "shared-credential", "namespace": HOME }, "stringData": { "token": "right" } });
    world.make("v1", "Secret", secret).await;
    let object = json!({ "metadata": { "name": "ours" }, "spec": profile() });
    world.make(VERSION, "TokenProfile", object).await;
    let allow = json!([{ "namespaces": { "selector": { "matchLabels": { "team": "a" } } } }]);
    let described = json!({ "profileRef": { "name": "ours" } });
    world.cluster_issuer("shared", described, allow).await;
    let wish = token("granted", shared("shared"));
    world.make(VERSION, "ApiToken", wish).await;
    let (_, value) = world.by_hand().await;
    world.fill("source", &value).await;
    let adopts = json!({ "secret": { "name": "adopted" } });
    world.adopt_as("adopted", adopts).await;
    world.ask(json!({ "rotation": { "overlap": "1m" } })).await;
    // What a later version wrote.
    let newer = json!({ "spec": { "state": "Paused", "secret": { "name": "newer" } } });
    world.make_token("newer", newer).await;
    let spec = json!({ "profile": "memory", "requestTimeout": 30 });
    for (kind, namespace) in [
        ("TokenIssuer", Some(NAMESPACE)),
        ("ClusterTokenIssuer", None),
        ("TokenProfile", None),
    ] {
        let metadata = json!({ "name": "newer", "namespace": namespace });
        let spec = match kind {
            "TokenProfile" => json!(["a list"]),
            _ => spec.clone(),
        };
        let object = json!({ "metadata": metadata, "spec": spec });
        world.make(VERSION, kind, object).await;
    }
    older_definition(&world).await;
    world
}

/// One life with everything in it, on an API server that streams no lists; what of it did not happen, and the
/// operator.
async fn life(world: &World, taken: Option<Taken>) -> (Vec<&'static str>, JoinHandle<()>) {
    let begun = Instant::now();
    world.api.on_request(move |seen| match seen {
        seen if seen.who != OPERATOR => Fault::Pass,
        seen if taken.is_some_and(|taken| taken.is_needed(seen)) => {
            let kind = &seen.resource;
            let verb = named(seen);
            let why = format!("{kind} is forbidden: User \"operator\" cannot {verb}");
            Fault::refuse(403, "Forbidden", &why)
        }
        // Whoever watches asks for a stream at first.
        seen if seen.verb == Verb::Watch && begun.elapsed() < AT_FIRST => {
            Fault::refuse(422, "Invalid", NO_STREAMS)
        }
        _ => Fault::Pass,
    });
    let options = Options {
        lease: Some("operator".to_owned()),
        instance: "one".to_owned(),
        ..Options::default()
    };
    let operator = world.spawn_with(options);
    world.pass(120).await;
    let mut failed = Vec::new();
    let mut must = |what: &'static str, happened: bool| {
        if !happened {
            failed.push(what);
        }
    };
    let is_there = |secret: &str| world.secret_called(secret).is_some();
    let starts = |plural, namespace, name, with: &str| {
        world
            .shown_of(plural, namespace, name, "Ready")
            .starts_with(with)
    };
    let held = |kind: &str, namespace: &str, name: &str| {
        let object = world.api.snapshot(kind, namespace, name);
        object.is_some_and(|object| !object["metadata"]["finalizers"].is_null())
    };
    must("a token is delivered", is_there("ci-token"));
    must("a value is adopted", is_there("adopted"));
    must("the source is held", held("Secret", NAMESPACE, "source"));
    must(
        "a credential is held",
        held("Secret", HOME, "shared-credential"),
    );
    must(
        "an issuer is held",
        held("TokenIssuer", NAMESPACE, "issuer"),
    );
    must(
        "a shared issuer is held",
        held("ClusterTokenIssuer", "", "shared"),
    );
    must(
        "an issuer is ready",
        starts("tokenissuers", NAMESPACE, "issuer", "True"),
    );
    must(
        "a shared issuer is ready",
        starts("clustertokenissuers", "", "shared", "True"),
    );
    must(
        "a profile is ready",
        starts("tokenprofiles", "", "ours", "True"),
    );
    for (plural, namespace) in [
        ("apitokens", NAMESPACE),
        ("tokenissuers", NAMESPACE),
        ("clustertokenissuers", ""),
        ("tokenprofiles", ""),
    ] {
        must(
            plural,
            starts(plural, namespace, "newer", "False: Unreadable"),
        );
    }
    must("there are events", !world.events().is_empty());
    let told = world.readyz().await;
    must(
        "an older kind is told",
        told.contains("is of an older version"),
    );

    // What comes while it runs.
    must("nothing is granted yet", !is_there("granted"));
    world.label_namespace(json!({ "team": "a" })).await;
    world.issuer_as("later", json!({})).await;
    let wish = token("later", json!({ "name": "later" }));
    world.make(VERSION, "ApiToken", wish).await;
    let object = json!({ "metadata": { "name": "later" }, "spec": profile() });
    world.make(VERSION, "TokenProfile", object).await;
    let allow = json!([{ "namespaces": { "names": [NAMESPACE] } }]);
    let built_in = json!({ "profile": "memory" });
    world.cluster_issuer("later", built_in, allow).await;
    let wish = token("later-shared", shared("later"));
    world.make(VERSION, "ApiToken", wish).await;
    if is_there("ci-token") {
        let edited = json!({ "metadata": { "labels": { "tokenwright.dev/secret": "none" } } });
        world.edit_secret(edited).await;
    }
    world.pass(120).await;
    must("a grant by labels holds", is_there("granted"));
    must("a later token is delivered", is_there("later"));
    must("a later shared one as well", is_there("later-shared"));
    must(
        "a later profile is ready",
        starts("tokenprofiles", "", "later", "True"),
    );
    let label = world.secret().and_then(|secret| secret.metadata.labels);
    let restored = label.is_some_and(|labels| labels["tokenwright.dev/secret"] == "token");
    must("metadata is restored", restored);

    world
        .change(json!({ "spec": { "rotation": { "trigger": "now" } } }))
        .await;
    world.pass(600).await;
    must("a rotation is done", world.revision() == Some(2));
    let revoked = world.issuer.revoked().len();
    must("its former token has ended", revoked == 1);
    world.delete().await;
    world.pass(120).await;
    must(
        "a deletion is done",
        world.object().is_none() && !is_there("ci-token"),
    );
    must("its tokens have ended", world.issuer.revoked().len() == 2);
    (failed, operator)
}

/// A right that is taken away.
#[derive(Debug, Clone, Copy)]
struct Taken {
    right: Right,
    /// Whether it is one that the Role at home gives.
    at_home: bool,
}

impl Taken {
    /// Whether a request needs it. The Role at home gives a second time what concerns the key of the digests.
    fn is_needed(&self, seen: &Seen) -> bool {
        let of_key = seen.verb == Verb::Create || seen.name.as_deref() == Some(KEY);
        let of_key = of_key && seen.namespace.as_deref() == Some(HOME);
        let elsewhere = seen.resource == "secrets" && of_key != self.at_home;
        named(seen) == text(&self.right) && !elsewhere
    }

    /// The API server says what is left to whoever asks what they may do in all namespaces, and the operator names
    /// what it lacks; of the others it has the words of the API server.
    fn is_told(self, world: &World) -> String {
        let all = || NEEDED.iter().chain(NEEDED_OF_CLUSTER);
        let is_this = |right: &&Right| **right == self.right && !self.at_home;
        if !all().any(|right| is_this(&right)) {
            return format!("cannot {}", text(&self.right));
        }
        let left = all().filter(|right| !is_this(right));
        let rules: Vec<_> = left
            .map(|right| json!({ "verbs": [right.verb], "apiGroups": [right.group], "resources": [right.resource] }))
            .collect();
        let status = json!({ "incomplete": false, "resourceRules": rules, "nonResourceRules": [] });
        world.api.on_admission(move |seen, object| {
            if named(seen) == OWN_RIGHTS {
                object["status"] = status.clone();
            }
        });
        let Right { without, .. } = self.right;
        format!(
            "the operator may not {} in all namespaces, and {without}",
            self.right
        )
    }
}

/// One life without a right: what of it did not happen, and everything that anybody is told.
async fn life_without(world: &World, taken: Taken) -> (Vec<&'static str>, String) {
    let mut told = BTreeSet::new();
    let listen = async {
        loop {
            told.extend(world.readyz().await.lines().map(str::to_owned));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let (failed, operator) = tokio::select! {
        lived = life(world, Some(taken)) => lived,
        () = listen => unreachable!("it listens for ever"),
    };
    if operator.is_finished() {
        let ended = operator.await.unwrap_err().into_panic();
        told.extend(ended.downcast::<String>().map(|said| *said));
    }
    told.insert(world.everything_shown());
    (failed, told.into_iter().collect::<Vec<_>>().join("\n"))
}

/// Of each right, what of a life does not happen without it, and what does all the same. Whatever is missing, it is
/// named, what consumers read works, and nothing is minted twice.
async fn each_is_missed(rights: impl Iterator<Item = Taken>, missed: &[(&str, &str)]) {
    let rights: Vec<_> = rights.collect();
    assert_eq!(rights.len(), missed.len());
    for (taken, (lost, kept)) in rights.into_iter().zip(missed) {
        let telling = format!("{taken:?}");
        let world = prepared().await;
        let named = taken.is_told(&world);
        let (failed, told) = life_without(&world, taken).await;
        assert!(
            told.contains(&named),
            "{telling}: {named:?} is not in {told}"
        );
        assert!(failed.contains(lost), "{telling}: {lost} all the same");
        assert!(!failed.contains(kept), "{telling}: not {kept}, either");
        // One by hand, four at first and one rotation.
        let mints = world.issuer.count(Operation::Mint);
        assert!(mints <= 6, "{telling}: {mints} mints");
        for secret in world.api.snapshots("secrets") {
            let secret: Secret = serde_json::from_value(secret).unwrap();
            let value = secret.data.and_then(|data| data.get("token").cloned());
            let value = value.map(|value| String::from_utf8(value.0).unwrap());
            let works = |value: &String| value == "right" || world.issuer.accepts(value);
            assert!(
                value.iter().all(works),
                "{telling}: {:?}",
                secret.metadata.name
            );
        }
    }
}

fn everywhere(rights: &'static [Right]) -> impl Iterator<Item = Taken> {
    let at_home = false;
    rights.iter().map(move |&right| Taken { right, at_home })
}

fn of_one(rights: &'static [(Right, &str)], at_home: bool) -> impl Iterator<Item = Taken> {
    rights
        .iter()
        .map(move |&(right, _)| Taken { right, at_home })
}

const TOKEN: &str = "a token is delivered";
const ISSUER: &str = "an issuer is ready";
const SHARED: &str = "a shared issuer is ready";
const PROFILE: &str = "a profile is ready";
const DELETION: &str = "a deletion is done";
const NOTHING: &str = "";

#[tokio::test(start_paused = true)]
async fn a_right_to_the_objects_of_a_namespace_that_is_missing_is_named_and_costs_what_the_page_says()
 {
    let missed = [
        (TOKEN, NOTHING),
        (TOKEN, NOTHING),
        ("its former token has ended", "a rotation is done"),
        (TOKEN, ISSUER),
        (TOKEN, ISSUER),
        (TOKEN, PROFILE),
        (TOKEN, PROFILE),
        ("tokenissuers", TOKEN),
        (ISSUER, SHARED),
        (ISSUER, SHARED),
    ];
    let rights = NEEDED.iter().position(|right| right.resource == "secrets");
    each_is_missed(everywhere(&NEEDED[..rights.unwrap()]), &missed).await;
}

#[tokio::test(start_paused = true)]
async fn a_right_to_secrets_or_events_that_is_missing_is_named_and_costs_what_the_page_says() {
    let missed = [
        (TOKEN, PROFILE),
        (TOKEN, PROFILE),
        (ISSUER, "an issuer is held"),
        (TOKEN, ISSUER),
        ("a rotation is done", TOKEN),
        (ISSUER, "an issuer is held"),
        (DELETION, "its former token has ended"),
        ("there are events", DELETION),
    ];
    let rights = NEEDED.iter().position(|right| right.resource == "secrets");
    each_is_missed(everywhere(&NEEDED[rights.unwrap()..]), &missed).await;
}

#[tokio::test(start_paused = true)]
async fn a_right_to_what_belongs_to_no_namespace_that_is_missing_is_named_and_costs_what_the_page_says()
 {
    let missed = [
        (SHARED, DELETION),
        (SHARED, DELETION),
        ("clustertokenissuers", SHARED),
        (SHARED, DELETION),
        (SHARED, DELETION),
        (SHARED, DELETION),
        (SHARED, DELETION),
        ("tokenprofiles", PROFILE),
        (PROFILE, SHARED),
        (SHARED, DELETION),
        (SHARED, DELETION),
    ];
    each_is_missed(everywhere(NEEDED_OF_CLUSTER), &missed).await;
}

#[tokio::test(start_paused = true)]
async fn a_right_to_a_single_object_or_at_home_that_is_missing_is_named_and_costs_what_the_page_says()
 {
    let missed = [
        (TOKEN, NOTHING),
        ("an older kind is told", DELETION),
        (PROFILE, NOTHING),
        (PROFILE, NOTHING),
        (PROFILE, NOTHING),
        (PROFILE, NOTHING),
        ("a later token is delivered", TOKEN),
    ];
    let rights = of_one(NEEDED_OF_ONE, false).chain(of_one(NEEDED_AT_HOME, true));
    each_is_missed(rights, &missed).await;
}

#[tokio::test(start_paused = true)]
async fn the_operator_uses_each_right_that_it_is_given_and_asks_for_nothing_else() {
    let world = prepared().await;
    assert_eq!(life(&world, None).await.0, Vec::<&str>::new());
    let requests = world.api.requests();
    let ours = requests
        .iter()
        .filter(|request| request.seen.who == OPERATOR);
    let mut used: BTreeSet<_> = ours.clone().map(|request| named(&request.seen)).collect();
    assert!(used.remove(OWN_RIGHTS));
    let one = [NEEDED_OF_ONE, NEEDED_AT_HOME].into_iter().flatten();
    let all = NEEDED.iter().chain(NEEDED_OF_CLUSTER);
    let given: BTreeSet<_> = all.chain(one.map(|(right, _)| right)).map(text).collect();
    assert_eq!(used, given);
    // What it may read of one alone.
    let namespaces: BTreeSet<_> = ours
        .filter(|request| request.seen.verb == Verb::Get && request.seen.resource == "namespaces")
        .map(|request| request.seen.name.as_deref())
        .collect();
    assert_eq!(namespaces, [Some("kube-system")].into());
}
