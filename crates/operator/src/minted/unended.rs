//! Tokens that are to end and have not, in words.

use std::collections::BTreeSet;

use kube::ResourceExt as _;
use tokenwright_api::ApiToken;
use tokenwright_api::names::{annotation, event};
use tokenwright_api::wanted::revoke_previous;
use tokenwright_core::{Obstacle, OpenRevoke, Reason, Record, TokenRef};

use crate::cluster::events::Event;

/// So much of what a person wrote is said again.
const LONGEST_SAID: usize = 32;

/// The tokens that may still be alive, as far as is remembered.
pub(crate) fn left(record: &Record) -> impl Iterator<Item = &TokenRef> {
    let unnamed = record.revokes.iter().map(|open| &open.token);
    let unnamed = unnamed.filter(|token| !record.references(&token.id, &token.marker));
    record.referenced().chain(unnamed)
}

/// What stays alive where a deletion gives up, and how many that are; attempts and suspects may.
pub(crate) fn gave_up<'a>(
    ids: impl Iterator<Item = &'a str>,
    (attempts, suspects): (usize, u32),
) -> (usize, Event) {
    let ids: BTreeSet<&str> = ids.collect();
    let suspects = usize::try_from(suspects).unwrap_or(usize::MAX);
    let alive = ids.len().saturating_add(attempts).saturating_add(suspects);
    let ids: Vec<_> = ids.into_iter().collect();
    let note = format!(
        "{} Open attempts: {attempts}. Suspects: {suspects}. Tokens: {}.",
        Reason::DeletionTimedOut.sentence(),
        ids.join(", ")
    );
    let event = Event::warning(event::DELETION_TIMED_OUT, "Delete", note);
    (alive, event)
}

/// The revokes that something stands in the way of.
pub(crate) fn stuck(record: &Record) -> impl Iterator<Item = &OpenRevoke> {
    record.revokes.iter().filter(|open| open.obstacle.is_some())
}

/// Why what a person wrote to end a superseded token ends none, as far as no other word of the status says so:
/// whoever believes that it did leaves a leaked token alive.
pub(crate) fn asked_in_vain(object: &ApiToken, record: &Record) -> Option<String> {
    let key = annotation::REVOKE_PREVIOUS;
    let said = object.annotations().get(key).map(|text| text.trim());
    let said = said.filter(|text| !text.is_empty())?;
    let named = revoke_previous(object);
    let current = record.current.as_ref().map(|held| &held.token);
    let current = current.filter(|token| named == Some(token.marker.revision));
    // Its successor is on its way, where one is being minted.
    if let Some(token) = current.filter(|_| record.attempts.is_empty()) {
        return Some(format!(
            "The annotation {key} names revision {said}, which is the current one (token {}): nothing is ended before another has taken its place, and then it ends without an overlap. To replace it now, write the annotation {}.",
            token.id,
            annotation::ROTATE
        ));
    }
    let known = 1..=record.last_revision;
    if named.is_some_and(|revision| known.contains(&revision)) {
        return None;
    }
    let said: String = said.chars().take(LONGEST_SAID).collect();
    let alive = record.retiring.iter();
    let alive = alive.map(|old| format!("{} (token {})", old.token.marker.revision, old.token.id));
    let alive: Vec<_> = alive.collect();
    let alive = match alive.is_empty() {
        true => "none is superseded and alive".to_owned(),
        false => format!("superseded and alive: {}", alive.join(", ")),
    };
    Some(format!(
        "The annotation {key} names {said:?}, which is no revision of this ApiToken: nothing is ended by it. Write the number of a revision; {alive}."
    ))
}

/// Which token, what stands in its way, until when, and what a person does.
pub(crate) fn sentence(open: &OpenRevoke) -> String {
    let OpenRevoke { token, said, .. } = open;
    let Some(obstacle) = open.obstacle else {
        return format!("Token {} is revoked, which is still to be seen.", token.id);
    };
    let reason = obstacle.reason();
    let said = said.as_deref().map(|said| format!(": {said}"));
    let advice = match obstacle {
        Obstacle::StillAlive => format!(
            "Revoke it at the issuer. That it has ended is seen by its value alone: where nothing has that any more, write its id into the annotation {} then.",
            annotation::ACKNOWLEDGE_FOREIGN
        ),
        _ => reason.advice().to_owned(),
    };
    format!(
        "Token {} is not revoked{}. Tried again at {}. {}",
        token.id,
        said.unwrap_or_default(),
        open.retry_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        advice
    )
}
