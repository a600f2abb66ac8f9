//! A transport that plays recorded exchanges and holds each request against the recording.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use url::Url;

use crate::http::{Auth, Body, BodyTrouble, Incoming, NoAnswer, Outgoing, Transport};
use crate::profile::secrets::LOGIN;
use crate::profile::sent::{Sent, authenticating};
use crate::profile::signed::JWT;
use crate::secret::{SecretText, SecretValue};

/// One request and its answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exchange {
    request: Request,
    answer: Answer,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    method: String,
    /// After the endpoint's own path.
    path: String,
    #[serde(default)]
    query: BTreeMap<String, String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The JSON body; a secret in it is named `(PART)`.
    body: Option<Json>,
    /// The form in place of it.
    #[serde(default)]
    form: Vec<(String, String)>,
    /// Whether it is sent with the value instead of the credential.
    #[serde(default)]
    with_value: bool,
    /// How that is sent, where the example is about it.
    auth: Option<Shown>,
    /// Header and claims of the JWT that is sent, where the example is about them.
    jwt: Option<Json>,
    /// The host that is asked, where it is not that of the endpoint.
    host: Option<String>,
}

/// Everything of an authentication but the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    header: String,
    #[serde(default)]
    prefix: String,
    /// Which part is sent, or is the password; any where absent.
    part: Option<String>,
    /// Which part is the user; any where absent.
    user: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    /// Absent: there is no answer.
    status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Json>,
    /// A body that is no JSON.
    text: Option<String>,
    /// Why there is no answer, or no whole one.
    trouble: Option<Trouble>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Trouble {
    NotSent,
    Lost,
    CutShort,
    TooLarge,
}

/// Names of parts by digest.
type Parts = BTreeMap<[u8; 32], String>;

#[derive(Debug)]
pub(super) struct Tape {
    /// The path and the host of the endpoint.
    base: String,
    host: String,
    /// The digests of the value that is proven, with the names of its parts.
    value: Parts,
    /// The same of the credential.
    credential: Parts,
    left: Mutex<VecDeque<Exchange>>,
    problems: Mutex<Vec<String>>,
}

impl Tape {
    pub(super) fn new(
        endpoint: &str,
        (credential, value): (&SecretValue, &SecretValue),
        exchanges: &[Exchange],
    ) -> Self {
        let url = Url::parse(endpoint).ok();
        let base = url
            .as_ref()
            .map(|url| url.path().trim_end_matches('/').to_owned());
        let host = url
            .as_ref()
            .and_then(Url::host_str)
            .unwrap_or_default()
            .to_owned();
        let named = |value: &SecretValue| {
            let parts = value.parts();
            parts
                .map(|(name, text)| (text.sha256(), name.to_owned()))
                .collect()
        };
        Self {
            base: base.unwrap_or_default(),
            host,
            value: named(value),
            credential: named(credential),
            left: Mutex::new(exchanges.iter().cloned().collect()),
            problems: Mutex::default(),
        }
    }

    /// What was otherwise, requests that were never sent among it.
    pub(super) fn problems(&self) -> Vec<String> {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let unsent = left
            .iter()
            .map(|e| format!("{} {} was never sent", e.request.method, e.request.path));
        let problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        problems.iter().cloned().chain(unsent).collect()
    }

    /// Who authenticates, recognised by digest; a login stands for the credential.
    fn who(&self, sent: &Outgoing<'_>) -> &'static str {
        let Some(secret) = authenticating(sent) else {
            return "nobody";
        };
        let signed = secret.jwt().is_some() && sent.by_value;
        match signed || self.value.contains_key(&secret.sha256()) {
            true => "value",
            false => "credential",
        }
    }

    /// What is sent, as far as the example is about it; several headers with a comma between them.
    fn shown(&self, auth: &Auth<'_>, expected: &Shown) -> Shown {
        let part = |text: &SecretText| {
            let digest = text.sha256();
            let part = self.value.get(&digest);
            let part = part.or_else(|| self.credential.get(&digest)).cloned();
            // What is neither given nor signed came from a login.
            let made = || if text.jwt().is_some() { JWT } else { LOGIN }.to_owned();
            Some(part.unwrap_or_else(made))
        };
        let (header, prefix, user, part) = match auth {
            Auth::Header {
                name,
                prefix,
                secret,
            } => (name.to_string(), (*prefix).to_owned(), None, part(secret)),
            Auth::Basic {
                user,
                password,
                header,
            } => {
                let plain = ("authorization", "Basic ");
                let own = header.as_ref().map(|name| (name.as_str(), ""));
                let (header, prefix) = own.unwrap_or(plain);
                (
                    header.to_owned(),
                    prefix.to_owned(),
                    part(user),
                    part(password),
                )
            }
            Auth::Headers(headers) => {
                let joined = |texts: Vec<&str>| texts.join(",");
                let parts: Vec<_> = headers
                    .iter()
                    .filter_map(|(_, _, text)| part(text))
                    .collect();
                (
                    joined(headers.iter().map(|(name, _, _)| name.as_str()).collect()),
                    joined(headers.iter().map(|(_, prefix, _)| *prefix).collect()),
                    None,
                    Some(parts.join(",")),
                )
            }
            Auth::Digest { user, password, .. } => (
                "authorization".to_owned(),
                "Digest ".to_owned(),
                part(user),
                part(password),
            ),
            Auth::Sigv4(by) => (
                "authorization".to_owned(),
                format!("AWS4-HMAC-SHA256 {}/{}", by.region, by.service),
                part(by.key_id),
                part(by.secret),
            ),
        };
        Shown {
            header,
            prefix,
            part: expected.part.as_ref().and(part),
            user: expected.user.as_ref().and(user),
        }
    }

    /// The JWT that is sent, in a header or in the body.
    fn jwt(sent: &Outgoing<'_>) -> Json {
        let header = match &sent.auth {
            Some(Auth::Header { secret, .. }) => Some(*secret),
            _ => None,
        };
        let mut texts = header
            .into_iter()
            .chain(sent.put.iter().map(|put| put.secret));
        let jwt = texts.find_map(SecretText::jwt);
        jwt.map_or(
            Json::Null,
            |(header, claims)| json!({"header": header, "claims": claims}),
        )
    }

    fn compare(&self, what: &str, expected: &Json, sent: &Json) {
        if expected != sent {
            let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
            problems.push(format!("expected {what} {expected}, sent {sent}"));
        }
    }
}

#[async_trait]
impl Transport for Tape {
    async fn send(&self, sent: Outgoing<'_>) -> Result<Incoming, NoAnswer> {
        let written = Sent::of(&sent, &self.base).ok_or(NoAnswer::Unwritable)?;
        let path = written.path.as_str();
        let next = self
            .left
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        let Some(Exchange { request, answer }) = next else {
            self.compare(
                "no request",
                &Json::Null,
                &format!("{} {path}", sent.method).into(),
            );
            return Err(NoAnswer::Lost(None));
        };
        self.compare(
            "method",
            &request.method.into(),
            &sent.method.as_str().into(),
        );
        self.compare("path", &request.path.into(), &path.into());
        self.compare("query", &to_json(&request.query), &to_json(&written.query));
        let expected = request.headers.iter();
        let expected: BTreeMap<_, _> = expected.map(|(n, v)| (n.to_lowercase(), v)).collect();
        self.compare("headers", &to_json(&expected), &to_json(&written.headers));
        self.compare("form", &to_json(&request.form), &to_json(&written.form));
        self.compare("body", &request.body.unwrap_or_default(), &written.body);
        let expected = if request.with_value {
            "value"
        } else {
            "credential"
        };
        self.compare(
            "authentication as",
            &expected.into(),
            &self.who(&sent).into(),
        );
        if let Some(expected) = &request.auth {
            let shown = sent.auth.as_ref().map(|auth| self.shown(auth, expected));
            let expected = Shown {
                header: expected.header.to_lowercase(),
                ..expected.clone()
            };
            self.compare("authentication", &to_json(&expected), &to_json(&shown));
        }
        if let Some(expected) = &request.jwt {
            self.compare("JWT", expected, &Self::jwt(&sent));
        }
        let host = request.host.as_deref().unwrap_or(&self.host);
        let asked = sent.url.host_str().unwrap_or_default();
        self.compare("host", &host.into(), &asked.into());
        answer.play()
    }
}

fn to_json(map: &impl serde::Serialize) -> Json {
    serde_json::to_value(map).unwrap_or_default()
}

impl Answer {
    fn play(self) -> Result<Incoming, NoAnswer> {
        let body = match (self.text, self.body) {
            (Some(text), _) => text.into_bytes(),
            (None, Some(json)) => json.to_string().into_bytes(),
            (None, None) => Vec::new(),
        };
        let body = match self.trouble {
            Some(Trouble::NotSent) => return Err(NoAnswer::NotSent(None)),
            Some(Trouble::Lost) => return Err(NoAnswer::Lost(None)),
            Some(Trouble::CutShort) => Err(BodyTrouble::CutShort),
            Some(Trouble::TooLarge) => Err(BodyTrouble::TooLarge),
            None => Ok(Body::new(body)),
        };
        let status = self.status.ok_or(NoAnswer::Lost(None))?;
        let headers: HeaderMap = self
            .headers
            .iter()
            .filter_map(|(name, value)| {
                let name = name.parse::<HeaderName>().ok()?;
                Some((name, HeaderValue::from_str(value).ok()?))
            })
            .collect();
        Ok(Incoming {
            status,
            headers,
            body,
        })
    }
}
