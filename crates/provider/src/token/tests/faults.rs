//! Random runs: faults at the issuer, killed applies, lost states, and time. At the end a calm apply
//! delivers a value that works, and a destroy leaves nothing alive.

use std::time::Duration;

use jiff::SignedDuration;
use tfplugin::{Connection, Value};
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, MemorySettings, Operation};

use tokenwright_core::UpdateKind;

use super::{config, rotation, run};
use crate::testing::Run;

/// xorshift: the same runs on every machine.
struct Rng(u64);

impl Rng {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn fault(rng: &mut Rng) -> Fault {
    match rng.below(9) {
        0 => Fault::Refuse(ErrorKind::Forbidden),
        1 => Fault::Refuse(ErrorKind::RateLimited { retry_after: None }),
        2 => Fault::NotSent,
        3 => Fault::LoseRequest,
        4 => Fault::LoseAnswer,
        5 => Fault::LandLater(SignedDuration::from_secs(10)),
        6 => Fault::BornDead,
        7 => Fault::Twice,
        _ => Fault::DelayAnswer(Duration::from_secs(5)),
    }
}

const OPERATIONS: [Operation; 8] = [
    Operation::Mint,
    Operation::Mint,
    Operation::Check,
    Operation::List,
    Operation::Revoke,
    Operation::Disable,
    Operation::Enable,
    Operation::Update,
];

/// One change of the configuration.
fn change(rng: &mut Rng, run: &mut Run, step: u64) {
    match rng.below(6) {
        0 => run
            .config
            .insert("lifetime", ["20d", "30d", "40d"][rng.below(3) as usize]),
        1 => run
            .config
            .insert("name", ["ci", "release"][rng.below(2) as usize]),
        2 => {
            let mut wanted = rotation(&[("overlap", "2d"), ("renew_before", "8d")]);
            let trigger = [("at".to_owned(), Value::from(step as i64 % 3))];
            wanted.insert(
                "triggers",
                Value::Map(
                    trigger
                        .map(|(k, _)| (k, Value::from(step.to_string())))
                        .into(),
                ),
            );
            run.config.insert("rotation", wanted);
        }
        3 => run.config.insert(
            "enabled",
            [Value::Null, Value::from(true), Value::from(false)][rng.below(3) as usize].clone(),
        ),
        4 => {
            let scopes = [&["read"][..], &["read", "write"]][rng.below(2) as usize];
            let scopes = scopes.iter().map(|scope| (*scope).into());
            run.config.insert("scopes", Value::Set(scopes.collect()));
        }
        _ => {}
    }
}

/// Refresh, plan, apply, any of which may fail; the apply may be killed, or its state be lost.
async fn try_apply(rng: &mut Rng, run: &mut Run) {
    // What a refresh found is kept only by the apply that follows.
    let before = (run.state.clone(), run.private.clone());
    if !run.state.is_null() && !run.read().await.errors.is_empty() {
        (run.state, run.private) = before;
        return;
    }
    let (plan, said) = run.plan().await;
    if !said.errors.is_empty() || plan.planned == run.state {
        return;
    }
    match rng.below(6) {
        // The provider is killed somewhere in its apply.
        0 if !run.state.is_null() => {
            let after = Duration::from_millis(rng.below(20_000));
            let apply = run.apply_planned(plan, Connection::default());
            if tokio::time::timeout(after, apply).await.is_err() {
                (run.state, run.private) = before;
            }
        }
        // Terraform is killed before it writes the state, and the provider does not notice.
        1 if !run.state.is_null() => {
            run.apply_planned(plan, Connection::default()).await;
            (run.state, run.private) = before;
        }
        _ => {
            run.apply_planned(plan, Connection::default()).await;
        }
    }
    tainted(run).await;
}

/// A create that failed with a state is tainted: the next apply destroys it first.
async fn tainted(run: &mut Run) {
    while !run.state.is_null()
        && run.state.get("token_id").is_null()
        && run.text("created_at").is_empty()
    {
        run.issuer.calm();
        if run.state.get("value_version").is_null() {
            let said = run.destroy().await;
            assert!(said.errors.is_empty(), "{:?}", said.errors);
        } else {
            return;
        }
    }
}

async fn one(seed: u64) {
    let mut rng = Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut settings = MemorySettings::default();
    // What every second one changes on the living token, the others mint anew.
    if seed.is_multiple_of(2) {
        let kinds = [
            UpdateKind::Scopes,
            UpdateKind::ExtendExpiry,
            UpdateKind::ShortenExpiry,
        ];
        settings.capabilities.update.extend(kinds);
    }
    let mut run = run(settings).await;
    run.config = config(&[(
        "rotation",
        rotation(&[("overlap", "2d"), ("renew_before", "8d")]),
    )]);
    for step in 0..25 {
        for _ in 0..rng.below(3) {
            let operation = OPERATIONS[rng.below(OPERATIONS.len() as u64) as usize];
            run.issuer.fault(operation, fault(&mut rng));
        }
        change(&mut rng, &mut run, step);
        try_apply(&mut rng, &mut run).await;
        if let Some(value) = run.state.get("value").as_str() {
            let value = value.to_owned();
            let lives = run
                .issuer
                .owner_of(&value)
                .is_some_and(|token| token.revoked_at.is_none());
            assert!(
                lives,
                "seed {seed} step {step}: the current token was revoked"
            );
        }
        tokio::time::sleep(Duration::from_secs(rng.below(5 * 86_400))).await;
    }
    run.issuer.calm();
    tokio::time::sleep(Duration::from_secs(120)).await;
    if rng.below(2) == 0 {
        calm(&mut run, seed).await;
    }
    let said = run.destroy().await;
    assert!(said.errors.is_empty(), "seed {seed}: {:?}", said.errors);
    let live: Vec<_> = run.issuer.live().into_iter().map(|t| t.token).collect();
    assert!(live.is_empty(), "seed {seed}: {live:?}");
}

/// What follows when nothing goes wrong any more.
async fn calm(run: &mut Run, seed: u64) {
    run.config.insert("enabled", true);
    for _ in 0..3 {
        let said = run.apply().await;
        assert!(said.errors.is_empty(), "seed {seed}: {:?}", said.errors);
        tainted(run).await;
    }
    assert!(
        run.issuer.accepts(run.text("value")),
        "seed {seed}: the value does not work"
    );
    run.read().await;
    assert!(
        run.plans_nothing().await,
        "seed {seed}: it does not come to rest"
    );
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_a_calm_apply_delivers_and_a_destroy_leaves_nothing() {
    for seed in 1..=100 {
        one(seed).await;
    }
}
