//! `profile try` that is told to end.

use serde_json::json;
use tokenwright_sandbox::SystemName::Seeme;

use crate::support::{Ran, Vendor, ended, send, start, until};

fn nothing_is_alive(vendor: &Vendor, ran: &Ran) {
    vendor.no_secret_in(ran);
    let summary = vendor.summary();
    let numbers = (summary.minted, summary.live);
    assert_eq!(numbers, (1, 0), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("✓ revoke"), "{}", ran.out);
}

#[tokio::test]
async fn a_signal_between_mint_and_revoke_leaves_nothing_alive() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let vendor = start(Seeme).await;
        let once = json!({ "operation": "check", "count": 1 });
        vendor.fault(once, json!({ "latency_ms": 60_000 }));
        let child = vendor.trial("seeme", &[]).spawn().unwrap();
        until(|| vendor.sandbox.faults().list()[0].waiting == 1).await;
        assert_eq!(vendor.summary().live, 1);
        send(&child, signal).await;
        let ran = ended(child).await;
        assert_eq!(ran.code, Some(code), "{signal}: {}{}", ran.out, ran.err);
        nothing_is_alive(&vendor, &ran);
    }
}

#[tokio::test]
async fn a_signal_while_the_mint_is_under_way_waits_for_its_answer() {
    let vendor = start(Seeme).await;
    vendor.fault(
        json!({ "operation": "mint" }),
        json!({ "latency_ms": 2000 }),
    );
    let child = vendor.trial("seeme", &[]).spawn().unwrap();
    until(|| vendor.summary().minted == 1).await;
    send(&child, "-INT").await;
    let ran = ended(child).await;
    assert_eq!(ran.code, Some(130), "{}{}", ran.out, ran.err);
    nothing_is_alive(&vendor, &ran);
}

#[tokio::test]
async fn neither_does_a_second_signal_end_it_before_the_revoke() {
    let vendor = start(Seeme).await;
    let check = json!({ "operation": "check", "count": 1 });
    vendor.fault(check, json!({ "latency_ms": 60_000 }));
    vendor.fault(
        json!({ "operation": "revoke" }),
        json!({ "effect_after_timeout": 1500 }),
    );
    let child = vendor.trial("seeme", &[]).spawn().unwrap();
    until(|| vendor.sandbox.faults().list()[0].waiting == 1).await;
    send(&child, "-INT").await;
    until(|| vendor.sandbox.faults().list()[1].waiting == 1).await;
    send(&child, "-INT").await;
    send(&child, "-TERM").await;
    let ran = ended(child).await;
    assert_eq!(ran.code, Some(130), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("SIGTERM: still ending"), "{}", ran.err);
    nothing_is_alive(&vendor, &ran);
}
