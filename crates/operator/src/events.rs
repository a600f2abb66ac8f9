//! Events: one per transition, in the kind's own sentences.

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Resource;
use kube::api::ObjectMeta;
use tokenwright_api::names;

use crate::context::Context;

/// Whether somebody should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// As it should be.
    Normal,
    /// Somebody should look.
    Warning,
}

/// What happened.
#[derive(Debug, Clone)]
pub struct News {
    /// Whether somebody should look.
    pub weight: Weight,
    /// One word.
    pub reason: String,
    /// What was being done, in one word.
    pub action: &'static str,
    /// One sentence.
    pub note: String,
}

impl News {
    /// Good news.
    pub fn normal(
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

    /// Bad news.
    pub fn warning(
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

/// Reports `news` about an object. An event that cannot be reported is only logged: nothing hangs on it.
pub async fn report<K: Resource<DynamicType = ()>>(context: &Context, object: &K, news: &News) {
    let reference = object.object_ref(&());
    let name = reference.name.clone().unwrap_or_default();
    match news.weight {
        Weight::Normal => tracing::info!(object = name, reason = news.reason, "{}", news.note),
        Weight::Warning => tracing::warn!(object = name, reason = news.reason, "{}", news.note),
    }
    if let Err(error) = context.calls.report(&event(context, reference, news)).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "an event was not reported"
        );
    }
}

fn event(context: &Context, regarding: ObjectReference, news: &News) -> Event {
    let now = context.clock.now();
    let name = regarding.name.clone().unwrap_or_default();
    Event {
        metadata: ObjectMeta {
            // The API server cuts nothing: a name has 253 characters at most. Two things may happen at once.
            name: Some(format!(
                "{}.{:x}.{}",
                name.chars().take(200).collect::<String>(),
                now.as_nanosecond(),
                news.reason.to_lowercase()
            )),
            namespace: regarding.namespace.clone(),
            ..ObjectMeta::default()
        },
        event_time: Some(MicroTime(now)),
        regarding: Some(regarding),
        reason: Some(news.reason.clone()),
        action: Some(news.action.to_owned()),
        note: Some(news.note.chars().take(1000).collect()),
        type_: Some(match news.weight {
            Weight::Normal => "Normal".to_owned(),
            Weight::Warning => "Warning".to_owned(),
        }),
        reporting_controller: Some(format!("{}/operator", names::GROUP)),
        reporting_instance: Some(context.options.instance.clone()),
        ..Event::default()
    }
}
