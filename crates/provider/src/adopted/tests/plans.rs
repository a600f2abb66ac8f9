//! What a plan promises, and that every apply keeps it.

use super::*;

const FOUND: [&str; 4] = ["fingerprint", "status", "verified_at", "value_version"];

#[tokio::test(start_paused = true)]
async fn an_unknown_value_plans_no_change_by_itself_and_leaves_open_what_it_may_change() {
    let (mut run, _) = adopted().await;
    let known = run.config.get("value_wo").clone();
    let other = made(&run).await.1;
    run.config.insert("value_wo", Value::Unknown);
    assert!(run.plans_nothing().await);

    run.config.insert("name", "renamed");
    for (value, step) in [(known, 0), (other, 1)] {
        run.config.insert("value_wo", Value::Unknown);
        let first = run.plan().await.0;
        for name in FOUND {
            assert!(first.planned.get(name).is_unknown(), "{name}");
        }
        let before = version(&run);
        run.config.insert("value_wo", value);
        let said = run.apply_planned(first, Connection::default()).await;
        assert!(said.errors.is_empty(), "{:?}", said.errors);
        assert_eq!(version(&run), before + step);
        run.config.insert("name", "renamed again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_raised_version_promises_the_next_value_version_whatever_the_value_is() {
    let (mut run, _) = adopted().await;
    let known = run.config.get("value_wo").clone();
    let other = made(&run).await.1;
    for (n, value) in [(1, known.clone()), (2, other), (3, known)] {
        let before = version(&run);
        run.config.insert("value_wo", Value::Unknown);
        run.config.insert("value_wo_version", n);
        let first = run.plan().await.0;
        assert_eq!(
            first.planned.get("value_version").as_i64(),
            Some(before + 1)
        );
        run.config.insert("value_wo", value);
        let said = run.apply_planned(first, Connection::default()).await;
        assert!(said.errors.is_empty(), "{:?}", said.errors);
        assert_eq!(version(&run), before + 1);
    }
    // Not known itself, it may turn out the same.
    run.config.insert("value_wo_version", Value::Unknown);
    let first = run.plan().await.0;
    assert!(first.planned.get("value_version").is_unknown());
    run.config.insert("value_wo_version", 3);
    agrees(&first.planned, &run.plan().await.0.planned);
    run.config.insert("value_wo_version", 4);
    agrees(&first.planned, &run.plan().await.0.planned);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_fetched_anew_may_differ_between_plan_and_apply() {
    let (mut run, _) = adopted().await;
    let known = run.config.get("value_wo").clone();
    let before = version(&run);
    let other = made(&run).await.1;
    run.config.insert("value_wo", other);
    let first = run.plan().await.0;
    for name in FOUND {
        assert!(first.planned.get(name).is_unknown(), "{name}");
    }
    // A third one.
    let third = made(&run).await.1;
    run.config.insert("value_wo", third);
    run.apply_planned(first.clone(), Connection::default())
        .await;
    assert_eq!(version(&run), before + 1);
    // The one that is accepted already.
    let other = made(&run).await.1;
    let third = std::mem::replace(&mut run.config, Value::Null);
    run.config = third.clone();
    run.config.insert("value_wo", other);
    let first = run.plan().await.0;
    run.config = third;
    let said = run.apply_planned(first, Connection::default()).await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert_eq!(version(&run), before + 1);
    assert_ne!(&known, run.config.get("value_wo"));
}

#[tokio::test(start_paused = true)]
async fn without_its_salt_every_value_counts_as_another_one() {
    let (mut run, _) = adopted().await;
    let before = version(&run);
    run.private.clear();
    assert!(!run.plans_nothing().await);
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert_eq!(version(&run), before + 1);
    assert!(run.plans_nothing().await);
    assert!(!String::from_utf8_lossy(&run.private).contains(run.text("fingerprint")));
}

#[tokio::test(start_paused = true)]
async fn other_parameters_ask_again_and_deliver_nothing_new() {
    let settings = MemorySettings::default();
    let mut run = run(settings).await;
    run.config.insert("value_wo", made(&run).await.1);
    run.apply().await;
    let before = run.state.clone();
    let project = Value::Map([("project".to_owned(), "p".into())].into());
    run.config.insert("parameters", project);
    tokio::time::sleep(hours(1)).await;
    let first = run.plan().await.0;
    for name in ["fingerprint", "value_version"] {
        assert_eq!(first.planned.get(name), before.get(name), "{name}");
    }
    assert!(first.planned.get("verified_at").is_unknown());
    run.apply_planned(first, Connection::default()).await;
    assert_eq!(run.issuer.count(Operation::Check), 2);
    assert_ne!(run.state.get("verified_at"), before.get("verified_at"));
    assert_eq!(run.state.get("value_version"), before.get("value_version"));

    // That it was let in when asked otherwise says nothing now.
    silence(&run);
    run.config.insert("parameters", Value::Null);
    let said = run.apply().await;
    assert!(
        said.warnings[0].contains("is not verified"),
        "{:?}",
        said.warnings
    );
    assert_eq!(run.text("status"), "unverified");
    run.config
        .insert("parameters", Value::Map(Default::default()));
    let planned = run.plan().await.0.planned;
    assert!(
        planned.get("verified_at").is_null(),
        "none are as good as an empty map"
    );
}

#[tokio::test(start_paused = true)]
async fn a_date_that_is_ignored_is_not_taken_up_with_another_change() {
    let (mut run, _) = adopted().await;
    run.ignored = vec!["expires_at"];
    run.config.insert("expires_at", "2026-01-02T00:00:00Z");
    run.config.insert("name", "release");
    run.config.insert("value_wo_version", "2");
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert!(said.warnings.is_empty(), "{:?}", said.warnings);
    assert!(run.state.get("expires_at").is_null());
    assert_eq!(run.text("status"), "alive");
    assert!(run.plans_nothing().await);
}

#[tokio::test(start_paused = true)]
async fn where_no_value_is_offered_the_accepted_one_stays() {
    for ignored in [true, false] {
        let (mut run, _) = adopted().await;
        let before = run.state.clone();
        if ignored {
            run.ignored = vec!["value_wo"];
            run.config.insert("value_wo", "another");
        } else {
            run.config.insert("value_wo", Value::Null);
        }
        run.read().await;
        assert!(run.plans_nothing().await, "ignored: {ignored}");
        run.config.insert("name", "release");
        run.config.insert("value_wo_version", "2");
        run.config.insert("expires_at", "2027-01-02T00:00:00Z");
        let said = run.apply().await;
        assert!(said.errors.is_empty(), "{:?}", said.errors);
        for name in ["fingerprint", "verified_at", "value_version", "status"] {
            assert_eq!(run.state.get(name), before.get(name), "{name}");
        }
        assert!(run.plans_nothing().await, "ignored: {ignored}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_value_must_be_offered() {
    let run = run(MemorySettings::default()).await;
    let (_, said) = run.plan().await;
    assert!(
        said.errors[0].contains("value is missing"),
        "{:?}",
        said.errors
    );
}
