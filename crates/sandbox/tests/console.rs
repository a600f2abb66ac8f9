//! The console in a real browser, as a person uses it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokenwright_sandbox::SystemName::{self, Seenode, Transiyzi};
use tokenwright_sandbox::{Options, Played, Sandbox};
use tokenwright_testbed::browser::Browser;

async fn start(system: SystemName) -> (Sandbox, Played) {
    // The client wants a TLS provider even for plain HTTP; a second install is refused and harmless.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sandbox = Sandbox::start(Options::new([system])).await.unwrap();
    let played = sandbox.played()[0].clone();
    (sandbox, played)
}

async fn used(url: &str, value: &str) -> StatusCode {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url).bearer_auth(value).send().await;
    answer.unwrap().status()
}

#[tokio::test]
async fn a_person_makes_a_seenode_key_sees_it_once_uses_it_and_deletes_it() {
    let (sandbox, played) = start(Seenode).await;
    let teams = format!("{}/v1/teams", played.endpoint);
    let mut browser = Browser::start().await;
    let origin = played.endpoint.clone();
    let rights = json!({ "origin": origin, "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
    browser.ask("Browser.grantPermissions", rights).await;

    browser.open(&played.console).await;
    let nowhere = browser
        .text("document.querySelector('nav').innerText")
        .await;
    assert_eq!(
        nowhere.split_whitespace().collect::<Vec<_>>().join(" "),
        "User profile API"
    );
    browser.follow("Create new secret").await;
    browser.write("Name", "deploy key <1>").await;
    browser.follow("Create new secret").await;

    let value = browser.text("document.getElementById('value').value").await;
    assert_eq!(value.len(), 40);
    assert_eq!(used(&teams, &value).await, 200);
    browser.press("Copy API key").await;
    while browser
        .text("document.getElementById('said').textContent")
        .await
        .is_empty()
    {}
    assert_eq!(
        browser
            .text("document.getElementById('said').textContent")
            .await,
        "Copied."
    );
    assert_eq!(browser.text("navigator.clipboard.readText()").await, value);

    browser.follow("Done").await;
    let page = browser.text("document.documentElement.outerHTML").await;
    assert!(!page.contains(&value), "it was shown once");
    let row = browser
        .text("document.querySelector('tbody th').innerText")
        .await;
    assert_eq!(row, "deploy key <1>");

    browser.follow("Delete deploy key <1>").await;
    assert_eq!(
        browser.text("document.querySelector('h1').innerText").await,
        "Delete deploy key <1>?"
    );
    browser.follow("Cancel").await;
    assert_eq!(
        used(&teams, &value).await,
        200,
        "a second thought changes nothing"
    );
    browser.follow("Delete deploy key <1>").await;
    browser.follow("Delete").await;
    assert_eq!(used(&teams, &value).await, 401);
    let page = browser
        .text("document.querySelector('main').innerText")
        .await;
    assert!(page.contains("There are none yet."), "{page}");
    let summary = sandbox.ledger(None).unwrap().summary;
    assert_eq!(
        (
            summary.made_by_hand,
            summary.made_by_hand_live,
            summary.minted
        ),
        (1, 0, 0)
    );
    browser.close().await;
}

#[tokio::test]
async fn without_scripts_a_person_can_do_everything_but_copy_at_a_press() {
    let (_sandbox, played) = start(Transiyzi).await;
    let project = played.parameter("project_id").unwrap();
    let export = format!("{}/export/locale?project_id={project}", played.endpoint);
    let mut browser = Browser::start().await;
    browser
        .ask(
            "Emulation.setScriptExecutionDisabled",
            json!({ "value": true }),
        )
        .await;
    browser.open(&played.console).await;
    browser.follow("Generate Token").await;
    browser.write("Name", "ci").await;
    browser.follow("Generate Token").await;
    let wrong = browser
        .text("document.querySelector('[role=alert]').innerText")
        .await;
    assert_eq!(wrong, "Choose at least one scope.");
    assert_eq!(
        browser.value("document.getElementById('name').value").await,
        Value::from("ci")
    );
    browser.press("write (upload translations)").await;
    browser.follow("Generate Token").await;
    assert_eq!(
        browser
            .value("document.querySelector('[data-copy]').hidden")
            .await,
        true,
        "a button that cannot work is not there"
    );
    let value = browser.text("document.getElementById('value').value").await;
    assert_eq!(used(&export, &value).await, 403);
    browser.follow("Done").await;
    browser.follow("Edit ci").await;
    browser.press("read (download translations)").await;
    browser.follow("Save").await;
    assert_eq!(used(&export, &value).await, 200);
    browser.follow("Revoke ci").await;
    browser.follow("Revoke").await;
    assert_eq!(used(&export, &value).await, 401);
    browser.close().await;
}
