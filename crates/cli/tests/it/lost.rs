//! `profile try` where the mint's answer is lost, late or unreadable.

use serde_json::json;
use tokenwright_sandbox::SystemName::{Scaleway, Seeme};

use crate::support::{copied, settling, start};

#[tokio::test]
async fn a_token_whose_answer_was_lost_is_found_by_its_marker_and_revoked() {
    for (system, name) in [(Seeme, "seeme"), (Scaleway, "scaleway")] {
        for effect in [
            json!({ "lost_reply": true }),
            json!({ "lost_reply": true, "eventual_list": 1500 }),
            json!({ "five_xx": 502 }),
            json!({ "html": true }),
            json!({ "truncate_body": true }),
        ] {
            let vendor = start(system).await;
            vendor.fault(json!({ "operation": "mint" }), effect.clone());
            let ran = vendor.tried(name, &[]).await;
            assert_eq!(ran.code, Some(1), "{effect}: {}{}", ran.out, ran.err);
            assert!(ran.out.contains("✗ mint"), "{effect}: {}", ran.out);
            assert!(ran.out.contains("✓ find"), "{effect}: {}", ran.out);
            assert!(ran.out.contains("✓ revoke"), "{effect}: {}", ran.out);
            let summary = vendor.summary();
            assert_eq!(
                (summary.minted, summary.live),
                (1, 0),
                "{effect}: {}",
                ran.out
            );
        }
    }
}

#[tokio::test]
async fn a_mint_that_lands_after_the_patience_is_over_is_found_while_the_system_settles() {
    let vendor = start(Seeme).await;
    vendor.fault(
        json!({ "operation": "mint" }),
        json!({ "effect_after_timeout": 2500 }),
    );
    let ran = vendor.tried("seeme", &["--request-timeout", "1s"]).await;
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    let summary = vendor.summary();
    assert_eq!((summary.minted, summary.live), (1, 0), "{}", ran.out);
}

#[tokio::test]
async fn where_nothing_was_minted_the_trial_says_so() {
    let vendor = start(Seeme).await;
    vendor.fault(json!({ "operation": "mint" }), json!({ "status": 500 }));
    let files = settling("seeme", "1s");
    let ran = vendor.tried(&files.path("yaml"), &[]).await;
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("nothing was minted"), "{}", ran.out);
    assert_eq!(vendor.summary().minted, 0);
}

#[tokio::test]
async fn a_profile_that_finds_no_value_in_the_answer_leaves_nothing_alive() {
    let vendor = start(Seeme).await;
    let files = copied("seeme", |text| text.replacen("at: /key", "at: /nowhere", 1));
    let ran = vendor.tried(&files.path("yaml"), &[]).await;
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    let summary = vendor.summary();
    assert_eq!((summary.minted, summary.live), (1, 0), "{}", ran.out);
}

#[tokio::test]
async fn a_profile_that_takes_a_mint_for_a_refusal_leaves_nothing_alive() {
    // Neither value nor id where the profile looks for them: by the general rule, a refusal.
    let vendor = start(Seeme).await;
    let files = copied("seeme", |text| {
        let text = text.replacen("at: /key", "at: /nowhere", 1);
        text.replacen(
            "  body:\n    name: $(name)",
            "  item: answer.nowhere\n  body:\n    name: $(name)",
            1,
        )
    });
    let ran = vendor.tried(&files.path("yaml"), &[]).await;
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("taken for a failure"), "{}", ran.out);
    let summary = vendor.summary();
    assert_eq!((summary.minted, summary.live), (1, 0), "{}", ran.out);
}
