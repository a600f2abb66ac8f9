//! States of earlier releases.

use super::*;

/// A state of the first release. Never edit it: upgrades mint nothing.
const STATE_V0: &str = include_str!("state_v0.json");

#[tokio::test(start_paused = true)]
async fn a_state_of_the_first_release_reads_the_same_and_plans_nothing() {
    let mut run = run(MemorySettings::default()).await;
    let raw = RawState::parse(STATE_V0.as_bytes()).unwrap();
    let said = &mut Diagnostics::new();
    run.state = run.resource().upgrade(0, raw, said).await;
    assert!(!said.has_errors());
    run.config
        .set("scopes", Value::Set(vec!["models:read".into()]));
    assert!(run.plans_nothing().await);
    let stored = crate::token::state::Stored::read(&run.state, &mut Diagnostics::new()).unwrap();
    let wanted = crate::token::wanted::Wanted::read(
        &run.config,
        SignedDuration::ZERO,
        &mut Diagnostics::new(),
    );
    let mut written = run.state.clone();
    stored.write(&mut written, &wanted.spec);
    // The schedule is computed anew at each read.
    written.set("renew_at", run.state.get("renew_at").clone());
    assert_eq!(written, run.state);
    assert_eq!(stored.record.last_revision, 4);
    assert_eq!(stored.record.past.len(), 2);
    assert_eq!(stored.fingerprints.len(), 1);
    assert!(stored.next_nonce.is_some());
}
