//! States of earlier releases.

use super::*;
use crate::token::Bookkeeping;

/// States of earlier versions. Never edit them: upgrades mint nothing.
const STATES: [&str; 3] = [
    include_str!("state_v0.json"),
    include_str!("state_v1.json"),
    include_str!("state_v2.json"),
];

async fn upgraded(version: i64, state: &str) -> Run {
    let mut run = run(MemorySettings::default()).await;
    let raw = RawState::parse(state.as_bytes()).unwrap();
    let said = &mut Diagnostics::new();
    run.state = run.resource().upgrade(version, raw, said).await;
    assert!(!said.has_errors());
    run
}

#[tokio::test(start_paused = true)]
async fn a_state_of_each_version_reads_the_same_and_plans_nothing() {
    for (version, state) in (0..).zip(STATES) {
        reads_the_same(upgraded(version, state).await).await;
    }
}

/// Several secret parts stood in an attribute beside the value, which was null then.
#[tokio::test(start_paused = true)]
async fn a_value_of_several_parts_goes_on_as_the_value() {
    let state = STATES[1].replace(r#""value": "secret-4""#, r#""value": null"#);
    let two = r#"{ "token": "secret-4", "id": "public-4", "more": "secret-5" }"#;
    let state = state.replace(r#"{ "token": "secret-4", "id": "public-4" }"#, two);
    let run = upgraded(1, &state).await;
    let parts: serde_json::Value = serde_json::from_str(run.text("value")).unwrap();
    assert_eq!(
        parts,
        serde_json::from_str::<serde_json::Value>(two).unwrap()
    );
    let names = ["token".to_owned(), "more".to_owned()];
    let kept = crate::secrets::decode(run.state.get("value"), names.iter()).unwrap();
    assert_eq!(
        crate::secrets::encode(&kept).as_str().map(str::len),
        Some(38)
    );
}

async fn reads_the_same(mut run: Run) {
    assert_eq!(run.text("value"), "secret-4");
    run.config
        .insert("scopes", Value::Set(vec!["models:read".into()]));
    assert!(run.plans_nothing().await);
    let stored = crate::token::state::Stored::read(&run.state, &mut Diagnostics::new()).unwrap();
    let wanted = crate::token::wanted::Wanted::read(&run.config, SignedDuration::ZERO);
    let mut written = run.state.clone();
    stored.write(&mut written, &wanted.spec);
    // The schedule is computed anew at each read.
    written.insert("renew_at", run.state.get("renew_at").clone());
    assert_eq!(written, run.state);
    assert_eq!(
        run.state.get("public_parts").get("id").is_null(),
        run.bookkeeping().first_mint.is_none()
    );
    assert_eq!(stored.record.last_revision, 4);
    assert_eq!(stored.record.past.len(), 2);
    assert_eq!(stored.fingerprints.len(), 1);
    assert!(stored.next_nonce.is_some());
}

/// An end that came to be earlier would let a listing of before pass for one that shows the token again.
#[test]
fn ended_tokens_take_little_room_and_never_come_to_have_ended_earlier() {
    let ended = |revision: u32| Past {
        nonce: Nonce::from_bytes([7; 5]),
        revision,
        id: Some(TokenId::new("SCWXXXXXXXXXXXXXXXXX")),
        ended: [Ended::Revoked, Ended::Lost][usize::from(revision == 1)],
        ended_at: Some("2026-01-01T00:00:00.0010001Z".parse().unwrap()),
        undelivered: revision == 1,
        asked: None,
    };
    let past: Vec<_> = (1..=8).map(ended).collect();
    let kept = Bookkeeping {
        past: past.clone(),
        ..Bookkeeping::default()
    };
    let text = kept.text().unwrap();
    assert!(text.len() < 8 * 100, "{}", text.len());
    let read = Bookkeeping::read(&text.as_str().into()).unwrap();
    assert_eq!(read.text().as_ref(), Some(&text), "what is read is no news");
    let later = Some("2026-01-01T00:00:00.002Z".parse().unwrap());
    let expected = past.into_iter().map(|past| Past {
        ended_at: later,
        ..past
    });
    assert_eq!(read.past, expected.collect::<Vec<_>>());
}

/// Private data of an earlier release, by both its names. Never edit them.
#[tokio::test(start_paused = true)]
async fn a_lost_answer_that_stood_beside_the_state_comes_into_it() {
    let until: jiff::Timestamp = "2026-01-01T00:01:00Z".parse().unwrap();
    for before in [
        r#"{"r":"2026-01-01T00:00:00Z","l":"2026-01-01T00:01:00Z"}"#,
        r#"{"read_at":"2026-01-01T00:00:00Z","lost_until":"2026-01-01T00:01:00Z"}"#,
    ] {
        let mut settings = MemorySettings::default();
        settings.capabilities.lost_answer = tokenwright_core::LostAnswer::CannotList;
        let mut run = run(settings).await;
        run.apply().await;
        let (state, private) = (run.state.clone(), before.as_bytes().to_vec());
        run.private.clone_from(&private);
        run.read().await;
        assert_eq!(run.bookkeeping().lost_until, Some(until), "a refresh");

        for changed in [true, false] {
            (run.state, run.private) = (state.clone(), private.clone());
            if changed {
                run.config.insert("name", "renamed");
                // A schedule that is judged anew writes private data in a plan.
                let scheduled = rotation(&[("every", "20d")]);
                run.config.insert("rotation", scheduled);
                let (plan, _) = run.plan().await;
                let said = run.apply_planned(plan, Connection::default()).await;
                assert!(said.errors.is_empty(), "{:?}", said.errors);
            }
            let said = run.destroy().await;
            let told = said.warnings.concat();
            let named = told.contains("may exist that nothing can find");
            assert!(named, "changed: {changed}: {told}");
        }
    }
}
