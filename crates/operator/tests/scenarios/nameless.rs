//! Systems that show no names: an id on record is all that the end of a token rests on there, so the record counts
//! as far as the operator sealed it, and no further.

use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokenwright_api::names::annotation;
use tokenwright_api::status::ApiTokenStatus;
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, MemorySettings, Operation};
use tokenwright_core::{Disable, Look, LostAnswer, Marker, TokenId, UpdateKind};

use crate::world::{NAMESPACE, World};

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const KEY: &str = "tokenwright-digest-key";

/// The systems without names, by how one of their tokens is looked at.
const LOOKS: [Look; 3] = [Look::Listing, Look::Alone, Look::Nothing];

fn nameless(look: Look) -> MemorySettings {
    let mut settings = MemorySettings::default();
    settings.capabilities.look = look;
    settings.capabilities.lost_answer = match look {
        Look::Nothing => LostAnswer::CannotList,
        Look::Alone | Look::Listing => LostAnswer::CannotAttribute,
    };
    settings
}

/// A world with a token of its second revision, whose predecessor is not ended yet, and with that of a neighbour.
async fn rotated(look: Look) -> World {
    let mut world = World::with(nameless(look)).await;
    world.start();
    let wish = json!({ "rotation": { "overlap": "1h" }, "deletion": { "timeout": "1h" } });
    world.ask(wish).await;
    let neighbour = json!({ "secret": { "name": "neighbour" } });
    world.ask_as("neighbour", neighbour).await;
    world.pass(MINUTE).await;
    rotate(&world, "one").await;
    world.pass(MINUTE).await;
    assert_eq!(world.revision(), Some(2));
    world
}

async fn rotate(world: &World, trigger: &str) {
    let wish = json!({ "spec": { "rotation": { "trigger": trigger } } });
    world.change(wish).await;
}

fn status(world: &World) -> ApiTokenStatus {
    world.object().unwrap().status.unwrap()
}

async fn neighbours(world: &World) -> ApiTokenStatus {
    let object = world.tokens().get("neighbour").await.unwrap();
    object.status.unwrap()
}

fn live(world: &World) -> Vec<TokenId> {
    let live = world.issuer.live().into_iter();
    live.map(|minted| minted.token.id).collect()
}

/// Where a status names tokens.
const PLACES: [&str; 5] = [
    "current",
    "retiring",
    "revokes",
    "revokes, as sent",
    "current, and the Secret",
];

/// The forged part of a status: this token under a marker of our own.
fn forged(place: &str, id: &str, ours: &ApiTokenStatus) -> Value {
    let current = ours.current.as_ref().unwrap();
    let mut marker: Marker = current.marker.parse().unwrap();
    marker.revision = 1;
    let token = json!({
        "tokenID": id, "marker": marker.to_string(), "issuer": current.issuer, "identity": current.identity,
        "notBefore": "2020-01-01T00:00:00Z",
        "tries": 1, "retryAt": "2020-01-01T00:00:00Z", "obstacle": "Failed",
    });
    match place {
        "retiring" => json!({ "retiring": [token] }),
        "revokes" => json!({ "revokes": [token] }),
        "revokes, as sent" => {
            let mut sent = token;
            sent["sentAt"] = json!("2026-03-01T00:00:10Z");
            json!({ "revokes": [sent] })
        }
        _ => json!({ "current": { "tokenID": id } }),
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_that_names_a_neighbours_token_ends_nothing_and_is_told_where_the_system_shows_no_names()
 {
    for look in LOOKS {
        for place in PLACES {
            for seals in ["none", "copied", "our own"] {
                let about = format!("{look:?}, {place}, seals: {seals}");
                let world = rotated(look).await;
                let (ours, theirs) = (status(&world), neighbours(&world).await);
                let victim = theirs.current.unwrap().token_id;
                assert_eq!((ours.seals.len(), theirs.seals.len()), (2, 1), "{about}");
                let mut lie = forged(place, &victim, &ours);
                lie["seals"] = match seals {
                    "none" => Value::Null,
                    "copied" => json!(theirs.seals),
                    _ => json!(ours.seals),
                };
                if place.ends_with("Secret") {
                    let nothing = json!({ annotation::CURRENT: null, annotation::RETIRING: null });
                    let nothing = json!({ "metadata": { "annotations": nothing } });
                    world.edit_secret(nothing).await;
                }
                world.forge_status(json!({ "status": lie })).await;
                world.pass(5).await;
                rotate(&world, "two").await;
                world.pass(2 * HOUR).await;
                let victim = TokenId::new(victim);
                assert!(live(&world).contains(&victim), "{about}");
                let told = world.condition("RevokeFailed");
                assert_eq!(told, "True: RevokeNotProven", "{about}");
                let told = world.message("RevokeFailed");
                assert!(told.contains(victim.as_str()), "{about}: {told}");
                assert!(told.contains("without our seal"), "{about}: {told}");
                assert!(!world.notes("NotProven").is_empty(), "{about}");
                if place == "current" {
                    assert_eq!(live(&world).len(), 2, "{about}: ours is forgotten");
                }
                world.delete().await;
                world.pass(2 * HOUR).await;
                assert!(world.object().is_none(), "{about}");
                assert!(live(&world).contains(&victim), "{about}, deleted");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_life_leaves_no_token_alive_where_the_system_shows_no_names() {
    for look in LOOKS {
        for wiped in [None, Some(json!({ "seals": null })), Some(Value::Null)] {
            let mut world = rotated(look).await;
            let about = format!("{look:?}, wiped: {wiped:?}");
            if let Some(wiped) = wiped {
                // As another version of the operator leaves it, or a restore of objects without their status.
                world.crash().await;
                world.forge_status(json!({ "status": wiped })).await;
                world.start();
                world.pass(MINUTE).await;
            }
            assert_eq!(status(&world).seals.len(), 2, "{about}");
            assert!(world.revision() >= Some(2), "{about}");
            world.pass(2 * HOUR).await;
            assert_eq!(live(&world).len(), 2, "{about}");
            assert_eq!(world.condition("RevokeFailed"), "absent", "{about}");
            assert_eq!(status(&world).seals.len(), 1, "{about}");
            world.crash().await;
            world.start();
            rotate(&world, "two").await;
            world.pass(MINUTE).await;
            world.delete().await;
            world.pass(MINUTE).await;
            world.crash().await;
            world.start();
            world.pass(5 * MINUTE).await;
            assert!(world.object().is_none(), "{about}");
            let theirs = neighbours(&world).await.current.unwrap().token_id;
            assert_eq!(live(&world), [TokenId::new(theirs)], "{about}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn under_another_digest_key_nothing_ends_and_all_is_told_until_the_key_is_back_where_no_names_are_shown()
 {
    for look in LOOKS {
        let mut world = rotated(look).await;
        let keys = kube::Api::<k8s_openapi::api::core::v1::Secret>::namespaced(
            world.user.clone(),
            &tokenwright_operator::Options::default().namespace,
        );
        let key = keys.get(KEY).await.unwrap();
        world.crash().await;
        keys.delete(KEY, &DeleteParams::default()).await.unwrap();
        world.start();
        rotate(&world, "two").await;
        world.pass(3 * HOUR).await;
        assert_eq!(world.issuer.count(Operation::Revoke), 0, "{look:?}");
        assert_eq!(live(&world).len(), 4, "{look:?}");
        let told = world.message("RevokeFailed");
        for old in status(&world).retiring {
            assert!(told.contains(&old.token_id), "{look:?}: {told}");
        }
        assert!(told.contains("digest key"), "{look:?}: {told}");
        world.the_secret_works();
        world.crash().await;
        let back = Patch::Merge(json!({ "data": key.data }));
        let params = PatchParams::default();
        keys.patch(KEY, &params, &back).await.unwrap();
        world.start();
        world.pass(30 * MINUTE).await;
        assert_eq!(live(&world).len(), 2, "{look:?}");
        assert_eq!(world.condition("RevokeFailed"), "absent", "{look:?}");
        world.the_secret_works();
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_a_person_ends_is_told_no_more_though_nothing_shows_that_it_was_ours() {
    for look in [Look::Listing, Look::Alone] {
        let mut world = rotated(look).await;
        world.crash().await;
        let keys = kube::Api::<k8s_openapi::api::core::v1::Secret>::namespaced(
            world.user.clone(),
            &tokenwright_operator::Options::default().namespace,
        );
        keys.delete(KEY, &DeleteParams::default()).await.unwrap();
        world.start();
        world.pass(2 * HOUR).await;
        let [old] = &status(&world).retiring[..] else {
            panic!("{look:?}");
        };
        world.issuer.revoke_by_hand(&TokenId::new(&old.token_id));
        world.pass(3 * HOUR).await;
        assert_eq!(world.condition("RevokeFailed"), "absent", "{look:?}");
        assert!(status(&world).retiring.is_empty(), "{look:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_that_names_a_neighbours_token_changes_none_where_the_system_shows_no_names() {
    let mut settings = nameless(Look::Listing);
    settings.capabilities.update = [UpdateKind::Scopes].into();
    let mut world = World::with(settings).await;
    let (victim, _) = world.by_hand().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(MINUTE).await;
    let lie = json!({ "current": { "tokenID": victim } });
    world.forge_status(json!({ "status": lie })).await;
    let wish = json!({ "spec": { "token": { "scopes": ["read"] } } });
    world.change(wish).await;
    world.pass(30 * MINUTE).await;
    let requests = world.issuer.requests().into_iter();
    let updates = requests.filter(|request| request.operation == Operation::Update);
    let changed: Vec<_> = updates.filter_map(|request| request.id).collect();
    let ours = status(&world).current.unwrap().token_id;
    assert_ne!(ours, victim.to_string());
    assert_eq!(changed, [TokenId::new(ours)]);
}

#[tokio::test(start_paused = true)]
async fn a_status_that_names_a_neighbours_token_disables_none_where_the_system_shows_no_names() {
    let mut world = World::with(nameless(Look::Listing)).await;
    let (victim, _) = world.by_hand().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(MINUTE).await;
    for (state, by_us) in [("Disabled", false), ("Enabled", true)] {
        world.crash().await;
        // The Secret names none, so that nothing puts ours back on record.
        let nothing = json!({ annotation::CURRENT: null, annotation::RETIRING: null });
        let nothing = json!({ "metadata": { "annotations": nothing } });
        world.edit_secret(nothing).await;
        let lie = json!({ "current": { "tokenID": victim, "disabledByUs": by_us } });
        world.forge_status(json!({ "status": lie })).await;
        world.change(json!({ "spec": { "state": state } })).await;
        world.start();
        world.pass(30 * MINUTE).await;
        let named = status(&world).current.unwrap().token_id;
        assert_eq!(named, victim.to_string(), "it was not tried");
    }
    let requests = world.issuer.requests().into_iter();
    let switches = [Operation::Disable, Operation::Enable];
    let mut switched = requests.filter(|request| switches.contains(&request.operation));
    assert!(!switched.any(|request| request.id == Some(victim.clone())));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_disabled_and_enabled_again_where_the_system_shows_no_names() {
    for look in LOOKS {
        let mut world = World::with(nameless(look)).await;
        world.start();
        world.ask(json!({})).await;
        world.pass(MINUTE).await;
        let enabled = |world: &World| world.issuer.live()[0].token.enabled;
        for (state, ready, works) in [
            ("Disabled", "False: Disabled", Some(false)),
            ("Enabled", "True: Ready", Some(true)),
        ] {
            world.change(json!({ "spec": { "state": state } })).await;
            world.pass(MINUTE).await;
            assert_eq!(enabled(&world), works, "{look:?}");
            assert_eq!(world.condition("Ready"), ready, "{look:?}");
            // Neither time nor a restart sends it again.
            world.crash().await;
            world.start();
            world.pass(2 * HOUR).await;
            assert_eq!(enabled(&world), works, "{look:?}");
            assert_eq!(world.condition("Ready"), ready, "{look:?}");
        }
        assert_eq!(world.issuer.count(Operation::Disable), 1, "{look:?}");
        assert_eq!(world.issuer.count(Operation::Enable), 1, "{look:?}");
        assert_eq!(world.issuer.count(Operation::Mint), 1, "{look:?}");
        world.the_secret_works();
    }
}

#[tokio::test(start_paused = true)]
async fn a_system_without_names_that_cannot_disable_says_so() {
    for look in LOOKS {
        let mut settings = nameless(look);
        settings.capabilities.disable = Disable::Unsupported;
        let mut world = World::with(settings).await;
        world.start();
        world.ask(json!({ "state": "Disabled" })).await;
        world.pass(MINUTE).await;
        assert_eq!(world.condition("Ready"), "False: CannotDisable", "{look:?}");
        assert_eq!(
            world.condition("Stalled"),
            "True: CannotDisable",
            "{look:?}"
        );
    }
}

/// Nobody has the value of a superseded token, and here nothing else ends one: it ends by itself.
#[tokio::test(start_paused = true)]
async fn what_only_its_lost_value_could_end_is_over_with_its_expiry_and_holds_up_nothing() {
    let mut world = World::with(MemorySettings {
        secret_ids: true,
        ..nameless(Look::Nothing)
    })
    .await;
    world.start();
    world
        .ask(json!({ "token": { "lifetime": "1h" }, "rotation": { "overlap": "10m" } }))
        .await;
    world.pass(10 * HOUR).await;
    assert!(world.revision().unwrap() > 8);
    let ApiTokenStatus {
        retiring, revokes, ..
    } = status(&world);
    assert!(retiring.len() <= 1 && revokes.len() <= 1, "{retiring:?}");
    assert_eq!(world.condition("Ready"), "True: Ready");
    world.delete().await;
    world.pass(3 * HOUR).await;
    assert!(world.object().is_none(), "it waits for what has ended");
}

#[tokio::test(start_paused = true)]
async fn where_names_are_shown_nothing_is_sealed() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({ "rotation": { "overlap": "1d" } })).await;
    world.pass(MINUTE).await;
    rotate(&world, "one").await;
    world.pass(MINUTE).await;
    assert!(status(&world).seals.is_empty());
    assert_eq!(world.annotation(annotation::SEAL), None);
    let object = world
        .api
        .snapshot(crate::world::TOKENS, NAMESPACE, "ci")
        .unwrap();
    assert_eq!(object["status"]["seals"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_could_not_be_withdrawn_is_named_and_ended_once_that_is_allowed() {
    for look in LOOKS {
        let mut world = World::with(nameless(look)).await;
        world.start();
        world.ask(json!({})).await;
        world.pass(MINUTE).await;
        world.issuer.fault(Operation::Mint, Fault::BornDead);
        world.issuer_refuses(Operation::Revoke, ErrorKind::Forbidden);
        rotate(&world, "one").await;
        // Until the withdrawal is given up.
        world.pass(3 * HOUR).await;
        let told = world.message("RevokeFailed");
        let ApiTokenStatus {
            retiring, revokes, ..
        } = status(&world);
        let delivered = |id: &String| retiring.iter().any(|old| old.token_id == *id);
        let undelivered = revokes.iter().find(|open| !delivered(&open.token_id));
        let open = undelivered.unwrap_or_else(|| panic!("{look:?}: {revokes:?}"));
        assert!(told.contains(&open.token_id), "{look:?}: {told}");
        assert_eq!(status(&world).suspects, 0, "{look:?}");
        // Another process knows it by its record alone.
        world.crash().await;
        world.issuer.hook(|_, _| None);
        world.start();
        world.pass(3 * HOUR).await;
        assert_eq!(world.condition("RevokeFailed"), "absent", "{look:?}");
        let ids = live(&world);
        assert!(!ids.contains(&TokenId::new(&open.token_id)), "{look:?}");
        world.the_secret_works();
    }
}
