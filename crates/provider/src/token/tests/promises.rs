//! What an apply may do: what its plan showed, and nothing else.

use std::collections::BTreeMap;

use tfplugin::PlanResult;

use super::*;

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
        ("timeouts", [timeouts("5m"), timeouts("6m")]),
    ]
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

#[tokio::test(start_paused = true)]
async fn an_apply_does_nothing_that_its_plan_did_not_show_whatever_is_ignored() {
    let all = attributes();
    let usual = || all.iter().map(|(name, [first, _])| (*name, first.clone()));
    for (ignored, [_, other]) in &all {
        for (changed, [_, changes_to]) in all.iter().filter(|(name, _)| name != ignored) {
            let what = format!("{ignored} is ignored, {changed} changes");
            let mut run = run(MemorySettings::default()).await;
            run.config = config(&usual().collect::<Vec<_>>());
            run.apply().await;
            run.config.insert(*ignored, other.clone());
            run.config.insert(*changed, changes_to.clone());
            run.ignored = vec![ignored];
            let kept = run.state.get(ignored).clone();
            apply_as_shown(&mut run, &what).await;
            assert_eq!(run.state.get(ignored), &kept, "{what}");
            assert_eq!(run.state.get(changed), changes_to, "{what}");
            let current = run.issuer.live().pop().expect("one lives").token;
            let wide = current.scopes.contains("admin");
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
