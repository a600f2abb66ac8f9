//! Kills where several tokens end, where a retirement ends one, and where a living one is changed.

use tokenwright_sandbox::SystemName::{Scaleway, Seeme};

use super::super::{APPLY, apply, consumed, has_all, held, living, trigger};
use super::{Point, Victim, dies, patient, token};
use crate::support::{reached, seconds};

/// A destroy of the current token and the former one, of which so many have ended when it dies.
async fn destroy_of_two(at: Point, ended: usize, victim: Victim) {
    let world = patient(Seeme).await;
    for n in [1, 2] {
        world.configure(&token(&world, n));
        apply(&world).await;
    }
    // An absence is believed once a listing must show the token: ten seconds after its mint.
    reached(&world.state().await["created_at"]).await;
    seconds(10.2).await;
    let args = ["destroy", "-refresh=false", "-auto-approve", "-no-color"];
    dies(&world, &args, at, victim).await;
    // A provider that lives on ends the rest.
    let left = living(&world).len();
    assert!(left == 2 - ended || victim == Victim::Core, "{at:?} {left}");
    apply(&world).await;
    has_all(&world).await;
    world.ends().await;
}

/// A rotation whose former token is ended in the same apply, after its consumers.
async fn retirement(at: Point, victim: Victim) {
    let world = patient(Seeme).await;
    let configure = |n: u32| {
        world.configure(&format!(
            "{}\n}}\nresource \"tokenwright_retirement\" \"ci\" {{\n  token_id = tokenwright_api_token.ci.token_id\n  depends_on = [terraform_data.consumer]\n",
            consumed(&trigger(n, ""))
        ));
    };
    configure(1);
    apply(&world).await;
    let first = held(&world);
    configure(2);
    dies(&world, &APPLY, at, victim).await;
    assert_ne!(held(&world), first, "its consumer was before it");
    assert_eq!(world.works(&first).await, !at.took_effect, "{at:?}");
    apply(&world).await;
    has_all(&world).await;
    assert!(!world.works(&first).await, "{at:?} {victim:?}");
    world.ends().await;
}

/// A new name of the living token.
async fn rename(at: Point, victim: Victim) {
    let world = patient(Scaleway).await;
    apply(&world).await;
    let before = has_all(&world).await;
    let renamed = token(&world, 1).replacen("name = \"ci\"", "name = \"renamed\"", 1);
    world.configure(&renamed);
    dies(&world, &APPLY, at, victim).await;
    let named = |world: &super::Script| world.lives()[0].name.starts_with("renamed ");
    assert_eq!(named(&world), at.took_effect, "{at:?} {victim:?}");
    assert!(world.works(&before["value"]).await);
    apply(&world).await;
    let after = has_all(&world).await;
    assert!(named(&world), "{at:?} {victim:?}");
    assert_eq!(
        world.lives()[0].name,
        after["remote_name"].as_str().unwrap()
    );
    assert_eq!(after["value"], before["value"]);
    assert_eq!(world.summary().minted, 1);
    world.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_of_two_tokens_killed_between_its_revokes_or_before_them_is_healed_by_a_plain_apply()
 {
    let between = Point::listing_after("revoke");
    tokio::join!(
        destroy_of_two(between, 1, Victim::Both),
        destroy_of_two(between, 1, Victim::Core),
        destroy_of_two(Point::before("list"), 0, Victim::Provider),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retirement_or_a_rename_killed_before_or_after_its_request_is_healed_by_a_plain_apply() {
    tokio::join!(
        retirement(Point::before("revoke"), Victim::Both),
        retirement(Point::after("revoke"), Victim::Provider),
        rename(Point::before("update"), Victim::Provider),
        rename(Point::after("update"), Victim::Both),
        rename(Point::after("update"), Victim::Core),
    );
}
