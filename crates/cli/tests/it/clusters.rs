//! `status`, `why`, `events` and `doctor`, against an API server in memory.

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use kube::api::{
    Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams,
};
use serde_json::{Value, json};
use tokenwright_testbed::memory::{Listener, Memory};
use tokio::process::Command;

use crate::support::{Ran, ended, program};

pub(crate) const NAMESPACE: &str = "team-a";

pub(crate) struct World {
    pub(crate) memory: Memory,
    pub(crate) client: Client,
    _listener: Listener,
    folder: tempfile::TempDir,
}

pub(crate) async fn world() -> World {
    let memory = Memory::new();
    let listener = memory.serve().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    listener
        .kubeconfig(&folder.path().join("kubeconfig"), "person")
        .unwrap();
    let world = World {
        client: memory.client("test"),
        memory,
        _listener: listener,
        folder,
    };
    let kinds: Api<CustomResourceDefinition> = Api::all(world.client.clone());
    for kind in tokenwright_api::crds() {
        kinds.create(&PostParams::default(), &kind).await.unwrap();
    }
    world
        .create(
            "v1",
            "Namespace",
            "",
            json!({ "metadata": { "name": NAMESPACE } }),
        )
        .await;
    let issuer = json!({
        "metadata": { "name": "scaleway" },
        "spec": { "profile": "scaleway", "endpoint": "https://api.scaleway.com" },
        "status": { "observedGeneration": 1, "identity": "org-1", "conditions": [condition("Ready", "True", "Ready", "")] },
    });
    world.ours("TokenIssuer", issuer).await;
    world
}

pub(crate) fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1,
    })
}

/// An ApiToken with a current token that is due at this instant.
pub(crate) fn token(name: &str, renew_at: &str, conditions: &[Value]) -> Value {
    let inputs =
        json!({ "name": name, "lifetime": "90d", "parameters": { "application_id": "7f3c" } });
    json!({
        "metadata": { "name": name },
        "spec": {
            "issuerRef": { "name": "scaleway" },
            "token": inputs,
            "secret": { "name": format!("{name}-token") },
        },
        "status": {
            "observedGeneration": 1,
            "conditions": conditions,
            "lastRevision": 2,
            "current": {
                "revision": 2, "tokenID": "SCW2", "issuer": "https://api.scaleway.com", "secretName": format!("{name}-token"),
                "createdAt": "2026-01-01T00:00:00Z", "expiresAt": "2999-03-31T00:00:00Z", "renewAt": renew_at,
                "marker": "tw1-dio4f-lifkxs4uwjb5e-2-aaaqea77", "inputs": inputs,
            },
        },
    })
}

impl World {
    pub(crate) async fn create(
        &self,
        version: &str,
        kind: &str,
        namespace: &str,
        mut object: Value,
    ) -> DynamicObject {
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let api: Api<DynamicObject> = match namespace {
            "" => Api::all_with(self.client.clone(), &resource),
            namespace => Api::namespaced_with(self.client.clone(), namespace, &resource),
        };
        let api_version = match group {
            "" => version.to_owned(),
            group => format!("{group}/{version}"),
        };
        object["apiVersion"] = json!(api_version);
        object["kind"] = json!(kind);
        let status = object.get("status").cloned();
        let parsed: DynamicObject = serde_json::from_value(object).unwrap();
        let name = parsed.metadata.name.clone().unwrap();
        let made = api.create(&PostParams::default(), &parsed).await.unwrap();
        if let Some(mut status) = status {
            // Its manager is who it is in this cluster.
            let uid = made.metadata.uid.clone().unwrap();
            let manager = tokenwright_core::ManagerId::of(&uid);
            if let Some(marker) = status.pointer_mut("/current/marker") {
                *marker = json!(
                    marker
                        .as_str()
                        .unwrap()
                        .replace("lifkxs4uwjb5e", manager.as_str())
                );
            }
            let patch = Patch::Merge(json!({ "status": status }));
            api.patch_status(&name, &PatchParams::default(), &patch)
                .await
                .unwrap();
        }
        made
    }

    /// What the operator takes for its origin.
    pub(crate) async fn uid(&self) -> String {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let system = namespaces.get("kube-system").await.unwrap();
        system.metadata.uid.unwrap()
    }

    pub(crate) async fn ours(&self, kind: &str, object: Value) -> DynamicObject {
        self.create("tokenwright.dev/v1alpha1", kind, NAMESPACE, object)
            .await
    }

    /// The Secret that belongs to an ApiToken, and holds its current token.
    pub(crate) async fn secret_of(&self, object: &DynamicObject) {
        let name = object.metadata.name.clone().unwrap();
        self.secret_for(&name, &name, object.metadata.uid.as_deref())
            .await;
    }

    /// The Secret of one ApiToken, that says to be another's, or the same one's under another UID.
    async fn secret_for(&self, token: &str, says: &str, uid: Option<&str>) {
        let secret = json!({
            "metadata": {
                "name": format!("{token}-token"),
                "ownerReferences": match token {
                    "taken" | "owned" => json!([{
                        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
                        "name": "theirs", "uid": "u", "controller": true,
                    }]),
                    _ => Value::Null,
                },
                "annotations": {
                    "tokenwright.dev/manager-kind": "ApiToken",
                    "tokenwright.dev/manager-namespace": NAMESPACE,
                    "tokenwright.dev/manager-name": says,
                    "tokenwright.dev/manager-uid": uid,
                },
            },
        });
        self.create("v1", "Secret", NAMESPACE, secret).await;
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(arguments);
        command.env("KUBECONFIG", self.folder.path().join("kubeconfig"));
        command
    }

    pub(crate) async fn ran(&self, arguments: &[&str]) -> Ran {
        ended(self.command(arguments).spawn().unwrap()).await
    }
}

#[tokio::test]
async fn every_token_is_seen_at_a_glance_and_trouble_is_an_exit_code() {
    let world = world().await;
    let well = [condition("Ready", "True", "Ready", "")];
    world
        .ours("ApiToken", token("ci", "2999-01-30T00:00:00Z", &well))
        .await;
    let ran = world.ran(&["status"]).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let line = ran
        .out
        .lines()
        .find(|line| line.starts_with("team-a/ci"))
        .unwrap();
    let words: Vec<_> = line.split_whitespace().take(4).collect();
    assert_eq!(words, ["team-a/ci", "scaleway", "True", "2"]);
    assert!(ran.out.contains("org-1"), "{}", ran.out);

    let bad = [
        condition("Ready", "True", "Ready", ""),
        condition(
            "RevokeFailed",
            "True",
            "RevokeFailed",
            "token SCW1 is still there",
        ),
    ];
    world
        .ours("ApiToken", token("web", "2999-01-30T00:00:00Z", &bad))
        .await;
    let unreadable = json!({ "metadata": { "name": "odd" }, "spec": { "secret": 7 } });
    world.ours("ApiToken", unreadable).await;
    let ran = world.ran(&["status", "--trouble"]).await;
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    assert!(!ran.out.contains("team-a/ci"), "{}", ran.out);
    assert!(ran.out.contains("token SCW1 is still there"), "{}", ran.out);
    assert!(
        ran.out.contains("this version cannot read it"),
        "{}",
        ran.out
    );
    assert!(
        ran.err.contains("3 ApiTokens, 2 objects in trouble"),
        "{}",
        ran.err
    );

    let ran = world.ran(&["status", "-n", NAMESPACE, "-o", "json"]).await;
    let glance: Value = serde_json::from_str(&ran.out).unwrap();
    let tokens = glance["apiTokens"].as_array().unwrap();
    let web = tokens.iter().find(|token| token["name"] == "web").unwrap();
    assert_eq!(web["trouble"][0]["condition"], "RevokeFailed");
    assert_eq!(web["renewsAt"], "2999-01-30T00:00:00Z");
}

#[tokio::test]
async fn a_decision_is_explained_by_the_rules_of_the_lifecycle() {
    let world = world().await;
    let well = [condition("Ready", "True", "Ready", "")];
    let resting = world
        .ours("ApiToken", token("ci", "2999-01-30T00:00:00Z", &well))
        .await;
    world.secret_of(&resting).await;
    let ran = world.ran(&["why", "-n", NAMESPACE, "ci"]).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("now       nothing is done"), "{}", ran.out);
    assert!(
        ran.out.contains("current   revision 2, id SCW2"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("the issuer was not asked"), "{}", ran.out);
    let rules = ran.out.lines().filter(|line| line.contains('✓'));
    let last = "    ✓ nothing to do, and this is why: Quiet";
    assert_eq!(rules.collect::<Vec<_>>(), [last], "{}", ran.out);

    let mut asked = token("asked", "2999-01-30T00:00:00Z", &well);
    asked["spec"]["rotation"] = json!({ "trigger": "now" });
    let asked = world.ours("ApiToken", asked).await;
    world.secret_of(&asked).await;
    let ran = world
        .ran(&["why", "-n", NAMESPACE, "asked", "-o", "json"])
        .await;
    let why: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(why["now"], "revision 3 is minted", "{}", ran.out);
    assert_eq!(
        why["won"],
        "make before break: the next token where one is due"
    );
    assert_eq!(why["rules"][0], "one mint at a time");

    // Without its Secret, the token is lost to whoever needs it.
    world
        .ours("ApiToken", token("gone", "2999-01-30T00:00:00Z", &well))
        .await;
    let ran = world.ran(&["why", "-n", NAMESPACE, "gone"]).await;
    assert!(
        ran.out.contains("now       revision 3 is minted"),
        "{}",
        ran.out
    );

    // What no rule knows stands before all that they want.
    let refused = [
        condition("Ready", "False", "NotAllowed", "not here"),
        condition("Stalled", "True", "NotAllowed", "not here"),
    ];
    let mut beyond = token("beyond", "2026-01-30T00:00:00Z", &refused);
    beyond["spec"]["rotation"] = json!({ "trigger": "now" });
    let made = world.ours("ApiToken", beyond).await;
    world.secret_of(&made).await;
    let ran = world.ran(&["why", "-n", NAMESPACE, "beyond"]).await;
    let nothing = "now       nothing is done\n  because   NotAllowed: ";
    assert!(ran.out.contains(nothing), "{}", ran.out);
    assert!(!ran.out.contains("is minted"), "{}", ran.out);

    let ran = world.ran(&["why", "-n", NAMESPACE, "nobody"]).await;
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    assert!(ran.err.contains("see -n and --context"), "{}", ran.err);
}

/// A system that shows no names, and answers a mint that is sent again as it did the first time.
fn replaying() -> Value {
    json!({
        "profile": "replaying", "title": "Replaying", "docs": "https://example.com", "group": "cloud",
        "endpoint": "https://api.example.com",
        "credential": { "parts": { "key": { "env": "KEY" } }, "header": { "name": "X-Key", "part": "key" } },
        "name": { "max": 60 }, "scopes": "none",
        "lifetime": { "unit": "instant", "never": "omit" },
        "token": { "id": "item.id", "expires": "item.expires_at" },
        "value": { "key": { "at": "/key", "max": 256 } },
        "mint": {
            "send": "POST /keys", "idempotencyHeader": "Idempotency-Key",
            "body": { "name": "$(name)", "expires_at": "$(lifetime)" },
        },
        "list": { "send": "GET /keys", "items": "answer.keys" },
        "revoke": { "send": "DELETE /keys/$(id)" },
    })
}

#[tokio::test]
async fn a_mint_that_is_not_sent_again_is_explained_so() {
    let world = world().await;
    let profile = json!({ "metadata": { "name": "replaying" }, "spec": replaying() });
    world
        .create("tokenwright.dev/v1alpha1", "TokenProfile", "", profile)
        .await;
    let spec = json!({ "profileRef": { "name": "replaying" } });
    let issuer = json!({ "metadata": { "name": "replaying" }, "spec": spec });
    world.ours("TokenIssuer", issuer).await;
    for (open, reason) in [
        ("short", "ReplayLostAnswer"),
        ("a name for which its system has no room", "Ambiguous"),
    ] {
        let name = reason.to_lowercase();
        let mut object = token(&name, "2999-01-30T00:00:00Z", &[]);
        object["spec"]["issuerRef"]["name"] = json!("replaying");
        object["status"]["current"]["issuer"] = json!("https://api.example.com");
        object["status"]["attempts"] = json!([{
            "nonce": "crnktczb", "revision": 3, "deadline": "2999-01-01T00:00:00Z",
            "inputs": { "name": open, "lifetime": "90d" },
        }]);
        world.ours("ApiToken", object).await;
        let ran = world
            .ran(&["why", "-n", NAMESPACE, &name, "-o", "json"])
            .await;
        let why: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err));
        assert_eq!(why["reason"], reason, "{}", ran.out);
    }
}

#[tokio::test]
async fn whose_value_a_secret_holds_is_explained_as_the_operator_sees_it() {
    let world = world().await;
    let well = [condition("Ready", "True", "Ready", "")];
    let mut uids = Vec::new();
    // A controller owns the Secrets of two, and wrote its own value into one of them.
    let taken = [condition("Stalled", "True", "DestinationForeign", "")];
    for name in ["ci", "web", "again", "first", "beside", "taken", "owned"] {
        let says = if name == "taken" { &taken } else { &well };
        let mut object = token(name, "2999-01-30T00:00:00Z", says);
        if name == "beside" {
            // Both want one Secret, and the other one had it first.
            object["spec"]["secret"]["name"] = json!("first-token");
        }
        let made = world.ours("ApiToken", object).await;
        uids.push(made.metadata.uid.unwrap());
    }
    // Somebody exchanged the contents of two.
    world.secret_for("ci", "web", Some(&uids[1])).await;
    world.secret_for("web", "ci", Some(&uids[0])).await;
    // What was there before the object was made again.
    world.secret_for("again", "again", Some("former")).await;
    world.secret_for("first", "first", Some(&uids[3])).await;
    world.secret_for("taken", "taken", Some(&uids[5])).await;
    world.secret_for("owned", "owned", Some(&uids[6])).await;
    let why = async |name: &str| -> Value {
        let ran = world
            .ran(&["why", "-n", NAMESPACE, name, "-o", "json"])
            .await;
        serde_json::from_str(&ran.out).unwrap()
    };
    for (name, other) in [("ci", "web"), ("web", "ci")] {
        let told = why(name).await;
        assert_eq!(told["reason"], "ValueModified", "{told}");
        assert_eq!(told["now"], "revision 3 is minted", "{told}");
        let sentence = told["sentence"].as_str().unwrap();
        let holds = format!("It holds what was delivered to the ApiToken team-a/{other}");
        assert!(sentence.contains(&holds), "{told}");
    }
    assert_ne!(why("again").await["reason"], "DestinationForeign");
    assert_eq!(why("beside").await["reason"], "DestinationForeign");
    assert_eq!(why("taken").await["reason"], "DestinationForeign");
    assert_ne!(why("owned").await["reason"], "DestinationForeign");
}

#[tokio::test]
async fn the_events_of_one_token_are_told_in_their_order() {
    let world = world().await;
    world
        .ours("ApiToken", token("ci", "2999-01-30T00:00:00Z", &[]))
        .await;
    for (name, at, reason, about) in [
        ("b", "2026-01-02T00:00:00.000000Z", "Revoked", "ci"),
        ("a", "2026-01-01T00:00:00.000000Z", "Published", "ci"),
        ("c", "2026-01-03T00:00:00.000000Z", "Published", "web"),
    ] {
        let event = json!({
            "metadata": { "name": name }, "eventTime": at, "type": "Normal", "reason": reason, "action": "x",
            "note": "done", "reportingController": "x", "reportingInstance": "x",
            "regarding": { "kind": "ApiToken", "name": about, "namespace": NAMESPACE },
        });
        world
            .create("events.k8s.io/v1", "Event", NAMESPACE, event)
            .await;
    }
    let ran = world
        .ran(&["events", "-n", NAMESPACE, "ci", "-o", "json"])
        .await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let events: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
    let reasons: Vec<_> = events
        .iter()
        .map(|event| event["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons, ["Published", "Revoked"]);
}

#[tokio::test]
async fn a_doctor_says_of_each_thing_what_is_missing_and_what_to_do() {
    let world = world().await;
    let paused = condition(
        "Ready",
        "False",
        "CredentialRefused",
        "the issuer does not accept it",
    );
    let issuer = json!({
        "metadata": { "name": "bad" }, "spec": { "profile": "seeme" },
        "status": { "observedGeneration": 1, "conditions": [paused] },
    });
    world.ours("TokenIssuer", issuer).await;
    let ran = world.ran(&["doctor"]).await;
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    for line in [
        "✓ API server",
        "✓ kinds",
        "✓ your rights",
        "✗ operator     no Deployment runs tokenwright-operator",
        "✗ issuers      team-a/bad, CredentialRefused",
        "✓ issuers      1 of 2 are well",
    ] {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
    assert!(
        ran.out
            .contains("`tokenwright explain CredentialRefused` says more."),
        "{}",
        ran.out
    );
    let ran = world.ran(&["doctor", "-o", "json"]).await;
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    let findings: Value = serde_json::from_str(&ran.out).unwrap();
    let bad = findings.as_array().unwrap().iter();
    let bad: Vec<_> = bad.filter(|finding| finding["is"] == "bad").collect();
    assert_eq!(bad.len(), 2, "{findings}");
    assert_eq!(bad[1]["lookedAt"], "issuers");
    assert!(bad[0]["next"].is_string(), "{findings}");
    let mut nobody = program(&["doctor"]);
    nobody.env("KUBECONFIG", world.folder.path().join("none"));
    let ran = ended(nobody.spawn().unwrap()).await;
    assert_eq!(ran.code, Some(2), "{}", ran.out);
    assert!(
        ran.err.contains("set KUBECONFIG, or give --kubeconfig"),
        "{}",
        ran.err
    );
}
