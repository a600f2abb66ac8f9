//! `token list` and `token orphans`, against a sandbox that real tokens were minted at.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokenwright_core::{ManagerId, Marker, Nonce, Origin};
use tokenwright_sandbox::SystemName::{Scaleway, Seeme};
use tokio::process::Command;

use crate::support::{Ran, Vendor, ended, program, settling, start};

fn marker(origin: &str, instance: &str, nonce: u8) -> Marker {
    Marker {
        origin: Origin::of(origin),
        manager: ManagerId::of(instance),
        revision: 1,
        nonce: Nonce::from_bytes([nonce; 5]),
    }
}

fn command(vendor: &Vendor, verb: &str, more: &[&str]) -> Command {
    let mut command = program(&["token", verb, "--profile", "seeme"]);
    command
        .args(["--endpoint", &vendor.played.endpoint])
        .args(more)
        .env("SEEME_API_KEY", &vendor.played.credential);
    command
}

async fn told(vendor: &Vendor, verb: &str, more: &[&str]) -> Ran {
    let ran = ended(command(vendor, verb, more).spawn().unwrap()).await;
    vendor.no_secret_in(&ran);
    ran
}

/// A folder with the state of one resource, `acme`'s instance `i-1`, which has this token.
fn state(current: &Marker) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("terraform.tfstate");
    let record = json!({ "instance": "i-1", "next_nonce": Nonce::from_bytes([77; 5]) });
    let attributes = json!({
        "remote_name": current.remote_name("ci"),
        "record": URL_SAFE_NO_PAD.encode(record.to_string()),
        "retiring": [],
        "value": "sk-a-value-that-is-never-read",
    });
    let resource = json!({
        "mode": "managed", "type": "tokenwright_api_token", "name": "ci",
        "instances": [{ "attributes": attributes }],
    });
    let state = json!({ "version": 4, "resources": [resource] });
    std::fs::write(&path, state.to_string()).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

fn living(vendor: &Vendor) -> Vec<String> {
    let tokens = vendor.ledger().tokens.into_iter();
    let live = tokens.filter(|token| token.ended_at.is_none());
    let mut names: Vec<_> = live.map(|token| token.name).collect();
    names.sort();
    names
}

#[tokio::test]
async fn an_inventory_says_of_each_token_who_manages_it() {
    let vendor = start(Seeme).await;
    let ours = marker("acme", "i-1", 1);
    let foreign = marker("globex", "i-2", 1);
    for name in [
        ours.remote_name("ci"),
        foreign.remote_name("web"),
        "by hand".to_owned(),
    ] {
        vendor.mint(&name).await;
    }
    let (_folder, state) = state(&ours);
    let ran = told(&vendor, "list", &["--state", &state]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let line = |word: &str| {
        let found = ran.out.lines().find(|line| line.contains(word));
        found
            .unwrap_or_else(|| panic!("{word}: {}", ran.out))
            .to_owned()
    };
    assert!(ran.out.starts_with("ID "), "{}", ran.out);
    assert!(
        line(" ci ").ends_with("tokenwright_api_token.ci"),
        "{}",
        ran.out
    );
    assert!(
        line(" web ").contains(foreign.manager.as_str()),
        "{}",
        ran.out
    );
    assert!(line("by hand").ends_with(" -"), "{}", ran.out);
    assert!(
        ran.err
            .contains("4 tokens, 2 of them minted by Tokenwright"),
        "{}",
        ran.err
    );
    // Nobody who reads a pipe sees colours.
    assert!(!ran.out.contains('\u{1b}'));

    let ran = told(&vendor, "list", &["--state", &state, "-o", "json"]).await;
    let inventory: Value = serde_json::from_str(&ran.out).unwrap();
    let tokens = inventory["tokens"].as_array().unwrap();
    let of = |name: &str| tokens.iter().find(|token| token["name"] == name).unwrap();
    assert_eq!(of("ci")["standing"]["is"], "managed");
    assert_eq!(of("web")["standing"]["is"], "elsewhere");
    assert_eq!(of("by hand")["standing"]["is"], "unmarked");
    assert_eq!(of("ci")["scopes"], json!(["models:read"]));

    let ran = told(&vendor, "list", &["-o", "yaml"]).await;
    assert!(ran.out.contains("profile: seeme\n"), "{}", ran.out);
}

#[tokio::test]
async fn only_what_no_record_claims_is_an_orphan_and_revoked_on_request() {
    let vendor = start(Seeme).await;
    let current = marker("acme", "i-1", 1).remote_name("ci");
    let names = [
        current.clone(),
        marker("acme", "i-1", 77).remote_name("ci"),
        marker("acme", "i-1", 2).remote_name("ci"),
        marker("acme", "i-9", 1).remote_name("ci"),
        marker("globex", "i-9", 1).remote_name("ci"),
        "by hand".to_owned(),
    ];
    for name in &names {
        vendor.mint(name).await;
    }
    let (_folder, state) = state(&marker("acme", "i-1", 1));
    let before = living(&vendor);

    // A manager on record says of its own tokens which it does not know.
    let ran = told(&vendor, "orphans", &["--state", &state]).await;
    assert_eq!(ran.code, Some(3), "{}{}", ran.out, ran.err);
    assert_eq!(ran.out.lines().count(), 2, "{}", ran.out);
    for said in ["1 orphan at", "1 of a lost answer", "give --manager NAME"] {
        assert!(ran.err.contains(said), "{}", ran.err);
    }

    // Of a manager whose states are all given, so is what no state names.
    let all = ["--state", &state, "--manager", "acme"];
    let revoke = [&all[..], &["--revoke"]].concat();
    let ran = told(
        &vendor,
        "orphans",
        &[&revoke[..], &["--older-than", "0s"]].concat(),
    )
    .await;
    assert_eq!(ran.code, Some(2), "nobody confirmed it: {}", ran.err);
    assert!(ran.err.contains("--yes"), "{}", ran.err);
    assert_eq!(living(&vendor), before);

    let yes = [&revoke[..], &["--yes"]].concat();
    let ran = told(&vendor, "orphans", &yes).await;
    assert_eq!(ran.code, Some(3), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("2 of them younger than 1h"), "{}", ran.err);
    assert_eq!(living(&vendor), before);

    let ran = told(
        &vendor,
        "orphans",
        &[&yes[..], &["--older-than", "0s"]].concat(),
    )
    .await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    assert_eq!(ran.out.matches("✓ ").count(), 2, "{}", ran.out);
    let mut left = vec![
        names[0].clone(),
        names[1].clone(),
        names[4].clone(),
        names[5].clone(),
    ];
    left.sort();
    assert_eq!(living(&vendor), left);
    let ran = told(&vendor, "orphans", &all).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("no orphans"), "{}", ran.err);
}

#[tokio::test]
async fn a_revoke_that_did_nothing_leaves_an_orphan_that_is_told() {
    let vendor = start(Seeme).await;
    vendor
        .mint(&marker("acme", "i-9", 1).remote_name("ci"))
        .await;
    vendor.fault(
        json!({ "operation": "revoke" }),
        json!({ "status": 403, "body": "{\"detail\":\"no\"}" }),
    );
    let arguments = [
        "--manager",
        "acme",
        "--revoke",
        "--yes",
        "--older-than",
        "0s",
    ];
    let ran = told(&vendor, "orphans", &arguments).await;
    assert_eq!(ran.code, Some(3), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("✗ "), "{}", ran.out);
    assert_eq!(vendor.summary().live, 1);
}

#[tokio::test]
async fn an_orphan_that_the_listing_before_its_revoke_misses_is_revoked_all_the_same() {
    let vendor = start(Seeme).await;
    let name = marker("acme", "i-9", 1).remote_name("ci");
    vendor.mint(&name).await;
    vendor.fault(
        json!({ "operation": "list", "skip": 1, "count": 1 }),
        json!({ "status": 200, "body": [] }),
    );
    let profile = settling("seeme", "1s");
    let profile = profile.path("yaml");
    let arguments = ["--profile", &profile, "--manager", "acme", "--revoke"];
    let mut command = program(&["token", "orphans"]);
    command
        .args(["--endpoint", &vendor.played.endpoint])
        .args([&arguments[..], &["--yes", "--older-than", "0s"]].concat())
        .env("SEEME_API_KEY", &vendor.played.credential);
    // A token too young to be listed is not yet missed.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let ran = ended(command.spawn().unwrap()).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("is revoked"), "{}", ran.out);
    assert_eq!(living(&vendor), Vec::<String>::new());
}

#[tokio::test]
async fn what_cannot_be_told_is_refused_with_the_next_step() {
    let seeme = ["token", "orphans", "--profile", "seeme"].as_slice();
    let devpi = [
        "token",
        "orphans",
        "--manager",
        "acme",
        "--profile",
        "devpi",
    ]
    .as_slice();
    for (arguments, told) in [
        (seeme, "give --state FILE"),
        (
            &[seeme, &["--manager", "acme"]].concat(),
            "set SEEME_API_KEY",
        ),
        (
            &["token", "list", "--profile", "gitea"],
            "give --endpoint URL",
        ),
        (
            &["token", "list", "--profile", "seeme", "--param", "x=1"],
            "has no parameter \"x\"",
        ),
        (
            &["token", "list", "--profile", "seme"],
            "did you mean \"seeme\"?",
        ),
        (devpi, "shows no names in its listing"),
    ] {
        let mut command = program(arguments);
        command
            .env("DEVPI_PASSWORD", "any")
            .env("DEVPI_USER", "any");
        let ran = ended(command.spawn().unwrap()).await;
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(told), "{arguments:?}: {}", ran.err);
    }
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_is_told_with_the_next_step() {
    let vendor = start(Seeme).await;
    let mut command = command(&vendor, "list", &[]);
    command.env("SEEME_API_KEY", "wrong");
    let ran = ended(command.spawn().unwrap()).await;
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    for told in [
        "a credential of its own",
        "`tokenwright explain Unauthenticated`",
    ] {
        assert!(ran.err.contains(told), "{told}: {}", ran.err);
    }
}

#[tokio::test]
async fn a_folder_of_ones_own_names_further_profiles_and_none_that_is_built_in() {
    let vendor = start(Scaleway).await;
    let folder = tempfile::tempdir().unwrap();
    let (text, _) = tokenwright_client::profile::builtin_files("scaleway").unwrap();
    let own = text.replace("name: scaleway", "name: acme");
    std::fs::write(folder.path().join("acme.yaml"), own).unwrap();
    std::fs::write(folder.path().join("scaleway.yaml"), text).unwrap();
    for (name, code, said) in [
        ("acme", 0, "1 token, 0"),
        ("scaleway", 2, "has the same name"),
    ] {
        let mut command = program(&["token", "list", "--profile", name]);
        command
            .args(["--endpoint", &vendor.played.endpoint])
            .env("TOKENWRIGHT_PROFILES", folder.path())
            .env("SCW_SECRET_KEY", &vendor.played.credential);
        let ran = ended(command.spawn().unwrap()).await;
        assert_eq!(ran.code, Some(code), "{name}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(said), "{name}: {}", ran.err);
    }
}
