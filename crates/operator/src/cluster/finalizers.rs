//! Finalizers of objects and Secrets: ours stands once, and those of others are left alone.

use std::fmt::Debug;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokenwright_api::names::{finalizer, label};

use crate::cluster::calls::{CallError, Calls, Scoped};
use crate::cluster::contest::rival;
use crate::cluster::context::Context;
use crate::cluster::events::{Event, send};
use crate::cluster::marks::{Marks, has};

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

/// What an object's own finalizer stands on, in the words of a message.
const ITSELF: &str = "this object";

/// The object with a finalizer of ours, which stands before anything is done that must be undone at
/// the end; `None` where it stands already, the object is on its way out, or somebody takes it away so
/// often that it is set anew only later.
pub(crate) async fn ensure<K>(
    context: &Context,
    object: &K,
    ours: &str,
) -> Result<Option<K>, CallError>
where
    K: Resource<DynamicType = (), Scope: Scoped> + Clone + DeserializeOwned + Debug,
{
    let leaves = object.meta().deletion_timestamp.is_some();
    if leaves || has(object, ours) || waits(context, object, ITSELF) {
        return Ok(None);
    }
    let finalizers = with(object, ours);
    let mut held = context.calls.set_finalizers(object, &finalizers).await?;
    was_set(context, object, (ITSELF, held.meta())).await;
    held.meta_mut().managed_fields = None;
    Ok(Some(held))
}

/// Whether a mark that somebody takes away again and again is set anew only later.
fn waits<K: Resource>(context: &Context, holder: &K, on: &str) -> bool {
    let (uid, generation) = (holder.uid().unwrap_or_default(), holder.meta().generation);
    let now = context.clock.now();
    let waits = |marks: &mut Marks| marks.waits(on, generation, now);
    context.marks.of(&uid, waits).is_some()
}

/// A mark was set over what somebody may have made of it; said once, when that begins to be a contest.
async fn was_set<K>(context: &Context, holder: &K, (on, written): (&str, &ObjectMeta))
where
    K: Resource<DynamicType = ()>,
{
    if context.calls.observe_only() {
        return;
    }
    let (uid, generation) = (holder.uid().unwrap_or_default(), holder.meta().generation);
    let (rival, now) = (rival(written, None), context.clock.now());
    let set = |marks: &mut Marks| marks.set(on, generation, rival, now);
    if let Some(told) = context.marks.of(&uid, set) {
        let event = Event::warning(told.reason, "Hold", told.message);
        send(context, holder, &event).await;
    }
}

/// The Secret with a mark of ours, which `holder` sets on it by this change.
pub(crate) async fn mark<K>(
    context: &Context,
    holder: &K,
    secret: Secret,
    change: Value,
) -> Result<Secret, CallError>
where
    K: Resource<DynamicType = ()>,
{
    let on = format!("the Secret {}", secret.name_any());
    if waits(context, holder, &on) {
        return Ok(secret);
    }
    let marked = context.calls.patch_secret(&secret, change).await?;
    was_set(context, holder, (&on, &marked.metadata)).await;
    Ok(marked)
}

/// Takes a finalizer of ours away; an object that is gone needs none.
pub(crate) async fn release<K>(calls: &Calls, object: &K, ours: &str) -> Result<(), CallError>
where
    K: Resource<DynamicType = (), Scope: Scoped> + Clone + DeserializeOwned + Debug,
{
    match calls.set_finalizers(object, &without(object, ours)).await {
        Ok(_) | Err(CallError::Missing(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Gives a Secret back that somebody else fills, by the change that `release` makes of it; one that is
/// gone needs none. `why` is for the log.
pub(crate) async fn give_back(
    calls: &Calls,
    (namespace, name): (&str, &str),
    release: fn(&Secret) -> Option<Value>,
    why: &str,
) -> Result<(), CallError> {
    if calls.observe_only() {
        return Ok(());
    }
    let Some(secret) = calls.secret(namespace, name).await? else {
        return Ok(());
    };
    let Some(change) = release(&secret) else {
        return Ok(());
    };
    match calls.patch_secret(&secret, change).await {
        Ok(_) | Err(CallError::Missing(_)) => {}
        Err(error) => return Err(error),
    }
    let finalizer = finalizer::IN_USE;
    tracing::info!(finalizer, "{why}");
    Ok(())
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
    hold(secret, done, json!({ label::SECRET: wanted }))
}

/// The same for the credential of an issuer, under a label of its own: the Secret may be something else
/// beside, even what an `ApiToken` delivers.
pub(crate) fn hold_credential(secret: &Secret) -> Option<Value> {
    let before = sort(secret) == Some(label::SECRET_CREDENTIAL);
    let done = is_credential(secret) && !before && has(secret, finalizer::IN_USE);
    let mut labels = json!({ label::CREDENTIAL: label::CREDENTIAL_OF_ISSUER });
    if before {
        labels[label::SECRET] = Value::Null;
    }
    hold(secret, done, labels)
}

fn hold(secret: &Secret, done: bool, labels: Value) -> Option<Value> {
    if done || secret.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let finalizers = with(secret, finalizer::IN_USE);
    Some(json!({ "finalizers": finalizers, "labels": labels }))
}

/// Whether an issuer holds this Secret.
pub(crate) fn is_credential(secret: &Secret) -> bool {
    secret.labels().contains_key(label::CREDENTIAL)
}

/// The finalizers without ours, unless somebody else of us still holds the Secret.
pub(crate) fn left(secret: &Secret, held_otherwise: bool) -> Vec<String> {
    match held_otherwise {
        true => secret.finalizers().to_vec(),
        false => without(secret, finalizer::IN_USE),
    }
}
