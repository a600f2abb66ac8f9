//! Changes on the living token: what the issuer can change is not minted anew, whatever becomes of the request.

use std::time::Duration;

use tokenwright_core::UpdateKind;

use super::*;

fn scopes(names: &[&str]) -> Value {
    Value::Set(names.iter().map(|name| (*name).into()).collect())
}

async fn able(kinds: &[UpdateKind]) -> Run {
    let mut settings = MemorySettings::default();
    settings.capabilities.update.extend(kinds);
    let mut run = run(settings).await;
    run.config.insert("scopes", scopes(&["read", "write"]));
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    run
}

/// It is as it was wished, at the issuer and in the state, and the next plan has nothing.
async fn rests(run: &mut Run, mints: u32) {
    let live = run.issuer.live().into_iter().map(|one| one.token);
    let token = live.filter(|token| token.id == id(run)).last().unwrap();
    let granted = token
        .details
        .scopes
        .iter()
        .map(|scope| scope.as_str().into());
    let granted = Value::Set(granted.collect());
    assert_eq!(&granted, run.config.get("scopes"));
    assert_eq!(&granted, run.state.get("granted_scopes"));
    assert_eq!(token.name.as_deref(), Some(run.text("remote_name")));
    assert_eq!(run.issuer.count(Operation::Mint), mints);
    run.read().await;
    assert!(run.plans_nothing().await);
}

#[tokio::test(start_paused = true)]
async fn scopes_are_changed_on_the_living_token_where_the_issuer_can_change_all_that_is_wanted() {
    let all = [
        UpdateKind::Scopes,
        UpdateKind::ExtendExpiry,
        UpdateKind::ShortenExpiry,
    ];
    for (kinds, mints) in [
        (&all[..], [1, 1, 1]),
        (&all[..1], [1, 1, 2]),
        (&[], [2, 3, 4]),
    ] {
        let mut run = able(kinds).await;
        let changes = [
            (scopes(&["read"]), "30d"),
            (scopes(&["models", "read"]), "30d"),
            (scopes(&["read"]), "40d"),
        ];
        for ((wanted, lifetime), mints) in changes.into_iter().zip(mints) {
            tokio::time::sleep(hours(1)).await;
            run.config.insert("scopes", wanted);
            run.config.insert("lifetime", lifetime);
            let said = run.apply().await;
            assert!(said.errors.is_empty(), "{:?}", said.errors);
            rests(&mut run, mints).await;
        }
        assert!(run.issuer.accepts(run.text("value")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_that_is_changed_on_the_living_token_counts_from_its_mint() {
    let mut run = able(&[UpdateKind::ExtendExpiry, UpdateKind::ShortenExpiry]).await;
    for (lifetime, mints) in [(25, 1), (60, 1), (30, 1), (12, 2)] {
        tokio::time::sleep(hours(3 * 24)).await;
        run.config.insert("lifetime", format!("{lifetime}d"));
        let said = run.apply().await;
        assert!(said.errors.is_empty(), "{:?}", said.errors);
        rests(&mut run, mints).await;
        let live = run.issuer.live().into_iter().map(|one| one.token);
        let token = live.filter(|token| token.id == id(&run)).last().unwrap();
        let (from, to) = (token.details.created_at.unwrap(), token.expires_at.unwrap());
        assert_eq!(to.duration_since(from).as_hours(), 24 * lifetime);
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_refused_lost_or_late_is_made_by_the_next_apply_and_mints_nothing() {
    let off = ("enabled", Value::from(false));
    let on = ("enabled", Value::from(true));
    let changes = [
        (("name", "renamed".into()), Operation::Update),
        (("scopes", scopes(&["read"])), Operation::Update),
        (("lifetime", "40d".into()), Operation::Update),
        (off.clone(), Operation::Disable),
        (on, Operation::Enable),
    ];
    let late = Duration::from_secs(5);
    for (change, operation) in changes {
        for (fault, says) in [
            (Fault::Refuse(ErrorKind::Forbidden), "was not "),
            (Fault::LoseRequest, "is not known"),
            (Fault::LoseAnswer, "is not known"),
            (
                Fault::LandLater(SignedDuration::from_secs(10)),
                "is not known",
            ),
            (Fault::NotSent, ""),
            (Fault::Delay(late), ""),
            (Fault::DelayAnswer(late), ""),
        ] {
            let mut run = able(&[UpdateKind::Scopes, UpdateKind::ExtendExpiry]).await;
            if operation == Operation::Enable {
                run.config.insert(off.0, off.1.clone());
                run.apply().await;
            }
            run.config.insert(change.0, change.1.clone());
            run.issuer.fault(operation, fault.clone());
            let said = run.apply().await;
            let what = format!("{change:?} {fault:?}: {:?}", said.errors);
            assert_eq!(said.errors.is_empty(), says.is_empty(), "{what}");
            assert!(said.errors.iter().all(|e| e.contains(says)), "{what}");
            tokio::time::sleep(Duration::from_secs(60)).await;
            let said = run.apply().await;
            assert!(said.errors.is_empty(), "{what} {:?}", said.errors);
            rests(&mut run, 1).await;
            let suspended = run.config.get("enabled") == &off.1;
            assert_eq!(run.issuer.accepts(run.text("value")), !suspended, "{what}");
            let live = run.issuer.live().pop().unwrap().token;
            let lasts = live
                .expires_at
                .unwrap()
                .duration_since(live.details.created_at.unwrap());
            assert_eq!(
                lasts.as_hours() >= 40 * 24,
                run.text("lifetime") == "40d",
                "{what}"
            );
        }
    }
}

/// A consumer may hold it, if the state was copied: an explicit overlap is not meant for it.
#[tokio::test(start_paused = true)]
async fn the_token_of_a_lost_answer_lives_for_a_day_whatever_the_overlap_is() {
    let trigger = |at: &str, overlap: Option<&str>| {
        let mut wanted = rotation(&[]);
        let triggers = Value::Map([("at".to_owned(), at.into())].into());
        wanted.insert("triggers", triggers);
        wanted.insert("overlap", Value::from(overlap.map(str::to_owned)));
        wanted
    };
    for (overlap, hours_at_least) in [(Some("1s"), 24), (None, 24), (Some("3d"), 72)] {
        let mut run = run(MemorySettings::default()).await;
        run.config.insert("rotation", trigger("1", overlap));
        run.apply().await;
        let original = (run.state.clone(), run.private.clone());
        run.config.insert("rotation", trigger("2", overlap));
        run.apply().await;
        let copied = run.text("value").to_owned();

        (run.state, run.private) = original;
        run.config.insert("rotation", trigger("3", overlap));
        let said = run.apply().await;
        assert!(said.errors.is_empty(), "{:?}", said.errors);
        tokio::time::sleep(hours(hours_at_least - 1)).await;
        run.apply().await;
        assert!(run.issuer.accepts(&copied), "{overlap:?}");
        tokio::time::sleep(hours(2)).await;
        run.apply().await;
        assert!(!run.issuer.accepts(&copied), "{overlap:?}");
        assert!(run.issuer.accepts(run.text("value")), "{overlap:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_the_issuer_cuts_with_its_marker_is_taken_back() {
    let mut run = run(MemorySettings {
        cuts_names_to: Some(60),
        ..MemorySettings::default()
    })
    .await;
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    let former = run.text("remote_name").to_owned();
    run.config.insert("name", "n".repeat(40));
    let said = run.apply().await;
    assert!(said.errors[0].contains("shorter name"), "{:?}", said.errors);
    let live = run.issuer.live();
    assert_eq!(live.len(), 1);
    assert_eq!(live[0].token.name.as_deref(), Some(&*former));
    let said = run.destroy().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert!(run.issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_changed_with_the_rest_shows_what_came_of_all() {
    let mut run = able(&[UpdateKind::Scopes, UpdateKind::ShortenExpiry]).await;
    run.config.insert("name", "renamed");
    run.config.insert("scopes", scopes(&["read"]));
    run.config.insert("lifetime", "20d");
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    let live = run.issuer.live().pop().unwrap().token;
    let ends = live.expires_at.unwrap().to_string();
    assert_eq!(run.text("expires_at"), ends);
    assert!(run.text("remote_name").starts_with("renamed "));
    rests(&mut run, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_name_that_was_given_before_the_rest_was_refused_is_taken_back_with_the_wish() {
    let mut run = able(&[UpdateKind::Scopes]).await;
    run.config.insert("name", "renamed");
    run.config.insert("scopes", scopes(&["read"]));
    run.issuer.hook(|request, count| {
        let second = request.operation == Operation::Update && count == 2;
        second.then_some(Fault::Refuse(ErrorKind::Forbidden))
    });
    let said = run.apply().await;
    assert_eq!(said.errors.len(), 1, "{:?}", said.errors);
    run.config.insert("name", "ci");
    run.config.insert("scopes", scopes(&["read", "write"]));
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert!(run.text("remote_name").starts_with("ci "));
    rests(&mut run, 1).await;
}
