//! Whatever a profile, an expression, an answer or a credential is made of: an error or a result, soon, without a panic
//! and without a word of a secret.
//!
//! `tests` draws such texts at random and replays `corpora/`; the fuzzer of `cargo xtask fuzz`, for which
//! this is public, looks for those that reach new code.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken promise is a panic; clippy does not know that this is no product code"
)]

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue};
use serde_json::json;
use tokenwright_core::{Inputs, Lifetime, Parameters, Switch, TokenId};

use super::{Profile, ProfileIssuer, ProfileSettings, builtin_files, builtins};
use crate::clock::Clock;
use crate::error::Error;
use crate::http::{Body, Incoming, NoAnswer, Outgoing, Transport};
use crate::issuer::{About, Filter, Issuer, MintRequest};
use crate::secret::{SecretText, SecretValue};
use crate::text::{Context, Names, Template, of_json};

/// What no error may say: in answers it stands where a value could.
const SECRET: &str = "hunter2-hunter2-hunter2-hunter2";
/// So many times slower than ever seen, on the slowest machine that runs this.
const SOON: Duration = Duration::from_secs(20);

/// Every part that the built-in profiles have no use for.
const EVERYTHING: &str = r#"
profile: everything
title: Everything at once
endpoint: https://api.example.com/base
credential: { parts: { key: {} }, header: { name: A, part: key } }
parameters: { team: { default: main } }
name: { max: 80, unit: utf16, separator: '-', allowed: '[A-Za-z0-9-]' }
scopes: optional
lifetime: { unit: unix, never: { word: never } }
token: { id: item.id, name: item.name, scopes: item.scopes, owner: item.owner, created: item.created_at, expires: "later(item.created_at, days=item.days)", used: item.last_used_at, enabled: item.enabled }
value: { key: { at: /key }, both: { compose: [{ text: "$(item.id)." }, { at: /secret }, { header: X-Secret }] } }
public: { name: item.name }
check: { send: GET /me, aliveWhen: answer.enabled }
identity: { send: GET /me, read: answer.owner }
mint: { send: POST /t, body: { name: $(name), scopes: $(scopes), ttl: $(lifetime) }, claims: key, then: [{ send: POST /t/$(first.id or 1) }], item: first.item or answer, refuse: claims.dead or item.dead, token: { id: claims.jti or item.id, expires: claims.exp } }
get: { send: GET /t/$(id) }
list: { send: GET /t, items: answer.items or answer, skip: item.skip, pages: { next: answer.next } }
update: { send: PUT /t/$(id), body: { name: $(name or item.name) }, can: [name] }
enable: { send: PUT /t/$(id), body: { name: $(item.name) } }
disable: { send: PUT /t/$(id), form: { name: $(item.name) }, ignoreBody: true }
revoke: { send: DELETE /t/$(id), gone: [404] }
errors: { when: answer.ok == false, message: answer.message or answer.id, kind: answer.code, map: { x: Forbidden } }
"#;

/// A credential of one part, in a header.
const KEY: &str = "{ parts: { key: {} }, header: { name: A, part: key } }";

/// A system with nothing special but what it is there for.
struct Small {
    name: &'static str,
    credential: &'static str,
    rest: &'static str,
}

impl Small {
    fn text(&self) -> String {
        let Self {
            name,
            credential,
            rest,
        } = self;
        format!(
            "profile: {name}\ntitle: {name}\nendpoint: https://api.example.com/base\ncredential: {credential}\n\
             name: {{ max: 80 }}\nscopes: none\nlifetime: {{ unit: none }}{rest}"
        )
    }
}

/// What excludes a part of the other: ids that are secrets, sessions, calls by value.
const SECRETS: Small = Small {
    name: "secrets",
    credential: "{ parts: { key: {} }, login: { send: POST /login/$(team), put: { /p: key }, cookie: sid } }",
    rest: r#"
parameters: { team: {} }
token: { id: item.secret, name: item.name, owner: item.owner }
value: { key: { at: /secret } }
check: { send: 'GET /me/:key', put: { ':key': key, '?key': key, /key: key }, header: { name: A, part: login }, login: { send: POST /exchange, form: {}, put: { k: key }, at: /secret } }
mint: { send: POST /t, body: { name: $(name) }, secrets: [/secret] }
list: { send: GET /t, items: answer.items or answer, secrets: ['/*/secret', '/items/*/secret', '/*/*/*'] }
revoke: { send: 'DELETE /t/:key', put: { ':key': key } }
"#,
};

/// What excludes a part of both: several ways, a challenge, an id in a check.
const WAYS: Small = Small {
    name: "ways",
    credential: "{ ways: { a: { parts: { user: { public: true }, key: {} }, digest: { user: user, password: key } }, b: { parts: { token: {} }, header: { name: A, part: token } } } }",
    rest: r#"
token: { id: item.id, name: item.name }
value: { key: { at: /key } }
check: { send: GET /me, basic: { user: $(id), password: key } }
mint: { send: POST /t, body: { name: $(name) } }
list: { send: GET /t, items: answer.items or answer }
revoke: { send: DELETE /t/$(id), basic: { user: $(id), password: key } }
"#,
};

/// Answers in XML, a value in base64.
const XML: Small = Small {
    name: "xml",
    credential: KEY,
    rest: r#"
token: { id: item.id, name: item.name }
value: { key: { at: /a/secret, decode: base64 } }
check: { send: GET /me }
mint: { send: POST /t, form: { name: $(name) }, item: answer.a }
list: { send: GET /t, items: answer.a.keys }
revoke: { send: DELETE /t/$(id) }
answers: { format: xml, lists: [keys] }
errors: { kind: answer.a.code, map: { gone: NotFound }, message: answer.a.message }
"#,
};

/// One token at a time, ids that begin the value, pages in a body, entries that have ended.
const PLACES: Small = Small {
    name: "places",
    credential: KEY,
    rest: r#"
token: { id: item.prefix, name: item.name }
value: { key: { at: /key, publicBefore: "-" } }
public: { prefix_of: prefix }
check: { send: GET /me/$(prefix_of) }
mint: { send: POST /t, body: { name: $(name) }, token: { id: prefix } }
list: { send: POST /search, items: answer.items, skip: "before(item.expires, now)", pages: { cursor: /page/after, next: answer.next, size: /page/size, max: 10, endsEmpty: true } }
revoke: { send: DELETE /t/$(id) }
one: true
"#,
};

/// A text before the JSON of each answer.
const PREFIX: Small = Small {
    name: "prefix",
    credential: KEY,
    rest: r#"
token: { id: item.id, name: item.name }
value: { key: { at: /key } }
check: { send: GET /me, header: { name: A, part: key } }
mint: { send: POST /t, body: { name: $(name) } }
list: { send: GET /t, items: answer.items or answer }
revoke: { send: DELETE /t/$(id) }
answers: { prefix: ")]}'" }
"#,
};

/// A system whose credential is what this says.
fn with_credential(name: &'static str, credential: &'static str) -> Profile {
    let system = Small {
        name,
        credential,
        ..PREFIX
    };
    Profile::parse(&system.text()).unwrap_or_else(|e| panic!("{e:?}"))
}

/// A credential that signs.
macro_rules! jwt {
    ($algorithm:literal) => {
        concat!(
            "{ parts: { key: {} }, jwt: { algorithm: ",
            $algorithm,
            ", key: key, claims: { iss: a }, lifetime: 10m }, header: { name: A, part: jwt } }"
        )
    };
}

/// What signs, reads documents and shows certificates, each with the parts of one credential.
static SIGNED: LazyLock<Vec<Arc<Profile>>> = LazyLock::new(|| {
    let document = "{ parts: { file: { json: { user: { at: /user, public: true }, key: { at: /key } } } }, \
                    basic: { user: user, password: key } }";
    let certificate = "{ parts: { pem: {} }, clientCertificate: { certificate: pem, key: pem } }";
    let own = [
        with_credential("rs256", jwt!("RS256")),
        with_credential("es256", jwt!("ES256")),
        with_credential("hs256", jwt!("HS256")),
        with_credential("document", document),
        with_credential("certificate", certificate),
    ];
    let builtin = ["aws-iam", "google-service-account"].map(|name| super::builtin(name).unwrap());
    own.map(Arc::new).into_iter().chain(builtin).collect()
});

/// The same answer to everything.
#[derive(Debug)]
struct Always {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

#[async_trait]
impl Transport for Always {
    async fn send(&self, _: Outgoing<'_>) -> Result<Incoming, NoAnswer> {
        Ok(Incoming {
            status: self.status,
            headers: self.headers.clone(),
            body: Ok(Body::new(self.body.clone())),
        })
    }
}

fn secret(parts: impl Iterator<Item = String>) -> SecretValue {
    SecretValue::new(parts.map(|part| (part, SecretText::new(SECRET.to_owned()))))
}

/// What holds every answer; of the built-in ones, another holds each.
const SMALL: [Small; 5] = [SECRETS, WAYS, XML, PLACES, PREFIX];

/// What an answer may have been: a success, one that gateways give, too, a challenge, nothing, and a fault.
pub const STATUSES: [u16; 5] = [200, 201, 401, 404, 500];

static PROFILES: LazyLock<Vec<Arc<Profile>>> = LazyLock::new(|| {
    let builtin = builtins().map(|name| builtin_files(name).unwrap().0.to_owned());
    let own = SMALL.iter().map(Small::text);
    let all = [EVERYTHING.to_owned()]
        .into_iter()
        .chain(own)
        .chain(builtin);
    all.map(|text| Arc::new(Profile::parse(&text).unwrap_or_else(|e| panic!("{e:?}"))))
        .collect()
});

/// Holds every operation of the profile with everything, and of another, against one answer.
///
/// # Panics
/// Where it breaks a promise.
pub fn answers(status: u16, body: &[u8]) {
    let (own, builtin) = PROFILES.split_at(1 + SMALL.len());
    let other = (body.len() + usize::from(status)) % builtin.len();
    for profile in own.iter().chain([&builtin[other]]) {
        answers_of(profile, status, body);
    }
}

fn answers_of(profile: &Arc<Profile>, status: u16, body: &[u8]) {
    let mut headers = HeaderMap::from_iter([
        (
            http::HeaderName::from_static("x-secret"),
            HeaderValue::from_static(SECRET),
        ),
        (
            http::header::SET_COOKIE,
            HeaderValue::from_static("sid=hunter2-hunter2-hunter2-hunter2; Path=/"),
        ),
        (
            http::header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Digest realm=\"r\", nonce=\"n\", qop=\"auth,auth-int\""),
        ),
    ]);
    // What is asked for with a challenge is somebody else's word, as the body is.
    let challenge = body.get(..body.len().min(200)).map(HeaderValue::from_bytes);
    if let Some(Ok(challenge)) = challenge {
        headers.append(http::header::WWW_AUTHENTICATE, challenge);
    }
    let transport = Arc::new(Always {
        status,
        headers,
        body: body.to_vec(),
    });
    let settings = ProfileSettings {
        endpoint: Some("https://api.example.com/base".to_owned()),
        credential: secret(
            profile
                .ways()
                .take(1)
                .flat_map(|way| way.parts.iter().cloned()),
        ),
        request_timeout: Duration::from_secs(1),
    };
    let clock = Clock::new(|| jiff::Timestamp::UNIX_EPOCH);
    // Only a key signs, and the secret of all others is none.
    let Ok(issuer) = ProfileIssuer::over(Arc::clone(profile), settings, (transport, clock)) else {
        return;
    };
    let began = Instant::now();
    futures::executor::block_on(every_operation(&issuer));
    let took = began.elapsed();
    assert!(took < SOON, "{} took {took:?}", profile.name());
}

async fn every_operation(issuer: &ProfileIssuer) {
    let (id, parameters) = (TokenId::new("k-1"), Parameters::new());
    let mut inputs = Inputs {
        name: "n".to_owned(),
        scopes: Default::default(),
        parameters: Parameters::new(),
        lifetime: Lifetime::For(jiff::SignedDuration::from_hours(48)),
    };
    if issuer.validate(&inputs).is_err() {
        inputs.scopes = ["s".to_owned()].into();
    }
    for name in issuer.profile.parameters().keys().take(1) {
        if issuer.validate(&inputs).is_err() {
            inputs.parameters = [(name.clone(), "p".to_owned())].into();
        }
    }
    let request = MintRequest {
        remote_name: "n".to_owned(),
        inputs,
        at: jiff::Timestamp::UNIX_EPOCH,
        idempotency_key: "k".to_owned(),
        send_by: None,
    };
    if let Some(minted) = quiet(issuer.mint(&request).await) {
        assert!(!minted.token.id.as_str().is_empty());
        for (part, max) in issuer.value_parts() {
            let length = minted.value.part(part).map(SecretText::len);
            assert!(length.is_some_and(|l| (1..=*max).contains(&l)), "{part}");
        }
    }
    if let Some(Some(token)) = quiet(issuer.get(&id, &parameters).await) {
        assert_eq!(token.id, id);
    }
    quiet(issuer.list(&Filter::default()).await);
    quiet(issuer.identity().await);
    quiet(issuer.set_enabled(&id, &parameters, Switch::Disable).await);
    quiet(issuer.end(&id, &parameters, None).await);
    let value = secret(issuer.value_parts().keys().cloned());
    let _ = issuer
        .check_with(&value, About::token(&id, &parameters))
        .await;
}

/// An error says where it happened, and no secret.
fn quiet<T>(result: Result<T, Error>) -> Option<T> {
    let error = match result {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    let mut shown = format!("{error} {error:?}");
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        shown.push_str(&format!("{inner} {inner:?}"));
        source = inner.source();
    }
    shown.push_str(&error.sentence_with_vendor());
    assert!(
        shown.contains(&error.profile) && !shown.contains(SECRET),
        "{shown}"
    );
    None
}

/// Takes a text for each part of a credential, and asks with it.
///
/// # Panics
/// Where it breaks a promise.
pub fn credential(text: &str) {
    for profile in SIGNED.iter() {
        let began = Instant::now();
        let parts = profile.ways().take(1).flat_map(|way| way.parts.iter());
        let parts = parts.map(|part| (part.clone(), SecretText::new(text.to_owned())));
        let settings = ProfileSettings {
            endpoint: Some("https://api.example.com/base".to_owned()),
            credential: SecretValue::new(parts),
            request_timeout: Duration::from_secs(1),
        };
        credential_of(profile, settings);
        let took = began.elapsed();
        assert!(took < SOON, "{} took {took:?}", profile.name());
    }
}

fn credential_of(profile: &Arc<Profile>, settings: ProfileSettings) {
    // A certificate is read by what connects, which is not connected here.
    let issuer = match profile
        .plan
        .ways
        .iter()
        .any(|way| way.certificate.is_some())
    {
        true => ProfileIssuer::new(Arc::clone(profile), settings),
        false => {
            let transport = Arc::new(Always {
                status: 200,
                headers: HeaderMap::new(),
                body: br#")]}'{"id": "k-1", "name": "n", "key": "v"}"#.to_vec(),
            });
            let clock = Clock::new(|| jiff::Timestamp::UNIX_EPOCH);
            let issuer = ProfileIssuer::over(Arc::clone(profile), settings, (transport, clock));
            issuer.inspect(|issuer| futures::executor::block_on(every_operation(issuer)))
        }
    };
    if let Err(error) = issuer {
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(SECRET), "{shown}");
    }
}

/// Reads a text as a profile.
///
/// # Panics
/// Where it breaks a promise.
pub fn profile(text: &str) {
    let began = Instant::now();
    if let Err(error) = Profile::parse(text) {
        assert!(!error.to_string().is_empty());
    }
    assert!(began.elapsed() < SOON, "took {:?}", began.elapsed());
}

/// Reads a text as an expression and as a template, and evaluates it.
///
/// # Panics
/// Where it breaks a promise.
pub fn expression(text: &str) {
    let names: Names<'_> = ["item", "answer", "name", "list"].into();
    let item = json!({"id": SECRET, "n": 7, "list": [1, "a", null], "map": {"a": {"b": [SECRET]}}});
    let context: Context = [
        ("item", of_json(&item)),
        ("answer", of_json(&json!([item]))),
        ("name", minijinja::Value::from("n")),
        ("list", minijinja::Value::from_iter(0..100_000)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let began = Instant::now();
    for source in [
        text.to_owned(),
        format!("$({text})"),
        format!("a$({text})/b"),
    ] {
        let Ok(template) = Template::new(&source, &names) else {
            continue;
        };
        let errors = [
            template.value(&context).err(),
            template.path(&context).err(),
            template.plain(&context).err(),
        ];
        for error in errors.into_iter().flatten() {
            assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
        }
    }
    assert!(began.elapsed() < SOON, "{text} took {:?}", began.elapsed());
}

#[cfg(test)]
mod tests;
