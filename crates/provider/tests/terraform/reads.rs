//! What a refresh concludes, and what it must not.

use reqwest::Method;
use serde_json::json;

use crate::support::{CI, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_revoked_outside_is_missing_and_minted_anew_in_place() {
    let world = World::new(86_400.0, CI).await;
    world.apply().await;
    let first = world.state().await;
    world.by_hand(Method::DELETE, &first["token_id"]).await;
    // A listing is believed once it must show the token: ten seconds after its mint.
    crate::support::seconds(10.2).await;
    let (actions, _) = world.plan().await;
    assert_eq!(actions, "update");
    assert_eq!(world.planned().await["before"]["status"], "missing");
    world.apply().await;
    let second = world.state().await;
    assert_eq!(second["status"], "active");
    assert_eq!(second["revision"], 2);
    assert!(world.works(&second["value"]).await);
    world.destroy().await;
    world.nothing_lives();
}

/// The state as Terraform keeps it, serial and all.
fn kept(world: &World) -> String {
    std::fs::read_to_string(world.path("terraform.tfstate")).unwrap()
}

/// Terraform before 1.12 takes another order of several sensitive attributes for a change, and draws the
/// order anew at each refresh; so the resource has one.
#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_saw_nothing_new_changes_nothing_and_says_so() {
    let world = World::new(86_400.0, CI).await;
    world.apply().await;
    let before = kept(&world);
    let refresh = ["plan", "-refresh-only", "-detailed-exitcode"];
    for _ in 0..8 {
        let ran = world.run(&refresh).await;
        assert_eq!(ran.code, 0, "{}", ran.text);
    }
    // A second between them would show in whatever is written down at each.
    for args in [
        ["apply", "-refresh-only", "-auto-approve", "-json"],
        ["apply", "-refresh=true", "-auto-approve", "-json"],
    ] {
        crate::support::seconds(1.1).await;
        world.run(&args).await.succeeded();
        assert_eq!(kept(&world), before, "{args:?}");
    }
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_of_an_adopted_token_says_that_there_is_nothing_to_change() {
    let world = World::new(86_400.0, CI).await;
    world.apply().await;
    let value = world.state().await["value"].as_str().unwrap().to_owned();
    world
        .run(&["state", "rm", "tokenwright_api_token.ci"])
        .await
        .succeeded();
    let adopted =
        "name = \"deploy\"\n expires_at = \"2099-01-01T00:00:00Z\"\n value_wo_version = 1";
    world.write(&format!(
        "provider \"tokenwright\" {{\n issuers = {{ vendor = {{ profile = \"seeme\", endpoint = {:?} }} }}\n}}\n\
         resource \"tokenwright_adopted_token\" \"deploy\" {{\n {adopted}\n value_wo = {value:?}\n}}\n",
        world.played.endpoint
    ));
    world.apply().await;
    let text = || std::fs::read_to_string(world.path("terraform.tfstate")).unwrap();
    let before = text();
    world
        .run(&["plan", "-json", "-out=saved"])
        .await
        .succeeded();
    for _ in 0..2 {
        crate::support::seconds(1.1).await;
        let quiet = ["plan", "-refresh-only", "-detailed-exitcode", "-json"];
        let ran = world.run(&quiet).await;
        assert_eq!(ran.code, 0, "{}", ran.text);
    }
    // An apply without changes leaves the file as it is, and a plan that was saved before it valid.
    world.apply().await;
    assert_eq!(text(), before);
    world.run(&["apply", "-json", "saved"]).await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_token_is_only_reported_where_that_is_wished() {
    let world = World::new(86_400.0, &format!("{CI}\n  on_loss = \"report\"")).await;
    world.apply().await;
    let first = world.state().await;
    world.by_hand(Method::DELETE, &first["token_id"]).await;
    crate::support::seconds(10.2).await;
    let ran = world.plans_nothing().await;
    ran.warns(&["does not work any more", "report"]);

    // A person who changes what is asked for asks for a token.
    world.configure(&format!(
        "{}\n  on_loss = \"report\"",
        CI.replace("models:read", "datasets:read")
    ));
    world.apply().await;
    let second = world.state().await;
    assert!(world.works(&second["value"]).await);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_does_not_answer_empties_no_state() {
    let world = World::new(86_400.0, CI).await;
    world.apply().await;
    let before = world.state().await;
    for (effect, words) in [
        (json!({ "status": 401 }), "does not accept the credential"),
        (json!({ "status": 403 }), "does not allow it"),
        (json!({ "status": 503 }), "cannot be reached"),
        (json!({ "five_xx": 502 }), "issuer"),
        (json!({ "lost_reply": true }), "issuer"),
        (
            json!({ "cut_listing": { "keep": 1, "mid_body": true } }),
            "the answer was cut short",
        ),
    ] {
        let fault = world.fault(json!({ "operation": "list" }), effect.clone());
        let ran = world.run(&["plan", "-json"]).await.failed();
        ran.says(&["\"vendor\" did not answer", words, "stays in the state"]);
        world.try_apply().await.failed();
        world.sandbox.faults().remove(fault);
        assert_eq!(world.state().await, before, "{effect}");
    }
    world.plans_nothing().await;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_concludes_nothing() {
    let mut world = World::new(86_400.0, CI).await;
    world.apply().await;
    let before = world.state().await;
    // Another server at the same address would show another account's tokens; so does another endpoint.
    let other = World::new(86_400.0, CI).await;
    world.issuer = format!("endpoint = {:?}", other.played.endpoint);
    let credential = world.credential.replace(other.played.credential.clone());
    world.configure(CI);
    world
        .run(&["plan", "-json"])
        .await
        .failed()
        .says(&["another endpoint", "Set the endpoint back"]);
    assert_eq!(world.state().await, before);
    assert_eq!(other.count(tokenwright_sandbox::ledger::What::Mint), 0);
    world.credential = credential;
    world.issuer = format!("endpoint = {:?}", world.played.endpoint);
    world.configure(CI);
    world.plans_nothing().await;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_credential_may_change_while_the_account_stays() {
    let mut world = World::new(86_400.0, CI).await;
    world.apply().await;
    let before = world.state().await;
    let minted = crate::support::client()
        .post(format!("{}/me/apikeys", world.played.endpoint))
        .bearer_auth(&world.played.credential)
        .json(&json!({ "name": "second", "scopes": ["models:read"] }))
        .send()
        .await
        .unwrap();
    let minted: serde_json::Value = serde_json::from_str(&minted.text().await.unwrap()).unwrap();
    // From a variable of the environment, as a file gave it, with a line end.
    world.credential = Some(format!("{}\n", minted["key"].as_str().unwrap()));
    world.plans_nothing().await;
    world.apply().await;
    assert_ne!(world.state().await["identity"], before["identity"]);
    world.destroy().await;
    assert_eq!(world.summary().live, 1, "only the credential of the test");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_tokens_wait_as_their_issuer_asks_and_a_longer_wait_is_told_once() {
    let twenty = CI.replace("\"ci\"", "\"ci-${count.index}\"");
    let timeouts = "timeouts = { read = \"20s\" }";
    let world = World::new(86_400.0, &format!("  count = 20\n{twenty}  {timeouts}")).await;
    world.apply().await;
    let list = json!({ "operation": "list", "count": 1 });
    let busy = |seconds: u32| json!({ "status": 429, "retry_after": seconds });
    let fault = world.fault(list, busy(2));
    world.plans_nothing().await;
    assert_eq!(world.hits(fault), 1);

    let before = world.tokens();
    let fault = world.fault(json!({ "operation": "list" }), busy(300));
    let ran = world.run(&["plan", "-json"]).await.failed();
    let errors = ran.said("error");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    ran.says(&["did not answer", "stays in the state as it is"]);
    assert!(world.hits(fault) <= 2);
    assert_eq!(world.tokens(), before);
    world.sandbox.faults().clear();
    world.destroy().await;
    world.nothing_lives();
}
