//! Whoever may have nothing new, or asks for what cannot be, cuts off what there is all the same.

use serde_json::{Value, json};
use tokenwright_client::Operation;

use crate::revokes::live;
use crate::shared_issuers::{allow, also, shared, team_a};
use crate::world::World;

/// What a specification without a fault becomes one that cannot be carried out by.
fn windows_on_mars() -> Value {
    let window = json!({ "from": "22:00", "to": "04:00", "timeZone": "Mars/Olympus" });
    json!({ "spec": { "rotation": { "windows": [window] } } })
}

/// A token, and its predecessor whose overlap runs; then the grant is withdrawn, or the specification has a fault.
async fn ungranted(withdrawn: bool) -> World {
    let world = shared(team_a()).await;
    world.ask(also(json!({}))).await;
    world.pass(5).await;
    let wish = json!({ "spec": { "rotation": { "trigger": "now" } } });
    world.change(wish).await;
    world.pass(30).await;
    assert_eq!(live(&world).len(), 2);
    match withdrawn {
        true => allow(&world, json!([])).await,
        false => world.change(windows_on_mars()).await,
    }
    world.pass(30).await;
    assert_eq!(world.condition("Stalled"), stalled(withdrawn));
    world
}

fn stalled(withdrawn: bool) -> &'static str {
    match withdrawn {
        true => "True: NotAllowed",
        false => "True: InvalidSpec",
    }
}

async fn wants(world: &World, state: &str) {
    let wanted = json!({ "spec": { "state": state } });
    world.change(wanted).await;
    world.pass(700).await;
}

/// Whether the token that the Secret holds is enabled.
fn enabled(world: &World) -> Option<bool> {
    let all = world.issuer.live().into_iter();
    all.max_by_key(|minted| minted.minted_at)?.token.enabled
}

#[tokio::test(start_paused = true)]
async fn a_leaked_token_is_disabled_without_a_grant_and_enabled_again_only_with_one() {
    for withdrawn in [true, false] {
        let world = ungranted(withdrawn).await;
        assert_eq!(enabled(&world), Some(true));
        wants(&world, "Disabled").await;
        assert_eq!(enabled(&world), Some(false));
        assert_eq!(world.condition("Ready"), "False: Disabled");
        assert_eq!(world.condition("Stalled"), stalled(withdrawn));
        wants(&world, "Enabled").await;
        assert_eq!(enabled(&world), Some(false));
        assert_eq!(world.issuer.count(Operation::Enable), 0);
        let ready = world.condition("Ready");
        assert_eq!(ready.replace("False", "True"), stalled(withdrawn));
        match withdrawn {
            true => allow(&world, team_a()).await,
            false => {
                let none = json!({ "spec": { "rotation": { "windows": null } } });
                world.change(none).await;
            }
        }
        world.pass(700).await;
        assert_eq!(enabled(&world), Some(true));
        assert_eq!(world.condition("Ready"), "True: Ready");
        assert_eq!(world.issuer.count(Operation::Mint), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn an_overlap_that_is_lowered_without_a_grant_ends_the_former_token() {
    for withdrawn in [true, false] {
        let world = ungranted(withdrawn).await;
        let lowered = json!({ "spec": { "rotation": { "overlap": "0s" } } });
        world.change(lowered).await;
        world.pass(60).await;
        world.the_only_token();
        assert_eq!(world.condition("Stalled"), stalled(withdrawn));
    }
}
