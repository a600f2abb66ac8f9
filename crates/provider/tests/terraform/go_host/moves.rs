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

#[tokio::test(flavor = "multi_thread")]
async fn each_source_gives_its_token_its_value_and_what_was_asked_for_and_nothing_else_is_taken() {
    let world = World::new(86_400.0, CI).await;
    // Not configured: a core moves states before that.
    let mut host = Host::start(&world).await;
    let gitlab = json!({
        "id": "25:42", "project": "25", "group": "7", "user_id": 5, "name": "ci", "token": "glpat-x",
        "scopes": ["api"], "access_level": "maintainer", "expires_at": "2037-01-31", "created_at": "2026-01-01T00:00:00Z",
    });
    for (of, state, id, parameters) in [
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
            gitlab,
            "42",
            json!({ "group": "7", "access_level": "maintainer" }),
        ),
        (
            "grafana_service_account_token",
            json!({ "id": "3", "name": "ci", "service_account_id": "1:9", "key": "glpat-x", "expiration": "2037-01-31T00:00:00Z" }),
            "3",
            json!({ "service_account_id": "9" }),
        ),
        (
            "grafana_cloud_access_policy_token",
            json!({ "id": "us:3", "name": "ci", "region": "us", "access_policy_id": "p", "token": "glpat-x", "expires_at": null }),
            "3",
            json!({ "region": "us", "access_policy_id": "p" }),
        ),
    ] {
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
