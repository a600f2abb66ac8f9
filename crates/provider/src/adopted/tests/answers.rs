//! What the issuer says of a value, and what follows.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_value_is_checked_once_and_then_left_alone() {
    let (mut run, _) = adopted().await;
    assert_eq!(run.text("status"), "alive");
    assert_eq!(run.text("verified_at"), "2026-01-01T00:00:00Z");
    assert_eq!(version(&run), 1_767_225_600_000, "milliseconds");
    assert!(run.state.get("value_wo").is_null());
    for _ in 0..3 {
        run.read().await;
        assert!(run.plans_nothing().await);
    }
    assert_eq!(run.issuer.count(Operation::Check), 1, "by the apply alone");
}

#[tokio::test(start_paused = true)]
async fn a_changed_value_is_followed_though_nobody_raised_the_version() {
    let (mut run, _) = adopted().await;
    let first = run.state.clone();
    let (_, value) = made(&run).await;
    run.config.insert("value_wo", value);
    let said = run.apply().await;
    assert!(said.errors.is_empty() && said.warnings.is_empty());
    assert_eq!(
        Some(version(&run)),
        first.get("value_version").as_i64().map(|n| n + 1)
    );
    assert_ne!(run.state.get("fingerprint"), first.get("fingerprint"));
    assert!(run.plans_nothing().await);
}

#[tokio::test(start_paused = true)]
async fn a_line_end_behind_a_value_is_no_part_of_it() {
    let (mut run, _) = adopted().await;
    let value = run.config.get("value_wo").as_str().unwrap().to_owned();
    for line_end in ["\n", "\r\n"] {
        run.config.insert("value_wo", format!("{value}{line_end}"));
        assert!(run.plans_nothing().await, "{line_end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_that_does_not_authenticate_never_replaces_one_that_does() {
    let (mut run, _) = adopted().await;
    let before = (run.state.clone(), run.private.clone());
    let (id, value) = made(&run).await;
    run.issuer.kill_value(&id);
    run.config.insert("value_wo", value);
    run.config.insert("name", "renamed");
    for _ in 0..2 {
        let (plan, _) = run.plan().await;
        assert!(
            plan.planned.get("fingerprint").is_unknown(),
            "proposed again"
        );
        let said = run.apply_planned(plan, Connection::default()).await;
        assert!(
            said.errors[0].contains("does not authenticate"),
            "{:?}",
            said.errors
        );
        assert!(
            said.errors[0].contains("accepted before stays"),
            "{:?}",
            said.errors
        );
        assert_eq!((&run.state, &run.private), (&before.0, &before.1));
    }

    let mut run = super::run(MemorySettings::default()).await;
    run.config.insert("value_wo", "nonsense");
    let said = run.apply().await;
    assert!(
        said.errors[0].contains("Nothing was adopted"),
        "{:?}",
        said.errors
    );
    assert!(run.state.is_null());
}

#[tokio::test(start_paused = true)]
async fn an_accepted_value_that_died_is_not_delivered_once_more() {
    let (mut run, id) = adopted().await;
    let before = run.state.clone();
    run.issuer.revoke_by_hand(&id);
    assert!(run.plans_nothing().await, "nobody is asked between values");
    run.config.insert("value_wo_version", 1);
    let said = run.apply().await;
    assert!(
        said.errors[0].contains("does not authenticate"),
        "{:?}",
        said.errors
    );
    assert_eq!(run.state, before);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_can_say_replaces_only_what_is_not_known_to_work() {
    // Nothing works yet: it is accepted, and said.
    let mut run = run(MemorySettings::default()).await;
    silence(&run);
    run.config.insert("value_wo", made(&run).await.1);
    let said = run.apply().await;
    assert!(
        said.warnings[0].contains("is not verified"),
        "{:?}",
        said.warnings
    );
    assert_eq!(run.text("status"), "unverified");
    assert!(run.state.get("verified_at").is_null());
    let first = version(&run);

    // Nor is this one known to work.
    run.config.insert("value_wo", made(&run).await.1);
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert_eq!(version(&run), first + 1);

    // Asked again, it is alive; from now on silence replaces nothing.
    run.issuer.calm();
    run.config.insert("value_wo_version", 1);
    run.apply().await;
    assert_eq!(run.text("status"), "alive");
    silence(&run);
    run.config.insert("value_wo", made(&run).await.1);
    let before = run.state.clone();
    let said = run.apply().await;
    assert!(
        said.errors[0].contains("was seen to work and stays"),
        "{:?}",
        said.errors
    );
    assert_eq!(run.state, before);

    // Once its date has passed, nothing that works is replaced.
    run.config.insert("expires_at", "2026-01-02T00:00:00Z");
    run.issuer.calm();
    let other = run.config.get("value_wo").clone();
    run.apply().await;
    assert_ne!(
        run.state.get("fingerprint"),
        before.get("fingerprint"),
        "{other:?}"
    );
    tokio::time::sleep(hours(48)).await;
    silence(&run);
    run.config.insert("value_wo", made(&run).await.1);
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert_eq!(run.text("status"), "expired");
}

#[tokio::test(start_paused = true)]
async fn a_passing_silence_is_outwaited_and_an_interrupt_ends_the_wait() {
    let mut run = run(MemorySettings::default()).await;
    run.config.insert("value_wo", made(&run).await.1);
    for _ in 0..3 {
        run.issuer
            .fault(Operation::Check, Fault::Refuse(ErrorKind::Unavailable));
    }
    let said = run.apply().await;
    assert!(said.warnings.is_empty(), "{:?}", said.warnings);
    assert_eq!(run.text("status"), "alive");
    assert_eq!(run.issuer.count(Operation::Check), 4);

    silence(&run);
    run.config.insert("value_wo", made(&run).await.1);
    let plan = run.plan().await.0;
    run.stop().await;
    let start = tokio::time::Instant::now();
    let said = run.apply_planned(plan, Connection::default()).await;
    assert!(
        said.errors[0].contains("Nobody could say"),
        "{:?}",
        said.errors
    );
    assert!(start.elapsed().is_zero());
}

#[tokio::test(start_paused = true)]
async fn where_nobody_can_be_asked_the_value_is_accepted_as_it_is() {
    let mut settings = MemorySettings::default();
    settings.capabilities.check = false;
    let mut run = run(settings).await;
    run.config.insert("value_wo", "anything");
    let said = run.apply().await;
    assert!(
        said.warnings[0].contains("no call that could tell"),
        "{:?}",
        said.warnings
    );
    assert_eq!(run.text("status"), "unverified");
    run.config.insert("value_wo", "anything else");
    run.apply().await;
    assert_eq!(run.issuer.count(Operation::Check), 0);
    assert!(run.plans_nothing().await);
}

#[tokio::test(start_paused = true)]
async fn all_parts_are_wanted_and_each_is_a_part_of_the_fingerprint() {
    let settings = MemorySettings {
        value_parts: [("key".to_owned(), 64), ("secret".to_owned(), 64)].into(),
        ..MemorySettings::default()
    };
    let mut run = run(settings).await;
    let parts = |parts: &[(&str, &str)]| {
        let parts = parts
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).into()));
        Value::Map(parts.collect())
    };
    run.config.insert("value_wo", "a");
    let said = run.plan().await.1;
    assert!(
        said.errors[0].contains("several parts"),
        "{:?}",
        said.errors
    );
    run.config.insert("value_wo", Value::Null);
    let long = "x".repeat(65);
    for (given, words) in [
        (&[("key", "a")][..], "The part \"secret\" is missing"),
        (&[("key", "a"), ("secret", "")], "is empty"),
        (&[("key", "a"), ("secret", &long)], "at most 64"),
        (
            &[("key", "a"), ("secret", "b"), ("more", "c")],
            "no part \"more\"",
        ),
    ] {
        run.config.insert("values_wo", parts(given));
        let said = run.plan().await.1;
        assert!(said.errors[0].contains(words), "{words}: {:?}", said.errors);
        assert!(!said.errors[0].contains(&long));
    }
    silence(&run);
    let mut seen = std::collections::BTreeSet::new();
    for given in [
        &[("key", "a"), ("secret", "b")][..],
        &[("key", "b"), ("secret", "a")],
        &[("key", "b"), ("secret", "a"), ("id", "1")],
        &[("key", "b"), ("secret", "a"), ("id", "2")],
    ] {
        run.config.insert("values_wo", parts(given));
        let said = run.apply().await;
        assert!(said.errors.is_empty(), "{:?}", said.errors);
        seen.insert(run.text("fingerprint").to_owned());
    }
    assert_eq!(seen.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn public_parts_belong_to_the_fingerprint_and_are_not_asked_about() {
    let mut run = run(MemorySettings::default()).await;
    let (_, value) = made(&run).await;
    let with = |id: &str| {
        let parts = [("token", value.clone()), ("id", id.into())];
        Value::Map(parts.map(|(name, part)| (name.to_owned(), part)).into())
    };
    run.config.insert("values_wo", with("1"));
    run.apply().await;
    assert_eq!(run.text("status"), "alive");
    let before = run.state.clone();
    run.config.insert("values_wo", with("2"));
    run.apply().await;
    assert_eq!(run.text("status"), "alive");
    assert_ne!(run.state.get("fingerprint"), before.get("fingerprint"));
}
