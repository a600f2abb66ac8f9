use std::collections::VecDeque;

use http::{HeaderMap, HeaderValue};
use tokenwright_core::Inputs;

use super::*;
use crate::account::Limiter;
use crate::clock::Clock;
use crate::http::{Body, Incoming, NoAnswer, Outgoing, Transport};
use crate::secret::SecretText;

const TEXT: &str = r#"
profile: played
title: Played
endpoint: https://api.example.com/v1
credential:
  parts: { user: { public: true }, password: {} }
  login: { send: POST /login/$(user), put: { /p: password }, cookie: sid }
name: { max: 80 }
scopes: none
lifetime: { unit: instant, never: omit }
token: { id: item.id, name: item.name, owner: item.owner, expires: item.ends }
value: { key: { compose: [{ text: "k-" }, { at: /secret }] }, other: { header: X-Other } }
public: { of: item.owner }
mint: { send: POST /t, body: { name: $(name), ends: $(lifetime) } }
list: { send: GET /t, items: answer.items, pages: { next: answer.next } }
check: { send: GET /me, basic: { user: key, password: other } }
revoke: { send: DELETE /t/$(id) }
errors: { message: answer.why }
"#;

const SECRETS: [&str; 5] = [
    "hunter2-password",
    "session-0123456789",
    "secret-of-the-token",
    "another-of-the-token",
    "shown-by-the-list",
];

#[derive(Debug)]
struct Played(Mutex<VecDeque<(u16, Json)>>);

#[async_trait]
impl Transport for Played {
    async fn send(&self, sent: Outgoing<'_>) -> Result<Incoming, NoAnswer> {
        let mut headers = HeaderMap::new();
        let (status, body) = match sent.url.path().contains("/login/") {
            true => {
                let cookie = "sid=session-0123456789; Path=/; HttpOnly";
                headers.append("set-cookie", HeaderValue::from_static("track=er"));
                headers.append("set-cookie", HeaderValue::from_static(cookie));
                (200, json!({"welcome": "us"}))
            }
            false => self
                .0
                .lock()
                .unwrap()
                .pop_front()
                .ok_or(NoAnswer::Lost(None))?,
        };
        if sent.url.path().ends_with("/t") && sent.method == http::Method::POST {
            headers.append("x-other", HeaderValue::from_static("another-of-the-token"));
        }
        Ok(Incoming {
            status,
            headers,
            body: Ok(Body::new(body.to_string().into_bytes())),
        })
    }
}

fn recording(answers: &[(u16, Json)]) -> (Arc<Profile>, Recording) {
    let profile = Arc::new(Profile::parse(TEXT).unwrap());
    let part = |name: &str, text: &str| (name.to_owned(), SecretText::new(text.to_owned()));
    let settings = ProfileSettings {
        endpoint: Some("http://127.0.0.1:4100/api".to_owned()),
        credential: SecretValue::new([part("user", "us"), part("password", SECRETS[0])]),
        request_timeout: std::time::Duration::from_secs(1),
    };
    let gate = Gate::new(Limiter::unlimited(), Clock::system());
    let mut recording = Recording::new(Arc::clone(&profile), settings, gate).unwrap();
    let answers = answers.iter().cloned().collect();
    recording.issuer.transport = Arc::new(Played(Mutex::new(answers)));
    (profile, recording)
}

fn request() -> MintRequest {
    MintRequest {
        remote_name: "ci tw1-dio4f-lifkxs4uwjb5e-1-aaaqea77".to_owned(),
        inputs: Inputs {
            name: "ci".to_owned(),
            scopes: Default::default(),
            parameters: Parameters::new(),
            lifetime: "36h".parse().unwrap(),
        },
        at: "2026-01-31T20:00:00Z".parse().unwrap(),
        idempotency_key: "nonce".to_owned(),
        send_by: None,
    }
}

#[tokio::test]
async fn what_happened_replays_and_shows_no_secret() {
    let next = "http://127.0.0.1:4100/api/t?page=2";
    let entry = json!({"id": 7, "name": "n", "owner": "us", "secret": SECRETS[4]});
    let minted = json!({"id": 7, "name": "n", "owner": "us", "ends": "2026-02-02T08:00:00Z", "secret": SECRETS[2]});
    let (profile, recording) = recording(&[
        (201, minted),
        (200, json!({})),
        (200, json!({"items": [entry], "next": next})),
        (200, json!({"items": []})),
        (404, json!({"why": format!("{} may not", SECRETS[0])})),
        (401, json!({"why": "no"})),
    ]);
    let minted = recording.mint(&request()).await.unwrap();
    let none = Parameters::new();
    let about = About::token(&minted.token.id, &none);
    assert_eq!(
        recording.check_with(&minted.value, about).await,
        Liveness::Alive
    );
    assert_eq!(recording.list(&Filter::default()).await.unwrap().len(), 1);
    let revoked = recording.issuer.end(&minted.token.id, &none, None).await;
    assert!(revoked.is_ok(), "{revoked:?}");
    assert_eq!(
        recording.check_with(&minted.value, about).await,
        Liveness::Dead
    );
    // The connection ended: that is an example, too.
    assert!(recording.list(&Filter::default()).await.is_err());

    let recorded = recording.recorded();
    assert_eq!((recorded.kept, recorded.left_out), (5, 0), "{recorded:#?}");
    let text = recorded.document.unwrap().to_string();
    for secret in SECRETS.iter().chain(&["127.0.0.1", "track=er"]) {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let examples = Examples::parse(&text).unwrap();
    assert_eq!(replay(&profile, &examples), []);
    for told in ["sid=", "k-", "(password)", "/login/us", "x-other"] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[tokio::test]
async fn what_does_not_replay_is_left_out_and_counted() {
    let refusal = json!({"why": format!("the key {} is unknown here", SECRETS[0])});
    let (_, recording) = recording(&[(403, refusal)]);
    assert!(recording.mint(&request()).await.is_err());
    let recorded = recording.recorded();
    assert_eq!(recorded.kept + recorded.left_out, 1);
    let text = format!("{:?}", recorded.document);
    assert!(!text.contains(SECRETS[0]), "{text}");
}

#[test]
fn what_signs_has_no_stand_in() {
    let signs = TEXT.replace(
        "  login: { send: POST /login/$(user), put: { /p: password }, cookie: sid }\n",
        "  jwt: { algorithm: HS256, key: password, lifetime: 5m }\n  header: { name: A, part: jwt }\n",
    );
    let profile = Arc::new(Profile::parse(&signs).unwrap());
    let key = "0123456789abcdef0123456789abcdef".to_owned();
    let parts = [("user", "us".to_owned()), ("password", key)];
    let parts = parts.map(|(name, text)| (name.to_owned(), SecretText::new(text)));
    let settings = ProfileSettings {
        endpoint: None,
        credential: SecretValue::new(parts),
        request_timeout: std::time::Duration::from_secs(1),
    };
    let gate = Gate::new(Limiter::unlimited(), Clock::system());
    let error = Recording::new(profile, settings, gate).unwrap_err();
    assert!(error.to_string().contains("by hand"), "{error}");
}
