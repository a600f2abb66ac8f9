//! Terrakube beyond the recording: the ledger, the faults, restarts and shortened days.

use std::collections::BTreeSet;

use jiff::Timestamp;
use reqwest::Method;
use serde_json::json;
use tokenwright_sandbox::Options;
use tokenwright_sandbox::SystemName::{self, TerrakubeTeam, TerrakubeUser};
use tokenwright_sandbox::ledger::{Summary, What};
use tokio::io::AsyncWriteExt;

use crate::support::{Vendor, claims, start, start_with, until};

const BOTH: [SystemName; 2] = [TerrakubeUser, TerrakubeTeam];

async fn alive(vendor: &Vendor, value: &str) -> u16 {
    vendor
        .status_as(value, "/access-token/v1/teams/current-teams")
        .await
}

#[tokio::test]
async fn a_token_lives_until_it_is_deleted_and_the_ledger_saw_it_all() {
    for system in BOTH {
        let vendor = start(system, json!({})).await;
        let token = vendor.mint("ci", json!({})).await;
        assert_eq!(claims(&token.value)["jti"], token.id.as_str());
        assert_eq!(alive(&vendor, &token.value).await, 202);
        assert_eq!(vendor.names().await, ["ci"]);
        for _ in 0..2 {
            assert_eq!(vendor.revoke(&token.id).await, 202, "repeatable");
        }
        assert_eq!(alive(&vendor, &token.value).await, 401);
        assert_eq!(
            vendor.events_of(&token.id),
            [What::Mint, What::Use, What::Revoke, What::Refused],
            "the second delete changed nothing"
        );
        assert_eq!(
            vendor.summary(),
            Summary {
                minted: 1,
                revoked: 1,
                ..Summary::default()
            }
        );
    }
}

#[tokio::test]
async fn a_token_that_is_born_dead_is_never_used_in_the_ledger() {
    let vendor = start(TerrakubeTeam, json!({})).await;
    let token = vendor.mint("why???", json!({})).await;
    assert_eq!(alive(&vendor, &token.value).await, 401);
    assert_eq!(vendor.events_of(&token.id), [What::Mint, What::Refused]);
}

#[tokio::test]
async fn a_token_is_issued_in_the_second_in_which_its_row_was_created() {
    for system in BOTH {
        let vendor = start(system, json!({})).await;
        let token = vendor.mint("ci", json!({ "days": 1 })).await;
        let (_, rows) = vendor.call(Method::GET, &vendor.keys(), None).await;
        let created: Timestamp = rows[0]["createdDate"].as_str().unwrap().parse().unwrap();
        let claims = claims(&token.value);
        let (issued, expires) = (claims["iat"].as_i64(), claims["exp"].as_i64());
        // The real expiry is the second that the row's date and days lie in, cut down.
        assert_eq!(issued, Some(created.as_second()));
        assert_eq!(expires, Some(created.as_second() + 86_400));
    }
}

#[tokio::test]
async fn parallel_deletes_of_one_token_all_succeed_and_parallel_mints_are_all_listed() {
    let vendor = start(TerrakubeUser, json!({})).await;
    let token = vendor.mint("ci", json!({})).await;
    let deletes = (0..20).map(|_| vendor.revoke(&token.id));
    let statuses = futures::future::join_all(deletes).await;
    assert!(statuses.iter().all(|status| *status == 202), "{statuses:?}");
    let names = ["same"; 50];
    let mints = names.map(|name| vendor.mint(name, json!({})));
    let minted = futures::future::join_all(mints).await;
    let ids: BTreeSet<_> = minted.iter().map(|token| token.id.as_str()).collect();
    assert_eq!(ids.len(), 50);
    assert_eq!(vendor.names().await, names, "all in one answer");
}

#[tokio::test]
async fn a_client_that_hangs_up_after_a_create_leaves_a_row_behind() {
    let vendor = start(TerrakubeUser, json!({})).await;
    let address = vendor.played.endpoint.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let body = r#"{"description":"left behind"}"#;
    let request = format!(
        "POST /pat/v1 HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        vendor.played.credential,
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    drop(stream);
    until(async || vendor.names().await == ["left behind"]).await;
}

#[tokio::test]
async fn shortened_days_end_user_tokens_and_shortened_minutes_team_tokens() {
    let short = json!({
        "seconds_per_day": 0.5,
        "terrakube": { "seconds_per_minute": 0.5, "grace_seconds": 0 },
    });
    // Three seconds: an expiry is cut to whole ones, so that up to one of them is lost.
    for (system, life) in [
        (TerrakubeUser, json!({ "days": 6 })),
        (TerrakubeTeam, json!({ "minutes": 6 })),
    ] {
        let vendor = start(system, short.clone()).await;
        let token = vendor.mint("short", life).await;
        assert_eq!(alive(&vendor, &token.value).await, 202);
        until(async || alive(&vendor, &token.value).await == 401).await;
        assert_eq!(vendor.names().await, ["short"], "expired ones stay listed");
        assert_eq!(vendor.summary().expired, 1);
    }
}

#[tokio::test]
async fn a_use_within_the_grace_is_a_use_in_the_ledger() {
    let short = json!({ "terrakube": { "seconds_per_minute": 0.5, "grace_seconds": 3 } });
    let vendor = start(TerrakubeTeam, short).await;
    let token = vendor.mint("short", json!({ "minutes": 2 })).await;
    let expires = claims(&token.value)["exp"].as_i64().unwrap();
    until(async || Timestamp::now().as_second() > expires).await;
    assert_eq!(alive(&vendor, &token.value).await, 202);
    let seen = [What::Mint, What::Expire, What::Use];
    assert_eq!(vendor.events_of(&token.id), seen);
    until(async || alive(&vendor, &token.value).await == 401).await;
    assert_eq!(vendor.events_of(&token.id).last(), Some(&What::Refused));
}

#[tokio::test]
async fn faults_meet_its_operations_by_the_same_names() {
    for system in BOTH {
        let vendor = start(system, json!({})).await;
        vendor.fault(
            json!({ "operation": "mint", "count": 1 }),
            json!({ "lost_reply": true }),
        );
        let body = json!({ "group": "DEVS", "description": "lost" });
        let credential = vendor.played.credential.clone();
        let keys = vendor.keys();
        let lost = vendor.send(Method::POST, &keys, &credential, Some(body));
        lost.await.unwrap_err();
        vendor.fault(json!({ "count": 1 }), json!({ "eventual_list": 60_000 }));
        vendor.mint("shy", json!({})).await;
        assert_eq!(vendor.names().await, ["lost"]);
        vendor.fault(
            json!({ "count": 1, "operation": "mint" }),
            json!({ "born_dead": true }),
        );
        let dead = vendor.mint("dead", json!({})).await;
        assert_eq!(alive(&vendor, &dead.value).await, 401);
        vendor.fault(json!({ "count": 1 }), json!({ "quota": 3 }));
        assert_eq!(vendor.try_mint("many", json!({})).await.0, 500);
        vendor.fault(
            json!({ "count": 1 }),
            json!({ "cut_listing": { "keep": 1 } }),
        );
        assert_eq!(vendor.names().await, ["lost"]);
        assert_eq!(vendor.names().await, ["lost", "dead"]);
        let revoke = json!({ "operation": "revoke", "token": "dead" });
        vendor.fault(revoke, json!({ "status": 503 }));
        assert_eq!(vendor.revoke(&dead.id).await, 503);
        vendor.fault(
            json!({ "operation": "check", "count": 1 }),
            json!({ "five_xx": 502 }),
        );
        let good = vendor.mint("good", json!({})).await;
        assert_eq!(alive(&vendor, &good.value).await, 502);
        assert_eq!(alive(&vendor, &good.value).await, 202);
    }
}

#[tokio::test]
async fn a_restart_keeps_tokens_and_deletions_and_no_secret_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sandbox.db");
    let mut options = Options::new([TerrakubeTeam]);
    options.data = Some(file.clone());
    let first = start_with(options.clone()).await;
    let kept = first.mint("kept", json!({})).await;
    let gone = first.mint("gone", json!({})).await;
    first.revoke(&gone.id).await;
    let old = first.played.clone();
    first.sandbox.stop().await;
    let second = start_with(options).await;
    assert_eq!(alive(&second, &kept.value).await, 202);
    assert_eq!(alive(&second, &gone.value).await, 401);
    assert_eq!(alive(&second, &old.credential).await, 202);
    let bytes = std::fs::read(file).unwrap();
    let holds = |text: &str| {
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    assert!(holds(&kept.id));
    for secret in ["pat_secret", "internal_secret", "admin_credential"] {
        assert!(!holds(old.parameter(secret).unwrap()), "{secret}");
    }
    assert!(!holds(&kept.value) && !holds(&old.credential));
    assert!(
        !format!("{:?}", second.played).contains(second.played.parameter("pat_secret").unwrap())
    );
}
