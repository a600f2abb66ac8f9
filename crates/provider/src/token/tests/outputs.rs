//! A state that has the value encrypted: nothing else in it has the value, and all else goes on as it was.

use super::*;
use crate::age::{self, Identities};

pub(super) const ALICE: [&str; 2] = [
    "age1hw8f0r2r5j3pv83sjys0pgkerjd73t33lvnxj7ef3lyu05plsqjqntjfdc",
    "AGE-SECRET-KEY-1FZDYSM37Y9FE9JXN8L3NMS8JN3USDWM5LTYXHPLZQVSG8APKH7JSA9LTX8",
];
pub(super) const BOB: [&str; 2] = [
    "age1zp0ums80zccdl3jszp9wxca2szv4uy6xvczsh8g6r668u05jcc0q7sh53a",
    "AGE-SECRET-KEY-1QHYAAXKYXQGDYRJU9AH3L25ZZ6SY8C2RDNY6K2SQF4T75J49DYYQGJJRDM",
];

pub(super) fn encrypted(recipients: &[&str]) -> Value {
    let recipients = recipients.iter().map(|one| (*one).into()).collect();
    config(&[
        ("secret_output", "encrypted".into()),
        ("recipients", Value::Set(recipients)),
    ])
}

/// The value, for whoever has this identity.
pub(super) fn opened(run: &Run, identity: &str) -> Result<String, age::Error> {
    let identities: Identities = identity.parse().unwrap();
    let plain = age::open(run.text("encrypted_value"), &identities)?;
    Ok(String::from_utf8(plain.to_vec()).unwrap())
}

pub(super) async fn applied(config: Value) -> Run {
    let mut run = Run::new(schema::API_TOKEN, config, MemorySettings::default()).await;
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    run
}

/// The next plan rotates for this reason, and the one after its apply does nothing.
async fn rotates(run: &mut Run, config: Value, why: &str) {
    let (before, value) = (id(run), run.state.get("value").clone());
    run.config = config;
    run.read().await;
    let (plan, said) = run.plan().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert_eq!(plan.planned.get("rotation_reason").as_str(), Some(why));
    run.apply_planned(plan, Connection::default()).await;
    assert_ne!(id(run), before);
    assert!(value.is_null() || *run.state.get("value") != value);
    run.read().await;
    assert!(run.plans_nothing().await);
}

#[tokio::test(start_paused = true)]
async fn an_encrypted_value_is_for_its_recipients_alone_and_nothing_else_has_it() {
    let mut run = applied(encrypted(&[ALICE[0], BOB[0]])).await;
    let value = opened(&run, ALICE[1]).unwrap();
    assert_eq!(opened(&run, BOB[1]).unwrap(), value);
    assert!(run.issuer.accepts(&value));
    assert!(run.state.get("value").is_null());
    let kept = format!("{:?} {:?} {:?}", run.state, run.private, run.bookkeeping());
    assert!(!kept.contains(&value));
    run.read().await;
    assert!(run.plans_nothing().await);
}

#[tokio::test(start_paused = true)]
async fn a_plan_knows_in_which_form_the_value_comes() {
    let run = Run::new(schema::API_TOKEN, config(&[]), MemorySettings::default()).await;
    let forms = async |config: Value| {
        let mut run = Run::new(schema::API_TOKEN, config, MemorySettings::default()).await;
        run.state = Value::Null;
        let planned = run.plan().await.0.planned;
        ["value", "encrypted_value"].map(|form| planned.get(form).clone())
    };
    assert_eq!(forms(run.config).await, [Value::Unknown, Value::Null]);
    assert_eq!(
        forms(encrypted(&[ALICE[0]])).await,
        [Value::Null, Value::Unknown]
    );
    let unknown = config(&[("secret_output", Value::Unknown)]);
    assert_eq!(forms(unknown).await, [Value::Unknown, Value::Unknown]);
}

#[tokio::test(start_paused = true)]
async fn another_form_or_another_recipient_rotates_since_old_states_have_the_old_value() {
    let mut run = applied(config(&[])).await;
    rotates(&mut run, encrypted(&[ALICE[0]]), "secret_output changed").await;
    let both = encrypted(&[ALICE[0], BOB[0]]);
    rotates(&mut run, both, "recipients changed").await;
    let turned = encrypted(&[BOB[0], ALICE[0], BOB[0]]);
    run.config = turned;
    assert!(
        run.plan()
            .await
            .0
            .planned
            .get("rotated_at")
            .as_str()
            .is_some()
    );
    rotates(&mut run, encrypted(&[BOB[0]]), "recipients changed").await;
    assert_eq!(opened(&run, ALICE[1]), Err(age::Error::NotForUs));
    let mut triggered = config(&[]);
    let mut rotation = rotation(&[]);
    rotation.insert(
        "triggers",
        Value::Map([("a".to_owned(), "1".into())].into()),
    );
    triggered.insert("rotation", rotation);
    let why = "trigger `a` and secret_output changed";
    rotates(&mut run, triggered, why).await;
    assert!(run.issuer.accepts(run.text("value")));
    assert!(run.state.get("encrypted_value").is_null());
}

#[tokio::test(start_paused = true)]
async fn an_encrypted_value_is_no_missing_one_and_a_missing_one_needs_no_rotation() {
    let mut run = applied(encrypted(&[ALICE[0]])).await;
    run.config.insert("on_missing_value", "rotate");
    run.apply().await;
    assert_eq!(run.state.get("revision").as_i64(), Some(1));
    run.config.insert("on_missing_value", Value::Null);
    run.apply().await;
    // As after an import.
    run.state.insert("encrypted_value", Value::Null);
    run.config = config(&[]);
    run.apply().await;
    assert_eq!(run.state.get("revision").as_i64(), Some(1));
    assert!(run.plans_nothing().await);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_authenticates_with_an_encrypted_value_never_revokes_it() {
    let mut run = applied(encrypted(&[ALICE[0]])).await;
    let first = id(&run);
    let value = opened(&run, ALICE[1]).unwrap();
    *run.credential.lock().unwrap() = Some(value);
    run.config.insert("lifetime", "20d");
    run.apply().await;
    tokio::time::sleep(hours(24 * 20)).await;
    for _ in 0..2 {
        run.apply().await;
        assert!(run.issuer.live().iter().any(|one| one.token.id == first));
    }
}

#[tokio::test(start_paused = true)]
async fn an_encrypted_value_is_asked_about_at_its_mint_alone() {
    let mut run = applied(encrypted(&[ALICE[0]])).await;
    let asked = run.issuer.count(Operation::Check);
    for _ in 0..3 {
        tokio::time::sleep(hours(24)).await;
        run.apply().await;
    }
    assert_eq!(run.issuer.count(Operation::Check), asked);
}
