//! Waits that an issuer asks for, and many tokens of one issuer at once.

use std::time::Duration;

use futures::future::join_all;
use jiff::SignedDuration;
use tfplugin::{Apply, Connection, Diagnostics, Read, Severity, Value};
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, MemorySettings, Operation};

use super::run;
use crate::testing::Run;

pub(super) fn limited(seconds: i64) -> Fault {
    Fault::Refuse(ErrorKind::RateLimited {
        retry_after: Some(SignedDuration::from_secs(seconds)),
    })
}

/// So many tokens in one state.
async fn tokens(run: &mut Run, count: usize) -> Vec<(Value, Vec<u8>)> {
    let mut states = Vec::new();
    for _ in 0..count {
        (run.state, run.private) = (Value::Null, Vec::new());
        let said = run.apply().await;
        assert!(said.errors.is_empty(), "{:?}", said.errors);
        states.push((run.state.clone(), run.private.clone()));
    }
    states
}

#[tokio::test(start_paused = true)]
async fn a_refresh_waits_as_long_as_the_issuer_asks_within_its_timeout() {
    let mut run = run(MemorySettings::default()).await;
    run.apply().await;
    run.issuer.fault(Operation::List, limited(45));
    let start = tokio::time::Instant::now();
    let said = run.read().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert_eq!(start.elapsed().as_secs(), 45);
    assert!(run.plans_nothing().await);
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_does_not_answer_is_told_of_once_for_all_its_tokens() {
    let mut run = run(MemorySettings::default()).await;
    let states = tokens(&mut run, 20).await;
    run.configure().await;
    run.issuer.fault(Operation::List, limited(3000));
    let asked = run.issuer.requests().len();
    let resource = run.resource();
    let reads = states.iter().cloned().map(|(state, private)| async move {
        let mut diags = Diagnostics::new();
        let result = resource.read(Read { state, private }, &mut diags).await;
        let errors = diags.iter().filter(|d| d.severity == Severity::Error);
        (result.state, errors.count())
    });
    let read = join_all(reads).await;
    let errors: usize = read.iter().map(|(_, errors)| errors).sum();
    assert_eq!(errors, 1);
    for ((after, _), (before, _)) in read.iter().zip(&states) {
        assert_eq!(after, before);
    }
    let asked = run.issuer.requests().len() - asked;
    assert!(asked <= 2, "{asked} requests");
}

#[tokio::test(start_paused = true)]
async fn one_listing_serves_all_that_are_destroyed_in_a_run() {
    let mut run = run(MemorySettings::default()).await;
    let states = tokens(&mut run, 40).await;
    run.configure().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    for _ in 0..2 {
        let slow = Fault::DelayAnswer(Duration::from_secs(1));
        run.issuer.fault(Operation::List, slow);
    }
    let listed = run.issuer.count(Operation::List);
    let (resource, config) = (run.resource(), &run.config);
    let destroys = states.into_iter().map(|(prior, private)| async move {
        let mut diags = Diagnostics::new();
        let request = Apply {
            config: config.clone(),
            prior,
            planned: Value::Null,
            private,
            connection: Connection::default(),
        };
        resource.apply(request, &mut diags).await;
        assert!(!diags.has_errors(), "{diags:?}");
    });
    join_all(destroys).await;
    assert!(run.issuer.live().is_empty());
    let listed = run.issuer.count(Operation::List) - listed;
    assert!(listed <= 3, "{listed} listings for 40 tokens");
}
