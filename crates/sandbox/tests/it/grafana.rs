//! Grafana: accounts that own tokens.

use http::Method;
use serde_json::json;
use tokenwright_sandbox::SystemName::Grafana;

use crate::support::start;

#[tokio::test]
async fn an_account_takes_its_tokens_along() {
    let vendor = start(Grafana, json!({})).await;
    let accounts = "/api/serviceaccounts";
    let body = json!({"name": "ci", "role": "Viewer"});
    let (status, made) = vendor
        .call(Method::POST, accounts, Some(body.clone()))
        .await;
    assert_eq!(status, 201, "{made}");
    let (again, _) = vendor.call(Method::POST, accounts, Some(body)).await;
    assert_eq!(again, 400);
    let account = format!("{accounts}/{}", made["id"]);
    let body = json!({"name": "key", "secondsToLive": 3600});
    let tokens = format!("{account}/tokens");
    let (status, token) = vendor.call(Method::POST, &tokens, Some(body)).await;
    assert_eq!(status, 200, "{token}");
    let value = token["key"].as_str().unwrap();
    assert_eq!(vendor.status_as(value, "/api/org/").await, 200);
    assert_eq!(vendor.status_as(value, &account).await, 403);
    let found = vendor.get("/api/serviceaccounts/search?query=ci").await;
    assert_eq!(found["totalCount"], 1);
    assert_eq!(found["serviceAccounts"][0]["tokens"], 1);
    let deleted = async || vendor.call(Method::DELETE, &account, None).await.0;
    assert_eq!(deleted().await, 200);
    assert_eq!(deleted().await, 404);
    assert_eq!(vendor.status_as(value, "/api/org/").await, 401);
    assert_eq!(vendor.summary().live, 0);
}

#[tokio::test]
async fn the_pages_of_accounts_are_whole() {
    let vendor = start(Grafana, json!({})).await;
    for name in ["a", "b"] {
        let body = Some(json!({"name": name}));
        let path = "/api/serviceaccounts";
        assert_eq!(vendor.call(Method::POST, path, body).await.0, 201);
    }
    let mut names = Vec::new();
    for page in 1..4 {
        let path = format!("/api/serviceaccounts/search?perpage=1&page={page}");
        let found = vendor.get(&path).await;
        assert_eq!(found["totalCount"], 3);
        let items = found["serviceAccounts"].as_array().unwrap();
        names.extend(items.iter().map(|item| item["name"].clone()));
    }
    assert_eq!(names, ["automation", "a", "b"]);
}

#[tokio::test]
async fn a_name_is_taken_once_in_an_account() {
    let vendor = start(Grafana, json!({})).await;
    let minted = vendor.mint("ci", json!({"secondsToLive": 60})).await;
    assert_eq!(vendor.try_mint("ci", json!({})).await.0, 409);
    assert_eq!(vendor.names().await, ["ci"]);
    assert_eq!(vendor.revoke(&minted.id).await, 200);
    assert_eq!(vendor.revoke(&minted.id).await, 404);
    assert_eq!(vendor.status_as(&minted.value, "/api/org/").await, 401);
}
