use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokenwright_core::Liveness;

use super::*;
use crate::account::gate::Words;
use crate::account::{Gate, Limiter, Rate};
use crate::clock::Clock;
use crate::error::Operation;
use crate::http::{Body, Incoming, Transport};
use crate::issuer::{Filter, Issuer as _};
use crate::profile::{Profile, ProfileSettings};
use crate::secret::SecretValue;

/// A system without a way to authenticate, which a test adds.
const SYSTEM: &str = r#"
profile: signed
title: Signed
endpoint: https://api.example.com
name: { max: 80 }
scopes: none
lifetime: { unit: none }
token: { id: item.id, name: item.name }
value: { key: { at: /key } }
mint: { send: POST /t, body: { name: $(name) } }
list: { send: GET /t }
revoke: { send: DELETE /t/$(id) }
"#;

const JWT_IN_A_HEADER: &str = "{ parts: { key: {} }, \
    jwt: { algorithm: HS256, key: key, claims: { sub: us }, lifetime: 2m }, \
    header: { name: Authorization, prefix: 'Bearer ', part: jwt } }";
const JWT_IN_A_LOGIN: &str = "{ parts: { key: {} }, \
    jwt: { algorithm: HS256, key: key, claims: { sub: us }, lifetime: 2m }, \
    header: { name: X-Session, part: login }, \
    login: { send: POST /login, form: {}, put: { assertion: jwt }, at: /token } }";
const SIGV4: &str = "{ parts: { key: {} }, \
    sigv4: { keyId: key, secret: key, region: here, service: iam } }";

/// Until when what a request is signed with is good.
fn good_until(sent: &Outgoing<'_>) -> Option<Timestamp> {
    let of_jwt = |text: &SecretText| {
        let (_, claims) = text.jwt()?;
        Timestamp::from_second(claims["exp"].as_i64()?).ok()
    };
    match (&sent.auth, sent.put.first()) {
        (Some(Auth::Sigv4(by)), _) => Some(by.at + SignedDuration::from_mins(5)),
        (Some(Auth::Header { secret, .. }), _) => of_jwt(secret),
        (_, Some(put)) => of_jwt(put.secret),
        (_, None) => None,
    }
}

/// A system that lets nobody in whose signature is stale.
#[derive(Debug)]
struct Strict {
    clock: Clock,
    signed: Mutex<u32>,
}

#[async_trait]
impl Transport for Strict {
    async fn send(&self, sent: Outgoing<'_>) -> Result<Incoming, NoAnswer> {
        let good = good_until(&sent);
        *self.signed.lock().unwrap() += u32::from(good.is_some());
        let (status, body) = match good {
            Some(until) if until < self.clock.now() => (401, json!({})),
            _ if sent.url.path() == "/login" => (200, json!({"token": "s"})),
            _ => (200, json!([])),
        };
        Ok(Incoming {
            status,
            headers: HeaderMap::new(),
            body: Ok(Body::new(body.to_string().into_bytes())),
        })
    }
}

fn secret() -> SecretValue {
    let text = "k".repeat(32);
    SecretValue::new([("key".to_owned(), SecretText::new(text))])
}

#[tokio::test(start_paused = true)]
async fn what_is_signed_is_signed_after_its_turn_has_come() {
    for credential in [JWT_IN_A_HEADER, JWT_IN_A_LOGIN, SIGV4] {
        let check = match credential == JWT_IN_A_HEADER {
            true => "check: { send: GET /me }\n",
            false => "",
        };
        let text = format!("{SYSTEM}credential: {credential}\n{check}");
        let profile = Arc::new(Profile::parse(&text).unwrap());
        let settings = ProfileSettings {
            endpoint: None,
            credential: secret(),
            request_timeout: Duration::from_secs(1),
        };
        let clock = Clock::of_tokio();
        let strict = Arc::new(Strict {
            clock: clock.clone(),
            signed: Mutex::default(),
        });
        let over = (Arc::clone(&strict) as _, clock.clone());
        let issuer = ProfileIssuer::over(profile, settings, over).unwrap();
        let rate = Rate {
            per_minute: 1,
            concurrency: 1,
        };
        let gate = Gate::new(Limiter::new(rate), clock);
        let issuer = issuer.behind(Arc::clone(&gate));
        // Others were first: whoever asks now waits for minutes, and the login, too.
        for _ in 0..2 {
            gate.pass((Operation::Get, Words::Ours), None)
                .await
                .unwrap();
        }
        let all = (0..12).map(|_| async { issuer.list(&Filter::default()).await.map(drop) });
        futures::future::try_join_all(all).await.unwrap();
        if !check.is_empty() {
            let checks = (0..12).map(|_| async { issuer.check(&secret()).await });
            let told = futures::future::join_all(checks).await;
            assert!(told.iter().all(|told| *told == Liveness::Alive), "{told:?}");
        }
        assert_eq!(gate.pause(), None);
        assert!(*strict.signed.lock().unwrap() > 0, "{credential}");
    }
}
