//! The end that a person gave: announced, once in a run, and never asked about.

use super::*;

/// Ends on the 11th, and warns from the 9th on.
async fn ending() -> Run {
    let mut run = run(MemorySettings::default()).await;
    run.config.insert("value_wo", made(&run).await.1);
    run.config.insert("expires_at", "2026-01-11T00:00:00Z");
    run.config.insert("warn_before", "2d");
    assert!(run.apply().await.warnings.is_empty());
    run
}

#[tokio::test(start_paused = true)]
async fn its_end_is_announced_by_reads_and_louder_when_it_came() {
    let start = tokio::time::Instant::now();
    let mut run = ending().await;
    for (day, status, words) in [
        (1, "alive", None),
        (7, "alive", None),
        (
            9,
            "expires_soon",
            Some("\"deploy\" ends on 2026-01-11T00:00:00Z"),
        ),
        (
            10,
            "expired",
            Some("\"deploy\" HAS ENDED, on 2026-01-11T00:00:00Z"),
        ),
    ] {
        tokio::time::sleep_until(start + hours(24 * day)).await;
        let said = run.read().await;
        assert_eq!(run.text("status"), status);
        assert_eq!(said.warnings.len(), usize::from(words.is_some()));
        assert!(said.warnings.iter().all(|w| w.contains(words.unwrap())));
        // Neither a plan nor another change says it a second time.
        let (plan, said) = run.plan().await;
        assert_eq!(plan.planned, run.state);
        assert!(said.warnings.is_empty());
        let name = run.config.get("name").clone();
        run.config.insert("name", "renamed");
        let (plan, said) = run.plan().await;
        assert!(said.warnings.is_empty());
        assert!(plan.planned.is_wholly_known(), "only the name changes");
        let said = run.apply_planned(plan, Connection::default()).await;
        assert!(said.warnings.is_empty(), "{:?}", said.warnings);
        run.config.insert("name", name);
        run.apply().await;
    }
    assert_eq!(run.issuer.count(Operation::Check), 1);
}

#[tokio::test(start_paused = true)]
async fn a_read_between_two_dates_changes_nothing() {
    let mut run = ending().await;
    let mut moved = 0;
    for _ in 0..400 {
        tokio::time::sleep(hours(24)).await;
        let before = (run.state.clone(), run.private.clone());
        run.read().await;
        assert_eq!(run.private, before.1);
        moved += u32::from(run.state != before.0);
    }
    assert!((1..=2).contains(&moved), "expires soon, expired: {moved}");
}

#[tokio::test(start_paused = true)]
async fn a_new_date_is_open_at_plan_and_announced_by_its_apply() {
    let mut run = ending().await;
    tokio::time::sleep(hours(24 * 5)).await;
    run.read().await;
    run.config.insert("expires_at", "2026-01-07T00:00:00Z");
    let (plan, said) = run.plan().await;
    assert!(
        plan.planned.get("status").is_unknown(),
        "a plan knows no time"
    );
    assert!(said.warnings.is_empty(), "the apply says it");
    let said = run.apply_planned(plan, Connection::default()).await;
    assert!(
        said.warnings[0].contains("ends on 2026-01-07"),
        "{:?}",
        said.warnings
    );
    assert_eq!(run.text("status"), "expires_soon");
    run.config.insert("expires_at", "2027-01-02T00:00:00Z");
    let plan = run.plan().await.0;
    let said = run.apply_planned(plan, Connection::default()).await;
    assert!(said.warnings.is_empty(), "{:?}", said.warnings);
    assert_eq!(run.text("status"), "alive");
    assert_eq!(run.issuer.count(Operation::Check), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ended_already_is_announced_by_the_apply_that_adopts_it() {
    let mut run = run(MemorySettings::default()).await;
    run.config.insert("value_wo", made(&run).await.1);
    run.config.insert("expires_at", "2025-12-31T00:00:00+01:00");
    let (plan, said) = run.plan().await;
    assert!(
        said.warnings.is_empty(),
        "a plan knows no time before the first read"
    );
    let said = run.apply_planned(plan, Connection::default()).await;
    assert!(
        said.warnings[0].contains("HAS ENDED"),
        "{:?}",
        said.warnings
    );
    assert_eq!(run.text("status"), "expired");
}

#[tokio::test(start_paused = true)]
async fn destroy_revokes_nothing_and_says_so() {
    let settings = MemorySettings {
        manual: Some("delete it in the console".to_owned()),
        ..MemorySettings::default()
    };
    let mut run = run(settings).await;
    run.config.insert("value_wo", made(&run).await.1);
    run.apply().await;
    let before = run.issuer.requests().len();
    let said = run.destroy().await;
    assert!(said.errors.is_empty() && run.state.is_null());
    assert!(
        said.warnings[0].contains("\"deploy\" lives on")
            && said.warnings[0].contains("a person must: delete it in the console"),
        "{:?}",
        said.warnings
    );
    assert_eq!(run.issuer.requests().len(), before, "nobody was asked");
    assert_eq!(run.issuer.live().len(), 1);
}
