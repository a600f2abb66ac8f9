//! The run's own credential: nothing ends the token that this run's requests authenticate with, in whatever form the
//! state has its value.

use super::outputs::{ALICE, applied, encrypted, opened};
use super::*;

/// The next runs authenticate with this value.
fn authenticates_with(run: &Run, value: &str) {
    *run.credential.lock().unwrap() = Some(value.to_owned());
}

fn refused(said: &Said) {
    let told = said.errors.concat();
    assert!(told.contains("this run's own credential"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_destroy_never_ends_it_where_its_value_is_encrypted() {
    let mut run = applied(encrypted(&[ALICE[0]])).await;
    let value = opened(&run, ALICE[1]).unwrap();
    authenticates_with(&run, &value);
    refused(&run.destroy().await);
    assert!(run.issuer.accepts(&value) && !run.state.is_null());
    authenticates_with(&run, "first");
    let said = run.destroy().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert!(run.issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_destroy_never_ends_it_where_it_retires() {
    let mut run = run(MemorySettings::default()).await;
    run.apply().await;
    let value = run.text("value").to_owned();
    authenticates_with(&run, &value);
    run.config.insert("lifetime", "20d");
    run.apply().await;
    tokio::time::sleep(hours(24 * 20)).await;
    for policy in ["revoke", "retain"] {
        run.config.insert("on_destroy", policy);
        run.apply().await;
        refused(&run.destroy().await);
        assert!(run.issuer.accepts(&value), "{policy}");
        assert_eq!(run.issuer.live().len(), 2, "{policy}");
    }
    // What is retained may be the credential.
    let value = run.text("value").to_owned();
    authenticates_with(&run, &value);
    let said = run.destroy().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert!(run.issuer.accepts(&value));
}

#[tokio::test(start_paused = true)]
async fn no_room_is_made_by_ending_it_where_its_value_is_encrypted() {
    let mut settings = MemorySettings::default();
    settings.capabilities.one = true;
    let mut run = run(settings).await;
    let mut gap = rotation(&[]);
    gap.insert("allow_gap", true);
    run.config = encrypted(&[ALICE[0]]);
    run.config.insert("rotation", gap);
    run.apply().await;
    let value = opened(&run, ALICE[1]).unwrap();
    authenticates_with(&run, &value);
    run.config.insert("lifetime", "20d");
    refused(&run.apply().await);
    assert!(run.issuer.accepts(&value));
}
