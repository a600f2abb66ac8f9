//! `profile list`, `show` and `check`: nothing is sent.

use serde_json::{Value, json};
use tokenwright_client::profile;

use crate::support::{copied, run};

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/profile-list.txt");

#[tokio::test]
async fn the_table_says_what_each_built_in_system_can_and_cannot_do() {
    let ran = run(&["profile", "list"]).await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    if std::env::var_os("TOKENWRIGHT_UPDATE").is_some() {
        std::fs::write(TABLE, &ran.out).unwrap();
    }
    let golden = std::fs::read_to_string(TABLE).unwrap();
    assert_eq!(ran.out, golden, "TOKENWRIGHT_UPDATE=1 rewrites {TABLE}");
}

#[tokio::test]
async fn programs_get_the_same_as_json() {
    let ran = run(&["profile", "list", "--output", "json"]).await;
    let systems: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
    let names: Vec<_> = systems
        .iter()
        .map(|s| s["profile"].as_str().unwrap())
        .collect();
    assert_eq!(names, profile::builtins().collect::<Vec<_>>());
    let seeme = systems.iter().find(|s| s["profile"] == "seeme").unwrap();
    assert_eq!(seeme["credential"]["key"], "SEEME_API_KEY");
    assert_eq!(seeme["can"]["disable"], "blindToggle");
    assert_eq!(seeme["can"]["revoke"], true);
    assert_eq!(seeme["can"]["lifetimeUnit"], "1d");
}

#[tokio::test]
async fn an_expiry_is_told_only_where_it_is_ours_to_give() {
    let ran = run(&["profile", "list", "--output", "json"]).await;
    let systems: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
    let table = run(&["profile", "list"]).await.out;
    let start = table.find("EXPIRY").unwrap();
    for (name, expiry, never, unit, shown) in [
        ("gitea", json!(false), json!(true), json!(null), "never"),
        // A lost one could not be found, so that never is refused although the system has it.
        (
            "devpi",
            json!(true),
            json!(false),
            json!("1s"),
            "in steps of 1s",
        ),
        (
            "gitlab-project",
            json!(true),
            json!(false),
            json!("1d"),
            "in steps of 1d",
        ),
        (
            "scaleway",
            json!(true),
            json!(true),
            json!("1s"),
            "in steps of 1s, or never",
        ),
        // Made by hand: whoever makes one chooses.
        ("seenode", json!(null), json!(null), json!(null), ""),
        ("transiyzi", json!(null), json!(null), json!(null), ""),
    ] {
        let can = systems.iter().find(|s| s["profile"] == name).unwrap()["can"].clone();
        assert_eq!(can["expiry"], expiry, "{name}");
        assert_eq!(can["never"], never, "{name}");
        assert_eq!(can["lifetimeUnit"], unit, "{name}");
        assert_eq!(can["scopes"].is_null(), expiry.is_null(), "{name}");
        assert_eq!(can["lostAnswer"].is_null(), expiry.is_null(), "{name}");
        let line = table.lines().find(|line| line.starts_with(name)).unwrap();
        let cell: String = line.chars().skip(start).collect();
        assert_eq!(cell.split("  ").next().unwrap(), shown, "{name}");
    }
}

#[tokio::test]
async fn a_built_in_profile_is_shown_to_the_byte() {
    for name in profile::builtins() {
        let (text, examples) = profile::builtin_files(name).unwrap();
        assert_eq!(run(&["profile", "show", name]).await.out, text);
        assert_eq!(
            run(&["profile", "show", name, "--examples"]).await.out,
            examples
        );
    }
}

#[tokio::test]
async fn what_is_done_for_each_operation_is_explained_of_built_in_profiles_and_of_files() {
    let built_in = run(&["profile", "explain", "seeme"]).await;
    assert_eq!((built_in.code, built_in.err.as_str()), (Some(0), ""));
    for told in [
        "mint\n  Sends POST",
        "revoke\n  Only after the issuer showed",
    ] {
        assert!(built_in.out.contains(told), "{}", built_in.out);
    }
    let files = copied("seeme", str::to_owned);
    let own = run(&["profile", "explain", &files.path("yaml")]).await;
    assert_eq!(own.out, built_in.out);
    let broken = copied("seeme", |text| {
        text.replace("scopes: required", "scopess: x")
    });
    let ran = run(&["profile", "explain", &broken.path("yaml")]).await;
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err.contains("line ") && ran.err.contains("scopess"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_answered_with_what_was_meant_or_with_where_all_are() {
    for (name, told) in [
        ("scalway", "did you mean \"scaleway\""),
        ("nobody", "profile list"),
    ] {
        let ran = run(&["profile", "show", name]).await;
        assert_eq!(ran.code, Some(2));
        let named = format!("{name:?}");
        assert!(
            ran.err.contains(&named) && ran.err.contains(told),
            "{}",
            ran.err
        );
    }
}

#[tokio::test]
async fn every_built_in_profile_passes_the_check_and_says_what_was_checked() {
    for name in profile::builtins() {
        let files = copied(name, str::to_owned);
        let ran = run(&["profile", "check", &files.path("yaml")]).await;
        assert_eq!(ran.code, Some(0), "{}", ran.out);
        let (profile, examples) = ran.out.split_once('\n').unwrap();
        assert!(
            profile.contains(&format!("profile {name}, ")),
            "{}",
            ran.out
        );
        assert!(examples.contains("examples replayed"), "{}", ran.out);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_profile_is_told_with_its_place_and_its_line() {
    for (from, to, told) in [
        ("scopes: required", "scopess: required", "`scopess`"),
        (
            "id: item.id",
            "id: item.id +",
            "\"item.id +\" is no expression",
        ),
        (
            "id: item.id",
            "id: itemm.id",
            "itemm, which is not known here",
        ),
        ("id: item.id", "id: item.id|nope", "uses filter nope"),
        ("scopes: required", "scopes: ]", "profile is wrong"),
    ] {
        let files = copied("seeme", |text| text.replacen(from, to, 1));
        let path = files.path("yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        let line = text.lines().position(|line| line.contains(to)).unwrap() + 1;
        let ran = run(&["profile", "check", &path]).await;
        assert_eq!(ran.code, Some(1), "{to}: {}", ran.out);
        for part in [
            format!("✗ {path}"),
            told.to_owned(),
            format!("line {line} column "),
            format!("{line} | "),
            to.to_owned(),
        ] {
            assert!(ran.out.contains(&part), "{part}: {}", ran.out);
        }
        assert_eq!(ran.out.matches("line ").count(), 1, "{}", ran.out);
        // The mark stands under the column.
        let (_, column) = ran.out.split_once("column ").unwrap();
        let column: String = column.chars().take_while(char::is_ascii_digit).collect();
        let marked = ran.out.lines().find(|line| line.ends_with("^")).unwrap();
        let (_, mark) = marked.split_once("| ").unwrap();
        assert_eq!(mark.len(), column.parse::<usize>().unwrap(), "{}", ran.out);
    }
}

#[tokio::test]
async fn an_example_that_does_not_come_out_is_named() {
    let files = copied("seeme", |text| text.replacen("expires_in_days", "days", 1));
    let ran = run(&["profile", "check", &files.path("yaml")]).await;
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    assert!(
        ran.out.contains("a key for whole days, rounded down: "),
        "{}",
        ran.out
    );
    assert!(ran.out.contains(" examples failed"), "{}", ran.out);
}

#[tokio::test]
async fn a_profile_without_examples_is_not_checked() {
    let files = copied("seeme", str::to_owned);
    let (profile, examples) = (files.path("yaml"), files.path("examples.yaml"));
    let elsewhere = files.path("elsewhere");
    std::fs::rename(&examples, &elsewhere).unwrap();
    let ran = run(&["profile", "check", &profile]).await;
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    assert!(
        ran.out.contains("name their file with --examples"),
        "{}",
        ran.out
    );
    let named = ["profile", "check", &profile, "--examples", &elsewhere];
    assert_eq!(run(&named).await.code, Some(0));
    for (text, told) in [
        ("examples: []", "has no examples"),
        ("example: []", "line 1"),
    ] {
        std::fs::write(&elsewhere, text).unwrap();
        let ran = run(&named).await;
        assert_eq!(ran.code, Some(1), "{}", ran.out);
        assert!(ran.out.contains(told), "{}", ran.out);
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_fails_the_check() {
    let ran = run(&["profile", "check", "nowhere/acme.yaml"]).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("reading nowhere/acme.yaml"), "{}", ran.out);
}

#[tokio::test]
async fn what_a_check_found_is_given_to_programs_with_its_place() {
    let asked = |path: &str| ["profile", "check", path, "--output", "json"].map(str::to_owned);
    let verdict = async |files: &crate::support::Copied| -> (Option<i32>, Value) {
        let asked = asked(&files.path("yaml"));
        let ran = run(&asked.each_ref().map(String::as_str)).await;
        assert_eq!(ran.err, "");
        (ran.code, serde_json::from_str(&ran.out).unwrap())
    };
    let (code, right) = verdict(&copied("seeme", str::to_owned)).await;
    assert_eq!((code, &right["passes"]), (Some(0), &json!(true)));
    assert_eq!(right["profile"]["name"], "seeme");
    assert_eq!(right["examples"]["failed"], 0);
    assert_eq!(right["problems"], json!([]));

    let (code, broken) = verdict(&copied("seeme", |text| {
        text.replacen("scopes: required", "scopess: x", 1)
    }))
    .await;
    assert_eq!((code, &broken["passes"]), (Some(1), &json!(false)));
    assert!(broken["problems"][0]["line"].as_u64() > Some(1), "{broken}");
    assert!(broken["problems"][0]["column"].is_u64(), "{broken}");

    let (code, wrong) = verdict(&copied("seeme", |text| {
        text.replacen("POST /me/apikeys", "POST /me/keys", 1)
    }))
    .await;
    assert_eq!(code, Some(1));
    let problem = &wrong["problems"][0];
    assert!(problem["example"].is_string(), "{wrong}");
    assert!(wrong["examples"]["failed"].as_u64() > Some(0), "{wrong}");
}
