//! What an `ApiToken` that adopts says about itself: what is seen and known, as status.

use jiff::Timestamp;
use tokenwright_api::ApiTokenStatus;
use tokenwright_api::names::{condition, reason};
use tokenwright_core::Reason;
use tokenwright_core::adopt::Term;

use crate::adopted::basis::{Basis, deleting, in_use, moved, next_one, refused, sentence};
use crate::adopted::conditions::{accepted, asked_in_vain, expires_soon, not_revoked, proven};
use crate::adopted::record;
use crate::cluster::conditions::{self, Fact, Trouble, updated, without};
use crate::secret::owner::about_foreign;

/// Why there is no token that works: one word, one sentence, and who must act.
struct Why {
    reason: String,
    message: String,
    person: bool,
}

/// The status after `basis`.
pub(super) fn status(basis: &Basis<'_>, before: &ApiTokenStatus, now: Timestamp) -> ApiTokenStatus {
    let adopted = basis.adopted;
    let facts = facts(basis, before, now);
    let passing = [
        condition::ACCEPTED,
        condition::PROVEN,
        condition::EXPIRES_SOON,
        condition::CONTESTED,
        condition::ROTATING,
        condition::REVOKE_FAILED,
    ];
    let said = |type_: &str| facts.iter().any(|fact| fact.type_ == type_);
    let over: Vec<&str> = passing
        .into_iter()
        // Without an issuer nothing is known about what is offered, and nothing is taken back.
        .filter(|type_| {
            // That a token which is to end does not stands until the object goes.
            let ends = *type_ == condition::REVOKE_FAILED && deleting(basis) && failed(before);
            !said(type_)
                && !ends
                && (adopted.issuer.is_ok()
                    || *type_ != condition::ACCEPTED && *type_ != condition::PROVEN)
        })
        .collect();
    let generation = adopted.object.metadata.generation.unwrap_or_default();
    let conditions = without(before.conditions.clone(), &over);
    let known = record::write(&adopted.known, &adopted.spec, adopted.source());
    let seal = adopted.known.own_seal(&adopted.manager.uid, &adopted.key);
    ApiTokenStatus {
        // That of another key may be of the right one.
        seals: seal.map_or_else(|| before.seals.clone(), |seal| vec![seal]),
        observed_generation: Some(generation),
        conditions: updated(&conditions, &facts, generation, now),
        adopted: Some(known),
        ..before.clone()
    }
}

fn facts(basis: &Basis<'_>, before: &ApiTokenStatus, now: Timestamp) -> Vec<Fact> {
    let why = why_not(basis, now);
    let mut facts = vec![stalled(basis, why.as_ref()), reconciling(basis)];
    if why.is_some() || deleting(basis) || !stands(basis, before) {
        facts.insert(0, ready(basis, why.as_ref()));
    }
    facts.extend(accepted(basis));
    facts.extend(proven(basis));
    facts.extend(expires_soon(basis, now));
    facts.extend(not_revoked(basis));
    facts.extend(asked_in_vain(basis));
    let adopted = basis.adopted;
    let name = &adopted.object.spec.secret.name;
    facts.extend(adopted.context.contested(&adopted.manager.uid, name, now));
    facts
}

/// Whether the issuer was said to refuse the end of the token.
fn failed(status: &ApiTokenStatus) -> bool {
    let mut conditions = status.conditions.iter();
    conditions.any(|known| {
        known.type_ == condition::REVOKE_FAILED && known.reason == Reason::RevokeFailed.name()
    })
}

/// Whether what was said of `Ready` stands: nobody can look whether the Secret is as this generation wants it, or
/// it was refused before, and was not tried again.
fn stands(basis: &Basis<'_>, before: &ApiTokenStatus) -> bool {
    let adopted = basis.adopted;
    let mut conditions = before.conditions.iter();
    let ready = conditions.find(|known| known.type_ == condition::READY);
    let tried = adopted.formed || adopted.unformed.is_some();
    ready.is_some_and(|known| match known.status.as_str() {
        "True" => adopted.issuer.is_err(),
        _ => known.reason == reason::SECRET_REFUSED && !tried,
    })
}

/// Why the Secret holds no token that works; nothing where it does.
fn why_not(basis: &Basis<'_>, now: Timestamp) -> Option<Why> {
    let Basis {
        adopted,
        observed,
        decision,
    } = basis;
    let why = |reason: &str, message: String, person: bool| {
        Some(Why {
            reason: reason.to_owned(),
            message,
            person,
        })
    };
    if let Some(invalid) = &adopted.invalid {
        return why(invalid.reason, invalid.message.clone(), true);
    }
    let view = adopted.view(observed);
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
        about(basis),
        person && decision.action.is_none(),
    )
}

/// The sentence of what was decided, with what a person needs to know of it.
fn about(basis: &Basis<'_>) -> String {
    let Basis {
        adopted,
        observed,
        decision,
    } = basis;
    match (decision.reason, observed.no_value()) {
        (Reason::SourceMissing, Some(why)) => sentence(why),
        (Reason::ValueRefused, _) => refused(adopted),
        (Reason::IssuerIdentityChanged, _) => moved(adopted),
        (Reason::RevokeInUse, _) => in_use(basis).unwrap_or_default(),
        (Reason::TokenDead, _) => format!("{} {}", Reason::TokenDead.sentence(), next_one(adopted)),
        (reason, _) => match observed.secret.as_ref().filter(|_| observed.foreign()) {
            Some(secret) if reason == Reason::DestinationForeign => {
                about_foreign(secret, &adopted.manager)
            }
            Some(_) | None => reason.sentence().to_owned(),
        },
    }
}

fn ready(basis: &Basis<'_>, why: Option<&Why>) -> Fact {
    if deleting(basis) {
        let sentence = about(basis);
        let waits = basis.adopted.waits.as_ref();
        let waits = waits.map_or("", |waits| waits.message.as_str());
        let told = format!("{sentence} {waits}");
        return Fact::new(condition::READY, false, reason::DELETING, told.trim_end());
    }
    let adopted = basis.adopted;
    let not = |reason: &str, message: &str| Fact::new(condition::READY, false, reason, message);
    match (why, &adopted.unformed, &adopted.issuer) {
        (Some(why), ..) => not(&why.reason, &why.message),
        (None, Some(refused), _) => not(&refused.reason, &refused.message),
        (None, None, Err(obstacle)) => not(obstacle.reason, &obstacle.message),
        (None, None, Ok(_)) => Fact::new(
            condition::READY,
            true,
            reason::READY,
            "The Secret holds the adopted value.",
        ),
    }
}

fn stalled(basis: &Basis<'_>, why: Option<&Why>) -> Fact {
    let changed = Reason::IssuerIdentityChanged;
    if basis.decision.reason == changed {
        return conditions::stalled(Some(Trouble::new(changed.name(), about(basis))));
    }
    let obstacle = basis.adopted.issuer.as_ref().err();
    let why = match (why, obstacle) {
        (Some(why), _) if !deleting(basis) => {
            why.person.then(|| Trouble::new(&why.reason, &why.message))
        }
        (_, Some(obstacle)) if obstacle.stalled => {
            Some(Trouble::new(obstacle.reason, &obstacle.message))
        }
        _ => None,
    };
    conditions::stalled(why)
}

fn reconciling(basis: &Basis<'_>) -> Fact {
    let Basis {
        adopted, decision, ..
    } = basis;
    if let Some(trouble) = adopted.trouble.as_ref().or(adopted.unformed.as_ref()) {
        return conditions::reconciling(Some(trouble.clone()));
    }
    if let Err(obstacle) = &adopted.issuer
        && !obstacle.stalled
    {
        let why = Trouble::new(obstacle.reason, &obstacle.message);
        return conditions::reconciling(Some(why));
    }
    let reason = decision.reason;
    // A recheck that waits for its turn is no work in the eyes of those who wait for Ready.
    let at_work = decision.action.is_some() && reason != Reason::CheckDue;
    let waits = reason == Reason::ValueNotChecked || deleting(basis);
    let why = (at_work || waits) && adopted.invalid.is_none();
    let decided = || Trouble::new(reason.name(), reason.sentence());
    conditions::reconciling(why.then(|| adopted.waits.clone().unwrap_or_else(decided)))
}
