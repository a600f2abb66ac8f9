//! Several ways to authenticate, chosen by the parts that are given.

use std::sync::Arc;
use std::time::Duration;

use tokenwright_client::{
    Issuer, Profile, ProfileIssuer, ProfileSettings, SecretText, SecretValue,
};

use crate::support::{json, serve};
use crate::tiny::{chain, file};

const WAYS: &str = "{ ways: { \
    password: { parts: { user: { env: T_USER, public: true }, password: { env: T_PASSWORD } }, basic: { user: user, password: password } }, \
    token: { parts: { token: { env: T_TOKEN } }, header: { name: X-Token, part: token } }, \
    robot: { parts: { user: { env: T_USER, public: true }, robot: {} }, header: { name: X-Session, part: login }, \
      login: { send: 'POST /in/$(user)', put: { /k: robot }, at: /t } } } }";

fn made(parts: &[(&str, &str)], endpoint: &str) -> Result<ProfileIssuer, String> {
    let profile = Profile::parse(&file(&[("credential", WAYS)])).map_err(|e| chain(&e))?;
    let secrets = parts
        .iter()
        .map(|(name, text)| ((*name).to_owned(), SecretText::new((*text).to_owned())));
    let settings = ProfileSettings {
        endpoint: Some(endpoint.to_owned()),
        credential: SecretValue::new(secrets),
        request_timeout: Duration::from_secs(5),
    };
    ProfileIssuer::new(Arc::new(profile), settings).map_err(|error| chain(&error))
}

#[tokio::test]
async fn the_parts_that_are_given_choose_the_way() {
    let server = serve(|request| match request.starts_with("POST /in/us ") {
        true => json("200 OK", "{\"t\": \"session-1\"}"),
        false => json("200 OK", "[]"),
    })
    .await;
    for (parts, sent) in [
        (&[("token", "tkn")][..], "x-token: tkn"),
        (
            &[("user", "us"), ("password", "pw")],
            "authorization: Basic dXM6cHc=",
        ),
        (&[("user", "us"), ("robot", "r2")], "x-session: session-1"),
        // What is empty is not given, and what no way has is not looked at.
        (
            &[("token", "tkn"), ("user", ""), ("other", "x")],
            "x-token: tkn",
        ),
    ] {
        let before = server.received().len();
        let issuer = made(parts, &server.endpoint).unwrap();
        issuer.list(&Default::default()).await.unwrap();
        let received = server.received().split_off(before).pop().unwrap();
        assert!(received.contains(sent), "{parts:?}: {received}");
        let others = ["x-token", "x-session", "authorization"];
        let other = others.iter().filter(|header| !sent.starts_with(*header));
        for header in other {
            assert!(!received.contains(header), "{parts:?}: {received}");
        }
    }
}

#[test]
fn parts_of_no_way_or_of_several_are_refused_and_never_shown() {
    let all = "password (password, user) or robot (robot, user) or token (token)";
    for (parts, told) in [
        (&[][..], "none"),
        (&[("user", "hunter2")], "none"),
        (
            &[("token", "hunter2"), ("user", "u"), ("password", "p")],
            "several",
        ),
        (
            &[("user", "hunter2"), ("password", "p"), ("robot", "r")],
            "several",
        ),
    ] {
        let error = made(parts, "http://127.0.0.1:1").unwrap_err();
        let expected =
            format!("the credential has the parts of {told} of its ways: give those of {all}");
        assert_eq!(error, expected, "{parts:?}");
    }
}

#[test]
fn front_ends_are_told_the_ways_and_all_their_parts() {
    let profile = Profile::parse(&file(&[("credential", WAYS)])).unwrap();
    let ways: Vec<_> = profile
        .ways()
        .map(|way| (way.name.unwrap(), way.parts))
        .collect();
    let [password, robot, token] = ways.as_slice() else {
        panic!("{ways:?}");
    };
    assert_eq!(
        *password,
        ("password", &["password".to_owned(), "user".to_owned()][..])
    );
    assert_eq!(
        *robot,
        ("robot", &["robot".to_owned(), "user".to_owned()][..])
    );
    assert_eq!(*token, ("token", &["token".to_owned()][..]));
    let parts: Vec<_> = profile.credential().keys().collect();
    assert_eq!(parts, ["password", "robot", "token", "user"]);
    assert_eq!(profile.credential()["user"].env.as_deref(), Some("T_USER"));
    assert_eq!(profile.single_part(), Some("token"));
    let given = profile.way_given(|part| ["user", "robot", "token"].contains(&part));
    assert_eq!(given.and_then(|way| way.name), Some("robot"));
    assert_eq!(profile.way_given(|part| part == "user"), None);
}

#[test]
fn ways_that_could_not_be_told_apart_or_prove_nothing_are_refused() {
    let one = "a: { parts: { key: {} }, header: { name: A, part: key } }";
    for (ways, more, problem) in [
        (one, "", "ways: is one way alone"),
        (
            "a: { parts: { key: {} }, header: { name: A, part: key } }, b: { parts: { key: {} }, basic: { user: key, password: '' } }",
            "",
            "a: has the parts of b: nothing tells which is meant",
        ),
        (
            "a: { parts: { key: { env: A } }, header: { name: A, part: key } }, b: { parts: { key: { env: B }, user: {} }, basic: { user: user, password: key } }",
            "",
            "key: is another part in b",
        ),
        (
            "a: { parts: { key: {} }, header: { name: A, part: key } }, b: { header: { name: A, part: key } }",
            "",
            "b: needs parts",
        ),
        (
            "a: { parts: { key: {} }, header: { name: A, part: key } }, b: { parts: { it: {} }, header: { name: A, part: key } }",
            "",
            "key is no part of it",
        ),
        (
            "a: { parts: { key: {} }, header: { name: A, part: key } }, b: { parts: { it: {} } }",
            "",
            "b: needs exactly one of header",
        ),
        (
            "a: { parts: { key: {} }, header: { name: A, part: key } }, b: { parts: { it: {} }, header: { name: B, part: it } }",
            ", parts: { key: {} }",
            "parts: does not go together with ways",
        ),
    ] {
        let credential = format!("{{ ways: {{ {ways} }}{more} }}");
        let text = file(&[("credential", &credential)]);
        let error = Profile::parse(&text).unwrap_err();
        let message = chain(&error);
        assert!(message.contains(problem), "{problem}: {message}");
        assert!(super::refusals::place(&error, &text).is_some(), "{message}");
    }
    for (part, text, problem) in [
        (
            "check",
            "{ send: GET /me }",
            "which has several ways: say in header",
        ),
        (
            "identity",
            "{ claim: sub }",
            "claim: needs credential.header",
        ),
        ("identity", "{ read: answer.id }", "needs send and read"),
        // Only one of the ways knows it.
        ("list", "{ send: GET /of/$(user) }", "uses user"),
        ("credential", "{}", "credential: needs parts"),
    ] {
        let text = file(&[("credential", WAYS), (part, text)][usize::from(part == "credential")..]);
        let message = chain(&Profile::parse(&text).unwrap_err());
        assert!(message.contains(problem), "{problem}: {message}");
    }
}
