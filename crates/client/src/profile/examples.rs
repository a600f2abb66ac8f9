//! Examples of a profile: exchanges as data, replayed without a network.
//!
//! Each example says what is asked, which requests must be sent, what is answered, what must come of it,
//! and which source says so. Users' own profiles have them in the same form.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};
use tokenwright_core::{
    Change, IMPOSSIBLE_EXPIRY, Inputs, Lifetime, Liveness, Parameters, Switch, TokenId, UpdateKind,
};

use super::yaml::from_yaml;
use super::{Profile, ProfileIssuer, ProfileSettings};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::issuer::{About, Filter, Issuer, MintRequest, Minted, Token};
use crate::secret::{SecretText, SecretValue};

mod describe;
mod digests;
mod record;
mod tape;

use describe::describe;
pub use record::{Recorded, Recording, Unrecordable};
use tape::Tape;

/// The examples of one profile.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    examples: Vec<Example>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    name: String,
    source: String,
    ask: Ask,
    #[serde(default)]
    exchanges: Vec<tape::Exchange>,
    /// What comes of it, in the words of [`outcome`].
    expect: Json,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Ask {
    operation: Asked,
    id: Option<String>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    parameters: Parameters,
    lifetime: Option<Lifetime>,
    at: Option<Timestamp>,
    #[serde(default)]
    change: Vec<Changed>,
    idempotency_key: Option<String>,
    /// The endpoint, where its text matters.
    endpoint: Option<String>,
    /// Which of several ways authenticates; the first where absent.
    way: Option<String>,
    /// Texts of parts of the credential, where invented ones will not do.
    #[serde(default)]
    credential: BTreeMap<String, String>,
    /// The same for the value that is proven.
    #[serde(default)]
    value: BTreeMap<String, String>,
    /// What was delivered beside it.
    public: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Asked {
    /// What front ends are promised of the profile, and no exchange shows.
    Describe,
    Validate,
    Identity,
    Check,
    Mint,
    Get,
    List,
    Update,
    Enable,
    Disable,
    Revoke,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Changed {
    Name,
    Scopes,
    AddExpiry,
    ShortenExpiry,
    ExtendExpiry,
}

/// An example that did not go as it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The example's name.
    pub example: String,
    /// What was otherwise.
    pub problem: String,
}

impl Examples {
    /// Reads a file of examples.
    ///
    /// # Errors
    /// With line, column and field.
    pub fn parse(text: &str) -> Result<Self, InvalidExamples> {
        from_yaml(text).map_err(|wrong| InvalidExamples(wrong.told()))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.examples.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.examples.is_empty()
    }
}

/// A text that is no file of examples.
#[derive(Debug, thiserror::Error)]
#[error("examples: {0}")]
pub struct InvalidExamples(String);

/// Replays all examples; what is returned went wrong.
#[must_use]
pub fn replay(profile: &Arc<Profile>, examples: &Examples) -> Vec<Failure> {
    let failures = examples.examples.iter().flat_map(|example| {
        let problems = futures::executor::block_on(replay_one(profile, example));
        problems.into_iter().map(|problem| Failure {
            example: example.name.clone(),
            problem,
        })
    });
    failures.collect()
}

async fn replay_one(profile: &Arc<Profile>, example: &Example) -> Vec<String> {
    if example.source.trim().is_empty() {
        return vec!["has no source".to_owned()];
    }
    let at = example.ask.at.unwrap_or(Timestamp::UNIX_EPOCH);
    let value = secret(profile.value_parts.keys(), "value", &example.ask.value);
    let given = example.ask.endpoint.as_deref();
    let endpoint = given.or(profile.default_endpoint());
    let endpoint = endpoint.unwrap_or("https://example.com");
    let asked = example.ask.way.as_deref();
    let way = profile
        .ways()
        .find(|way| asked.is_none() || way.name == asked);
    let Some(way) = way else {
        return vec![format!("there is no way {}", asked.unwrap_or_default())];
    };
    let credential = secret(way.parts.iter(), "credential", &example.ask.credential);
    let secrets = (&credential, &value);
    let tape = Arc::new(Tape::new(endpoint, secrets, &example.exchanges));
    let settings = ProfileSettings {
        endpoint: Some(endpoint.to_owned()),
        credential,
        request_timeout: Duration::from_secs(1),
    };
    let transport = Arc::clone(&tape) as _;
    let clock = Clock::new(move || at);
    let issuer = match ProfileIssuer::over(Arc::clone(profile), settings, (transport, clock)) {
        Ok(issuer) => issuer,
        Err(error) => return vec![error.to_string()],
    };
    let outcome = outcome(&issuer, (example, &value), at).await;
    let mut problems = tape.problems();
    let mut expect = in_todays_words(&example.expect);
    digests::write(&mut expect, issuer.endpoint());
    if outcome.shown != expect {
        let mut problem = format!("expected {expect}, got {}", outcome.shown);
        if let Some(cause) = &outcome.cause {
            problem.push_str(&format!("\ncause: {cause}"));
        }
        for difference in differences("", &expect, &outcome.shown) {
            problem.push_str(&format!("\n{difference}"));
        }
        problems.push(problem);
    }
    problems
}

/// What came of an example, and why, where it is an error.
struct Came {
    shown: Json,
    cause: Option<String>,
}

impl From<Json> for Came {
    fn from(shown: Json) -> Self {
        Self { shown, cause: None }
    }
}

/// Where two documents differ, one line each.
fn differences(at: &str, expected: &Json, got: &Json) -> Vec<String> {
    if expected == got {
        return Vec::new();
    }
    match (expected, got) {
        (Json::Object(expected), Json::Object(got)) => {
            let keys: BTreeSet<_> = expected.keys().chain(got.keys()).collect();
            let nothing = Json::Null;
            let of = |map: &Map<String, Json>, key: &str| map.get(key).unwrap_or(&nothing).clone();
            let lines = keys.into_iter().flat_map(|key| {
                let at = format!("{at}/{key}");
                differences(&at, &of(expected, key), &of(got, key))
            });
            lines.collect()
        }
        (Json::Array(expected), Json::Array(got)) if expected.len() == got.len() => {
            let pairs = expected.iter().zip(got).enumerate();
            let lines = pairs.flat_map(|(n, (e, g))| differences(&format!("{at}/{n}"), e, g));
            lines.collect()
        }
        _ => vec![format!("- {at}: {expected}"), format!("+ {at}: {got}")],
    }
}

/// Examples that were written when a kind had another name still say what they said.
fn in_todays_words(expect: &Json) -> Json {
    let mut expect = expect.clone();
    if let Some(kind) = expect.get_mut("error").filter(|kind| *kind == "Unexpected") {
        *kind = Json::from(ErrorKind::AnswerNotUnderstood.name());
    }
    expect
}

/// Parts named `PURPOSE-PART`, unless the example gives their texts.
fn secret<'a>(
    parts: impl Iterator<Item = &'a String>,
    purpose: &str,
    given: &BTreeMap<String, String>,
) -> SecretValue {
    SecretValue::new(parts.map(|part| {
        let text = given.get(part).cloned();
        let text = text.unwrap_or_else(|| format!("{purpose}-{part}"));
        (part.clone(), SecretText::new(text))
    }))
}

/// What came of an example: `refused: FIELD`, `error: KIND`, `absent`, `done`, `token`, `tokens`,
/// `value`, `public`, `identity` or `liveness`.
async fn outcome(
    issuer: &ProfileIssuer,
    (example, value): (&Example, &SecretValue),
    at: Timestamp,
) -> Came {
    let ask = &example.ask;
    let id = ask.id.as_deref().unwrap_or_default();
    let id = TokenId::new(digests::written(id, issuer.endpoint()));
    let inputs = Inputs {
        name: ask.name.clone(),
        scopes: ask.scopes.iter().cloned().collect(),
        parameters: ask.parameters.clone(),
        lifetime: ask.lifetime.unwrap_or(Lifetime::Never),
    };
    let parameters = &ask.parameters;
    let about = About {
        id: ask.id.as_ref().map(|_| &id),
        parameters,
        public: ask.public.as_ref(),
    };
    match ask.operation {
        Asked::Describe => describe(&issuer.profile).into(),
        Asked::Validate => match issuer.validate(&inputs) {
            Ok(()) => json!({"done": true}).into(),
            Err(refused) => Came {
                cause: Some(refused.to_string()),
                shown: json!({"refused": refused.field}),
            },
        },
        Asked::Identity => shown(
            &issuer.identity().await,
            |identity| json!({"identity": identity.as_ref().map(ToString::to_string)}),
        ),
        Asked::Check => match issuer.check_with(value, about).await {
            Liveness::Alive => json!({"liveness": "alive"}).into(),
            Liveness::Dead => json!({"liveness": "dead"}).into(),
            Liveness::Unknown => json!({"liveness": "unknown"}).into(),
        },
        Asked::Mint => {
            let request = MintRequest {
                remote_name: ask.name.clone(),
                // The examples give the whole name; only a wanted one is held against the limit.
                inputs: Inputs {
                    name: String::new(),
                    ..inputs
                },
                at,
                idempotency_key: ask.idempotency_key.clone().unwrap_or_default(),
                send_by: None,
            };
            shown(&issuer.mint(&request).await, |m| minted(m, &example.expect))
        }
        Asked::Get => shown(&issuer.get(&id, parameters).await, |found| match found {
            Some(found) => json!({"token": token(found)}),
            None => json!({"absent": true}),
        }),
        Asked::List => {
            let filter = Filter::of(parameters.clone());
            shown(
                &issuer.list(&filter).await,
                |all| json!({"tokens": all.iter().map(token).collect::<Vec<_>>()}),
            )
        }
        Asked::Update => {
            let kinds = ask.change.iter().map(|kind| kind.kind()).collect();
            let name = ask.name.clone();
            let inputs = Inputs {
                name: String::new(),
                ..inputs
            };
            let change = Change { inputs, kinds };
            shown(
                &issuer.update(&id, &name, &change, at).await,
                |t| json!({"token": token(t)}),
            )
        }
        Asked::Enable => done(&issuer.set_enabled(&id, parameters, Switch::Enable).await),
        Asked::Disable => done(&issuer.set_enabled(&id, parameters, Switch::Disable).await),
        Asked::Revoke => {
            // A listing that shows values is asked for one, unless one is at hand.
            let at_hand = !issuer.lists_values() || !ask.value.is_empty();
            let value = Some(value).filter(|_| at_hand);
            done(&issuer.end(&id, parameters, value).await)
        }
    }
}

fn done(result: &Result<(), Error>) -> Came {
    shown(result, |()| json!({"done": true}))
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

fn shown<T>(result: &Result<T, Error>, show: impl FnOnce(&T) -> Json) -> Came {
    match result {
        Ok(value) => show(value).into(),
        Err(error) => {
            let mut shown = json!({"error": error.kind.name()});
            if let Some(wait) = error.kind.retry_after() {
                shown["retryAfter"] = json!(wait.as_secs());
            }
            if let Some(says) = &error.vendor {
                shown["says"] = json!(says);
            }
            let cause = Some(chain(error));
            Came { shown, cause }
        }
    }
}

fn minted(minted: &Minted, expect: &Json) -> Json {
    // Compared by digest: the value itself stays in its type.
    let part = |(name, text): (&str, &SecretText)| {
        let expected = expect["value"][name].as_str().unwrap_or_default();
        let same = <[u8; 32]>::from(Sha256::digest(expected)) == text.sha256();
        let shown = if same { expected } else { "(another value)" };
        (name.to_owned(), Json::from(shown))
    };
    let value: Map<String, Json> = minted.value.parts().map(part).collect();
    let mut out = json!({"token": token(&minted.token), "value": value});
    if !minted.public.is_empty() {
        out["public"] = json!(minted.public);
    }
    out
}

fn token(token: &Token) -> Json {
    let mut out = BTreeMap::from([("id", json!(token.id.as_str()))]);
    let mut put = |key, value: Option<Json>| {
        if let Some(value) = value {
            out.insert(key, value);
        }
    };
    put("name", token.name.as_ref().map(|v| json!(v)));
    let details = &token.details;
    let scopes = (!details.scopes.is_empty()).then(|| json!(details.scopes));
    put("scopes", scopes);
    put("owner", details.owner.as_ref().map(|v| json!(v)));
    put("created", details.created_at.map(|v| json!(v.to_string())));
    let expires = token.expires_at.map(|at| match at == IMPOSSIBLE_EXPIRY {
        true => json!("impossible"),
        false => json!(at.to_string()),
    });
    put("expires", expires);
    put("used", details.last_used_at.map(|v| json!(v.to_string())));
    put("enabled", token.enabled.map(|v| json!(v)));
    json!(out)
}

impl Changed {
    fn kind(self) -> UpdateKind {
        match self {
            Self::Name => UpdateKind::Name,
            Self::Scopes => UpdateKind::Scopes,
            Self::AddExpiry => UpdateKind::AddExpiry,
            Self::ShortenExpiry => UpdateKind::ShortenExpiry,
            Self::ExtendExpiry => UpdateKind::ExtendExpiry,
        }
    }
}
