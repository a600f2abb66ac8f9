//! What each source of a `moved` block gives: read through the protocol, as no other provider is at hand.

use serde_json::{Value, json};

use super::{Host, OF_TOKEN, TOKEN, said};
use crate::support::{CI, World};

async fn taken(host: &mut Host, of: &str, state: Value) -> Value {
    let request = json!({
        "sourceProviderAddress": "registry.terraform.io/other/other",
        "sourceTypeName": of,
        "sourceState": { "json": { "$json": state } },
        "targetTypeName": TOKEN,
    });
    host.call("MoveResourceState", OF_TOKEN, request).await
}

/// The tokens of resources that do not rotate them: the id in each state, and the parameters in our words.
pub(crate) fn resting() -> Vec<(&'static str, Value, &'static str, Value)> {
    let gitlab = json!({
        "id": "25:42", "project": "25", "group": "7", "user_id": 5, "name": "ci", "token": "glpat-x",
        "scopes": ["api"], "access_level": "maintainer", "expires_at": "2037-01-31", "created_at": "2026-01-01T00:00:00Z",
    });
    vec![
        (
            "terrakube_team_token",
            json!({ "id": "a-b", "team_name": "ops", "description": "ci", "days": 30, "hours": 0, "minutes": 0, "value": "glpat-x" }),
            "a-b",
            json!({ "team": "ops" }),
        ),
        (
            "gitlab_personal_access_token",
            gitlab.clone(),
            "42",
            json!({ "user_id": "5" }),
        ),
        (
            "gitlab_project_access_token",
            gitlab.clone(),
            "42",
            json!({ "project": "25", "access_level": "maintainer" }),
        ),
        (
            "gitlab_group_access_token",
            gitlab.clone(),
            "42",
            json!({ "group": "7", "access_level": "maintainer" }),
        ),
        (
            "gitlab_group_service_account_access_token",
            gitlab,
            "42",
            json!({ "user_id": "5" }),
        ),
        (
            "grafana_service_account_token",
            json!({ "id": "3", "name": "ci", "service_account_id": "1:9", "key": "glpat-x", "expiration": "2037-01-31T00:00:00Z" }),
            "3",
            json!({ "service_account_id": "9" }),
        ),
        (
            "grafana_cloud_stack_service_account_token",
            json!({ "id": "3", "name": "ci", "service_account_id": "acme:9", "key": "glpat-x", "expiration": "2037-01-31T00:00:00Z" }),
            "3",
            json!({ "service_account_id": "9" }),
        ),
        (
            "grafana_cloud_access_policy_token",
            json!({ "id": "us:3", "name": "ci", "region": "us", "access_policy_id": "p", "token": "glpat-x", "expires_at": null }),
            "3",
            json!({ "region": "us", "access_policy_id": "p" }),
        ),
        (
            "scaleway_iam_api_key",
            json!({ "id": "SCW7", "access_key": "SCW7", "secret_key": "glpat-x", "description": "ci", "application_id": "a", "expires_at": "2037-01-31T00:00:00Z" }),
            "SCW7",
            json!({ "application_id": "a" }),
        ),
    ]
}

/// The tokens of those that do, each with the id 3.
pub(crate) fn rotating() -> Vec<(&'static str, Value)> {
    let account = json!({
        "id": "3", "name": "ci-2117145600", "name_prefix": "ci", "service_account_id": "acme:9", "key": "v",
        "seconds_to_live": 7_776_000, "early_rotation_window_seconds": 604_800, "expiration": "2037-04-01T00:00:00Z",
    });
    let policy = json!({
        "id": "us:3", "name": "ci-2117145600", "name_prefix": "ci", "region": "us", "access_policy_id": "p", "token": "v",
        "expire_after": "2160h", "early_rotation_window": "168h", "expires_at": "2037-04-01T00:00:00Z",
    });
    let gitlab = json!({
        "id": "25:3", "name": "ci", "project": "25", "access_level": "guest", "token": "v", "expires_at": "2037-04-01",
        "scopes": ["api"],
        "rotation_configuration": { "expiration_days": 90, "rotate_before_days": 7 },
    });
    vec![
        ("grafana_service_account_rotating_token", account.clone()),
        (
            "grafana_cloud_stack_service_account_rotating_token",
            account,
        ),
        ("grafana_cloud_access_policy_rotating_token", policy),
        ("gitlab_project_access_token", gitlab),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_source_gives_its_token_its_value_and_what_was_asked_for() {
    let world = World::new(86_400.0, CI).await;
    // Not configured: a core moves states before that.
    let mut host = Host::start(&world).await;
    for (of, state, id, parameters) in resting() {
        let answer = taken(&mut host, of, state).await;
        assert_eq!(said(&answer)[0].0, "WARNING", "{of}: {answer}");
        let state = &answer["targetState"];
        assert_eq!(
            (&state["token_id"], &state["value"]),
            (&json!(id), &json!("glpat-x")),
            "{of}"
        );
        assert_eq!(
            (&state["name"], &state["parameters"]),
            (&json!("ci"), &parameters),
            "{of}"
        );
        let (ends, lifetime) = (&state["expires_at"], &state["lifetime"]);
        match of {
            "terrakube_team_token" => assert_eq!((ends, lifetime), (&Value::Null, &json!("30d"))),
            "grafana_cloud_access_policy_token" => {
                assert_eq!((ends, lifetime), (&Value::Null, &json!("never")));
            }
            _ => assert_eq!(
                (ends, lifetime),
                (&json!("2037-01-31T00:00:00Z"), &Value::Null),
                "{of}"
            ),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_provider_rotates_comes_over_with_its_lifetime_and_its_schedule() {
    let world = World::new(86_400.0, CI).await;
    let mut host = Host::start(&world).await;
    for (of, state) in rotating() {
        let answer = taken(&mut host, of, state).await;
        let state = &answer["targetState"];
        for (attribute, is) in [
            ("token_id", "3"),
            ("name", "ci"),
            ("value", "v"),
            ("lifetime", "90d"),
            ("created_at", "2037-01-01T00:00:00Z"),
            ("expires_at", "2037-04-01T00:00:00Z"),
        ] {
            assert_eq!(state[attribute], is, "{of}: {attribute}");
        }
        assert_eq!(state["rotation"]["renew_before"], "7d", "{of}");
        // Not all at once: some part of the lifetime earlier.
        let due = state["renew_at"].as_str().unwrap();
        let earlier = "2037-03-22"..="2037-03-25T00:00:00Z";
        assert!(earlier.contains(&due), "{of}: {due}");
    }
    // What says no schedule that could be kept ends as it ends.
    let (_, mut never) = rotating().remove(0);
    never["early_rotation_window_seconds"] = json!(0);
    let answer = taken(&mut host, "grafana_service_account_rotating_token", never).await;
    let state = &answer["targetState"];
    assert_eq!(
        (&state["lifetime"], &state["rotation"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(state["expires_at"], "2037-04-01T00:00:00Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_token_that_is_known_does_not_come_over() {
    let world = World::new(86_400.0, CI).await;
    let mut host = Host::start(&world).await;
    let answer = taken(
        &mut host,
        "random_password",
        json!({ "id": "none", "result": "x" }),
    )
    .await;
    assert_eq!(said(&answer)[0].2, "This resource cannot be moved");
    let answer = taken(
        &mut host,
        "scaleway_iam_api_key",
        json!({ "secret_key": "x" }),
    )
    .await;
    assert_eq!(said(&answer)[0].2, "The moved state has no id");
}
