//! Two namespaces share one account at the issuer through a ClusterTokenIssuer, and one of them is hostile: what
//! it writes ends, takes and delays nothing of the other.

use serde_json::{Value, json};
use tokenwright_api::names::annotation;
use tokenwright_client::{MemorySettings, Operation};
use tokenwright_core::{LostAnswer, TokenId};
use tokenwright_operator::Options;

use crate::world::{NAMESPACE, TOKENS, World};

const NEIGHBOUR: &str = "team-b";
const VERSION: &str = "tokenwright.dev/v1alpha1";
const HOUR: u64 = 3_600;

/// What the hostile one knows of the other's token.
struct Neighbour {
    id: TokenId,
    marker: String,
    /// The annotations of its Secret.
    says: Value,
    /// Its status.
    status: Value,
    /// Its value, which only the test knows.
    value: String,
}

pub(crate) fn of_shared(mut changes: Value) -> Value {
    changes["issuerRef"] = json!({ "kind": "ClusterTokenIssuer", "name": "shared" });
    changes
}

/// The same with an operator that serves all namespaces, and an issuer that allows them this.
pub(crate) async fn shared_by(mut world: World, allow: Value) -> World {
    let secret = json!({ "metadata": { "name": "shared-credential", "namespace": "default" }, "data": { "token": "cmlnaHQ=" } });
    world.make("v1", "Secret", secret).await;
    let settings = json!({ "profile": "memory" });
    world.cluster_issuer("shared", settings, allow).await;
    world.start_everywhere();
    world
}

/// An operator that serves both, and a token of the neighbour in its second revision.
async fn two_teams() -> (World, Neighbour) {
    let world = World::new().await;
    let namespace = json!({ "metadata": { "name": NEIGHBOUR } });
    world.make("v1", "Namespace", namespace).await;
    let allow = json!([{ "namespaces": { "names": [NAMESPACE, NEIGHBOUR] }, "adopt": true }]);
    let world = shared_by(world, allow).await;
    let spec = of_shared(json!({
        "token": { "name": "theirs", "lifetime": "30d" },
        "rotation": { "overlap": "1h" },
        "secret": { "name": "theirs" },
    }));
    let metadata = json!({ "name": "theirs", "namespace": NEIGHBOUR });
    let token = json!({ "metadata": metadata, "spec": spec });
    world.make(VERSION, "ApiToken", token).await;
    world.pass(30).await;
    let secret = world.api.snapshot("secrets", NEIGHBOUR, "theirs").unwrap();
    let object = world.api.snapshot(TOKENS, NEIGHBOUR, "theirs").unwrap();
    let live = world.issuer.live();
    let (id, marker) = (live[0].token.id.clone(), live[0].marker.clone().unwrap());
    let secret: k8s_openapi::api::core::v1::Secret = serde_json::from_value(secret).unwrap();
    let value = String::from_utf8(secret.data.unwrap()["token"].0.clone()).unwrap();
    let neighbour = Neighbour {
        id,
        marker: marker.to_string(),
        says: json!(secret.metadata.annotations.unwrap()),
        status: object["status"].clone(),
        value,
    };
    (world, neighbour)
}

/// Hours after it was attacked, the neighbour's token is what it was, and nothing was asked of it.
fn unharmed(world: &World, neighbour: &Neighbour, by: &str) {
    let live = world.issuer.live();
    let lives = live.iter().any(|token| token.token.id == neighbour.id);
    assert!(lives && world.issuer.accepts(&neighbour.value), "{by}");
    let ready = world.shown_of("apitokens", NEIGHBOUR, "theirs", "Ready");
    assert!(ready.starts_with("True: Ready"), "{by}: {ready}");
}

#[tokio::test(start_paused = true)]
async fn a_tenant_whose_secret_says_what_a_neighbours_says_ends_nothing_of_it() {
    let some = |neighbour: &Neighbour, keys: &[&str]| -> Value {
        let taken = keys
            .iter()
            .map(|key| ((*key).to_owned(), neighbour.says[*key].clone()));
        Value::Object(taken.collect())
    };
    for keys in [
        &[annotation::CURRENT, annotation::TOKEN_ID, annotation::NONCE][..],
        &[
            annotation::MANAGER_UID,
            annotation::MANAGER_NAME,
            annotation::MANAGER_NAMESPACE,
        ],
        &[],
    ] {
        let (world, neighbour) = two_teams().await;
        world.ask(of_shared(json!({}))).await;
        world.pass(30).await;
        let mut marks = match keys {
            [] => neighbour.says.clone(),
            keys => some(&neighbour, keys),
        };
        if keys.is_empty() {
            // As a token that it has superseded.
            let current: Value =
                serde_json::from_str(neighbour.says[annotation::CURRENT].as_str().unwrap())
                    .unwrap();
            let retiring = json!([{ "token": current["token"], "not_before": "2026-01-01T00:00:00Z", "expires_at": null }]);
            marks[annotation::RETIRING] = json!(retiring.to_string());
        }
        let forged = json!({ "metadata": { "annotations": marks } });
        world.edit_secret(forged.clone()).await;
        world.pass(2 * HOUR).await;
        unharmed(&world, &neighbour, &format!("{keys:?}"));
        world.edit_secret(forged).await;
        world.delete().await;
        world.pass(2 * HOUR).await;
        unharmed(&world, &neighbour, &format!("{keys:?}, deleted"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenant_whose_status_is_a_neighbours_ends_nothing_of_it() {
    let (world, neighbour) = two_teams().await;
    let current = &neighbour.status["current"];
    let nominated = json!({
        "tokenID": current["tokenID"], "marker": current["marker"], "issuer": current["issuer"],
        "identity": current["identity"], "notBefore": "2020-01-01T00:00:00Z",
    });
    let mut revoke = nominated.clone();
    revoke["tries"] = json!(1);
    revoke["retryAt"] = json!("2020-01-01T00:00:00Z");
    let attempt = json!({
        "nonce": current["marker"].as_str().unwrap().rsplit('-').next(), "revision": 1,
        "deadline": "2020-01-01T00:00:00Z", "inputs": current["inputs"],
    });
    world.ask(of_shared(json!({}))).await;
    world.pass(30).await;
    for forged in [
        neighbour.status.clone(),
        json!({ "retiring": [nominated] }),
        json!({ "revokes": [revoke] }),
        json!({ "attempts": [attempt] }),
    ] {
        world.forge_status(json!({ "status": forged })).await;
        world.pass(HOUR).await;
        unharmed(&world, &neighbour, &forged.to_string());
    }
    world
        .forge_status(json!({ "status": neighbour.status }))
        .await;
    world.delete().await;
    world.pass(30 * HOUR).await;
    unharmed(&world, &neighbour, "its deletion");
    assert!(world.object().is_none(), "{}", world.message("Ready"));
}

/// With its name, a token would get the marker of whoever gave it, who could then revoke it.
#[tokio::test(start_paused = true)]
async fn a_tenant_whose_status_names_a_neighbours_token_as_its_own_renames_it_not() {
    let (world, neighbour) = two_teams().await;
    let victim = neighbour.status["current"]["tokenID"].clone();
    let named = |world: &World| {
        let live = world.issuer.live().into_iter();
        let mut live = live.filter(|minted| victim == minted.token.id.as_str());
        live.next().map(|minted| minted.token.name)
    };
    let before = named(&world);
    world.ask(of_shared(json!({}))).await;
    world.pass(30).await;
    let lie = json!({ "status": { "current": { "tokenID": victim } } });
    world.forge_status(lie).await;
    let wish = json!({ "spec": { "token": { "name": "mine" } } });
    world.change(wish).await;
    world.pass(2 * HOUR).await;
    assert_eq!(named(&world), before);
    let wish = json!({ "spec": { "rotation": { "trigger": "now" } } });
    world.change(wish).await;
    world.pass(2 * HOUR).await;
    world.delete().await;
    world.pass(30 * HOUR).await;
    assert_eq!(named(&world), before);
    unharmed(&world, &neighbour, "its token is named as another's");
}

#[tokio::test(start_paused = true)]
async fn a_tenant_who_adopts_a_value_under_the_id_of_a_neighbours_token_ends_nothing_of_it() {
    let (world, neighbour) = two_teams().await;
    let (_, value) = world.by_hand().await;
    world.fill("source", &value).await;
    let theirs = json!({ "adopt": { "tokenID": neighbour.id.to_string() } });
    world.adopt(of_shared(theirs)).await;
    world.pass(60).await;
    world.delete().await;
    world.pass(30 * HOUR).await;
    unharmed(&world, &neighbour, "adoption");
    assert!(world.object().is_none(), "{}", world.message("Ready"));
}

#[tokio::test(start_paused = true)]
async fn a_tenant_who_puts_a_neighbours_marker_into_a_name_gets_no_token() {
    let (world, neighbour) = two_teams().await;
    let before = world.issuer.count(Operation::Mint);
    let marker = &neighbour.marker;
    for (n, name) in [
        marker.clone(),
        format!("ci {marker}"),
        format!("{marker} ci"),
        format!("ci\t{marker}\u{a0}x"),
        format!("ci\n{marker}"),
    ]
    .into_iter()
    .enumerate()
    {
        let called = format!("forged-{n}");
        let wish = json!({ "token": { "name": name }, "secret": { "name": called } });
        world.ask_as(&called, of_shared(wish)).await;
        world.pass(30).await;
        let stalled = world.shown_of("apitokens", NAMESPACE, &called, "Stalled");
        let wanted = "True: InvalidSpec: spec.token.name";
        assert!(stalled.starts_with(wanted), "{name:?}: {stalled}");
    }
    assert_eq!(world.issuer.count(Operation::Mint), before);
    unharmed(&world, &neighbour, "names");
}

/// Admission refuses these; an older definition, or one that somebody loosened, does not.
#[tokio::test(start_paused = true)]
async fn what_admission_refuses_of_a_secret_the_operator_refuses_too() {
    let key = "kubernetes.io/service-account.name";
    for (secret, field) in [
        (
            json!({ "type": "kubernetes.io/service-account-token", "annotations": { key: "default" } }),
            "spec.secret.type",
        ),
        (
            json!({ "type": "bootstrap.kubernetes.io/token" }),
            "spec.secret.type",
        ),
        (
            json!({ "type": "kubernetes.io/ssh-auth" }),
            "spec.secret.type",
        ),
        (
            json!({ "type": "kubernetes.io/dockercfg" }),
            "spec.secret.type",
        ),
        (json!({ "type": "helm.sh/release.v1" }), "spec.secret.type"),
        (
            json!({ "annotations": { key: "default" } }),
            "spec.secret.annotations",
        ),
        (
            json!({ "labels": { "app.kubernetes.io/managed-by": "Helm" } }),
            "spec.secret.labels",
        ),
        (
            json!({ "labels": { "tokenwright.dev/credential": "issuer" } }),
            "spec.secret.labels",
        ),
        (
            json!({ "annotations": { "x.k8s.io/y": "z" } }),
            "spec.secret.annotations",
        ),
    ] {
        let mut world = World::new().await;
        world.start();
        world.ask(json!({ "secret": secret })).await;
        world.pass(60).await;
        assert_eq!(world.condition("Stalled"), "True: InvalidSpec", "{secret}");
        let message = world.message("Stalled");
        assert!(message.starts_with(field), "{secret}: {message}");
        assert!(world.secret().is_none(), "{secret}");
        assert_eq!(world.issuer.count(Operation::Mint), 0, "{secret}");
    }
}

/// Such as the keys of another operator, which whoever may only create ApiTokens must not get at.
#[tokio::test(start_paused = true)]
async fn nothing_is_read_from_a_secret_of_a_type_that_the_administrator_refuses() {
    let world = World::with(MemorySettings {
        values_name_ids: true,
        ..MemorySettings::default()
    })
    .await;
    let (_, value) = world.by_hand().await;
    let kept = [("account", "right"), ("source", value.as_str())];
    for (name, text) in kept {
        let metadata = json!({ "name": name, "namespace": NAMESPACE });
        let secret = json!({ "metadata": metadata, "type": "example.com/key", "stringData": { "token": text } });
        world.make("v1", "Secret", secret).await;
    }
    let credential = json!({ "credential": { "secretRef": { "name": "account" } } });
    world.issuer_as("other", credential).await;
    world.ask(json!({ "issuerRef": { "name": "other" } })).await;
    world
        .adopt_as("adopted", json!({ "secret": { "name": "adopted" } }))
        .await;
    let operator = world.spawn_with(Options {
        refuse_secret_types: vec!["example.com/".to_owned()],
        ..Options::default()
    });
    world.pass(120).await;
    assert!(world.secret().is_none() && world.secret_called("adopted").is_none());
    let refused = "\"example.com/key\"";
    let issuer = world.issuer_ready("other");
    let adopted = world.shown_of("apitokens", NAMESPACE, "adopted", "Ready");
    for told in [issuer, adopted] {
        assert!(
            told.starts_with("False") && told.contains(refused),
            "{told}"
        );
    }
    for (name, _) in kept {
        assert_eq!(world.marks(name), (vec![], vec![]), "{name} is held");
    }
    operator.abort();
    let _aborted = operator.await;
    let _operator = world.spawn_with(Options::default());
    world.pass(120).await;
    assert!(world.secret().is_some() && world.secret_called("adopted").is_some());
}

/// How much the API server has to keep for what the operator says.
fn said(world: &World) -> usize {
    let object = world.api.snapshot(TOKENS, NAMESPACE, "ci").unwrap();
    object["status"].to_string().len()
}

#[tokio::test(start_paused = true)]
async fn texts_that_admission_would_refuse_are_named_mint_nothing_and_delay_nobody() {
    let long = "x".repeat(1_100_000);
    let scopes: Vec<String> = (0..5_000)
        .map(|n| format!("{n}:{}", &long[..100]))
        .collect();
    let parameters: Value = (0..64)
        .map(|n| (n.to_string(), json!(&long[..10_000])))
        .collect();
    for (weapon, field) in [
        (json!({ "token": { "name": long } }), "spec.token.name"),
        (
            json!({ "token": { "scopes": scopes } }),
            "spec.token.scopes",
        ),
        (
            json!({ "token": { "parameters": { "team": long } } }),
            "spec.token.parameters",
        ),
        (
            json!({ "token": { "parameters": parameters } }),
            "spec.token.parameters",
        ),
        (json!({ "secret": { "data": { "config": long } } }), "data"),
        (
            json!({ "secret": { "annotations": { "team/x": long } } }),
            "annotations",
        ),
        (
            json!({ "secret": { "labels": { "team": long } } }),
            "labels",
        ),
        (
            json!({ "rotation": { "trigger": long, "windows": [{ "from": "22:00", "to": "04:00", "timeZone": long }] } }),
            "spec.rotation.windows",
        ),
    ] {
        let mut world = World::new().await;
        world.start();
        world.ask(weapon).await;
        world.pass(60).await;
        let told = format!("{} {}", world.message("Ready"), world.message("Stalled"));
        assert!(told.contains(field), "{field}: {told:.500}");
        assert_eq!(world.issuer.count(Operation::Mint), 0, "{field}");
        assert!(said(&world) < 40_000, "{field}: {}", said(&world));
        let other = json!({ "secret": { "name": "other" } });
        world.ask_as("other", other).await;
        world.pass(10).await;
        assert!(world.secret_called("other").is_some(), "{field}");
        world.delete().await;
        world.pass(10).await;
        assert!(world.object().is_none(), "{field}");
    }
}

/// Where nobody finds a lost token by its name the same request gets it again, and that asks for what the status says.
#[tokio::test(start_paused = true)]
async fn a_tenant_whose_status_says_that_a_mint_began_gets_no_more_by_it_than_it_is_granted() {
    let granted = json!({ "name": "ci", "scopes": ["read"], "lifetime": "30d" });
    let beyond = [
        json!({ "scopes": ["admin"] }),
        json!({ "scopes": [] }),
        json!({ "lifetime": "never" }),
        json!({ "parameters": { "org": "theirs" } }),
    ];
    for (inputs, wish) in beyond
        .into_iter()
        .flat_map(|lie| {
            let mut inputs = granted.clone();
            let lie = lie.as_object().unwrap().clone();
            inputs.as_object_mut().unwrap().extend(lie);
            [
                (inputs.clone(), json!({})),
                (inputs.clone(), json!({ "suspend": true })),
                (inputs, json!({ "token": { "scopes": ["admin"] } })),
            ]
        })
        .chain([(granted.clone(), json!({}))])
    {
        let about = format!("{inputs}, {wish}");
        let mut settings = MemorySettings::default();
        settings.capabilities.lost_answer = LostAnswer::Replay;
        let allow = json!([{ "namespaces": { "names": [NAMESPACE] }, "scopes": ["read"], "maxLifetime": "30d" }]);
        let world = shared_by(World::with(settings).await, allow).await;
        world.ask(of_shared(json!({ "token": granted }))).await;
        world.pass(30).await;
        world.change(json!({ "spec": wish })).await;
        world.pass(30).await;
        let deadline = world.clock.now().to_string();
        let forged =
            json!({ "nonce": "aaaaaaaa", "revision": 2, "deadline": deadline, "inputs": inputs });
        world
            .forge_status(json!({ "status": { "attempts": [forged] } }))
            .await;
        world.pass(HOUR).await;
        let minted = world.issuer.minted();
        let begun = minted.iter().filter(|minted| {
            let marker = minted.marker.as_ref();
            marker.is_some_and(|marker| marker.nonce.as_str() == "aaaaaaaa")
        });
        let may = usize::from(inputs == granted);
        assert_eq!(begun.count(), may, "{about}");
        let status = world.object().unwrap().status.unwrap();
        assert!(status.attempts.is_empty(), "{about}: it waits for ever");
        let given_up = u32::from(inputs != granted);
        assert_eq!(status.suspects, given_up, "{about}");
    }
}

/// Whoever may write the Secret puts a text in the place of the previous value.
#[tokio::test(start_paused = true)]
async fn a_previous_value_that_somebody_edits_ends_and_changes_no_token() {
    let mut world = World::new().await;
    world.start();
    let keeps = json!({ "keepPrevious": true });
    world.ask(json!({ "secret": keeps })).await;
    let web = json!({ "token": { "name": "web" }, "secret": { "name": "web-token" } });
    world.ask_as("web", web).await;
    world.pass(60).await;
    let theirs = world.secret_called("web-token").unwrap().data.unwrap()["token"].clone();
    let trigger = |text: &str| json!({ "spec": { "rotation": { "trigger": text } } });
    world.change(trigger("once")).await;
    world.pass(60).await;
    assert_eq!(world.revision(), Some(2));
    let mints = world.issuer.count(Operation::Mint);
    for named in [false, true] {
        let says = "token,previous.token";
        let says = json!({ "annotations": { "tokenwright.dev/parts": says } });
        let metadata = if named { says } else { json!({}) };
        let edit = json!({ "data": { "previous.token": theirs }, "metadata": metadata });
        world.edit_secret(edit).await;
        world.crash().await;
        world.start();
        world.pass(300).await;
        world.the_secret_works();
        assert_eq!(world.condition("Ready"), "True: Ready");
        assert_eq!(world.issuer.count(Operation::Mint), mints);
        assert_eq!(world.issuer.count(Operation::Revoke), 0);
        assert_eq!(world.issuer.live().len(), 3, "two of ours, one of theirs");
        let parts = world.annotation("tokenwright.dev/parts");
        assert_eq!(parts.as_deref(), Some("token"));
    }
    // The next rotation puts the value there that it supersedes, and all ends in its time.
    let second = world.data("token");
    world.change(trigger("twice")).await;
    world.pass(60).await;
    assert_eq!(world.data("previous.token"), second);
    world.pass(3_700).await;
    assert_eq!(world.issuer.live().len(), 2);
    let theirs = String::from_utf8(theirs.0).unwrap();
    assert!(world.issuer.accepts(&theirs), "a neighbour's token ended");
}
