//! Scaleway's quirks and its enforcement, one promise per test.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tokenwright_sandbox::SystemName;

use crate::support::{Vendor, start, until};

const KEYS: &str = "/iam/v1alpha1/api-keys";

async fn scaleway() -> Vendor {
    start(SystemName::Scaleway, json!({})).await
}

async fn with(settings: Value) -> Vendor {
    start(SystemName::Scaleway, json!({ "scaleway": settings })).await
}

fn later(milliseconds: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_millis(milliseconds)
}

/// `argument_name` and `reason` of each detail of an `invalid_arguments`.
fn invalid(body: &Value) -> Vec<(&str, &str)> {
    assert_eq!(body["type"], "invalid_arguments", "{body}");
    let details = body["details"].as_array().unwrap();
    details
        .iter()
        .map(|detail| {
            (
                detail["argument_name"].as_str().unwrap(),
                detail["reason"].as_str().unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_mint_answers_200_with_a_secret_that_is_never_shown_again() {
    let vendor = scaleway().await;
    let (status, body) = vendor.try_mint("ci", json!({})).await;
    assert_eq!(status, 200);
    let secret = body["secret_key"].as_str().unwrap();
    assert_eq!((secret.len(), secret.split('-').count()), (36, 5));
    let id = body["access_key"].as_str().unwrap();
    let tail = id.strip_prefix("SCW").unwrap();
    assert_eq!(tail.len(), 17);
    assert!(
        tail.bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    );
    let one = vendor.get(&format!("{KEYS}/{id}")).await;
    assert_eq!(one["secret_key"], Value::Null);
    assert!(one.as_object().unwrap().contains_key("secret_key"));
    assert_eq!(
        one["default_project_id"],
        vendor.played.parameter("default_project_id").unwrap()
    );
    assert!(!vendor.get(KEYS).await.to_string().contains(secret));
    assert_eq!(vendor.status_as(secret, &format!("{KEYS}/{id}")).await, 200);
}

#[tokio::test]
async fn times_are_utc_with_microseconds_whatever_offset_was_sent() {
    let vendor = scaleway().await;
    let key = vendor
        .mint("ci", json!({ "expires_at": "2099-06-01T14:00:00+02:00" }))
        .await;
    assert_eq!(key.body["expires_at"], "2099-06-01T12:00:00.000000Z");
    let created = key.body["created_at"].as_str().unwrap();
    assert_eq!(
        (created.len(), created.ends_with('Z')),
        (27, true),
        "{created}"
    );
}

#[tokio::test]
async fn exactly_one_bearer_is_needed() {
    let vendor = scaleway().await;
    let user = vendor.played.parameter("user_id").unwrap();
    let (status, body) = vendor.try_mint("ci", json!({ "user_id": user })).await;
    assert_eq!(
        (status.as_u16(), invalid(&body)),
        (400, vec![("application_id", "constraint")])
    );
    let (status, body) = vendor
        .try_mint("ci", json!({ "application_id": null }))
        .await;
    assert_eq!(
        (status.as_u16(), invalid(&body)),
        (400, vec![("application_id", "required")])
    );
    let key = vendor
        .mint("ci", json!({ "application_id": null, "user_id": user }))
        .await;
    assert_eq!(
        (&key.body["user_id"], key.body.get("application_id")),
        (&json!(user), None)
    );
}

#[tokio::test]
async fn nobody_makes_a_key_for_another_user_or_an_unknown_application() {
    let vendor = scaleway().await;
    let stranger = "11111111-1111-4111-8111-111111111111";
    let (status, body) = vendor
        .try_mint("ci", json!({ "application_id": null, "user_id": stranger }))
        .await;
    assert_eq!(
        (status.as_u16(), &body["type"]),
        (403, &json!("permissions_denied"))
    );
    assert_eq!(body["details"][0]["resource"], "api_key");
    let (status, body) = vendor
        .try_mint("ci", json!({ "application_id": stranger }))
        .await;
    assert_eq!((status.as_u16(), &body["type"]), (404, &json!("not_found")));
}

#[tokio::test]
async fn arguments_are_checked_and_named() {
    let vendor = scaleway().await;
    for (more, expected) in [
        (
            json!({ "expires_at": "2020-01-01T00:00:00Z" }),
            ("expires_at", "constraint"),
        ),
        (
            json!({ "expires_at": "tomorrow" }),
            ("expires_at", "format"),
        ),
        (
            json!({ "description": "é".repeat(201) }),
            ("description", "constraint"),
        ),
        (json!({ "description": 7 }), ("description", "format")),
    ] {
        let (status, body) = vendor.try_mint("ci", more.clone()).await;
        assert_eq!(
            (status.as_u16(), invalid(&body)),
            (400, vec![expected]),
            "{more}"
        );
        assert!(body["details"][0]["help_message"].is_string());
    }
    vendor.mint(&"é".repeat(200), json!({})).await;
}

#[tokio::test]
async fn the_list_comes_in_pages_with_the_whole_count() {
    let vendor = scaleway().await;
    for number in 0..5 {
        vendor.mint(&format!("key {number}"), json!({})).await;
    }
    let application = vendor.played.parameter("application_id").unwrap();
    let mut seen = Vec::new();
    for (page, length) in [(1, 2), (2, 2), (3, 1), (4, 0)] {
        let body = vendor
            .get(&format!(
                "{KEYS}?bearer_id={application}&page={page}&page_size=2"
            ))
            .await;
        assert_eq!(body["total_count"], 5);
        let items = body["api_keys"].as_array().unwrap();
        assert_eq!(items.len(), length);
        seen.extend(
            items
                .iter()
                .map(|item| item["description"].as_str().unwrap().to_owned()),
        );
    }
    assert_eq!(seen, ["key 0", "key 1", "key 2", "key 3", "key 4"]);
    let body = vendor
        .get(&format!("{KEYS}?order_by=created_at_desc&page_size=1"))
        .await;
    assert_eq!(body["api_keys"][0]["description"], "key 4");
    for (query, expected) in [
        ("page_size=101", ("page_size", "constraint")),
        ("page=0", ("page", "constraint")),
        ("page=x", ("page", "format")),
        ("order_by=colour", ("order_by", "unknown")),
    ] {
        let (status, body) = vendor
            .call(Method::GET, &format!("{KEYS}?{query}"), None)
            .await;
        assert_eq!((status.as_u16(), invalid(&body)), (400, vec![expected]));
    }
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let vendor = scaleway().await;
    let other = vendor
        .played
        .parameter("other_application_id")
        .unwrap()
        .to_owned();
    let user = vendor.played.parameter("user_id").unwrap().to_owned();
    let one = vendor
        .mint("one", json!({ "expires_at": later(300).to_string() }))
        .await;
    let two = vendor
        .mint("one and two", json!({ "application_id": other }))
        .await;
    until(async || vendor.status_as(&one.value, KEYS).await == 401).await;
    for (query, expected) in [
        (format!("bearer_id={other}"), vec!["one and two"]),
        (format!("application_id={other}"), vec!["one and two"]),
        (format!("user_id={user}"), vec!["management"]),
        ("bearer_type=user".to_owned(), vec!["management"]),
        ("description=one".to_owned(), vec!["one"]),
        ("expired=true".to_owned(), vec!["one"]),
        (
            "expired=false".to_owned(),
            vec!["management", "one and two"],
        ),
        (
            format!("access_keys={}&access_keys={}", one.id, two.id),
            vec!["one", "one and two"],
        ),
        ("organization_id=another".to_owned(), vec![]),
    ] {
        let body = vendor.get(&format!("{KEYS}?{query}")).await;
        let items = body["api_keys"].as_array().unwrap();
        let names: Vec<_> = items
            .iter()
            .map(|item| item["description"].as_str().unwrap())
            .collect();
        assert_eq!(names, expected, "{query}");
        assert_eq!(body["total_count"], expected.len(), "{query}");
    }
}

#[tokio::test]
async fn the_description_filter_may_match_a_part() {
    let vendor = with(json!({ "description_filter": "partial" })).await;
    vendor.mint("one and two", json!({})).await;
    assert_eq!(
        vendor.get(&format!("{KEYS}?description=and")).await["total_count"],
        1
    );
}

#[tokio::test]
async fn an_expired_key_is_denied_and_stays_in_the_list_until_it_is_deleted() {
    let vendor = scaleway().await;
    let key = vendor
        .mint("short", json!({ "expires_at": later(300).to_string() }))
        .await;
    until(async || vendor.status_as(&key.value, KEYS).await == 401).await;
    let (_, body) = vendor.call_as(&key.value, Method::GET, KEYS, None).await;
    assert_eq!(
        body,
        json!({
            "type": "denied_authentication",
            "message": "authentication is denied",
            "method": "api_key",
            "reason": "expired",
        })
    );
    assert_eq!(vendor.names().await, ["short"]);
    assert_eq!(vendor.revoke(&key.id).await, 204);
    assert!(vendor.names().await.is_empty());
}

#[tokio::test]
async fn a_deleted_key_is_not_found_and_denied() {
    let vendor = scaleway().await;
    let key = vendor.mint("ci", json!({})).await;
    assert_eq!(vendor.revoke(&key.id).await, 204);
    let path = format!("{KEYS}/{}", key.id);
    for method in [Method::GET, Method::DELETE, Method::PATCH] {
        let (status, body) = vendor.call(method, &path, None).await;
        assert_eq!(status, 404);
        assert_eq!(
            body,
            json!({
                "type": "not_found",
                "message": "resource is not found",
                "resource": "access_key",
                "resource_id": key.id,
            })
        );
    }
    let (status, body) = vendor.call_as(&key.value, Method::GET, KEYS, None).await;
    assert_eq!(
        (status.as_u16(), &body["reason"]),
        (401, &json!("not_found"))
    );
}

#[tokio::test]
async fn a_patch_changes_the_description_and_adds_an_expiry_but_moves_none() {
    let vendor = scaleway().await;
    let key = vendor.mint("before", json!({})).await;
    let path = format!("{KEYS}/{}", key.id);
    let (status, body) = vendor
        .call(
            Method::PATCH,
            &path,
            Some(json!({ "description": "after" })),
        )
        .await;
    assert_eq!(
        (status.as_u16(), &body["description"], &body["expires_at"]),
        (200, &json!("after"), &Value::Null)
    );
    let add = json!({ "expires_at": "2099-01-01T00:00:00Z" });
    let (status, body) = vendor.call(Method::PATCH, &path, Some(add)).await;
    assert_eq!(
        (status.as_u16(), &body["expires_at"]),
        (200, &json!("2099-01-01T00:00:00.000000Z"))
    );
    assert_eq!(body["description"], "after");
    let again = json!({ "expires_at": "2098-01-01T00:00:00Z" });
    let (status, body) = vendor.call(Method::PATCH, &path, Some(again.clone())).await;
    assert_eq!(
        (status.as_u16(), invalid(&body)),
        (400, vec![("expires_at", "constraint")])
    );
    let lax = with(json!({ "expiry_update": "any" })).await;
    let key = lax
        .mint("ci", json!({ "expires_at": "2099-01-01T00:00:00Z" }))
        .await;
    assert_eq!(
        lax.call(Method::PATCH, &format!("{KEYS}/{}", key.id), Some(again))
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn the_security_setting_forbids_keys_that_live_too_long() {
    let vendor = with(json!({ "max_api_key_expiration_seconds": 3600 })).await;
    for more in [
        json!({}),
        json!({ "expires_at": later(7_200_000).to_string() }),
    ] {
        let (status, body) = vendor.try_mint("ci", more).await;
        assert_eq!(
            (status.as_u16(), invalid(&body)),
            (400, vec![("expires_at", "constraint")])
        );
    }
    vendor
        .mint("ci", json!({ "expires_at": later(1_800_000).to_string() }))
        .await;
    let organization = vendor.played.parameter("organization_id").unwrap();
    let settings = vendor
        .get(&format!(
            "/iam/v1alpha1/organizations/{organization}/security-settings"
        ))
        .await;
    assert_eq!(
        settings["max_api_key_expiration_duration"],
        "3600.000000000s"
    );
}

#[tokio::test]
async fn a_security_setting_leaves_the_keys_that_are_there_alone() {
    let vendor = scaleway().await;
    let key = vendor.mint("ci", json!({})).await;
    let limit = json!({ "scaleway": { "max_api_key_expiration_seconds": 3600 } });
    let settings = vendor.sandbox.settings().changed(limit).unwrap();
    vendor.sandbox.set(settings).unwrap();
    assert_eq!(vendor.status_as(&key.value, KEYS).await, 200);
    let shown = vendor.get(&format!("{KEYS}/{}", key.id)).await;
    assert_eq!(shown["expires_at"], Value::Null);
    assert_eq!(vendor.try_mint("another", json!({})).await.0, 400);
}

#[tokio::test]
async fn the_quota_counts_every_key_that_was_not_deleted() {
    let vendor = with(json!({ "keys_max": 2 })).await;
    let key = vendor.mint("beside the management key", json!({})).await;
    let (status, body) = vendor.try_mint("ci", json!({})).await;
    assert_eq!(
        (status.as_u16(), &body["type"]),
        (403, &json!("quotas_exceeded"))
    );
    assert_eq!(
        (&body["details"][0]["quota"], &body["details"][0]["current"]),
        (&json!(2), &json!(2))
    );
    vendor.revoke(&key.id).await;
    vendor.mint("ci", json!({})).await;
}

#[tokio::test]
async fn keys_inherit_the_rights_of_their_bearer() {
    for (rights, read, write) in [
        ("nothing", 403, 403),
        ("read", 200, 403),
        ("manage", 200, 204),
    ] {
        let vendor = with(json!({ "application_rights": rights })).await;
        let key = vendor.mint("ci", json!({})).await;
        assert_eq!(vendor.status_as(&key.value, KEYS).await, read, "{rights}");
        let path = format!("{KEYS}/{}", key.id);
        assert_eq!(
            vendor
                .call_as(&key.value, Method::DELETE, &path, None)
                .await
                .0,
            write,
            "{rights}"
        );
    }
}

#[tokio::test]
async fn every_answer_carries_a_request_id() {
    let vendor = scaleway().await;
    let credential = vendor.played.credential.clone();
    let mut ids = Vec::new();
    for (value, path) in [
        (credential.as_str(), KEYS),
        ("wrong", KEYS),
        (&credential, "/nowhere"),
    ] {
        let response = vendor.send(Method::GET, path, value, None).await.unwrap();
        ids.push(
            response.headers()["x-request-id"]
                .to_str()
                .unwrap()
                .to_owned(),
        );
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);
}
