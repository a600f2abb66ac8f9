//! Two accounts at one endpoint: what one of them minted is asked of no other.

use super::*;

/// A token that the only issuer minted, and then a second issuer beside it.
async fn minted(identity: Option<&str>) -> Run {
    let named = |name: &str| identity.map(|_| Identity::new(name));
    let settings = MemorySettings {
        identity: named("first"),
        ..MemorySettings::default()
    };
    let mut run = run(settings).await;
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    let other = run.issuer.another_account();
    other.become_identity(named("other"));
    let key = "other".to_owned();
    run.accounts.lock().unwrap().insert(key, other);
    tokio::time::sleep(hours(1)).await;
    run.configure().await;
    run
}

#[tokio::test(start_paused = true)]
async fn an_issuer_of_another_account_replaces_the_token_and_its_own_does_not() {
    for identity in [Some("named"), None] {
        for refreshed in [true, false] {
            let mut run = minted(identity).await;
            if refreshed {
                let said = run.read().await;
                assert!(said.errors.is_empty(), "{:?}", said.errors);
            }
            for (issuer, replaced) in [("other", true), ("vendor", false)] {
                run.config.insert("issuer", issuer);
                let (plan, said) = run.plan().await;
                assert!(said.errors.is_empty(), "{:?}", said.errors);
                let paths = plan.requires_replace.iter().map(ToString::to_string);
                let paths: Vec<_> = paths.collect();
                let what = format!("{issuer}, {identity:?}, refreshed: {refreshed}");
                assert_eq!(paths == ["issuer"], replaced, "{what}: {paths:?}");
            }
            let (plan, _) = run.plan().await;
            run.apply_planned(plan, Connection::default()).await;
            assert_eq!(run.issuer.count(Operation::Mint), 1);
            let said = run.destroy().await;
            assert!(said.errors.is_empty(), "{:?}", said.errors);
            assert!(run.issuer.live().is_empty());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_credential_of_another_account_gets_no_request_from_a_plan_that_was_made_before() {
    let settings = MemorySettings {
        identity: Some(Identity::new("first")),
        ..MemorySettings::default()
    };
    let mut run = run(settings).await;
    run.apply().await;
    run.config.insert("lifetime", "20d");
    let (plan, _) = run.plan().await;
    run.issuer.become_identity(Some(Identity::new("other")));
    let before = run.state.clone();
    for said in [
        run.apply_planned(plan, Connection::default()).await,
        run.destroy().await,
    ] {
        let told = said.errors.concat();
        assert!(told.contains("another account"), "{told}");
        assert_eq!(run.state.get("value"), before.get("value"));
    }
    assert_eq!(run.issuer.count(Operation::Mint), 1);
    assert_eq!(run.issuer.count(Operation::Revoke), 0);
    assert_eq!(run.issuer.live().len(), 1);
}

/// Two keys of the account that minted: the one that is named now does not answer, at once or at all.
#[tokio::test(start_paused = true)]
async fn an_issuer_that_does_not_say_who_it_is_replaces_no_token() {
    for (fault, planned) in [
        (ErrorKind::Unavailable, true),
        (ErrorKind::RateLimited { retry_after: None }, true),
        (ErrorKind::Forbidden, false),
    ] {
        let mut run = minted(Some("named")).await;
        let again = run.issuer.clone();
        run.accounts
            .lock()
            .unwrap()
            .insert("again".to_owned(), again);
        run.configure().await;
        run.config.insert("issuer", "again");
        let refused = Fault::Refuse(fault);
        run.issuer.fault(Operation::Identity, refused);
        let (plan, said) = run.plan().await;
        let replaced = &plan.requires_replace;
        assert!(replaced.is_empty(), "{fault:?}: {replaced:?}");
        let told = said.errors.concat();
        assert_eq!(told.is_empty(), planned, "{fault:?}: {told}");
        let silent = told.contains("\"again\" did not answer");
        assert_eq!(silent, !planned, "{fault:?}: {told}");
    }
}
