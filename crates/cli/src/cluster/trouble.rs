//! What is not as it should be with an object, by its conditions.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::Serialize;
use serde_json::Value;
use tokenwright_api::names::{condition, reason, told};

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

/// Conditions that are trouble when they are True.
const WHEN_TRUE: [&str; 6] = [
    condition::STALLED,
    condition::REVOKE_FAILED,
    condition::AMBIGUOUS,
    condition::FOREIGN_ACTIVITY,
    condition::SUSPECT,
    condition::EXPIRES_SOON,
];
/// Conditions that are trouble when they are False.
const WHEN_FALSE: [&str; 3] = [condition::READY, condition::ROTATING, condition::ACCEPTED];

/// The conditions of a status, and whether they are about the object as it is now.
pub(crate) fn condensed(status: &Value, generation: Option<i64>) -> Condensed {
    let conditions = status.get("conditions").cloned().unwrap_or_default();
    let conditions: Vec<Condition> = serde_json::from_value(conditions).unwrap_or_default();
    let ready = conditions.iter().find(|it| it.type_ == condition::READY);
    let mut trouble: Vec<Trouble> = Vec::new();
    for it in conditions.iter().filter(|it| is_trouble(it)) {
        let one = Trouble {
            condition: it.type_.clone(),
            reason: it.reason.clone(),
            message: it.message.clone(),
            advice: advice(&it.reason).to_owned(),
        };
        // Ready and Stalled often say the same.
        let said = |other: &Trouble| other.reason == one.reason && other.message == one.message;
        if !trouble.iter().any(said) {
            trouble.push(one);
        }
    }
    let seen = status.get("observedGeneration").and_then(Value::as_i64);
    if seen.is_none() || generation.is_some_and(|generation| seen < Some(generation)) {
        trouble.push(Trouble {
            condition: condition::READY.to_owned(),
            reason: reason::NOT_SEEN_YET.to_owned(),
            message: match seen {
                None => "no operator has looked at it".to_owned(),
                Some(_) => "no operator has looked at its latest change".to_owned(),
            },
            advice: advice(reason::NOT_SEEN_YET).to_owned(),
        });
    }
    Condensed {
        ready: ready.map(|it| it.status == "True"),
        reason: ready.map(|it| it.reason.clone()),
        trouble,
    }
}

fn is_trouble(it: &Condition) -> bool {
    let name = it.type_.as_str();
    match it.status.as_str() {
        "True" => WHEN_TRUE.contains(&name),
        "False" => WHEN_FALSE.contains(&name) && it.reason != reason::DELETING,
        _ => false,
    }
}

/// What a person does about a reason; empty where nothing is known, or nothing is to be done.
pub(crate) fn advice(name: &str) -> &'static str {
    let advice = told().get(name).map(|told| told.advice);
    advice
        .filter(|advice| *advice != "Nothing.")
        .unwrap_or_default()
}
