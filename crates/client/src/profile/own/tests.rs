use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderMap;
use tokenwright_core::{Inputs, Liveness, Parameters, TokenId};

use crate::clock::Clock;
use crate::error::ErrorKind as K;
use crate::http::{Body, BodyTrouble, Incoming, NoAnswer, Outgoing, Transport, put_into};
use crate::issuer::{About, Filter, Issuer, MintRequest};
use crate::profile::{Profile, ProfileIssuer, ProfileSettings, builtin, builtins};
use crate::secret::{SecretText, SecretValue};

/// Whatever is asked, this is the answer.
#[derive(Debug, Clone, Copy)]
struct Always {
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    /// Nothing: the connection ends in the middle of it.
    body: Option<&'static str>,
}

#[async_trait]
impl Transport for Always {
    async fn send(&self, _: Outgoing<'_>) -> Result<Incoming, NoAnswer> {
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        Ok(Incoming {
            status: self.status,
            headers: HeaderMap::from_iter(headers),
            body: match self.body {
                Some(body) => Ok(Body::new(body.as_bytes().to_vec())),
                None => Err(BodyTrouble::CutShort),
            },
        })
    }
}

const PAGE: &str = "<!DOCTYPE html><html><title>Please log in</title></html>";
const HTML: &[(&str, &str)] = &[("content-type", "text/html; charset=utf-8")];

/// One way in which somebody else answers.
struct Other {
    headers: &'static [(&'static str, &'static str)],
    body: Option<&'static str>,
}

const fn other(
    headers: &'static [(&'static str, &'static str)],
    body: Option<&'static str>,
) -> Other {
    Other { headers, body }
}

/// What stands between us and an issuer says such things, under any status.
const OTHERS: [Other; 8] = [
    other(HTML, Some(PAGE)),
    other(&[], Some(PAGE)),
    // The label alone does not make it JSON.
    other(&[("content-type", "application/json")], Some(PAGE)),
    other(&[("content-type", "text/plain")], Some("Access denied")),
    other(
        &[("server", "squid"), ("proxy-authenticate", "Basic")],
        Some(""),
    ),
    other(&[("www-authenticate", "Basic realm=\"gateway\"")], Some("")),
    other(LOGIN, Some(PAGE)),
    other(&[("content-type", "application/json")], None),
];

const LOGIN: &[(&str, &str)] = &[
    ("location", "https://login.example.com/?next=x"),
    ("content-type", "text/html"),
];

const STATUSES: [u16; 20] = [
    200, 201, 301, 302, 303, 307, 400, 401, 402, 403, 404, 405, 407, 409, 410, 418, 422, 423, 451,
    511,
];

fn issuer(profile: Arc<Profile>, always: Always) -> ProfileIssuer {
    // A JWT with every claim that a profile reads of a credential.
    let text = "h.eyJlbWFpbCI6ImFAZXhhbXBsZS5jb20ifQ.s";
    let key = include_str!("../../../tests/keys/rsa-pkcs8.pem");
    let plan = &profile.plan.ways[0];
    let signs = |part: &str| plan.jwt.as_ref().is_some_and(|jwt| jwt.key == part);
    let usable = |part: &str| if signs(part) { key } else { text };
    let parts = plan.parts.iter().map(|part| {
        let fields = plan.fields.iter().filter(|field| field.part == *part);
        let mut document = serde_json::json!({});
        for field in fields {
            put_into(&mut document, &field.at, usable(&field.name).into());
        }
        let text = match document.as_object().is_some_and(|map| map.is_empty()) {
            true => usable(part).to_owned(),
            false => document.to_string(),
        };
        (part.clone(), SecretText::new(text))
    });
    let settings = ProfileSettings {
        endpoint: Some("https://issuer.example.com".to_owned()),
        credential: SecretValue::new(parts.collect::<Vec<_>>()),
        request_timeout: Duration::from_secs(1),
    };
    ProfileIssuer::over(profile, settings, (Arc::new(always), Clock::system())).unwrap()
}

fn parameters(profile: &Profile) -> Parameters {
    let one = profile.exactly_one();
    let known = profile.parameters().iter();
    let wanted = known.filter(|(name, _)| {
        one.first()
            .is_none_or(|first| !one.contains(name) || first == *name)
    });
    wanted
        .map(|(name, parameter)| {
            let first = parameter.values.iter().flatten().next();
            (name.clone(), first.map_or("30", String::as_str).to_owned())
        })
        .collect()
}

/// A request that any of the systems carries out.
fn mint(issuer: &ProfileIssuer) -> Option<MintRequest> {
    let lifetimes = ["30d", "1d", "1h", "never"];
    let scopes: [&[&str]; 2] = [&[], &["s"]];
    let wanted = lifetimes
        .iter()
        .flat_map(|l| scopes.iter().map(move |s| (l, s)));
    let inputs = wanted.map(|(lifetime, scopes)| Inputs {
        name: "ci".to_owned(),
        scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
        parameters: parameters(&issuer.profile),
        lifetime: lifetime.parse().unwrap(),
    });
    let inputs = inputs
        .into_iter()
        .find(|inputs| issuer.validate(inputs).is_ok())?;
    Some(MintRequest {
        remote_name: "ci".to_owned(),
        inputs,
        at: "2026-11-24T05:00:00Z".parse().unwrap(),
        idempotency_key: "nonce".to_owned(),
        send_by: None,
    })
}

fn value(profile: &Profile) -> SecretValue {
    let parts = profile.value_parts().keys().cloned();
    SecretValue::new(parts.map(|part| (part, SecretText::new("a-value".to_owned()))))
}

/// Every answer that somebody else may give to every system, and what was asked.
async fn for_each_answer(mut look: impl AsyncFnMut(ProfileIssuer, String)) {
    for name in builtins() {
        for status in STATUSES {
            for Other { headers, body } in OTHERS {
                // An empty success of a call that changes something is how many systems answer.
                if status < 300 && body == Some("") {
                    continue;
                }
                let about = format!("{name}: {status} {headers:?} {body:?}");
                let always = Always {
                    status,
                    headers,
                    body,
                };
                look(issuer(builtin(name).unwrap(), always), about).await;
            }
        }
    }
}

#[tokio::test]
async fn what_others_answer_proves_no_value_alive_or_dead() {
    for_each_answer(async |issuer, about| {
        let (value, parameters) = (value(&issuer.profile), parameters(&issuer.profile));
        let told = issuer.check_with(&value, About::of(&parameters)).await;
        assert_eq!(told, Liveness::Unknown, "{about}");
    })
    .await;
}

#[tokio::test]
async fn an_empty_success_proves_no_value_alive() {
    for name in builtins() {
        for status in [200, 204] {
            let always = Always {
                status,
                headers: &[],
                body: Some(""),
            };
            let issuer = issuer(builtin(name).unwrap(), always);
            let (value, parameters) = (value(&issuer.profile), parameters(&issuer.profile));
            let told = issuer.check_with(&value, About::of(&parameters)).await;
            assert_eq!(told, Liveness::Unknown, "{name} {status}");
        }
    }
}

#[tokio::test]
async fn what_others_answer_shows_no_token_and_no_absence() {
    for_each_answer(async |issuer, about| {
        let parameters = parameters(&issuer.profile);
        let plan = &issuer.profile.plan;
        let (lists, gets) = (plan.list.is_some(), plan.get.is_some());
        let open = |kind| matches!(kind, K::AnswerNotUnderstood | K::Unavailable);
        if lists {
            let filter = Filter::of(parameters.clone());
            let error = issuer.list(&filter).await.unwrap_err();
            assert!(open(error.kind), "{about}: {error}");
        }
        if lists || gets {
            let error = issuer
                .get(&TokenId::new("i"), &parameters)
                .await
                .unwrap_err();
            assert!(open(error.kind), "{about}: {error}");
        }
        if let Err(error) = issuer.identity().await {
            assert!(open(error.kind), "{about}: {error}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_others_answer_refuses_no_mint_and_ends_no_token() {
    for_each_answer(async |issuer, about| {
        // After a login that nobody answered, nothing was sent.
        let login = issuer.way.login.is_some();
        let open = |kind| match kind {
            K::OutcomeUnknown => true,
            K::AnswerNotUnderstood => login || about.contains(": 30"),
            K::Unavailable => login || about.contains(": 407"),
            _ => false,
        };
        if issuer.profile.mints() {
            let request = mint(&issuer).unwrap_or_else(|| panic!("{about}"));
            let error = issuer.mint(&request).await.unwrap_err();
            assert!(open(error.kind), "mint at {about}: {error}");
        }
        if issuer.profile.plan.revoke.is_some() {
            let (value, parameters) = (value(&issuer.profile), parameters(&issuer.profile));
            let error = issuer
                .end(&TokenId::new("i"), &parameters, Some(&value))
                .await
                .unwrap_err();
            assert!(open(error.kind), "revoke at {about}: {error}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_error_tells_the_operation_what_was_expected_and_what_came_and_never_content() {
    let told = async |status, headers, body| {
        let always = Always {
            status,
            headers,
            body,
        };
        let issuer = issuer(builtin("gitea").unwrap(), always);
        let parameters = BTreeMap::from([("user".to_owned(), "ops".to_owned())]);
        let filter = Filter::of(parameters);
        issuer.list(&filter).await.unwrap_err().to_string()
    };
    for (status, headers, body, expected) in [
        (
            403,
            HTML,
            Some(PAGE),
            "expected a JSON answer, got 403 text/html (a proxy or gateway answered?)",
        ),
        (
            200,
            HTML,
            Some(PAGE),
            "expected a JSON answer, got 200 text/html (a proxy or gateway answered?)",
        ),
        (
            401,
            &[],
            Some(""),
            "expected a JSON answer, got 401 without a body (a proxy or gateway answered?)",
        ),
        (
            200,
            &[],
            None,
            "expected a JSON answer, got 200: the answer was cut short",
        ),
        (
            302,
            LOGIN,
            Some(PAGE),
            "expected a JSON answer, got 302, a redirect to login.example.com (a login page?)",
        ),
        (
            200,
            &[],
            Some("{}"),
            "answered 200, but the list is missing in the answer",
        ),
        (
            403,
            &[],
            Some("{\"message\": \"secret words\"}"),
            "the issuer does not allow it (403)",
        ),
        (
            429,
            HTML,
            Some(PAGE),
            "the issuer asks for fewer requests (429)",
        ),
        (502, HTML, Some(PAGE), "the issuer cannot be reached (502)"),
    ] {
        assert_eq!(
            told(status, headers, body).await,
            format!("list at gitea: {expected}")
        );
    }
}
