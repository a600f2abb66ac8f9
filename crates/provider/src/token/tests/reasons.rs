//! Why a plan rotates, as the one who reads it sees it.

use super::*;

/// What a person sees change in a plan, the configured attributes aside.
fn changed(run: &Run, planned: &Value) -> Vec<String> {
    let entries = planned.as_map().unwrap().iter();
    let changed = entries
        .filter(|(name, value)| *value != run.state.get(name) && run.config.get(name).is_null());
    changed.map(|(name, _)| name.clone()).collect()
}

/// The plan after this: it says so, the apply keeps the word, and little else changes.
async fn says(why: &str, prepare: impl AsyncFnOnce(&mut Run)) {
    let mut run = run(MemorySettings::default()).await;
    run.apply().await;
    assert_eq!(run.text("rotation_reason"), "there was no token");
    run.read().await;
    prepare(&mut run).await;
    let read = run.read().await;
    assert!(read.errors.is_empty(), "{why}: {:?}", read.errors);
    let (plan, _) = run.plan().await;
    let planned = &plan.planned;
    let why = why.replace("RENEW_AT", run.text("renew_at"));
    let status = run.text("status").to_owned();
    assert_eq!(planned.get("rotation_reason").as_str(), Some(&*why));
    let mut seen = changed(&run, planned);
    seen.retain(|name| name != "status" || status == "active");
    seen.retain(|name| name != "granted_scopes" || !why.contains("scopes"));
    assert_eq!(
        seen,
        [
            "created_at",
            "expires_at",
            "public_parts",
            "record",
            "remote_name",
            "renew_at",
            "retiring",
            "revision",
            "rotated_at",
            "rotation_reason",
            "token_id",
            "value",
            "value_version"
        ],
        "{why}"
    );
    assert!(planned.get("remote_name").as_str().is_some(), "{why}");
    run.apply_planned(plan, Connection::default()).await;
    assert_eq!(run.text("rotation_reason"), why);
    run.read().await;
    assert!(run.plans_nothing().await, "{why}");
}

fn set(name: &'static str, value: impl Into<Value>) -> impl AsyncFnOnce(&mut Run) {
    let value = value.into();
    async move |run: &mut Run| run.config.insert(name, value)
}

fn triggered(by: &[&str]) -> Value {
    let mut rotation = rotation(&[]);
    let triggers = by.iter().map(|key| ((*key).to_owned(), "1".into()));
    rotation.insert("triggers", Value::Map(triggers.collect()));
    rotation
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_rotates_says_why_and_little_else_changes() {
    says("due since RENEW_AT", async |_: &mut Run| {
        tokio::time::sleep(hours(24 * 22)).await;
    })
    .await;
    let scopes = Value::Set(vec!["read".into()]);
    says("lifetime changed", set("lifetime", "20d")).await;
    says("trigger `a` changed", set("rotation", triggered(&["a"]))).await;
    says(
        "triggers `a`, `b` and `c` changed",
        set("rotation", triggered(&["a", "b", "c"])),
    )
    .await;
    says("scopes and lifetime changed", async |run: &mut Run| {
        run.config.insert("scopes", scopes);
        run.config.insert("lifetime", "20d");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_trigger_that_was_removed_is_named() {
    for (left, why) in [
        (&["a", "b"][..], "trigger `c` removed"),
        (&["a"][..], "triggers `b` and `c` removed"),
        (
            &["a", "b", "d"][..],
            "trigger `d` changed, trigger `c` removed",
        ),
    ] {
        let mut run = run(MemorySettings::default()).await;
        run.config.insert("rotation", triggered(&["a", "b", "c"]));
        run.apply().await;
        run.config.insert("rotation", triggered(left));
        let (plan, _) = run.plan().await;
        assert_eq!(plan.planned.get("rotation_reason").as_str(), Some(why));
        run.apply_planned(plan, Connection::default()).await;
        assert_eq!(run.text("rotation_reason"), why);
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_replaces_a_lost_token_says_how_it_was_lost() {
    let lost = async |run: &mut Run| {
        tokio::time::sleep(hours(1)).await;
        run.issuer.revoke_by_hand(&id(run));
    };
    says("missing at the issuer", lost).await;
    says("expired at 2026-01-31T00:00:00Z", async |_: &mut Run| {
        tokio::time::sleep(hours(24 * 40)).await;
    })
    .await;
}
