//! How what an issuer takes is divided where more is wanted: how fast a first roll-out is, and what is left beside
//! it for the ends of tokens and for listings.

use kube::api::DeleteParams;
use serde_json::json;
use tokenwright_client::{Operation, Rate};
use tokenwright_operator::{IssuerFactory as _, Profiles, System};

use crate::world::World;

/// How many of so many first tokens there are after so many seconds, at a vendor that documents this rate.
async fn rolled_out(documented: Option<Rate>, (wanted, seconds): (usize, u64)) -> usize {
    let mut world = World::new().await;
    world.documented = documented;
    world.start();
    for number in 0..wanted {
        let name = format!("ci-{number}");
        world
            .ask_as(&name, json!({ "secret": { "name": name } }))
            .await;
    }
    world.pass(seconds).await;
    world.issuer.minted().len()
}

#[tokio::test(start_paused = true)]
async fn a_first_roll_out_is_as_fast_as_the_vendor_documents() {
    let documented = Rate {
        per_minute: 1200,
        concurrency: 8,
    };
    assert_eq!(rolled_out(Some(documented), (100, 30)).await, 100);
    // A mint and a check are two requests, of which one is sent each second.
    let unknown = rolled_out(None, (100, 30)).await;
    assert!((10..=25).contains(&unknown), "{unknown}");
}

#[tokio::test(start_paused = true)]
async fn a_first_roll_out_of_a_thousand_takes_eight_minutes_where_the_vendor_documents_300_requests()
 {
    let system = System::BuiltIn("google-service-account".to_owned());
    let documented = Profiles.rate(&system);
    assert_eq!(documented.map(|rate| rate.per_minute), Some(300));
    // Two thousand requests, and a listing now and then.
    assert_eq!(rolled_out(documented, (1_000, 8 * 60)).await, 1_000);
}

const FAST: Rate = Rate {
    per_minute: 6_000,
    concurrency: 8,
};

#[tokio::test(start_paused = true)]
async fn the_ends_of_tokens_and_listings_get_a_tenth_each_beside_new_tokens_that_need_all() {
    let mut world = World::new().await;
    world.documented = Some(FAST);
    let ends = json!({ "rotation": { "overlap": "10m" } });
    for n in 0..120 {
        let mut wish = ends.clone();
        wish["secret"] = json!({ "name": format!("ends-{n}") });
        world.ask_as(&format!("ends-{n}"), wish).await;
        // Each of these is listed by itself.
        let name = format!("listed-{n}");
        let token = json!({ "parameters": { "team": name } });
        let wish = json!({ "token": token, "secret": { "name": name } });
        world.ask_as(&name, wish).await;
    }
    world.start();
    world.pass(120).await;
    for n in 0..120 {
        let wish = json!({ "spec": { "rotation": { "trigger": "now" } } });
        world.change_as(&format!("ends-{n}"), wish).await;
    }
    world.pass(120).await;
    assert_eq!(world.issuer.live().len(), 360);
    // While nobody works all overlaps end, and all listings get old. One request is sent each second then.
    world.crash().await;
    world.pass(900).await;
    world.documented = None;
    for n in 0..500 {
        let name = format!("new-{n}");
        world
            .ask_as(&name, json!({ "secret": { "name": name } }))
            .await;
    }
    world.start();
    world.pass(60).await;
    let count = |operation| f64::from(world.issuer.count(operation));
    let all = [Operation::Mint, Operation::Revoke, Operation::List];
    let before = all.map(count);
    let requests = world.issuer.requests().len();
    world.pass(600).await;
    let asked = world.issuer.requests().len() - requests;
    assert!((590..=610).contains(&asked), "{asked}");
    let [mints, revokes, lists] = [0, 1, 2].map(|one| count(all[one]) - before[one]);
    let told = format!("{mints} mints, {revokes} revokes, {lists} lists");
    // One turn in ten is the end of a token, and one request in ten a listing.
    let share = revokes / (revokes + mints);
    assert!((0.09..=0.12).contains(&share), "{told}");
    assert!((57.0..=75.0).contains(&lists), "{told}");
}

/// Hundreds are due in a few days, since nobody worked for weeks, and the Secret of one that is good for months goes.
#[tokio::test(start_paused = true)]
async fn a_secret_that_is_lost_waits_for_no_crowd_of_rotations_that_are_due_in_days() {
    const DUE: usize = 200;
    let mut world = World::new().await;
    world.documented = Some(FAST);
    for n in 0..DUE {
        let name = format!("due-{n}");
        world
            .ask_as(&name, json!({ "secret": { "name": name } }))
            .await;
    }
    world.ask(json!({ "token": { "lifetime": "80d" } })).await;
    world.start();
    world.pass(120).await;
    assert_eq!(world.issuer.live().len(), DUE + 1);
    world.crash().await;
    world.pass(25 * 24 * 3_600).await;
    // A mint and a check are two requests, of which one is sent each second.
    world.documented = None;
    world.start();
    world.pass(60).await;
    let once = DeleteParams::default();
    world.secrets().delete("ci-token", &once).await.unwrap();
    world.pass(30).await;
    assert!(world.data("token").is_some(), "it is down");
    let rotated = world.issuer.minted().len() - (DUE + 1);
    assert!(rotated < DUE / 2, "{rotated} rotated");
}
