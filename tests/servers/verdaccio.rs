//! Verdaccio, a registry that people run themselves, and that speaks to npm.

use anyhow::Result;
use serde_json::{Value, json};
use tokenwright_client::{Issuer, ProfileIssuer, SecretText, SecretValue};
use tokenwright_core::Liveness;
use tokenwright_testbed::servers::Verdaccio;

use super::api::{As, ask};
use super::client::issuer;

fn issuer_of(registry: &Verdaccio) -> ProfileIssuer {
    issuer("npm", registry.endpoint(), &[])
}

async fn check(issuer: &ProfileIssuer, value: &str) -> Liveness {
    let text = SecretText::new(value.to_owned());
    let value = SecretValue::new([("token".to_owned(), text)]);
    issuer.check(&value).await
}

async fn whoami(registry: &Verdaccio, who: As<'_>) -> (u16, Value) {
    let address = format!("{}/-/whoami", registry.endpoint());
    ask(who, "GET", &address, None).await
}

#[tokio::test]
async fn a_value_of_an_npm_registry_lives_and_dies_with_its_token() -> Result<()> {
    let registry = Verdaccio::shared().await?;
    let (user, password) = ("ada", "password-of-ada");
    let login = registry.user(user, password).await?;
    let header = format!("Bearer {login}");
    let ada = As::Header(&header);
    let tokens = format!("{}/-/npm/v1/tokens", registry.endpoint());
    let wanted = json!({ "password": password, "readonly": true, "cidr_whitelist": [] });
    let (status, minted) = ask(ada, "POST", &tokens, Some(wanted)).await;
    assert_eq!(status, 200, "{minted}");
    let value = minted["token"].as_str().unwrap();

    let issuer = issuer_of(registry);
    assert_eq!(check(&issuer, value).await, Liveness::Alive);
    assert_eq!(check(&issuer, &login).await, Liveness::Alive);
    let bearer = format!("Bearer {value}");
    let bearer = As::Header(&bearer);
    let answered = whoami(registry, bearer).await;
    assert_eq!(answered, (200, json!({ "username": user })));

    let one = format!("{tokens}/token/{}", minted["key"].as_str().unwrap());
    let (status, _) = ask(ada, "DELETE", &one, None).await;
    assert_eq!(status, 200);
    assert_eq!(check(&issuer, value).await, Liveness::Dead);
    let answered = whoami(registry, bearer).await;
    assert_eq!(answered, (403, json!({ "error": "unauthorized access" })));
    assert_eq!(check(&issuer, &login).await, Liveness::Alive);
    Ok(())
}

#[tokio::test]
async fn an_npm_registry_that_says_200_to_what_is_no_token_is_not_believed() -> Result<()> {
    let registry = Verdaccio::shared().await?;
    let issuer = issuer_of(registry);
    for value in ["nonsense", "npm_abcdefghijklmnopqrstuvwxyz0123456789"] {
        let header = format!("Bearer {value}");
        let answered = whoami(registry, As::Header(&header)).await;
        assert_eq!(answered, (200, json!({})));
        assert_eq!(check(&issuer, value).await, Liveness::Dead);
    }
    let answered = whoami(registry, As::Nobody).await;
    assert_eq!(answered, (200, json!({})));
    Ok(())
}
