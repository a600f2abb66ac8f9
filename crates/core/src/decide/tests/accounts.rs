//! A credential that was exchanged: of the same account, or of another.

use crate::samples::*;
use crate::*;

const DAY: i64 = 86_400;

fn identity(name: &str) -> Option<Identity> {
    Some(Identity::new(name))
}

/// The token was minted under `recorded`, and the issuer has `seen` now; a rotation is due.
fn exchanged(recorded: Option<Identity>, seen: Option<Identity>) -> Case {
    case().with(|c| {
        c.current().token.identity = recorded;
        c.observed.issuer.identity = seen;
        c.now = at(80 * DAY);
    })
}

#[test]
fn another_credential_is_unknown_until_a_listing_shows_a_token_of_ours() {
    for recorded in [None, identity("credential:a")] {
        let mut case = exchanged(recorded, identity("credential:b"));
        assert_eq!(
            (case.action(), case.reason()),
            (None, Reason::AccountUnknown)
        );
        case.survey(at(80 * DAY), vec![sighting(1)]);
        let recognised = Identity::new("credential:b");
        assert_eq!(
            case.action(),
            Some(Action::Record(Note::Recognised(recognised.clone())))
        );
        case.record = evolve(case.record, Outcome::Recognised(recognised), case.now);
        assert_eq!(case.reason(), Reason::Due);
    }
}

#[test]
fn nothing_is_minted_or_ended_in_an_account_that_shows_none_of_our_tokens() {
    let mut case = exchanged(identity("credential:a"), identity("credential:b"));
    case.record.retiring = vec![retiring(0, at(0))];
    case.survey(at(80 * DAY), vec![]);
    case.observed.status = TokenStatus::Unlisted;
    assert_eq!(
        case.action(),
        Some(Action::Issuer(AtIssuer::Check(token_of(&case))))
    );
    let said = |liveness| {
        let at = case.now;
        let checked = Some(Checked { liveness, at });
        case.clone().with(|c| c.observed.doubt.checked = checked)
    };
    let alive = said(Liveness::Alive);
    assert_eq!(
        (alive.action(), alive.reason()),
        (None, Reason::AccountUnknown)
    );
    let dead = said(Liveness::Dead).with(|c| {
        c.observed.status = TokenStatus::Missing;
        c.record.retiring.clear();
    });
    assert_eq!(dead.reason(), Reason::TokenMissing);
}

fn token_of(case: &Case) -> TokenRef {
    case.record.current.as_ref().unwrap().token.clone()
}

#[test]
fn the_issuers_own_word_is_believed_at_once() {
    let other = exchanged(identity("a"), identity("b"));
    assert_eq!(other.reason(), Reason::IssuerIdentityChanged);
    for (recorded, seen) in [
        (identity("a"), identity("a")),
        (None, identity("a")),
        (identity("a"), None),
    ] {
        assert_eq!(exchanged(recorded, seen).reason(), Reason::Due);
    }
}

#[test]
fn where_no_listing_shows_markers_another_credential_is_believed() {
    let case = exchanged(identity("credential:a"), identity("credential:b")).with(|c| {
        c.can.lost_answer = LostAnswer::CannotList;
    });
    assert_eq!(case.reason(), Reason::Due);
}

/// One revoke of its only token away from the end, with a credential that a listing recognised.
fn at_its_end() -> Case {
    exchanged(identity("credential:a"), identity("credential:b")).with(|c| {
        c.spec.deletion.since = Some(at(80 * DAY - 60));
        c.observed.destination = Destination::Absent;
        c.survey(at(80 * DAY), vec![sighting(1)]);
    })
}

#[test]
fn a_deletion_ends_though_what_its_credential_was_recognised_by_goes_with_it() {
    let mut case = at_its_end();
    let recognised = Action::Record(Note::Recognised(Identity::new("credential:b")));
    assert_eq!(case.action(), Some(recognised));
    let outcome = Outcome::Recognised(Identity::new("credential:b"));
    case.record = evolve(case.record, outcome, case.now);
    let token = token_of(&case);
    assert_eq!(
        case.action(),
        Some(Action::Issuer(AtIssuer::Revoke(token.clone())))
    );
    case.record = evolve(case.record, Outcome::RevokeSent(token), case.now);
    case.now = at(80 * DAY + 60);
    case.survey(case.now, vec![]);
    assert!(matches!(
        case.action(),
        Some(Action::Record(Note::RevokeClosed { .. }))
    ));
    // What it was recognised as is no leave for the next credential.
    case.observed.issuer.identity = identity("credential:c");
    assert_eq!(
        (case.action(), case.reason()),
        (None, Reason::AccountUnknown)
    );
}

#[test]
fn what_an_attempt_left_in_another_account_is_suspected_and_not_concluded_to_be_nothing() {
    let lost = |credential: &str| {
        case().with(|c| {
            c.record = Record::default();
            c.record.last_revision = 1;
            c.observed.destination = Destination::Absent;
            let of = identity("credential:a");
            c.record.attempts = vec![Attempt {
                identity: of,
                ..attempt(1, at(0))
            }];
            c.record.retry_at = Some(at(2 * DAY));
            c.observed.issuer.identity = identity(credential);
            c.survey(at(DAY), vec![]);
        })
    };
    for (credential, suspected) in [("credential:a", false), ("credential:b", true), ("b", true)] {
        let Some(Action::Record(Note::AttemptClosed { suspect, .. })) = lost(credential).action()
        else {
            panic!("{credential}: the attempt stays open");
        };
        assert_eq!(suspect, suspected, "{credential}");
    }
    // Its credential is one of this account where a token of it is shown.
    let rotated = lost("credential:b").with(|c| {
        c.record.current = case().record.current;
        c.current().token.identity = identity("credential:a");
        c.survey(at(DAY), vec![sighting(1)]);
        c.record.attempts[0].nonce = nonce(7);
        c.record.identity = identity("credential:b");
    });
    assert!(matches!(
        rotated.action(),
        Some(Action::Record(Note::AttemptClosed { suspect: false, .. }))
    ));
}

#[test]
fn nothing_is_minted_in_an_account_that_shows_none_of_our_tokens_while_one_of_them_lives() {
    // The current one has expired; the one before it has not.
    let mut case = exchanged(identity("credential:a"), identity("credential:b"));
    case.now = at(91 * DAY);
    case.record.retiring = vec![retiring(0, at(0))];
    case.survey(case.now, vec![]);
    assert_eq!(
        (case.action(), case.reason()),
        (None, Reason::AccountUnknown)
    );
    case.record.retiring[0].expires_at = Some(at(90 * DAY));
    assert_eq!(case.reason(), Reason::TokenExpired);
}

#[test]
fn what_was_revoked_before_the_credential_was_exchanged_is_seen_to_end_after_it() {
    // The current one was minted under a credential that had been recognised by the former one.
    let mut case = exchanged(identity("credential:b"), identity("credential:c"));
    case.now = at(DAY);
    let mut old = retiring(0, at(0));
    old.token.identity = identity("credential:a");
    case.record.retiring = vec![old.clone()];
    case.record = evolve(
        case.record,
        Outcome::RevokeSent(old.token.clone()),
        at(DAY - 60),
    );
    case.survey(at(DAY), vec![sighting(1)]);
    assert!(matches!(
        case.action(),
        Some(Action::Record(Note::Recognised(_)))
    ));
    let outcome = Outcome::Recognised(Identity::new("credential:c"));
    case.record = evolve(case.record, outcome, case.now);
    let ended = Ended::Revoked;
    let token = old.token;
    assert_eq!(
        case.action(),
        Some(Action::Record(Note::RevokeClosed { token, ended }))
    );
}

/// A person's credential minted the first token, which was the next credential and minted the second one.
fn self_rotated(person: &str, first: &str) -> Case {
    case().with(|c| {
        let minted_by = |revision: u8, credential: &str| {
            let mut held = held(revision, at(revision.into()), None);
            held.token.identity = identity(credential);
            held
        };
        let publish = |record: Record, current: Held, retiring: Vec<Retiring>| {
            let publication = Publication {
                current,
                retiring,
                destination: DestinationVersion::Absent,
                trigger: None,
                repairs: None,
            };
            evolve(record, Outcome::Published(Box::new(publication)), at(3))
        };
        let record = publish(Record::default(), minted_by(1, person), vec![]);
        let known = Outcome::Recognised(Identity::new(first));
        let record = evolve(record, known, at(3));
        let mut old = retiring(1, at(60));
        old.token = minted_by(1, person).token;
        c.holds(minted_by(2, first));
        c.record = publish(record, minted_by(2, first), vec![old]);
    })
}

#[test]
fn a_deletion_ends_with_a_former_credential_though_the_token_that_tells_of_it_ends_as_well() {
    let mut case = self_rotated("credential:p", "credential:a").with(|c| {
        c.observed.issuer.identity = identity("credential:p");
        c.spec.deletion.since = Some(at(DAY));
        c.observed.destination = Destination::Absent;
        c.survey(at(DAY), vec![sighting(1), sighting(2)]);
    });
    let mut steps = 0;
    while let Some(action) = case.action() {
        steps += 1;
        assert!(steps < 9, "{action:?}");
        let outcome = match action {
            Action::Issuer(AtIssuer::Revoke(token)) => Outcome::RevokeSent(token),
            Action::Record(note) => note.into(),
            Action::Finish => return,
            other => panic!("{other:?}"),
        };
        case.record = evolve(case.record, outcome, case.now);
        if case.action().is_none() {
            case.now = at(DAY + 60);
            case.survey(case.now, vec![]);
        }
    }
    panic!("it waits: {}", case.reason());
}

#[test]
fn a_credential_of_an_account_that_was_left_is_not_one_of_the_account_that_there_is_now() {
    // The first token had ended before the second one was minted elsewhere; the person goes back.
    let mut case = exchanged(identity("credential:a"), identity("credential:b"));
    case.now = at(91 * DAY);
    assert_eq!(case.reason(), Reason::TokenExpired);
    let mut next = held(2, case.now, Some(at(181 * DAY)));
    next.token.identity = identity("credential:b");
    let mut old = retiring(1, case.now);
    old.token = token_of(&case);
    old.expires_at = Some(at(90 * DAY));
    let publication = Publication {
        current: next.clone(),
        retiring: vec![old],
        destination: DestinationVersion::Absent,
        trigger: None,
        repairs: None,
    };
    let published = Outcome::Published(Box::new(publication));
    let record = evolve(case.record.clone(), published, case.now);
    case.holds(next);
    case.record = record;
    case.spec.trigger = Some("now".into());
    assert_eq!(case.reason(), Reason::Triggered);
    case.observed.issuer.identity = identity("credential:a");
    // Even where that one is still listed there.
    case.survey(case.now, vec![sighting(1)]);
    assert_eq!(
        (case.action(), case.reason()),
        (None, Reason::AccountUnknown)
    );
}
