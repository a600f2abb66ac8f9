//! Mints of more than one call, mints whose own answer says that they are of no use, and what is sent where
//! nothing was given.

use tokenwright_client::{ErrorKind as K, Issuer, MintRequest, Token};
use tokenwright_core::Parameters;

use crate::support::{Does, json, serve};
use crate::tiny::{chain, is, issuer, request};

const TWO: [(&str, &str); 3] = [
    (
        "mint",
        "{ send: POST /robots, body: { label: $(name) }, item: '{\"id\": first.robot.id, \"name\": first.robot.label, \"more\": answer.note}', \
         then: [{ send: POST /robots/$(first.robot.id)/keys, body: { ttl: $(lifetime) } }], token: { owner: item.more } }",
    ),
    ("token", "{ id: item.id, name: item.name }"),
    (
        "value",
        "{ key: { at: /secret, max: 64 }, early: { at: /robot/early, max: 64 } }",
    ),
];

fn robot() -> Does {
    json(
        "201 Created",
        r#"{"robot": {"id": 7, "label": "n", "early": "e-1"}}"#,
    )
}

#[tokio::test]
async fn a_further_call_of_a_mint_sees_what_the_former_gave_and_the_value_is_taken_from_both() {
    let server = serve(|request| match request.starts_with("POST /robots/7/keys") {
        true => json("201 Created", r#"{"secret": "s-1", "note": "both"}"#),
        false => robot(),
    })
    .await;
    let issuer = issuer(&TWO, &server.endpoint);
    let minted = issuer.mint(&request("1d")).await.unwrap();
    assert_eq!(minted.token.id.as_str(), "7");
    assert_eq!(minted.token.details.owner.as_deref(), Some("both"));
    assert!(is(&minted.value, "key", "s-1") && is(&minted.value, "early", "e-1"));
    assert!(server.received()[1].ends_with(r#"{"ttl":86400}"#));
}

#[tokio::test]
async fn no_expression_of_a_further_call_sees_a_secret_of_the_former() {
    let server = serve(|request| match request.starts_with("POST /robots/7/keys") {
        true => json("201 Created", r#"{"secret": "s-1"}"#),
        false => robot(),
    })
    .await;
    let mint = TWO[0]
        .1
        .replace("ttl: $(lifetime)", "ttl: $(first.robot.early)");
    let issuer = issuer(&[("mint", &mint), TWO[1], TWO[2]], &server.endpoint);
    issuer.mint(&request("1d")).await.unwrap();
    assert!(
        server.received()[1].ends_with("{}"),
        "{:?}",
        server.received()
    );
}

#[tokio::test]
async fn whatever_happens_to_a_further_call_something_may_have_been_made() {
    for does in [
        json("403 No", "{}"),
        json("404 No", "{}"),
        json("429 Slow", "{}"),
        json("500 Oops", "{}"),
        json("201 Created", "<html>"),
        json("201 Created", r#"{"note": "no secret"}"#),
        Does::Closes,
    ] {
        let second = does.clone();
        let server = serve(
            move |request| match request.starts_with("POST /robots/7/keys") {
                true => second.clone(),
                false => robot(),
            },
        )
        .await;
        let issuer = issuer(&TWO, &server.endpoint);
        let error = issuer.mint(&request("1d")).await.unwrap_err();
        assert_eq!(error.kind, K::OutcomeUnknown, "{}", chain(&error));
        assert_eq!(server.received().len(), 2);
    }
    // What the first refuses clearly made nothing.
    let server = serve(|_| json("403 No", "{}")).await;
    let error = issuer(&TWO, &server.endpoint).mint(&request("1d")).await;
    assert_eq!(error.unwrap_err().kind, K::Forbidden);
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_token_that_its_own_answer_proves_useless_is_revoked_and_refused() {
    // {"scope":""} and {"scope":"read"}
    let mint =
        "{ send: POST /t, body: { name: $(name) }, claims: key, refuse: \"claims.scope == ''\" }";
    for (jwt, ended, kind) in [
        ("h.eyJzY29wZSI6IiJ9.s", "204 No Content", Some(K::Forbidden)),
        ("h.eyJzY29wZSI6IiJ9.s", "404 Not Found", Some(K::Forbidden)),
        ("h.eyJzY29wZSI6IiJ9.s", "500 Oops", Some(K::OutcomeUnknown)),
        ("h.eyJzY29wZSI6InJlYWQifQ.s", "500 Oops", None),
    ] {
        let server = serve(move |request| match request.starts_with("DELETE /t/7 ") {
            true => json(ended, if ended.starts_with("204") { "" } else { "{}" }),
            false => json("201 Created", &format!(r#"{{"id": 7, "key": "{jwt}"}}"#)),
        })
        .await;
        let minted = issuer(&[("mint", mint)], &server.endpoint)
            .mint(&request("1d"))
            .await;
        assert_eq!(minted.as_ref().err().map(|e| e.kind), kind, "{jwt} {ended}");
        assert_eq!(server.received().len(), if kind.is_some() { 2 } else { 1 });
        if let Err(error) = minted {
            assert!(chain(&error).contains("mint.refuse"), "{}", chain(&error));
        }
    }
}

#[tokio::test]
async fn a_parameter_that_is_not_given_is_what_the_profile_says() {
    let server = serve(|_| json("201 Created", r#"{"id": 7, "key": "s"}"#)).await;
    let changed = [
        ("parameters", "{ team: { default: main } }"),
        ("mint", "{ send: POST /t/$(team), body: { name: $(name) } }"),
    ];
    let issuer = issuer(&changed, &server.endpoint);
    for (given, path) in [(None, "POST /t/main "), (Some("other"), "POST /t/other ")] {
        let mut asked = request("1d");
        let given = given.map(|team| ("team".to_owned(), team.to_owned()));
        asked.inputs.parameters = given.into_iter().collect::<Parameters>();
        issuer.mint(&asked).await.unwrap();
        assert!(server.received().last().unwrap().starts_with(path));
    }
}

const MARKER: &str = "tw1-dio4f-lifkxs4uwjb5e-1-aaaqea77";

#[tokio::test]
async fn a_system_without_spaces_has_another_character_before_the_marker_and_nobody_else_sees_it() {
    let shown = format!(r#"{{"id": 7, "name": "ci-{MARKER}", "key": "s"}}"#);
    let server = serve(move |request| match request.starts_with("GET") {
        true => json("200 OK", &format!("[{shown}]")),
        false => json("201 Created", &shown),
    })
    .await;
    let name = ("name", "{ max: 64, separator: '-', allowed: '[a-z0-9-]' }");
    let update = (
        "update",
        "{ send: PUT /t/$(id), body: { label: $(name) }, can: [name] }",
    );
    let issuer = issuer(&[name, update], &server.endpoint);
    let asked = MintRequest {
        remote_name: format!("ci {MARKER}"),
        ..request("1d")
    };
    let named = |token: &Token| token.name.clone().unwrap();
    let minted = issuer.mint(&asked).await.unwrap();
    assert_eq!(named(&minted.token), format!("ci {MARKER}"));
    let listed = issuer.list(&Default::default()).await.unwrap();
    assert!(listed[0].marker().is_some());
    let change = tokenwright_core::Change {
        inputs: request("1d").inputs,
        kinds: [tokenwright_core::UpdateKind::Name].into(),
    };
    issuer
        .update(&minted.token.id, &format!("ci {MARKER}"), &change, asked.at)
        .await
        .unwrap();
    for received in server.received().iter().filter(|r| r.starts_with('P')) {
        assert!(received.contains(&format!("ci-{MARKER}")), "{received}");
        assert!(!received.contains(&format!("ci {MARKER}")), "{received}");
    }
    // A wanted name is held against the same characters.
    for (wanted, fits) in [("ci-build", true), ("ci build", false), ("CI", false)] {
        let mut inputs = request("1d").inputs;
        inputs.name = wanted.to_owned();
        assert_eq!(issuer.validate(&inputs).is_ok(), fits, "{wanted}");
    }
}

#[tokio::test]
async fn a_mint_that_is_answered_with_the_token_of_another_one_uses_and_ends_nothing() {
    const OURS: &str = "tw1-dio4f-lifkxs4uwjb5e-1-aaaqea77";
    const THEIRS: &str = "tw1-dio4f-lifkxs4uwjb5e-1-aaaqea76";
    let mints = "{ send: POST /t, body: { name: $(name) } }";
    let refuses = "{ send: POST /t, body: { name: $(name) }, refuse: \"item.id == 7\" }";
    for (mint, name, kind) in [
        (mints, format!("ci {OURS}"), None),
        // Cut or changed it is still the one that was asked for, which is ended by its id.
        (mints, format!("ci {}", &OURS[..20]), None),
        (mints, "another name".to_owned(), None),
        (mints, format!("ci {THEIRS}"), Some(K::OutcomeUnknown)),
        (refuses, format!("ci {THEIRS}"), Some(K::OutcomeUnknown)),
    ] {
        let body = format!(r#"{{"id": 7, "name": "{name}", "key": "k-1"}}"#);
        let server = serve(move |_| json("201 Created", &body)).await;
        let asked = MintRequest {
            remote_name: format!("ci {OURS}"),
            ..request("1d")
        };
        let minted = issuer(&[("mint", mint)], &server.endpoint)
            .mint(&asked)
            .await;
        assert_eq!(minted.err().map(|error| error.kind), kind, "{name}");
        assert_eq!(server.received().len(), 1, "{name}: {mint}");
    }
}
