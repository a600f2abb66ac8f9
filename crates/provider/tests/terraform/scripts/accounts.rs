//! Listings and credentials that tell less than the truth: nothing is concluded from them.

use serde_json::json;
use tokenwright_sandbox::SystemName;
use tokenwright_sandbox::ledger::What;

use super::{Script, apply, consumed, held, rests, trigger};
use crate::support::{CI, client, reached, seconds};

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_listing_and_one_that_misses_a_page_mint_nothing() {
    let world = Script::new(86_400.0, &consumed(CI)).await;
    // Another token is on the page that is shown.
    let person = world.made_by_api().await;
    apply(&world).await;
    let before = world.state().await;
    reached(&before["created_at"]).await;
    seconds(10.2).await;
    for keep in [0, 1] {
        let cut = json!({ "cut_listing": { "keep": keep } });
        world.fault(json!({ "operation": "list" }), cut);
        world.plans_nothing().await;
        apply(&world).await;
        world.sandbox.faults().clear();
        assert_eq!(world.count(What::Mint), 2, "{keep}");
        assert_eq!(rests(&world).await["value"], before["value"]);
    }
    world.ends_beside(&[person]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_tells_of_more_than_it_shows_is_an_error() {
    let world = Script::of(SystemName::Scaleway, 86_400.0, "").await;
    let application = world.played.parameter("application_id").unwrap();
    world.configure(&consumed(&format!(
        "  name = \"ci\"\n  lifetime = \"30d\"\n  parameters = {{ application_id = {application:?} }}"
    )));
    apply(&world).await;
    let before = world.state().await;
    let cut = json!({ "cut_listing": { "keep": 0 } });
    world.fault(json!({ "operation": "list" }), cut);
    let ran = world.run(&["plan", "-json"]).await.failed();
    ran.says(&["did not answer", "stays in the state"]);
    world.try_apply().await.failed();
    world.sandbox.faults().clear();
    world.plans_nothing().await;
    assert!(world.works(&before["value"]).await);
    assert_eq!(world.count(What::Mint), 1);
    world.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_another_persons_credential_nothing_is_concluded_and_nothing_is_minted() {
    let mut world = Script::new(86_400.0, &consumed(CI)).await;
    apply(&world).await;
    let before = world.state().await;
    reached(&before["created_at"]).await;
    seconds(10.2).await;
    // Theirs works, and shows none of ours.
    let sent = client()
        .post(format!("{}/me/apikeys", world.played.endpoint))
        .bearer_auth(&world.played.credential)
        .json(&json!({ "name": "theirs", "scopes": ["models:read"] }));
    let answer = sent.send().await.unwrap().text().await.unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let theirs = answer["key"].as_str().unwrap().to_owned();
    let ours = world.credential.replace(theirs);
    let empty = json!({ "cut_listing": { "keep": 0 } });
    world.fault(json!({ "operation": "list" }), empty);
    let their_id = world.lives().last().unwrap().id.clone();
    let minted = world.count(What::Mint);
    let ran = world.run(&["plan", "-json"]).await.failed();
    ran.says(&["another account", "Nothing was concluded"]);
    world.try_apply().await.failed();
    assert_eq!(world.count(What::Mint), minted);
    assert_eq!(world.state().await["value"], before["value"]);
    world.sandbox.faults().clear();
    world.credential = ours;
    rests(&world).await;
    world.ends_beside(&[their_id]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_its_own_issuers_credential_rotates_and_the_run_never_ends_it() {
    let mut world = Script::new(86_400.0, &consumed(&trigger(1, "overlap = \"1s\""))).await;
    apply(&world).await;
    let first = world.state().await["value"].clone();
    let persons = world.credential.replace(first.as_str().unwrap().to_owned());
    rests(&world).await;
    for n in [2, 3] {
        world.configure(&consumed(&trigger(n, "overlap = \"1s\"")));
        let ran = apply(&world).await;
        assert!(world.works(&first).await, "it made this request");
        assert!(world.works(&held(&world)).await);
        seconds(1.2).await;
        if n == 3 {
            ran.warns(&["this run's own credential", "another credential"]);
        }
    }
    // The next run has the newest, and ends all before it.
    world.credential = held(&world).as_str().map(str::to_owned);
    apply(&world).await;
    apply(&world).await;
    assert!(!world.works(&first).await);
    assert_eq!(world.summary().live, 1, "{:#?}", world.lives());
    rests(&world).await;
    world.credential = persons;
    world.ends().await;
}
