//! `expires_at` as a wish: one end for all tokens of a resource, moved by whoever wrote it.

use tokenwright_core::UpdateKind;

use super::*;

fn ending(at: &str, more: &[(&str, Value)]) -> Value {
    let usual = [
        ("lifetime", Value::Null),
        ("expires_at", at.into()),
        ("rotation", Value::Null),
    ];
    config(&[&usual[..], more].concat())
}

fn ends(run: &Run) -> String {
    let live = run.issuer.live().pop().expect("one lives").token;
    live.expires_at.expect("it ends").to_string()
}

#[tokio::test(start_paused = true)]
async fn a_wanted_end_is_every_tokens_end_and_moving_it_mints_the_next() {
    let mut run = run(MemorySettings::default()).await;
    let written = "2026-02-01T01:00:00+01:00";
    run.config = ending(written, &[]);
    run.apply().await;
    assert_eq!(ends(&run), "2026-02-01T00:00:00Z");
    assert_eq!(run.text("expires_at"), written);
    assert!(run.state.get("lifetime").is_null());

    // Neither time nor another way to write the same instant is a change.
    tokio::time::sleep(hours(24 * 20)).await;
    run.read().await;
    assert!(run.plans_nothing().await);
    run.config = ending("2026-02-01T00:00:00Z", &[]);
    run.apply().await;
    assert_eq!(run.issuer.count(Operation::Mint), 1);
    assert_eq!(run.text("expires_at"), "2026-02-01T00:00:00Z");

    // A rotation keeps the end.
    let triggers = Value::Map([("a".to_owned(), "1".into())].into());
    let mut rotate = rotation(&[]);
    rotate.insert("triggers", triggers);
    run.config = ending("2026-02-01T00:00:00Z", &[("rotation", rotate.clone())]);
    run.apply().await;
    assert_eq!(run.issuer.count(Operation::Mint), 2);
    assert_eq!(ends(&run), "2026-02-01T00:00:00Z");

    run.config = ending("2026-03-01T00:00:00Z", &[("rotation", rotate.clone())]);
    let (plan, _) = run.plan().await;
    let reason = plan.planned.get("rotation_reason");
    assert_eq!(reason.as_str(), Some("expires_at changed"));
    run.apply().await;
    assert_eq!(run.issuer.count(Operation::Mint), 3);
    assert_eq!(run.text("expires_at"), "2026-03-01T00:00:00Z");
    run.read().await;
    assert!(run.plans_nothing().await);

    // It ended as wished: nothing is minted in its place, until somebody says when the next one ends.
    tokio::time::sleep(hours(24 * 60)).await;
    let said = run.apply().await;
    assert_eq!(run.issuer.count(Operation::Mint), 3, "{:?}", said.warnings);
    run.config = ending("2026-02-27T00:00:00Z", &[("rotation", rotate)]);
    let (_, said) = run.plan().await;
    assert!(said.errors[0].contains("lies behind"), "{:?}", said.errors);
}

#[tokio::test(start_paused = true)]
async fn a_wanted_end_is_moved_either_way_on_the_living_token_where_the_issuer_can() {
    let mut settings = MemorySettings::default();
    let kinds = [UpdateKind::ExtendExpiry, UpdateKind::ShortenExpiry];
    settings.capabilities.update.extend(kinds);
    let mut run = run(settings).await;
    run.config = ending("2026-02-01T00:00:00Z", &[]);
    run.apply().await;
    for at in ["2026-03-01T00:00:00Z", "2026-02-01T00:00:00Z"] {
        tokio::time::sleep(hours(24)).await;
        run.config = ending(at, &[]);
        run.apply().await;
        assert_eq!((ends(&run).as_str(), run.text("expires_at")), (at, at));
        run.read().await;
        assert!(run.plans_nothing().await);
    }
    assert_eq!(run.issuer.count(Operation::Mint), 1);
}

#[tokio::test(start_paused = true)]
async fn an_end_and_the_lifetime_that_leads_to_it_are_the_same_wish() {
    let mut run = run(MemorySettings::default()).await;
    run.config = config(&[("lifetime", "31d".into()), ("rotation", Value::Null)]);
    run.apply().await;
    for _ in 0..2 {
        run.config = ending("2026-02-01T00:00:00Z", &[]);
        run.apply().await;
        run.config = config(&[("lifetime", "31d".into()), ("rotation", Value::Null)]);
        run.apply().await;
    }
    assert_eq!(run.issuer.count(Operation::Mint), 1);
    run.read().await;
    assert!(run.plans_nothing().await);
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_that_leads_to_a_fixed_end_within_what_issuers_round_is_no_other_wish() {
    let lasting =
        |lifetime: &str| config(&[("lifetime", lifetime.into()), ("rotation", Value::Null)]);
    for (lifetime, mints) in [
        // From the mint at 07:13:21 to the end.
        ("30d16h46m39s", 1),
        ("30d16h46m43s", 1),
        ("30d16h46m34s", 1),
        ("30d16h46m45s", 2),
        ("30d16h47m39s", 2),
    ] {
        let mut run = run(MemorySettings::default()).await;
        let since_midnight = 7 * 3600 + 13 * 60 + 21;
        tokio::time::sleep(std::time::Duration::from_secs(since_midnight)).await;
        run.config = ending("2026-02-01T00:00:00Z", &[]);
        run.apply().await;
        tokio::time::sleep(hours(24)).await;
        run.config = lasting(lifetime);
        run.apply().await;
        assert_eq!(run.issuer.count(Operation::Mint), mints, "{lifetime}");
        assert_eq!(run.text("lifetime"), lifetime);
        run.read().await;
        assert!(run.plans_nothing().await, "{lifetime}");
        // And back to the same end.
        run.config = ending("2026-02-01T00:00:00Z", &[]);
        run.apply().await;
        assert_eq!(
            run.issuer.count(Operation::Mint),
            2 * mints - 1,
            "{lifetime}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_the_system_cannot_give_is_refused_where_it_is_written() {
    let day = SignedDuration::from_hours(24);
    for (longest, unit, at, says) in [
        (
            Some(day * 30),
            SignedDuration::from_secs(1),
            "2026-02-01T00:00:00Z",
            "longer than",
        ),
        (None, day, "2026-01-01T12:00:00Z", "zero"),
    ] {
        let mut settings = MemorySettings::default();
        settings.limits.lifetime_max = longest;
        settings.limits.lifetime_unit = unit;
        let mut run = run(settings).await;
        run.config = ending(at, &[]);
        let (_, said) = run.plan().await;
        assert_eq!(said.paths, ["expires_at"], "{:?}", said.errors);
        for words in ["stands for a lifetime from now on, which", says] {
            assert!(said.errors[0].contains(words), "{:?}", said.errors);
        }
        assert!(run.issuer.requests().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_has_one_end_and_a_fixed_one_has_no_schedule() {
    let run = run(MemorySettings::default()).await;
    let at = "2026-02-01T00:00:00Z";
    for (wrong, path) in [
        (config(&[("lifetime", Value::Null)]), "lifetime"),
        (config(&[("expires_at", at.into())]), "expires_at"),
        (ending("soon", &[]), "expires_at"),
        (
            ending(at, &[("rotation", rotation(&[("renew_before", "1d")]))]),
            "rotation.renew_before",
        ),
        (
            ending(at, &[("rotation", rotation(&[("every", "1d")]))]),
            "rotation.every",
        ),
    ] {
        let mut diags = Diagnostics::new();
        run.validate(&wrong, &mut diags).await;
        let paths = diags.iter().map(|d| d.path.clone().unwrap_or_default());
        let paths: Vec<_> = paths.map(|path| path.to_string()).collect();
        assert_eq!(paths, [path], "{diags:?}");
    }
}
