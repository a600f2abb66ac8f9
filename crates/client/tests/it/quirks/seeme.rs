//! SeeMe.ai, most of whose answers nobody documents: each that is open is played in every way.

use std::sync::Arc;

use serde_json::json;
use tokenwright_client::contract::{Sample, hold};
use tokenwright_client::profile::builtin_files;
use tokenwright_client::{Clock, ErrorKind, Issuer, Profile};
use tokenwright_core::{Inputs, Liveness, Parameters, Switch};
use tokenwright_sandbox::SystemName::Seeme;
use tokenwright_sandbox::ledger::What;

use super::{Vendor, inputs, mint, refusal, vendor};

fn wanted() -> Inputs {
    inputs(&Parameters::new(), &["models:read"], "36h")
}

async fn with(switches: serde_json::Value) -> Vendor {
    vendor(Seeme, json!({ "seeme": switches })).await
}

async fn broken(vendor: &Vendor) -> Vec<&'static str> {
    let sample = Sample {
        inputs: wanted(),
        many: 2,
        clock: Clock::system(),
        settle: std::time::Duration::ZERO,
    };
    let broken = hold(&vendor.issuer(), &sample).await;
    broken.iter().map(|broken| broken.clause).collect()
}

#[tokio::test]
async fn answers_that_nobody_documents_do_not_matter() {
    for switches in [
        json!({ "header": "both" }),
        json!({ "empty_scopes_read_null": true }),
        json!({ "empty_scopes": "nothing" }),
        json!({ "unknown_scopes_refused": true }),
        json!({ "names": "unique" }),
        json!({ "days_max": 30, "name_max": 64, "keys_max": 2 }),
        json!({ "days_below_one": "never" }),
        json!({ "days_below_one": "born_expired" }),
        json!({ "create_path": "both" }),
    ] {
        let vendor = with(switches.clone()).await;
        assert_eq!(broken(&vendor).await, [""; 0], "{switches}");
    }
}

#[tokio::test]
async fn keys_that_stay_listed_after_a_delete_are_dead_and_ended_again_without_harm() {
    let vendor = with(json!({ "deleted_stay_listed": true })).await;
    // Nothing in the documented fields tells them from living ones.
    let clauses = ["a token that is not there is none", "nothing is left"];
    assert_eq!(broken(&vendor).await, clauses);
    let summary = vendor.sandbox.ledger(None).unwrap().summary;
    assert_eq!(summary.live, 0);
}

#[tokio::test]
async fn what_the_server_does_not_take_is_told_apart() {
    let mut unknown = wanted();
    unknown.scopes = ["models:reed".to_owned()].into();
    for (switches, wanted, kind) in [
        (json!({ "names": "unique" }), wanted(), ErrorKind::Conflict),
        (json!({ "days_max": 0 }), wanted(), ErrorKind::Invalid),
        (json!({ "name_max": 3 }), wanted(), ErrorKind::Invalid),
        (
            json!({ "unknown_scopes_refused": true }),
            unknown,
            ErrorKind::Invalid,
        ),
        (json!({ "keys_max": 1 }), wanted(), ErrorKind::Forbidden),
        (
            json!({ "header": "user_and_key" }),
            wanted(),
            ErrorKind::Unauthenticated,
        ),
        (
            json!({ "create_path": "api_keys" }),
            wanted(),
            ErrorKind::NotFound,
        ),
    ] {
        let vendor = with(switches.clone()).await;
        let issuer = vendor.issuer();
        // Some refuse only the second.
        let _first = mint(&issuer, wanted.clone()).await;
        let minted = vendor.minted();
        assert_eq!(refusal(&issuer, wanted).await, kind, "{switches}");
        assert_eq!(vendor.minted(), minted, "{switches}");
    }
}

#[tokio::test]
async fn the_other_documented_path_and_the_old_header_are_two_words_of_the_profile() {
    let profile = builtin_files("seeme").unwrap().0;
    for (switches, old, new) in [
        (
            json!({ "create_path": "api_keys" }),
            "send: POST /me/apikeys",
            "send: POST /api-keys",
        ),
        (
            json!({ "header": "user_and_key" }),
            "prefix: \"Bearer \"",
            "prefix: \"sandbox:\"",
        ),
    ] {
        let mut vendor = with(switches.clone()).await;
        assert!(profile.contains(old), "{old}");
        let profile = Profile::parse(&profile.replace(old, new)).unwrap();
        vendor.profile = Arc::new(profile);
        assert_eq!(broken(&vendor).await, [""; 0], "{switches}");
    }
}

#[tokio::test]
async fn a_flip_whose_answer_is_lost_is_looked_up_and_not_sent_again() {
    let vendor = with(json!({})).await;
    let issuer = vendor.issuer();
    let minted = mint(&issuer, wanted()).await.unwrap();
    let (id, none) = (&minted.token.id, Parameters::new());
    for (effect, switch, liveness) in [
        (
            json!({ "lost_reply": true }),
            Switch::Disable,
            Liveness::Dead,
        ),
        (json!({ "five_xx": 502 }), Switch::Enable, Liveness::Alive),
        (json!({ "html": true }), Switch::Disable, Liveness::Dead),
        (
            json!({ "truncate_body": true }),
            Switch::Enable,
            Liveness::Alive,
        ),
    ] {
        vendor.fault(json!({ "operation": "toggle", "count": 1 }), effect.clone());
        issuer.set_enabled(id, &none, switch).await.unwrap();
        let checked = issuer.check(&minted.value).await;
        assert_eq!(checked, liveness, "{effect}");
    }
    // What had no effect is told, and is not tried a second time.
    let gone = json!({ "status": 503 });
    vendor.fault(json!({ "operation": "toggle", "count": 1 }), gone);
    let told = issuer.set_enabled(id, &none, Switch::Disable).await;
    assert_eq!(told.unwrap_err().kind, ErrorKind::OutcomeUnknown);
    let ledger = vendor.sandbox.ledger(None).unwrap();
    let flips = ledger.events.iter().map(|event| event.what);
    let flips: Vec<_> = flips
        .filter(|what| matches!(what, What::Disable | What::Enable))
        .collect();
    let expected = [What::Disable, What::Enable, What::Disable, What::Enable];
    assert_eq!(flips, expected, "each once");
}

#[tokio::test]
async fn whole_days_are_cut_off_and_never_rounded_up() {
    let vendor = with(json!({})).await;
    let issuer = vendor.issuer();
    let day = 86_400;
    for (lifetime, seconds) in [
        ("1d", day),
        ("47h", day),
        ("48h", 2 * day),
        ("90d", 90 * day),
    ] {
        let wanted = inputs(&Parameters::new(), &["models:read"], lifetime);
        let before = Clock::system().now().as_second();
        let minted = mint(&issuer, wanted).await.unwrap();
        let life = minted.token.expires_at.unwrap().as_second() - before;
        assert!(
            (seconds..seconds + 30).contains(&life),
            "{lifetime}: {life}"
        );
    }
}
