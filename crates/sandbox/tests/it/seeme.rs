//! SeeMe's quirks and its enforcement, one promise per test.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tokenwright_sandbox::SystemName;
use tokenwright_sandbox::ledger::What;

use crate::support::{Vendor, start, until};

async fn seeme() -> Vendor {
    start(SystemName::Seeme, json!({})).await
}

async fn with(settings: Value) -> Vendor {
    start(SystemName::Seeme, json!({ "seeme": settings })).await
}

#[tokio::test]
async fn a_mint_answers_201_with_exactly_the_documented_fields() {
    let vendor = seeme().await;
    let (status, body) = vendor
        .try_mint("ci", json!({ "expires_in_days": 20 }))
        .await;
    assert_eq!(status, 201);
    let mut fields: Vec<_> = body
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        ["expires_at", "id", "key", "key_prefix", "name", "scopes"]
    );
    assert!(
        body["key"]
            .as_str()
            .unwrap()
            .starts_with(body["key_prefix"].as_str().unwrap())
    );
    assert_eq!(body["key_prefix"].as_str().unwrap().len(), 8);
}

#[tokio::test]
async fn a_mint_may_answer_200() {
    let vendor = with(json!({ "mint_answers_200": true })).await;
    assert_eq!(vendor.try_mint("ci", json!({})).await.0, 200);
}

#[tokio::test]
async fn the_list_is_a_bare_array_without_values() {
    let vendor = seeme().await;
    let key = vendor.mint("ci", json!({})).await;
    let list = vendor.get("/me/apikeys").await;
    let item = list
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["id"] == key.id.as_str())
        .unwrap();
    assert_eq!(item["name"], "ci");
    assert_eq!(item["disabled"], false);
    assert_eq!(item["user_id"], vendor.played.parameter("user_id").unwrap());
    assert!(!list.to_string().contains(&key.value));
}

#[tokio::test]
async fn a_day_lasts_as_long_as_the_settings_say_and_the_expiry_is_the_real_instant() {
    let vendor = start(SystemName::Seeme, json!({ "seconds_per_day": 0.05 })).await;
    let before = Timestamp::now();
    let key = vendor.mint("short", json!({ "expires_in_days": 20 })).await;
    let expires: Timestamp = key.body["expires_at"].as_str().unwrap().parse().unwrap();
    let lifetime = expires.duration_since(before);
    assert!(
        lifetime >= SignedDuration::from_millis(990) && lifetime < SignedDuration::from_secs(3),
        "{lifetime}"
    );
    assert_eq!(vendor.status_as(&key.value, "/models").await, 200);
    until(async || vendor.status_as(&key.value, "/models").await == 401).await;
    assert!(Timestamp::now() >= expires);
}

#[tokio::test]
async fn an_unshortened_day_has_24_hours() {
    let vendor = seeme().await;
    let key = vendor.mint("long", json!({ "expires_in_days": 90 })).await;
    let expires: Timestamp = key.body["expires_at"].as_str().unwrap().parse().unwrap();
    let hours = expires.duration_since(Timestamp::now()).as_secs_f64() / 3600.0;
    assert!((hours - 90.0 * 24.0).abs() < 0.1, "{hours}");
}

#[tokio::test]
async fn the_toggle_flips_and_answers_the_new_state() {
    let vendor = seeme().await;
    let key = vendor.mint("ci", json!({})).await;
    let path = format!("/me/apikeys/{}", key.id);
    for (disabled, status) in [(true, 401), (false, 200), (true, 401)] {
        let (toggled, body) = vendor.call(Method::PUT, &path, None).await;
        assert_eq!(toggled, 200);
        assert_eq!(body["id"], key.id.as_str());
        assert_eq!(body["disabled"], disabled);
        assert_eq!(vendor.status_as(&key.value, "/models").await, status);
    }
    assert_eq!(
        vendor
            .events_of(&key.id)
            .iter()
            .filter(|what| **what == What::Disable)
            .count(),
        2
    );
}

#[tokio::test]
async fn a_deleted_key_is_dead_and_gone_from_the_list() {
    let vendor = seeme().await;
    let key = vendor.mint("ci", json!({})).await;
    assert_eq!(vendor.revoke(&key.id).await, 204);
    assert_eq!(vendor.status_as(&key.value, "/me/apikeys").await, 401);
    assert!(vendor.names().await.is_empty());
    assert_eq!(vendor.revoke(&key.id).await, 404);
    assert_eq!(
        vendor
            .call(Method::PUT, &format!("/me/apikeys/{}", key.id), None)
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn a_deleted_key_may_stay_in_the_list() {
    let vendor = with(json!({ "deleted_stay_listed": true, "delete_answer": "empty_ok" })).await;
    let key = vendor.mint("ci", json!({})).await;
    assert_eq!(vendor.revoke(&key.id).await, 200);
    assert_eq!(vendor.names().await, ["ci"]);
    assert_eq!(vendor.status_as(&key.value, "/me/apikeys").await, 401);
}

#[tokio::test]
async fn scopes_decide_what_a_key_may_do() {
    let vendor = seeme().await;
    for (scopes, models, datasets) in [
        (json!(["models:read"]), 200, 403),
        (json!(["models:*"]), 200, 403),
        (json!(["models:predict", "datasets:read"]), 403, 200),
        (json!([]), 200, 200),
        (json!(null), 200, 200),
    ] {
        let key = vendor.mint("ci", json!({ "scopes": scopes })).await;
        assert_eq!(
            vendor.status_as(&key.value, "/models").await,
            models,
            "{scopes}"
        );
        assert_eq!(
            vendor.status_as(&key.value, "/datasets").await,
            datasets,
            "{scopes}"
        );
        for free in ["/permissions", "/applications", "/me/apikeys"] {
            assert_eq!(
                vendor.status_as(&key.value, free).await,
                200,
                "{scopes} {free}"
            );
        }
    }
}

#[tokio::test]
async fn empty_scopes_may_grant_nothing_and_read_back_as_null() {
    let vendor = with(json!({ "empty_scopes": "nothing", "empty_scopes_read_null": true })).await;
    let key = vendor.mint("ci", json!({ "scopes": [] })).await;
    assert_eq!(key.body["scopes"], Value::Null);
    assert_eq!(vendor.status_as(&key.value, "/models").await, 403);
}

#[tokio::test]
async fn key_management_may_need_scopes_of_its_own() {
    let vendor = with(json!({ "keys_need_scopes_of": "apikeys" })).await;
    let without = vendor.mint("a", json!({ "scopes": ["models:read"] })).await;
    let reader = vendor
        .mint("b", json!({ "scopes": ["apikeys:read"] }))
        .await;
    assert_eq!(vendor.status_as(&without.value, "/me/apikeys").await, 403);
    assert_eq!(vendor.status_as(&reader.value, "/me/apikeys").await, 200);
    let (status, _) = vendor
        .call_as(
            &reader.value,
            Method::POST,
            "/me/apikeys",
            Some(json!({ "name": "c" })),
        )
        .await;
    assert_eq!(status, 403);
}

#[tokio::test]
async fn no_expiry_reads_as_null_as_year_one_or_not_at_all() {
    for (never, shown) in [
        ("null", Some(Value::Null)),
        ("year_one", Some(json!("0001-01-01T00:00:00Z"))),
        ("absent", None),
    ] {
        let vendor = with(json!({ "never": never })).await;
        let key = vendor.mint("ci", json!({ "expires_in_days": null })).await;
        assert_eq!(key.body.get("expires_at"), shown.as_ref(), "{never}");
        assert_eq!(vendor.status_as(&key.value, "/models").await, 200);
    }
}

#[tokio::test]
async fn days_that_are_no_whole_positive_number_are_refused() {
    let vendor = seeme().await;
    for days in [
        json!(0),
        json!(-1),
        json!(1.5),
        json!("20"),
        json!(i64::MAX),
    ] {
        let (status, body) = vendor
            .try_mint("ci", json!({ "expires_in_days": days }))
            .await;
        assert_eq!(status, 400, "{days}: {body}");
    }
    assert_eq!(vendor.summary().minted, 0);
}

#[tokio::test]
async fn zero_days_may_mean_never_or_born_expired() {
    let never = with(json!({ "days_below_one": "never" })).await;
    let key = never.mint("ci", json!({ "expires_in_days": 0 })).await;
    assert_eq!(key.body["expires_at"], Value::Null);
    let expired = with(json!({ "days_below_one": "born_expired" })).await;
    let key = expired.mint("ci", json!({ "expires_in_days": -1 })).await;
    assert_eq!(expired.status_as(&key.value, "/models").await, 401);
}

#[tokio::test]
async fn limits_and_unique_names_are_switches() {
    for (settings, first, more, status) in [
        (
            json!({ "days_max": 30 }),
            "a",
            json!({ "expires_in_days": 31 }),
            400,
        ),
        (
            json!({ "name_max": 3 }),
            "a",
            json!({ "name": "long" }),
            400,
        ),
        (
            json!({ "names": "unique" }),
            "a",
            json!({ "name": "a" }),
            409,
        ),
        (json!({ "keys_max": 1 }), "a", json!({}), 403),
        (
            json!({ "unknown_scopes_refused": true }),
            "a",
            json!({ "scopes": ["models:reed"] }),
            400,
        ),
    ] {
        let vendor = with(settings.clone()).await;
        vendor.mint(first, json!({})).await;
        assert_eq!(vendor.try_mint("b", more).await.0, status, "{settings}");
    }
}

#[tokio::test]
async fn names_may_stay_reserved_after_a_delete() {
    for (names, status) in [("free", 201), ("unique", 201), ("reserved", 409)] {
        let vendor = with(json!({ "names": names })).await;
        let key = vendor.mint("a", json!({})).await;
        vendor.revoke(&key.id).await;
        assert_eq!(vendor.try_mint("a", json!({})).await.0, status, "{names}");
    }
}

#[tokio::test]
async fn a_product_prefix_makes_all_key_prefixes_equal() {
    let vendor = with(json!({ "product_prefix": "seemekey" })).await;
    let prefixes = [
        vendor.mint("a", json!({})).await,
        vendor.mint("b", json!({})).await,
    ];
    assert!(
        prefixes
            .iter()
            .all(|key| key.body["key_prefix"] == "seemekey")
    );
}

#[tokio::test]
async fn a_key_may_end_itself_unless_that_is_guarded() {
    for (guarded, status) in [(false, 204), (true, 403)] {
        let vendor = with(json!({ "own_key_guarded": guarded })).await;
        let key = vendor.mint("a", json!({})).await;
        let path = format!("/me/apikeys/{}", key.id);
        assert_eq!(
            vendor
                .call_as(&key.value, Method::DELETE, &path, None)
                .await
                .0,
            status
        );
    }
}

#[tokio::test]
async fn the_old_header_is_understood_where_the_server_is_old() {
    for (header, bearer, old) in [
        ("bearer", 200, 401),
        ("user_and_key", 401, 200),
        ("both", 200, 200),
    ] {
        let vendor = with(json!({ "header": header })).await;
        let credential = vendor.played.credential.clone();
        let value = format!(
            "{}:{credential}",
            vendor.played.parameter("username").unwrap()
        );
        let url = format!("{}/me/apikeys", vendor.played.endpoint);
        let response = vendor
            .http
            .get(url)
            .header("Authorization", value)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), old, "{header}");
        assert_eq!(
            vendor.status_as(&credential, "/me/apikeys").await,
            bearer,
            "{header}"
        );
    }
}

#[tokio::test]
async fn keys_are_made_at_either_of_the_two_documented_paths() {
    for (path, reference, other) in [
        ("me_apikeys", 201, 404),
        ("api_keys", 404, 201),
        ("both", 201, 201),
    ] {
        let vendor = with(json!({ "create_path": path })).await;
        for (sent, status) in [("/me/apikeys", reference), ("/api-keys", other)] {
            let body = json!({ "name": "ci", "scopes": ["models:read"] });
            let (made, _) = vendor.call(Method::POST, sent, Some(body)).await;
            assert_eq!(made, status, "{path} {sent}");
        }
        assert_eq!(vendor.get("/me/apikeys").await[0]["name"], "management");
    }
}

#[tokio::test]
async fn the_vendors_client_sends_nulls_for_what_it_leaves_open() {
    let vendor = seeme().await;
    let unset = json!({ "scopes": [], "organization_id": null, "expires_in_days": null });
    let key = vendor.mint("ci", unset).await;
    assert_eq!(key.body["scopes"], json!([]));
    assert_eq!(key.body["expires_at"], Value::Null);
}

#[tokio::test]
async fn a_login_gives_a_session_key_that_its_logout_ends() {
    let vendor = seeme().await;
    let login = json!({
        "username": vendor.played.parameter("username"),
        "password": vendor.played.parameter("password"),
    });
    let (status, body) = vendor
        .call_as("", Method::POST, "/login", Some(login))
        .await;
    assert_eq!(status, 200);
    assert_eq!(body["id"], vendor.played.parameter("user_id").unwrap());
    let session = body["apikey"].as_str().unwrap();
    assert_eq!(vendor.status_as(session, "/applications").await, 200);
    assert!(vendor.names().await.is_empty(), "a session is no API key");
    assert_eq!(
        vendor
            .call_as(session, Method::POST, "/logout", None)
            .await
            .0,
        200
    );
    assert_eq!(vendor.status_as(session, "/applications").await, 401);
    let wrong = json!({ "username": "sandbox", "password": "wrong" });
    assert_eq!(
        vendor
            .call_as("", Method::POST, "/login", Some(wrong))
            .await
            .0,
        401
    );
}

#[tokio::test]
async fn the_catalogue_names_every_permission_by_resource_and_action() {
    let vendor = seeme().await;
    let catalogue = vendor.get("/permissions").await;
    for permission in catalogue.as_array().unwrap() {
        let (resource, action) = (
            permission["resource"].as_str().unwrap(),
            permission["action"].as_str().unwrap(),
        );
        assert_eq!(permission["name"], format!("{resource}:{action}"));
    }
    assert!(
        catalogue
            .as_array()
            .unwrap()
            .iter()
            .any(|permission| permission["name"] == "models:read")
    );
}
