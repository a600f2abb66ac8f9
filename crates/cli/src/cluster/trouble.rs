//! What is not as it should be with an object, by its conditions.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::ObjectMeta;
use serde::Serialize;
use serde_json::Value;
use tokenwright_api::names::{UNSEEN, condition, reason, told};
use tokenwright_core::Acts;
use tokenwright_core::instant::after;

/// What an object says of itself.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Condensed {
    /// Whether it is Ready; null where nobody has said so yet.
    pub(crate) ready: Option<bool>,
    pub(crate) reason: Option<String>,
    pub(crate) trouble: Vec<Trouble>,
}

/// One thing that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Trouble {
    /// The condition.
    pub(crate) condition: String,
    pub(crate) reason: String,
    pub(crate) message: String,
    /// What a person does next; empty where there is nothing.
    pub(crate) advice: String,
}

/// When a condition is trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    WhenTrue,
    WhenFalse,
    /// While the object is deleted, where a person has to do something for that to go on.
    InDeletion,
    Never,
}

/// Each type of condition, with when it is trouble.
const SENSES: [(&str, Sense); 14] = [
    (condition::READY, Sense::WhenFalse),
    (condition::RECONCILING, Sense::InDeletion),
    (condition::STALLED, Sense::WhenTrue),
    (condition::ROTATING, Sense::WhenFalse),
    // What is not proven yet is asked about again, and not Ready where that matters.
    (condition::PROVEN, Sense::Never),
    (condition::AMBIGUOUS, Sense::WhenTrue),
    (condition::FOREIGN_ACTIVITY, Sense::WhenTrue),
    (condition::SUSPECT, Sense::WhenTrue),
    // Somebody wanted that.
    (condition::OBSERVE_ONLY, Sense::Never),
    (condition::OVERCOMMITTED, Sense::WhenTrue),
    (condition::REVOKE_FAILED, Sense::WhenTrue),
    (condition::CONTESTED, Sense::WhenTrue),
    (condition::ACCEPTED, Sense::WhenFalse),
    (condition::EXPIRES_SOON, Sense::WhenTrue),
];

/// So long an object may take to go before that is trouble where nothing says what it waits for.
const GOES_WITHIN: SignedDuration = SignedDuration::from_mins(5);

/// The conditions of a status, and whether they are about the object as it is now.
pub(crate) fn condensed(status: &Value, metadata: &ObjectMeta, now: Timestamp) -> Condensed {
    let conditions = status.get("conditions").cloned().unwrap_or_default();
    let conditions: Vec<Condition> = serde_json::from_value(conditions).unwrap_or_default();
    let ready = conditions.iter().find(|it| it.type_ == condition::READY);
    let mut trouble: Vec<Trouble> = Vec::new();
    for it in conditions.iter().filter(|it| is_trouble(it, metadata)) {
        // Ready and Stalled often say the same, or one of them only the word.
        let said = |other: &Trouble| {
            other.reason == it.reason && (other.message == it.message || it.message.is_empty())
        };
        if !trouble.iter().any(said) {
            trouble.push(Trouble::new(&it.type_, &it.reason, &it.message));
        }
    }
    let seen = status.get("observedGeneration").and_then(Value::as_i64);
    let seen = seen.filter(|seen| *seen != UNSEEN);
    if seen.is_none() || metadata.generation.is_some_and(|it| seen < Some(it)) {
        let message = match seen {
            None => "no operator has looked at it",
            Some(_) => "no operator has looked at its latest change",
        };
        trouble.push(Trouble::new(
            condition::READY,
            reason::NOT_SEEN_YET,
            message,
        ));
    }
    if trouble.is_empty() {
        trouble.extend(stays(metadata, now));
    }
    Condensed {
        ready: ready.map(|it| it.status == "True"),
        reason: ready.map(|it| it.reason.clone()),
        trouble,
    }
}

fn is_trouble(it: &Condition, metadata: &ObjectMeta) -> bool {
    let sense = SENSES.iter().find(|(type_, _)| *type_ == it.type_);
    let sense = sense.map_or(Sense::Never, |(_, sense)| *sense);
    match (sense, it.status.as_str()) {
        (Sense::WhenTrue, "True") => true,
        (Sense::WhenFalse, "False") => it.reason != reason::DELETING,
        (Sense::InDeletion, "True") => {
            let acts = told().get(it.reason.as_str()).map(|told| told.acts);
            metadata.deletion_timestamp.is_some() && acts == Some(Acts::Person)
        }
        _ => false,
    }
}

/// What keeps a deleted object that says nothing of it.
fn stays(metadata: &ObjectMeta, now: Timestamp) -> Option<Trouble> {
    let since = metadata.deletion_timestamp.as_ref()?.0;
    let finalizers = metadata.finalizers.as_deref().unwrap_or_default();
    if now < after(since, GOES_WITHIN) {
        return None;
    }
    let message = format!(
        "deleted at {since}, and stays until these finalizers go: {}",
        finalizers.join(", ")
    );
    Some(Trouble::new(condition::READY, reason::DELETING, &message))
}

impl Trouble {
    fn new(condition: &str, reason: &str, message: &str) -> Self {
        Self {
            condition: condition.to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            advice: advice(reason).to_owned(),
        }
    }
}

/// What a person does about a reason; empty where nothing is known, or nothing is to be done.
pub(crate) fn advice(name: &str) -> &'static str {
    let advice = told().get(name).map(|told| told.advice);
    advice
        .filter(|advice| *advice != "Nothing.")
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: &str = "2026-03-01T00:00:00Z";

    fn told_of(conditions: &Value, metadata: Value) -> Vec<(String, String)> {
        let status = json!({ "conditions": conditions, "observedGeneration": 1 });
        let metadata: ObjectMeta = serde_json::from_value(metadata).unwrap();
        let found = condensed(&status, &metadata, NOW.parse().unwrap());
        let both = |it: Trouble| (it.reason, it.message);
        found.trouble.into_iter().map(both).collect()
    }

    fn condition(type_: &str, status: &str, reason: &str, message: &str) -> Value {
        json!({
            "type": type_, "status": status, "reason": reason, "message": message,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        })
    }

    #[test]
    fn an_object_that_nobody_has_looked_at_says_so_whatever_wrote_its_status() {
        let metadata = || serde_json::from_value(json!({ "generation": 2 })).unwrap();
        let first = |status: Value| {
            let found = condensed(&status, &metadata(), NOW.parse().unwrap());
            found.trouble.into_iter().next().map(|it| it.message)
        };
        for status in [json!({}), json!({ "observedGeneration": UNSEEN })] {
            let told = first(status);
            assert_eq!(told.as_deref(), Some("no operator has looked at it"));
        }
        let told = first(json!({ "observedGeneration": 1 }));
        let wanted = "no operator has looked at its latest change";
        assert_eq!(told.as_deref(), Some(wanted));
    }

    #[test]
    fn of_every_type_of_condition_it_is_known_when_it_is_trouble() {
        let known: Vec<_> = SENSES.iter().map(|(type_, _)| *type_).collect();
        assert_eq!(known, condition::ALL);
    }

    #[test]
    fn what_refuses_that_an_object_goes_is_trouble_and_what_only_takes_its_time_is_none() {
        let deleted = json!({ "generation": 1, "deletionTimestamp": "2026-02-28T23:59:00Z" });
        let both = |reason: &str, message: &str| {
            json!([
                condition("Ready", "False", "Deleting", message),
                condition("Reconciling", "True", reason, message),
            ])
        };
        let refused = both("SecretRefused", "a webhook says no");
        let told = told_of(&refused, deleted.clone());
        let wanted = ("SecretRefused".to_owned(), "a webhook says no".to_owned());
        assert_eq!(told, [wanted]);
        let on_its_way = both("RemovingDestination", "The destination is removed.");
        assert_eq!(told_of(&on_its_way, deleted), []);
    }

    #[test]
    fn what_keeps_an_object_that_says_nothing_of_it_is_named_after_a_while() {
        let well = json!([condition("Ready", "True", "Ready", "")]);
        let deleted = |at: &str| {
            json!({
                "generation": 1, "deletionTimestamp": at, "finalizers": ["tokenwright.dev/in-use"],
            })
        };
        assert_eq!(told_of(&well, deleted("2026-02-28T23:59:00Z")), []);
        let told = told_of(&well, deleted("2026-02-28T23:00:00Z"));
        assert!(told[0].1.contains("tokenwright.dev/in-use"), "{told:?}");
    }

    #[test]
    fn one_trouble_is_told_once_though_two_conditions_have_its_word() {
        let paused = json!([
            condition("Ready", "False", "CredentialRefused", "it is refused"),
            condition("Stalled", "True", "CredentialRefused", ""),
        ]);
        let told = told_of(&paused, json!({ "generation": 1 }));
        assert_eq!(told.len(), 1, "{told:?}");
    }

    #[test]
    fn that_an_issuer_has_more_to_do_than_it_can_is_trouble() {
        let late = json!([
            condition("Ready", "True", "Ready", ""),
            condition("Overcommitted", "True", "RateTooLow", "about 120 %"),
        ]);
        let told = told_of(&late, json!({ "generation": 1 }));
        assert_eq!(told[0].0, "RateTooLow");
    }
}
