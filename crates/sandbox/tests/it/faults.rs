//! Each fault: what the client sees, and what really happened.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tokenwright_sandbox::SystemName::{Scaleway, Seeme};
use tokenwright_sandbox::faults::Fault;
use tokenwright_sandbox::ledger::What;

use crate::support::{Vendor, start, until};

async fn seeme() -> Vendor {
    start(Seeme, json!({})).await
}

async fn mint_blindly(vendor: &Vendor, name: &str) -> reqwest::Result<(u16, String)> {
    let body = json!({ "name": name, "scopes": ["models:read"] });
    let response = vendor
        .send(
            Method::POST,
            "/me/apikeys",
            &vendor.played.credential,
            Some(body),
        )
        .await?;
    Ok((response.status().as_u16(), response.text().await?))
}

#[tokio::test]
async fn a_lost_reply_mints_and_says_nothing() {
    let vendor = seeme().await;
    vendor.fault(
        json!({ "operation": "mint", "count": 1 }),
        json!({ "lost_reply": true }),
    );
    mint_blindly(&vendor, "lost").await.unwrap_err();
    assert_eq!(vendor.names().await, ["lost"]);
    assert_eq!(
        mint_blindly(&vendor, "second").await.unwrap().0,
        201,
        "it was one-shot"
    );
    assert_eq!(vendor.summary().minted, 2);
}

#[tokio::test]
async fn latency_delays_the_answer_and_not_the_effect() {
    let vendor = seeme().await;
    vendor.fault(json!({ "operation": "mint" }), json!({ "latency_ms": 400 }));
    let began = Instant::now();
    let (answered, ()) = tokio::join!(mint_blindly(&vendor, "late"), async {
        until(async || vendor.summary().minted == 1).await;
        assert!(began.elapsed() < Duration::from_millis(400));
    });
    assert_eq!(answered.unwrap().0, 201);
    assert!(began.elapsed() >= Duration::from_millis(400));
}

#[tokio::test]
async fn an_effect_after_the_timeout_lands_when_the_client_is_gone() {
    let vendor = seeme().await;
    vendor.fault(
        json!({ "operation": "mint", "count": 1 }),
        json!({ "effect_after_timeout": 500 }),
    );
    let hurried = tokio::time::timeout(
        Duration::from_millis(150),
        mint_blindly(&vendor, "landed late"),
    );
    assert!(hurried.await.is_err());
    assert!(vendor.names().await.is_empty(), "nothing has happened yet");
    until(async || vendor.names().await == ["landed late"]).await;
}

#[tokio::test]
async fn a_status_stands_in_place_of_the_effect_with_its_body_and_retry_after() {
    let vendor = seeme().await;
    let effect = json!({ "status": 429, "body": { "message": "slow down" }, "retry_after": 7 });
    vendor.fault(json!({ "operation": "mint", "count": 1 }), effect);
    let body = json!({ "name": "a" });
    let response = vendor
        .send(
            Method::POST,
            "/me/apikeys",
            &vendor.played.credential,
            Some(body),
        )
        .await
        .unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "7");
    assert_eq!(
        response.json::<Value>().await.unwrap(),
        json!({ "message": "slow down" })
    );
    assert_eq!(vendor.summary().minted, 0);
}

#[tokio::test]
async fn answers_that_cannot_be_read_hide_an_effect_that_happened() {
    for (effect, status) in [
        (json!({ "five_xx": 502 }), 502),
        (json!({ "truncate_body": true }), 201),
        (json!({ "html": true }), 200),
    ] {
        let vendor = seeme().await;
        vendor.fault(json!({ "operation": "mint" }), effect.clone());
        let (seen, text) = mint_blindly(&vendor, "hidden").await.unwrap();
        assert_eq!(seen, status, "{effect}");
        assert!(
            serde_json::from_str::<Value>(&text).is_err(),
            "{effect}: {text}"
        );
        assert_eq!(vendor.names().await, ["hidden"], "{effect}");
    }
}

#[tokio::test]
async fn a_new_token_can_be_missing_from_the_list_for_a_while() {
    for system in [Seeme, Scaleway] {
        let vendor = start(system, json!({})).await;
        vendor.fault(json!({ "count": 1 }), json!({ "eventual_list": 400 }));
        assert!(vendor.names().await.is_empty());
        let key = vendor.mint("shy", json!({})).await;
        vendor.mint("bold", json!({})).await;
        assert_eq!(
            vendor.names().await,
            ["bold"],
            "a listing does not use up a fault of mints"
        );
        assert_eq!(vendor.status_as(&key.value, &vendor.keys()).await, 200);
        until(async || vendor.names().await == ["shy", "bold"]).await;
    }
}

#[tokio::test]
async fn a_cut_listing_keeps_its_claim_or_breaks_in_the_middle() {
    let vendor = start(Scaleway, json!({})).await;
    for name in ["a", "b", "c"] {
        vendor.mint(name, json!({})).await;
    }
    let id = vendor.fault(json!({}), json!({ "cut_listing": { "keep": 1 } }));
    let body = vendor.get(&vendor.keys()).await;
    assert_eq!(body["api_keys"].as_array().unwrap().len(), 1);
    assert_eq!(body["total_count"], 4);
    assert!(vendor.sandbox.faults().remove(id));
    vendor.fault(
        json!({}),
        json!({ "cut_listing": { "keep": 3, "mid_body": true } }),
    );
    let response = vendor
        .send(Method::GET, &vendor.keys(), &vendor.played.credential, None)
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    response.text().await.unwrap_err();
}

#[tokio::test]
async fn a_quota_refuses_in_the_systems_own_words_and_counts_live_minted_tokens() {
    for (system, status) in [(Seeme, 403), (Scaleway, 403)] {
        let vendor = start(system, json!({})).await;
        vendor.fault(json!({}), json!({ "quota": 1 }));
        let key = vendor.mint("first", json!({})).await;
        let (refused, body) = vendor.try_mint("second", json!({})).await;
        assert_eq!(refused, status);
        if system == Scaleway {
            assert_eq!(body["type"], "quotas_exceeded");
        }
        vendor.revoke(&key.id).await;
        vendor.mint("third", json!({})).await;
    }
}

#[tokio::test]
async fn a_token_born_dead_is_listed_and_never_authenticates() {
    for system in [Seeme, Scaleway] {
        let vendor = start(system, json!({})).await;
        vendor.fault(
            json!({ "operation": "mint", "count": 1 }),
            json!({ "born_dead": true }),
        );
        let dead = vendor.mint("dead", json!({})).await;
        let alive = vendor.mint("alive", json!({})).await;
        assert_eq!(vendor.status_as(&dead.value, &vendor.keys()).await, 401);
        assert_eq!(vendor.status_as(&alive.value, &vendor.keys()).await, 200);
        assert_eq!(vendor.names().await, ["dead", "alive"]);
        assert_eq!(vendor.events_of(&dead.id), [What::Mint, What::Refused]);
    }
}

#[tokio::test]
async fn a_hang_never_takes_effect_and_ends_when_the_faults_are_cleared() {
    let vendor = seeme().await;
    vendor.fault(json!({ "operation": "mint" }), json!({ "hang": true }));
    let (answered, ()) = tokio::join!(mint_blindly(&vendor, "stuck"), async {
        until(async || vendor.sandbox.faults().list()[0].waiting == 1).await;
        vendor.sandbox.faults().clear();
    });
    answered.unwrap_err();
    assert_eq!(vendor.summary().minted, 0);
}

#[tokio::test]
async fn clearing_the_faults_lets_delayed_requests_go() {
    let vendor = seeme().await;
    for effect in [
        json!({ "latency_ms": 60_000 }),
        json!({ "effect_after_timeout": 60_000 }),
    ] {
        vendor.fault(json!({ "operation": "mint" }), effect);
        let began = Instant::now();
        let (answered, ()) = tokio::join!(mint_blindly(&vendor, "released"), async {
            until(async || vendor.sandbox.faults().list()[0].waiting == 1).await;
            vendor.sandbox.faults().clear();
        });
        assert_eq!(answered.unwrap().0, 201);
        assert!(began.elapsed() < Duration::from_secs(30));
    }
}

#[tokio::test]
async fn only_the_check_of_a_minted_token_is_delayed() {
    for (number, matching) in [
        json!({ "by": "minted", "count": 1 }),
        json!({ "operation": "check", "count": 1 }),
        json!({ "token": "minted", "operation": "list", "count": 1 }),
    ]
    .into_iter()
    .enumerate()
    {
        let vendor = seeme().await;
        let old = vendor.mint("old", json!({})).await;
        let key = vendor.mint("fresh", json!({})).await;
        vendor.fault(matching, json!({ "latency_ms": 300 }));
        let quick = Instant::now();
        vendor.get("/me/apikeys").await;
        if number == 2 {
            vendor.status_as(&old.value, "/me/apikeys").await;
        }
        assert!(
            quick.elapsed() < Duration::from_millis(300),
            "the credential's own requests are not"
        );
        let slow = Instant::now();
        assert_eq!(vendor.status_as(&key.value, "/me/apikeys").await, 200);
        assert!(slow.elapsed() >= Duration::from_millis(300), "{number}");
    }
}

#[tokio::test]
async fn a_fault_can_pick_a_token_by_id_or_name_and_pass_some_by() {
    let vendor = seeme().await;
    let one = vendor.mint("app tw1-aaaaa-1-x", json!({})).await;
    let two = vendor.mint("app tw1-aaaaa-2-y", json!({})).await;
    vendor.fault(
        json!({ "token": "*-2-*", "operation": "revoke", "skip": 1 }),
        json!({ "status": 500 }),
    );
    vendor.fault(
        json!({ "token": one.id, "operation": "toggle" }),
        json!({ "status": 503 }),
    );
    vendor.fault(
        json!({ "token": "new *", "operation": "mint" }),
        json!({ "status": 500 }),
    );
    assert_eq!(
        vendor
            .call(Method::PUT, &format!("/me/apikeys/{}", one.id), None)
            .await
            .0,
        503
    );
    assert_eq!(
        vendor
            .call(Method::PUT, &format!("/me/apikeys/{}", two.id), None)
            .await
            .0,
        200
    );
    assert_eq!(vendor.revoke(&one.id).await, 204);
    assert_eq!(vendor.revoke(&two.id).await, 204, "the first passes by");
    assert_eq!(vendor.revoke(&two.id).await, 500);
    assert_eq!(vendor.try_mint("new one", json!({})).await.0, 500);
}

#[tokio::test]
async fn faults_are_added_shown_and_removed_over_the_admin_api() {
    let vendor = seeme().await;
    let admin = vendor.sandbox.admin();
    let faults = format!("{admin}/faults");
    let fault = json!({ "match": { "system": "seeme", "operation": "mint", "count": 1 }, "effect": { "status": 503 } });
    let added = vendor.http.post(&faults).json(&fault).send().await.unwrap();
    assert_eq!(added.status(), 201);
    let id = added.json::<Value>().await.unwrap()["id"].as_u64().unwrap();
    assert_eq!(vendor.try_mint("a", json!({})).await.0, 503);
    let shown: Value = vendor
        .http
        .get(&faults)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(shown[0]["hits"], 1);
    assert_eq!(shown[0]["match"], fault["match"]);
    for status in [204, 404] {
        let removed = vendor
            .http
            .delete(format!("{faults}/{id}"))
            .send()
            .await
            .unwrap();
        assert_eq!(removed.status(), status);
    }
    vendor.http.post(&faults).json(&fault).send().await.unwrap();
    vendor.http.delete(&faults).send().await.unwrap();
    assert_eq!(vendor.try_mint("a", json!({})).await.0, 201);
    for wrong in [
        json!({ "effect": {} }),
        json!({ "effect": { "stauts": 500 } }),
        json!({ "match": { "path": "/x" }, "effect": { "hang": true } }),
        json!({ "match": { "system": "scaleway" }, "effect": { "hang": true } }),
        json!({ "effect": { "five_xx": 404 } }),
        json!({ "effect": { "retry_after": 1 } }),
    ] {
        let refused = vendor.http.post(&faults).json(&wrong).send().await.unwrap();
        assert_eq!(refused.status(), 400, "{wrong}");
        assert!(refused.json::<Value>().await.unwrap()["error"].is_string());
    }
}

#[tokio::test]
async fn a_fault_of_one_sandbox_does_not_touch_another() {
    let (one, other) = (seeme().await, seeme().await);
    let fault: Fault = serde_json::from_value(json!({ "effect": { "status": 500 } })).unwrap();
    one.sandbox.faults().add(fault).unwrap();
    assert_eq!(one.try_mint("a", json!({})).await.0, 500);
    let key = other.mint("a", json!({})).await;
    assert_eq!((one.summary().minted, other.summary().minted), (0, 1));
    one.sandbox.faults().clear();
    assert_eq!(one.status_as(&key.value, "/models").await, 401);
}
