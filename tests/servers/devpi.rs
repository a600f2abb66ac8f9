//! devpi-server with devpi-tokens.

use anyhow::Result;
use serde_json::{Value, json};
use tokenwright_client::{ErrorKind, Issuer};
use tokenwright_core::LostAnswer;
use tokenwright_testbed::servers::Devpi;

use super::api::{As, ask, processes_with};
use super::client::{assert_holds, inputs, issuer};

const ROOT: As<'static> = As::Basic(Devpi::USER, Devpi::PASSWORD);

/// The ids of a listing.
fn ids(listing: &Value) -> Vec<&str> {
    let tokens = listing["result"]["tokens"].as_object().unwrap();
    tokens.keys().map(String::as_str).collect()
}

/// Who the server says is asking: `ok` and a name, or `noauth`.
fn status_of(answer: &Value) -> (&str, &str) {
    let status = &answer["result"]["authstatus"];
    (status[0].as_str().unwrap(), status[1].as_str().unwrap())
}

#[tokio::test]
async fn a_token_of_devpi_is_minted_listed_used_and_revoked() -> Result<()> {
    let devpi = Devpi::shared().await?;
    let user = devpi.user("grace", "password-of-grace").await?;
    let (create, tokens) = (format!("{user}/+token-create"), format!("{user}/+tokens"));
    let api = format!("{}/+api", devpi.endpoint());

    let (status, answer) = ask(ROOT, "GET", &tokens, None).await;
    assert_eq!((status, ids(&answer)), (200, vec![]));

    let wanted = json!({ "allowed": ["upload", "pkg_read"], "expires": 4_000_000_000_u64 });
    let (status, minted) = ask(ROOT, "POST", &create, Some(wanted)).await;
    assert_eq!(status, 200, "{minted}");
    let shape = minted["result"].as_object().unwrap().keys();
    assert!(shape.eq(["token"]), "a value, and neither id nor expiry");
    let value = minted["result"]["token"].as_str().unwrap();
    assert!(value.starts_with("devpi-"));

    let (_, listed) = ask(ROOT, "GET", &tokens, None).await;
    let id = ids(&listed)[0];
    assert_eq!(
        listed["result"]["tokens"],
        json!({ id: { "restrictions": ["allowed=pkg_read,upload", "expires=4000000000"] } }),
        "no name, no time of birth; what was asked is sorted"
    );

    let header = format!("Bearer {value}");
    let bearer = As::Header(&header);
    let (status, answer) = ask(bearer, "GET", &api, None).await;
    assert_eq!((status, status_of(&answer)), (200, ("ok", "grace")));
    let (status, answer) = ask(bearer, "GET", &tokens, None).await;
    assert_eq!(status, 403, "a token cannot manage tokens");
    assert!(answer.as_str().unwrap().starts_with("<html>"));

    let one = format!("{tokens}/{id}");
    let (status, answer) = ask(ROOT, "DELETE", &one, None).await;
    let message = format!("token {id} deleted");
    assert_eq!((status, answer), (200, json!({ "message": message })));
    let (status, answer) = ask(bearer, "GET", &api, None).await;
    assert_eq!(status, 403);
    assert!(answer.as_str().unwrap().starts_with("<html>"));
    let (status, answer) = ask(ROOT, "DELETE", &one, None).await;
    assert_eq!(status, 404);
    assert!(answer.as_str().unwrap().starts_with("<html>"));
    Ok(())
}

#[tokio::test]
async fn devpi_says_200_to_a_value_that_is_no_token_at_all() -> Result<()> {
    let devpi = Devpi::shared().await?;
    let api = format!("{}/+api", devpi.endpoint());
    for who in [
        As::Nobody,
        As::Header("Bearer nonsense"),
        As::Basic(Devpi::USER, "wrong"),
    ] {
        let (status, answer) = ask(who, "GET", &api, None).await;
        assert_eq!((status, status_of(&answer)), (200, ("noauth", "")));
    }
    Ok(())
}

#[tokio::test]
async fn what_devpi_grants_to_whom_and_for_how_long() -> Result<()> {
    let devpi = Devpi::shared().await?;
    let password = "password-of-ada";
    let user = devpi.user("ada", password).await?;
    let create = format!("{user}/+token-create");
    let ada = As::Basic("ada", password);
    for (who, wanted, expected) in [
        (ada, json!({}), 200),
        (ada, json!({ "allowed": ["no-such-permission"] }), 200),
        (ada, json!({ "expires": 5 }), 400),
        (ada, json!({ "expires": "soon" }), 400),
        (ada, json!({ "name": "a marker" }), 400),
        (ada, json!({ "expires": 4_000_000_000_u64 }), 403),
        (ada, json!({ "expires": "never" }), 403),
        (ROOT, json!({ "expires": "never" }), 200),
    ] {
        let (status, answer) = ask(who, "POST", &create, Some(wanted.clone())).await;
        assert_eq!(status, expected, "{who:?} {wanted}: {answer}");
    }
    let root = format!("{}/root/+token-create", devpi.endpoint());
    let (status, _) = ask(ada, "POST", &root, Some(json!({}))).await;
    assert_eq!(status, 403, "another's tokens");
    let nobody = format!("{}/nobody/+token-create", devpi.endpoint());
    let (status, _) = ask(ROOT, "POST", &nobody, Some(json!({}))).await;
    assert_eq!(status, 404);
    Ok(())
}

#[tokio::test]
async fn the_devpi_profile_holds_the_contract() -> Result<()> {
    let devpi = Devpi::shared().await?;
    let (user, password) = ("linus", "password-of-linus");
    devpi.user(user, password).await?;
    let root = [("user", Devpi::USER), ("password", Devpi::PASSWORD)];
    let root = issuer("devpi", devpi.endpoint(), &root);
    assert_holds(&root, inputs(&[("user", user)], &[], "1h")).await;
    let own = [("user", user), ("password", password)];
    let own = issuer("devpi", devpi.endpoint(), &own);
    assert_holds(
        &own,
        inputs(&[("user", user)], &["pkg_read", "upload"], "30d"),
    )
    .await;

    let tokens = format!("{}/{user}/+tokens", devpi.endpoint());
    let (_, listed) = ask(ROOT, "GET", &tokens, None).await;
    assert_eq!(ids(&listed), [""; 0], "nothing is left");
    let identity = own.identity().await?.map(|who| who.to_string());
    assert_eq!(identity.as_deref(), Some(user));
    Ok(())
}

#[tokio::test]
async fn devpi_tokens_have_no_name_so_a_lost_one_could_not_be_found_and_never_is_refused()
-> Result<()> {
    let devpi = Devpi::shared().await?;
    let root = [("user", Devpi::USER), ("password", Devpi::PASSWORD)];
    let root = issuer("devpi", devpi.endpoint(), &root);
    assert_eq!(root.capabilities().lost_answer, LostAnswer::CannotAttribute);
    let refused = root
        .validate(&inputs(&[("user", Devpi::USER)], &[], "never"))
        .unwrap_err();
    assert_eq!(refused.field, "lifetime");
    assert!(
        refused.to_string().contains("could not be found"),
        "{refused}"
    );

    let wrong = [("user", Devpi::USER), ("password", "wrong")];
    let wrong = issuer("devpi", devpi.endpoint(), &wrong);
    let error = wrong.identity().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthenticated);
    Ok(())
}

#[tokio::test]
async fn a_server_ends_with_what_holds_it() -> Result<()> {
    let devpi = Devpi::start().await?;
    let port = devpi.endpoint().rsplit(':').next().unwrap();
    let argument = format!("--port={port}");
    assert!(processes_with(&argument) >= 1);
    drop(devpi);
    assert_eq!(processes_with(&argument), 0);
    Ok(())
}
