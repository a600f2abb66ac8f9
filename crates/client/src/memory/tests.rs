use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokenwright_core::{
    Capabilities, Change, Inputs, Liveness, LostAnswer, Nonce, Parameters, Switch, TokenId,
    UpdateKind,
};

use super::{Fault, MemoryIssuer, MemorySettings, Moment};
use crate::clock::ManualClock;
use crate::error::{ErrorKind, Operation};
use crate::issuer::{Filter, Issuer, MintRequest};

fn clock() -> ManualClock {
    ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap())
}

fn issuer_on(clock: &ManualClock) -> MemoryIssuer {
    MemoryIssuer::new(MemorySettings::default(), clock.clock())
}

fn request(name: &str, clock: &ManualClock) -> MintRequest {
    MintRequest {
        remote_name: name.to_owned(),
        inputs: Inputs {
            name: name.to_owned(),
            scopes: Default::default(),
            parameters: Parameters::new(),
            lifetime: "1h".parse().unwrap(),
        },
        at: clock.now(),
        idempotency_key: Nonce::from_bytes([1; 5]).to_string(),
        send_by: None,
    }
}

async fn kind_of_mint(issuer: &MemoryIssuer, clock: &ManualClock) -> Option<ErrorKind> {
    issuer
        .mint(&request("a", clock))
        .await
        .err()
        .map(|e| e.kind)
}

#[tokio::test(start_paused = true)]
async fn each_fault_leaves_the_world_as_its_words_say() {
    let long = Duration::from_secs(31);
    for (fault, kind, minted) in [
        (
            Fault::Refuse(ErrorKind::LimitReached),
            Some(ErrorKind::LimitReached),
            0,
        ),
        (Fault::NotSent, Some(ErrorKind::Unavailable), 0),
        (Fault::LoseRequest, Some(ErrorKind::OutcomeUnknown), 0),
        (Fault::LoseAnswer, Some(ErrorKind::OutcomeUnknown), 1),
        (Fault::Delay(Duration::from_secs(3)), None, 1),
        (Fault::Delay(long), Some(ErrorKind::OutcomeUnknown), 0),
        (Fault::DelayAnswer(Duration::from_secs(3)), None, 1),
        (Fault::DelayAnswer(long), Some(ErrorKind::OutcomeUnknown), 1),
        (Fault::Twice, None, 2),
    ] {
        let clock = clock();
        let issuer = issuer_on(&clock);
        issuer.fault(Operation::Mint, fault.clone());
        let started = tokio::time::Instant::now();
        assert_eq!(kind_of_mint(&issuer, &clock).await, kind, "{fault:?}");
        assert!(started.elapsed() <= Duration::from_secs(30), "{fault:?}");
        assert_eq!(issuer.minted().len(), minted, "{fault:?}");
        assert_eq!(
            kind_of_mint(&issuer, &clock).await,
            None,
            "one fault, one request"
        );
    }
}

#[tokio::test]
async fn an_effect_that_lands_later_is_seen_from_then_on() {
    let clock = clock();
    let issuer = issuer_on(&clock);
    issuer.fault(
        Operation::Mint,
        Fault::LandLater(SignedDuration::from_secs(20)),
    );
    assert_eq!(
        kind_of_mint(&issuer, &clock).await,
        Some(ErrorKind::OutcomeUnknown)
    );
    clock.advance(SignedDuration::from_secs(19));
    assert!(issuer.list(&Filter::default()).await.unwrap().is_empty());
    clock.advance(SignedDuration::from_secs(6));
    let landed = issuer.live();
    assert_eq!(landed.len(), 1);
    assert_eq!(landed[0].minted_at, "2026-01-01T00:00:20Z".parse().unwrap());
}

#[tokio::test]
async fn a_listing_lags_and_an_outage_is_no_empty_listing() {
    let clock = clock();
    let issuer = issuer_on(&clock);
    issuer.listing_lag(SignedDuration::from_secs(5));
    issuer.mint(&request("a", &clock)).await.unwrap();
    assert_eq!(issuer.list(&Filter::default()).await.unwrap(), []);
    clock.advance(SignedDuration::from_secs(5));
    assert_eq!(issuer.list(&Filter::default()).await.unwrap().len(), 1);
    issuer.outage(Some(ErrorKind::Unavailable));
    let error = issuer.list(&Filter::default()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    issuer.calm();
    assert_eq!(issuer.list(&Filter::default()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_world_stops_where_it_is_told_and_survives_its_caller() {
    let clock = clock();
    let issuer = issuer_on(&clock);
    for (nth, moment, minted) in [(1, Moment::BeforeEffect, 0), (2, Moment::AfterEffect, 1)] {
        let mut hold = issuer.hold(Operation::Mint, nth, moment);
        let (caller, asked) = (issuer.clone(), request("a", &clock));
        let task = tokio::spawn(async move { caller.mint(&asked).await.map(|_| ()) });
        hold.reached().await;
        assert_eq!(issuer.minted().len(), minted);
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(issuer.minted().len(), minted);
    }
    let mut hold = issuer.hold_next(Operation::Mint, Moment::BeforeEffect);
    let (caller, asked) = (issuer.clone(), request("b", &clock));
    let task = tokio::spawn(async move { caller.mint(&asked).await.map(|_| ()) });
    hold.reached().await;
    hold.release();
    task.await.unwrap().unwrap();
    assert_eq!(issuer.minted().len(), 2);
}

#[tokio::test]
async fn a_value_lives_and_dies_with_its_token() {
    let clock = clock();
    let issuer = issuer_on(&clock);
    let minted = issuer.mint(&request("a", &clock)).await.unwrap();
    let (id, value) = (minted.token.id, minted.value);
    assert_eq!(issuer.check(&value).await, Liveness::Alive);
    issuer
        .set_enabled(&id, &Parameters::new(), Switch::Disable)
        .await
        .unwrap();
    assert_eq!(issuer.check(&value).await, Liveness::Dead);
    issuer.enable_by_hand(&id, true);
    assert_eq!(issuer.check(&value).await, Liveness::Alive);
    assert!(issuer.revoke_by_hand(&id));
    assert_eq!(issuer.check(&value).await, Liveness::Dead);
    assert!(!issuer.revoke_by_hand(&id));
    issuer.fault(Operation::Mint, Fault::BornDead);
    let minted = issuer.mint(&request("b", &clock)).await.unwrap();
    assert_eq!(issuer.check(&minted.value).await, Liveness::Dead);
    issuer.fault(Operation::Mint, Fault::ReuseId(TokenId::new("token-1")));
    let minted = issuer.mint(&request("c", &clock)).await.unwrap();
    assert_eq!(minted.token.id, id);
    assert_eq!(issuer.check(&minted.value).await, Liveness::Alive);
    clock.advance(SignedDuration::from_hours(1));
    assert_eq!(issuer.check(&minted.value).await, Liveness::Dead);
    issuer.fault(Operation::Check, Fault::NotSent);
    assert_eq!(issuer.check(&minted.value).await, Liveness::Unknown);
}

#[tokio::test]
async fn systems_differ_in_what_they_show() {
    let clock = clock();
    for (lost_answer, tokens, names) in [
        (LostAnswer::Replay, 1, true),
        (LostAnswer::FindByMarker, 2, true),
        (LostAnswer::CannotAttribute, 2, false),
    ] {
        let mut settings = MemorySettings::default();
        settings.capabilities.lost_answer = lost_answer;
        let issuer = MemoryIssuer::new(settings, clock.clock());
        let first = issuer.mint(&request("a", &clock)).await.unwrap();
        let second = issuer.mint(&request("a", &clock)).await.unwrap();
        let same = first.token.id == second.token.id;
        assert_eq!(same, tokens == 1, "{lost_answer:?}");
        let listed = issuer.list(&Filter::default()).await.unwrap();
        assert_eq!(listed.len(), tokens, "{lost_answer:?}");
        assert!(listed.iter().all(|t| t.name.is_some() == names));
    }
    let blind = Capabilities {
        lost_answer: LostAnswer::CannotList,
        ..MemorySettings::default().capabilities
    };
    let settings = MemorySettings {
        capabilities: blind,
        ..Default::default()
    };
    let issuer = MemoryIssuer::new(settings, clock.clock());
    assert!(issuer.list(&Filter::default()).await.is_err());
}

#[tokio::test]
async fn only_what_the_system_can_change_is_changed() {
    let clock = clock();
    let issuer = Arc::new(issuer_on(&clock));
    let minted = issuer.mint(&request("a", &clock)).await.unwrap();
    let change = |kinds: &[UpdateKind]| Change {
        inputs: request("b", &clock).inputs,
        kinds: kinds.to_vec(),
    };
    let id = &minted.token.id;
    let renamed = issuer
        .update(id, "b", &change(&[UpdateKind::Name]), clock.now())
        .await;
    assert_eq!(renamed.unwrap().name.as_deref(), Some("b"));
    let scopes = issuer
        .update(id, "b", &change(&[UpdateKind::Scopes]), clock.now())
        .await;
    assert_eq!(scopes.unwrap_err().kind, ErrorKind::Invalid);
}
