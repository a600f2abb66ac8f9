//! `profile try` where the issuer plays along, or fails in a step after the mint.

use serde_json::json;
use tokenwright_sandbox::SystemName::{Scaleway, Seeme};
use tokenwright_sandbox::ledger::What;

use crate::support::{copied, ended, program, settling, start};

/// Mark and step of each line.
fn steps(out: &str) -> Vec<String> {
    let marked = out.lines().filter(|line| line.starts_with(['✓', '✗', '–']));
    let step = |line: &str| line.chars().take(16).collect::<String>().trim().to_owned();
    marked.map(step).collect()
}

#[tokio::test]
async fn every_step_has_its_line_and_what_was_minted_is_revoked() {
    for (system, name, lines) in [
        (
            Seeme,
            "seeme",
            [
                "– identity",
                "✓ mint",
                "✓ check",
                "✓ list",
                "✓ disable",
                "✓ enable",
                "– update",
                "✓ revoke",
                "✓ look again",
                "✓ list again",
                "✓ check again",
            ]
            .as_slice(),
        ),
        (
            Scaleway,
            "scaleway",
            [
                "– identity",
                "✓ mint",
                "✓ check",
                "✓ list",
                "– disable",
                "✓ update name",
                "✓ update expiry",
                "✓ revoke",
                "✓ look again",
                "✓ list again",
                "✓ check again",
            ]
            .as_slice(),
        ),
    ] {
        let vendor = start(system).await;
        let ran = vendor.tried(name, &["--lifetime", "never"]).await;
        assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
        assert_eq!(steps(&ran.out), lines, "{}", ran.out);
        let timed = ran
            .out
            .lines()
            .filter(|line| line.contains(" ms  ") || line.ends_with(" ms"));
        let passed = lines.iter().filter(|line| line.starts_with('✓')).count();
        assert_eq!(timed.count(), passed, "{}", ran.out);
        let summary = vendor.summary();
        assert_eq!((summary.minted, summary.live), (1, 0));
    }
}

#[tokio::test]
async fn the_token_carries_a_marker_that_is_printed_before_it_is_minted() {
    let vendor = start(Seeme).await;
    let ran = vendor.tried("seeme", &["--name", "my own"]).await;
    let name = vendor.ledger().tokens[0].name.clone();
    assert!(name.starts_with("my own tw1-"), "{name}");
    let (before, _) = ran.out.split_once("✓ mint").unwrap();
    assert!(before.contains(&name), "{}", ran.out);
}

#[tokio::test]
async fn the_credential_can_come_from_a_file_that_ends_with_a_line_feed() {
    let vendor = start(Seeme).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, format!("{}\n", vendor.played.credential)).unwrap();
    let option = format!("key={}", path.display());
    let mut command = vendor.trial("seeme", &["--credential-file", &option]);
    command.env("SEEME_API_KEY", "another one");
    let ran = ended(command.spawn().unwrap()).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    vendor.no_secret_in(&ran);
}

#[tokio::test]
async fn a_step_that_fails_fails_the_trial_and_leaves_nothing_alive() {
    for (operation, effect, failed) in [
        ("mint", json!({ "born_dead": true }), "✗ check"),
        ("toggle", json!({ "status": 500 }), "✗ disable"),
        ("list", json!({ "html": true }), "✗ list"),
        ("list", json!({ "truncate_body": true }), "✗ list"),
        ("check", json!({ "status": 418 }), "✗ check"),
    ] {
        let vendor = start(Seeme).await;
        vendor.fault(json!({ "operation": operation }), effect.clone());
        let files = settling("seeme", "1s");
        let ran = vendor.tried(&files.path("yaml"), &[]).await;
        assert_eq!(ran.code, Some(1), "{effect}: {}{}", ran.out, ran.err);
        assert!(ran.out.contains(failed), "{effect}: {}", ran.out);
        let summary = vendor.summary();
        assert_eq!(
            (summary.minted, summary.live),
            (1, 0),
            "{effect}: {}",
            ran.out
        );
    }
}

#[tokio::test]
async fn an_issuer_that_sends_the_credential_back_does_not_get_it_printed() {
    let vendor = start(Seeme).await;
    let message = format!("no access for Bearer {}", vendor.played.credential);
    let effect = json!({ "status": 403, "body": { "message": message } });
    vendor.fault(json!({ "operation": "toggle" }), effect);
    let ran = vendor.tried("seeme", &[]).await;
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("no access for Bearer [redacted]"),
        "{}",
        ran.out
    );
    assert_eq!(vendor.summary().live, 0);
}

#[tokio::test]
async fn a_revoke_that_fails_is_tried_again() {
    let vendor = start(Seeme).await;
    let once = json!({ "operation": "revoke", "count": 1 });
    vendor.fault(once, json!({ "status": 503 }));
    let ran = vendor.tried("seeme", &[]).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("again in 1 s"), "{}", ran.out);
    assert_eq!(vendor.summary().live, 0);
}

#[tokio::test]
async fn a_token_that_only_its_value_ends_is_ended_by_the_value_that_was_minted() {
    let vendor = start(Seeme).await;
    let files = copied("seeme", |text| {
        let end = "  send: DELETE /me/apikeys/$(id)\n";
        let by_value =
            format!("{end}  header: {{ name: Authorization, prefix: \"Bearer \", part: key }}\n");
        let (before, after) = text.split_once("\nlist:").unwrap();
        let (_, after) = after.split_once("\nrevoke:").unwrap();
        format!(
            "{before}\nrevoke:{}\nsettle: 1s\n",
            after.replacen(end, &by_value, 1)
        )
    });
    let ran = vendor.tried(&files.path("yaml"), &[]).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let summary = vendor.summary();
    assert_eq!((summary.minted, summary.live), (1, 0), "{}", ran.out);
}

#[tokio::test]
async fn a_profile_that_reads_a_wrong_id_is_not_believed_when_it_says_revoked() {
    let vendor = start(Seeme).await;
    let files = copied("seeme", |text| {
        format!(
            "{}\nsettle: 1s\n",
            text.replacen("id: item.id", "id: item.name", 1)
        )
    });
    let ran = vendor.tried(&files.path("yaml"), &[]).await;
    assert_eq!(ran.code, Some(3), "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("still authenticates after the revoke"),
        "{}",
        ran.out
    );
    let name = vendor.ledger().tokens[0].name.clone();
    assert!(
        ran.out.contains(&format!("look for {name:?}")),
        "{}",
        ran.out
    );
}

#[tokio::test]
async fn a_lifetime_that_is_read_back_otherwise_fails_the_trial_and_leaves_nothing() {
    for (reading, told) in [
        (
            "expires: item.nope",
            "1d was asked for, and the token reads as never expiring (LifetimeIgnored: ",
        ),
        // Milliseconds, which are no seconds.
        (
            "expires: 1796000000000",
            "the profile says token.times: milliseconds",
        ),
        (
            "expires: '1'",
            "1d was asked for, and the token expires 1970-01-01T00:00:01Z",
        ),
    ] {
        let vendor = start(Seeme).await;
        let files = copied("seeme", |text| {
            let changed = text.replacen("expires: item.expires_at", reading, 1);
            format!("{changed}\nsettle: 1s\n")
        });
        let ran = vendor.tried(&files.path("yaml"), &[]).await;
        assert_eq!(ran.code, Some(1), "{reading}: {}{}", ran.out, ran.err);
        assert!(ran.out.contains(told), "{reading}: {}", ran.out);
        let summary = vendor.summary();
        assert_eq!((summary.minted, summary.live), (1, 0), "{}", ran.out);
    }
}

#[tokio::test]
async fn a_reader_that_goes_away_does_not_keep_a_token_alive() {
    let vendor = start(Seeme).await;
    let mut child = vendor.trial("seeme", &[]).spawn().unwrap();
    drop(child.stdout.take());
    let ran = ended(child).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let ledger = vendor.ledger();
    assert_eq!((ledger.summary.minted, ledger.summary.live), (1, 0));
    assert!(ledger.events.iter().any(|entry| entry.what == What::Revoke));
}

#[tokio::test]
async fn the_search_for_values_in_the_output_would_find_one() {
    for (system, name) in [(Seeme, "seeme"), (Scaleway, "scaleway")] {
        let vendor = start(system).await;
        let value = vendor.minted_value(name).await;
        assert!(vendor.shows_a_value(&format!("{{\"key\":\"{value}\"}}")));
        assert!(!vendor.shows_a_value("✓ mint 3 ms"));
    }
}

#[tokio::test]
async fn a_trial_may_be_recorded_as_examples_that_pass_and_show_no_secret() {
    for (system, name) in [(Seeme, "seeme"), (Scaleway, "scaleway")] {
        let vendor = start(system).await;
        let folder = tempfile::tempdir().unwrap();
        let examples = folder.path().join("recorded.yaml");
        let path = examples.to_str().unwrap();
        let ran = vendor.tried(name, &["--record", path]).await;
        assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
        assert!(ran.out.contains("examples are in"), "{}", ran.out);
        let text = std::fs::read_to_string(&examples).unwrap();
        for secret in [&vendor.played.credential, &vendor.played.endpoint] {
            assert!(!text.contains(secret.as_str()), "{text}");
        }
        for operation in ["operation: mint", "operation: list", "operation: revoke"] {
            assert!(text.contains(operation), "{operation}: {text}");
        }
        let profile = folder.path().join("own.yaml");
        let shown = ended(program(&["profile", "show", name]).spawn().unwrap()).await;
        std::fs::write(&profile, &shown.out).unwrap();
        let profile = profile.to_str().unwrap();
        let check = ["profile", "check", profile, "--examples", path];
        let checked = ended(program(&check).spawn().unwrap()).await;
        assert_eq!(
            checked.code,
            Some(0),
            "{}{}\n{text}",
            checked.out,
            checked.err
        );
        // What is there already is not overwritten, and nothing is minted.
        let again = vendor.tried(name, &["--record", path]).await;
        assert_eq!(again.code, Some(2), "{}{}", again.out, again.err);
        assert!(again.err.contains("is there already"), "{}", again.err);
    }
}
