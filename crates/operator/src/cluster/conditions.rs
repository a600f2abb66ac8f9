//! Conditions as kstatus and `kubectl wait` read them.
//!
//! `Ready`, `Reconciling` and `Stalled` are present from the first sight of an object on: a reader
//! that finds no `Ready` would take the object for finished.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use tokenwright_api::names::{condition, meaning, reason};

/// By so much of its beginning a message is recognised: its end may be cut, or tell a time.
const COMPARED: usize = 200;

/// The longest message that is written; the API server takes 32 KiB, a person reads less.
const LONGEST_MESSAGE: usize = 1024;

/// What a condition can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Truth {
    /// It is so.
    True,
    /// It is not so.
    False,
    /// It cannot be told.
    Unknown,
}

impl Truth {
    /// As it is written.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl From<bool> for Truth {
    fn from(is: bool) -> Self {
        if is { Self::True } else { Self::False }
    }
}

/// One thing that is said about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fact {
    /// The type of the condition.
    pub(crate) type_: &'static str,
    /// Whether it is so.
    pub(crate) is: Truth,
    /// One word, from the list of reasons.
    pub(crate) reason: String,
    /// One sentence for people.
    pub(crate) message: String,
}

impl Fact {
    /// A fact.
    pub(crate) fn new(
        type_: &'static str,
        is: impl Into<Truth>,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            type_,
            is: is.into(),
            reason: reason.into(),
            message: message.into(),
        }
    }
}

/// Why something is as it is, for the conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// One word.
    pub(crate) reason: String,
    /// One sentence.
    pub(crate) message: String,
}

impl Trouble {
    /// The API server does not take a Secret whose value works as it is wanted.
    pub(crate) fn of_form(error: &impl std::fmt::Display) -> Self {
        let message =
            format!("{error}. The value in the Secret still works; the write is tried again.");
        Self::new(reason::SECRET_REFUSED, message)
    }

    /// A trouble with its reason.
    pub(crate) fn new(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            message: message.into(),
        }
    }
}

/// Whether nothing more happens until a person changes something.
pub(crate) fn stalled(why: Option<Trouble>) -> Fact {
    given(condition::STALLED, why)
}

/// Whether something is still to be done.
pub(crate) fn reconciling(why: Option<Trouble>) -> Fact {
    given(condition::RECONCILING, why)
}

fn given(type_: &'static str, why: Option<Trouble>) -> Fact {
    match why {
        Some(why) => Fact::new(type_, true, why.reason, why.message),
        None => Fact::new(type_, false, reason::IDLE, ""),
    }
}

/// The conditions after `facts` were seen at `generation`.
///
/// A condition that is not among the facts stays as it is. The transition time moves only when
/// the status does.
pub(crate) fn updated(
    conditions: &[Condition],
    facts: &[Fact],
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    let mut conditions = conditions.to_vec();
    for fact in facts {
        let before = conditions
            .iter_mut()
            .find(|condition| condition.type_ == fact.type_);
        let since = match &before {
            Some(before) if before.status == fact.is.as_str() => {
                before.last_transition_time.clone()
            }
            _ => Time(now),
        };
        let condition = Condition {
            last_transition_time: since,
            message: shortened(&worded(fact)),
            observed_generation: Some(generation),
            reason: fact.reason.clone(),
            status: fact.is.as_str().to_owned(),
            type_: fact.type_.to_owned(),
        };
        match before {
            Some(before) => *before = condition,
            None => conditions.push(condition),
        }
    }
    conditions
}

/// The message of a fact: a word alone helps nobody, so that what has nothing more to tell says what the word
/// means.
fn worded(fact: &Fact) -> String {
    match fact.message.as_str() {
        "" if fact.reason != reason::IDLE => meaning(&fact.reason).unwrap_or_default().to_owned(),
        message => message.to_owned(),
    }
}

/// Whether a condition says this already, with this reason: what is said in an event is said once, whichever
/// process said it.
pub(crate) fn say(conditions: &[Condition], why: &Trouble) -> bool {
    let beginning: String = why.message.chars().take(COMPARED).collect();
    let says = |known: &Condition| known.reason == why.reason && known.message.contains(&beginning);
    conditions.iter().any(says)
}

/// The conditions without those of the given types.
pub(crate) fn without(conditions: Vec<Condition>, types: &[&str]) -> Vec<Condition> {
    conditions
        .into_iter()
        .filter(|condition| !types.contains(&condition.type_.as_str()))
        .collect()
}

/// No more of a message than a condition holds: the API server repeats what it refuses, as long as that is.
pub(crate) fn shortened(message: &str) -> String {
    message.chars().take(LONGEST_MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn fact(is: bool, reason: &str) -> Fact {
        Fact::new("Ready", is, reason, "a sentence")
    }

    #[test]
    fn the_transition_time_moves_only_with_the_status() {
        let first = updated(&[], &[fact(false, "NotMinted")], 1, at(100));
        let same = updated(&first, &[fact(false, "InProgress")], 2, at(200));
        assert_eq!(same[0].last_transition_time, Time(at(100)));
        assert_eq!(
            (same[0].reason.as_str(), same[0].observed_generation),
            ("InProgress", Some(2))
        );

        let turned = updated(&same, &[fact(true, "Ready")], 2, at(300));
        assert_eq!(turned[0].last_transition_time, Time(at(300)));
        assert_eq!(turned.len(), 1);
    }

    #[test]
    fn what_is_not_mentioned_stays() {
        let both = updated(
            &[],
            &[
                fact(true, "Ready"),
                Fact::new("Proven", false, "ValueNotProven", ""),
            ],
            1,
            at(1),
        );
        let after = updated(&both, &[fact(false, "Expired")], 1, at(2));
        assert_eq!(after[1], both[1]);
        assert_eq!(without(after, &["Proven"]).len(), 1);
    }

    #[test]
    fn a_word_without_a_message_says_what_it_means_and_idleness_is_quiet() {
        let word = stalled(Some(Trouble::new(reason::CREDENTIAL_REFUSED, "")));
        let conditions = updated(&[], &[word, reconciling(None)], 1, at(1));
        assert_eq!(
            conditions[0].message,
            "The issuer does not accept the credential."
        );
        assert_eq!(conditions[1].message, "");
    }

    #[test]
    fn what_a_condition_says_already_is_known_by_its_reason_and_the_beginning_of_its_message() {
        let fact = Fact::new(
            "Ready",
            false,
            "SecretRefused",
            "It is removed. a webhook says no.",
        );
        let conditions = updated(&[], &[fact], 1, at(1));
        let known = |reason: &str, message: &str| say(&conditions, &Trouble::new(reason, message));
        assert!(known("SecretRefused", "a webhook says no"));
        assert!(!known("SecretRefused", "a quota is used up"));
        assert!(!known("WriteRefused", "a webhook says no"));
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let long = "ü".repeat(LONGEST_MESSAGE + 1);
        let cut = updated(&[], &[Fact::new("Ready", true, "Ready", long)], 1, at(1));
        assert_eq!(cut[0].message.chars().count(), LONGEST_MESSAGE);
    }
}
