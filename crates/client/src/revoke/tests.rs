use jiff::{SignedDuration, Timestamp};
use tokenwright_core::{
    Ended, Identity, Inputs, LostAnswer, ManagerId, Marker, Nonce, Origin, Parameters, TokenId,
    TokenRef,
};

use super::{
    Evidence, LeftToPerson, Listing, Nomination, NotProven, RevokeError, revoke, revoke_adopted,
};
use crate::clock::ManualClock;
use crate::error::{ErrorKind, Operation};
use crate::issuer::{Filter, Issuer, MintRequest, Minted};
use crate::memory::{Fault, MemoryIssuer, MemorySettings};

const SECOND: SignedDuration = SignedDuration::from_secs(1);

struct Scene {
    clock: ManualClock,
    issuer: MemoryIssuer,
    token: TokenRef,
}

/// One token of ours that was minted just now.
async fn scene(lost_answer: LostAnswer) -> Scene {
    let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
    let mut settings = MemorySettings::default();
    settings.capabilities.lost_answer = lost_answer;
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
    }
}

impl Scene {
    async fn revoke(&self, evidence: Evidence<'_>) -> Result<Ended, RevokeError> {
        self.revoke_as(&self.token, evidence).await
    }

    async fn revoke_as(
        &self,
        token: &TokenRef,
        evidence: Evidence<'_>,
    ) -> Result<Ended, RevokeError> {
        let nomination = Nomination {
            token,
            minted_at: Some("2026-01-01T00:00:00Z".parse().unwrap()),
            expires_at: Some("2026-01-01T01:00:00Z".parse().unwrap()),
            decided_at: self.clock.now(),
        };
        revoke(&self.issuer, nomination, evidence, self.clock.now()).await
    }

    async fn listing(&self, started_at: Timestamp) -> Listing {
        Listing {
            started_at,
            parameters: Parameters::new(),
            tokens: self.issuer.list(&Filter::default()).await.unwrap(),
        }
    }

    /// Nothing was sent, and the token lives.
    fn untouched(&self) -> bool {
        self.issuer.count(Operation::Revoke) == 0 && !self.issuer.live().is_empty()
    }
}

fn not_proven(result: Result<Ended, RevokeError>) -> NotProven {
    match result {
        Err(RevokeError::NotProven(not_proven)) => not_proven,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn our_whole_marker_on_that_id_is_evidence() {
    let s = scene(LostAnswer::FindByMarker).await;
    assert_eq!(s.revoke(Evidence::Look).await.unwrap(), Ended::Revoked);
    let s = scene(LostAnswer::FindByMarker).await;
    let listing = s.listing(s.clock.now()).await;
    let ended = s.revoke(Evidence::Listing(&listing)).await.unwrap();
    assert_eq!(ended, Ended::Revoked);
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
            Some(expected) => assert_eq!(ended.unwrap(), expected),
            None => assert!(matches!(not_proven(ended), NotProven::TooYoung { .. })),
        }
    }
    s.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(s.revoke(Evidence::Look).await.unwrap(), Ended::Expired);
    assert_eq!(s.issuer.count(Operation::Revoke), 0);
}

#[tokio::test]
async fn where_no_token_shows_a_name_the_id_is_evidence() {
    let s = scene(LostAnswer::CannotAttribute).await;
    assert_eq!(s.revoke(Evidence::Look).await.unwrap(), Ended::Revoked);
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
