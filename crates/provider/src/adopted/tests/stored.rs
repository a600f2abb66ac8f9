//! States of earlier releases.

use super::*;

/// A state of the first release, and what was kept beside it. Never edit them.
const STATE_V0: &str = include_str!("state_v0.json");
const PRIVATE_V0: &[u8] = include_bytes!("private_v0.json");

#[tokio::test(start_paused = true)]
async fn a_state_of_the_first_release_reads_the_same_and_plans_nothing() {
    let mut run = run(MemorySettings::default()).await;
    let schema = &schema::schema().resources[schema::ADOPTED_TOKEN];
    let raw = || RawState::parse(STATE_V0.as_bytes()).unwrap();
    run.state = raw().decode(&schema.ty()).unwrap();
    run.private = PRIVATE_V0.to_vec();
    for (name, value) in [
        ("value_wo", "the value of the fixture"),
        ("expires_at", "2026-06-30T00:00:00Z"),
        ("warn_before", "2w"),
    ] {
        run.config.insert(name, value);
    }
    run.config.insert("value_wo_version", 3);
    let before = run.state.clone();
    assert!(run.plans_nothing().await);
    assert!(run.read().await.warnings.is_empty());
    assert_eq!(run.state, before);
    assert!(run.plans_nothing().await);

    // Of a version that is not this one, it is read in the same way.
    let mut diags = Diagnostics::new();
    let resource = run.provider.resource(schema::ADOPTED_TOKEN).unwrap();
    let upgraded = resource.upgrade(7, raw(), &mut diags).await;
    assert_eq!(upgraded, before);
    assert!(diags.is_empty());
}
