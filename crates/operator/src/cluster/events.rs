//! Events: one per transition, in the kind's own sentences.

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event as Written;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Resource;
use kube::api::ObjectMeta;
use tokenwright_api::names;

use crate::cluster::cause;
use crate::cluster::context::Context;

/// No note has more bytes.
const LONGEST_NOTE: usize = 1024;

/// What stands at the end of one that has more; the log has all of it.
const CUT: &str = "…";

/// Where the API server takes the events about what belongs to no namespace.
const OF_CLUSTER: &str = "default";

/// Whether somebody should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// As it should be.
    Normal,
    /// Somebody should look.
    Warning,
}

/// What happened.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// Whether somebody should look.
    pub(crate) weight: Weight,
    /// One word.
    pub(crate) reason: String,
    /// What was being done, in one word.
    pub(crate) action: &'static str,
    /// One sentence.
    pub(crate) note: String,
}

impl Event {
    /// Good event.
    pub(crate) fn normal(
        reason: impl Into<String>,
        action: &'static str,
        note: impl Into<String>,
    ) -> Self {
        Self {
            weight: Weight::Normal,
            reason: reason.into(),
            action,
            note: note.into(),
        }
    }

    /// Bad event.
    pub(crate) fn warning(
        reason: impl Into<String>,
        action: &'static str,
        note: impl Into<String>,
    ) -> Self {
        Self {
            weight: Weight::Warning,
            ..Self::normal(reason, action, note)
        }
    }
}

/// Sends an event about an object. One that cannot be sent is only logged: nothing hangs on it.
pub(crate) async fn send<K: Resource<DynamicType = ()>>(
    context: &Context,
    object: &K,
    event: &Event,
) {
    tell(context, object, event).await;
}

/// The same of what must not be lost. The namespace of the object may take no event, as one that is being deleted does
/// not: it is told of that namespace then, among the events about what belongs to none.
pub(crate) async fn send_aloud<K: Resource<DynamicType = ()>>(
    context: &Context,
    object: &K,
    event: &Event,
) {
    let told = tell(context, object, event).await;
    let reference = object.object_ref(&());
    if let (false, Some(namespace)) = (told, reference.namespace) {
        let (kind, name) = (reference.kind, reference.name);
        let (kind, name) = (kind.unwrap_or_default(), name.unwrap_or_default());
        let event = Event {
            note: format!("{kind} {name}: {}", event.note),
            ..event.clone()
        };
        let regarding = ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Namespace".to_owned()),
            name: Some(namespace),
            ..ObjectReference::default()
        };
        report(context, regarding, &event).await;
    }
}

/// Logs it in full, and whether the API server has it.
async fn tell<K: Resource<DynamicType = ()>>(context: &Context, object: &K, event: &Event) -> bool {
    let reference = object.object_ref(&());
    let (kind, namespace, name) = (&reference.kind, &reference.namespace, &reference.name);
    let reason = &event.reason;
    match event.weight {
        Weight::Normal => tracing::info!(kind, namespace, name, reason, "{}", event.note),
        Weight::Warning => tracing::warn!(kind, namespace, name, reason, "{}", event.note),
    }
    report(context, reference, event).await
}

async fn report(context: &Context, regarding: ObjectReference, event: &Event) -> bool {
    let written = written(context, regarding, event);
    let sent = context.calls.send_event(&written).await;
    if let Err(error) = &sent {
        tracing::warn!(error = cause::chain(error), "an event was not reported");
    }
    sent.is_ok()
}

/// As much of a note as the API server takes, which counts bytes and refuses the event where there are more.
fn cut(note: &str) -> String {
    match note.len() <= LONGEST_NOTE {
        true => note.to_owned(),
        false => {
            let room = LONGEST_NOTE.saturating_sub(CUT.len());
            format!("{}{CUT}", note.split_at(note.floor_char_boundary(room)).0)
        }
    }
}

fn written(context: &Context, regarding: ObjectReference, event: &Event) -> Written {
    let now = context.clock.now();
    let name = regarding.name.clone().unwrap_or_default();
    let namespace = regarding.namespace.clone();
    Written {
        metadata: ObjectMeta {
            // The API server cuts nothing: a name has 253 characters at most. Two things may happen at once.
            name: Some(format!(
                "{}.{:x}.{}",
                name.chars().take(200).collect::<String>(),
                now.as_nanosecond(),
                event.reason.to_lowercase()
            )),
            namespace: Some(namespace.unwrap_or_else(|| OF_CLUSTER.to_owned())),
            ..ObjectMeta::default()
        },
        event_time: Some(MicroTime(now)),
        regarding: Some(regarding),
        reason: Some(event.reason.clone()),
        action: Some(event.action.to_owned()),
        note: Some(cut(&event.note)),
        type_: Some(match event.weight {
            Weight::Normal => "Normal".to_owned(),
            Weight::Warning => "Warning".to_owned(),
        }),
        reporting_controller: Some(format!("{}/operator", names::GROUP)),
        reporting_instance: Some(context.instance.clone()),
        ..Written::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_note_is_cut_where_the_api_server_would_refuse_it_whatever_its_letters() {
        for letter in ["e", "ü", "語", "🔑"] {
            let note = letter.repeat(2_000);
            let cut = cut(&note);
            assert!(cut.len() <= 1024 && cut.len() > 1017, "{letter}");
            assert!(note.starts_with(cut.strip_suffix(CUT).unwrap()));
        }
        assert_eq!(cut("short"), "short");
    }
}
