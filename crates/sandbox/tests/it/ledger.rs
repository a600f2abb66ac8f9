//! The ledger's numbers and lines, what is stored, and what survives a restart.

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokenwright_sandbox::SystemName::{Scaleway, Seeme};
use tokenwright_sandbox::ledger::{Summary, What};
use tokenwright_sandbox::{Error, Options, Sandbox, Settings};

use crate::support::{client, start, start_with, until};

#[tokio::test]
async fn the_summary_counts_what_was_minted_and_how_it_ended() {
    let vendor = start(Seeme, json!({ "seconds_per_day": 0.2 })).await;
    let revoked = vendor.mint("revoked", json!({})).await;
    let expired = vendor
        .mint("expired", json!({ "expires_in_days": 1 }))
        .await;
    let both = vendor
        .mint("expired, then revoked", json!({ "expires_in_days": 1 }))
        .await;
    let disabled = vendor.mint("disabled", json!({})).await;
    vendor.revoke(&revoked.id).await;
    vendor
        .call(Method::PUT, &format!("/me/apikeys/{}", disabled.id), None)
        .await;
    until(async || vendor.summary().expired == 2).await;
    vendor.revoke(&both.id).await;
    assert_eq!(
        vendor.summary(),
        Summary {
            minted: 4,
            revoked: 3,
            expired: 2,
            live: 1,
            ..Summary::default()
        }
    );
    assert_eq!(vendor.events_of(&revoked.id), [What::Mint, What::Revoke]);
    assert_eq!(vendor.events_of(&expired.id), [What::Mint, What::Expire]);
    assert_eq!(
        vendor.events_of(&both.id),
        [What::Mint, What::Expire, What::Revoke]
    );
    assert_eq!(vendor.events_of(&disabled.id), [What::Mint, What::Disable]);
}

#[tokio::test]
async fn each_line_says_when_what_and_by_whom() {
    let vendor = start(Seeme, json!({})).await;
    let key = vendor.mint("ci", json!({})).await;
    vendor.status_as(&key.value, "/models").await;
    vendor
        .call_as(
            &key.value,
            Method::DELETE,
            &format!("/me/apikeys/{}", key.id),
            None,
        )
        .await;
    vendor.status_as(&key.value, "/models").await;
    let url = format!("{}/ledger?system=seeme", vendor.sandbox.admin());
    let ledger: Value = vendor
        .http
        .get(url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let lines: Vec<_> = ledger["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            assert_eq!(line["id"], key.id.as_str());
            assert_eq!(line["name"], "ci");
            assert_eq!(line["scopes"], json!(["models:read"]));
            let digest: String = Sha256::digest(&key.value)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            assert_eq!(line["sha256"], digest.as_str());
            (
                line["what"].as_str().unwrap(),
                line["operation"].as_str().unwrap(),
                line["by"] == key.id.as_str(),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            ("mint", "mint", false),
            ("use", "other", true),
            ("use", "revoke", true),
            ("revoke", "revoke", true),
            ("refused", "other", true),
        ]
    );
    assert_eq!(ledger["events"][0]["by"], "credential");
    assert_eq!(
        ledger["summary"],
        json!({
            "minted": 1, "revoked": 1, "expired": 0, "live": 0,
            "made_by_hand": 0, "made_by_hand_live": 0,
        })
    );
}

#[tokio::test]
async fn the_ledger_of_one_system_leaves_the_others_out() {
    let vendor = start_with(Options::new([Seeme, Scaleway])).await;
    vendor.mint("a", json!({})).await;
    let minted = |system| vendor.sandbox.ledger(system).unwrap().summary.minted;
    assert_eq!(
        (minted(None), minted(Some(Seeme)), minted(Some(Scaleway))),
        (1, 1, 0)
    );
    let url = format!("{}/ledger?system=nobody", vendor.sandbox.admin());
    assert_eq!(vendor.http.get(url).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn state_survives_a_restart_and_no_value_is_ever_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new([Seeme, Scaleway]);
    options.data = Some(folder.path().join("sandbox.db"));
    let first = start_with(options.clone()).await;
    let key = first.mint("kept", json!({})).await;
    let gone = first.mint("gone", json!({})).await;
    first.revoke(&gone.id).await;
    first.status_as(&key.value, "/models").await;
    let old = first.sandbox.played().to_vec();
    first.sandbox.stop().await;
    let second = start_with(options).await;
    assert_eq!(
        second.played.parameter("user_id"),
        old[0].parameter("user_id")
    );
    assert_eq!(second.status_as(&key.value, "/models").await, 200);
    assert_eq!(second.status_as(&gone.value, "/models").await, 401);
    assert_eq!(
        second.status_as(&old[0].credential, "/me/apikeys").await,
        200,
        "an old credential stays good"
    );
    assert_eq!(second.names().await, ["kept"]);
    assert_eq!(
        second.summary(),
        Summary {
            minted: 2,
            revoked: 1,
            expired: 0,
            live: 1,
            ..Summary::default()
        }
    );
    let mut values = vec![
        key.value,
        gone.value,
        old[0].parameter("password").unwrap().to_owned(),
    ];
    values.extend(
        old.iter()
            .chain(second.sandbox.played())
            .map(|played| played.credential.clone()),
    );
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let holds = |text: &str| {
            bytes
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        };
        assert!(holds(&key.id), "the file is the one that is meant");
        for value in &values {
            assert!(!holds(value));
        }
    }
}

#[tokio::test]
async fn switches_change_while_it_runs() {
    let vendor = start(Seeme, json!({})).await;
    let settings = format!("{}/settings", vendor.sandbox.admin());
    let change = json!({ "seconds_per_day": 0.01, "seeme": { "never": "year_one" } });
    let changed = vendor
        .http
        .post(&settings)
        .json(&change)
        .send()
        .await
        .unwrap();
    assert_eq!(changed.status(), 200);
    let key = vendor.mint("short", json!({ "expires_in_days": 10 })).await;
    until(async || vendor.status_as(&key.value, "/models").await == 401).await;
    assert_eq!(
        vendor.mint("long", json!({})).await.body["expires_at"],
        "0001-01-01T00:00:00Z"
    );
    for wrong in [
        json!({ "seconds_per_day": 0 }),
        json!({ "seeme": { "nope": 1 } }),
        json!({ "nobody": {} }),
    ] {
        let refused = vendor
            .http
            .post(&settings)
            .json(&wrong)
            .send()
            .await
            .unwrap();
        assert_eq!(refused.status(), 400, "{wrong}");
    }
    let lasting: Settings = vendor
        .http
        .get(&settings)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(lasting, vendor.sandbox.settings());
}

#[tokio::test]
async fn addresses_that_others_could_reach_are_refused() {
    for open in ["0.0.0.0:0", "[::]:0"] {
        let mut options = Options::new([Seeme]);
        options.listen = vec![open.parse().unwrap()];
        assert!(matches!(
            Sandbox::start(options).await,
            Err(Error::NotLoopback(_))
        ));
        let mut options = Options::new([Seeme]);
        options.admin = open.parse().unwrap();
        assert!(matches!(
            Sandbox::start(options).await,
            Err(Error::NotLoopback(_))
        ));
    }
}

#[tokio::test]
async fn a_dropped_sandbox_answers_nobody() {
    let vendor = start(Seeme, json!({})).await;
    let url = format!("{}/permissions", vendor.played.endpoint);
    assert_eq!(vendor.http.get(&url).send().await.unwrap().status(), 401);
    drop(vendor.sandbox);
    until(async || client().get(&url).send().await.is_err()).await;
}

#[tokio::test]
async fn nothing_that_authenticates_is_printed() {
    let vendor = start_with(Options::new([Seeme, Scaleway])).await;
    let printed = format!("{:?} {:?}", vendor.sandbox, vendor.played);
    assert!(!printed.contains(&vendor.played.credential));
    assert!(!printed.contains(vendor.played.parameter("password").unwrap()));
}
