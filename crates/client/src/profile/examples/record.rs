//! Examples made of what really happened: an issuer that keeps each of its operations as one, with a
//! stand-in for every secret.
//!
//! Nothing of one operation serves the next (no session, no challenge), since each example begins anew.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use tokenwright_core::{Change, Identity, Liveness, Parameters, Switch, TokenId, UpdateKind};

use super::{Examples, done, replay, shown, token};
use crate::account::Gate;
use crate::error::Error;
use crate::issuer::{About, Filter, Issuer, MintRequest, Minted, Token};
use crate::profile::recorder::Recorder;
use crate::profile::{InvalidSettings, Profile, ProfileIssuer, ProfileSettings};
use crate::revoke::proof::Proof;
use crate::secret::SecretValue;

/// An issuer whose operations become examples.
#[derive(Debug)]
pub struct Recording {
    issuer: ProfileIssuer,
    recorder: Arc<Recorder>,
    examples: Mutex<Vec<Json>>,
}

/// The examples of a recording.
#[derive(Debug)]
pub struct Recorded {
    /// The file of examples, as a document; nothing where there is none.
    pub document: Option<Json>,
    /// How many examples it has.
    pub kept: usize,
    /// How many operations are left out, since what was recorded of them does not replay.
    pub left_out: usize,
}

/// What cannot be recorded.
#[derive(Debug, thiserror::Error)]
pub enum Unrecordable {
    /// Secrets of which no other could take the place.
    #[error(
        "what signs, or is a document, has no stand-in that anybody may know: write these examples by hand"
    )]
    Signs,
    /// There is no issuer.
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
}

impl Recording {
    /// Records an issuer over the network. Nothing is sent yet.
    ///
    /// # Errors
    /// There is no such issuer, or its secrets have no stand-ins.
    pub fn new(
        profile: Arc<Profile>,
        settings: ProfileSettings,
        gate: Arc<Gate>,
    ) -> Result<Self, Unrecordable> {
        let mut issuer = ProfileIssuer::new(Arc::clone(&profile), settings)?.behind(gate);
        let way = &issuer.way;
        let decoded = profile.plan.value.iter().any(|part| part.decode.is_some());
        if way.jwt.is_some() || way.certificate.is_some() || !way.fields.is_empty() || decoded {
            return Err(Unrecordable::Signs);
        }
        let recorder = Arc::<Recorder>::default();
        // What is no secret stands in requests as it is.
        let secrets = way.parts.iter().filter(|part| !way.known.contains(*part));
        for part in secrets {
            if let Some(text) = issuer.credential.part(part) {
                // So an example calls it, where it does not matter what it is.
                recorder.knows(text.again(), Some(format!("credential-{part}")));
            }
        }
        issuer.recorder = Some(Arc::clone(&recorder));
        let examples = Mutex::default();
        Ok(Self {
            issuer,
            recorder,
            examples,
        })
    }

    /// The examples so far, as far as they replay.
    #[must_use]
    pub fn recorded(&self) -> Recorded {
        let profile = &self.issuer.profile;
        let real = self.issuer.endpoint();
        let stands = profile.default_endpoint().unwrap_or("https://example.com");
        let examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept: Vec<Json> = Vec::new();
        let mut left_out = 0_usize;
        for (nth, example) in examples.iter().enumerate() {
            let mut example = self.recorder.without_secrets(example, real);
            example = at_home(&example, real, stands);
            let operation = example["ask"]["operation"].as_str().unwrap_or_default();
            example["name"] = format!("{} {operation}", nth.saturating_add(1)).into();
            match replays(profile, &example) {
                true => kept.push(example),
                false => left_out = left_out.saturating_add(1),
            }
        }
        Recorded {
            kept: kept.len(),
            document: (!kept.is_empty()).then(|| json!({"examples": kept})),
            left_out,
        }
    }

    fn begin(&self, value: Option<&SecretValue>) {
        self.issuer.forget_sessions();
        self.issuer.challenge.forget();
        self.recorder.begin(value);
    }

    /// Keeps what was asked, and what came of it.
    fn keep(&self, ask: Json, at: Timestamp, came: Json) {
        let mut ask = ask;
        ask["at"] = at.to_string().into();
        let public = self.issuer.way.known.iter().filter_map(|part| {
            let text = self.issuer.credential.part(part)?.declared_public();
            Some((part.clone(), text.into()))
        });
        let public: Map<_, _> = public.collect();
        if !public.is_empty() {
            ask["credential"] = public.into();
        }
        let day = at.strftime("%Y-%m-%d");
        let example = json!({
            "name": "",
            "source": format!("recorded on {day}"),
            "ask": ask,
            "exchanges": self.recorder.exchanges(),
            "expect": came,
        });
        let mut examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        examples.push(example);
    }

    fn now(&self) -> Timestamp {
        self.issuer.clock.now()
    }
}

/// Whether an example passes, as `profile check` would see it.
fn replays(profile: &Arc<Profile>, example: &Json) -> bool {
    let text = json!({"examples": [example]}).to_string();
    let examples = Examples::parse(&text);
    examples.is_ok_and(|examples| replay(profile, &examples).is_empty())
}

/// The document with the endpoint that an example has in the place of the real one.
fn at_home(json: &Json, real: &str, stands: &str) -> Json {
    let text = json.to_string();
    let quoted = |text: &str| json!(text).to_string().trim_matches('"').to_owned();
    let text = text.replace(&quoted(real), &quoted(stands));
    serde_json::from_str(&text).unwrap_or_default()
}

/// What a question has beside its operation; what is empty is left out.
fn ask(operation: &str, more: &[(&str, Json)]) -> Json {
    let mut ask = json!({"operation": operation});
    let empty = |json: &Json| match json {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(map) => map.is_empty(),
        Json::Bool(_) | Json::Number(_) => false,
    };
    for (key, value) in more {
        if !empty(value) {
            ask[*key] = value.clone();
        }
    }
    ask
}

fn word(kind: UpdateKind) -> &'static str {
    match kind {
        UpdateKind::Name => "name",
        UpdateKind::Scopes => "scopes",
        UpdateKind::AddExpiry => "addExpiry",
        UpdateKind::ShortenExpiry => "shortenExpiry",
        UpdateKind::ExtendExpiry => "extendExpiry",
    }
}

#[async_trait]
impl Issuer for Recording {
    crate::passes_on!(self => &self.issuer);

    async fn identity(&self) -> Result<Option<Identity>, Error> {
        self.begin(None);
        let (at, told) = (self.now(), self.issuer.identity().await);
        let came = shown(
            &told,
            |identity| json!({"identity": identity.as_ref().map(ToString::to_string)}),
        );
        self.keep(ask("identity", &[]), at, came.shown);
        told
    }

    async fn prove(&self, value: &SecretValue, about: About<'_>) -> Result<Liveness, Error> {
        self.begin(Some(value));
        let (at, told) = (self.now(), self.issuer.prove(value, about).await);
        let liveness = match &told {
            Ok(Liveness::Alive) => "alive",
            Ok(Liveness::Dead) => "dead",
            Ok(Liveness::Unknown) | Err(_) => "unknown",
        };
        let more = [
            ("id", json!(about.id.map(TokenId::as_str))),
            ("parameters", json!(about.parameters)),
        ];
        self.keep(ask("check", &more), at, json!({"liveness": liveness}));
        told
    }

    async fn mint(&self, request: &MintRequest) -> Result<Minted, Error> {
        self.begin(None);
        let told = self.issuer.mint(request).await;
        let MintRequest { inputs, .. } = request;
        let more = [
            ("name", json!(request.remote_name)),
            ("scopes", json!(inputs.scopes)),
            ("parameters", json!(inputs.parameters)),
            ("lifetime", json!(inputs.lifetime.to_string())),
            ("idempotencyKey", json!(request.idempotency_key)),
        ];
        let came = shown(&told, |minted| {
            let parts = minted.value.parts();
            // One without a stand-in is none that replays.
            let parts = parts.map(|(name, text)| (name, self.recorder.stands_for(text)));
            let value: BTreeMap<_, _> = parts.collect();
            let mut out = json!({"token": token(&minted.token), "value": value});
            if !minted.public.is_empty() {
                out["public"] = json!(minted.public);
            }
            out
        });
        self.keep(ask("mint", &more), request.at, came.shown);
        told
    }

    async fn get(&self, id: &TokenId, parameters: &Parameters) -> Result<Option<Token>, Error> {
        self.begin(None);
        let (at, told) = (self.now(), self.issuer.get(id, parameters).await);
        let came = shown(&told, |found| match found {
            Some(found) => json!({"token": token(found)}),
            None => json!({"absent": true}),
        });
        let more = [
            ("id", json!(id.as_str())),
            ("parameters", json!(parameters)),
        ];
        self.keep(ask("get", &more), at, came.shown);
        told
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Token>, Error> {
        self.begin(None);
        let all = Filter::of(filter.parameters.clone());
        let (at, told) = (self.now(), self.issuer.list(&all).await);
        let came = shown(
            &told,
            |all| json!({"tokens": all.iter().map(token).collect::<Vec<_>>()}),
        );
        let more = [("parameters", json!(filter.parameters))];
        self.keep(ask("list", &more), at, came.shown);
        told.map(|tokens| filter.keep(tokens))
    }

    async fn update(
        &self,
        id: &TokenId,
        remote_name: &str,
        change: &Change,
        at: Timestamp,
    ) -> Result<Token, Error> {
        self.begin(None);
        let told = self.issuer.update(id, remote_name, change, at).await;
        let came = shown(&told, |shown| json!({"token": token(shown)}));
        let kinds: Vec<_> = change.kinds.iter().map(|kind| word(*kind)).collect();
        let more = [
            ("id", json!(id.as_str())),
            ("name", json!(remote_name)),
            ("change", json!(kinds)),
            ("scopes", json!(change.inputs.scopes)),
            ("parameters", json!(change.inputs.parameters)),
            ("lifetime", json!(change.inputs.lifetime.to_string())),
        ];
        self.keep(ask("update", &more), at, came.shown);
        told
    }

    async fn set_enabled(
        &self,
        id: &TokenId,
        parameters: &Parameters,
        switch: Switch,
    ) -> Result<(), Error> {
        self.begin(None);
        let at = self.now();
        let told = self.issuer.set_enabled(id, parameters, switch).await;
        let operation = match switch {
            Switch::Enable => "enable",
            Switch::Disable => "disable",
        };
        let more = [
            ("id", json!(id.as_str())),
            ("parameters", json!(parameters)),
        ];
        self.keep(ask(operation, &more), at, done(&told).shown);
        told
    }

    async fn revoke(&self, proof: Proof<'_>) -> Result<(), Error> {
        self.begin(proof.value());
        let (at, told) = (self.now(), self.issuer.revoke(proof).await);
        let parts = proof.value().into_iter().flat_map(SecretValue::parts);
        let parts = parts.filter(|_| self.issuer.lists_values());
        let value: BTreeMap<_, _> = parts
            .map(|(name, text)| (name, self.recorder.stands_for(text)))
            .collect();
        let more = [
            ("id", json!(proof.id().as_str())),
            ("parameters", json!(proof.parameters())),
            ("value", json!(value)),
        ];
        self.keep(ask("revoke", &more), at, done(&told).shown);
        told
    }
}

#[cfg(test)]
mod tests;
