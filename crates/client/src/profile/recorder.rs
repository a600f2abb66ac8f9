//! What was sent and answered, for whoever makes examples of it: with a stand-in for each secret.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use http::header::SET_COOKIE;
use serde_json::{Map, Value as Json, json};

use super::answered::Arrived;
use super::format::FormatPlan;
use super::sent::{Sent, authenticating};
use crate::http::{BodyTrouble, Incoming, NoAnswer, Outgoing};
use crate::secret::{SecretText, SecretValue};

/// Headers that say nothing to a profile, or something about whoever asked.
const LEFT_OUT: [&str; 12] = [
    "alt-svc",
    "cache-control",
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "server",
    "set-cookie",
    "strict-transport-security",
    "transfer-encoding",
    "vary",
    "via",
];

/// The exchanges of one operation, and all secrets so far.
#[derive(Default)]
pub(super) struct Recorder(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    exchanges: Vec<Json>,
    /// The digests of the value that is asked about, exchanged or ended.
    value: Vec<[u8; 32]>,
    /// Each with its stand-in, the longest first.
    secrets: Vec<(SecretText, String)>,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorder(…)")
    }
}

/// An answer as it came, before its secrets were moved out.
pub(super) struct Before {
    status: u16,
    headers: HeaderMap,
    text: Option<String>,
    json: Option<Json>,
    trouble: Option<BodyTrouble>,
}

impl Before {
    pub(super) fn of(incoming: &Incoming, format: &FormatPlan) -> Self {
        let body = incoming.body.as_ref().ok();
        let text = body.map(|body| String::from_utf8_lossy(body.bytes()).into_owned());
        Self {
            status: incoming.status,
            headers: incoming.headers.clone(),
            json: body.and_then(|body| format.read(body.bytes().trim_ascii())),
            text: text.filter(|text| !text.is_empty()),
            trouble: incoming.body.as_ref().err().copied(),
        }
    }
}

impl Recorder {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins another operation, which may be about a value.
    pub(super) fn begin(&self, value: Option<&SecretValue>) {
        let mut kept = self.kept();
        kept.exchanges.clear();
        let parts = value.into_iter().flat_map(SecretValue::parts);
        kept.value = parts.map(|(_, text)| text.sha256()).collect();
    }

    /// The exchanges since then.
    pub(super) fn exchanges(&self) -> Vec<Json> {
        std::mem::take(&mut self.kept().exchanges)
    }

    /// Knows a secret by what stands for it.
    pub(super) fn knows(&self, secret: SecretText, stand_in: Option<String>) {
        let mut kept = self.kept();
        let digest = secret.sha256();
        if secret.is_empty() || kept.secrets.iter().any(|(own, _)| own.sha256() == digest) {
            return;
        }
        let nth = kept.secrets.len().saturating_add(1);
        let stand_in = stand_in.unwrap_or_else(|| secret.stand_in(nth));
        kept.secrets.push((secret, stand_in));
        // One that is a piece of another is not found in it any more.
        kept.secrets
            .sort_by_key(|(secret, _)| std::cmp::Reverse(secret.len()));
    }

    /// What stands for a secret, or for those that it is made of.
    pub(super) fn stands_for(&self, secret: &SecretText) -> Option<String> {
        secret.with_stand_ins(&self.kept().secrets)
    }

    /// The same document without any secret; ids that are digests are written as examples have them.
    pub(super) fn without_secrets(&self, json: &Json, endpoint: &str) -> Json {
        let kept = self.kept();
        let digests = kept.secrets.iter().map(|(secret, stand_in)| {
            (secret.digest_under(endpoint), format!("digest({stand_in})"))
        });
        let digests: Vec<_> = digests.collect();
        written(json, &|text| {
            if let Some((_, named)) = digests.iter().find(|(digest, _)| digest == text) {
                return named.clone();
            }
            let secrets = kept.secrets.iter();
            secrets.fold(text.to_owned(), |text, (secret, by)| {
                secret.replaced_in(&text, by)
            })
        })
    }

    /// The request of an exchange that is about to be sent.
    pub(super) fn sent(&self, outgoing: &Outgoing<'_>, base: &str, host: &str) -> Option<Json> {
        let sent = Sent::of(outgoing, base)?;
        let secret = authenticating(outgoing);
        let value = secret.is_some_and(|secret| self.kept().value.contains(&secret.sha256()));
        let signed = secret.is_some_and(|s| s.jwt().is_some()) && outgoing.by_value;
        Some(sent.exchange(sent.host == host, value || signed))
    }

    /// Keeps an exchange whose answer came.
    pub(super) fn came(&self, request: Json, before: Before, after: &Arrived) {
        if let Some(json) = &before.json {
            let mut secrets = Vec::new();
            differing(
                json,
                after.shape.json().unwrap_or(&Json::Null),
                &mut secrets,
            );
            for secret in secrets {
                self.knows(SecretText::new(secret.to_owned()), None);
            }
        }
        let mut headers = Map::new();
        for (name, value) in &before.headers {
            let Ok(text) = value.to_str() else {
                continue;
            };
            if !LEFT_OUT.contains(&name.as_str()) {
                if !after.headers.contains_key(name) {
                    self.knows(SecretText::new(text.to_owned()), None);
                }
                headers.insert(name.as_str().to_owned(), text.into());
            }
        }
        let mut answer = json!({"status": before.status});
        if let Some(trouble) = before.trouble {
            answer["trouble"] = match trouble {
                BodyTrouble::TooLarge => "tooLarge".into(),
                BodyTrouble::CutShort | BodyTrouble::NoRoom => "cutShort".into(),
            };
        }
        let plain = before.text.as_deref().map(serde_json::from_str::<Json>);
        match (plain, before.text) {
            (Some(Ok(json)), _) => answer["body"] = json,
            (_, Some(text)) => answer["text"] = text.into(),
            (_, None) => {}
        }
        if let Some(cookie) = self.cookie(&before.headers, after) {
            headers.insert(SET_COOKIE.as_str().to_owned(), cookie.into());
        }
        if !headers.is_empty() {
            answer["headers"] = headers.into();
        }
        let exchange = json!({"request": request, "answer": answer});
        self.kept().exchanges.push(exchange);
    }

    /// The cookie of a login, and no other.
    fn cookie(&self, headers: &HeaderMap, after: &Arrived) -> Option<String> {
        let login = after.taken.login.as_ref()?;
        let cookies = headers.get_all(SET_COOKIE).iter();
        let mut texts = cookies.filter_map(|cookie| cookie.to_str().ok());
        texts.find_map(|text| {
            let (name, rest) = text.split_once('=')?;
            let value = rest.split(';').next().unwrap_or_default().trim();
            let secret = SecretText::new(value.to_owned());
            let own = secret.sha256() == login.sha256();
            own.then(|| {
                self.knows(secret, None);
                format!("{}={value}", name.trim())
            })
        })
    }

    /// Keeps an exchange without an answer.
    pub(super) fn lost(&self, request: Json, why: &NoAnswer) {
        let trouble = match why {
            NoAnswer::NotSent(_) | NoAnswer::NoProxy(_) => "notSent",
            NoAnswer::Lost(_) => "lost",
            NoAnswer::Unwritable => return,
        };
        let exchange = json!({"request": request, "answer": {"trouble": trouble}});
        self.kept().exchanges.push(exchange);
    }
}

/// The texts that were there and are not, or are another: what was moved out.
fn differing<'a>(before: &'a Json, after: &Json, found: &mut Vec<&'a str>) {
    match (before, after) {
        (Json::String(text), Json::String(other)) if text == other => {}
        (Json::String(text), _) => found.push(text),
        (Json::Array(items), Json::Array(others)) => {
            let pairs = items.iter().zip(others);
            pairs.for_each(|(item, other)| differing(item, other, found));
        }
        (Json::Object(map), Json::Object(others)) => {
            for (key, value) in map {
                differing(value, others.get(key).unwrap_or(&Json::Null), found);
            }
        }
        _ => {}
    }
}

/// The document with each text as a function has it.
fn written(json: &Json, write: &dyn Fn(&str) -> String) -> Json {
    match json {
        Json::String(text) => write(text).into(),
        Json::Array(items) => items.iter().map(|item| written(item, write)).collect(),
        Json::Object(map) => {
            let pairs = map
                .iter()
                .map(|(key, value)| (key.clone(), written(value, write)));
            Json::Object(pairs.collect())
        }
        other => other.clone(),
    }
}
