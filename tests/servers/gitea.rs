//! Gitea.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::{Value, json};
use tokenwright_client::{ErrorKind, Filter, Issuer, ProfileIssuer, SecretText, SecretValue};
use tokenwright_core::{Liveness, LostAnswer};
use tokenwright_testbed::servers::Gitea;

use super::api::{As, ask};
use super::client::{assert_holds, inputs, issuer};

const ROOT: As<'static> = As::Basic(Gitea::USER, Gitea::PASSWORD);

fn issuer_of(gitea: &Gitea, username: &str, password: &str) -> ProfileIssuer {
    let credential = [("username", username), ("password", password)];
    issuer("gitea", gitea.endpoint(), &credential)
}

fn value(text: &str) -> SecretValue {
    SecretValue::new([("token".to_owned(), SecretText::new(text.to_owned()))])
}

/// Mints with plain HTTP, and returns the whole answer.
async fn mint(gitea: &Gitea, who: As<'_>, user: &str, wanted: Value) -> (u16, Value) {
    let tokens = format!("{}/users/{user}/tokens", gitea.endpoint());
    ask(who, "POST", &tokens, Some(wanted)).await
}

fn text<'a>(answer: &'a Value, key: &str) -> &'a str {
    answer[key].as_str().unwrap()
}

#[tokio::test]
async fn a_token_of_gitea_is_minted_listed_used_and_revoked() -> Result<()> {
    let gitea = Gitea::shared().await?;
    let (user, password) = ("grace", "password-of-grace");
    gitea.user(user, password).await?;
    let grace = As::Basic(user, password);
    let me = format!("{}/user", gitea.endpoint());
    let tokens = format!("{}/users/{user}/tokens", gitea.endpoint());

    let (status, answer) = ask(grace, "GET", &tokens, None).await;
    assert_eq!((status, answer), (200, json!([])));

    let scopes = ["read:repository", "write:repository", "read:user"];
    let wanted = json!({ "name": "ci tokenwright", "scopes": scopes });
    let (status, minted) = mint(gitea, grace, user, wanted.clone()).await;
    assert_eq!(status, 201, "{minted}");
    let kept = json!(["write:repository", "read:user"]);
    assert_eq!(minted["scopes"], kept, "a write swallows its read");
    assert_eq!(minted["created_at"], "0001-01-01T00:00:00Z");
    let secret = text(&minted, "sha1");
    assert_eq!(secret.len(), 40);

    let (status, listed) = ask(grace, "GET", &tokens, None).await;
    assert_eq!((status, &listed[0]["name"]), (200, &minted["name"]));
    assert_eq!(listed[0]["sha1"], "");
    assert_eq!(listed[0]["scopes"], kept);
    assert_eq!(listed[0]["last_used_at"], listed[0]["created_at"]);
    assert!(text(&listed[0], "created_at").starts_with("20"));

    let (status, answer) = mint(gitea, grace, user, wanted).await;
    assert_eq!(status, 400, "one name once: {answer}");

    let header = format!("token {secret}");
    let bearer = As::Header(&header);
    let (status, answer) = ask(bearer, "GET", &me, None).await;
    assert_eq!((status, &answer["login"]), (200, &json!(user)));
    let (status, _) = ask(bearer, "GET", &tokens, None).await;
    assert_eq!(status, 401, "not in this header");

    let one = format!("{tokens}/{}", minted["id"]);
    let (status, answer) = ask(grace, "DELETE", &one, None).await;
    assert_eq!((status, answer), (204, json!("")));
    let (status, _) = ask(bearer, "GET", &me, None).await;
    assert_eq!(status, 401);
    let (status, answer) = ask(grace, "DELETE", &one, None).await;
    assert_eq!((status, &answer["message"]), (404, &json!("not found")));
    Ok(())
}

#[tokio::test]
async fn the_gitea_profile_holds_the_contract() -> Result<()> {
    let gitea = Gitea::shared().await?;
    let (user, password) = ("linus", "password-of-linus");
    gitea.user(user, password).await?;
    let own = issuer_of(gitea, user, password);
    let scopes = ["read:repository", "write:repository", "read:user"];
    assert_holds(&own, inputs(&[("user", user)], &scopes, "never")).await;
    let root = issuer_of(gitea, Gitea::USER, Gitea::PASSWORD);
    assert_holds(&root, inputs(&[("user", user)], &["write:issue"], "never")).await;

    let tokens = format!("{}/users/{user}/tokens", gitea.endpoint());
    let (_, listed) = ask(ROOT, "GET", &tokens, None).await;
    assert_eq!(listed, json!([]), "nothing is left");
    assert_eq!(root.capabilities().lost_answer, LostAnswer::FindByMarker);
    let (own, root) = (own.identity().await?, root.identity().await?);
    assert!(own.is_some() && root.is_some());
    assert_ne!(own, root);
    Ok(())
}

/// They are sorted by the second of their birth alone, so that those of one second may change places
/// between two pages.
#[tokio::test]
async fn more_tokens_than_gitea_shows_on_a_page_are_all_listed() -> Result<()> {
    let gitea = Gitea::shared().await?;
    let (user, password) = ("barbara", "password-of-barbara");
    gitea.user(user, password).await?;
    let barbara = As::Basic(user, password);
    for number in 1..=60 {
        let wanted = json!({ "name": format!("number {number}"), "scopes": ["read:user"] });
        let (status, answer) = mint(gitea, barbara, user, wanted).await;
        assert_eq!(status, 201, "{answer}");
    }
    let filter = Filter::of([("user".to_owned(), user.to_owned())].into());
    let listed = issuer_of(gitea, user, password).list(&filter).await?;
    let names: BTreeSet<_> = listed.iter().map(|token| &token.name).collect();
    assert_eq!((listed.len(), names.len()), (60, 60));
    assert!(
        listed
            .iter()
            .all(|token| token.details.created_at.is_some())
    );
    Ok(())
}

/// The documentation says that only a password manages tokens.
#[tokio::test]
async fn a_token_with_the_scope_to_write_its_user_manages_tokens_in_place_of_a_password()
-> Result<()> {
    let gitea = Gitea::shared().await?;
    let (user, password) = ("ada", "password-of-ada");
    gitea.user(user, password).await?;
    let ada = As::Basic(user, password);
    let wanted = json!({ "name": "tokenwright", "scopes": ["write:user"] });
    let (_, minted) = mint(gitea, ada, user, wanted).await;
    let by_token = issuer_of(gitea, user, text(&minted, "sha1"));
    assert_holds(
        &by_token,
        inputs(&[("user", user)], &["read:user"], "never"),
    )
    .await;
    let by_password = issuer_of(gitea, user, password);
    assert_eq!(by_token.identity().await?, by_password.identity().await?);

    let wanted = json!({ "name": "reader", "scopes": ["read:user"] });
    let (_, reader) = mint(gitea, ada, user, wanted).await;
    let reader = As::Basic(user, text(&reader, "sha1"));
    let wanted = json!({ "name": "more", "scopes": ["read:user"] });
    let (status, answer) = mint(gitea, reader, user, wanted).await;
    assert_eq!(status, 403, "{answer}");
    Ok(())
}

#[tokio::test]
async fn a_token_of_a_user_who_may_not_sign_in_is_dead_although_it_gets_a_403() -> Result<()> {
    let gitea = Gitea::shared().await?;
    let (user, password) = ("alan", "password-of-alan");
    gitea.user(user, password).await?;
    let alan = As::Basic(user, password);
    let mut secrets = Vec::new();
    for scope in ["read:user", "read:repository"] {
        let wanted = json!({ "name": scope, "scopes": [scope] });
        let (_, minted) = mint(gitea, alan, user, wanted).await;
        secrets.push(text(&minted, "sha1").to_owned());
    }
    let issuer = issuer_of(gitea, user, password);
    for secret in &secrets {
        assert_eq!(issuer.check(&value(secret)).await, Liveness::Alive);
    }
    let me = format!("{}/user", gitea.endpoint());
    let header = format!("token {}", secrets[1]);
    let (status, answer) = ask(As::Header(&header), "GET", &me, None).await;
    assert_eq!(status, 403, "its scopes do not let it see its user");
    assert!(text(&answer, "message").contains("required scope"));

    let one = format!("{}/admin/users/{user}", gitea.endpoint());
    let wanted = json!({ "login_name": user, "source_id": 0, "prohibit_login": true });
    let (status, answer) = ask(ROOT, "PATCH", &one, Some(wanted)).await;
    assert_eq!(status, 200, "{answer}");
    let (status, answer) = ask(As::Header(&header), "GET", &me, None).await;
    assert_eq!(status, 403);
    assert!(text(&answer, "message").contains("prohibited from signing in"));
    for secret in &secrets {
        assert_eq!(issuer.check(&value(secret)).await, Liveness::Dead);
    }
    assert_eq!(issuer.check(&value("nonsense")).await, Liveness::Dead);
    Ok(())
}

#[tokio::test]
async fn what_gitea_grants_to_whom() -> Result<()> {
    let gitea = Gitea::shared().await?;
    let (user, password) = ("edsger", "password-of-edsger");
    gitea.user(user, password).await?;
    let own = As::Basic(user, password);
    for (who, of, wanted, expected) in [
        (own, user, json!({ "name": "none" }), 400),
        (own, user, json!({ "name": "odd", "scopes": ["odd"] }), 400),
        (own, user, json!({ "name": "", "scopes": ["all"] }), 422),
        (
            own,
            user,
            json!({ "name": "é".repeat(255), "scopes": ["all"] }),
            201,
        ),
        (
            own,
            Gitea::USER,
            json!({ "name": "hers", "scopes": ["all"] }),
            403,
        ),
        (ROOT, user, json!({ "name": "his", "scopes": ["all"] }), 201),
        (
            ROOT,
            "nobody",
            json!({ "name": "whose", "scopes": ["all"] }),
            404,
        ),
        (
            As::Nobody,
            user,
            json!({ "name": "whose", "scopes": ["all"] }),
            403,
        ),
        (
            As::Basic(user, "wrong"),
            user,
            json!({ "name": "w", "scopes": ["all"] }),
            401,
        ),
    ] {
        let (status, answer) = mint(gitea, who, of, wanted.clone()).await;
        assert_eq!(status, expected, "{who:?} {of} {wanted}: {answer}");
    }
    let wrong = issuer_of(gitea, user, "wrong");
    let error = wrong.identity().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthenticated);
    Ok(())
}
