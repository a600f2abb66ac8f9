//! Finalizers of objects and Secrets: ours stands once, and those of others are left alone.

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use serde_json::{Value, json};
use tokenwright_api::names::{finalizer, label};

/// Whether a finalizer of ours stands.
pub(crate) fn has(object: &impl ResourceExt, ours: &str) -> bool {
    object.finalizers().iter().any(|name| name == ours)
}

/// All finalizers, ours among them.
pub(crate) fn with(object: &impl ResourceExt, ours: &str) -> Vec<String> {
    let mut finalizers = object.finalizers().to_vec();
    if !has(object, ours) {
        finalizers.push(ours.to_owned());
    }
    finalizers
}

/// All finalizers but ours.
pub(crate) fn without(object: &impl ResourceExt, ours: &str) -> Vec<String> {
    let mut finalizers = object.finalizers().to_vec();
    finalizers.retain(|name| name != ours);
    finalizers
}

/// What our label says that a Secret is.
pub(crate) fn sort(secret: &Secret) -> Option<&str> {
    secret.labels().get(label::SECRET).map(String::as_str)
}

/// The change of metadata that holds a Secret which somebody else fills: our label, so that a correction
/// of it is seen by the watch, and our finalizer, so that a namespace that is deleted can still be
/// cleaned up. `None` where it is held already, or on its way out.
pub(crate) fn hold_as(secret: &Secret, wanted: &str) -> Option<Value> {
    let done = sort(secret) == Some(wanted) && has(secret, finalizer::IN_USE);
    if done || secret.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let finalizers = with(secret, finalizer::IN_USE);
    Some(json!({ "finalizers": finalizers, "labels": { label::SECRET: wanted } }))
}
