//! Rules of a resource in which neither a fault nor much time plays a part.

use super::waits::limited;
use super::*;

fn timeouts(name: &str, patience: &str) -> Value {
    let names = ["create", "read", "update", "delete"];
    let given = |of: &str| (of == name).then(|| patience.to_owned());
    Value::object(names.map(|of| (of, Value::from(given(of)))))
}

#[tokio::test(start_paused = true)]
async fn other_parameters_ask_for_another_token_and_none_are_as_good_as_an_empty_map() {
    let mut run = run(MemorySettings::default()).await;
    run.config.insert("parameters", Value::Map([].into()));
    run.apply().await;
    run.config.insert("parameters", Value::Null);
    let (plan, _) = run.plan().await;
    assert!(plan.requires_replace.is_empty());
    let other = Value::Map([("project".to_owned(), "a".into())].into());
    run.config.insert("parameters", other);
    let (plan, said) = run.plan().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    let paths = plan.requires_replace.iter().map(ToString::to_string);
    assert_eq!(paths.collect::<Vec<_>>(), ["parameters"]);
    for minted in ["value", "token_id", "value_version"] {
        assert!(plan.planned.get(minted).is_unknown(), "{minted}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_superseded_outlives_the_apply_that_superseded_it_even_without_an_overlap() {
    let mut run = run(MemorySettings::default()).await;
    run.config = config(&[("rotation", rotation(&[("overlap", "0s")]))]);
    run.apply().await;
    let first = run.text("value").to_owned();
    run.config.insert("lifetime", "20d");
    run.apply().await;
    assert_ne!(run.text("value"), first);
    assert!(run.issuer.accepts(&first), "its consumers come after it");
    run.apply().await;
    assert!(!run.issuer.accepts(&first));
    assert!(run.issuer.accepts(run.text("value")));
}

/// A core drops private data where its provider is killed, or where a state is written by hand.
#[tokio::test(start_paused = true)]
async fn private_data_that_is_lost_mints_nothing_and_keeps_no_rotation_back() {
    let mut run = run(MemorySettings::default()).await;
    run.apply().await;
    tokio::time::sleep(hours(24 * 25)).await;
    run.private.clear();
    assert!(run.plans_nothing().await, "nothing is due to an old look");
    run.apply().await;
    assert_eq!(run.issuer.count(Operation::Mint), 2);
    run.private.clear();
    assert!(run.plans_nothing().await);
    run.apply().await;
    assert_eq!(run.issuer.count(Operation::Mint), 2);
}

#[tokio::test(start_paused = true)]
async fn each_call_waits_for_its_issuer_within_its_own_timeout_alone() {
    let (off, shorter) = (("enabled", Value::from(false)), ("lifetime", "20d".into()));
    for (call, change, operation) in [
        ("create", shorter.clone(), Operation::Mint),
        ("create", off.clone(), Operation::Disable),
        ("update", shorter.clone(), Operation::Mint),
        ("update", ("name", "renamed".into()), Operation::Update),
        ("update", off, Operation::Disable),
        ("delete", shorter, Operation::Revoke),
    ] {
        for (patience, waits) in [("1m", true), ("30s", false)] {
            let mut run = run(MemorySettings::default()).await;
            run.config = config(&[("timeouts", timeouts(call, patience))]);
            if call != "create" {
                run.apply().await;
            }
            run.config.insert(change.0, change.1.clone());
            let (before, asked) = (run.state.clone(), tokio::time::Instant::now());
            run.issuer.fault(operation, limited(45));
            let said = match call {
                "delete" => run.destroy().await,
                _ => run.apply().await,
            };
            let told = [said.errors, said.warnings].concat();
            let what = format!("{call} {operation:?} within {patience}: {told:?}");
            assert_eq!(told.is_empty(), waits, "{what}");
            assert_eq!(asked.elapsed().as_secs() >= 45, waits, "{what}");
            let minted_before = (call, operation) == ("create", Operation::Disable);
            let names = ["token_id", "remote_name", "status"];
            let kept = names.iter().all(|n| run.state.get(n) == before.get(n));
            assert_eq!(kept, !waits && !minted_before, "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_destroy_does_what_the_state_says_and_not_what_was_written_since() {
    for (applied, written, lives) in [("revoke", "retain", 0), ("retain", "revoke", 1)] {
        let mut run = run(MemorySettings::default()).await;
        run.config.insert("on_destroy", applied);
        run.apply().await;
        run.config.insert("on_destroy", written);
        let said = run.destroy().await;
        assert!(said.errors.is_empty(), "{:?}", said.errors);
        assert_eq!(run.issuer.live().len(), lives, "{applied}");
        assert_eq!(said.warnings.len(), lives, "what stays alive is named");
    }
}

#[tokio::test(start_paused = true)]
async fn the_scopes_stay_as_they_are_wanted_and_beside_them_stands_what_was_granted() {
    let mut run = run(MemorySettings::default()).await;
    let scopes = |names: &[&str]| Value::Set(names.iter().map(|name| (*name).into()).collect());
    run.config.insert("scopes", scopes(&["read", "write"]));
    run.apply().await;
    run.issuer.grant_by_hand(&id(&run), &["read", "profile"]);
    let said = run.read().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert_eq!(run.state.get("scopes"), &scopes(&["read", "write"]));
    assert_eq!(
        run.state.get("granted_scopes"),
        &scopes(&["profile", "read"])
    );
    assert!(run.plans_nothing().await, "it is the issuer's to grant");
}

#[tokio::test(start_paused = true)]
async fn a_token_of_one_run_lives_longer_than_a_day_only_where_the_system_knows_no_less() {
    for (unit, lifetime, opens) in [(1, "1d", true), (1, "2d", false), (48, "2d", true)] {
        let mut settings = MemorySettings::default();
        settings.limits.lifetime_unit = SignedDuration::from_hours(unit);
        let run = run(settings).await;
        let mut config = schema::schema().ephemerals[schema::API_TOKEN].empty();
        config.insert("name", "ci");
        config.insert("lifetime", lifetime);
        let ephemeral = run.provider.ephemeral(schema::API_TOKEN).unwrap();
        let said = &mut Diagnostics::new();
        let opened = ephemeral.open(config, Connection::default(), said).await;
        assert_eq!(opened.is_some(), opens, "{unit} {lifetime}: {said:?}");
        assert_eq!(run.issuer.live().len(), usize::from(opens));
    }
}

/// What a person or an issuer may have done before a read.
type Happened = (&'static str, fn(&mut Run));

const HAPPENED: &[Happened] = &[
    ("nothing", |_| {}),
    ("disabled", |run| {
        run.issuer.enable_by_hand(&id(run), false);
    }),
    ("renamed", |run| {
        run.issuer.rename_by_hand(&id(run), "mine");
    }),
    ("the value does not authenticate", |run| {
        run.issuer.kill_value(&id(run));
    }),
    ("revoked", |run| {
        run.issuer.revoke_by_hand(&id(run));
    }),
    ("an empty listing", |run| {
        run.issuer.fault(Operation::List, Fault::Empty);
    }),
    ("another account", |run| {
        let other = Identity::new("other");
        run.issuer.become_identity(Some(other));
    }),
    ("an outage", |run| {
        run.issuer.outage(Some(ErrorKind::Unavailable));
    }),
    ("other scopes", |run| {
        run.issuer.grant_by_hand(&id(run), &["other"]);
    }),
];

#[tokio::test(start_paused = true)]
async fn a_stored_value_is_never_overwritten_by_a_read() {
    let recipient = "age1hw8f0r2r5j3pv83sjys0pgkerjd73t33lvnxj7ef3lyu05plsqjqntjfdc";
    let encrypted = config(&[
        ("secret_output", "encrypted".into()),
        ("recipients", Value::Set([recipient.into()].into())),
    ]);
    for (what, happens) in HAPPENED {
        for wanted in [config(&[]), encrypted.clone()] {
            let mut run = run(MemorySettings::default()).await;
            run.config = wanted;
            run.apply().await;
            tokio::time::sleep(hours(24 * 20)).await;
            let held = |run: &Run| {
                let names = ["value", "encrypted_value", "public_parts", "value_version"];
                names.map(|name| run.state.get(name).clone())
            };
            let before = held(&run);
            assert!(before.iter().any(|value| !value.is_null()));
            happens(&mut run);
            run.read().await;
            assert_eq!(held(&run), before, "{what}");
            run.read().await;
            assert_eq!(held(&run), before, "{what}, read again");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn parameters_alone_that_are_not_known_yet_leave_unknown_what_a_mint_would_change() {
    let project = |of: Value| Value::Map([("project".to_owned(), of)].into());
    let mut run = run(MemorySettings::default()).await;
    run.config = config(&[("parameters", project("a".into()))]);
    run.apply().await;
    run.read().await;
    run.config.insert("parameters", project(Value::Unknown));
    let (plan, said) = run.plan().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    for name in ["token_id", "value", "revision", "remote_name"] {
        assert!(plan.planned.get(name).is_unknown(), "{name}");
    }
}
