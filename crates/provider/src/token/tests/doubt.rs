//! Doubt: another account, another name, a value that nobody can prove.

use super::*;

#[tokio::test(start_paused = true)]
async fn another_identity_is_an_error_and_changes_nothing() {
    let mut run = run(MemorySettings::default()).await;
    run.apply().await;
    let before = run.state.clone();
    run.issuer.become_identity(Some(Identity::new("account-2")));
    let said = run.read().await;
    assert!(
        said.errors[0].contains("another account"),
        "{:?}",
        said.errors
    );
    assert_eq!(run.state, before);
    let said = run.destroy().await;
    assert!(
        said.errors[0].contains("another endpoint or by another account"),
        "{:?}",
        said.errors
    );
    assert_eq!(run.issuer.live().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn where_an_issuer_cannot_say_who_a_credential_is_a_changed_one_concludes_little() {
    let settings = MemorySettings {
        identity: None,
        ..MemorySettings::default()
    };
    let mut run = run(settings).await;
    run.apply().await;
    let first = run.text("identity").to_owned();
    tokio::time::sleep(hours(1)).await;
    // The token is shown: the account is the same, and the new credential is remembered.
    *run.credential.lock().unwrap() = Some("second".to_owned());
    assert!(run.read().await.errors.is_empty());
    let second = run.text("identity").to_owned();
    assert_ne!(first, second);

    // It is not shown, and its value still works: the listing is another account's.
    let token = run.issuer.live()[0].clone();
    let before = run.state.clone();
    *run.credential.lock().unwrap() = Some("third".to_owned());
    run.issuer.rename_by_hand(&token.token.id, "elsewhere");
    run.state.insert("token_id", "elsewhere");
    let said = run.read().await;
    assert!(
        said.errors[0].contains("another account"),
        "{:?}",
        said.errors
    );
    // Nor is it ended by a destroy that did not read before.
    let said = run.destroy().await;
    assert!(
        said.errors[0].contains("was not revoked"),
        "{:?}",
        said.errors
    );
    assert!(!run.state.is_null());
    run.state = before;

    // It is not shown, and its value is dead: it is gone indeed.
    run.issuer.revoke_by_hand(&token.token.id);
    assert!(run.read().await.errors.is_empty());
    assert_eq!(run.text("status"), "missing");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_renamed_is_neither_missing_nor_revoked_but_named() {
    let mut run = run(MemorySettings::default()).await;
    run.config = config(&[("rotation", rotation(&[("overlap", "1h")]))]);
    run.apply().await;
    let id = id(&run);
    tokio::time::sleep(hours(1)).await;
    run.issuer.rename_by_hand(&id, "mine now");
    let said = run.read().await;
    assert!(
        said.warnings[0].contains("another name"),
        "{:?}",
        said.warnings
    );
    assert_eq!(run.text("status"), "active");

    // It is rotated away, and then left to a person.
    run.config.insert("lifetime", "20d");
    run.apply().await;
    tokio::time::sleep(hours(2)).await;
    let said = run.apply().await;
    assert!(
        said.warnings.iter().any(|w| w.contains("was not revoked")),
        "{:?}",
        said.warnings
    );
    assert_eq!(run.issuer.live().len(), 2);
    let named = |run: &Run| run.state.get("orphans").as_slice().unwrap().len();
    assert_eq!(named(&run), 1);
    run.read().await;
    assert!(run.plans_nothing().await, "it is not tried for ever");

    // Nothing but the state knows it: what one listing misses stays named.
    run.issuer.fault(Operation::List, Fault::Empty);
    run.read().await;
    assert_eq!(named(&run), 1, "a token that is alive is forgotten");
    run.issuer.revoke_by_hand(&id);
    run.read().await;
    assert_eq!(named(&run), 0);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_nobody_can_prove_is_delivered_first_and_proven_by_a_later_read() {
    let mut run = run(MemorySettings::default()).await;
    run.issuer.hook(|request, _| {
        (request.operation == Operation::Check).then_some(Fault::Refuse(ErrorKind::Unavailable))
    });
    let said = run.apply().await;
    assert!(
        said.warnings[0].contains("not proven"),
        "{:?}",
        said.warnings
    );
    assert_eq!(run.text("status"), "unproven");
    run.read().await;
    assert_eq!(run.text("status"), "unproven");
    assert!(run.plans_nothing().await);
    run.issuer.calm();
    run.read().await;
    assert_eq!(run.text("status"), "active");
    assert!(run.plans_nothing().await);

    // While one works, an unproven one does not replace it.
    run.issuer.hook(|request, _| {
        (request.operation == Operation::Check).then_some(Fault::Refuse(ErrorKind::Unavailable))
    });
    let value = run.text("value").to_owned();
    run.config.insert("lifetime", "20d");
    let said = run.apply().await;
    assert!(
        said.errors[0].contains("could not be proven"),
        "{:?}",
        said.errors
    );
    assert_eq!(run.text("value"), value);
    assert_eq!(run.text("lifetime"), "30d");
    assert_eq!(run.issuer.live().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_ended_token_that_a_listing_still_shows_never_passes_for_another_writers() {
    let mut run = run(MemorySettings::default()).await;
    run.apply().await;
    let ended = |nonce: Nonce, id: Option<&TokenId>| Past {
        nonce,
        revision: 1,
        id: id.cloned(),
        ended: Ended::Revoked,
        ended_at: None,
        undelivered: false,
        asked: None,
    };
    let nonce = Nonce::from_bytes([7; 5]);
    let mut kept = run.bookkeeping();
    let marker = Marker {
        origin: Origin::of("test"),
        manager: ManagerId::of(&kept.instance),
        revision: 1,
        nonce: nonce.clone(),
    };
    let (id, _) = run.mint(&marker.remote_name("ci")).await;
    let mut past = vec![ended(nonce, Some(&id))];
    past.extend((10..22).map(|n| ended(Nonce::from_bytes([n; 5]), None)));
    kept.past.clone_from(&past);
    run.state.insert("record", kept.text());
    for _ in 0..2 {
        let said = run.read().await;
        assert!(said.warnings.is_empty(), "{:?}", said.warnings);
        let kept = run.bookkeeping().past;
        assert_eq!(kept, [&past[..1], &past[6..]].concat(), "and the newest");
        assert!(run.plans_nothing().await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_a_listing_shows_again_after_its_end_is_retired_and_ended() {
    let mut settings = MemorySettings::default();
    settings.capabilities.look = Look::Listing;
    let mut run = run(settings).await;
    run.apply().await;
    let mut kept = run.bookkeeping();
    let marker = Marker {
        origin: Origin::of("test"),
        manager: ManagerId::of(&kept.instance),
        revision: 1,
        nonce: Nonce::from_bytes([7; 5]),
    };
    let (id, _) = run.mint(&marker.remote_name("ci")).await;
    kept.past = vec![Past {
        nonce: marker.nonce,
        revision: 1,
        id: Some(id.clone()),
        ended: Ended::Revoked,
        ended_at: Some(run.text("created_at").parse().unwrap()),
        undelivered: false,
        asked: None,
    }];
    run.state.insert("record", kept.text());
    tokio::time::sleep(hours(1)).await;
    let said = run.read().await;
    let warning = &said.warnings[0];
    assert!(warning.contains("It is retired"), "{warning}");
    assert!(warning.contains(id.as_str()), "{warning}");
    let said = run.destroy().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert!(said.warnings.is_empty(), "{:?}", said.warnings);
    assert!(run.issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_token_whose_name_the_issuer_cut_is_not_kept_since_nothing_could_ever_revoke_it() {
    let settings = MemorySettings {
        cuts_names_to: Some(20),
        ..MemorySettings::default()
    };
    let mut run = run(settings).await;
    let said = run.apply().await;
    assert!(
        said.errors[0].contains("another name than was asked for"),
        "{:?}",
        said.errors
    );
    assert_eq!(run.issuer.minted().len(), 1);
    assert!(run.issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_killed_create_leaves_after_the_next_one_looked_is_named_from_the_next_read_on() {
    let mut run = run(MemorySettings::default()).await;
    let issuer = run.issuer.clone();
    let later = SignedDuration::from_secs(5);
    issuer.fault(Operation::Mint, Fault::LandLater(later));
    let sent = async {
        while !issuer
            .requests()
            .iter()
            .any(|one| one.operation == Operation::Mint)
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = sent => {}
        said = run.apply() => panic!("it was not killed: {:?}", said.errors),
    }

    let said = run.apply().await;
    assert!(said.errors.is_empty() && said.warnings.is_empty());
    let own = id(&run);
    let living = || issuer.live().into_iter().map(|one| one.token.id);
    assert!(living().eq([own.clone()]));
    tokio::time::sleep(later.unsigned_abs()).await;
    let late = living().find(|id| *id != own).unwrap();
    for _ in 0..2 {
        let said = run.read().await;
        assert!(said.errors.is_empty(), "{:?}", said.errors);
        assert!(
            said.warnings[0].contains(late.as_str()),
            "{:?}",
            said.warnings
        );
    }
    assert!(run.plans_nothing().await);
    run.destroy().await;
    assert!(living().eq([late]), "it is left to a person");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_two_resources_have_is_rotated_by_neither() {
    let mut run = run(MemorySettings::default()).await;
    run.apply().await;
    let first = run.state.clone();
    // The run of the import was not told of the first.
    run.configure().await;
    let import = Import {
        id: run.text("token_id").to_owned(),
        identity: Value::Null,
    };
    let imported = run.resource().import(import, &mut Diagnostics::new()).await;
    let imported = imported.unwrap();
    run.state = imported.state;
    run.configure().await;
    assert!(run.plan().await.1.errors.is_empty(), "one alone");
    for (met, planned) in [
        (first.clone(), run.state.clone()),
        (run.state.clone(), first),
    ] {
        run.configure().await;
        run.resource().meet(&met);
        run.state = planned;
        let told = run.plan().await.1.errors.concat();
        assert!(told.contains("is in the state twice"), "{told}");
    }
}
