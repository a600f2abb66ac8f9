use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tokenwright_core::{Disable, LostAnswer, UpdateKind};

use super::examples::{Examples, replay};
use super::{Profile, ProfileIssuer, ProfileSettings, builtin, builtin_files, builtins};
use crate::issuer::Issuer;
use crate::secret::{SecretText, SecretValue};

const SCALEWAY: &str = include_str!("../../profiles/scaleway.yaml");

/// A system whose ids are the secrets themselves, and its examples.
const BARE: &str = r#"
profile: bare
title: A system whose ids are the secrets themselves
endpoint: https://api.example.com
credential: { parts: { key: {} }, header: { name: Authorization, part: key } }
name: { max: 80 }
scopes: none
lifetime: { unit: none }
token: { id: item.secret, name: item.label }
value: { token: { at: /secret } }
mint: { send: POST /tokens, body: { label: $(name) }, secrets: [/secret] }
list: { send: GET /tokens, items: answer.tokens, secrets: [/tokens/*/secret] }
check: { send: GET /info, put: { "?token": token } }
revoke: { send: DELETE /tokens/:secret, put: { ":secret": token } }
"#;

const BARE_EXAMPLES: &str = r#"
examples:
  - name: the id is the digest of the secret
    source: invented
    ask: { operation: mint, name: n, lifetime: never }
    exchanges:
      - request: { method: POST, path: /tokens, body: { label: n } }
        answer: { status: 201, body: { secret: a-secret-that-is-long, label: n } }
    expect: { token: { id: digest(a-secret-that-is-long), name: n }, value: { token: a-secret-that-is-long } }
  - name: lists name no secret
    source: invented
    ask: { operation: list }
    exchanges:
      - request: { method: GET, path: /tokens }
        answer: { status: 200, body: { tokens: [{ secret: a-secret-that-is-long, label: n }] } }
    expect: { tokens: [{ id: digest(a-secret-that-is-long), name: n }] }
  - name: a revoke looks for the secret
    source: invented
    ask: { operation: revoke, id: digest(a-secret-that-is-long) }
    exchanges:
      - request: { method: GET, path: /tokens }
        answer: { status: 200, body: { tokens: [{ secret: a-secret-that-is-long, label: n }] } }
      - request: { method: DELETE, path: /tokens/(token) }
        answer: { status: 204 }
    expect: { done: true }
  - name: a value in the query
    source: invented
    ask: { operation: check }
    exchanges:
      - request: { method: GET, path: /info, query: { token: (token) }, with_value: true }
        answer: { status: 200, body: {} }
    expect: { liveness: alive }
"#;

#[test]
fn examples_say_ids_that_are_secrets_by_their_digests_and_secrets_in_requests_by_their_parts() {
    let profile = Arc::new(Profile::parse(BARE).unwrap());
    let examples = Examples::parse(BARE_EXAMPLES).unwrap();
    assert_eq!(replay(&profile, &examples), []);
}

/// A system with everything that the built-in profiles do not need.
const STRANGE: &str = r#"
profile: strange
title: A system with other habits
endpoint: https://api.example.com/base/
credential:
  parts: { user: {}, password: {} }
  basic: { user: user, password: password }
parameters:
  team: { required: true }
name: { max: 80, unit: bytes, without: "/" }
scopes: none
lifetime: { unit: minute, never: zero, max: 30d }
token: { id: item.n, created: item.made, expires: item.ends, name: item.label, owner: item.pass or item.login }
value: { user: { at: /it/login }, password: { at: /it/pass, max: 8 } }
public: { login: item.label }
identity: { send: GET /me, read: answer.mail }
check: { send: GET /ping, alive: [418], dead: [400] }
mint:
  send: POST /teams/$(team)/tokens
  query: { dry: "$(none)", minutes: "$(lifetime)" }
  body: { label: $(name), tags: [fixed, "$(team)"] }
  unsure: [406]
  idempotencyHeader: Idempotency-Key
  item: answer.it
get: { send: GET /teams/$(team)/tokens/$(id), gone: [400] }
enable: { send: POST /teams/$(team)/tokens/$(id)/on }
disable: { send: POST /teams/$(team)/tokens/$(id)/off }
revoke: { send: DELETE /teams/$(team)/tokens/$(id), gone: [400] }
answers: { own: answer is not none or empty }
settle: 30s
rate: { perMinute: 600 }
manual: ask the administrator
"#;

const STRANGE_EXAMPLES: &str = r#"
examples:
  - name: the key goes along, no expression sees the value, Unix seconds are read
    source: invented
    ask: { operation: mint, name: n, parameters: { team: a b }, lifetime: 90s, idempotencyKey: nonce }
    exchanges:
      - request: { method: POST, path: /teams/a%20b/tokens, query: { minutes: "1" }, headers: { idempotency-key: nonce }, body: { label: n, tags: [fixed, a b] } }
        answer: { status: 201, body: { it: { n: 7, made: 60, ends: "1970-01-01T00:02:00", label: n, login: l, pass: p } } }
    expect:
      token: { id: "7", name: n, created: "1970-01-01T00:01:00Z", expires: "1970-01-01T00:02:00Z" }
      value: { user: l, password: p }
      public: { login: n }
  - name: never is zero here
    source: invented
    ask: { operation: mint, name: n, parameters: { team: t }, lifetime: never }
    exchanges:
      - request: { method: POST, path: /teams/t/tokens, query: { minutes: "0" }, headers: { idempotency-key: "" }, body: { label: n, tags: [fixed, t] } }
        answer: { status: 406 }
    expect: { error: OutcomeUnknown }
  - name: a part that is too long
    source: invented
    ask: { operation: mint, name: n, parameters: { team: t }, lifetime: 1m }
    exchanges:
      - request: { method: POST, path: /teams/t/tokens, query: { minutes: "1" }, headers: { idempotency-key: "" }, body: { label: n, tags: [fixed, t] } }
        answer: { status: 201, body: { it: { n: 7, login: l, pass: "123456789", label: n } } }
    expect: { error: OutcomeUnknown }
  - name: gone statuses are absence
    source: invented
    ask: { operation: get, id: "7", parameters: { team: t } }
    exchanges:
      - request: { method: GET, path: /teams/t/tokens/7 }
        answer: { status: 400 }
    expect: { absent: true }
  - name: gone statuses of a revoke
    source: invented
    ask: { operation: revoke, id: "7", parameters: { team: t } }
    exchanges:
      - request: { method: DELETE, path: /teams/t/tokens/7 }
        answer: { status: 400 }
    expect: { done: true }
  - name: another token than the one asked for
    source: invented
    ask: { operation: get, id: "7", parameters: { team: t } }
    exchanges:
      - request: { method: GET, path: /teams/t/tokens/7 }
        answer: { status: 200, body: { n: 8 } }
    expect: { error: AnswerNotUnderstood }
  - name: an expiry of the wrong type
    source: invented
    ask: { operation: get, id: "7", parameters: { team: t } }
    exchanges:
      - request: { method: GET, path: /teams/t/tokens/7 }
        answer: { status: 200, body: { n: 7, ends: { at: 1 } } }
    expect: { error: AnswerNotUnderstood }
  - name: a state that is named is simply sent
    source: invented
    ask: { operation: enable, id: "7", parameters: { team: t } }
    exchanges:
      - request: { method: POST, path: /teams/t/tokens/7/on }
        answer: { status: 200 }
    expect: { done: true }
  - name: dead by its own status
    source: invented
    ask: { operation: check }
    exchanges: [{ request: { method: GET, path: /ping, with_value: true }, answer: { status: 400 } }]
    expect: { liveness: dead }
  - name: alive by its own status
    source: invented
    ask: { operation: check }
    exchanges: [{ request: { method: GET, path: /ping, with_value: true }, answer: { status: 418 } }]
    expect: { liveness: alive }
  - name: who the credential is
    source: invented
    ask: { operation: identity }
    exchanges: [{ request: { method: GET, path: /me }, answer: { status: 200, body: { mail: a@example.com } } }]
    expect: { identity: a@example.com }
  - name: nobody is no identity
    source: invented
    ask: { operation: identity }
    exchanges: [{ request: { method: GET, path: /me }, answer: { status: 200, body: {} } }]
    expect: { error: AnswerNotUnderstood }
  - name: no listing
    source: invented
    ask: { operation: list, parameters: { team: t } }
    expect: { error: Invalid }
"#;

fn check_examples(profile: &Arc<Profile>, examples: &str) {
    let examples = Examples::parse(examples).unwrap();
    assert!(!examples.is_empty());
    let failures = replay(profile, &examples);
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn every_builtin_profile_does_what_its_examples_say() {
    for name in builtins() {
        let profile = builtin(name).unwrap_or_else(|| {
            panic!("{:?}", Profile::parse(builtin_files(name).unwrap().0).err())
        });
        assert_eq!(profile.name(), name);
        check_examples(&profile, builtin_files(name).unwrap().1);
    }
}

#[test]
fn a_strange_system_fits_the_same_language() {
    let profile = Profile::parse(STRANGE).unwrap();
    let profile = Arc::new(profile);
    check_examples(&profile, STRANGE_EXAMPLES);
    let can = profile.capabilities();
    assert_eq!(can.lost_answer, LostAnswer::Replay);
    assert_eq!(can.disable, Disable::SetState);
    assert_eq!(can.settle.as_secs(), 30);
    let rate = profile.rate().unwrap();
    assert_eq!((rate.per_minute, rate.concurrency), (600, 4));
    let too_fast = STRANGE.replace("perMinute: 600", "perMinute: 600, concurrency: 65");
    let refused = Profile::parse(&too_fast).unwrap_err();
    let line = STRANGE.lines().position(|line| line.starts_with("rate:"));
    assert_eq!(refused.line(), line.map(|line| line + 1));
    assert_eq!(profile.manual(), Some("ask the administrator"));
}

#[test]
fn examples_that_go_otherwise_are_told() {
    let profile = builtin("seeme").unwrap();
    let examples = builtin_files("seeme").unwrap().1;
    for (old, new) in [
        ("path: /me/apikeys/k-1 }", "path: /me/apikeys/k-7 }"),
        ("liveness: dead", "liveness: alive"),
        ("with_value: true", "with_value: false"),
        ("expires_in_days: 1\n", "expires_in_days: 2\n"),
        ("key: abcd1234-secret }", "key: other }"),
        ("source: reference\n", "source: \"\"\n"),
        (
            "path: /me/apikeys, with_value: true }",
            "path: /me/apikeys, with_value: true, auth: { header: Authorization, prefix: \"Bearer\" } }",
        ),
        (
            "path: /me/apikeys, with_value: true }",
            "path: /me/apikeys, with_value: true, auth: { header: X-Key, prefix: \"Bearer \" } }",
        ),
    ] {
        assert!(examples.contains(old), "{old}");
        let examples = Examples::parse(&examples.replace(old, new)).unwrap();
        assert!(!replay(&profile, &examples).is_empty(), "{old}");
    }
}

#[test]
fn an_example_may_say_how_a_value_authenticates() {
    let plain = "path: /me/apikeys, with_value: true }";
    let shown = "path: /me/apikeys, with_value: true, auth: { header: Authorization, prefix: \"Bearer \" } }";
    let examples = builtin_files("seeme").unwrap().1.replace(plain, shown);
    assert!(examples.contains(shown));
    check_examples(&builtin("seeme").unwrap(), &examples);
}

#[test]
fn settings_that_cannot_work_are_refused_before_anything_is_sent() {
    let make = |part: &str, text: &str, endpoint: Option<&str>| {
        let text = SecretText::new(text.to_owned());
        let settings = ProfileSettings {
            endpoint: endpoint.map(str::to_owned),
            credential: SecretValue::new([(part.to_owned(), text)]),
            request_timeout: Duration::from_secs(1),
        };
        ProfileIssuer::new(builtin("seeme").unwrap(), settings)
    };
    let good = make("key", "hunter2", None).unwrap();
    assert_eq!(good.endpoint(), "https://api.seeme.ai/api/v1");
    let local = make("key", "hunter2", Some("http://127.0.0.1:9/")).unwrap();
    assert_eq!(local.endpoint(), "http://127.0.0.1:9");
    for (part, text, endpoint, message) in [
        ("key", "", None, "the credential has no part key"),
        ("token", "hunter2", None, "the credential has no part key"),
        (
            "key",
            "hunter2",
            Some("http://example.com"),
            "must be https",
        ),
    ] {
        let error = make(part, text, endpoint).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(error.to_string().contains(message), "{error}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn capabilities_follow_from_the_parts() {
    let scaleway = builtin("scaleway").unwrap();
    let can = scaleway.capabilities();
    assert_eq!(can.lost_answer, LostAnswer::FindByMarker);
    assert_eq!(can.disable, Disable::Unsupported);
    assert_eq!(can.update, [UpdateKind::Name, UpdateKind::AddExpiry].into());
    assert!(can.check && can.revoke);
    assert_eq!(scaleway.public_parts().collect::<Vec<_>>(), ["access_key"]);
    let env = scaleway.credential()["secret_key"].env.as_deref();
    assert_eq!(env, Some("SCW_SECRET_KEY"));
    let seeme = builtin("seeme").unwrap();
    assert_eq!(seeme.capabilities().disable, Disable::BlindToggle);
    assert!(seeme.capabilities().update.is_empty());
    assert_eq!(seeme.endpoint(), "https://api.seeme.ai/api/v1");
    let nameless = Profile::parse(&SCALEWAY.replace("  name: item.description\n", "")).unwrap();
    assert_eq!(
        nameless.capabilities().lost_answer,
        LostAnswer::CannotAttribute
    );
    // A key is sent as well, and heals what no listing could.
    for (names, lost_answer) in [
        ("  name: item.description\n", LostAnswer::FindByMarker),
        ("", LostAnswer::Replay),
    ] {
        let keyed = SCALEWAY.replace("\nmint:", "\nmint:\n  idempotencyHeader: Idempotency-Key");
        assert_ne!(keyed, SCALEWAY);
        let keyed = keyed.replace("  name: item.description\n", names);
        let profile = Profile::parse(&keyed).unwrap();
        assert_eq!(profile.capabilities().lost_answer, lost_answer);
    }
}

#[test]
fn what_is_wrong_with_a_profile_is_told_with_its_place() {
    for (old, new, part) in [
        ("title:", "titel:", "titel"),
        ("max: 200", "max: many", "invalid"),
        (
            "$(lifetime)",
            "$(lifetme)",
            "line 40 column 19: \"lifetme\"",
        ),
        ("item.description", "itm.description", "uses itm"),
        ("answer.api_keys", "api_keys", "known are answer"),
        ("DELETE /iam", "REMOVE /iam", "must begin with GET"),
        (
            "GET /iam/v1alpha1/api-keys/$(id)",
            "GET api-keys",
            "begins with /",
        ),
        (
            "exactlyOne: [application_id, user_id]",
            "exactlyOne: [application]",
            "application is no parameter",
        ),
        (
            "https://api.scaleway.com",
            "http://api.scaleway.com",
            "must be https",
        ),
        (
            "secret_key: { at: /secret_key",
            "secret_key: { at: secret_key",
            "JSON pointer",
        ),
        ("part: secret_key }", "part: key }", "key is no part"),
        ("profile: scaleway", "profile: Scale Way", "lower-case"),
        (
            "  user_id: {",
            "  id: {",
            "is a word of the profile language",
        ),
        ("not_found: NotFound", "not_found: NotThere", "NotThere"),
        (
            "revoke: ",
            "toggle: { send: PUT /x/$(id) }\nrevoke: ",
            "token.enabled",
        ),
    ] {
        assert!(SCALEWAY.contains(old), "{old}");
        let error = Profile::parse(&SCALEWAY.replace(old, new)).unwrap_err();
        let source = std::error::Error::source(&error).unwrap();
        let message = format!("{error}: {source}");
        assert!(message.contains(part), "{message}");
        assert!(error.line().is_some(), "{message}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn a_damaged_profile_is_an_error_or_a_profile(at in 0..SCALEWAY.len(), cut in 0_usize..40, noise in "[ -~\\n]{0,12}") {
        let start = (0..=at).rev().find(|i| SCALEWAY.is_char_boundary(*i)).unwrap();
        let end = (start + cut).min(SCALEWAY.len());
        let end = (end..=SCALEWAY.len()).find(|i| SCALEWAY.is_char_boundary(*i)).unwrap();
        let text = format!("{}{noise}{}", &SCALEWAY[..start], &SCALEWAY[end..]);
        if let Err(error) = Profile::parse(&text) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
