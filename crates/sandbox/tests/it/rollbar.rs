//! Rollbar: tokens whose ids are the tokens themselves.

use http::{Method, StatusCode};
use serde_json::json;
use tokenwright_sandbox::SystemName::Rollbar;

use crate::support::start;

#[tokio::test]
async fn a_token_is_listed_with_its_value_and_deleted_by_it() {
    let vendor = start(Rollbar, json!({})).await;
    let minted = vendor.mint("ci", json!({})).await;
    let listed = vendor.get(&vendor.keys()).await;
    assert_eq!(listed["result"][0]["access_token"], minted.value);
    let items = format!("/api/1/items?access_token={}", minted.value);
    let status = async || {
        let url = format!("{}{items}", vendor.played.endpoint);
        reqwest::get(url).await.unwrap().status()
    };
    assert_eq!(status().await, StatusCode::OK);
    // A project's own token is no account token.
    let (refused, _) = vendor
        .call_as(&minted.value, Method::GET, &vendor.keys(), None)
        .await;
    assert_eq!(refused, StatusCode::FORBIDDEN);
    assert_eq!(vendor.revoke(&minted.id).await, StatusCode::OK);
    assert_eq!(vendor.revoke(&minted.id).await, StatusCode::NOT_FOUND);
    assert_eq!(status().await, StatusCode::FORBIDDEN);
    assert!(vendor.names().await.is_empty());
}

#[tokio::test]
async fn scopes_and_a_name_are_demanded() {
    let vendor = start(Rollbar, json!({})).await;
    for wrong in [
        json!({"scopes": []}),
        json!({"scopes": ["root"]}),
        json!({"name": ""}),
    ] {
        let (status, body) = vendor.try_mint("ci", wrong).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(body["err"], 1);
    }
}

#[tokio::test]
async fn a_request_without_effect_is_answered_as_if_it_had_one() {
    let vendor = start(Rollbar, json!({})).await;
    let minted = vendor.mint("ci", json!({})).await;
    vendor.fault(
        json!({"operation": "revoke", "count": 1}),
        json!({"no_effect": true}),
    );
    assert_eq!(vendor.revoke(&minted.id).await, StatusCode::OK);
    assert_eq!(vendor.names().await, ["ci"]);
    assert_eq!(vendor.revoke(&minted.id).await, StatusCode::OK);
    assert!(vendor.names().await.is_empty());
}
