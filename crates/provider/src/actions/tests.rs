//! Actions on an issuer in memory: what is told where it does not do what was asked, and what is done then.

use std::time::Duration;

use tfplugin::{Connection, Diagnostics, Invoke, Progress, Provider as _, Value};
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, MemorySettings, Operation};
use tokenwright_core::{Look, TokenId};

use crate::schema;
use crate::testing::{Run, Said, configuration};

/// A token that an earlier run minted.
async fn minted(look: Look) -> Run {
    let usual = [("name", "ci".into()), ("lifetime", "30d".into())];
    let config = configuration(schema::API_TOKEN, &usual);
    let mut settings = MemorySettings::default();
    settings.capabilities.look = look;
    let mut run = Run::new(schema::API_TOKEN, config, settings).await;
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    tokio::time::sleep(Duration::from_secs(60)).await;
    run.configure().await;
    run
}

fn wanted(action: &str, token_id: Value) -> Value {
    let mut config = schema::schema().actions[action].empty();
    config.insert("token_id", token_id);
    config
}

/// Invokes it on the token of the run.
async fn invoke(run: &Run, action: &str) -> Said {
    let request = Invoke {
        config: wanted(action, run.state.get("token_id").clone()),
        connection: Connection::default(),
        progress: Progress::new(|_| {}),
    };
    let mut diags = Diagnostics::new();
    let action = run.provider.action(action).unwrap();
    action.invoke(request, &mut diags).await;
    diags.into()
}

/// The only error.
fn error(said: &Said) -> &str {
    assert_eq!(said.errors.len(), 1, "{:?}", said.errors);
    &said.errors[0]
}

#[tokio::test(start_paused = true)]
async fn an_action_says_what_is_known_and_what_happens_next() {
    let unclear = [
        "Whether Token ",
        "is not known",
        "The next refresh of its resource shows it, and the action may be invoked again.",
    ];
    let clear = [
        "was not ",
        "The token is as it was. Trying again does not help",
    ];
    for action in [schema::DISABLE, schema::REVOKE] {
        let operation = match action {
            schema::DISABLE => Operation::Disable,
            _ => Operation::Revoke,
        };
        for (fault, says) in [
            (Fault::LoseAnswer, &unclear[..]),
            (Fault::LoseRequest, &unclear),
            (Fault::Refuse(ErrorKind::AnswerNotUnderstood), &unclear),
            (Fault::Refuse(ErrorKind::Forbidden), &clear),
        ] {
            let run = minted(Look::Alone).await;
            run.issuer.fault(operation, fault.clone());
            let said = invoke(&run, action).await;
            let told = error(&said);
            for words in says {
                assert!(told.contains(words), "{action} {fault:?}: {told}");
            }
            // Again, as it was said.
            if says == unclear {
                let lives = !run.issuer.live().is_empty();
                let said = invoke(&run, action).await;
                assert_eq!(said.errors.is_empty(), lives, "{:?}", said.errors);
            }
        }
    }
}

/// Where a look or a listing lacks the token, it may be there all the same.
#[tokio::test(start_paused = true)]
async fn a_revoke_counts_once_the_issuer_has_shown_its_end() {
    let nothing = (Operation::Revoke, Fault::Pretend);
    let not_found = Fault::Refuse(ErrorKind::NotFound);
    for (look, (operation, fault), says) in [
        (Look::Alone, nothing.clone(), "still shows the token"),
        (Look::Listing, nothing, "still shows the token"),
        (Look::Alone, (Operation::Revoke, not_found), "still shows"),
        (Look::Alone, (Operation::Get, Fault::Pretend), "not show it"),
        (
            Look::Listing,
            (Operation::List, Fault::Empty),
            "not show it",
        ),
    ] {
        let run = minted(look).await;
        let what = format!("{look:?} {operation:?} {fault:?}");
        run.issuer.fault(operation, fault);
        let said = invoke(&run, schema::REVOKE).await;
        assert!(error(&said).contains("was not revoked"), "{what}");
        assert!(error(&said).contains(says), "{what}: {:?}", said.errors);
        assert_eq!(run.issuer.live().len(), 1, "{what}");
        tokio::time::sleep(Duration::from_secs(1)).await;
        let said = invoke(&run, schema::REVOKE).await;
        assert!(said.errors.is_empty(), "{what}: {:?}", said.errors);
        assert!(run.issuer.live().is_empty(), "{what}");
    }
}

/// Where only the resource of the token tells that it is this run's own credential, and tells later.
#[tokio::test(start_paused = true)]
async fn an_action_waits_until_the_resource_of_its_token_has_spoken() {
    let run = minted(Look::Alone).await;
    let value = run.text("value").to_owned();
    *run.credential.lock().unwrap() = Some(value.clone());
    run.configure().await;
    let late = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        run.resource().meet(&run.state);
    };
    let (said, ()) = tokio::join!(invoke(&run, schema::REVOKE), late);
    assert!(error(&said).contains("this run's own credential"));
    assert!(run.issuer.accepts(&value));
}

#[test]
fn an_empty_id_is_refused_before_anybody_is_asked() {
    for action in [schema::REVOKE, schema::DISABLE, schema::ENABLE] {
        for (id, refused) in [
            (Value::from(""), true),
            (Value::from(" "), true),
            (Value::Unknown, false),
            (Value::from(TokenId::new("a").as_str()), false),
        ] {
            let mut diags = Diagnostics::new();
            let config = wanted(action, id);
            schema::schema().actions[action].check_rules(&config, &mut diags);
            let paths = diags.iter().map(|d| d.path.clone().unwrap_or_default());
            let paths: Vec<_> = paths.map(|path| path.to_string()).collect();
            let expected: &[&str] = if refused { &["token_id"] } else { &[] };
            assert_eq!(paths, expected, "{action} {config:?}");
        }
    }
}
