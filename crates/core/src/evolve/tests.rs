//! What is then known, outcome by outcome.

use super::*;
use crate::samples::*;
use crate::{
    Carried, Duty, Identity, Obstacle, Publication, Reason, Standing, Survey, Switch, TokenRef,
};

fn failed(revision: u8, token: Option<TokenRef>, reason: Reason) -> Outcome {
    Outcome::Failed {
        marker: marker(revision.into(), revision),
        token,
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
    let outcome = failed(2, Some(token(2)), Reason::MintedValueRefused);
    let record = evolve(case().record, outcome, at(0));
    assert_eq!(sighting(2).standing(&record), Standing::Orphan);
    let ended = Outcome::Ended {
        token: token(2),
        ended: Ended::Revoked,
    };
    let record = evolve(record, ended, at(20));
    assert_eq!(record.revokes, []);
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
    let tried = |record: &Record, at| {
        let refused = failed(2, None, Reason::MintRefused);
        evolve(record.clone(), refused, at).retry_at.unwrap()
    };
    assert_eq!(tried(&record, at(0)), at(450));
    // Faster as its end comes near, and in minutes once it has come.
    assert_eq!(tried(&record, at(2_800)), at(2_900));
    assert_eq!(tried(&record, at(3_590)), at(3_600));
    assert_eq!(tried(&record, at(7_200)), at(7_500));
    record.current = Some(held(1, at(0), None));
    assert_eq!(tried(&record, at(0)), at(3_600));
}

/// So many mints whose tokens were withdrawn and are seen to have ended; how long each made the next one wait.
fn withdrawn(record: &mut Record, count: u8) -> Vec<i64> {
    let mut waits = Vec::new();
    for n in 10..10 + count {
        let outcome = failed(n, Some(token(n)), Reason::MintedValueRefused);
        let next = evolve(std::mem::take(record), outcome, at(0));
        let wait = next.retry_at.unwrap().duration_since(at(0));
        waits.push(wait.as_secs());
        let ended = Outcome::Ended {
            token: token(n),
            ended: Ended::Revoked,
        };
        *record = evolve(next, ended, at(0));
    }
    waits
}

#[test]
fn a_first_mint_that_is_withdrawn_every_time_waits_longer_and_longer() {
    let mut record = Record::default();
    let waits = withdrawn(&mut record, 10);
    let doubled = [10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600];
    assert_eq!(waits, doubled);
}

#[test]
fn the_successor_of_a_token_that_was_relied_on_is_tried_in_minutes_however_many_are_withdrawn() {
    let ended = Outcome::Ended {
        token: token(1),
        ended: Ended::Revoked,
    };
    let mut record = evolve(case().record, ended, at(0));
    assert_eq!(record.current, None);
    let waits = withdrawn(&mut record, 40);
    assert!(waits.iter().all(|wait| *wait <= 300), "{waits:?}");
}

#[test]
fn no_issuer_makes_a_mint_wait_for_more_than_an_hour() {
    let mut record = case().record;
    record.current = None;
    let refused = Outcome::Failed {
        marker: marker(2, 2),
        token: None,
        reason: Reason::MintRefused,
        retry_after: Some(hours(24 * 365)),
    };
    let record = evolve(record, refused, at(0));
    assert_eq!(record.retry_at, Some(at(3_600)));
}

#[test]
fn no_issuer_makes_any_other_duty_wait_for_more_than_an_hour() {
    let asked = Some(hours(24 * 365));
    let not_switched = Outcome::NotSwitched {
        switch: Switch::Enable,
        definite: true,
        retry_after: asked,
    };
    let refused = |duty| Outcome::Refused {
        duty,
        unsure: false,
        retry_after: asked,
    };
    for (duty, refused) in [
        (Duty::Prove, refused(Duty::Prove)),
        (Duty::Update, refused(Duty::Update)),
        (Duty::Switch, not_switched),
    ] {
        let record = evolve(case().record, refused, at(0));
        assert_eq!(record.paused(duty, at(0)), Some(at(3_600)), "{duty:?}");
    }
    let refused = Outcome::NotRevoked {
        token: token(1),
        obstacle: Obstacle::Failed,
        said: None,
        retry_after: asked,
    };
    let record = evolve(case().record, refused, at(0));
    assert_eq!(record.revokes[0].retry_at, at(3_600));
}

#[test]
fn a_duty_that_is_refused_waits_by_itself() {
    let refused = |duty| Outcome::Refused {
        duty,
        unsure: false,
        retry_after: None,
    };
    let record = evolve(case().record, refused(Duty::Update), at(0));
    let record = evolve(record, refused(Duty::Update), at(10));
    assert_eq!((record.retry_at, record.failures), (None, 0));
    assert_eq!(record.paused(Duty::Update, at(10)), Some(at(30)));
    for other in [Duty::Prove, Duty::Switch] {
        assert_eq!(record.paused(other, at(10)), None, "{other:?}");
    }
    let updated = Outcome::Updated {
        inputs: spec().inputs,
        expires_at: None,
    };
    assert_eq!(evolve(record, updated, at(40)).pauses, []);
}

#[test]
fn the_intent_to_disable_goes_with_a_definite_refusal_and_stays_with_a_lost_answer() {
    let meant = evolve(case().record, Outcome::Switching(Switch::Disable), at(0));
    for (definite, by_us) in [(true, false), (false, true)] {
        let refused = Outcome::NotSwitched {
            switch: Switch::Disable,
            definite,
            retry_after: None,
        };
        let record = evolve(meant.clone(), refused, at(1));
        assert_eq!(record.current.unwrap().disabled_by_us, by_us);
        assert_eq!(record.pauses[0].failures, 1);
    }
}

#[test]
fn what_we_disabled_stays_our_doing_while_the_issuer_refuses_to_enable_it() {
    let disabled = evolve(case().record, Outcome::Switched(Switch::Disable), at(0));
    for definite in [true, false] {
        let refused = Outcome::NotSwitched {
            switch: Switch::Enable,
            definite,
            retry_after: None,
        };
        let record = evolve(disabled.clone(), refused, at(1));
        assert!(record.current.unwrap().disabled_by_us, "{definite}");
    }
}

#[test]
fn a_destination_nominates_no_retiring_token_that_was_not_on_record() {
    let mut record = case().record;
    record.last_revision = 2;
    record.attempts = vec![attempt(2, at(60))];
    let carried = Carried {
        current: held(2, at(0), None),
        retiring: vec![retiring(1, at(0)), retiring(7, at(0))],
    };
    let record = evolve(record, Outcome::Recorded(Box::new(carried)), at(1));
    assert_eq!(record.retiring, [retiring(1, at(0))]);
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
        repairs: None,
    };
    let record = evolve(record, Outcome::Published(Box::new(publication)), at(0));
    assert_eq!(record.handled_trigger.as_deref(), Some("a"));
}

/// One attempt whose answer was lost, then so many that were refused and so many tokens revoked.
fn forgetful(refused: u8, revoked: u8, survey: Option<&Survey>) -> Record {
    forgetful_after(false, (refused, revoked), survey)
}

fn forgetful_after(suspect: bool, (refused, revoked): (u8, u8), survey: Option<&Survey>) -> Record {
    let lost = Outcome::Closed {
        attempt: attempt(1, at(0)),
        suspect,
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

#[test]
fn what_a_person_is_to_look_for_is_not_forgotten() {
    let record = forgetful_after(true, (0, 40), None);
    let asked: Vec<_> = record.suspected().map(|past| past.asked).collect();
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].map(|asked| asked.deadline),
        Some(attempt(1, at(0)).deadline)
    );
}

#[test]
fn a_token_is_the_same_one_whoever_is_seen_to_have_minted_it() {
    let mut again = held(1, at(0), None);
    again.token.identity = Some(Identity::new("credential:b"));
    let publication = Publication {
        current: again.clone(),
        retiring: Vec::new(),
        destination: crate::DestinationVersion::Absent,
        trigger: None,
        repairs: None,
    };
    let record = evolve(
        case().record,
        Outcome::Published(Box::new(publication)),
        at(1),
    );
    assert_eq!(record.retiring, []);
    let refused = Outcome::NotRevoked {
        token: token(1),
        obstacle: Obstacle::Failed,
        said: None,
        retry_after: None,
    };
    let record = evolve(record, refused, at(2));
    let ended = Outcome::Ended {
        token: again.token,
        ended: Ended::Revoked,
    };
    let record = evolve(record, ended, at(3));
    assert_eq!((record.current, record.revokes), (None, vec![]));
}

#[test]
fn what_the_next_token_took_the_place_of_is_on_record_no_more() {
    let mut current = held(2, at(0), None);
    current.token.id = token(1).id;
    let record = evolve(
        case().record,
        Outcome::Recorded(Box::new(Carried {
            current,
            retiring: Vec::new(),
        })),
        at(0),
    );
    assert_eq!(record.retiring, []);
}

#[test]
fn a_lifetime_that_was_changed_in_place_is_the_wish_from_then_on() {
    let updated = |lifetime| {
        let mut record = case().record;
        record.current.as_mut().unwrap().wished_end = Some(at(90));
        let mut inputs = spec().inputs;
        inputs.lifetime = lifetime;
        let expires_at = Some(at(900));
        let outcome = Outcome::Updated { inputs, expires_at };
        evolve(record, outcome, at(60)).current.unwrap().wished_end
    };
    assert_eq!(updated(spec().inputs.lifetime), Some(at(90)), "a new name");
    let from_the_mint = Some(at(3_600));
    assert_eq!(updated(crate::Lifetime::For(hours(1))), from_the_mint);
    assert_eq!(updated(crate::Lifetime::Never), None);
}

#[test]
fn a_publish_that_another_process_has_overtaken_is_superseded_and_not_forgotten() {
    let publish = |revision: u8| {
        Outcome::Published(Box::new(Publication {
            current: held(revision, at(0), None),
            retiring: Vec::new(),
            destination: crate::DestinationVersion::Absent,
            trigger: None,
            repairs: None,
        }))
    };
    let record = evolve(Record::default(), publish(3), at(0));
    let record = evolve(record, publish(2), at(10));
    assert_eq!(record.current.unwrap().token, token(3));
    let retiring: Vec<_> = record.retiring.iter().map(|old| &old.token).collect();
    assert_eq!(retiring, [&token(2)]);
}
