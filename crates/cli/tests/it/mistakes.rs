//! What a person gets wrong at first, and what he is told to do.

use crate::support::{ended, program, run};

#[tokio::test]
async fn each_mistake_is_refused_with_what_to_do_before_anything_is_sent() {
    let nowhere = ["--endpoint", "http://127.0.0.1:9"];
    for (written, told) in [
        ("", "Begin with:"),
        ("profil list", "a similar subcommand exists: 'profile'"),
        ("profile list -o jsn", "a similar value exists: 'json'"),
        ("profile show seme", "did you mean \"seeme\"?"),
        ("profile explain nosuch", "`tokenwright profile list` shows"),
        ("profile new Bad_Name", "is no name of a profile: it begins"),
        ("profile new seeme", "`tokenwright profile show seeme`"),
        ("profile try seeme", "--endpoint <URL>"),
        ("token list", "--profile <NAME|FILE>"),
        ("token list --profile seeme", "set SEEME_API_KEY, or give"),
        ("token list --profile seeme --parameter a", "NAME=VALUE"),
        ("token orphans --profile seeme", "give --state FILE"),
        ("token orphans --profile seeme --yes", "--revoke"),
        ("run --profile seeme", "-- <COMMAND>..."),
        ("run --profile seeme --lifetime 1x -- true", "such as 90d"),
        ("report", "<FILE>..."),
        ("report nowhere.json", "reading nowhere.json"),
        ("migrate nowhere", "reading nowhere"),
        ("completion tcsh", "possible values: bash"),
        ("status", "set KUBECONFIG, or give --kubeconfig FILE"),
        ("why", "<NAME>"),
        ("rotate ci --timeout 5", "write whole numbers with"),
    ] {
        let mut arguments: Vec<&str> = written.split_whitespace().collect();
        if written.starts_with("token orphans") {
            arguments.extend(nowhere);
        }
        let mut command = program(&arguments);
        command.env("HOME", "/nonexistent");
        let ran = ended(command.spawn().unwrap()).await;
        assert_eq!(ran.code, Some(2), "{written}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(told), "{written}: {}", ran.err);
        assert_eq!(ran.out, "", "{written}");
    }
}

#[tokio::test]
async fn a_word_of_a_message_is_explained_without_anybody_being_asked() {
    let ran = run(&["explain", "Warning: CredentialRefused: whatever it is"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    for told in [
        "CredentialRefused\n",
        "  means  ",
        "  you    ",
        "#credentialrefused\n",
    ] {
        assert!(ran.out.contains(told), "{told}: {}", ran.out);
    }
    let ran = run(&["explain", "-o", "json", "Unavailable"]).await;
    let words: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(words[0]["name"], "Unavailable");
    let said = "╷\n│ Warning: Token 4711 (\"ci tw1-a-b-1-c\") does not work any more\n│\n╵";
    let ran = run(&["explain", said]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    for told in [
        "… does not work any more\n",
        "terraform-messages.md#the-issuer-shows-something-else\n",
    ] {
        assert!(ran.out.contains(told), "{told}: {}", ran.out);
    }
    let ran = run(&["explain", "credentialrefuse"]).await;
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    assert!(
        ran.err.contains("did you mean CredentialRefused?"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_is_told_with_what_to_do_and_where_more_is_said() {
    let arguments = [
        "token",
        "list",
        "--profile",
        "seeme",
        "--endpoint",
        "http://127.0.0.1:9",
    ];
    let mut command = program(&arguments);
    command.env("SEEME_API_KEY", "any");
    let ran = ended(command.spawn().unwrap()).await;
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    for told in [
        "error: list at seeme: the issuer cannot be reached",
        "`tokenwright explain Unavailable` says more.",
    ] {
        assert!(ran.err.contains(told), "{told}: {}", ran.err);
    }
}
