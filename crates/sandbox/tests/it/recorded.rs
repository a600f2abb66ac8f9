//! Exchanges recorded from a real Terrakube server, replayed against the sandbox: status line,
//! headers and body, with ids, instants and values left open.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;
use tokenwright_sandbox::SystemName::{self, TerrakubeTeam, TerrakubeUser};

use crate::support::{Vendor, start};
use crate::wire::{Raw, exchange};

/// Exchanges that follow one another on a fresh server.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recording {
    part: String,
    #[serde(default)]
    settings: Option<Value>,
    exchanges: Vec<Exchange>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    /// Method and path; `<name>` stands for something kept earlier.
    send: String,
    /// `A`, `B`, `C`, or a kept value.
    by: Option<String>,
    /// Claims of a caller who signs for himself.
    sign: Option<String>,
    /// The algorithm that his token names.
    #[serde(default = "hs256")]
    algorithm: String,
    #[serde(default)]
    head: Vec<String>,
    body: Option<String>,
    /// How long to wait before, in milliseconds.
    wait: Option<u64>,
    status: u16,
    /// Headers that the answer has.
    #[serde(default)]
    gives: Vec<String>,
    /// Headers that it does not have.
    #[serde(default)]
    lacks: Vec<String>,
    /// The whole body; `<time>`, `<id>`, `<id:name>`, `<jwt>` and `<jwt:name>` fit what they say.
    text: Option<String>,
    /// Texts within the body.
    #[serde(default)]
    holds: Vec<String>,
    /// `exp - iat` of the new token, or `never`.
    life: Option<String>,
    /// The payload of the new token.
    claims: Option<String>,
    /// The name under which the new token is kept; its id as `<name id>`, and in capitals as `<name ID>`.
    keep: Option<String>,
}

fn hs256() -> String {
    "HS256".to_owned()
}

/// The headers of every answer that went through the application, in their order.
const ALWAYS: [(&str, &str); 9] = [
    ("Vary", "Origin"),
    ("Vary", "Access-Control-Request-Method"),
    ("Vary", "Access-Control-Request-Headers"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-XSS-Protection", "0"),
    (
        "Cache-Control",
        "no-cache, no-store, max-age=0, must-revalidate",
    ),
    ("Pragma", "no-cache"),
    ("Expires", "0"),
    ("X-Frame-Options", "DENY"),
];

/// Those that follow them.
const LAST: [&str; 3] = ["content-type", "transfer-encoding", "date"];

async fn replay(file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/recorded")
        .join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let recordings: Vec<Recording> = serde_saphyr::from_str(&text).unwrap();
    assert!(!recordings.is_empty());
    for (number, recording) in recordings.iter().enumerate() {
        // One server speaks both paths, whatever its name here.
        let system = [TerrakubeUser, TerrakubeTeam][number % 2];
        play(recording, system).await;
    }
}

async fn play(recording: &Recording, system: SystemName) {
    let settings = recording
        .settings
        .clone()
        .unwrap_or_else(|| serde_json::json!({}));
    let vendor = start(system, settings).await;
    let mut stage = Stage::new(&vendor);
    for exchange in &recording.exchanges {
        if let Some(wait) = exchange.wait {
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        let place = format!("{}: {} {:?}", recording.part, exchange.send, exchange.body);
        let raw = stage.send(exchange).await;
        common(&raw, &place);
        stage.compare(exchange, &raw, &place);
    }
}

/// What holds for every answer.
fn common(raw: &Raw, place: &str) {
    let place = format!("{place}\n{} {:?}\n{}", raw.line, raw.headers, raw.body);
    assert_eq!(
        raw.line,
        format!("HTTP/1.1 {} ", raw.status()),
        "no reason phrase: {place}"
    );
    let kind = raw.header("content-type");
    if kind != Some("text/html;charset=utf-8") {
        let headers: Vec<_> = raw
            .headers
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("www-authenticate"))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.as_str()))
            .take(ALWAYS.len())
            .collect();
        let expected: Vec<_> = ALWAYS
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), *value))
            .collect();
        assert_eq!(headers, expected, "{place}");
        if raw.header("www-authenticate").is_some() {
            assert!(
                raw.headers[3].0.eq_ignore_ascii_case("www-authenticate"),
                "{place}"
            );
        }
        let chunked = raw.header("transfer-encoding") == Some("chunked");
        if !place.contains(": HEAD ") {
            assert_eq!(chunked, raw.header("content-length").is_none(), "{place}");
            assert_eq!(chunked, kind.is_some(), "{place}");
        }
    } else {
        assert_eq!(raw.body.len(), 435, "{place}");
    }
    // Nothing else but what the status asks for, and in this order at the end.
    let names = raw
        .headers
        .iter()
        .map(|(name, _)| name.to_ascii_lowercase());
    let last: Vec<_> = names.filter(|name| LAST.contains(&name.as_str())).collect();
    let there = LAST.iter().filter(|name| raw.header(name).is_some());
    assert_eq!(last, there.copied().collect::<Vec<_>>(), "{place}");
    assert!(raw.header("date").is_some(), "{place}");
    for name in ["etag", "location", "retry-after", "content-encoding"] {
        assert_eq!(raw.header(name), None, "{place}");
    }
    let id = raw
        .headers
        .iter()
        .any(|(name, _)| name.to_ascii_lowercase().contains("request-id"));
    assert!(!id, "{place}");
    let ends = matches!(raw.status(), 400 | 500);
    assert_eq!(raw.header("connection"), ends.then_some("close"), "{place}");
    assert_eq!(raw.closed, ends, "{place}");
}

struct Stage<'v> {
    vendor: &'v Vendor,
    kept: BTreeMap<String, String>,
}

impl<'v> Stage<'v> {
    fn new(vendor: &'v Vendor) -> Self {
        let parameter = |name: &str| vendor.played.parameter(name).unwrap().to_owned();
        let kept = [
            ("A", parameter("admin_credential")),
            ("B", vendor.played.credential.clone()),
            ("C", parameter("other_credential")),
        ];
        Self {
            vendor,
            kept: kept.map(|(name, value)| (name.to_owned(), value)).into(),
        }
    }

    async fn send(&self, exchange_: &Exchange) -> Raw {
        let mut head = vec![format!("{} HTTP/1.1", self.filled(&exchange_.send))];
        if let Some(by) = &exchange_.by {
            let value = self
                .kept
                .get(by)
                .unwrap_or_else(|| panic!("nobody is {by}"));
            head.push(format!("Authorization: Bearer {value}"));
        }
        if let Some(claims) = &exchange_.sign {
            let signed = self.signed(&exchange_.algorithm, &self.filled(claims));
            head.push(format!("Authorization: Bearer {signed}"));
        }
        let lines = exchange_.head.iter().map(|line| self.filled(line));
        head.extend(lines.filter(|line| !line.ends_with(": none")));
        let typed = |line: &String| line.to_ascii_lowercase().starts_with("content-type:");
        if exchange_.body.is_some() && !exchange_.head.iter().any(typed) {
            head.push("Content-Type: application/json".to_owned());
        }
        let body = exchange_
            .body
            .as_ref()
            .map(|body| self.filled(body))
            .unwrap_or_default();
        let address = self.vendor.played.endpoint.strip_prefix("http://").unwrap();
        exchange(address.parse().unwrap(), &head, body.as_bytes()).await
    }

    /// Replaces `<kept>`, `<text*times>` and `<now+seconds>`.
    fn filled(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('<') {
            let (name, after) = after.split_once('>').unwrap();
            filled.push_str(before);
            if let Some((text, times)) = name.rsplit_once('*') {
                filled.push_str(&text.repeat(times.parse().unwrap()));
            } else if let Some(shift) = name.strip_prefix("now") {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
                let shift: i64 = if shift.is_empty() {
                    0
                } else {
                    shift.parse().unwrap()
                };
                filled.push_str(&(now.as_secs().cast_signed() + shift).to_string());
            } else {
                let kept = self.kept.get(name);
                filled.push_str(kept.unwrap_or_else(|| panic!("nothing is kept as {name}")));
            }
            rest = after;
        }
        filled + rest
    }

    fn signed(&self, algorithm: &str, claims: &str) -> String {
        let secret = if claims.contains("TerrakubeInternal") {
            "internal_secret"
        } else {
            "pat_secret"
        };
        let secret = self.vendor.played.parameter(secret).unwrap();
        let header = format!("{{\"alg\":\"{algorithm}\"}}");
        let content = [header.as_str(), claims]
            .map(|part| URL_SAFE_NO_PAD.encode(part))
            .join(".");
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(content.as_bytes());
        format!(
            "{content}.{}",
            URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
        )
    }

    fn compare(&mut self, expected: &Exchange, raw: &Raw, place: &str) {
        let place = format!("{place}\n{} {:?}\n{}", raw.line, raw.headers, raw.body);
        assert_eq!(raw.status(), expected.status, "{place}");
        for line in &expected.gives {
            let (name, value) = line.split_once(": ").unwrap();
            let found = raw.header(name).unwrap_or_default();
            assert!(self.fits(value, found), "{line}: {place}");
        }
        for name in &expected.lacks {
            assert_eq!(raw.header(name), None, "{place}");
        }
        if let Some(text) = &expected.text {
            let path = self.filled(expected.send.split_once(' ').unwrap().1);
            let text = match text.strip_prefix("ERROR ") {
                Some(phrase) => format!(
                    "{{\"timestamp\":\"<time>\",\"status\":{},\"error\":\"{phrase}\",\"path\":\"{}\"}}",
                    expected.status,
                    path.split('?').next().unwrap()
                ),
                None => text.clone(),
            };
            assert!(self.fits(&text, &raw.body), "{text}: {place}");
        }
        for text in &expected.holds {
            assert!(raw.body.contains(&self.filled(text)), "{text}: {place}");
        }
        if expected.life.is_none() && expected.claims.is_none() && expected.keep.is_none() {
            return;
        }
        let answer: Value = serde_json::from_str(&raw.body).unwrap();
        let token = answer["token"].as_str().unwrap();
        let mut parts = token.split('.');
        assert_eq!(parts.next(), Some("eyJhbGciOiJIUzI1NiJ9"), "{place}");
        let payload = URL_SAFE_NO_PAD.decode(parts.next().unwrap()).unwrap();
        let payload = String::from_utf8(payload).unwrap();
        let claims: Value = serde_json::from_str(&payload).unwrap();
        if let Some(life) = &expected.life {
            let expires = claims["exp"].as_i64();
            let lived = expires.map(|at| (at - claims["iat"].as_i64().unwrap()).to_string());
            assert_eq!(lived.as_deref().unwrap_or("never"), life, "{place}");
        }
        if let Some(template) = &expected.claims {
            assert!(
                self.fits(template, &payload),
                "{template}: {payload}: {place}"
            );
        }
        if let Some(name) = &expected.keep {
            self.kept.insert(name.clone(), token.to_owned());
            let id = claims["jti"].as_str().unwrap().to_owned();
            self.kept.insert(format!("{name} ID"), id.to_uppercase());
            self.kept.insert(format!("{name} id"), id);
        }
    }

    /// Whether `text` is `template`, whose open places are checked for their form and kept.
    fn fits(&mut self, template: &str, text: &str) -> bool {
        let Some((before, after)) = template.split_once('<') else {
            return template == text;
        };
        let (open, after) = after.split_once('>').unwrap();
        let Some(rest) = text.strip_prefix(before) else {
            return false;
        };
        let end = rest
            .find(|letter: char| !(letter.is_ascii_alphanumeric() || "-_.:+".contains(letter)))
            .unwrap_or(rest.len());
        let (found, rest) = rest.split_at(end);
        let (form, name) = open.split_once(':').unwrap_or((open, ""));
        let good = match form {
            "time" => {
                found.len() == 29 && found.ends_with("+00:00") && found.as_bytes()[19] == b'.'
            }
            "second" => found.len() == 20 && found.ends_with('Z'),
            "id" => found.len() == 36 && found.matches('-').count() == 4,
            "jwt" => found.starts_with("eyJhbGciOiJIUzI1NiJ9.") && found.matches('.').count() == 2,
            "number" => found.parse::<i64>().is_ok(),
            "hex" => found.len() == 32 && found.bytes().all(|digit| digit.is_ascii_hexdigit()),
            "part" => !found.is_empty(),
            kept => self.kept.get(kept).is_some_and(|kept| kept == found),
        };
        if !name.is_empty() {
            self.kept.insert(name.to_owned(), found.to_owned());
        }
        good && self.fits(after, rest)
    }
}

#[tokio::test]
async fn user_tokens_are_made_as_recorded() {
    replay("user-create.yaml").await;
}

#[tokio::test]
async fn user_tokens_are_listed_and_deleted_as_recorded() {
    replay("user-list-delete.yaml").await;
}

#[tokio::test]
async fn team_tokens_live_as_recorded() {
    replay("team.yaml").await;
}

#[tokio::test]
async fn credentials_are_refused_as_recorded() {
    replay("refused.yaml").await;
}

#[tokio::test]
async fn some_tokens_are_born_dead_as_recorded() {
    replay("born-dead.yaml").await;
}

#[tokio::test]
async fn tokens_inherit_as_recorded() {
    replay("inheritance.yaml").await;
}

#[tokio::test]
async fn content_types_and_bodies_are_taken_as_recorded() {
    replay("content.yaml").await;
}
