//! Interrupts: nobody waits any more, or nothing new may begin.

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
