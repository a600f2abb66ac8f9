//! What an `ApiToken` says about itself: a view and a decision, as status.

use jiff::Timestamp;
use tokenwright_api::ApiTokenStatus;
use tokenwright_api::names::{condition, reason};
use tokenwright_api::record;
use tokenwright_core::{
    Decision, Destination, Held, Intact, Proven, Reason, Record, Sighting, TokenStatus, View,
    schedule,
};

use crate::cluster::conditions::{self, Fact, Trouble, updated, without};
use crate::issuer::obstacle::Obstacle;
use crate::minted::{suspects, unended};

/// More ids than these make no message clearer.
const MOST_NAMED: usize = 20;

/// Everything that a status is made from.
#[derive(Debug)]
pub(crate) struct Basis<'a> {
    /// What was decided from.
    pub(crate) view: View<'a>,
    /// What was decided.
    pub(crate) decision: &'a Decision,
    /// What cannot be carried out in the specification.
    pub(crate) invalid: Option<&'a Obstacle>,
    /// What went wrong just now.
    pub(crate) trouble: Option<&'a Trouble>,
    /// Why the Secret cannot be brought into its wanted form.
    pub(crate) refused: Option<&'a Trouble>,
    /// What it waits for at the issuer.
    pub(crate) waits: Option<&'a Trouble>,
    /// Why the issuer's list of tokens cannot be read.
    pub(crate) unread: Option<Trouble>,
    /// Whose the Secret is, where that is somebody else.
    pub(crate) foreign: Option<String>,
    /// Why what a person asked for to end ends nothing.
    pub(crate) in_vain: Option<String>,
    /// Who undoes what is written.
    pub(crate) contested: Option<Fact>,
    /// The digest of the value, where a new one is known.
    pub(crate) digest: Option<String>,
    /// The version of the Secret that was read or written last.
    pub(crate) secret_version: Option<String>,
    /// The name of the Secret.
    pub(crate) secret_name: &'a str,
    /// The generation that was looked at.
    pub(crate) generation: i64,
}

/// The status after `basis`.
pub(crate) fn status(basis: &Basis<'_>, before: &ApiTokenStatus, now: Timestamp) -> ApiTokenStatus {
    let mut status = record::write(basis.view.record, before, basis.secret_name, now);
    if let (Some(shown), Some(held)) = (&mut status.current, &basis.view.record.current) {
        shown.renew_at =
            schedule::rotates_at(basis.view.spec, basis.view.can, held, now).map(whole_seconds);
    }
    if let (Some(failures), Some(trouble)) = (&mut status.failures, basis.trouble) {
        failures.reason = Some(trouble.reason.clone());
        failures.message = Some(trouble.message.clone());
    }
    if let Some(digest) = &basis.digest {
        status.digest = Some(digest.clone());
    }
    let intact = matches!(
        basis.view.observed.destination,
        Destination::Present {
            intact: Intact::Yes,
            carried: Some(_),
            ..
        }
    );
    // What is not as it is wanted is to be read again, by whichever process comes next.
    let as_wanted = intact && basis.refused.is_none() && basis.invalid.is_none();
    status.secret_version = basis.secret_version.clone().filter(|_| as_wanted);
    let facts = facts(basis, failed(&status).as_ref(), now);
    let kept: Vec<&str> = facts.iter().map(|fact| fact.type_).collect();
    let passing = [
        condition::ROTATING,
        condition::PROVEN,
        condition::AMBIGUOUS,
        condition::FOREIGN_ACTIVITY,
        condition::REVOKE_FAILED,
        condition::CONTESTED,
    ];
    let over: Vec<&str> = passing
        .into_iter()
        .filter(|type_| !kept.contains(type_))
        .collect();
    let conditions = without(before.conditions.clone(), &over);
    status.conditions = updated(&conditions, &facts, basis.generation, now);
    status.observed_generation = Some(basis.generation);
    status
}

fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// Whether the destination holds a token that works, as far as is known.
pub(crate) fn works(view: &View<'_>, now: Timestamp) -> bool {
    let Some(current) = &view.record.current else {
        return false;
    };
    let lives = current.expires_at.is_none_or(|at| at > now)
        && current.proven != Proven::No
        && !matches!(
            view.observed.status,
            TokenStatus::Missing | TokenStatus::Dead
        );
    let delivered = match &view.observed.destination {
        // What cannot be compared is not known to be another value.
        Destination::Present { intact, .. } => *intact != Intact::No,
        Destination::NotLooked | Destination::Refuses { .. } => true,
        Destination::Absent | Destination::Foreign => false,
    };
    lives && delivered
}

/// Why the latest mint came to nothing, until one works.
fn failed(status: &ApiTokenStatus) -> Option<Trouble> {
    let failures = status.failures.as_ref().filter(|known| known.count > 0)?;
    let message = failures.message.clone().unwrap_or_default();
    Some(Trouble::new(failures.reason.clone()?, message))
}

fn facts(basis: &Basis<'_>, failed: Option<&Trouble>, now: Timestamp) -> Vec<Fact> {
    let mut facts = vec![
        ready(basis, failed, now),
        stalled(basis, now),
        reconciling(basis, now),
    ];
    facts.extend(rotating(basis, failed, now));
    let Basis { view, decision, .. } = basis;
    if let Some(current) = view.record.current.as_ref().filter(|_| view.can.check) {
        facts.push(match current.proven {
            Proven::Yes => Fact::new(
                condition::PROVEN,
                true,
                reason::VALUE_PROVEN,
                "The delivered value authenticates.",
            ),
            Proven::NotYet | Proven::No => Fact::new(
                condition::PROVEN,
                false,
                reason::VALUE_NOT_PROVEN,
                "The delivered value was not seen to authenticate yet.",
            ),
        });
    }
    if view.record.suspects > 0 || decision.reason == Reason::Ambiguous {
        facts.push(Fact::new(
            condition::AMBIGUOUS,
            true,
            Reason::Ambiguous.name(),
            suspects::sentence(view, MOST_NAMED),
        ));
    }
    facts.extend(foreign(view));
    let in_vain = basis.in_vain.as_ref();
    let in_vain =
        in_vain.map(|why| Fact::new(condition::REVOKE_FAILED, true, reason::INVALID_SPEC, why));
    facts.extend(not_revoked(view.record).or(in_vain));
    facts.extend(basis.contested.clone());
    facts
}

/// The tokens of another writer, by their ids.
fn foreign(view: &View<'_>) -> Option<Fact> {
    let named = |s: &Sighting| format!("{} (revision {})", s.id, s.marker.revision);
    let (reason, all) = view.strangers()?;
    let all: Vec<_> = all.into_iter().map(named).collect();
    let (shown, more) = all.split_at(all.len().min(MOST_NAMED));
    let more = match more.len() {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    let message = format!(
        "{} Tokens: {}{more}. {}",
        reason.sentence(),
        shown.join(", "),
        reason.advice()
    );
    let type_ = condition::FOREIGN_ACTIVITY;
    Some(Fact::new(type_, true, reason.name(), message))
}

/// The tokens that are to end and do not, the worst first.
fn not_revoked(record: &Record) -> Option<Fact> {
    let mut stuck: Vec<_> = unended::stuck(record).collect();
    stuck.sort_by_key(|open| open.obstacle);
    let reason = stuck.first()?.obstacle?.reason();
    let sentences: Vec<_> = stuck.into_iter().map(unended::sentence).collect();
    Some(Fact::new(
        condition::REVOKE_FAILED,
        true,
        reason.name(),
        sentences.join(" "),
    ))
}

fn is_ready(record: &Record) -> String {
    let works = "The Secret holds a token that works";
    match unended::stuck(record).count() {
        0 => format!("{works}."),
        count => format!("{works}; tokens that should have ended and have not: {count}."),
    }
}

fn ready(basis: &Basis<'_>, failed: Option<&Trouble>, now: Timestamp) -> Fact {
    let Basis { view, decision, .. } = basis;
    let not = |reason: &str, message: String| Fact::new(condition::READY, false, reason, message);
    if view.spec.deletion.since.is_some() {
        let sentence = decision.reason.sentence();
        let waits = basis.waits.map_or("", |waits| waits.message.as_str());
        return not(
            reason::DELETING,
            format!("{sentence} {waits}").trim_end().to_owned(),
        );
    }
    let matches = view
        .record
        .current
        .as_ref()
        .is_some_and(|held| held.inputs == view.spec.inputs);
    if let Some(refused) = basis.refused {
        return not(&refused.reason, refused.message.clone());
    }
    let usable = works(view, now) && matches;
    let out_of_use = view.out_of_use().filter(|_| usable);
    if usable && out_of_use.is_none() && basis.invalid.is_none() {
        return Fact::new(
            condition::READY,
            true,
            reason::READY,
            works_until(basis, now),
        );
    }
    // What was done to a token is told, also where nothing new can be done for it.
    if let Some(invalid) = basis.invalid.filter(|_| out_of_use.is_none()) {
        return not(invalid.reason, invalid.message.clone());
    }
    if let Some(trouble) = basis.trouble.or(basis.waits) {
        return not(&trouble.reason, trouble.message.clone());
    }
    if let Some(reason) = out_of_use {
        return not(reason.name(), reason.sentence().to_owned());
    }
    // Until the next mint is tried, what went wrong last is what a person wants to read.
    match failed.filter(|_| waits_for_a_mint(decision.reason)) {
        Some(failed) => {
            let next = next_try(basis, now).unwrap_or_default();
            not(&failed.reason, format!("{}{next}", failed.message))
        }
        None => not(decision.reason.name(), decided(basis, now)),
    }
}

/// Whether nothing but time, or the end of another token, is between now and the next mint.
fn waits_for_a_mint(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::BackingOff
            | Reason::RoomTaken
            | Reason::MakingRoom
            | Reason::RoomMade
            | Reason::FirstMint
            | Reason::RevokeFailed
            | Reason::RevokeInUse
            | Reason::RevokeNotProven
            | Reason::RevokeNotSeen
            | Reason::RevokeSeen
    )
}

/// What a token that works has to tell: whether the next one cannot be had yet, and until when that is well.
fn works_until(basis: &Basis<'_>, now: Timestamp) -> String {
    let mut message = is_ready(basis.view.record);
    let Basis { view, decision, .. } = basis;
    let next = next_try(basis, now).filter(|_| failing(view.record));
    let expires_at = view.record.current.as_ref().and_then(Held::relied_on_until);
    if let Some(next) = next {
        let expires = expires_at.map_or_else(String::new, |at| {
            format!(" It expires at {}.", whole_seconds(at))
        });
        message = format!("{message} The next one could not be had yet.{next}{expires}");
    } else if decision.reason == Reason::AnswersUnreadable {
        message = format!("{message} {}", Reason::AnswersUnreadable.sentence());
    }
    message
}

/// When the next mint is tried, as the end of a message.
fn next_try(basis: &Basis<'_>, now: Timestamp) -> Option<String> {
    let at = basis.view.next_mint(now)?;
    Some(format!(" The next try is at {}.", whole_seconds(at)))
}

fn stalled(basis: &Basis<'_>, now: Timestamp) -> Fact {
    conditions::stalled(if let Some(invalid) = basis.invalid {
        Some(Trouble::new(invalid.reason, &invalid.message))
    } else {
        let Basis { view, decision, .. } = basis;
        let decides = needs_a_person(view, decision.reason)
            .then(|| Trouble::new(decision.reason.name(), decided(basis, now)));
        // Beside a token that is out of use others may be told of first, such as those that are to end.
        let rests = !waits(decision.reason);
        let out_of_use = view
            .out_of_use()
            .filter(|why| rests && needs_a_person(view, *why));
        let out_of_use = out_of_use.map(|why| Trouble::new(why.name(), why.sentence()));
        let idle = decision.action.is_none();
        decides.or(out_of_use).filter(|_| idle)
    })
}

/// The sentence of what was decided, with what a person needs to know of it.
fn decided(basis: &Basis<'_>, now: Timestamp) -> String {
    let reason = basis.decision.reason;
    if let (Reason::RepairWaits, Some((what, at))) = (reason, basis.view.repair(now)) {
        return format!(
            "{} That was repaired shortly before, so the next repair waits until {}. {}",
            what.sentence(),
            whole_seconds(at),
            reason.advice(),
        );
    }
    if let (Reason::RoomTaken, Some(next)) = (reason, next_try(basis, now)) {
        return format!("{}{next}", reason.sentence());
    }
    let foreign = basis.foreign.clone();
    match foreign.filter(|_| reason == Reason::DestinationForeign) {
        Some(whose) => format!("{whose}{}", lives_on(basis.view.record, now)),
        None => reason.sentence().to_owned(),
    }
}

/// What becomes of a token whose destination is somebody else's.
fn lives_on(record: &Record, now: Timestamp) -> String {
    let Some(held) = &record.current else {
        return String::new();
    };
    let id = &held.token.id;
    match held.expires_at {
        Some(at) if at <= now => format!(" Token {id} has expired."),
        Some(at) => {
            let at = whole_seconds(at);
            format!(" Token {id} lives on until {at}, and none is minted before that is settled.")
        }
        None => format!(" Token {id} lives on, and none is minted before that is settled."),
    }
}

/// Whether nothing more happens until a person changes something.
fn needs_a_person(view: &View<'_>, reason: Reason) -> bool {
    match reason {
        Reason::TooManyAttempts
        | Reason::AnswersUnreadable
        | Reason::DestinationForeign
        | Reason::GapNotAllowed
        | Reason::IssuerIdentityChanged
        | Reason::CannotDisable
        | Reason::DisabledOutside
        | Reason::TokenLost => true,
        // The first listing with a new credential may show whose it is.
        Reason::AccountUnknown => view.observed.survey.is_some(),
        _ => false,
    }
}

/// Whether it ends by itself.
fn waits(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Minting
            | Reason::BackingOff
            | Reason::RepairWaits
            | Reason::MakingRoom
            | Reason::RoomTaken
            | Reason::WaitingForAttempts
            | Reason::WaitingForInventory
            | Reason::WaitingForOverlaps
    )
}

fn reconciling(basis: &Basis<'_>, now: Timestamp) -> Fact {
    let Basis { view, decision, .. } = basis;
    let waits = waits(decision.reason);
    let at_work = decision.action.is_some() || waits || view.spec.deletion.since.is_some();
    if let Some(unread) = basis.unread.as_ref().filter(|_| !at_work) {
        return conditions::reconciling(Some(unread.clone()));
    }
    let why = at_work && basis.invalid.is_none();
    let decided = || Trouble::new(decision.reason.name(), decided(basis, now));
    conditions::reconciling(why.then(|| basis.waits.cloned().unwrap_or_else(decided)))
}

/// A rotation that is under way, or that failed while the former token works on.
fn rotating(basis: &Basis<'_>, failed: Option<&Trouble>, now: Timestamp) -> Option<Fact> {
    let Basis { view, .. } = basis;
    view.record.current.as_ref()?;
    if view.observed.running.is_some() {
        return Some(Fact::new(
            condition::ROTATING,
            true,
            Reason::Minting.name(),
            Reason::Minting.sentence(),
        ));
    }
    if !works(view, now) {
        return None;
    }
    let trouble = basis.trouble.or(failed)?;
    let (reason, message) = (trouble.reason.clone(), trouble.message.clone());
    Some(Fact::new(condition::ROTATING, false, reason, message))
}

fn failing(record: &Record) -> bool {
    record.failures > 0
}
