//! Who authenticates: adopted values, logins, the credential's own claims.

use std::sync::Arc;

use tokenwright_client::{
    About, ErrorKind as K, Issuer, Profile, ProfileIssuer, ProfileSettings, SecretText, SecretValue,
};
use tokenwright_core::{Disable, Liveness, LostAnswer, Parameters, TokenId};

use crate::support::{answer, json, serve};
use crate::tiny::{chain, file, issuer, request, value, with_credential};

const ADOPT: [(&str, &str); 11] = [
    ("credential", ""),
    ("name", ""),
    ("scopes", ""),
    ("lifetime", ""),
    ("token", ""),
    ("mint", ""),
    ("list", ""),
    ("revoke", ""),
    ("value", "{ key: { max: 64 } }"),
    ("manual", "make keys in the dashboard"),
    (
        "check",
        "{ send: GET /teams, header: { name: X-Key, prefix: 'k ', part: key }, dead: [403] }",
    ),
];

#[tokio::test]
async fn an_adopt_only_system_checks_and_refuses_everything_else_before_it_is_sent() {
    let server = serve(|request| match request.contains("x-key: k alive") {
        true => json("200 OK", "[]"),
        false => json("403 No", "{}"),
    })
    .await;
    let issuer = issuer(&ADOPT, &server.endpoint);
    let can = issuer.capabilities();
    assert_eq!(can.lost_answer, LostAnswer::CannotList);
    assert!(can.check && !can.revoke && can.update.is_empty());
    assert_eq!(can.disable, Disable::Unsupported);
    let (id, none) = (TokenId::new("1"), Parameters::new());
    let refusals = [
        issuer.mint(&request("1d")).await.unwrap_err(),
        issuer.get(&id, &none).await.unwrap_err(),
        issuer.list(&Default::default()).await.unwrap_err(),
        issuer
            .set_enabled(&id, &none, tokenwright_core::Switch::Disable)
            .await
            .unwrap_err(),
    ];
    for refusal in refusals {
        let text = chain(&refusal);
        assert_eq!(refusal.kind, K::Invalid, "{text}");
        assert!(text.contains("make keys in the dashboard"), "{text}");
    }
    assert!(issuer.validate(&request("1d").inputs).is_err());
    assert_eq!(server.received().len(), 0);
    assert_eq!(issuer.check(&value("alive")).await, Liveness::Alive);
    assert_eq!(issuer.check(&value("other")).await, Liveness::Dead);
    assert_eq!(issuer.check(&value("")).await, Liveness::Unknown);
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn a_check_sees_the_parameters_and_is_not_sent_without_them() {
    let server = serve(|_| json("200 OK", "{}")).await;
    let parameters = ("parameters", "{ team: {}, project: {} }");
    let check = "{ send: GET /t/$(team), query: { p: $(project) } }";
    let issuer = issuer(&[parameters, ("check", check)], &server.endpoint);
    let given = |names: &[&str]| -> Parameters {
        let pairs = names.iter().map(|name| (name.to_string(), "a b".into()));
        pairs.collect()
    };
    assert!(!issuer.can_check(About::of(&given(&["team"]))));
    assert!(issuer.can_check(About::of(&given(&["team", "project"]))));
    for missing in [&[][..], &["team"], &["project"]] {
        let told = issuer
            .check_with(&value("v"), About::of(&given(missing)))
            .await;
        assert_eq!(told, Liveness::Unknown, "{missing:?}");
    }
    assert_eq!(server.received().len(), 0);
    let all = given(&["team", "project"]);
    assert_eq!(
        issuer.check_with(&value("v"), About::of(&all)).await,
        Liveness::Alive
    );
    assert!(server.received()[0].starts_with("GET /t/a%20b?p=a+b "));
    // What stands in a form is needed as well.
    let check = "{ send: POST /t, form: { team: $(team), p: $(project) } }";
    let by_form = self::issuer(&[parameters, ("check", check)], &server.endpoint);
    assert!(!by_form.can_check(About::of(&given(&["team"]))));
    assert!(by_form.can_check(About::of(&given(&["team", "project"]))));
}

#[tokio::test]
async fn statuses_and_bodies_say_whether_a_value_lives() {
    let check =
        "{ send: GET /me, unknown: [403], aliveWhen: answer.state == 'active' if answer.state }";
    for (status, body, told) in [
        ("200 OK", "{\"state\": \"active\"}", Liveness::Alive),
        ("200 OK", "{\"state\": \"expired\"}", Liveness::Dead),
        ("200 OK", "{}", Liveness::Unknown),
        ("200 OK", "<html>", Liveness::Unknown),
        ("403 No", "{}", Liveness::Unknown),
        ("401 No", "{}", Liveness::Dead),
        ("500 Oops", "{}", Liveness::Unknown),
    ] {
        let server = serve(move |_| json(status, body)).await;
        let issuer = issuer(&[("check", check)], &server.endpoint);
        assert_eq!(issuer.check(&value("v")).await, told, "{status} {body}");
    }
}

#[tokio::test]
async fn the_credential_says_itself_who_it_is() {
    let server = serve(|_| json("500 Oops", "")).await;
    let claim = [("identity", "{ claim: email }")];
    // {"email":"a@example.com"}, and one without it.
    let jwt = "h.eyJlbWFpbCI6ImFAZXhhbXBsZS5jb20ifQ.s";
    let us = with_credential(&claim, &server.endpoint, jwt);
    let identity = us.identity().await.unwrap().unwrap();
    assert_eq!(identity.to_string(), "a@example.com");
    for (bad, wrong) in [("opaque", "no JWT"), ("h.e30.s", "without the claim email")] {
        let error = with_credential(&claim, &server.endpoint, bad)
            .identity()
            .await;
        let error = error.unwrap_err();
        assert_eq!(error.kind, K::Invalid);
        let told = chain(&error);
        assert!(
            told.contains("part key of the credential") && told.contains(wrong),
            "{told}"
        );
        assert!(!told.contains(bad), "{told}");
    }
    assert_eq!(server.received().len(), 0);
}

#[test]
fn a_credential_that_cannot_be_sent_is_told_by_its_part_and_never_shown() {
    let basic = "{ parts: { user: {}, password: {} }, basic: { user: user, password: password } }";
    for (credential, text, told) in [
        (
            "",
            "two\nlines",
            Some("part key of the credential has more than one line"),
        ),
        (
            "",
            "nul\0byte",
            Some("part key of the credential has a control character"),
        ),
        (
            "",
            "schlüssel",
            Some("part key of the credential has a character that is not ASCII"),
        ),
        ("", "\n", Some("the credential has no part key")),
        ("", "word\r\n", None),
        // HTTP Basic encodes what it sends.
        (basic, "schlüssel", None),
        (
            basic,
            "two\nlines",
            Some("part password of the credential has more than one line"),
        ),
    ] {
        let changed = [("credential", credential)];
        let changed = if credential.is_empty() {
            &[][..]
        } else {
            &changed[..]
        };
        let profile = Arc::new(Profile::parse(&file(changed)).unwrap());
        let parts = profile.credential().keys().cloned();
        let parts = parts.map(|part| (part, SecretText::taken_in(text)));
        let settings = ProfileSettings {
            endpoint: Some("https://issuer.example.com".to_owned()),
            credential: SecretValue::new(parts.collect::<Vec<_>>()),
            request_timeout: std::time::Duration::from_secs(1),
        };
        let error = ProfileIssuer::new(profile, settings).err();
        let error = error.map(|error| error.to_string());
        match (&error, told) {
            (Some(error), Some(told)) => assert!(error.starts_with(told), "{text:?}: {error}"),
            (error, told) => assert_eq!(error.as_deref(), told, "{text:?}"),
        }
        if text.trim().len() > 3 {
            assert!(!error.unwrap_or_default().contains(text.trim()), "{text:?}");
        }
    }
}

const LOGIN: &str = "{ parts: { user: {}, password: {} }, \
    header: { name: X-Session, part: login }, \
    login: { send: POST /login, body: { as: robot }, put: { /who/name: user, /who/pass: password }, at: /result/token } }";

#[tokio::test]
async fn a_login_is_made_once_and_again_only_when_its_token_is_refused() {
    let sessions = std::sync::atomic::AtomicUsize::new(0);
    let server = serve(move |request| {
        let order = std::sync::atomic::Ordering::SeqCst;
        if request.starts_with("POST /login") {
            assert!(request.contains("\"as\":\"robot\"") && !request.contains("x-session"));
            assert!(
                request.contains("{\"name\":\"word\",\"pass\":\"word\"}"),
                "{request}"
            );
            let session = sessions.fetch_add(1, order) + 1;
            return json(
                "200 OK",
                &format!("{{\"result\": {{\"token\": \"s{session}\"}}}}"),
            );
        }
        // The first session ends after its first use.
        match request.contains("x-session: s1") && request.starts_with("DELETE") {
            true => json("401 Old", "{}"),
            false => json("200 OK", "[]"),
        }
    })
    .await;
    let issuer = with_credential(&[("credential", LOGIN)], &server.endpoint, "word");
    let all = Default::default();
    issuer.list(&all).await.unwrap();
    issuer.list(&all).await.unwrap();
    let lines = || -> Vec<String> {
        let received = server.received();
        received
            .iter()
            .map(|r| r.lines().next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        lines(),
        ["POST /login HTTP/1.1", "GET /t HTTP/1.1", "GET /t HTTP/1.1"]
    );
    assert!(server.received()[2].contains("x-session: s1"));
}

#[tokio::test]
async fn a_session_that_is_refused_is_renewed_once_and_a_request_never_has_two_effects() {
    let server = serve(|request| match request.lines().next().unwrap_or_default() {
        "POST /login HTTP/1.1" => json("200 OK", "{\"result\": {\"token\": \"s\"}}"),
        "GET /t HTTP/1.1" => json("200 OK", "[]"),
        _ => json("401 Old", "{}"),
    })
    .await;
    let issuer = with_credential(&[("credential", LOGIN)], &server.endpoint, "word");
    // A fresh session that is refused is not renewed.
    let error = issuer.mint(&request("1d")).await.unwrap_err();
    assert_eq!(error.kind, K::Unauthenticated);
    assert_eq!(server.received().len(), 2);
    // One that was kept is, and then it is enough.
    let error = issuer.mint(&request("1d")).await.unwrap_err();
    assert_eq!(error.kind, K::Unauthenticated);
    let lines: Vec<_> = server.received().split_off(2);
    let lines: Vec<_> = lines.iter().map(|r| r.split(' ').nth(1).unwrap()).collect();
    assert_eq!(lines, ["/t", "/login", "/t"]);
}

#[tokio::test]
async fn a_401_of_a_proxy_renews_no_session_and_sends_nothing_again() {
    let page = crate::support::answer("401 Proxy", "text/html", "<html>");
    let server = serve(
        move |request| match request.lines().next().unwrap_or_default() {
            "POST /login HTTP/1.1" => json("200 OK", "{\"result\": {\"token\": \"s\"}}"),
            "GET /t HTTP/1.1" => json("200 OK", "[]"),
            _ => page.clone(),
        },
    )
    .await;
    let issuer = with_credential(&[("credential", LOGIN)], &server.endpoint, "word");
    issuer.list(&Default::default()).await.unwrap();
    let error = issuer.mint(&request("1d")).await.unwrap_err();
    assert_eq!(error.kind, K::OutcomeUnknown);
    assert_eq!(server.received().len(), 3);
}

#[tokio::test]
async fn a_login_that_fails_sends_nothing_more_and_leaves_no_mint_open() {
    for (does, kind) in [
        (json("401 No", "{}"), K::Unauthenticated),
        (json("500 Oops", "{}"), K::Unavailable),
        (json("200 OK", "{}"), K::Unavailable),
        (json("200 OK", "<html>"), K::Unavailable),
        (crate::support::Does::Closes, K::Unavailable),
    ] {
        let server = serve(move |_| does.clone()).await;
        let issuer = with_credential(&[("credential", LOGIN)], &server.endpoint, "word");
        let error = issuer.mint(&request("1d")).await.unwrap_err();
        assert_eq!(error.kind, kind, "{}", chain(&error));
        assert!(!chain(&error).contains("word"));
        assert_eq!(server.received().len(), 1);
    }
}

#[tokio::test]
async fn a_login_may_be_a_form_with_its_token_in_a_header_for_basic() {
    let server = serve(|request| match request.starts_with("POST /in") {
        true => {
            let with = answer("200 OK\r\nx-token: tkt", "text/plain", "");
            assert!(request.ends_with("grant=p&pass=word"), "{request}");
            with
        }
        false => json("200 OK", "[]"),
    })
    .await;
    let credential = "{ parts: { password: {} }, basic: { user: robot$('-' ~ 1), password: login, header: X-Auth }, \
        login: { send: POST /in, form: { grant: p }, put: { pass: password }, atHeader: X-Token, ignoreBody: true } }";
    let issuer = with_credential(&[("credential", credential)], &server.endpoint, "word");
    issuer.list(&Default::default()).await.unwrap();
    // robot-1:tkt
    let received = server.received();
    assert!(
        received[1].contains("x-auth: cm9ib3QtMTp0a3Q="),
        "{}",
        received[1]
    );
}

#[test]
fn a_value_that_is_a_jwt_says_which_token_it_is_and_no_other_does() {
    let jwt = "h.eyJqdGkiOiI5M2VjOGNjNSJ9.s";
    let mint = "{ send: POST /t, body: { n: $(name) }, claims: key, token: { id: claims.jti } }";
    let parts = [("mint", mint), ("value", "{ key: { at: /key, max: 64 } }")];
    let claims = issuer(&parts, "http://127.0.0.1:1");
    assert_eq!(claims.own_id(&value(jwt)), Some(TokenId::new("93ec8cc5")));
    assert_eq!(claims.own_id(&value("opaque")), None);
    let plain = issuer(&parts[1..], "http://127.0.0.1:1");
    assert_eq!(plain.own_id(&value(jwt)), None);
    // An id that is read from the answer as well is not the value's own word.
    let mint = mint.replace("claims.jti", "claims.jti ~ item.id");
    let mixed = issuer(&[("mint", &mint), parts[1]], "http://127.0.0.1:1");
    assert_eq!(mixed.own_id(&value(jwt)), None);
}

#[test]
fn parameters_of_adopted_tokens_are_known_and_none_is_required() {
    let parameters = ("parameters", "{ team: { required: true }, project: {} }");
    let issuer = issuer(&[parameters], "http://127.0.0.1:1");
    let given = |name: &str, value: &str| Parameters::from([(name.into(), value.into())]);
    assert!(issuer.validate_adopted(&Parameters::new()).is_ok());
    assert!(issuer.validate_adopted(&given("project", "p")).is_ok());
    for bad in [given("organization", "o"), given("team", "")] {
        assert!(issuer.validate_adopted(&bad).is_err(), "{bad:?}");
    }
}

#[tokio::test]
async fn a_login_may_give_a_cookie_with_which_all_else_is_sent() {
    let server = serve(|request| match request.starts_with("POST /login") {
        true => json(
            "200 OK\r\nset-cookie: other=1\r\nset-cookie: sid=s-1; Path=/; HttpOnly",
            "{\"id\": 9}",
        ),
        false => json("200 OK", "[]"),
    })
    .await;
    let credential = "{ parts: { password: {} }, login: { send: POST /login, put: { /p: password }, cookie: sid } }";
    let identity = (
        "identity",
        "{ read: \"answer.id ~ headers['set-cookie']\" }",
    );
    let issuer = with_credential(
        &[("credential", credential), identity],
        &server.endpoint,
        "word",
    );
    issuer.list(&Default::default()).await.unwrap();
    let received = server.received();
    assert!(
        received[1].contains("cookie: sid=s-1\r\n"),
        "{}",
        received[1]
    );
    // The answer of the login says who we are, without another request and without the cookie.
    let identity = issuer.identity().await.unwrap().unwrap();
    assert_eq!(identity.to_string(), "9");
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn a_login_without_the_cookie_or_the_identity_that_it_should_give_is_a_failure_that_says_so()
{
    let credential = "{ parts: { password: {} }, login: { send: POST /login, put: { /p: password }, cookie: sid } }";
    for (cookie, missing) in [
        ("set-cookie: other=1", "the token of the login is missing"),
        (
            "set-cookie: sid=; Max-Age=0",
            "the token of the login is missing",
        ),
        ("set-cookie: sid=s", "identity is missing"),
    ] {
        let head = format!("200 OK\r\n{cookie}");
        let server = serve(move |_| json(&head, "{}")).await;
        let identity = ("identity", "{ read: answer.id }");
        let changed = [("credential", credential), identity];
        let issuer = with_credential(&changed, &server.endpoint, "word");
        let error = issuer.identity().await.unwrap_err();
        assert!(chain(&error).contains(missing), "{}", chain(&error));
    }
}

#[tokio::test]
async fn a_login_gives_nothing_that_could_not_be_sent_or_takes_much_memory() {
    let credential = "{ parts: { password: {} }, header: { name: X-S, part: login }, login: { send: POST /login, put: { /p: password }, at: /t } }";
    let long = "x".repeat(65 * 1024);
    for (token, id, told) in [
        ("two\\nlines", "7", "cannot be sent"),
        ("schlüssel", "7", "cannot be sent"),
        (&long, "7", "is too long"),
        ("good", &long, "identity has 66560 bytes"),
    ] {
        let body = format!("{{\"t\": \"{token}\", \"id\": \"{id}\"}}");
        let server = serve(move |_| json("200 OK", &body)).await;
        let identity = ("identity", "{ read: answer.id }");
        let changed = [("credential", credential), identity];
        let issuer = with_credential(&changed, &server.endpoint, "word");
        let error = issuer.mint(&request("1d")).await.unwrap_err();
        assert_eq!(error.kind, K::Unavailable, "{}", chain(&error));
        assert!(chain(&error).contains(told), "{}", chain(&error));
        // Nor is it kept.
        let error = issuer.identity().await.unwrap_err();
        assert_eq!(error.kind, K::AnswerNotUnderstood);
        assert_eq!(server.received().len(), 2);
    }
}

#[tokio::test]
async fn a_login_sees_the_parameters_and_is_another_one_for_others() {
    let server = serve(|request| {
        let line = request.lines().next().unwrap_or_default();
        match line.strip_prefix("POST /login/") {
            Some(rest) => json("200 OK", &format!("{{\"t\": \"s-{}\"}}", &rest[..1])),
            None => json("200 OK", "[]"),
        }
    })
    .await;
    let credential = "{ parts: { p: {} }, header: { name: X-S, part: login }, login: { send: POST /login/$(tenant), put: { /p: p }, at: /t } }";
    let changed = [
        ("credential", credential),
        ("parameters", "{ tenant: { required: true }, other: {} }"),
    ];
    let issuer = with_credential(&changed, &server.endpoint, "word");
    let of = |tenant: &str, other: &str| {
        tokenwright_client::Filter::of(Parameters::from([
            ("tenant".into(), tenant.into()),
            ("other".into(), other.into()),
        ]))
    };
    for filter in [of("a", "1"), of("b", "1"), of("a", "2")] {
        issuer.list(&filter).await.unwrap();
    }
    let received = server.received();
    let logins = received.iter().filter(|r| r.starts_with("POST")).count();
    assert_eq!(logins, 2);
    assert!(received[1].contains("x-s: s-a") && received[3].contains("x-s: s-b"));
    assert!(received[4].contains("x-s: s-a"));
    // What a listing shows depends on who lists.
    let by = issuer.list_parameters(&of("a", "1").parameters);
    assert_eq!(by, Parameters::from([("tenant".into(), "a".into())]));
}

#[tokio::test]
async fn a_check_sees_what_was_delivered_beside_the_value_and_waits_where_that_is_unknown() {
    let server = serve(|_| json("200 OK", "{}")).await;
    let issuer = issuer(
        &[
            ("public", "{ account: item.account }"),
            ("check", "{ send: GET /accounts/$(account)/me }"),
        ],
        &server.endpoint,
    );
    let none = Parameters::new();
    let id = TokenId::new("7");
    let about = About::token(&id, &none);
    assert!(!issuer.can_check(about));
    let told = issuer.check_with(&value("v"), about).await;
    assert_eq!(told, Liveness::Unknown);
    assert!(server.received().is_empty());
    let public = [("account".to_owned(), "a 1".to_owned())].into();
    let told = issuer.check_with(&value("v"), about.beside(&public)).await;
    assert_eq!(told, Liveness::Alive);
    assert!(server.received()[0].starts_with("GET /accounts/a%201/me "));
}
