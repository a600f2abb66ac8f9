//! What is said of an adopted token beside what every object says: of the value that is offered, of the
//! one that was taken up, and of its end.

use jiff::Timestamp;
use kube::ResourceExt as _;
use tokenwright_api::names::{annotation, condition, reason};
use tokenwright_client::About;
use tokenwright_core::adopt::Term;
use tokenwright_core::{Liveness, Reason};

use crate::adopted::basis::{Basis, deleting, in_use, next_one, refused, sentence};
use crate::cluster::conditions::Fact;
use crate::cluster::conditions::Truth::{False, True, Unknown};

/// Whether what a person offers is what was taken up.
pub(super) fn accepted(basis: &Basis<'_>) -> Option<Fact> {
    let Basis {
        adopted, observed, ..
    } = basis;
    let not = |reason: &str, message: String| {
        Some(Fact::new(condition::ACCEPTED, false, reason, message))
    };
    if deleting(basis) {
        return None;
    }
    let offered = match observed.offer.as_ref()? {
        Ok(offered) => &offered.fingerprint,
        Err(why) => return not(Reason::SourceMissing.name(), sentence(why)),
    };
    let source = adopted.source();
    if adopted.known.record.accepts(offered) {
        let message = format!("The value {offered} in the Secret {source} was taken up.");
        let reason = reason::VALUE_ACCEPTED;
        return Some(Fact::new(condition::ACCEPTED, true, reason, message));
    }
    if let Some(invalid) = &adopted.invalid {
        return not(invalid.reason, invalid.message.clone());
    }
    match &adopted.known.record.offered {
        Some(tried) if tried.liveness == Liveness::Dead => {
            not(Reason::ValueRefused.name(), refused(adopted))
        }
        Some(_) => {
            let message = format!(
                "The issuer did not say whether the value {offered} in the Secret {source} authenticates; the value that works stays."
            );
            not(Reason::ValueNotChecked.name(), message)
        }
        None if adopted.spec.suspend => not(
            Reason::Suspended.name(),
            format!("The value {offered} in the Secret {source} is not taken up while suspended."),
        ),
        None => not(
            Reason::ValueOffered.name(),
            Reason::ValueOffered.sentence().to_owned(),
        ),
    }
}

/// Whether the value that was taken up was seen to authenticate.
pub(super) fn proven(basis: &Basis<'_>) -> Option<Fact> {
    let adopted = basis.adopted;
    let tried = adopted.known.record.accepted.as_ref()?;
    let handle = adopted.issuer.as_ref().ok()?;
    let fact = |is, reason: &str, message: &str| Fact::new(condition::PROVEN, is, reason, message);
    if !handle
        .issuer
        .can_check(About::of(&adopted.request.parameters))
    {
        let message = match handle.issuer.capabilities().check {
            true => {
                "The issuer can be asked about a value only with further parameters in spec.adopt.parameters; the value was delivered unchecked."
            }
            false => {
                "The issuer cannot be asked whether a value authenticates; the value was delivered unchecked."
            }
        };
        return Some(fact(Unknown, reason::CANNOT_BE_CHECKED, message));
    }
    Some(match tried.liveness {
        Liveness::Alive => fact(
            True,
            reason::VALUE_PROVEN,
            "The delivered value authenticates.",
        ),
        Liveness::Unknown => fact(
            False,
            reason::VALUE_NOT_PROVEN,
            "The delivered value was not seen to authenticate yet.",
        ),
        Liveness::Dead => fact(
            False,
            Reason::TokenDead.name(),
            Reason::TokenDead.sentence(),
        ),
    })
}

/// Whether a person must make the next one soon.
pub(super) fn expires_soon(basis: &Basis<'_>, now: Timestamp) -> Option<Fact> {
    let adopted = basis.adopted;
    if deleting(basis) || adopted.known.record.accepted.is_none() {
        return None;
    }
    match adopted.spec.term(now) {
        Term::EndsSoon(at) => {
            let message = format!("The adopted token ends at {at}. {}", next_one(adopted));
            let reason = Reason::ExpiresSoon.name();
            Some(Fact::new(condition::EXPIRES_SOON, true, reason, message))
        }
        Term::Open | Term::Ended(_) => None,
    }
}

/// What a person asks for by an annotation and only a person can do: whoever believes that it is done leaves a leaked
/// token alive.
pub(super) fn asked_in_vain(basis: &Basis<'_>) -> Vec<Fact> {
    let adopted = basis.adopted;
    let asked = |key: &str| {
        let said = adopted.object.annotations().get(key);
        said.is_some_and(|text| !text.trim().is_empty()) && !deleting(basis)
    };
    let invalid = reason::INVALID_SPEC;
    let mut facts = Vec::new();
    if asked(annotation::ROTATE) {
        let message = format!(
            "The annotation {} rotates nothing: a person makes this token. {}",
            annotation::ROTATE,
            next_one(adopted)
        );
        facts.push(Fact::new(condition::ROTATING, false, invalid, message));
    }
    if asked(annotation::REVOKE_PREVIOUS) {
        let by_hand = adopted.manual();
        let by_hand = by_hand.map_or(String::new(), |manual| format!(" ({manual})"));
        let message = format!(
            "The annotation {} ends nothing: a person made the tokens before the accepted one, and ends them{by_hand}.",
            annotation::REVOKE_PREVIOUS
        );
        facts.push(Fact::new(condition::REVOKE_FAILED, true, invalid, message));
    }
    facts
}

/// That the token which is to end with its object does not. It stands until the object goes.
pub(super) fn not_revoked(basis: &Basis<'_>) -> Option<Fact> {
    if let Some(why) = in_use(basis) {
        let reason = Reason::RevokeInUse.name();
        return Some(Fact::new(condition::REVOKE_FAILED, true, reason, why));
    }
    let failed = Reason::RevokeFailed.name();
    let trouble = basis.adopted.trouble.as_ref()?;
    (trouble.reason == failed)
        .then(|| Fact::new(condition::REVOKE_FAILED, true, failed, &trouble.message))
}
