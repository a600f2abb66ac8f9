//! What a tenant can write: numbers as weapons, marks of others, crowds. Nobody else is held up by it, and
//! nothing is ended that is not theirs.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tokenwright_api::names::annotation;
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, Issuer as _, MemorySettings, MintRequest, Operation, Rate};
use tokenwright_core::{Inputs, Lifetime, Look, LostAnswer, Marker, Nonce, TokenId};

use crate::world::{NAMESPACE, OPERATOR, World};

/// A token with this marker in its name, that somebody else made.
async fn made_by_another(world: &World, marker: &Marker) -> TokenId {
    let request = MintRequest {
        remote_name: marker.remote_name("ci"),
        inputs: Inputs {
            name: "ci".to_owned(),
            scopes: [].into(),
            parameters: [].into(),
            lifetime: Lifetime::Never,
        },
        at: world.clock.now(),
        idempotency_key: format!("another-{marker}"),
        send_by: None,
    };
    world.issuer.mint(&request).await.unwrap().token.id
}

fn marker(world: &World) -> Marker {
    let status = world.object().unwrap().status.unwrap();
    status.current.unwrap().marker.parse().unwrap()
}

fn is_live(world: &World, id: &TokenId) -> bool {
    world
        .issuer
        .live()
        .iter()
        .any(|token| token.token.id == *id)
}

async fn rotate(world: &World, trigger: &str) {
    let wish = json!({ "spec": { "rotation": { "trigger": trigger } } });
    world.change(wish).await;
}

#[tokio::test(start_paused = true)]
async fn durations_that_admission_would_refuse_neither_end_the_operator_nor_make_it_busy() {
    // Two of them admission takes for minutes: it counts nanoseconds, and begins again at zero.
    for duration in [
        "0s",
        "1s",
        "9999999w",
        "99999999999999999999d",
        "213504d",
        "30501w",
    ] {
        let mut world = World::new().await;
        world.start();
        world.ask(json!({})).await;
        let settings = json!({ "recheck": duration, "requestTimeout": duration });
        world.issuer_as("weapon", settings).await;
        let weapons = [
            json!({ "token": { "lifetime": duration } }),
            json!({ "rotation": { "every": duration, "overlap": duration } }),
            json!({ "rotation": { "renewBefore": duration } }),
            json!({ "deletion": { "timeout": duration } }),
        ];
        world.fill("source", "a-value-of-a-person").await;
        world
            .adopt_as(
                "weapon-adopted",
                json!({
                    "issuerRef": { "name": "weapon" }, "adopt": { "warnBefore": duration, "expiresAt": "2027-03-31T00:00:00Z" },
                    "secret": { "name": "weapon-adopted" }, "deletion": { "timeout": duration },
                }),
            )
            .await;
        for (n, weapon) in weapons.into_iter().enumerate() {
            let mut spec = json!({ "issuerRef": { "name": "weapon" }, "token": { "name": "ci", "lifetime": "30d" },
                "rotation": { "overlap": "1h" }, "secret": { "name": format!("weapon-{n}") } });
            for (key, value) in weapon.as_object().unwrap() {
                for (field, value) in value.as_object().unwrap() {
                    spec[key][field] = value.clone();
                }
            }
            world.ask_as(&format!("weapon-{n}"), spec).await;
        }
        world.pass(600).await;
        world.the_secret_works();
        assert_eq!(world.condition("Ready"), "True: Ready", "{duration}");
        let (asked, api) = (world.issuer.requests().len(), calls(&world));
        world.pass(600).await;
        let asked = world.issuer.requests().len() - asked;
        let api = calls(&world) - api;
        assert!(
            asked <= 200 && api <= 400,
            "{duration}: {asked} and {api} requests"
        );
        // Another one is served as if nothing was.
        world
            .ask_as("other", json!({ "secret": { "name": "other" } }))
            .await;
        world.pass(10).await;
        assert!(world.secret_called("other").is_some(), "{duration}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_recheck_of_centuries_is_one_of_a_week() {
    let mut world = World::new().await;
    // Admission takes it for 25 minutes.
    let weapon = json!({ "recheck": "213504d" });
    world.issuer_as("weapon", weapon).await;
    world.start();
    world
        .ask(json!({ "issuerRef": { "name": "weapon" } }))
        .await;
    world.pass(3_600).await;
    let first = world.issuer.count(Operation::List);
    world.pass(6 * 86_400).await;
    assert_eq!(world.issuer.count(Operation::List), first);
    world.pass(86_400).await;
    assert_eq!(world.issuer.count(Operation::List), first + 1);
}

/// What the operator asked the API server for, its watches apart.
fn calls(world: &World) -> usize {
    use tokenwright_testbed::memory::Verb;
    let requests = world.api.requests().into_iter();
    let ours = requests.filter(|request| request.seen.who == OPERATOR);
    ours.filter(|request| !matches!(request.seen.verb, Verb::Watch | Verb::List))
        .count()
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_years_that_an_issuer_asks_for_is_kept_for_an_hour() {
    let mut world = World::new().await;
    world.start();
    world.issuer.fault(
        Operation::Mint,
        Fault::Refuse(ErrorKind::RateLimited {
            retry_after: Some(SignedDuration::from_secs(99_999_999)),
        }),
    );
    world.ask(json!({})).await;
    world.pass(30).await;
    let ready = world.issuer_ready("issuer");
    assert!(ready.starts_with("False: IssuerPaused"), "{ready}");
    assert!(ready.contains("2026-03-01T01:00:0"), "{ready}");
    world.pass(3_700).await;
    world.the_only_token();
}

#[tokio::test(start_paused = true)]
async fn a_crowd_of_parameter_sets_is_listed_at_the_rate_of_its_issuer_after_a_restart() {
    let mut world = World::new().await;
    world.start();
    let crowd = 60;
    for n in 0..crowd {
        let changes = json!({
            "token": { "parameters": { "team": n.to_string() } },
            "secret": { "name": format!("ci-{n}") },
        });
        world.ask_as(&format!("ci-{n}"), changes).await;
    }
    world.pass(1_800).await;
    assert_eq!(world.issuer.live().len(), crowd);
    world.crash().await;
    let before = world.issuer.requests().len();
    world.start();
    world.pass(10).await;
    // A burst of ten, and one each second.
    let asked = world.issuer.requests().len() - before;
    assert!(asked <= 22, "{asked} requests in ten seconds");
    world.pass(120).await;
    let lists = world.issuer.requests().len() - before;
    assert!(lists <= crowd + 10, "{lists} requests for {crowd} listings");
    assert_eq!(world.issuer.live().len(), crowd);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_a_person_disables_after_a_wish_that_was_refused_stays_disabled() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(30).await;
    world.issuer_refuses(Operation::Disable, ErrorKind::Forbidden);
    world
        .change(json!({ "spec": { "state": "Disabled" } }))
        .await;
    world.pass(60).await;
    world
        .change(json!({ "spec": { "state": "Enabled" } }))
        .await;
    world.issuer.calm();
    world.pass(660).await;
    let id = world.the_only_token().token.id;
    world.issuer.enable_by_hand(&id, false);
    world.pass(1_300).await;
    assert_eq!(world.issuer.count(Operation::Enable), 0);
    let live = world.issuer.live();
    assert_eq!(live[0].token.enabled, Some(false), "a person decided that");
}

#[tokio::test(start_paused = true)]
async fn a_forged_annotation_nominates_nothing_where_the_system_shows_no_names() {
    for suspended in [true, false] {
        let mut settings = MemorySettings::default();
        settings.capabilities.lost_answer = LostAnswer::CannotAttribute;
        let mut world = World::with(settings).await;
        let (victim, _) = world.by_hand().await;
        world.start();
        world.ask(json!({})).await;
        world.pass(30).await;
        world
            .change(json!({ "spec": { "suspend": suspended } }))
            .await;
        world.pass(5).await;
        let says = world.annotation(annotation::CURRENT).unwrap();
        let mut lie: Value = serde_json::from_str(&says).unwrap();
        lie["token"]["id"] = json!(victim);
        let retiring = json!([{ "token": lie["token"], "not_before": "2026-02-01T00:00:00Z", "expires_at": null }]);
        let marks = json!({
            annotation::CURRENT: lie.to_string(),
            annotation::RETIRING: retiring.to_string(),
            annotation::TOKEN_ID: victim,
        });
        world
            .edit_secret(json!({ "metadata": { "annotations": marks } }))
            .await;
        world.delete().await;
        world.pass(7_200).await;
        assert!(is_live(&world, &victim), "suspended: {suspended}");
        assert!(world.object().is_none());
        assert_eq!(world.issuer.live().len(), 1, "suspended: {suspended}");
    }
}

/// What a Secret says then, that names this one under the marker of a mint that came to nothing.
fn nominating(world: &World, victim: &TokenId, (nonce, revision): (&str, u32)) -> Value {
    let says = world.annotation(annotation::CURRENT).unwrap();
    let mut lie: Value = serde_json::from_str(&says).unwrap();
    let marker = marker(world);
    lie["token"]["id"] = json!(victim);
    let (origin, manager) = (marker.origin, marker.manager);
    lie["token"]["marker"] = json!(format!("tw1-{origin}-{manager}-{revision}-{nonce}"));
    json!({
        "metadata": { "annotations": {
            annotation::CURRENT: lie.to_string(), annotation::RETIRING: "[]", annotation::TOKEN_ID: victim,
        } },
        "stringData": { "token": "something else" },
    })
}

#[tokio::test(start_paused = true)]
async fn a_mint_that_came_to_nothing_lets_nobody_name_a_token_where_the_system_shows_no_names() {
    let refused = Fault::Refuse(ErrorKind::Forbidden);
    for (came_of_it, look) in [
        (refused.clone(), Look::Listing),
        (refused, Look::Nothing),
        (Fault::LoseAnswer, Look::Listing),
        (Fault::LoseAnswer, Look::Nothing),
    ] {
        let mut settings = MemorySettings::default();
        settings.capabilities.lost_answer = LostAnswer::CannotAttribute;
        settings.capabilities.look = look;
        let mut world = World::with(settings).await;
        let (victim, _) = world.by_hand().await;
        world.start();
        world.ask(json!({})).await;
        world.pass(30).await;
        world.issuer.fault(Operation::Mint, came_of_it.clone());
        rotate(&world, "one").await;
        world.pass(5).await;
        let status = world.object().unwrap().status.unwrap();
        let attempt = status
            .attempts
            .iter()
            .map(|it| (it.nonce.clone(), it.revision));
        let past = status.past.iter().map(|it| (it.nonce.clone(), it.revision));
        let (nonce, revision) = attempt.chain(past).last().unwrap();
        let forged = nominating(&world, &victim, (&nonce, revision));
        world.edit_secret(forged).await;
        world.pass(4 * 3_600).await;
        assert!(is_live(&world, &victim), "{came_of_it:?} {look:?}");
        world.delete().await;
        world.pass(2 * 86_400).await;
        assert!(is_live(&world, &victim), "{came_of_it:?} {look:?}, deleted");
    }
}

#[tokio::test(start_paused = true)]
async fn a_foreign_key_with_our_own_current_marker_is_told_and_never_ended() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({ "rotation": { "overlap": "1m" } })).await;
    world.pass(30).await;
    let twin = made_by_another(&world, &marker(&world)).await;
    rotate(&world, "one").await;
    world.pass(3_600).await;
    assert!(
        is_live(&world, &twin),
        "the record decides which one is ours"
    );
    world.the_secret_works();
    assert_eq!(world.condition("ForeignActivity"), "True: MarkerTwice");
    assert_eq!(world.notes("MarkerTwice").len(), 1);
    assert!(world.message("ForeignActivity").contains(&twin.to_string()));
}

#[tokio::test(start_paused = true)]
async fn an_impossible_revision_in_a_foreign_name_stops_no_rotation() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({ "rotation": { "overlap": "1m" } })).await;
    world.pass(30).await;
    let forged = Marker {
        revision: 9_999_999,
        nonce: Nonce::from_bytes([3; 5]),
        ..marker(&world)
    };
    let id = made_by_another(&world, &forged).await;
    // Until a listing shows it.
    world.pass(660).await;
    rotate(&world, "one").await;
    world.pass(120).await;
    assert_eq!(world.revision(), Some(2));
    rotate(&world, "two").await;
    world.pass(120).await;
    assert_eq!(world.revision(), Some(3));
    assert!(is_live(&world, &id));
    assert_eq!(
        world.condition("ForeignActivity"),
        "True: RevisionImpossible"
    );
    assert!(world.message("ForeignActivity").contains(&id.to_string()));
}

#[tokio::test(start_paused = true)]
async fn a_corrected_credential_a_wish_and_a_trigger_each_end_the_back_off_of_a_mint() {
    for correction in ["credential", "specification", "trigger"] {
        let mut world = World::new().await;
        world.start();
        world.issuer_refuses(Operation::Mint, ErrorKind::Forbidden);
        world.ask(json!({})).await;
        world.pass(5_000).await;
        let told = world.message("Ready");
        assert!(told.contains("The next try is at 2026-"), "{told}");
        world.issuer.calm();
        match correction {
            "credential" => world.set_credential("corrected").await,
            "specification" => {
                let wish = json!({ "spec": { "token": { "scopes": ["read"] } } });
                world.change(wish).await;
            }
            _ => {
                let noted = json!({ "metadata": { "annotations": { annotation::ROTATE: "now" } } });
                world.change(noted).await;
            }
        }
        world.pass(10).await;
        assert!(
            world.secret().is_some(),
            "{correction} does not end the back-off"
        );
        world.the_secret_works();
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_of_somebody_else_is_told_with_its_owner_and_the_way_to_have_it() {
    let owners = [
        (
            json!({ "labels": { "app.kubernetes.io/managed-by": "Helm" } }),
            "what Helm manages",
        ),
        (
            json!({ "annotations": { annotation::MANAGER_KIND: "ApiToken", annotation::MANAGER_NAMESPACE: NAMESPACE, annotation::MANAGER_NAME: "first", annotation::MANAGER_UID: "u" } }),
            "the ApiToken team-a/first",
        ),
        (
            json!({ "ownerReferences": [{ "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "u" }] }),
            "the ConfigMap owner",
        ),
    ];
    for (metadata, owner) in owners {
        for adopts in [false, true] {
            let mut world = World::new().await;
            world.other_secret(metadata.clone()).await;
            let (_, value) = world.by_hand().await;
            world.fill("source", &value).await;
            world.start();
            match adopts {
                true => world.adopt(json!({})).await,
                false => world.ask(json!({})).await,
            }
            world.pass(60).await;
            assert_eq!(world.condition("Stalled"), "True: DestinationForeign");
            for type_ in ["Ready", "Stalled"] {
                let told = world.message(type_);
                for word in [owner, "ci-token", "tokenwright.dev/allow-takeover-by: ci"] {
                    assert!(told.contains(word), "{type_}, adopts: {adopts}: {told}");
                }
            }
        }
    }
}

/// Too long to be kept in memory by the operator, since nothing in it is said twice.
fn long_text() -> String {
    let word = |n: u64| format!("{:x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    (0..2_000).map(word).collect()
}

#[tokio::test(start_paused = true)]
async fn an_apitoken_that_is_too_long_to_be_kept_in_memory_lives_like_all_others() {
    let mut world = World::new().await;
    world.start();
    let text = format!("{} $(value.token)", long_text());
    let secret = json!({ "data": { "config": text }, "labels": { "team": "a" } });
    world
        .ask(json!({ "secret": secret, "token": { "lifetime": "3h" } }))
        .await;
    world.pass(30).await;
    let config = |world: &World| world.data("config").unwrap_or_default();
    let delivered = |world: &World| {
        world.the_secret_works();
        let value = world.data("token").unwrap();
        assert_eq!(config(world), format!("{} {value}", long_text()));
        assert_eq!(world.condition("Ready"), "True: Ready");
    };
    delivered(&world);
    rotate(&world, "now").await;
    world.pass(60).await;
    assert_eq!(world.revision(), Some(2));
    delivered(&world);
    world.crash().await;
    world.start();
    // Its own rotation is due after two hours.
    world.pass(9_000).await;
    assert_eq!(world.revision(), Some(3));
    delivered(&world);
    assert_eq!(world.issuer.count(Operation::Mint), 3);
    let less = json!({ "spec": { "secret": { "data": { "config": "short" }, "labels": null } } });
    world.change(less).await;
    world.pass(30).await;
    assert_eq!(config(&world), "short");
    assert_eq!(world.issuer.count(Operation::Mint), 3);
    world.delete().await;
    world.pass(300).await;
    assert!(world.object().is_none() && world.issuer.live().is_empty());
}

/// They are looked at by a few at a time.
#[tokio::test(start_paused = true)]
async fn a_crowd_of_long_apitokens_is_served_to_the_last_and_keeps_no_other_waiting() {
    let mut world = World::new().await;
    world.documented = Some(Rate {
        per_minute: 60_000,
        concurrency: 8,
    });
    let crowd = (0..40).map(|n| format!("long-{n}"));
    for name in crowd.clone() {
        let secret = json!({ "name": name, "data": { "config": long_text() } });
        world.ask_as(&name, json!({ "secret": secret })).await;
    }
    world.ask(json!({})).await;
    world.start();
    world.pass(5).await;
    world.the_secret_works();
    world.pass(60).await;
    assert!(
        crowd
            .clone()
            .all(|name| world.secret_called(&name).is_some())
    );
    world.crash().await;
    for name in crowd.clone() {
        let wish = json!({ "spec": { "rotation": { "trigger": "now" } } });
        world.change_as(&name, wish).await;
    }
    world.start();
    world.pass(90).await;
    assert_eq!(world.issuer.minted().len(), 81);
}
