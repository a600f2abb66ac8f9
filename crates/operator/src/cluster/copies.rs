//! What an object says of itself, and no memory should keep: whoever may write it may say as much as there is room
//! for in the store, and `kubectl apply` keeps a copy of the whole object there: of a Secret, its values, too.

use std::borrow::Cow;
use std::collections::BTreeMap;

use kube::Resource;
use kube::api::ObjectMeta;
use tokenwright_api::ApiTokenSpec;
use tokenwright_api::names::GROUP;
use tokenwright_core::bounds::{MOST_TEXT, bytes_of};

/// Takes away what nobody here reads of an object of ours: what others say of it.
pub(crate) fn without_others<K: Resource>(object: K) -> K {
    let mut object = without_writers(object);
    let metadata = object.meta_mut();
    (metadata.labels, metadata.owner_references) = (None, None);
    if let Some(annotations) = &mut metadata.annotations {
        annotations.retain(|key, _| key.starts_with(GROUP));
    }
    object
}

/// The same of one that most often says nothing of the sort.
pub(crate) fn without_others_of<K: Resource + Clone>(object: &K) -> Cow<'_, K> {
    let all = object.meta();
    let mut annotations = all.annotations.iter().flatten();
    let clean = annotations.all(|(key, _)| key.starts_with(GROUP))
        && all.labels.is_none()
        && all.owner_references.is_none()
        && all.managed_fields.is_none();
    match clean {
        true => Cow::Borrowed(object),
        false => Cow::Owned(without_others(object.clone())),
    }
}

/// Whether an `ApiToken` asks with more text than can ever be recorded with a token, which is refused.
pub(crate) fn is_overlong(spec: &ApiTokenSpec) -> bool {
    let token = spec.token.as_ref();
    let adopt = spec.adopt.as_ref();
    token.is_some_and(|token| too_many(&token.scopes) || too_long(&token.parameters))
        || adopt.is_some_and(|adopt| too_long(&adopt.parameters))
}

/// Puts one text that is as overlong in the place of each crowd of texts that is.
pub(crate) fn shorten(spec: &mut ApiTokenSpec) {
    let overlong = || "x".repeat(MOST_TEXT.saturating_add(1));
    if let Some(token) = spec.token.as_mut().filter(|one| too_many(&one.scopes)) {
        token.scopes = vec![overlong()];
    }
    let token = spec.token.as_mut().map(|token| &mut token.parameters);
    let adopt = spec.adopt.as_mut().map(|adopt| &mut adopt.parameters);
    for parameters in token.into_iter().chain(adopt) {
        if too_long(parameters) {
            *parameters = [("x".to_owned(), overlong())].into();
        }
    }
}

fn too_many(texts: &[String]) -> bool {
    bytes_of(texts) > MOST_TEXT
}

fn too_long(texts: &BTreeMap<String, String>) -> bool {
    bytes_of(texts.iter().flat_map(|(name, text)| [name, text])) > MOST_TEXT
}

/// Takes away all that an object says but which one it is.
pub(crate) fn named<K: Resource>(mut object: K) -> K {
    let all = std::mem::take(object.meta_mut());
    *object.meta_mut() = ObjectMeta {
        name: all.name,
        namespace: all.namespace,
        uid: all.uid,
        resource_version: all.resource_version,
        ..ObjectMeta::default()
    };
    object
}

/// The same, and leaves its labels.
pub(crate) fn labelled<K: Resource>(mut object: K) -> K {
    let labels = object.meta_mut().labels.take();
    let mut object = named(object);
    object.meta_mut().labels = labels;
    object
}

/// Takes away who wrote what of it.
pub(crate) fn without_writers<K: Resource>(mut object: K) -> K {
    object.meta_mut().managed_fields = None;
    object
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::secret::shown::SecretMeta;

    /// What is kept of a Secret of which others say much.
    fn kept(keep: impl Fn(SecretMeta) -> SecretMeta) -> Value {
        let secret = serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {
                "name": "a", "namespace": "b", "uid": "c", "resourceVersion": "1", "finalizers": ["d"],
                "labels": { "e": "f" }, "managedFields": [{ "manager": "g" }],
                "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "{}", "tokenwright.dev/rotate": "now" },
                "ownerReferences": [{ "apiVersion": "v1", "kind": "Pod", "name": "h", "uid": "i" }],
            },
        }));
        serde_json::to_value(keep(secret.unwrap()).metadata).unwrap()
    }

    #[test]
    fn what_others_say_of_an_object_stays_in_no_memory() {
        let which = json!({ "name": "a", "namespace": "b", "uid": "c", "resourceVersion": "1" });
        assert_eq!(kept(named), which);
        let mut with_labels = which.clone();
        with_labels["labels"] = json!({ "e": "f" });
        assert_eq!(kept(labelled), with_labels);
        let mut of_ours = which;
        of_ours["finalizers"] = json!(["d"]);
        of_ours["annotations"] = json!({ "tokenwright.dev/rotate": "now" });
        assert_eq!(kept(without_others), of_ours);
    }
}
