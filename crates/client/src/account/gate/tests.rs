use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokenwright_core::{Inputs, Parameters};
use tokio::time::Instant;

use super::{Gate, Why};
use crate::account::{Account, Limiter, RECHECK, Rate};
use crate::clock::Clock;
use crate::error::{ErrorKind, Operation};
use crate::issuer::{Filter, MintRequest};
use crate::memory::{Fault, MemoryIssuer, MemorySettings};

/// An issuer behind a gate, on tokio's clock.
struct Scene {
    clock: Clock,
    world: MemoryIssuer,
    gate: Arc<Gate>,
    account: Account,
}

fn scene(rate: Option<Rate>) -> Scene {
    scene_of(rate, Gate::new)
}

fn scene_of(rate: Option<Rate>, gate: fn(Arc<Limiter>, Clock) -> Arc<Gate>) -> Scene {
    scene_with(MemorySettings::default(), rate, gate)
}

fn scene_with(
    settings: MemorySettings,
    rate: Option<Rate>,
    gate: fn(Arc<Limiter>, Clock) -> Arc<Gate>,
) -> Scene {
    let base: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let started = Instant::now();
    let clock = Clock::new(move || base + SignedDuration::try_from(started.elapsed()).unwrap());
    let limiter = rate.map_or_else(Limiter::unlimited, Limiter::new);
    let gate = gate(limiter, clock.clone());
    let world = MemoryIssuer::new(settings, clock.clone());
    let issuer = Arc::new(world.clone().behind(Arc::clone(&gate)));
    Scene {
        account: Account::new(issuer, Arc::clone(&gate), RECHECK, clock.clone()),
        clock,
        world,
        gate,
    }
}

impl Scene {
    fn request(&self, send_by: Option<Timestamp>) -> MintRequest {
        MintRequest {
            remote_name: "ci".to_owned(),
            inputs: Inputs {
                name: "ci".to_owned(),
                scopes: Default::default(),
                parameters: Parameters::new(),
                lifetime: "1h".parse().unwrap(),
            },
            at: self.clock.now(),
            idempotency_key: "ci".to_owned(),
            send_by,
        }
    }

    fn requests(&self) -> usize {
        self.world.requests().len()
    }
}

fn limited(wait: i64) -> Fault {
    Fault::Refuse(ErrorKind::RateLimited {
        retry_after: Some(SignedDuration::from_secs(wait)),
    })
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_one_operation_is_asked_for_holds_for_all() {
    let s = scene(None);
    s.world.fault(Operation::List, limited(600));
    let list = s.account.issuer.list(&Filter::default()).await.unwrap_err();
    assert!(matches!(list.kind, ErrorKind::RateLimited { .. }));
    let issuer = &s.account.issuer;
    let mint = issuer.mint(&s.request(None)).await.unwrap_err();
    let ErrorKind::Paused { wait } = mint.kind else {
        panic!("{mint:?}")
    };
    assert_eq!(wait.as_secs(), 600);
    assert!(issuer.identity().await.is_err());
    assert!(issuer.list(&Filter::default()).await.is_err());
    assert_eq!(s.requests(), 1, "something was sent during the pause");
    let pause = s.gate.pause().unwrap();
    assert_eq!(pause.why, Why::Asked);
    tokio::time::advance(Duration::from_secs(601)).await;
    assert_eq!(s.gate.pause(), None);
    issuer.mint(&s.request(None)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_said_against_an_issuer_stands_until_it_answers_and_not_until_its_pause_is_over() {
    for (fault, length) in [
        (limited(600), 600),
        (Fault::Refuse(ErrorKind::Unauthenticated), 1),
        (Fault::NotSent, 1),
    ] {
        let s = scene(None);
        assert_eq!(s.gate.standing(), None);
        s.world.fault(Operation::List, fault.clone());
        s.account.issuer.list(&Filter::default()).await.unwrap_err();
        let told = s.gate.pause().unwrap();
        assert_eq!(s.gate.standing(), Some(told));
        tokio::time::advance(Duration::from_secs(1_000)).await;
        assert_eq!(s.gate.pause(), None, "{fault:?}");
        let stands = s.gate.standing().unwrap();
        assert_eq!((stands.until, stands.why), (told.until, told.why));
        assert_eq!(stands.length.as_secs(), length, "{fault:?}");
        s.account.issuer.list(&Filter::default()).await.unwrap();
        assert_eq!(s.gate.standing(), None, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_issuer_is_believed_that_it_wants_to_be_left_alone_for_more_than_an_hour() {
    let s = scene(None);
    s.world.fault(Operation::List, limited(99_999_999));
    s.account.issuer.list(&Filter::default()).await.unwrap_err();
    assert_eq!(s.gate.pause().unwrap().wait, SignedDuration::from_hours(1));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_lasts_is_asked_about_less_and_less_often() {
    for kind in [
        ErrorKind::Unauthenticated,
        ErrorKind::Forbidden,
        ErrorKind::Unavailable,
        ErrorKind::RateLimited { retry_after: None },
    ] {
        let s = scene(None);
        s.world.outage(Some(kind));
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(3600) {
            let _refused = s.account.identity().await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        // 1, 2, 4 … 256 seconds, then five minutes.
        assert!(s.requests() <= 21, "{kind:?}: {} requests", s.requests());
        assert!(s.requests() >= 15, "{kind:?}: {} requests", s.requests());
        s.world.calm();
        tokio::time::sleep(Duration::from_secs(301)).await;
        s.account.identity().await.unwrap();
        assert_eq!(s.gate.pause(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_refused_together_count_once() {
    let s = scene(None);
    s.world.outage(Some(ErrorKind::Unavailable));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        s.world
            .fault(Operation::List, Fault::Delay(Duration::from_secs(1)));
        let issuer = Arc::clone(&s.account.issuer);
        tasks.spawn(async move { issuer.list(&Filter::default()).await.is_err() });
    }
    assert!(tasks.join_all().await.into_iter().all(|failed| failed));
    assert!(s.gate.pause().unwrap().wait <= SignedDuration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_duty_that_is_refused_makes_no_pause_for_the_others() {
    let s = scene(None);
    for kind in [
        ErrorKind::Forbidden,
        ErrorKind::Invalid,
        ErrorKind::Conflict,
    ] {
        s.world.fault(Operation::Mint, Fault::Refuse(kind));
        s.account.issuer.mint(&s.request(None)).await.unwrap_err();
        assert_eq!(s.gate.pause(), None, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_must_not_be_sent_late_is_not_sent() {
    let s = scene(Some(Rate {
        per_minute: 60,
        concurrency: 1,
    }));
    s.world
        .fault(Operation::List, Fault::Delay(Duration::from_secs(20)));
    let issuer = Arc::clone(&s.account.issuer);
    let busy = tokio::spawn(async move { issuer.list(&Filter::default()).await.map(|_| ()) });
    tokio::task::yield_now().await;
    let by = s.clock.now() + SignedDuration::from_secs(5);
    let late = s.account.issuer.mint(&s.request(Some(by))).await;
    assert!(matches!(late.unwrap_err().kind, ErrorKind::Paused { .. }));
    assert_eq!(s.clock.now(), by);
    assert_eq!(s.world.count(Operation::Mint), 0);
    busy.await.unwrap().unwrap();
    let by = s.clock.now() + SignedDuration::from_secs(5);
    s.account.issuer.mint(&s.request(Some(by))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn two_hundred_listings_after_a_restart_keep_to_the_rate() {
    let s = scene(Some(Rate {
        per_minute: 60,
        concurrency: 4,
    }));
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..200 {
        let issuer = Arc::clone(&s.account.issuer);
        s.world
            .fault(Operation::List, Fault::Delay(Duration::from_secs(1)));
        let parameters = Parameters::from([("team".to_owned(), n.to_string())]);
        let filter = Filter::of(parameters);
        tasks.spawn(async move { issuer.list(&filter).await.is_ok() });
    }
    let start = Instant::now();
    assert!(tasks.join_all().await.into_iter().all(|listed| listed));
    let took = start.elapsed();
    assert!(took >= Duration::from_secs(189), "{took:?}");
    assert!(took <= Duration::from_secs(195), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn work_that_was_begun_goes_on_through_a_pause_that_nobody_asked_for() {
    let s = scene(None);
    s.world
        .fault(Operation::List, Fault::Refuse(ErrorKind::Unavailable));
    s.account.issuer.list(&Filter::default()).await.unwrap_err();
    assert!(s.gate.pause().is_some());
    assert!(s.account.issuer.list(&Filter::default()).await.is_err());
    tokio::time::advance(Duration::from_millis(1)).await;
    s.account.issuer.mint(&s.request(None)).await.unwrap();
    // It was let in, and that ends the pause, too.
    assert_eq!(s.gate.pause(), None);
}

/// Kinds of answers that speak against an issuer or its credential as a whole.
const AGAINST: [ErrorKind; 4] = [
    ErrorKind::Unavailable,
    ErrorKind::OutcomeUnknown,
    ErrorKind::Unauthenticated,
    ErrorKind::RateLimited { retry_after: None },
];

#[tokio::test(start_paused = true)]
async fn what_one_is_answered_to_its_own_words_pauses_the_others_only_where_they_are_answered_alike()
 {
    for kind in AGAINST {
        let s = scene_of(None, Gate::shared);
        s.world.fault(Operation::Mint, Fault::Refuse(kind));
        s.account.issuer.mint(&s.request(None)).await.unwrap_err();
        assert!(s.gate.doubted(), "{kind:?}");
        assert_eq!(s.gate.pause(), None, "{kind:?}");
        s.account.ask_for_all().await;
        assert!(!s.gate.doubted() && s.gate.pause().is_none(), "{kind:?}");
        let asked = s.requests();
        for _ in 0..9 {
            s.world.fault(Operation::Mint, Fault::Refuse(kind));
            s.account.issuer.mint(&s.request(None)).await.unwrap_err();
            assert!(!s.gate.doubted(), "{kind:?}: it was refuted just now");
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(s.requests(), asked + 9, "{kind:?}");
        tokio::time::advance(Duration::from_secs(1)).await;
        s.world.outage(Some(kind));
        s.account.issuer.mint(&s.request(None)).await.unwrap_err();
        s.account.ask_for_all().await;
        let pause = s.gate.pause().unwrap();
        assert_eq!(pause.wait.as_secs(), 1, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_nobody_s_own_pauses_all_at_once() {
    for kind in AGAINST {
        let s = scene_of(None, Gate::shared);
        s.world.fault(Operation::List, Fault::Refuse(kind));
        s.account.issuer.list(&Filter::default()).await.unwrap_err();
        assert!(s.gate.pause().is_some(), "{kind:?}");
    }
}

fn of_team(team: &str) -> Parameters {
    Parameters::from([("team".to_owned(), team.to_owned())])
}

#[tokio::test(start_paused = true)]
async fn where_only_listings_can_be_asked_one_that_was_answered_before_or_without_words_tells_of_all()
 {
    let settings = || MemorySettings {
        identity: None,
        ..MemorySettings::default()
    };
    for (away, listed) in [(false, true), (true, true), (false, false), (true, false)] {
        let s = scene_with(settings(), None, Gate::shared);
        let inventory = &s.account.inventory;
        if listed {
            inventory.recent(&of_team("good")).await.unwrap();
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        let fault = Fault::Refuse(ErrorKind::Unavailable);
        s.world.fault(Operation::List, fault.clone());
        if away {
            s.world.fault(Operation::List, fault);
        }
        inventory.recent(&of_team("poison")).await.unwrap_err();
        assert!(s.gate.doubted());
        s.account.ask_for_all().await;
        assert!(!s.gate.doubted());
        let paused = s.gate.pause().is_some();
        assert_eq!(paused, away, "{away} {listed}");
    }
}
