use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue};
use jiff::SignedDuration;
use tokenwright_core::Inputs;

use super::*;
use crate::account::gate::Why;
use crate::account::{Gate, Limiter};
use crate::clock::Clock;
use crate::http::{Auth, Body, Incoming, NoAnswer, Outgoing, Transport};
use crate::issuer::{Filter, Issuer as _, MintRequest};
use crate::profile::{Profile, ProfileSettings};
use crate::secret::SecretText;

const SYSTEM: &str = r#"
profile: sessions
title: Sessions
endpoint: https://api.example.com
credential:
  parts: { key: {} }
  header: { name: X-Session, part: login }
  login: { send: POST /login, basic: { user: $(tenant), password: key }, at: /token }
parameters: { tenant: {}, other: {} }
name: { max: 80 }
scopes: none
lifetime: { unit: none }
token: { id: item.id, name: item.name }
value: { key: { at: /key } }
mint: { send: POST /t, body: { name: $(name) }, unsure: [409] }
list: { send: GET /t }
revoke: { send: DELETE /t/$(id) }
errors: { when: answer.code, kind: answer.code, map: { over: Unauthenticated, no: Forbidden } }
"#;

/// What a request with a session that is over is answered.
type Answer = (u16, &'static str, &'static str);

const JSON: &str = "application/json";
const HTML: &str = "text/html";

/// A system whose sessions are numbered, with the user who began them: the first is over once it is said to be.
#[derive(Debug, Default)]
struct System {
    logins: AtomicUsize,
    over: std::sync::Mutex<Option<Answer>>,
    /// How long a login of this user takes.
    slow: BTreeMap<String, Duration>,
    /// Users and sessions, as they came.
    seen: std::sync::Mutex<Vec<String>>,
}

impl System {
    fn said(&self, seen: String) {
        self.seen.lock().unwrap().push(seen);
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

#[async_trait]
impl Transport for System {
    #[expect(clippy::disallowed_methods, reason = "the system that is asked")]
    async fn send(&self, sent: Outgoing<'_>) -> Result<Incoming, NoAnswer> {
        let (status, kind, body) = match &sent.auth {
            Some(Auth::Basic { user, .. }) => {
                let user = user.expose();
                self.said(format!("login {user}"));
                if let Some(slow) = self.slow.get(user) {
                    tokio::time::sleep(*slow).await;
                }
                let nth = self.logins.fetch_add(1, Ordering::SeqCst) + 1;
                (200, JSON, format!(r#"{{"token": "{user}{nth}"}}"#))
            }
            Some(Auth::Header { secret, .. }) => {
                let session = secret.expose();
                self.said(format!("{} {session}", sent.method));
                let over = self.over.lock().unwrap().filter(|_| session.ends_with('1'));
                let minted = r#"{"id": "7", "name": "n", "key": "k"}"#;
                let (status, kind, body) = match (over, sent.method.as_str()) {
                    (Some(over), _) => over,
                    (None, "POST") => (201, JSON, minted),
                    (None, _) => (200, JSON, "[]"),
                };
                (status, kind, body.to_owned())
            }
            other => panic!("{other:?}"),
        };
        let kind = (
            "content-type".parse().unwrap(),
            HeaderValue::from_static(kind),
        );
        Ok(Incoming {
            status,
            headers: HeaderMap::from_iter([kind]),
            body: Ok(Body::new(body.into_bytes())),
        })
    }
}

fn issuer(system: &Arc<System>, text: &str) -> (ProfileIssuer, Arc<Gate>) {
    let profile = Arc::new(Profile::parse(text).unwrap());
    let key = ("key".to_owned(), SecretText::new("k".to_owned()));
    let settings = ProfileSettings {
        endpoint: None,
        credential: SecretValue::new([key]),
        request_timeout: Duration::from_secs(30),
    };
    let over = (Arc::clone(system) as _, Clock::of_tokio());
    let gate = Gate::new(Limiter::unlimited(), Clock::of_tokio());
    let issuer = ProfileIssuer::over(profile, settings, over).unwrap();
    (issuer.behind(Arc::clone(&gate)), gate)
}

fn of(tenant: &str) -> Parameters {
    Parameters::from([("tenant".to_owned(), tenant.to_owned())])
}

fn request(tenant: &str) -> MintRequest {
    MintRequest {
        remote_name: "n".to_owned(),
        inputs: Inputs {
            name: "n".to_owned(),
            scopes: Default::default(),
            parameters: of(tenant),
            lifetime: "never".parse().unwrap(),
        },
        at: "2026-01-31T20:00:00Z".parse().unwrap(),
        idempotency_key: "nonce".to_owned(),
        send_by: None,
    }
}

#[tokio::test]
async fn a_session_is_for_everything_that_its_login_is_made_of() {
    let system = Arc::<System>::default();
    let (issuer, _) = issuer(&system, SYSTEM);
    let mut asked = Parameters::new();
    for parameters in [of("a"), of("b"), of("a"), asked.clone(), of("none")] {
        issuer.list(&Filter::of(parameters)).await.unwrap();
    }
    let seen = [
        "login a",
        "GET a1",
        "login b",
        "GET b2",
        "GET a1",
        "login ",
        "GET 3",
        "login none",
        "GET none4",
    ];
    assert_eq!(system.seen(), seen);
    // What a listing shows depends on who lists.
    asked.extend(
        [of("a"), [("other".to_owned(), "o".to_owned())].into()]
            .into_iter()
            .flatten(),
    );
    assert_eq!(issuer.list_parameters(&asked), of("a"));
    // Nobody gives a parameter when the credential is asked whose it is.
    let text = format!("{SYSTEM}identity: {{ send: GET /me, read: answer.id }}\n");
    let refused = Profile::parse(&text).unwrap_err();
    let told = std::error::Error::source(&refused).unwrap().to_string();
    assert!(told.contains("uses the parameter tenant"), "{told}");
}

/// What is sent of a listing and of a mint, once the session that lasted so long is over in this way.
async fn renewed(lasted: Duration, over: Answer) -> [Vec<String>; 2] {
    let mut told = [vec![], vec![]];
    for (told, mints) in told.iter_mut().zip([false, true]) {
        let system = Arc::<System>::default();
        let (issuer, gate) = issuer(&system, SYSTEM);
        issuer.list(&Filter::of(of("a"))).await.unwrap();
        tokio::time::advance(lasted).await;
        *system.over.lock().unwrap() = Some(over);
        system.seen();
        let fine = match mints {
            true => issuer.mint(&request("a")).await.is_ok(),
            false => issuer.list(&Filter::of(of("a"))).await.is_ok(),
        };
        *told = system.seen();
        assert_eq!(fine, told.len() > 1, "{over:?}: {told:?}");
        assert_eq!(gate.pause(), None, "{over:?}");
    }
    told
}

#[tokio::test(start_paused = true)]
async fn a_session_is_renewed_once_by_what_says_that_it_is_over_and_no_mint_is_made_twice() {
    let (young, old) = (Duration::from_secs(60), Duration::from_secs(3600));
    let list = ["GET a1", "login a", "GET a2"].as_slice();
    let mint = ["POST a1", "login a", "POST a2"].as_slice();
    let (no_list, no_mint) = (&list[..1], &mint[..1]);
    for (over, when_young, when_old) in [
        // Its own words, at any time.
        ((401, JSON, "{}"), (list, mint), (list, mint)),
        (
            (400, JSON, r#"{"code": "over"}"#),
            (list, mint),
            (list, mint),
        ),
        (
            (200, JSON, r#"{"code": "over"}"#),
            (list, mint),
            (list, mint),
        ),
        // A right that is missing, as like as not.
        ((403, JSON, "{}"), (no_list, no_mint), (list, mint)),
        (
            (400, JSON, r#"{"code": "no"}"#),
            (no_list, no_mint),
            (list, mint),
        ),
        // A page to log in; or that of a gateway, behind which something may have been done.
        ((302, HTML, "<html>"), (no_list, no_mint), (list, no_mint)),
        ((307, HTML, "<html>"), (no_list, no_mint), (list, no_mint)),
        ((200, HTML, "<html>"), (no_list, no_mint), (list, no_mint)),
        // About something else.
        (
            (401, HTML, "<html>"),
            (no_list, no_mint),
            (no_list, no_mint),
        ),
        (
            (403, HTML, "<html>"),
            (no_list, no_mint),
            (no_list, no_mint),
        ),
        ((404, JSON, "{}"), (no_list, no_mint), (no_list, no_mint)),
        (
            (409, JSON, r#"{"code": "over"}"#),
            (list, no_mint),
            (list, no_mint),
        ),
    ] {
        assert_eq!(
            renewed(young, over).await,
            [when_young.0, when_young.1],
            "{over:?}"
        );
        assert_eq!(
            renewed(old, over).await,
            [when_old.0, when_old.1],
            "{over:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_in_a_new_session_is_told_and_not_asked_again_and_again() {
    let always = SYSTEM.replace("at: /token", "at: /token, success: [200]");
    for (over, kind, why) in [
        ((403, JSON, "{}"), ErrorKind::Forbidden, None),
        (
            (401, JSON, "{}"),
            ErrorKind::Unauthenticated,
            Some(Why::CredentialRefused),
        ),
    ] {
        let system = Arc::<System>::default();
        let (issuer, gate) = issuer(&system, &always);
        *system.over.lock().unwrap() = Some(over);
        let error = issuer.list(&Filter::of(of("a"))).await.unwrap_err();
        assert_eq!(error.kind, kind);
        assert_eq!(system.seen(), ["login a", "GET a1"]);
        // The credential was let in, and what it got is not: nobody else is sent with it.
        assert_eq!(gate.pause().map(|pause| pause.why), why);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_login_holds_up_no_session_but_its_own() {
    let system = Arc::new(System {
        slow: [("a".to_owned(), Duration::from_secs(20))].into(),
        ..System::default()
    });
    let (issuer, _) = issuer(&system, SYSTEM);
    let start = Instant::now();
    let list = |tenant: &str| {
        let filter = Filter::of(of(tenant));
        let issuer = &issuer;
        async move {
            issuer.list(&filter).await.unwrap();
            start.elapsed()
        }
    };
    let (first, second, other) = futures::join!(list("a"), list("a"), list("b"));
    assert_eq!(first.as_secs(), 20);
    assert_eq!(second.as_secs(), 20, "one login for both");
    assert_eq!(other.as_secs(), 0);
    assert_eq!(system.logins.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_mint_whose_time_a_login_took_is_not_sent() {
    let system = Arc::new(System {
        slow: [("a".to_owned(), Duration::from_secs(20))].into(),
        ..System::default()
    });
    let (issuer, _) = issuer(&system, SYSTEM);
    for (patience, sent) in [(10, vec!["login a"]), (30, vec!["POST a1"])] {
        let send_by = Clock::of_tokio().now() + SignedDuration::from_secs(patience);
        let request = MintRequest {
            send_by: Some(send_by),
            ..request("a")
        };
        let minted = issuer.mint(&request).await;
        assert_eq!(system.seen(), sent);
        match minted {
            Ok(_) => assert_eq!(patience, 30),
            Err(error) => assert!(matches!(error.kind, ErrorKind::Paused { .. }), "{error:?}"),
        }
    }
    // Nor is a login begun for it.
    let late = MintRequest {
        send_by: Some(Clock::of_tokio().now() - SignedDuration::from_secs(1)),
        ..request("b")
    };
    issuer.mint(&late).await.unwrap_err();
    assert_eq!(system.seen(), Vec::<String>::new());
}
