//! What is then known, outcome by outcome.

use super::*;
use crate::samples::*;
use crate::{Standing, Survey};

fn failed(revision: u8, id: Option<TokenId>, reason: Reason) -> Outcome {
    Outcome::Failed {
        marker: marker(revision.into(), revision),
        id,
        reason,
        retry_after: None,
    }
}

#[test]
fn an_attempt_raises_the_revision_for_good() {
    let record = evolve(case().record, Outcome::Attempted(attempt(2, at(60))), at(0));
    let record = evolve(record, failed(2, None, Reason::MintRefused), at(1));
    assert_eq!((record.last_revision, record.attempts.len()), (2, 0));
    assert_eq!(record.retry_at, Some(at(11)));
}

#[test]
fn what_was_minted_and_withdrawn_without_an_attempt_is_remembered() {
    // Terraform writes no attempt; a lagging list would show the token as somebody else's.
    let outcome = failed(2, Some(token(2).id), Reason::MintedValueRefused);
    let record = evolve(case().record, outcome, at(0));
    assert_eq!(sighting(2).standing(&record), Standing::Ended);
}

#[test]
fn a_rehearsal_says_nothing_of_the_mints_that_could_not_be_read() {
    let lost = || Outcome::Lost {
        nonce: nonce(2),
        unreadable: true,
    };
    let record = evolve(case().record, lost(), at(0));
    let record = evolve(record, failed(3, None, Reason::RehearsalRefused), at(1));
    assert_eq!(evolve(record.clone(), lost(), at(2)).unreadable, 2);
    let read = evolve(record, failed(3, None, Reason::MintRefused), at(3));
    assert_eq!(read.unreadable, 0);
}

#[test]
fn a_short_lived_token_is_not_outwaited_by_its_back_off() {
    let mut record = case().record;
    record.current = Some(held(1, at(0), Some(at(3_600))));
    record.failures = 12;
    let refused = Outcome::Refused { retry_after: None };
    let short = evolve(record.clone(), refused.clone(), at(0));
    assert_eq!(short.retry_at, Some(at(450)));
    record.current = Some(held(1, at(0), None));
    assert_eq!(evolve(record, refused, at(0)).retry_at, Some(at(3_600)));
}

#[test]
fn a_trigger_that_was_handled_stays_handled_when_it_is_taken_away_and_set_again() {
    let mut record = case().record;
    record.handled_trigger = Some("a".into());
    let publication = Publication {
        current: held(2, at(0), None),
        retiring: Vec::new(),
        destination: crate::DestinationVersion::Absent,
        trigger: None,
    };
    let record = evolve(record, Outcome::Published(Box::new(publication)), at(0));
    assert_eq!(record.handled_trigger.as_deref(), Some("a"));
}

/// One attempt whose answer was lost, then so many that were refused and so many tokens revoked.
fn forgetful(refused: u8, revoked: u8, survey: Option<&Survey>) -> Record {
    let lost = Outcome::Closed {
        attempt: attempt(1, at(0)),
        suspect: false,
    };
    let mut record = evolve_beside(Record::default(), lost, survey, at(0));
    record.last_revision = 200;
    for n in 0..refused {
        record.attempts.push(attempt(100 + n, at(0)));
        let outcome = failed(100 + n, None, Reason::MintRefused);
        record = evolve_beside(record, outcome, survey, at(0));
    }
    for n in 0..revoked {
        let outcome = Outcome::Ended {
            token: token(50 + n),
            ended: Ended::Revoked,
        };
        record = evolve_beside(record, outcome, survey, at(0));
    }
    assert!(record.past.len() <= MAX_PAST);
    record
}

#[test]
fn what_never_was_a_token_is_forgotten_first() {
    let record = forgetful(40, 5, None);
    assert_eq!(sighting(1).standing(&record), Standing::Orphan);
}

#[test]
fn a_closed_attempt_that_an_inventory_still_shows_is_not_forgotten() {
    let survey = Survey {
        started_at: at(0),
        ours: vec![sighting(1)],
    };
    let record = forgetful(0, 40, Some(&survey));
    assert_eq!(sighting(1).standing(&record), Standing::Orphan);
    let blind = forgetful(0, 40, None);
    assert_eq!(sighting(1).standing(&blind), Standing::Foreign);
}
