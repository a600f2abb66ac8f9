//! What an `ApiToken` that adopts says about itself: what is seen and known, as status.

use jiff::Timestamp;
use tokenwright_api::ApiTokenStatus;
use tokenwright_api::names::{condition, reason};
use tokenwright_core::Reason;
use tokenwright_core::adopt::{AdoptDecision, Term};

use super::facts::{accepted, expires_soon, proven};
use super::known;
use super::sight::Sight;
use super::source::NoValue;
use super::subject::Adopted;
use crate::conditions::{Fact, updated, without};

/// Everything that the report is made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) adopted: &'a Adopted,
    pub(super) sight: &'a Sight,
    pub(super) decision: &'a AdoptDecision,
}

/// Why there is no token that works: one word, one sentence, and who must act.
struct Why {
    reason: String,
    message: String,
    person: bool,
}

/// The status after `scene`.
pub(super) fn status(scene: &Scene<'_>, before: &ApiTokenStatus, now: Timestamp) -> ApiTokenStatus {
    let adopted = scene.adopted;
    let facts = facts(scene, now);
    let passing = [
        condition::ACCEPTED,
        condition::PROVEN,
        condition::EXPIRES_SOON,
    ];
    let said = |type_: &str| facts.iter().any(|fact| fact.type_ == type_);
    let over: Vec<&str> = passing
        .into_iter()
        // Without an issuer nothing is known about what is offered, and nothing is taken back.
        .filter(|type_| {
            !said(type_) && (adopted.issuer.is_ok() || *type_ == condition::EXPIRES_SOON)
        })
        .collect();
    let generation = adopted.object.metadata.generation.unwrap_or_default();
    let conditions = without(before.conditions.clone(), &over);
    let known = known::write(&adopted.known, &adopted.spec, adopted.source());
    ApiTokenStatus {
        observed_generation: Some(generation),
        conditions: updated(&conditions, &facts, generation, now),
        adopted: Some(known),
        ..before.clone()
    }
}

fn facts(scene: &Scene<'_>, now: Timestamp) -> Vec<Fact> {
    let why = why_not(scene, now);
    let mut facts = vec![
        ready(scene, why.as_ref()),
        stalled(scene, why.as_ref()),
        reconciling(scene),
    ];
    facts.extend(accepted(scene));
    facts.extend(proven(scene));
    facts.extend(expires_soon(scene, now));
    facts
}

/// Why the Secret holds no token that works; nothing where it does.
fn why_not(scene: &Scene<'_>, now: Timestamp) -> Option<Why> {
    let Scene {
        adopted,
        sight,
        decision,
    } = scene;
    let why = |reason: &str, message: String, person: bool| {
        Some(Why {
            reason: reason.to_owned(),
            message,
            person,
        })
    };
    if let Some(invalid) = &adopted.invalid {
        return why(reason::INVALID_SPEC, invalid.to_string(), true);
    }
    let view = adopted.view(sight);
    if view.works(now) {
        return None;
    }
    if view.holds_accepted() {
        let dead = Reason::TokenDead;
        return match adopted.spec.term(now) {
            Term::Ended(at) => {
                let message = format!("The adopted token ended at {at}. {}", next_one(adopted));
                why(Reason::TokenExpired.name(), message, true)
            }
            Term::Open | Term::EndsSoon(_) => {
                let message = format!("{} {}", dead.sentence(), next_one(adopted));
                why(dead.name(), message, true)
            }
        };
    }
    if let Some(trouble) = &adopted.trouble {
        return why(&trouble.reason, trouble.message.clone(), false);
    }
    if let Err(obstacle) = &adopted.issuer {
        return why(obstacle.reason, obstacle.message.clone(), obstacle.stalled);
    }
    let person = matches!(
        decision.reason,
        Reason::DestinationForeign
            | Reason::SourceMissing
            | Reason::ValueRefused
            | Reason::TokenDead
    );
    why(
        decision.reason.name(),
        about(scene),
        person && decision.action.is_none(),
    )
}

/// The sentence of what was decided, with what a person needs to know of it.
fn about(scene: &Scene<'_>) -> String {
    let Scene {
        adopted,
        sight,
        decision,
    } = scene;
    match (decision.reason, sight.no_value()) {
        (Reason::SourceMissing, Some(why)) => sentence(why),
        (Reason::ValueRefused, _) => refused(adopted),
        (Reason::TokenDead, _) => format!("{} {}", Reason::TokenDead.sentence(), next_one(adopted)),
        (reason, _) => reason.sentence().to_owned(),
    }
}

/// Why there is no value, as a sentence of its own.
pub(super) fn sentence(why: &NoValue) -> String {
    let text = why.to_string();
    let mut rest = text.chars();
    let first = rest.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(rest).chain(['.']).collect()
}

/// What a person must do.
pub(super) fn next_one(adopted: &Adopted) -> String {
    let by_hand = match adopted.manual() {
        Some(manual) => format!(" ({manual})"),
        None => String::new(),
    };
    let date = match adopted.request.expires_at {
        Some(_) => " and move spec.adopt.expiresAt",
        None => "",
    };
    format!(
        "Make the next one{by_hand}, put its value into the Secret {}{date}.",
        adopted.source()
    )
}

pub(super) fn refused(adopted: &Adopted) -> String {
    let offered = adopted.known.record.offered.as_ref();
    let print = offered.map_or(String::new(), |tried| format!(" {}", tried.fingerprint));
    format!(
        "The value{print} in the Secret {} does not authenticate and is not taken up.",
        adopted.source()
    )
}

pub(super) fn deleting(scene: &Scene<'_>) -> bool {
    scene.adopted.spec.deletion.since.is_some()
}

fn ready(scene: &Scene<'_>, why: Option<&Why>) -> Fact {
    if deleting(scene) {
        let sentence = scene.decision.reason.sentence();
        return Fact::new(condition::READY, false, reason::DELETING, sentence);
    }
    match why {
        Some(why) => Fact::new(condition::READY, false, &why.reason, &why.message),
        None => Fact::new(
            condition::READY,
            true,
            reason::READY,
            "The Secret holds the adopted value.",
        ),
    }
}

fn stalled(scene: &Scene<'_>, why: Option<&Why>) -> Fact {
    match why.filter(|why| why.person && !deleting(scene)) {
        Some(why) => Fact::new(condition::STALLED, true, &why.reason, &why.message),
        None => Fact::new(condition::STALLED, false, reason::IDLE, ""),
    }
}

fn reconciling(scene: &Scene<'_>) -> Fact {
    let Scene {
        adopted, decision, ..
    } = scene;
    let yes =
        |reason: &str, message: &str| Fact::new(condition::RECONCILING, true, reason, message);
    if let Some(trouble) = &adopted.trouble {
        return yes(&trouble.reason, &trouble.message);
    }
    if let Err(obstacle) = &adopted.issuer
        && !obstacle.stalled
    {
        return yes(obstacle.reason, &obstacle.message);
    }
    let reason = decision.reason;
    // A recheck that waits for its turn is no work in the eyes of those who wait for Ready.
    let at_work = decision.action.is_some() && reason != Reason::CheckDue;
    let waits = reason == Reason::ValueNotChecked || deleting(scene);
    if (at_work || waits) && adopted.invalid.is_none() {
        return yes(reason.name(), reason.sentence());
    }
    Fact::new(condition::RECONCILING, false, reason::IDLE, "")
}
