//! Absence and a lost key are missing evidence, and no counter-evidence.

use jiff::Timestamp;

use crate::samples::*;
use crate::*;

const DAY: i64 = 86_400;

/// A complete listing at `started_at` that shows nothing, judged as a front end judges it.
fn unlisted(case: Case, started_at: Timestamp) -> Case {
    case.with(|c| {
        c.survey(started_at, vec![]);
        let survey = c.observed.survey.as_ref().unwrap();
        let current = c.record.current.as_ref().unwrap();
        let doubt = &mut c.observed.doubt;
        doubt.unlisted_since.get_or_insert(started_at);
        c.observed.status = TokenStatus::from_survey(survey, current, doubt, c.can.settle, c.now);
    })
}

fn said(case: Case, liveness: Liveness) -> Case {
    case.with(|c| {
        let at = c.now;
        c.observed.doubt.checked = Some(Checked { liveness, at });
    })
}

fn digest_unknown() -> Case {
    case().with(|c| {
        if let Destination::Present { intact, .. } = &mut c.observed.destination {
            *intact = Intact::Unknown;
        }
    })
}

#[test]
fn a_listing_that_lacks_the_token_mints_nothing_while_its_value_authenticates() {
    let first = unlisted(case(), at(DAY));
    assert_eq!(first.observed.status, TokenStatus::Unlisted);
    assert_eq!(
        first.action(),
        Some(Action::Issuer(AtIssuer::Check(token(1))))
    );
    let alive = unlisted(said(first.clone(), Liveness::Alive), at(DAY));
    assert_eq!((alive.action(), alive.reason()), (None, Reason::NotListed));
    // However often it is listed so: each listing asks once.
    let again = unlisted(alive, at(DAY + 600)).with(|c| c.now = at(DAY + 601));
    assert_eq!(
        again.action(),
        Some(Action::Issuer(AtIssuer::Check(token(1))))
    );
    let dead = unlisted(said(first, Liveness::Dead), at(DAY));
    assert_eq!(dead.reason(), Reason::TokenMissing);
    assert!(matches!(
        dead.action(),
        Some(Action::Flow(Flow::Mint { .. }))
    ));
}

#[test]
fn a_check_that_says_neither_is_asked_again_and_nothing_is_minted() {
    let unclear = unlisted(said(unlisted(case(), at(DAY)), Liveness::Unknown), at(DAY));
    assert_eq!(unclear.action(), None);
    assert_eq!(unclear.decide().check_again, Some(at(DAY + 60)));
    let later = unclear.with(|c| c.now = at(DAY + 60));
    assert_eq!(
        later.action(),
        Some(Action::Issuer(AtIssuer::Check(token(1))))
    );
}

#[test]
fn where_nothing_can_be_asked_a_second_listing_must_confirm_the_loss() {
    let blind = case().with(|c| c.observed.doubt.can_check = false);
    let first = unlisted(blind, at(DAY));
    assert_eq!((first.action(), first.reason()), (None, Reason::NotListed));
    let due = first.with(|c| c.now = c.decide().check_again.unwrap());
    assert_eq!(due.now, at(DAY + 10));
    assert_eq!(due.decide().inventory, Some(at(DAY + 10)));
    let early = unlisted(due.clone(), at(DAY + 9));
    assert_eq!(early.action(), None);
    let second = unlisted(due, at(DAY + 10));
    assert_eq!(second.reason(), Reason::TokenMissing);
}

#[test]
fn where_too_many_vanish_at_once_only_the_word_of_a_value_mints() {
    let gone = |can_check: bool| {
        let case = case().with(|c| {
            c.observed.suspect = true;
            c.observed.doubt.can_check = can_check;
        });
        unlisted(case, at(DAY)).with(|c| c.now = at(DAY + 10))
    };
    let listed_twice = unlisted(gone(false), at(DAY + 10));
    assert_eq!(listed_twice.observed.status, TokenStatus::Missing);
    assert_eq!(
        (listed_twice.action(), listed_twice.reason()),
        (None, Reason::IssuerSuspect)
    );
    let dead = unlisted(said(gone(true), Liveness::Dead), at(DAY));
    assert_eq!(dead.reason(), Reason::TokenMissing);
    assert!(dead.action().is_some());
    // A rotation that is due is no loss.
    let due = listed_twice.with(|c| c.spec.trigger = Some("now".into()));
    assert_eq!(due.reason(), Reason::Triggered);
}

#[test]
fn more_than_three_and_more_than_one_in_twenty_are_too_many() {
    for (current, vanished, suspected) in [
        (3, 3, false),
        (4, 4, true),
        (80, 4, false),
        (79, 4, true),
        (400, 20, false),
        (400, 21, true),
    ] {
        assert_eq!(
            suspect(current, vanished),
            suspected,
            "{vanished} of {current}"
        );
    }
}

#[test]
fn a_digest_of_a_key_that_is_gone_is_asked_about_and_made_anew() {
    assert_eq!(
        digest_unknown().action(),
        Some(Action::Issuer(AtIssuer::Check(token(1))))
    );
    let alive = said(digest_unknown(), Liveness::Alive);
    assert_eq!(
        alive.action(),
        Some(Action::Destination(AtDestination::Trust(token(1))))
    );
    let dead = said(digest_unknown(), Liveness::Dead);
    assert_eq!(dead.reason(), Reason::TokenDead);
    assert!(matches!(
        dead.action(),
        Some(Action::Flow(Flow::Mint { .. }))
    ));
    let unclear = said(digest_unknown(), Liveness::Unknown);
    assert_eq!(
        (unclear.action(), unclear.reason()),
        (None, Reason::DigestKeyChanged)
    );
}

#[test]
fn a_digest_of_a_key_that_is_gone_is_made_anew_where_nothing_can_be_asked() {
    let blind = digest_unknown().with(|c| c.observed.doubt.can_check = false);
    assert_eq!(
        blind.action(),
        Some(Action::Destination(AtDestination::Trust(token(1))))
    );
}

#[test]
fn what_is_disabled_is_not_asked_about() {
    let case = digest_unknown().with(|c| {
        c.spec.state = WantedState::Disabled;
        c.current().disabled_by_us = true;
        c.observed.status = TokenStatus::Disabled;
    });
    assert_eq!((case.action(), case.reason()), (None, Reason::Disabled));
}
