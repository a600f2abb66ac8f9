//! Each attribute unknown in turn at plan: what it may change is open, what it cannot change is not, and the plan
//! holds through the apply, whatever it turns out to be.

use tfplugin::{Connection, PlanResult};

use super::*;
use crate::testing::{Said, hours};

/// What a mint decides.
const MINTED: [&str; 6] = [
    "value",
    "token_id",
    "revision",
    "value_version",
    "expires_at",
    "retiring",
];

/// What is found out about an offered value.
const FOUND: [&str; 4] = ["fingerprint", "status", "verified_at", "value_version"];

/// What the end of a former token decides.
const ENDED: [&str; 3] = ["remote_name", "revoked_token_id", "revoked_at"];

/// What is open in a plan in which this is not known.
fn open(of: &str, unknown: &Place, applied: bool) -> &'static [&'static str] {
    match (of, unknown[0].as_str(), applied) {
        (schema::API_TOKEN, "on_destroy" | "timeouts", true) => &[],
        (schema::API_TOKEN, ..) => &MINTED,
        // What the value is, a plan can only tell by the number beside it.
        (schema::ADOPTED_TOKEN, "name" | "timeouts" | "value_wo" | "values_wo", true) => &[],
        (schema::ADOPTED_TOKEN, "expires_at" | "warn_before", true) => &["status"],
        // It is the accepted value; whether it authenticates so is asked again.
        (schema::ADOPTED_TOKEN, "parameters", true) => &["status", "verified_at"],
        (schema::ADOPTED_TOKEN, ..) => &FOUND,
        (schema::RETIREMENT, "token_id", true) => &ENDED,
        // A retirement that is new, as after another issuer, has ended nothing.
        (schema::RETIREMENT, ..) => &["remote_name"],
        (other, ..) => panic!("this test needs what {other} leaves open"),
    }
}

/// All that any of them leaves open.
fn decided(of: &str) -> &'static [&'static str] {
    match of {
        schema::API_TOKEN => &MINTED,
        schema::ADOPTED_TOKEN => &FOUND,
        _ => &ENDED,
    }
}

/// A resource whose valid configuration can be applied.
async fn ready(of: &'static str) -> Run {
    let mut run = Run::new(of, valid(of), MemorySettings::default()).await;
    for (revision, nonce) in [(1, "bbbbbbbb"), (2, "cccccccc")] {
        let name = format!("ci tw1-abcde-aaaaaaaaaaaaa-{revision}-{nonce}");
        let (_, value) = run.mint(&name).await;
        if of == schema::ADOPTED_TOKEN {
            run.config.insert("value_wo", value);
        }
    }
    // Whoever looks believes what the issuer shows.
    tokio::time::sleep(hours(1)).await;
    run
}

/// What a core plans: the new one of what must be replaced.
async fn planned(run: &mut Run) -> (PlanResult, Said) {
    let (plan, said) = run.plan().await;
    if plan.requires_replace.is_empty() || !said.errors.is_empty() {
        return (plan, said);
    }
    run.state = Value::Null;
    run.private.clear();
    run.plan().await
}

/// With this place unknown at plan, and then each of its values.
async fn holds(run: &mut Run, unknown: &Place, applied: bool) {
    let (valid, of) = (run.config.clone(), run.of);
    let what = format!("{of}.{}, applied: {applied}", unknown.join("."));
    let before = (run.state.clone(), run.private.clone());
    let mut values = values(unknown);
    let own = unknown
        .iter()
        .fold(&valid, |of, name| of.get(name.as_str()));
    values.push(own.clone());
    for (nth, value) in values.iter().rev().enumerate() {
        (run.state, run.private) = before.clone();
        run.config = valid.clone();
        put(&mut run.config, unknown, Value::Unknown);
        let (first, said) = planned(run).await;
        assert!(said.errors.is_empty(), "{what}: {:?}", said.errors);
        for name in decided(of) {
            let is_open = first.planned.get(name).is_unknown();
            let expected = open(of, unknown, applied).contains(name);
            assert_eq!(is_open, expected, "{what}: {name}");
        }
        // A core that is shown no change asks for none.
        if first.planned == run.state {
            continue;
        }
        run.config = valid.clone();
        put(&mut run.config, unknown, value.clone());
        let (second, said) = run.plan().await;
        assert!(second.requires_replace.is_empty(), "{what}: {value:?}");
        let mut errors = said.errors;
        if errors.is_empty() {
            let said = run.apply_planned(first, Connection::default()).await;
            errors = said.errors;
        }
        // What is valid is applied; its other values may be none.
        assert!(nth > 0 || errors.is_empty(), "{what}: {errors:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_with_an_unknown_value_holds_through_the_apply_whatever_it_turns_out_to_be() {
    for of in ALL {
        for unknown in places_of(&ready(of).await) {
            for applied in [false, true] {
                let mut run = ready(of).await;
                if applied {
                    let said = run.apply().await;
                    assert!(said.errors.is_empty(), "{of}: {:?}", said.errors);
                }
                holds(&mut run, &unknown, applied).await;
            }
        }
    }
}
