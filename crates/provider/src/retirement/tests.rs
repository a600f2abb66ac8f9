//! The retirement on an issuer in memory whose revokes and listings are not what they say.

use std::time::Duration;

use tfplugin::Value;
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, MemorySettings, Operation};
use tokenwright_core::{Look, TokenId};

use crate::schema;
use crate::testing::{Run, configuration, hours};

/// It names the first of two tokens, and is told to name the second.
async fn moved(look: Look, more: &[(&str, Value)]) -> Run {
    let mut settings = MemorySettings::default();
    settings.capabilities.look = look;
    let config = configuration(schema::RETIREMENT, more);
    let mut run = Run::new(schema::RETIREMENT, config, settings).await;
    let (first, _) = run.mint("ci tw1-abcde-aaaaaaaaaaaaa-1-bbbbbbbb").await;
    let (second, _) = run.mint("ci tw1-abcde-aaaaaaaaaaaaa-2-cccccccc").await;
    tokio::time::sleep(hours(1)).await;
    run.config.insert("token_id", first.as_str());
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    run.config.insert("token_id", second.as_str());
    run
}

#[tokio::test(start_paused = true)]
async fn a_revoke_that_did_nothing_is_an_error_and_the_state_names_the_token_still() {
    for look in [Look::Alone, Look::Listing] {
        for fault in [Fault::Pretend, Fault::Refuse(ErrorKind::NotFound)] {
            let mut run = moved(look, &[]).await;
            let before = run.state.clone();
            run.issuer.fault(Operation::Revoke, fault.clone());
            let said = run.apply().await;
            let what = format!("{look:?} {fault:?}: {:?}", said.errors);
            assert!(said.errors[0].contains("still shows the token"), "{what}");
            assert_eq!(run.state, before, "{what}");
            assert_eq!(run.issuer.live().len(), 2, "{what}");
            let said = run.apply().await;
            assert!(said.errors.is_empty(), "{:?}", said.errors);
            assert_eq!(run.issuer.live().len(), 1, "{what}");
            assert_eq!(run.state.get("revoked_token_id"), before.get("token_id"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_lacks_the_token_ends_nothing_and_forgets_nothing() {
    let mut run = moved(Look::Listing, &[]).await;
    run.issuer.fault(Operation::List, Fault::Empty);
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert_eq!(run.issuer.live().len(), 1, "the second listing shows it");

    // No time for a second.
    let mut run = moved(Look::Listing, &[]).await;
    // The first shows the token that is named now; what ends the other one began after it.
    let first = run.issuer.count(Operation::List) + 1;
    run.issuer.hook(move |request, nth| {
        let lists = request.operation == Operation::List;
        match nth.checked_sub(first).filter(|_| lists) {
            Some(0) => Some(Fault::DelayAnswer(Duration::from_secs(1))),
            Some(1) => Some(Fault::Empty),
            _ => None,
        }
    });
    let (before, plan) = (run.state.clone(), run.plan().await.0);
    run.stop().await;
    let said = run.apply_planned(plan, Default::default()).await;
    assert!(said.errors[0].contains("may miss it"), "{:?}", said.errors);
    assert_eq!(run.state, before);
    assert_eq!(run.issuer.live().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_left_alive_is_not_told_as_revoked() {
    let mut run = moved(Look::Alone, &[]).await;
    let first = TokenId::new(run.text("token_id"));
    run.issuer.rename_by_hand(&first, "a person's");
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert!(said.warnings[0].contains("was not revoked"));
    assert_eq!(run.issuer.live().len(), 2);
    for name in ["revoked_token_id", "revoked_at"] {
        assert!(run.state.get(name).is_null(), "{name}");
    }
    assert!(run.plans_nothing().await);
}

#[tokio::test(start_paused = true)]
async fn each_attribute_that_is_ignored_changes_nothing_whatever_else_does() {
    let of = schema::schema()
        .resources
        .remove(schema::RETIREMENT)
        .unwrap();
    let written = of.attributes.iter().filter(|a| a.is_configurable());
    let mut written: Vec<_> = written.map(|a| a.name().to_owned()).collect();
    written.sort();
    assert_eq!(written, ["issuer", "parameters", "token_id"]);

    let project = |name: &str| Value::Map([("project".to_owned(), name.into())].into());
    for (ignored, first, other) in [
        ("issuer", "vendor".into(), "other".into()),
        ("parameters", project("a"), project("b")),
        ("token_id", Value::Null, Value::Null),
    ] {
        let mut run = moved(Look::Alone, &[(ignored, first.clone())]).await;
        let before = run.state.clone();
        run.ignored = vec![ignored];
        if ignored == "token_id" {
            assert!(run.plans_nothing().await, "the other token is ignored");
            continue;
        }
        run.config.insert(ignored, other);
        let (plan, _) = run.plan().await;
        assert!(plan.requires_replace.is_empty(), "{ignored}");
        let said = run.apply().await;
        assert!(said.errors.is_empty(), "{ignored}: {:?}", said.errors);
        assert_eq!(run.state.get(ignored), &first, "{ignored}");
        assert_eq!(run.state.get("revoked_token_id"), before.get("token_id"));
        assert_eq!(run.issuer.live().len(), 1, "{ignored}");
        assert!(run.plans_nothing().await, "{ignored}");
    }
}
