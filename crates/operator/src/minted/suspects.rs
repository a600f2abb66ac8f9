//! Tokens that may exist and that nobody can find, in words.

use jiff::Timestamp;
use tokenwright_api::names::{annotation, event};
use tokenwright_core::instant::before;
use tokenwright_core::schedule::attempt_within;
use tokenwright_core::{LostAnswer, Nonce, Reason, Record, Revision, View};

use crate::cluster::events::Event;

/// How many of them an object leaves that goes, and what is known of them.
pub(super) fn left(record: &Record) -> Option<(usize, Event)> {
    let known = record.suspected().map(|past| {
        let (revision, nonce) = (past.revision, &past.nonce);
        let asked = past.asked.map(|asked| asked.deadline).or(past.ended_at);
        let before = asked.map_or(String::new(), |at| format!(" before {at:.0}"));
        format!("revision {revision}{before}, nonce {nonce}")
    });
    let known: Vec<_> = known.collect();
    let note = format!(
        "{} Suspects: {}. Asked for: {}.",
        Reason::Ambiguous.sentence(),
        record.suspects,
        known.join("; ")
    );
    let event = Event::warning(event::LEFT_BEHIND, "Delete", note);
    let suspects = usize::try_from(record.suspects).unwrap_or(usize::MAX);
    (suspects > 0).then_some((suspects, event))
}

/// What a person finds so many of them by, and how to say that none lives.
pub(super) fn sentence(view: &View<'_>, most: usize) -> String {
    let record = view.record;
    let longest = attempt_within(view.spec.request_timeout, view.can);
    let named = |revision: Revision, nonce: &Nonce, when: String| {
        (
            revision,
            format!("revision {revision}{when}, nonce {nonce}"),
        )
    };
    let between = |deadline: Timestamp| {
        let from = before(deadline, longest);
        format!(" between {from:.0} and {deadline:.0}")
    };
    let closed = record.suspected().map(|past| {
        let noted = past.ended_at.map(|at| format!(" before {at:.0}"));
        let when = past.asked.map(|asked| between(asked.deadline)).or(noted);
        named(past.revision, &past.nonce, when.unwrap_or_default())
    });
    let running = view.observed.running.as_ref();
    // Elsewhere a listing, or the same answer again, tells what came of it.
    let in_the_dark = matches!(
        view.can.lost_answer,
        LostAnswer::CannotAttribute | LostAnswer::CannotList
    );
    let open = record.attempts.iter().filter(|_| in_the_dark);
    let open = open.filter(|attempt| Some(&attempt.nonce) != running);
    let open = open.map(|a| named(a.revision, &a.nonce, between(a.deadline)));
    let (revisions, all): (Vec<_>, Vec<_>) = closed.chain(open).take(most).unzip();
    let known = record.suspected().count().min(most);
    let more = usize::try_from(record.suspects).unwrap_or(usize::MAX);
    let more = match more.saturating_sub(known) {
        0 => String::new(),
        more => format!(" Beside these: {more}."),
    };
    let revisions = match revisions.is_empty() {
        true => record.last_revision.to_string(),
        false => revisions
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(","),
    };
    let all = match all.is_empty() {
        true => String::new(),
        false => format!(" Asked for: {}.", all.join("; ")),
    };
    format!(
        "{}{all}{more} A name, where there are names, ends with the revision and the nonce. Once none of them lives, write the annotation {}={revisions}.",
        Reason::Ambiguous.sentence(),
        annotation::ACKNOWLEDGE_SUSPECTS,
    )
}
