//! The Secret that a value is delivered to: how it is built, what it says, and whose it is.
//!
//! It is the truth about what is current. Reading and writing it is not done here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::api::ObjectMeta;
use tokenwright_api::names::{GROUP, annotation, finalizer, label};
pub(crate) use tokenwright_api::owner::Ownership;
use tokenwright_api::owner::{KIND, Owner};
use tokenwright_api::token::SecretTemplate;
use tokenwright_client::text::{InvalidText, Texts};
use tokenwright_core::{Carried, DestinationVersion, Held, InvalidSpec, Retiring, TokenRef};
use zeroize::Zeroizing;

use crate::cluster::copies::without_writers;
use crate::secret::limits::is_reserved;
use crate::secret::manager::Manager;
use crate::secret::parts::{DigestKey, PREVIOUS, Parts};
use crate::secret::token::ABOUT_TOKENS;
pub(crate) use crate::secret::token::{AdoptedValue, Token};

/// Types of Secrets whose text under a key is JSON.
const DOCUMENTS: [(&str, &str); 2] = [
    ("kubernetes.io/dockerconfigjson", ".dockerconfigjson"),
    ("kubernetes.io/dockercfg", ".dockercfg"),
];

/// Everything that one write puts into the Secret.
#[derive(Debug)]
pub(crate) struct Delivery<'a> {
    /// Whose Secret it is.
    pub(crate) manager: &'a Manager,
    /// What the user wants it to look like.
    pub(crate) template: &'a SecretTemplate,
    /// The token whose value it holds.
    pub(crate) token: Token<'a>,
    /// The value.
    pub(crate) parts: &'a Parts,
    /// The previous value, where it is to be kept.
    pub(crate) previous: &'a Parts,
    /// The key of the fingerprint of a value that we minted; who adopts has one already.
    pub(crate) key: &'a DigestKey,
}

/// Texts, by key.
type Rendered = BTreeMap<String, Zeroizing<Vec<u8>>>;

/// Why the Secret cannot be built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    /// A text of `spec.secret.data` cannot be used.
    #[error("spec.secret.data[{:?}]", .0.key())]
    Text(#[from] InvalidText),

    /// A text would be no JSON, which the type of the Secret wants.
    #[error(
        "spec.secret.data[{0:?}] is no JSON with a value that has quotes or backslashes: write $(value.PART|json) where a part of it stands"
    )]
    NoJson(String),

    /// The program ends.
    #[error("rendering spec.secret.data")]
    Interrupted(#[source] tokio::task::JoinError),

    /// A rendered key would hide a part of the value.
    #[error(
        "spec.secret.data[{0:?}] has the name of a part of the value, or of the previous one, which is delivered under it anyway"
    )]
    HidesPart(String),

    /// What the Secret says about its token cannot be written as JSON.
    #[error("writing what the Secret says about its token")]
    Annotation(#[source] serde_json::Error),
}

impl BuildError {
    /// The same as a fault of the specification.
    pub(crate) fn as_invalid(&self) -> InvalidSpec {
        let cause = std::error::Error::source(self)
            .map(|cause| format!(": {cause}"))
            .unwrap_or_default();
        InvalidSpec::new("spec.secret.data", format!("{self}{cause}"))
    }
}

impl Delivery<'_> {
    /// The object to create, or, over `existing`, to update at its version.
    ///
    /// Labels and annotations of others stay; the data is ours alone.
    ///
    /// # Errors
    ///
    /// If a text cannot be rendered.
    pub(crate) async fn build(&self, existing: Option<&Secret>) -> Result<Secret, BuildError> {
        let data = self.data(self.rendered().await?);
        let before = existing
            .map(|secret| secret.metadata.clone())
            .unwrap_or_default();
        let mut labels = before.labels.unwrap_or_default();
        let mut annotations = before.annotations.unwrap_or_default();
        // What the template asked for, and asks for no more, is nobody's any more.
        for key in asked_for(&annotations, annotation::LABELS) {
            labels.remove(&key);
        }
        for key in asked_for(&annotations, annotation::ANNOTATIONS) {
            annotations.remove(&key);
        }
        labels.extend(self.template.labels.clone());
        labels.insert(label::SECRET.to_owned(), label::SECRET_TOKEN.to_owned());
        let said = |key: &str| ABOUT_TOKENS.contains(&key) || TEMPLATE.contains(&key);
        annotations.retain(|key, _| !said(key));
        annotations.extend(self.template.annotations.clone());
        annotations.extend(self.annotations()?);
        // What another one is allowed stays, until that has taken it over.
        if annotations.get(annotation::ALLOW_TAKEOVER_BY) == Some(&self.manager.name) {
            annotations.remove(annotation::ALLOW_TAKEOVER_BY);
        }
        // A source that is taken over is a source no more; what an issuer holds, it holds on.
        let mut finalizers = before.finalizers;
        if let Some(finalizers) = &mut finalizers
            && !labels.contains_key(label::CREDENTIAL)
        {
            finalizers.retain(|name| name != finalizer::IN_USE);
        }
        Ok(Secret {
            metadata: ObjectMeta {
                name: Some(self.template.name.clone()),
                namespace: Some(self.manager.namespace.clone()),
                uid: before.uid,
                resource_version: before.resource_version,
                finalizers,
                owner_references: before.owner_references,
                labels: Some(labels),
                annotations: Some(annotations),
                ..ObjectMeta::default()
            },
            type_: Some(self.template.type_.clone()),
            data: Some(data),
            ..Secret::default()
        })
    }

    /// The same over the data as they are, where the texts cannot be rendered.
    ///
    /// # Errors
    ///
    /// If what is said of the token cannot be written.
    pub(crate) async fn with_data_of(&self, existing: &Secret) -> Result<Secret, BuildError> {
        let template = SecretTemplate {
            data: BTreeMap::new(),
            ..self.template.clone()
        };
        let bare = Delivery {
            template: &template,
            ..*self
        };
        let mut secret = bare.build(Some(existing)).await?;
        secret.data.clone_from(&existing.data);
        Ok(secret)
    }

    fn annotations(&self) -> Result<BTreeMap<String, String>, BuildError> {
        let own = [
            (annotation::MANAGER_KIND, KIND.to_owned()),
            (
                annotation::MANAGER_NAMESPACE,
                self.manager.namespace.clone(),
            ),
            (annotation::MANAGER_NAME, self.manager.name.clone()),
            (annotation::MANAGER_UID, self.manager.uid.clone()),
            (annotation::PARTS, self.parts.names()),
        ];
        let said = self.token.annotations().map_err(BuildError::Annotation)?;
        let sealed = match self.token {
            Token::Minted { seals, .. } => {
                let fingerprint = (annotation::FINGERPRINT, self.parts.sealed(self.key));
                let seals = (!seals.is_empty()).then(|| (annotation::SEAL, seals.join(",")));
                [fingerprint].into_iter().chain(seals).collect()
            }
            Token::Adopted(_) => Vec::new(),
        };
        let template = self.template;
        let asked_for = TEMPLATE
            .into_iter()
            .zip([&template.labels, &template.annotations]);
        let asked_for = asked_for.filter(|(_, asked)| !asked.is_empty());
        let names =
            |keys: &BTreeMap<String, String>| keys.keys().cloned().collect::<Vec<_>>().join(",");
        let asked_for = asked_for.map(|(says, asked)| (says, names(asked)));
        let all = own.into_iter().chain(said).chain(sealed);
        let all = all.chain(asked_for);
        Ok(all.map(|(key, value)| (key.to_owned(), value)).collect())
    }

    fn data(&self, rendered: Rendered) -> BTreeMap<String, ByteString> {
        let mut data: BTreeMap<_, _> = self.parts.data("").collect();
        if self.template.keep_previous {
            let previous = self.previous.only(self.parts);
            data.extend(previous.data(PREVIOUS));
        }
        let rendered = rendered.into_iter();
        data.extend(rendered.map(|(key, mut text)| (key, ByteString(std::mem::take(&mut text)))));
        data
    }

    /// The texts of `spec.secret.data`. They are their tenant's: rendering them must keep nobody else
    /// from being served.
    async fn rendered(&self) -> Result<Rendered, BuildError> {
        let texts = self.template.data.clone();
        let hides = |key: &&String| {
            let previous = key
                .strip_prefix(PREVIOUS)
                .filter(|_| self.template.keep_previous);
            let parts = [Some(key.as_str()), previous].into_iter().flatten();
            parts.into_iter().any(|part| self.parts.get(part).is_some())
        };
        if let Some(key) = texts.keys().find(hides) {
            return Err(BuildError::HidesPart(key.clone()));
        }
        if texts.is_empty() {
            return Ok(Rendered::new());
        }
        let (fields, parts) = (self.token.fields(), self.parts.clone());
        let render = move || {
            let texts = Texts::new(&texts, fields.keys().map(String::as_str))?;
            texts.render(&fields, |part| parts.get(part))
        };
        let rendered = tokio::task::spawn_blocking(render).await;
        let rendered = rendered.map_err(BuildError::Interrupted)??;
        let wants_json = |(kind, key): (&str, &&str)| {
            self.template.type_ == kind && rendered.get(*key).is_some_and(|text| !is_json(text))
        };
        let mut documents = DOCUMENTS.iter().map(|(kind, key)| (*kind, key));
        match documents.find(|document| wants_json(*document)) {
            Some((_, key)) => Err(BuildError::NoJson((*key).to_owned())),
            None => Ok(rendered),
        }
    }
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

/// A Secret that says of its tokens, and of whose it is, what `wanted` says, and is all else as it was.
pub(crate) fn saying(existing: &Secret, wanted: &Secret) -> Secret {
    let mut secret = without_writers(existing.clone());
    let ours = |key: &str| key.starts_with(GROUP) && !TEMPLATE.contains(&key);
    let said = wanted.annotations().iter().filter(|(key, _)| ours(key));
    let annotations = secret.annotations_mut();
    annotations.retain(|key, _| !ABOUT_TOKENS.contains(&key.as_str()));
    annotations.extend(said.map(|(key, text)| (key.clone(), text.clone())));
    secret
}

/// Whose a Secret is.
const MANAGER: [&str; 4] = [
    annotation::MANAGER_KIND,
    annotation::MANAGER_NAMESPACE,
    annotation::MANAGER_NAME,
    annotation::MANAGER_UID,
];

/// What a Secret says of the labels and annotations that were asked for.
const TEMPLATE: [&str; 2] = [annotation::LABELS, annotation::ANNOTATIONS];

/// The labels or annotations that were asked for when a Secret was written last; what nobody can have asked for
/// is not among them, whatever it says.
fn asked_for(annotations: &BTreeMap<String, String>, says: &str) -> Vec<String> {
    let says = annotations.get(says).map(|keys| keys.split(','));
    let keys = says.into_iter().flatten();
    let keys = keys.filter(|key| !is_reserved(key));
    keys.map(ToOwned::to_owned).collect()
}

/// The change of metadata that gives a Secret back to its owner, who keeps its value.
pub(crate) fn let_go() -> serde_json::Value {
    unmarked(MANAGER)
}

/// The same for a Secret that holds nothing of ours any more, and says nothing of it either.
pub(crate) fn disown() -> serde_json::Value {
    let ours = MANAGER.into_iter().chain(ABOUT_TOKENS).chain(TEMPLATE);
    unmarked(ours.chain([annotation::PARTS]))
}

fn unmarked(annotations: impl IntoIterator<Item = &'static str>) -> serde_json::Value {
    let annotations = annotations.into_iter();
    let nothing: serde_json::Map<_, _> = annotations
        .map(|key| (key.to_owned(), serde_json::Value::Null))
        .collect();
    serde_json::json!({ "annotations": nothing, "labels": { label::SECRET: null } })
}

/// The fingerprint of the value that was delivered to a Secret, where it was made with this key. Whoever changes
/// the value before it is on record does not change that.
pub(crate) fn fingerprint(secret: &Secret, key: &DigestKey) -> Option<String> {
    let says = secret.annotations().get(annotation::FINGERPRINT);
    says.filter(|says| key.sealed(says)).cloned()
}

/// Whether it was we who named this very token in a Secret; one from before there were seals does not show it.
pub(crate) fn vouches(secret: &Secret, token: &TokenRef, key: &DigestKey) -> bool {
    let seals = secret.annotations().get(annotation::SEAL);
    seals.is_some_and(|seals| seals.split(',').any(|seal| seal == key.seal(token)))
}

/// What a Secret says about its token, as far as it is this manager's.
///
/// What cannot be read, or carries another's marker, is not said at all.
pub(crate) fn carried(secret: &Secret, manager: &Manager) -> Option<Carried> {
    said(&secret.metadata, manager)
}

/// The same, where only the metadata are at hand.
pub(crate) fn said(metadata: &ObjectMeta, manager: &Manager) -> Option<Carried> {
    let annotations = metadata.annotations.as_ref()?;
    let current: Held = serde_json::from_str(annotations.get(annotation::CURRENT)?).ok()?;
    let retiring: Vec<Retiring> =
        serde_json::from_str(annotations.get(annotation::RETIRING)?).ok()?;
    manager.owns(&current.token.marker).then(|| Carried {
        current,
        retiring: retiring
            .into_iter()
            .filter(|retiring| manager.owns(&retiring.token.marker))
            .collect(),
    })
}

/// The tokens that a Secret names, whoever's they are: the current one, and those whose overlap has not ended.
pub(crate) fn left_alive(metadata: &ObjectMeta, now: Timestamp) -> String {
    let says = |key| metadata.annotations.as_ref()?.get(key).map(String::as_str);
    let current = says(annotation::TOKEN_ID).unwrap_or("one without an id");
    let retiring = says(annotation::RETIRING).and_then(|text| serde_json::from_str(text).ok());
    let retiring: Vec<Retiring> = retiring.unwrap_or_default();
    let retiring = retiring.iter().filter(|old| old.not_before > now);
    let retiring = retiring.map(|old| old.token.id.to_string());
    let all: Vec<_> = std::iter::once(current.to_owned())
        .chain(retiring)
        .collect();
    all.join(", ")
}

/// Says what stays alive where a Secret is taken over from an object that is gone.
pub(crate) fn left_behind(uid: &str, metadata: &ObjectMeta, now: Timestamp) -> String {
    let left = left_alive(metadata, now);
    format!(
        "The Secret was taken over from the gone object {uid}, whose tokens stay alive, since they are not ours: {left}."
    )
}

/// Whether a Secret says that this very token is current.
pub(crate) fn names(says: Option<&Carried>, token: &TokenRef) -> bool {
    says.is_some_and(|says| {
        says.current.token.marker == token.marker && says.current.token.id == token.id
    })
}

/// The version of a Secret that a write is conditional on.
pub(crate) fn version(secret: Option<&Secret>) -> DestinationVersion {
    match secret.map(|secret| (&secret.metadata.uid, &secret.metadata.resource_version)) {
        Some((Some(uid), Some(resource_version))) => DestinationVersion::Present {
            uid: uid.clone(),
            resource_version: resource_version.clone(),
        },
        Some(_) | None => DestinationVersion::Absent,
    }
}

/// Whose a Secret is, as its annotations say.
pub(crate) fn ownership(secret: &Secret, manager: &Manager) -> Ownership {
    manager.owner().ownership(secret.annotations())
}

/// The other `ApiToken` that a Secret says it is of.
pub(crate) fn other_manager(secret: &Secret, manager: &Manager) -> Option<Owner> {
    manager.owner().other(secret.annotations())
}

/// The value that a Secret of this manager holds, for a publish that keeps it; that of another manager goes
/// to no place but its own.
pub(crate) fn previous(existing: Option<&Secret>, manager: &Manager) -> Parts {
    let own = existing.filter(|secret| other_manager(secret, manager).is_none());
    own.map(Parts::held_by).unwrap_or_default()
}

/// Whether two Secrets look the same; what is said as JSON, and the seal on it, is to be compared by meaning, and the
/// fingerprint and what was asked for came later, so that a new version of the operator rewrites nothing.
pub(crate) fn same_object(is: &Secret, wanted: &Secret) -> bool {
    let of_before = |secret: &Secret| {
        let says = |key| secret.annotations().contains_key(key);
        says(annotation::NONCE) && !says(annotation::FINGERPRINT)
    };
    let of_before = of_before(is);
    let plain = |secret: &Secret| {
        let mut annotations = secret.metadata.annotations.clone().unwrap_or_default();
        annotations.remove(annotation::CURRENT);
        annotations.remove(annotation::RETIRING);
        annotations.remove(annotation::SEAL);
        if of_before {
            annotations.remove(annotation::FINGERPRINT);
        }
        for says in TEMPLATE {
            if !is.annotations().contains_key(says) {
                annotations.remove(says);
            }
        }
        annotations
    };
    is.data == wanted.data
        && is.metadata.labels == wanted.metadata.labels
        && plain(is) == plain(wanted)
}

#[cfg(test)]
mod tests;
