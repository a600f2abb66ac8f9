//! What the world shows: objects, conditions, events, and what the operator wrote.

use k8s_openapi::api::core::v1::Secret;
use serde_json::Value;
use tokenwright_api::ApiToken;
use tokenwright_api::adopt::AdoptedToken;
use tokenwright_api::names::{reason, told};
use tokenwright_client::memory::MintedToken;

use super::{NAMESPACE, OPERATOR, TOKENS, World};

impl World {
    /// `True: Reason` of a condition of any object.
    pub fn condition_of(&self, kind: &str, name: &str, type_: &str) -> String {
        let object = self.api.snapshot(kind, NAMESPACE, name).unwrap_or_default();
        let conditions = object["status"]["conditions"].as_array();
        let condition = conditions
            .into_iter()
            .flatten()
            .find(|condition| condition["type"] == type_);
        condition.map_or("absent".to_owned(), |condition| {
            let text = |key: &str| condition[key].as_str().unwrap_or_default().to_owned();
            format!("{}: {}", text("status"), text("reason"))
        })
    }

    /// A Secret by its name.
    pub fn secret_called(&self, name: &str) -> Option<Secret> {
        let object = self.api.snapshot("secrets", NAMESPACE, name)?;
        Some(serde_json::from_value(object).unwrap())
    }

    /// An annotation of the delivered Secret.
    pub fn annotation(&self, key: &str) -> Option<String> {
        self.secret()?.metadata.annotations?.get(key).cloned()
    }

    /// What the status says of the adopted token.
    pub fn adopted(&self) -> AdoptedToken {
        let status = self.object().and_then(|object| object.status);
        status.and_then(|status| status.adopted).unwrap_or_default()
    }

    /// The notes of the events of one reason about the `ApiToken`.
    pub fn notes(&self, reason: &str) -> Vec<String> {
        let mut events = self.api.snapshots("events.events.k8s.io");
        events.retain(|event| event["reason"] == reason);
        let notes = events.iter().filter_map(|event| event["note"].as_str());
        notes.map(ToOwned::to_owned).collect()
    }

    /// Everything that people and programs without the right to read Secrets can see.
    pub fn everything_shown(&self) -> String {
        let mut shown = self.api.snapshots("events.events.k8s.io");
        shown.extend(self.api.snapshots(TOKENS));
        shown.extend(self.api.snapshots("tokenissuers.tokenwright.dev"));
        let mut secrets = self.api.snapshots("secrets");
        secrets
            .iter_mut()
            .for_each(|secret| secret["data"] = Value::Null);
        shown.extend(secrets);
        serde_json::to_string(&shown).unwrap()
    }

    /// `Status: Reason: message` of the condition `Ready` of a `TokenIssuer`.
    pub fn issuer_ready(&self, name: &str) -> String {
        self.shown_of("tokenissuers", NAMESPACE, name, "Ready")
    }

    /// `Status: Reason: message` of a condition of one of our objects.
    pub fn shown_of(&self, plural: &str, namespace: &str, name: &str, type_: &str) -> String {
        let kind = format!("{plural}.tokenwright.dev");
        let object = self
            .api
            .snapshot(&kind, namespace, name)
            .unwrap_or_default();
        let conditions = object["status"]["conditions"].as_array();
        let conditions = conditions.into_iter().flatten();
        let condition = conditions.into_iter().find(|c| c["type"] == type_);
        condition.map_or("absent".to_owned(), |condition| {
            let text = |key: &str| condition[key].as_str().unwrap_or_default().to_owned();
            format!(
                "{}: {}: {}",
                text("status"),
                text("reason"),
                text("message")
            )
        })
    }

    /// Every condition of every object of ours has a reason that is documented, and says what is wrong in
    /// words.
    pub fn check_conditions(&self) {
        let known = told();
        for plural in [
            "apitokens",
            "tokenissuers",
            "clustertokenissuers",
            "tokenprofiles",
        ] {
            for object in self.api.snapshots(&format!("{plural}.tokenwright.dev")) {
                let conditions = object["status"]["conditions"].as_array();
                for condition in conditions.into_iter().flatten() {
                    let reason = condition["reason"].as_str().unwrap_or_default();
                    let quiet = reason == reason::IDLE && condition["status"] == "False";
                    assert!(known.contains_key(reason), "{plural}: {condition}");
                    assert!(quiet || condition["message"] != "", "{plural}: {condition}");
                }
            }
        }
    }

    /// Labels and finalizers of a Secret.
    pub fn marks(&self, secret: &str) -> (Vec<String>, Vec<String>) {
        let metadata = self.secret_called(secret).unwrap().metadata;
        let labels = metadata.labels.unwrap_or_default();
        (
            labels.into_keys().collect(),
            metadata.finalizers.unwrap_or_default(),
        )
    }

    pub fn object(&self) -> Option<ApiToken> {
        let object = self.api.snapshot(TOKENS, NAMESPACE, "ci")?;
        Some(serde_json::from_value(object).unwrap())
    }

    pub fn secret(&self) -> Option<Secret> {
        let object = self.api.snapshot("secrets", NAMESPACE, "ci-token")?;
        Some(serde_json::from_value(object).unwrap())
    }

    /// The text under a key of the Secret.
    pub fn data(&self, key: &str) -> Option<String> {
        let data = self.secret()?.data?;
        Some(String::from_utf8(data.get(key)?.0.clone()).unwrap())
    }

    /// `True: Reason` of a condition of the `ApiToken`.
    pub fn condition(&self, type_: &str) -> String {
        let status = self
            .object()
            .and_then(|object| object.status)
            .unwrap_or_default();
        let condition = status
            .conditions
            .into_iter()
            .find(|condition| condition.type_ == type_);
        condition.map_or("absent".to_owned(), |condition| {
            format!("{}: {}", condition.status, condition.reason)
        })
    }

    pub fn message(&self, type_: &str) -> String {
        let status = self
            .object()
            .and_then(|object| object.status)
            .unwrap_or_default();
        let condition = status
            .conditions
            .into_iter()
            .find(|condition| condition.type_ == type_);
        condition
            .map(|condition| condition.message)
            .unwrap_or_default()
    }

    pub fn revision(&self) -> Option<u32> {
        Some(self.object()?.status?.current?.revision)
    }

    /// What the operator wrote, in short: `patch apitokens`, `update apitokens/status`, …
    pub fn writes(&self) -> Vec<String> {
        let writes = self.api.writes(OPERATOR);
        let about_token = |resource: &str| resource == TOKENS || resource == "secrets";
        writes
            .into_iter()
            .filter(|record| {
                about_token(&record.seen.resource)
                    && record.seen.namespace.as_deref() == Some(NAMESPACE)
            })
            .filter(|record| record.seen.name.as_deref() != Some("credential"))
            .map(|record| {
                let seen = &record.seen;
                let resource = seen.resource.split('.').next().unwrap_or_default();
                let sub = seen
                    .subresource
                    .as_ref()
                    .map(|sub| format!("/{sub}"))
                    .unwrap_or_default();
                format!("{:?} {resource}{sub}", seen.verb).to_lowercase()
            })
            .collect()
    }

    /// The reasons of the events about the `ApiToken`, in order.
    pub fn events(&self) -> Vec<String> {
        let mut events = self.api.snapshots("events.events.k8s.io");
        events.retain(|event| event["regarding"]["kind"] == "ApiToken");
        events.sort_by_key(|event| event["eventTime"].as_str().map(ToOwned::to_owned));
        events
            .iter()
            .filter_map(|event| Some(event["reason"].as_str()?.to_owned()))
            .collect()
    }

    /// The one live token, which must be the one whose value the Secret holds.
    pub fn the_only_token(&self) -> MintedToken {
        let live = self.issuer.live();
        assert_eq!(live.len(), 1, "live tokens: {live:#?}");
        let value = self.data("token").expect("there is no value in the Secret");
        assert!(
            self.issuer.accepts(&value),
            "the value in the Secret does not authenticate"
        );
        let owner = self.issuer.owner_of(&value).unwrap();
        assert_eq!(owner.token.id, live[0].token.id);
        owner
    }

    /// The value in the Secret authenticates; asked after every step of a scenario.
    pub fn the_secret_works(&self) {
        let value = self.data("token").expect("there is no value in the Secret");
        assert!(
            self.issuer.accepts(&value),
            "the value in the Secret does not authenticate"
        );
    }
}
