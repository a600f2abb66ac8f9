use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokenwright_core::{
    Ended, Identity, Inputs, Look, LostAnswer, ManagerId, Marker, Nonce, Origin, Parameters,
    TokenId, TokenRef,
};

use super::{
    Evidence, LeftToPerson, Listing, Nomination, NotProven, NotSeen, RevokeError, Revoked, revoke,
    revoke_adopted, second_look, seen_to_end,
};
use crate::clock::ManualClock;
use crate::error::{ErrorKind, Operation};
use crate::issuer::{Filter, Issuer, MintRequest, Minted};
use crate::memory::{Fault, MemoryIssuer, MemorySettings};
use crate::secret::SecretValue;

const SECOND: SignedDuration = SignedDuration::from_secs(1);

struct Scene {
    clock: ManualClock,
    issuer: MemoryIssuer,
    token: TokenRef,
    value: SecretValue,
}

/// One token of ours that was minted just now.
async fn scene(lost_answer: LostAnswer) -> Scene {
    scene_with(lost_answer, Look::Alone).await
}

async fn scene_with(lost_answer: LostAnswer, look: Look) -> Scene {
    let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
    let mut settings = MemorySettings::default();
    settings.capabilities.lost_answer = lost_answer;
    settings.capabilities.look = look;
    let issuer = MemoryIssuer::new(settings, clock.clock());
    let marker = Marker {
        origin: Origin::of("here"),
        manager: ManagerId::of("me"),
        revision: 1,
        nonce: Nonce::from_bytes([1; 5]),
    };
    let request = MintRequest {
        remote_name: marker.remote_name("a"),
        inputs: Inputs {
            name: "a".to_owned(),
            scopes: Default::default(),
            parameters: Parameters::new(),
            lifetime: "1h".parse().unwrap(),
        },
        at: clock.now(),
        idempotency_key: marker.nonce.to_string(),
        send_by: None,
    };
    let minted = issuer.mint(&request).await.unwrap();
    let token = TokenRef {
        id: minted.token.id,
        marker,
        parameters: Parameters::new(),
        endpoint: issuer.endpoint().to_owned(),
        identity: issuer.identity().await.unwrap(),
    };
    Scene {
        clock,
        issuer,
        token,
        value: minted.value,
    }
}

impl Scene {
    async fn revoke(&self, evidence: Evidence<'_>) -> Result<Revoked, RevokeError> {
        self.revoke_as(&self.token, evidence).await
    }

    async fn revoke_as(
        &self,
        token: &TokenRef,
        evidence: Evidence<'_>,
    ) -> Result<Revoked, RevokeError> {
        let nomination = self.nominated(token);
        revoke(&self.issuer, nomination, evidence, self.clock.now()).await
    }

    fn nominated<'a>(&self, token: &'a TokenRef) -> Nomination<'a> {
        Nomination {
            minted_at: Some("2026-01-01T00:00:00Z".parse().unwrap()),
            expires_at: Some("2026-01-01T01:00:00Z".parse().unwrap()),
            ..Nomination::of(token, self.clock.now())
        }
    }

    /// The same with the value at hand, and a claim if one was made.
    fn with_value(&self, sent_at: Option<Timestamp>) -> Nomination<'_> {
        Nomination {
            sent_at,
            value: Some(&self.value),
            ..self.nominated(&self.token)
        }
    }

    async fn revoke_with_value(&self, evidence: Evidence<'_>) -> Result<Revoked, RevokeError> {
        let nomination = self.with_value(None);
        revoke(&self.issuer, nomination, evidence, self.clock.now()).await
    }

    async fn seen(&self, evidence: Evidence<'_>) -> Result<Ended, RevokeError> {
        let nomination = self.with_value(Some(self.clock.now()));
        seen_to_end(&self.issuer, nomination, evidence, self.clock.now()).await
    }

    async fn listing(&self, started_at: Timestamp) -> Listing {
        let tokens = self.issuer.list(&Filter::default()).await.unwrap();
        Listing::new(started_at, Parameters::new(), tokens)
    }

    /// Nothing was sent, and the token lives.
    fn untouched(&self) -> bool {
        self.issuer.count(Operation::Revoke) == 0 && !self.issuer.live().is_empty()
    }
}

fn not_proven(result: Result<Revoked, RevokeError>) -> NotProven {
    match result {
        Err(RevokeError::NotProven(not_proven)) => not_proven,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn our_whole_marker_on_that_id_is_evidence() {
    let s = scene(LostAnswer::FindByMarker).await;
    assert_eq!(s.revoke(Evidence::Look).await.unwrap(), Revoked::Sent);
    let s = scene(LostAnswer::FindByMarker).await;
    let listing = s.listing(s.clock.now()).await;
    let ended = s.revoke(Evidence::Listing(&listing)).await.unwrap();
    assert_eq!(ended, Revoked::Sent);
    assert_eq!(s.issuer.live(), []);
}

#[tokio::test]
async fn another_nonce_or_an_edited_name_is_none() {
    let s = scene(LostAnswer::FindByMarker).await;
    let mut other = s.token.clone();
    other.marker.nonce = Nonce::from_bytes([2; 5]);
    let refused = not_proven(s.revoke_as(&other, Evidence::Look).await);
    assert!(refused.to_string().contains("token-1"), "{refused}");
    for name in ["a", "", &format!("{} and more", s.token.marker)] {
        s.issuer.rename_by_hand(&s.token.id, name);
        let refused = not_proven(s.revoke(Evidence::Look).await);
        assert!(matches!(refused, NotProven::OtherMarker { .. }), "{name}");
    }
    assert!(s.untouched());
}

#[tokio::test]
async fn another_endpoint_or_account_is_never_asked() {
    let s = scene(LostAnswer::FindByMarker).await;
    let mut elsewhere = s.token.clone();
    elsewhere.endpoint = "https://other.example.com".to_owned();
    let refused = not_proven(s.revoke_as(&elsewhere, Evidence::Minted).await);
    assert!(matches!(refused, NotProven::OtherIssuer { .. }));
    s.issuer.become_identity(Some(Identity::new("account-2")));
    let refused = not_proven(s.revoke(Evidence::Minted).await);
    assert!(matches!(refused, NotProven::OtherIssuer { .. }));
    assert!(s.untouched());
}

#[tokio::test]
async fn a_listing_counts_only_if_it_began_after_the_decision_with_the_same_parameters() {
    let s = scene(LostAnswer::FindByMarker).await;
    let old = s.listing(s.clock.now() - SECOND).await;
    let refused = not_proven(s.revoke(Evidence::Listing(&old)).await);
    assert!(matches!(refused, NotProven::ListingDoesNotCover { .. }));
    let mut other = s.listing(s.clock.now()).await;
    other.parameters.insert("team".to_owned(), "x".to_owned());
    let refused = not_proven(s.revoke(Evidence::Listing(&other)).await);
    assert!(matches!(refused, NotProven::ListingDoesNotCover { .. }));
    assert!(s.untouched());
}

#[tokio::test]
async fn absence_is_believed_after_settle_and_after_expiry_only() {
    let s = scene(LostAnswer::FindByMarker).await;
    s.issuer.revoke_by_hand(&s.token.id);
    let settle = s.issuer.capabilities().settle;
    for (wait, expected) in [(settle - SECOND, None), (SECOND, Some(Ended::Gone))] {
        s.clock.advance(wait);
        let ended = s.revoke(Evidence::Look).await;
        match expected {
            Some(expected) => assert_eq!(ended.unwrap(), Revoked::Ended(expected)),
            None => assert!(matches!(not_proven(ended), NotProven::TooYoung { .. })),
        }
    }
    s.clock.advance(SignedDuration::from_hours(1));
    let ended = s.revoke(Evidence::Look).await.unwrap();
    assert_eq!(ended, Revoked::Ended(Ended::Expired));
    assert_eq!(s.issuer.count(Operation::Revoke), 0);
}

#[tokio::test]
async fn where_no_token_shows_a_name_the_id_is_evidence() {
    let s = scene(LostAnswer::CannotAttribute).await;
    assert_eq!(s.revoke(Evidence::Look).await.unwrap(), Revoked::Sent);
}

#[tokio::test]
async fn where_no_token_shows_a_name_an_id_that_anybody_may_have_written_is_no_evidence() {
    for (lost_answer, look) in [
        (LostAnswer::CannotAttribute, Look::Alone),
        (LostAnswer::CannotAttribute, Look::Listing),
        (LostAnswer::CannotList, Look::Nothing),
        (LostAnswer::FindByMarker, Look::Listing),
    ] {
        let s = scene_with(lost_answer, look).await;
        let now = s.clock.now();
        let listing = Listing::new(now, Parameters::new(), Vec::new());
        let listing = match look {
            Look::Nothing => listing,
            Look::Alone | Look::Listing => s.listing(now).await,
        };
        for evidence in [Evidence::Look, Evidence::Listing(&listing)] {
            if look == Look::Nothing && matches!(evidence, Evidence::Listing(_)) {
                continue;
            }
            let unsealed = Nomination {
                unsealed: true,
                ..s.nominated(&s.token)
            };
            let revoked = revoke(&s.issuer, unsealed, evidence, now).await;
            if lost_answer == LostAnswer::FindByMarker {
                assert_eq!(revoked.unwrap(), Revoked::Sent, "it shows its name");
                break;
            }
            let refused = not_proven(revoked);
            assert!(matches!(refused, NotProven::NotSealed { .. }), "{look:?}");
            assert!(s.untouched(), "{look:?}");
        }
    }
}

#[tokio::test]
async fn a_failed_look_is_no_absence() {
    let s = scene(LostAnswer::FindByMarker).await;
    s.issuer.fault(Operation::Get, Fault::NotSent);
    match s.revoke(Evidence::Look).await {
        Err(RevokeError::Issuer(error)) => assert_eq!(error.kind, ErrorKind::Unavailable),
        other => panic!("{other:?}"),
    }
    assert!(s.untouched());
}

/// A token that a person made, its value, and an issuer whose values name themselves or do not.
async fn adopted(values_name_ids: bool) -> (MemoryIssuer, Minted) {
    let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
    let settings = MemorySettings {
        values_name_ids,
        ..MemorySettings::default()
    };
    let issuer = MemoryIssuer::new(settings, clock.clock());
    let request = MintRequest {
        remote_name: "by hand".to_owned(),
        inputs: Inputs {
            name: "by hand".to_owned(),
            scopes: Default::default(),
            parameters: Parameters::new(),
            lifetime: "1h".parse().unwrap(),
        },
        at: clock.now(),
        idempotency_key: "1".to_owned(),
        send_by: None,
    };
    let minted = issuer.mint(&request).await.unwrap();
    (issuer, minted)
}

#[tokio::test]
async fn an_adopted_token_is_ended_on_the_word_of_its_own_value_alone() {
    let none = &Parameters::new();
    let (issuer, minted) = adopted(true).await;
    let (id, value) = (&minted.token.id, &minted.value);
    let other = &TokenId::new("another");
    let refused = revoke_adopted(&issuer, other, value, none).await;
    assert!(
        matches!(&refused, Err(LeftToPerson::OtherValue { id }) if id == other),
        "{refused:?}"
    );
    let ended = revoke_adopted(&issuer, id, value, none).await;
    assert!(matches!(ended, Ok(Ended::Revoked)), "{ended:?}");
    let again = revoke_adopted(&issuer, id, value, none).await;
    assert!(matches!(again, Ok(Ended::Gone)), "{again:?}");
}

#[tokio::test]
async fn an_adopted_token_whose_value_says_nothing_is_left_to_a_person() {
    let (issuer, minted) = adopted(false).await;
    let refused =
        revoke_adopted(&issuer, &minted.token.id, &minted.value, &Parameters::new()).await;
    assert!(matches!(refused, Err(LeftToPerson::OtherValue { .. })));
    assert!(issuer.revoked().is_empty());
}

#[tokio::test]
async fn an_adopted_value_that_nobody_could_be_asked_about_ends_nothing() {
    let (issuer, minted) = adopted(true).await;
    issuer.fault(Operation::Check, Fault::Refuse(ErrorKind::Unavailable));
    let refused =
        revoke_adopted(&issuer, &minted.token.id, &minted.value, &Parameters::new()).await;
    assert!(matches!(refused, Err(LeftToPerson::NotChecked { .. })));
}

fn not_seen<T: std::fmt::Debug>(result: Result<T, RevokeError>) -> NotSeen {
    match result {
        Err(RevokeError::NotSeen(not_seen)) => not_seen,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_success_of_a_revoke_is_a_claim_and_a_look_tells_whether_it_is_true() {
    for answer in [
        None,
        Some(Fault::Pretend),
        Some(Fault::Refuse(ErrorKind::NotFound)),
    ] {
        let s = scene(LostAnswer::FindByMarker).await;
        let done = answer.is_none();
        if let Some(fault) = answer {
            s.issuer.fault(Operation::Revoke, fault);
        }
        assert_eq!(s.revoke(Evidence::Look).await.unwrap(), Revoked::Sent);
        let listing = s.listing(s.clock.now()).await;
        for seen in [
            s.seen(Evidence::Look).await,
            s.seen(Evidence::Listing(&listing)).await,
        ] {
            match done {
                true => assert_eq!(seen.unwrap(), Ended::Revoked),
                false => assert!(matches!(not_seen(seen), NotSeen::StillShown { .. })),
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_shown_and_still_authenticates_is_not_gone() {
    let s = scene(LostAnswer::FindByMarker).await;
    s.clock.advance(SignedDuration::from_mins(1));
    s.issuer.fault(Operation::List, Fault::Pretend);
    let empty = s.listing(s.clock.now()).await;
    let refused = s.revoke_with_value(Evidence::Listing(&empty)).await;
    assert!(matches!(not_seen(refused), NotSeen::StillAlive { .. }));
    s.issuer
        .fault(Operation::Get, Fault::Refuse(ErrorKind::NotFound));
    let refused = s.revoke_with_value(Evidence::Look).await;
    assert!(matches!(not_seen(refused), NotSeen::StillAlive { .. }));
    // Nor is it where a listing says so after a revoke that did nothing.
    let refused = s.seen(Evidence::Listing(&empty)).await;
    assert!(matches!(not_seen(refused), NotSeen::StillAlive { .. }));
    s.issuer
        .fault(Operation::Check, Fault::Refuse(ErrorKind::Unavailable));
    let refused = s.revoke_with_value(Evidence::Listing(&empty)).await;
    assert!(matches!(not_seen(refused), NotSeen::NotChecked { .. }));
    assert!(s.untouched());
    s.issuer.revoke_by_hand(&s.token.id);
    let gone = s.revoke_with_value(Evidence::Look).await.unwrap();
    assert_eq!(gone, Revoked::Ended(Ended::Gone));
}

#[tokio::test]
async fn one_listing_that_misses_a_token_is_asked_behind_where_no_value_tells() {
    let s = scene(LostAnswer::FindByMarker).await;
    s.clock.advance(SignedDuration::from_mins(1));
    s.issuer.fault(Operation::List, Fault::Pretend);
    let empty = s.listing(s.clock.now()).await;
    let sent = s.revoke(Evidence::Listing(&empty)).await.unwrap();
    assert_eq!(sent, Revoked::Sent);
    assert_eq!(s.issuer.live(), []);
}

#[tokio::test]
async fn where_nothing_can_look_the_id_on_record_is_evidence_and_a_value_at_hand_must_be_dead() {
    let s = scene_with(LostAnswer::CannotList, Look::Nothing).await;
    let ended = Revoked::Ended(Ended::Revoked);
    s.issuer.fault(Operation::Revoke, Fault::Pretend);
    let refused = s.revoke_with_value(Evidence::Look).await;
    assert!(matches!(not_seen(refused), NotSeen::StillAlive { .. }));
    assert_eq!(s.revoke_with_value(Evidence::Look).await.unwrap(), ended);
    assert_eq!(s.revoke(Evidence::Look).await.unwrap(), ended);
    assert_eq!(s.issuer.count(Operation::Get), 0);
}

#[tokio::test]
async fn an_adopted_token_whose_revoke_did_nothing_has_not_ended() {
    let (issuer, minted) = adopted(true).await;
    let none = &Parameters::new();
    issuer.fault(Operation::Revoke, Fault::Pretend);
    let refused = revoke_adopted(&issuer, &minted.token.id, &minted.value, none).await;
    assert!(
        matches!(refused, Err(LeftToPerson::NotSeen(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_token_that_one_listing_misses_is_not_gone_before_a_later_one_misses_it_too() {
    let s = scene_with(LostAnswer::FindByMarker, Look::Listing).await;
    s.clock.advance(SECOND * 60);
    s.issuer.fault(Operation::Get, Fault::Pretend);
    let missed = s.revoke(Evidence::Look).await;
    assert!(matches!(not_seen(missed), NotSeen::MissedOnce { .. }));
    s.issuer.fault(Operation::List, Fault::Empty);
    let empty = s.listing(s.clock.now()).await;
    let missed = s.revoke(Evidence::Listing(&empty)).await;
    assert!(matches!(not_seen(missed), NotSeen::MissedOnce { .. }));
    assert!(s.untouched());
    let again = Nomination {
        missed_before: true,
        ..s.nominated(&s.token)
    };
    let sent = revoke(&s.issuer, again, Evidence::Look, s.clock.now()).await;
    assert_eq!(sent.unwrap(), Revoked::Sent);
    let gone = revoke(&s.issuer, again, Evidence::Look, s.clock.now()).await;
    assert_eq!(gone.unwrap(), Revoked::Ended(Ended::Gone));
}

#[tokio::test]
async fn one_answer_that_a_token_is_not_there_ends_none_that_no_listing_would_find_again() {
    for (lost_answer, once) in [
        (LostAnswer::FindByMarker, true),
        (LostAnswer::CannotAttribute, false),
        (LostAnswer::CannotList, false),
        (LostAnswer::Replay, false),
    ] {
        let s = scene_with(lost_answer, Look::Alone).await;
        s.clock.advance(SECOND * 60);
        let missing = || {
            let refused = Fault::Refuse(ErrorKind::NotFound);
            s.issuer.fault(Operation::Get, refused);
        };
        missing();
        let first = s.revoke(Evidence::Look).await;
        if once {
            assert_eq!(first.unwrap(), Revoked::Ended(Ended::Gone));
            continue;
        }
        assert!(
            matches!(not_seen(first), NotSeen::MissedOnce { .. }),
            "{lost_answer:?}"
        );
        missing();
        let nomination = s.nominated(&s.token);
        let first = revoke(&s.issuer, nomination, Evidence::Look, s.clock.now()).await;
        let (again, _) = second_look(&s.issuer, nomination, &first).unwrap();
        missing();
        let second = revoke(&s.issuer, again, Evidence::Look, s.clock.now()).await;
        assert_eq!(second.unwrap(), Revoked::Ended(Ended::Gone));
        // The value tells at once, where it is at hand.
        missing();
        let alive = s.revoke_with_value(Evidence::Look).await;
        assert!(matches!(not_seen(alive), NotSeen::StillAlive { .. }));
        s.issuer.revoke_by_hand(&s.token.id);
        let dead = s.revoke_with_value(Evidence::Look).await.unwrap();
        assert_eq!(dead, Revoked::Ended(Ended::Gone));
    }
}

#[tokio::test(start_paused = true)]
async fn whether_a_token_is_shown_and_whether_it_authenticates_is_asked_at_once() {
    let s = scene(LostAnswer::FindByMarker).await;
    s.clock.advance(SECOND * 60);
    assert_eq!(s.revoke(Evidence::Look).await.unwrap(), Revoked::Sent);
    let late = |_: &_, _| Some(Fault::DelayAnswer(Duration::from_secs(1)));
    s.issuer.hook(late);
    let asked = tokio::time::Instant::now();
    assert_eq!(s.seen(Evidence::Look).await.unwrap(), Ended::Revoked);
    assert_eq!(asked.elapsed().as_secs(), 1, "one after the other");
}
