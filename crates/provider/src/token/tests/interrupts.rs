//! Interrupts: nobody waits any more, or nothing new may begin.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt as _;

use super::waits::limited;
use super::*;

#[tokio::test(start_paused = true)]
async fn what_was_minted_is_taken_back_when_nobody_waits_any_more() {
    for rotation in [false, true] {
        let mut run = run(MemorySettings::default()).await;
        if rotation {
            run.apply().await;
            run.config.insert("lifetime", "20d");
        }
        let before = run.issuer.live().len();
        let gone = CancellationToken::new();
        let when_checked = gone.clone();
        run.issuer.hook(move |request, _| {
            if request.operation == Operation::Check {
                when_checked.cancel();
            }
            None
        });
        let plan = run.plan().await.0;
        let state = run.state.clone();
        run.apply_planned(plan, Connection::until(gone)).await;
        assert_eq!(run.state, state);
        assert_eq!(run.issuer.live().len(), before, "rotation: {rotation}");
        assert_eq!(run.issuer.minted().len(), before + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_first_token_is_looked_for_and_ended_where_nobody_waits_any_more() {
    let mut run = run(MemorySettings::default()).await;
    let gone = CancellationToken::new();
    let when_minted = gone.clone();
    run.issuer.hook(move |request, _| {
        if request.operation != Operation::Mint {
            return None;
        }
        when_minted.cancel();
        Some(Fault::LoseAnswer)
    });
    let plan = run.plan().await.0;
    run.apply_planned(plan, Connection::until(gone)).await;
    assert!(run.state.is_null());
    assert_eq!(run.issuer.minted().len(), 1);
    assert!(run.issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_published_is_taken_back_when_nobody_waits_for_the_rest() {
    for (asked_to_wait, ends) in [(0, true), (20, true), (45, false)] {
        let mut run = run(MemorySettings::default()).await;
        run.config.insert("enabled", false);
        let gone = CancellationToken::new();
        let when_disabled = gone.clone();
        run.issuer.hook(move |request, nth| {
            if request.operation == Operation::Disable {
                when_disabled.cancel();
            }
            let first = (request.operation, nth) == (Operation::Revoke, 1);
            (first && asked_to_wait > 0).then(|| limited(asked_to_wait))
        });
        let plan = run.plan().await.0;
        let begun = tokio::time::Instant::now();
        run.apply_planned(plan, Connection::until(gone)).await;
        assert!(run.state.is_null());
        assert_eq!(run.issuer.minted().len(), 1);
        assert_eq!(run.issuer.live().is_empty(), ends, "{asked_to_wait}");
        assert!(begun.elapsed().as_secs() < 30, "the process ends then");
    }
}

#[tokio::test(start_paused = true)]
async fn after_an_interrupt_nothing_new_is_minted() {
    let mut run = run(MemorySettings::default()).await;
    let plan = run.plan().await.0;
    run.stop().await;
    let said = run.apply_planned(plan, Connection::default()).await;
    assert!(said.errors[0].contains("interrupted"), "{:?}", said.errors);
    assert!(run.state.is_null());
    assert_eq!(run.issuer.count(Operation::Mint), 0);
}

/// A token of a system that keeps one at a time, which the next apply rotates.
async fn about_to_rotate_with_a_gap() -> Run {
    let mut settings = MemorySettings::default();
    settings.capabilities.one = true;
    let mut run = run(settings).await;
    let mut gap = rotation(&[]);
    gap.insert("allow_gap", true);
    run.config.insert("rotation", gap);
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    run.config.insert("lifetime", "20d");
    run
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_in_a_gap_ends_the_run_once_a_token_works_again() {
    for at in [Operation::Revoke, Operation::Get, Operation::Mint] {
        let mut run = about_to_rotate_with_a_gap().await;
        let (plan, _) = run.plan().await;
        let provider = Arc::clone(&run.provider);
        let first = AtomicBool::new(true);
        run.issuer.hook(move |request, _| {
            let here = request.operation == at && first.swap(false, Ordering::Relaxed);
            here.then(|| {
                provider.stop().now_or_never();
                // What is asked again works.
                limited(1)
            })
        });
        let said = run.apply_planned(plan, Connection::default()).await;
        assert!(said.errors.is_empty(), "{at:?}: {:?}", said.errors);
        assert!(run.issuer.accepts(run.text("value")), "{at:?}");
        assert_eq!(run.issuer.live().len(), 1, "{at:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_gap_begins_after_an_interrupt() {
    let mut run = about_to_rotate_with_a_gap().await;
    let (plan, _) = run.plan().await;
    run.stop().await;
    let said = run.apply_planned(plan, Connection::default()).await;
    assert!(said.errors[0].contains("interrupted"), "{:?}", said.errors);
    assert!(run.issuer.accepts(run.text("value")));
    assert_eq!(run.issuer.count(Operation::Revoke), 0);
}

/// A provider that a debugger started serves one run after the other.
#[tokio::test(start_paused = true)]
async fn an_interrupt_ends_its_own_run_and_no_later_one() {
    let mut run = run(MemorySettings::default()).await;
    run.provider.stop().await;
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert!(run.issuer.accepts(run.text("value")));
}
