use std::time::Duration;

use tokenwright_client::account::Limiter;
use tokenwright_client::{Filter, Issuer, MemoryIssuer, MemorySettings};
use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;

use super::*;

fn at(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(millisecond).unwrap()
}

fn request(uid: &str, class: Class, expiry: Option<i64>) -> SlotRequest {
    SlotRequest {
        uid: uid.to_owned(),
        namespace: "team-a".to_owned(),
        class,
        expiry: expiry.map(at),
        ahead: false,
    }
}

pub(super) fn clock() -> Clock {
    let started = tokio::time::Instant::now();
    Clock::new(move || after(at(0), SignedDuration::try_from(started.elapsed()).unwrap()))
}

pub(super) fn tasks() -> Tasks {
    let (sender, mut tasks) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(task) = tasks.recv().await {
            tokio::spawn(task);
        }
    });
    Tasks::new(sender, CancellationToken::new())
}

fn scheduler(concurrency: u32) -> (Arc<Scheduler>, Arc<Gate>, Arc<Mutex<Vec<String>>>) {
    let woken = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&woken);
    let wake: Wake = Arc::new(move |uid: &str| list.lock().push(uid.to_owned()));
    let rate = Rate {
        per_minute: 60,
        concurrency,
    };
    let gate = Gate::new(Limiter::new(rate), clock());
    let wakes = (wake, tasks());
    let scheduler = Scheduler::new((rate, true), Arc::clone(&gate), clock(), wakes);
    (scheduler, gate, woken)
}

fn now(turn: Turn) -> Permit {
    match turn {
        Turn::Now(permit) => permit,
        Turn::Later | Turn::Paused(_) => panic!("no turn"),
    }
}

#[tokio::test(start_paused = true)]
async fn rotations_go_before_first_mints_and_the_earliest_expiry_first() {
    let (scheduler, _, woken) = scheduler(1);
    let permit = now(scheduler.ask(request("busy", Class::First, None)));
    for waiting in [
        request("revoke", Class::Revoke, None),
        request("first", Class::First, None),
        request("triggered", Class::Triggered, Some(1)),
        request("late", Class::Scheduled, Some(9_000)),
        request("soon", Class::Scheduled, Some(5_000)),
    ] {
        assert!(matches!(scheduler.ask(waiting), Turn::Later));
    }
    drop(permit);
    for (uid, class) in [
        ("soon", Class::Scheduled),
        ("late", Class::Scheduled),
        ("triggered", Class::Triggered),
        ("first", Class::First),
        ("revoke", Class::Revoke),
    ] {
        assert_eq!(woken.lock().pop().as_deref(), Some(uid));
        drop(now(scheduler.ask(request(uid, class, None))));
    }
}

#[tokio::test(start_paused = true)]
async fn no_turn_is_granted_while_no_request_could_be_sent_and_the_first_is_woken_then() {
    let (scheduler, gate, woken) = scheduler(64);
    let issuer = MemoryIssuer::new(MemorySettings::default(), clock()).behind(gate);
    for _ in 0..10 {
        issuer.list(&Filter::default()).await.unwrap();
    }
    for uid in ["x", "y"] {
        let turn = scheduler.ask(request(uid, Class::Scheduled, None));
        assert!(matches!(turn, Turn::Later), "too fast");
    }
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert!(woken.lock().is_empty());
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(woken.lock().first().map(String::as_str), Some("x"));
    now(scheduler.ask(request("x", Class::Scheduled, None)));
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_not_wanted_any_more_goes_to_the_next() {
    let (scheduler, _, woken) = scheduler(1);
    let permit = now(scheduler.ask(request("busy", Class::First, None)));
    for uid in ["a", "b", "c"] {
        let turn = scheduler.ask(request(uid, Class::First, None));
        assert!(matches!(turn, Turn::Later));
    }
    drop(permit);
    scheduler.forget("a");
    assert_eq!(*woken.lock(), ["a", "b"]);
    // Nobody comes for it, and nobody asks.
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(*woken.lock(), ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_was_granted_before_a_pause_is_not_taken_during_it() {
    let (scheduler, gate, woken) = scheduler(1);
    let world = MemoryIssuer::new(MemorySettings::default(), clock());
    let issuer = world.clone().behind(gate);
    let permit = now(scheduler.ask(request("busy", Class::First, None)));
    scheduler.ask(request("a", Class::First, None));
    drop(permit);
    assert_eq!(*woken.lock(), ["a"]);
    let kind = tokenwright_client::ErrorKind::RateLimited {
        retry_after: Some(SignedDuration::from_secs(30)),
    };
    let fault = tokenwright_client::memory::Fault::Refuse(kind);
    world.fault(tokenwright_client::Operation::List, fault);
    issuer.list(&Filter::default()).await.unwrap_err();
    let Turn::Paused(pause) = scheduler.ask(request("a", Class::First, None)) else {
        panic!("no pause")
    };
    assert_eq!(pause.until, at(30_000));
    tokio::time::sleep(Duration::from_secs(31)).await;
    now(scheduler.ask(request("a", Class::First, None)));
}

#[tokio::test(start_paused = true)]
async fn turns_of_one_namespace_that_hang_leave_one_to_each_other() {
    let (scheduler, _, woken) = scheduler(4);
    let of = |uid: &str, namespace: &str| SlotRequest {
        namespace: namespace.to_owned(),
        ..request(uid, Class::Scheduled, None)
    };
    let mut hanging = Vec::new();
    for uid in ["1", "2", "3"] {
        hanging.push(now(scheduler.ask(of(uid, "crowd"))));
    }
    for n in 4..100 {
        let turn = scheduler.ask(of(&n.to_string(), "crowd"));
        assert!(matches!(turn, Turn::Later));
    }
    for _ in 0..3 {
        drop(now(scheduler.ask(of("small", "small"))));
    }
    // As long as the rate and slow answers explain, nobody is known for it.
    let slowed = now(scheduler.ask(of("second", "second")));
    tokio::time::sleep(Duration::from_secs(55)).await;
    drop(slowed);
    // Another one whose turns hang gets the last one once, and not again when it is known for it.
    let second = now(scheduler.ask(of("second", "second")));
    assert!(matches!(scheduler.ask(of("small", "small")), Turn::Later));
    tokio::time::sleep(Duration::from_secs(56)).await;
    drop(second);
    assert_eq!(woken.lock().pop().as_deref(), Some("small"));
    drop(now(scheduler.ask(of("small", "small"))));
    assert!(matches!(scheduler.ask(of("second", "second")), Turn::Later));
    drop(now(scheduler.ask(of("small", "small"))));
    // What the crowd gives back goes round.
    for next in ["4", "second"] {
        drop(hanging.pop());
        assert_eq!(woken.lock().pop().as_deref(), Some(next));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_come_for_the_last_turn_gets_it_no_more() {
    let (scheduler, _, woken) = scheduler(2);
    let of = |uid: &str, namespace: &str| SlotRequest {
        namespace: namespace.to_owned(),
        ..request(uid, Class::Scheduled, None)
    };
    let _held = now(scheduler.ask(of("held", "crowd")));
    let last = now(scheduler.ask(of("last", "small")));
    for n in 0..10 {
        scheduler.ask(of(&n.to_string(), "second"));
    }
    drop(last);
    assert_eq!(*woken.lock(), ["0"]);
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(*woken.lock(), ["0"], "it has a second one");
    now(scheduler.ask(of("last", "small")));
}

#[tokio::test(start_paused = true)]
async fn whoever_keeps_a_request_for_long_gets_no_last_turn() {
    let (scheduler, gate, _) = scheduler(2);
    let world = MemoryIssuer::new(MemorySettings::default(), clock());
    let issuer = world.clone().behind(gate);
    let hangs = tokenwright_client::memory::Fault::Delay(Duration::from_secs(20));
    world.fault(tokenwright_client::Operation::Get, hangs);
    let id = tokenwright_core::TokenId::new("none");
    let none = tokenwright_core::Parameters::new();
    let asks = issuer.get(&id, &none);
    let asked = tokenwright_client::account::seats::in_the_name_of(Some("crowd".into()), asks);
    asked.await.unwrap();
    let _held = now(scheduler.ask(request("held", Class::Scheduled, None)));
    let crowd = SlotRequest {
        namespace: "crowd".to_owned(),
        ..request("last", Class::Scheduled, None)
    };
    assert!(matches!(scheduler.ask(crowd), Turn::Later));
}
