//! `profile try` that is refused: nothing reaches the issuer.

use tokenwright_sandbox::SystemName::Seeme;

use crate::support::{copied, ended, program, start};

#[tokio::test]
async fn what_cannot_be_carried_out_is_refused_before_anything_is_sent() {
    // Nobody listens there: whatever was sent would fail otherwise.
    let endpoint = "http://127.0.0.1:9/api/v1";
    let long = "a name of more than twenty-three characters";
    let scope = ["--scope", "models:read"].as_slice();
    for (arguments, told) in [
        ([].as_slice(), "--scope: must name at least one"),
        (
            &["--lifetime", "12h"],
            "--lifetime: 12h rounds down to zero",
        ),
        (&["--lifetime", "soon"], "\"soon\" is no duration"),
        (&["--name", long], "--name: has 43 characters"),
        (&["--name", " "], "--name: must be a name"),
        (
            &["--name", "tw1-dio4f-lifkxs4uwjb5e-1-aaaqea77"],
            "--name: ",
        ),
        (&["--parameter", "team=a"], "--parameter: team is not known"),
        (
            &[
                "--parameter",
                "organization_id=a",
                "--parameter",
                "organization_id=b",
            ],
            "given twice",
        ),
        (&["--parameter", "team"], "is not of the form NAME=VALUE"),
        (
            &["--credential-file", "password=x"],
            "has no part \"password\"; it has key",
        ),
        (
            &["--credential-file", "key=nowhere/key"],
            "reading nowhere/key",
        ),
        (&["--request-timeout", "0s"], "--request-timeout"),
        (
            &["--endpoint", "http://tokens.example.com"],
            "must be https",
        ),
    ] {
        let inputs = if arguments.is_empty() { &[] } else { scope };
        let mut command = program(&["profile", "try", "seeme"]);
        if !arguments.contains(&"--endpoint") {
            command.args(["--endpoint", endpoint]);
        }
        command
            .args(inputs)
            .args(arguments)
            .env("SEEME_API_KEY", "any");
        let ran = ended(command.spawn().unwrap()).await;
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(told), "{arguments:?}: {}", ran.err);
        assert_eq!(ran.out, "", "{arguments:?}");
    }
}

#[tokio::test]
async fn without_a_credential_the_variable_is_named() {
    let arguments = [
        "profile",
        "try",
        "seeme",
        "--endpoint",
        "http://127.0.0.1:9",
    ];
    let ran = ended(program(&arguments).spawn().unwrap()).await;
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err
            .contains("set SEEME_API_KEY, or give --credential-file key=PATH"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn a_system_that_cannot_revoke_is_not_tried_and_says_where_a_person_can() {
    let vendor = start(Seeme).await;
    let files = copied("seeme", |text| {
        let mut lines: Vec<_> = text.lines().collect();
        let revoke = lines
            .iter()
            .position(|line| line.starts_with("revoke:"))
            .unwrap();
        lines.drain(revoke..revoke + 2);
        lines.push("manual: Revoke keys on the page of keys.");
        lines.join("\n")
    });
    let ran = vendor.tried(&files.path("yaml"), &[]).await;
    assert_eq!(ran.code, Some(2), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("cannot revoke"), "{}", ran.err);
    assert!(
        ran.err.contains("Revoke keys on the page of keys."),
        "{}",
        ran.err
    );
    assert_eq!(vendor.summary().minted, 0);
}

#[tokio::test]
async fn a_system_that_mints_only_by_hand_says_where_a_person_can() {
    let vendor = start(Seeme).await;
    let files = copied("seeme", |_| {
        "profile: acme\ntitle: Acme\nendpoint: https://acme.example.com\n\
         value: { key: { max: 64 } }\nmanual: Make keys on the page of keys.\n"
            .to_owned()
    });
    let ran = vendor.tried(&files.path("yaml"), &[]).await;
    assert_eq!(ran.code, Some(2), "{}{}", ran.out, ran.err);
    let told =
        "error: cannot try acme: cannot mint through its API: Make keys on the page of keys.";
    assert_eq!(ran.err.trim_end(), told);
}

#[tokio::test]
async fn a_credential_that_the_issuer_does_not_take_fails_the_mint() {
    let vendor = start(Seeme).await;
    let mut command = vendor.trial("seeme", &[]);
    command.env("SEEME_API_KEY", "wrong");
    let ran = ended(command.spawn().unwrap()).await;
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("✗ mint"), "{}", ran.out);
    assert!(
        ran.out.contains("does not accept the credential"),
        "{}",
        ran.out
    );
}

#[tokio::test]
async fn a_file_that_is_no_profile_is_refused_with_its_name() {
    let files = copied("seeme", |text| text.replacen("item.id", "itemm.id", 1));
    for (file, told) in [
        (files.path("yaml").as_str(), "which is not known here"),
        ("nowhere.yaml", "reading"),
    ] {
        let arguments = ["profile", "try", file, "--endpoint", "http://127.0.0.1:9"];
        let ran = ended(program(&arguments).spawn().unwrap()).await;
        assert_eq!(ran.code, Some(2), "{}{}", ran.out, ran.err);
        assert!(ran.err.contains(file), "{}", ran.err);
        assert_eq!(ran.err.matches(told).count(), 1, "said once: {}", ran.err);
    }
}

#[tokio::test]
async fn a_slip_of_the_pen_and_a_missing_kubeconfig_are_told_in_one_line_with_the_next_step() {
    let home = tempfile::tempdir().unwrap();
    for (arguments, told) in [
        (
            &["profile", "explain", "seme"][..],
            "did you mean \"seeme\"?",
        ),
        (
            &["profile", "explain", "nothing-like-it"],
            "`tokenwright profile list` shows which there are",
        ),
        (&["status"], "set KUBECONFIG, or give --kubeconfig FILE"),
        (&["migrate", "/dev/null"], "`terraform state pull`"),
    ] {
        let mut command = program(arguments);
        command.env("HOME", home.path());
        let ran = ended(command.spawn().unwrap()).await;
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(told), "{arguments:?}: {}", ran.err);
        assert_eq!(ran.err.lines().count(), 1, "{arguments:?}: {}", ran.err);
        assert!(ran.err.len() < 250, "{arguments:?}: {}", ran.err);
    }
}
