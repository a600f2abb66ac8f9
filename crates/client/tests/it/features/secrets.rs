//! Secrets in answers: none is an id, an owner or a line on a terminal, and yet it can be found by its digest.

use tokenwright_client::{ErrorKind as K, Evidence, Filter, Issuer, Nomination, Revoked, revoke};
use tokenwright_core::{Marker, Parameters, TokenId, TokenRef};

use crate::support::{json, serve};
use crate::tiny::{chain, is, issuer, request};

const SECRET: &str = "tok-4f1d9a7c2e-the-first";
const OTHER: &str = "tok-8b3e5f0a1c-the-other";
const MARKER: &str = "tw1-dio4f-lifkxs4uwjb5e-1-aaaqea77";

/// A system whose ids are the secrets themselves.
const BARE: [(&str, &str); 5] = [
    (
        "token",
        "{ id: item.secret, name: item.label, owner: item.secret }",
    ),
    ("value", "{ key: { at: /secret, max: 64 } }"),
    (
        "mint",
        "{ send: POST /t, body: { label: $(name) }, secrets: [/secret] }",
    ),
    (
        "list",
        "{ send: GET /t, items: answer.tokens, secrets: [/tokens/*/secret] }",
    ),
    (
        "revoke",
        "{ send: 'DELETE /t/:secret', put: { ':secret': key } }",
    ),
];

fn listing() -> String {
    format!(
        r#"{{"tokens": [{{"secret": "{OTHER}", "label": "x"}}, {{"secret": "{SECRET}", "label": "n {MARKER}"}}]}}"#
    )
}

async fn bare() -> crate::support::Server {
    serve(
        |request| match request.split(' ').next().unwrap_or_default() {
            "POST" => json(
                "201 Created",
                &format!(r#"{{"secret": "{SECRET}", "label": "n"}}"#),
            ),
            "GET" => json("200 OK", &listing()),
            _ => json("204 No Content", ""),
        },
    )
    .await
}

#[tokio::test]
async fn an_id_that_is_a_secret_is_its_digest_at_the_mint_and_in_every_listing() {
    let server = bare().await;
    let issuer = issuer(&BARE, &server.endpoint);
    let minted = issuer.mint(&request("never")).await.unwrap();
    assert!(is(&minted.value, "key", SECRET));
    let listed = issuer.list(&Filter::default()).await.unwrap();
    assert_eq!(listed[1].id, minted.token.id);
    assert_ne!(listed[0].id, minted.token.id);
    let shown = format!("{minted:?} {listed:?}");
    assert!(!shown.contains(SECRET) && !shown.contains(OTHER), "{shown}");
    // A record names a token by it: it is the same for ever at one endpoint, and another one elsewhere.
    let elsewhere = bare().await;
    let there = crate::tiny::issuer(&BARE, &elsewhere.endpoint);
    let there = there.list(&Filter::default()).await.unwrap();
    assert_ne!(there[1].id, minted.token.id);
}

#[tokio::test]
async fn a_revoke_finds_the_secret_of_such_an_id_by_listing_and_sends_nothing_else() {
    let server = bare().await;
    let issuer = issuer(&BARE, &server.endpoint);
    let minted = issuer.mint(&request("never")).await.unwrap();
    let token = TokenRef {
        id: minted.token.id,
        marker: Marker::of_name(MARKER).unwrap(),
        endpoint: issuer.endpoint().to_owned(),
        identity: None,
        parameters: Parameters::new(),
    };
    let now = jiff::Timestamp::UNIX_EPOCH;
    let nomination = Nomination::of(&token, now);
    let revoked = revoke(&issuer, nomination, Evidence::Look, now).await;
    assert_eq!(revoked.unwrap(), Revoked::Sent);
    let lines: Vec<_> = server.received();
    let lines: Vec<_> = lines.iter().map(|r| r.lines().next().unwrap()).collect();
    let end = format!("DELETE /t/{SECRET} HTTP/1.1");
    assert_eq!(lines.last(), Some(&end.as_str()));
    assert_eq!(lines.iter().filter(|l| l.starts_with("DELETE")).count(), 1);
}

#[tokio::test]
async fn what_only_a_listing_could_find_and_does_not_show_is_not_sent() {
    let server = serve(|_| json("200 OK", r#"{"tokens": []}"#)).await;
    let issuer = issuer(&BARE, &server.endpoint);
    let got = issuer.get(&TokenId::new("0123"), &Parameters::new()).await;
    assert_eq!(got.unwrap(), None);
    assert!(server.received().iter().all(|r| r.starts_with("GET ")));
}

#[tokio::test]
async fn secrets_beside_an_id_are_hidden_in_every_answer_that_shows_a_token() {
    let item =
        r#"{"id": 7, "name": "n", "more": {"pass": "hunter2hunter2hunter2"}, "key": "hunter3"}"#;
    let server = serve(move |request| match request.starts_with("GET /t/") {
        true => json("200 OK", item),
        false => json("200 OK", &format!("[{item}]")),
    })
    .await;
    let changed = [
        (
            "token",
            "{ id: item.id, name: item.name, owner: item.key or item.more.pass }",
        ),
        ("list", "{ send: GET /t, secrets: ['/*/more/pass'] }"),
        ("get", "{ send: GET /t/$(id), secrets: [/more/pass] }"),
    ];
    let issuer = issuer(&changed, &server.endpoint);
    let listed = issuer.list(&Filter::default()).await.unwrap();
    let got = issuer.get(&TokenId::new("7"), &Parameters::new()).await;
    let got = got.unwrap().unwrap();
    assert_eq!(listed[0], got);
    let owner = got.details.owner.clone().unwrap();
    assert!(owner.len() == 32 && !owner.contains("hunter"), "{owner}");
}

#[tokio::test]
async fn a_secret_that_is_short_enough_to_guess_has_no_digest() {
    let server = serve(|_| {
        json(
            "200 OK",
            r#"{"tokens": [{"secret": "hunter2", "label": "x"}]}"#,
        )
    })
    .await;
    let error = issuer(&BARE, &server.endpoint)
        .list(&Filter::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind, K::AnswerNotUnderstood);
    let told = chain(&error);
    assert!(
        told.contains("id is missing") && !told.contains("hunter2"),
        "{told}"
    );
}

#[tokio::test]
async fn no_rule_about_answers_sees_a_secret_of_one() {
    // What is a refusal, whose answer it is and what it says are asked of every answer.
    let changed = [
        ("answers", "{ own: answer.key is none }"),
        (
            "errors",
            "{ when: answer.key is not none, kind: answer.key, map: { hunter2: Forbidden } }",
        ),
    ];
    let server =
        serve(|_| json("201 Created", r#"{"id": 7, "key": "hunter2", "name": "n"}"#)).await;
    let issuer = issuer(&changed, &server.endpoint);
    assert!(issuer.mint(&request("never")).await.is_ok());
}
