//! What an apply may do: what its plan showed, and nothing else.

use std::collections::BTreeMap;

use tfplugin::PlanResult;
use tokenwright_core::UpdateKind;

use super::outputs::{ALICE, BOB};
use super::*;
use crate::token::state::Stored;

/// Two values for each attribute that can be changed on a living resource.
fn attributes() -> Vec<(&'static str, [Value; 2])> {
    let scopes = |names: &[&str]| Value::Set(names.iter().map(|name| (*name).into()).collect());
    let triggered = |by: &str| {
        let mut rotation = rotation(&[("overlap", "2d")]);
        let triggers = BTreeMap::from([("by".to_owned(), Value::from(by))]);
        rotation.insert("triggers", Value::Map(triggers));
        rotation
    };
    let timeouts = |update: &str| {
        Value::object([
            ("create", Value::Null),
            ("update", update.into()),
            ("delete", Value::Null),
        ])
    };
    vec![
        ("name", ["ci".into(), "release".into()]),
        ("scopes", [scopes(&["read"]), scopes(&["read", "admin"])]),
        ("lifetime", ["30d".into(), "20d".into()]),
        ("rotation", [triggered("a"), triggered("b")]),
        ("enabled", [true.into(), false.into()]),
        ("on_loss", ["remint".into(), "report".into()]),
        ("on_destroy", ["revoke".into(), "retain".into()]),
        ("on_missing_value", ["keep".into(), "rotate".into()]),
        ("timeouts", [timeouts("5m"), timeouts("6m")]),
    ]
}

/// An attribute that is ignored, what stands beside it at first, and what it is changed to.
struct Ignored {
    name: &'static str,
    beside: Vec<(&'static str, Value)>,
    other: Value,
}

/// Each that can be changed on a living resource, and those of which a change replaces it or that need others.
fn ignored() -> Vec<Ignored> {
    let case = |name, beside, other| Ignored {
        name,
        beside,
        other,
    };
    let project = |name: &str| Value::Map(BTreeMap::from([("project".to_owned(), name.into())]));
    let end = |year: u32| Value::from(format!("{year}-12-31T00:00:00Z"));
    let recipients = |of: &str| Value::Set(vec![of.into()]);
    let [one, another] = [ALICE, BOB].map(|[recipient, _]| recipient);
    let all = attributes().into_iter();
    let all = all.map(|(name, [_, other])| case(name, Vec::new(), other));
    let others = [
        case("issuer", vec![("issuer", "vendor".into())], "other".into()),
        case(
            "parameters",
            vec![("parameters", project("a"))],
            project("b"),
        ),
        case(
            "expires_at",
            vec![("lifetime", Value::Null), ("expires_at", end(2027))],
            end(2028),
        ),
        case(
            "recipients",
            vec![
                ("secret_output", "encrypted".into()),
                ("recipients", recipients(one)),
            ],
            recipients(another),
        ),
        case(
            "secret_output",
            vec![("secret_output", "state".into())],
            "encrypted".into(),
        ),
        case(
            "secret_output",
            vec![
                ("secret_output", "encrypted".into()),
                ("recipients", recipients(one)),
            ],
            "state".into(),
        ),
    ];
    all.chain(others).collect()
}

/// Requests that change something, by what a plan would have to show of them.
fn changing(run: &Run) -> BTreeMap<Operation, u32> {
    let changing = [
        Operation::Mint,
        Operation::Update,
        Operation::Revoke,
        Operation::Enable,
        Operation::Disable,
    ];
    let counted = changing.map(|operation| (operation, run.issuer.count(operation)));
    counted.into()
}

/// What the plan shows that may be asked of the issuer.
fn shown(prior: &Value, plan: &PlanResult) -> BTreeMap<Operation, bool> {
    let planned = &plan.planned;
    let open = |name: &str| planned.get(name).is_unknown();
    let differs = |name: &str| planned.get(name) != prior.get(name);
    let mints = planned.get("revision") != prior.get("revision");
    let enabled = planned.get("enabled");
    [
        (Operation::Mint, mints),
        (Operation::Update, differs("remote_name") && !mints),
        (Operation::Revoke, open("retiring")),
        (Operation::Enable, enabled.as_bool() == Some(true)),
        (Operation::Disable, enabled.as_bool() == Some(false)),
    ]
    .into()
}

/// Plans and applies, and compares what was asked of the issuer with what the plan showed.
async fn apply_as_shown(run: &mut Run, what: &str) {
    run.read().await;
    let (plan, said) = run.plan().await;
    assert!(said.errors.is_empty(), "{what}: {:?}", said.errors);
    let may = shown(&run.state, &plan);
    let before = changing(run);
    if plan.planned != run.state {
        run.apply_planned(plan, Connection::default()).await;
    }
    for (operation, count) in changing(run) {
        let done = count - before[&operation];
        assert!(
            done <= u32::from(may[&operation]),
            "{what}: the apply did {operation:?} {done} times, and the plan showed {may:?}"
        );
    }
}

/// All that a user may write.
const WRITTEN: [&str; 14] = [
    "issuer",
    "name",
    "scopes",
    "parameters",
    "lifetime",
    "expires_at",
    "rotation",
    "enabled",
    "on_loss",
    "on_missing_value",
    "on_destroy",
    "secret_output",
    "recipients",
    "timeouts",
];

/// For what is ignored a core gives a plan what the state has in place of the configuration: an end that came of
/// a lifetime, too.
#[tokio::test(start_paused = true)]
async fn a_token_of_which_all_or_its_end_is_ignored_rests_and_is_rotated_when_it_is_due() {
    for ignored in [&WRITTEN[..], &["expires_at"]] {
        let mut run = run(MemorySettings::default()).await;
        run.apply().await;
        run.ignored = ignored.to_vec();
        run.read().await;
        assert!(run.plans_nothing().await);
        let first_end = run.text("expires_at").to_owned();
        tokio::time::sleep(hours(24 * 25)).await;
        let said = run.apply().await;
        assert!(said.errors.is_empty(), "{:?}", said.errors);
        assert_eq!(run.issuer.count(Operation::Mint), 2);
        assert_eq!(run.text("expires_at"), first_end, "a core wants that");
        let stored = Stored::read(&run.state, &mut Diagnostics::new()).unwrap();
        let held = stored.record.current.unwrap();
        let live = run.issuer.live().into_iter().map(|live| live.token);
        let ends = live.filter(|token| token.id == held.token.id);
        let ends: Vec<_> = ends.map(|token| token.expires_at).collect();
        assert_eq!(ends, [held.expires_at], "the record says when it ends");
        assert!(run.plans_nothing().await);
        run.read().await;
        assert_ne!(run.text("expires_at"), first_end);
        assert!(run.plans_nothing().await);
        run.destroy().await;
        assert!(run.issuer.live().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_longer_lifetime_beside_an_end_that_is_ignored_is_given_to_the_living_token() {
    let mut settings = MemorySettings::default();
    settings
        .capabilities
        .update
        .insert(UpdateKind::ExtendExpiry);
    let mut run = run(settings).await;
    run.apply().await;
    run.ignored = vec!["expires_at"];
    run.config.insert("lifetime", "60d");
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    // By the first end it would be due.
    tokio::time::sleep(hours(24 * 25)).await;
    let mut timeouts =
        Value::object(["create", "read", "update", "delete"].map(|n| (n, Value::Null)));
    timeouts.insert("read", "1m");
    run.config.insert("timeouts", timeouts);
    let (plan, _) = run.plan().await;
    run.apply_planned(plan, Connection::default()).await;
    assert!(
        run.plans_nothing().await,
        "the present is that of the last apply"
    );
    run.read().await;
    assert!(run.plans_nothing().await);
    assert_eq!(run.issuer.count(Operation::Mint), 1);
}

#[tokio::test(start_paused = true)]
async fn an_apply_does_nothing_that_its_plan_did_not_show_whatever_is_ignored() {
    let all = attributes();
    for Ignored {
        name: ignored,
        beside,
        other,
    } in ignored()
    {
        let given = |name: &str| beside.iter().any(|(beside, _)| *beside == name);
        let free = |name: &str| name != ignored && !given(name);
        for (changed, [_, changes_to]) in all.iter().filter(|(name, _)| free(name)) {
            let what = format!("{ignored} is ignored, {changed} changes");
            let mut run = run(MemorySettings::default()).await;
            let usual = all.iter().filter(|(name, _)| !given(name));
            let usual = usual.map(|(name, [first, _])| (*name, first.clone()));
            let usual: Vec<_> = usual.chain(beside.clone()).collect();
            run.config = config(&usual);
            let said = run.apply().await;
            assert!(said.errors.is_empty(), "{what}: {:?}", said.errors);
            run.config.insert(ignored, other.clone());
            run.config.insert(*changed, changes_to.clone());
            run.ignored = vec![ignored];
            let kept = run.state.get(ignored).clone();
            assert!(!kept.is_null() && kept != other, "{what}: {kept:?}");
            apply_as_shown(&mut run, &what).await;
            assert_eq!(run.state.get(ignored), &kept, "{what}");
            assert_eq!(run.state.get(changed), changes_to, "{what}");
            let current = run.issuer.live().pop().expect("one lives").token;
            let wide = current.details.scopes.contains("admin");
            assert_eq!(
                wide,
                *changed == "scopes",
                "{what}: as wide as the state says"
            );
            run.read().await;
            assert!(run.plans_nothing().await, "{what}: it comes to rest");
        }
    }
}
