//! JupyterHub.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tokenwright_testbed::servers::JupyterHub;

use super::api::{As, ask};

const USER: &str = JupyterHub::USERS[0];

/// The ids of a listing.
fn ids(listing: &Value) -> Vec<&str> {
    let tokens = listing["api_tokens"].as_array().unwrap();
    tokens.iter().map(|t| t["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_token_of_jupyterhub_is_minted_listed_used_and_revoked() -> Result<()> {
    let hub = JupyterHub::shared().await?;
    let service = format!("token {}", JupyterHub::CREDENTIAL);
    let service = As::Header(&service);
    let me = format!("{}/user", hub.endpoint());
    let tokens = format!("{}/users/{}/tokens", hub.endpoint(), USER);

    let (status, answer) = ask(service, "GET", &me, None).await;
    assert_eq!((status, &answer["name"]), (200, &json!("tokenwright")));
    let (status, answer) = ask(service, "GET", &tokens, None).await;
    assert_eq!((status, answer), (200, json!({ "api_tokens": [] })));

    let wanted = json!({
        "note": "ci tokenwright",
        "scopes": ["read:users:name!user"],
        "expires_in": 3600,
    });
    let (status, minted) = ask(service, "POST", &tokens, Some(wanted)).await;
    assert_eq!(status, 201, "{minted}");
    assert_eq!(minted["note"], "ci tokenwright");
    assert_eq!(minted["user"], USER);
    let id = minted["id"].as_str().unwrap();
    let value = minted["token"].as_str().unwrap();
    let asked = json!("read:users:name!user");
    let scopes = minted["scopes"].as_array().unwrap();
    assert!(
        !scopes.contains(&asked) && scopes.len() > 1,
        "what was asked is not what is read: {scopes:?}"
    );

    let (status, listed) = ask(service, "GET", &tokens, None).await;
    assert_eq!((status, ids(&listed)), (200, vec![id]));
    assert_eq!(listed["api_tokens"][0]["expires_at"], minted["expires_at"]);
    assert_eq!(listed["api_tokens"][0]["token"], Value::Null);
    let one = format!("{tokens}/{id}");
    let (status, shown) = ask(service, "GET", &one, None).await;
    assert_eq!((status, &shown["note"]), (200, &minted["note"]));

    let header = format!("token {value}");
    let bearer = As::Header(&header);
    let (status, answer) = ask(bearer, "GET", &me, None).await;
    assert_eq!((status, &answer["name"]), (200, &json!(USER)));
    let (status, _) = ask(bearer, "GET", &tokens, None).await;
    assert_eq!(status, 403, "its scopes do not let it read tokens");

    let (status, answer) = ask(service, "DELETE", &one, None).await;
    assert_eq!((status, answer), (204, json!("")));
    let (status, answer) = ask(bearer, "GET", &me, None).await;
    assert_eq!((status, &answer["status"]), (403, &json!(403)));
    let (status, _) = ask(service, "DELETE", &one, None).await;
    assert_eq!(status, 404);
    let (status, _) = ask(service, "GET", &one, None).await;
    assert_eq!(status, 404);
    Ok(())
}

#[tokio::test]
async fn an_expired_token_of_jupyterhub_vanishes_and_its_id_comes_back() -> Result<()> {
    // Its own: a token of another test would take the id.
    let hub = JupyterHub::start().await?;
    let service = format!("token {}", JupyterHub::CREDENTIAL);
    let service = As::Header(&service);
    let tokens = format!("{}/users/{}/tokens", hub.endpoint(), USER);
    let short = json!({ "note": "short", "expires_in": 1 });
    let (_, minted) = ask(service, "POST", &tokens, Some(short)).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;

    let (_, listed) = ask(service, "GET", &tokens, None).await;
    assert_eq!(listed, json!({ "api_tokens": [] }));
    let header = format!("token {}", minted["token"].as_str().unwrap());
    let me = format!("{}/user", hub.endpoint());
    let (status, _) = ask(As::Header(&header), "GET", &me, None).await;
    assert_eq!(status, 403);
    let next = json!({ "note": "next", "expires_in": 3600 });
    let (_, next) = ask(service, "POST", &tokens, Some(next)).await;
    assert_eq!(next["id"], minted["id"], "another token has its id now");
    Ok(())
}

#[tokio::test]
async fn what_jupyterhub_cannot_grant_is_refused() -> Result<()> {
    let hub = JupyterHub::shared().await?;
    let service = format!("token {}", JupyterHub::CREDENTIAL);
    let service = As::Header(&service);
    let tokens = format!("{}/users/{}/tokens", hub.endpoint(), USER);
    for wanted in [
        json!({ "scopes": ["admin:users"] }),
        json!({ "scopes": ["no:such"] }),
        json!({ "expires_in": -5 }),
        json!({ "expires_in": 0 }),
    ] {
        let (status, answer) = ask(service, "POST", &tokens, Some(wanted.clone())).await;
        assert_eq!(status, 400, "{wanted}: {answer}");
        assert!(answer["message"].is_string(), "{wanted}: {answer}");
    }
    let nobody = format!("{}/users/nobody/tokens", hub.endpoint());
    let (status, _) = ask(service, "POST", &nobody, Some(json!({}))).await;
    assert_eq!(status, 403);
    for who in [As::Nobody, As::Header("token nonsense")] {
        let (status, _) = ask(who, "GET", &tokens, None).await;
        assert_eq!(status, 403, "{who:?}");
    }
    Ok(())
}
