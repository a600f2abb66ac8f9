//! JupyterHub.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tokenwright_client::revoke::{Evidence, Nomination, NotProven, RevokeError, revoke};
use tokenwright_client::{Clock, Issuer, MintRequest, ProfileIssuer};
use tokenwright_core::{Liveness, ManagerId, Marker, Nonce, Origin, TokenRef};
use tokenwright_testbed::servers::JupyterHub;

use super::api::{As, ask};
use super::client::{assert_holds, inputs, issuer};

const USER: &str = JupyterHub::USERS[0];

fn issuer_of(hub: &JupyterHub) -> ProfileIssuer {
    let credential = [("token", JupyterHub::CREDENTIAL)];
    issuer("jupyterhub", hub.endpoint(), &credential)
}

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
async fn the_jupyterhub_profile_holds_the_contract() -> Result<()> {
    let hub = JupyterHub::shared().await?;
    let issuer = issuer_of(hub);
    let user = JupyterHub::USERS[1];
    assert_holds(
        &issuer,
        inputs(&[("user", user)], &["read:users:name!user"], "1h"),
    )
    .await;
    assert_holds(&issuer, inputs(&[("user", user)], &["inherit"], "never")).await;
    let identity = issuer.identity().await?.map(|who| who.to_string());
    assert_eq!(identity.as_deref(), Some("service:tokenwright"));
    Ok(())
}

/// JupyterHub gives the id of an expired token to the next one: whoever revokes by id alone, ends a
/// stranger's token.
#[tokio::test]
async fn a_revoke_spares_the_token_that_has_the_id_of_an_expired_one() -> Result<()> {
    // Its own: a token of another test would take the id.
    let hub = JupyterHub::start().await?;
    let issuer = issuer_of(&hub);
    let inputs = inputs(&[("user", USER)], &["inherit"], "1s");
    let now = Clock::system().now();
    let marker = Marker {
        origin: Origin::of("tests"),
        manager: ManagerId::of("tests"),
        revision: 1,
        nonce: Nonce::from_bytes([7; 5]),
    };
    let request = MintRequest {
        remote_name: marker.remote_name("short"),
        inputs: inputs.clone(),
        at: now,
        idempotency_key: String::new(),
        send_by: None,
    };
    let minted = issuer.mint(&request).await?;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(issuer.check(&minted.value).await, Liveness::Dead);

    let service = format!("token {}", JupyterHub::CREDENTIAL);
    let service = As::Header(&service);
    let tokens = format!("{}/users/{USER}/tokens", hub.endpoint());
    let (_, listed) = ask(service, "GET", &tokens, None).await;
    assert_eq!(listed, json!({ "api_tokens": [] }), "it has vanished");
    let theirs = json!({ "note": "theirs", "expires_in": 3600 });
    let (_, theirs) = ask(service, "POST", &tokens, Some(theirs)).await;
    assert_eq!(theirs["id"], minted.token.id.as_str());

    let token = TokenRef {
        id: minted.token.id,
        marker,
        parameters: inputs.parameters,
        endpoint: issuer.endpoint().to_owned(),
        identity: issuer.identity().await?,
    };
    let nomination = Nomination {
        minted_at: Some(now),
        expires_at: minted.token.expires_at,
        ..Nomination::of(&token, now)
    };
    let ended = revoke(&issuer, nomination, Evidence::Look, Clock::system().now()).await;
    assert!(
        matches!(
            ended,
            Err(RevokeError::NotProven(NotProven::OtherMarker { .. }))
        ),
        "{ended:?}"
    );
    let (_, listed) = ask(service, "GET", &tokens, None).await;
    assert_eq!(ids(&listed), [theirs["id"].as_str().unwrap()]);
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
