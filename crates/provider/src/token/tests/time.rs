//! Time: what a plan sees, what unknown inputs open, and what many refreshes cost.

use tokenwright_core::LostAnswer;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_plan_says_the_same_at_any_time_and_only_a_refresh_moves_its_present() {
    let mut run = run(MemorySettings::default()).await;
    run.apply().await;
    tokio::time::sleep(hours(24 * 25)).await;
    assert!(run.plans_nothing().await, "the present is the last read");
    run.read().await;
    let first = run.plan().await.0;
    assert_eq!(first.planned.get("revision").as_i64(), Some(2));
    tokio::time::sleep(hours(24 * 300)).await;
    let second = run.plan().await.0;
    assert_eq!(first.planned, second.planned);
    assert_eq!(first.private, second.private);
    assert_eq!(run.issuer.count(Operation::Mint), 1, "a plan asks nobody");
}

#[tokio::test(start_paused = true)]
async fn a_read_changes_something_only_when_it_saw_something_or_time_brought_something_to_do() {
    let mut run = run(MemorySettings::default()).await;
    run.apply().await;
    let mut moved = Vec::new();
    for day in 1..35 {
        tokio::time::sleep(hours(24)).await;
        let before = (run.state.clone(), run.private.clone());
        let nothing_to_do = run.plans_nothing().await;
        run.read().await;
        if (&run.state, &run.private) != (&before.0, &before.1) {
            assert_ne!((nothing_to_do, run.plans_nothing().await), (true, true));
            moved.push(day);
        }
    }
    // The first day of the last third; and the day of the expiry, when the token works no more.
    assert_eq!(moved, [20, 30]);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_makes_a_token_due_rotates_it_in_the_apply_that_brings_it() {
    let mut run = run(MemorySettings::default()).await;
    run.apply().await;
    tokio::time::sleep(hours(24 * 9)).await;
    run.read().await;
    run.config.insert("rotation", rotation(&[("every", "10d")]));
    let (plan, _) = run.plan().await;
    assert_eq!(
        plan.planned.get("revision").as_i64(),
        Some(1),
        "not due yet"
    );
    run.config.insert("rotation", rotation(&[("every", "8d")]));
    let (plan, _) = run.plan().await;
    assert_eq!(plan.planned.get("revision").as_i64(), Some(2));
    let said = run.apply_planned(plan, Connection::default()).await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert_eq!(run.state.get("revision").as_i64(), Some(2));
    assert!(run.plans_nothing().await);
}

#[tokio::test(start_paused = true)]
async fn a_year_of_monthly_applies_keeps_one_token_and_one_that_retires() {
    let mut run = run(MemorySettings::default()).await;
    run.config = config(&[(
        "rotation",
        rotation(&[("overlap", "5d"), ("renew_before", "10d")]),
    )]);
    for day in 0..365 {
        let said = run.apply().await;
        assert!(
            said.errors.is_empty() && said.warnings.is_empty(),
            "day {day}"
        );
        let live = run.issuer.live();
        assert!((1..=2).contains(&live.len()), "day {day}: {}", live.len());
        assert!(run.issuer.accepts(run.text("value")), "day {day}");
        tokio::time::sleep(hours(24)).await;
    }
    assert_eq!(run.issuer.count(Operation::Mint), 19, "every 20 days");
    run.destroy().await;
    assert!(run.issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn unknown_inputs_open_everything_that_a_mint_would_change() {
    let mut run = run(MemorySettings::default()).await;
    run.apply().await;
    run.config.insert("scopes", Value::Unknown);
    let first = run.plan().await.0.planned;
    for name in [
        "value",
        "public_parts",
        "token_id",
        "revision",
        "value_version",
        "retiring",
        "record",
        "rotation_reason",
        "orphans",
        "status",
    ] {
        assert!(first.get(name).is_unknown(), "{name}");
    }
    // What is known then may not change in the second plan call, whatever the scopes turn out to be.
    for scopes in [Value::Null, Value::Set(vec!["read".into()])] {
        run.config.insert("scopes", scopes);
        let second = run.plan().await.0.planned;
        for (name, value) in first.as_map().unwrap() {
            if value.is_wholly_known() && name != "scopes" {
                assert_eq!(value, second.get(name), "{name}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn many_refreshes_share_one_listing() {
    let mut run = run(MemorySettings::default()).await;
    run.apply().await;
    run.configure().await;
    let before = run.issuer.count(Operation::List);
    for _ in 0..20 {
        let request = Read {
            state: run.state.clone(),
            private: Vec::new(),
        };
        run.resource().read(request, &mut Diagnostics::new()).await;
    }
    assert_eq!(run.issuer.count(Operation::List), before + 1);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_wrong_is_told_and_one_that_is_right_is_not() {
    for (look, lost_answer) in [
        (Look::Listing, LostAnswer::FindByMarker),
        (Look::Nothing, LostAnswer::CannotList),
    ] {
        let mut settings = MemorySettings::default();
        settings.capabilities.look = look;
        settings.capabilities.lost_answer = lost_answer;
        let mut run = run(settings).await;
        run.apply().await;
        for (minutes, told) in [
            (0, None),
            (1, None),
            (30, Some("ahead of")),
            (-30, Some("behind")),
        ] {
            *run.ahead.lock().unwrap() = Some(SignedDuration::from_mins(minutes));
            let said = run.read().await.warnings;
            let way = told.map(|way| format!("The clock of this machine is {way} the issuer's"));
            assert_eq!(
                said.len(),
                usize::from(told.is_some()),
                "{look:?}: {said:?}"
            );
            assert!(way.is_none_or(|way| said[0].contains(&way) && said[0].contains("by 30m")));
        }
    }
}
