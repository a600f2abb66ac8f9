//! `report` in a real browser.

use serde_json::{Value, json};
use tokenwright_testbed::browser::Browser;

use crate::support::{Ran, run};

/// Of every 20 tokens one is an orphan, one was never used and has no owner, and one expires in three
/// days; the rest are managed and expire in 60.
fn inventory(count: usize) -> Value {
    let token = |number: usize| {
        let (standing, expires) = match number % 20 {
            0 => (
                json!({ "is": "orphan", "of": "nothing of \"acme\" knows it" }),
                "2027-02-25T08:00:00Z",
            ),
            1 => (json!({ "is": "unmarked" }), "2027-02-25T08:00:00Z"),
            2 => (
                json!({ "is": "managed", "of": "tokenwright_api_token.ci" }),
                "2026-11-30T08:00:00Z",
            ),
            _ => (
                json!({ "is": "managed", "of": "tokenwright_api_token.web" }),
                "2027-01-26T08:00:00Z",
            ),
        };
        let seldom = number % 20 == 1;
        json!({
            "id": format!("id-{number}"), "name": format!("name-{number} </script><b>"), "scopes": ["models:read"],
            "owner": (!seldom).then_some("ada"), "createdAt": "2026-10-28T08:00:00Z", "expiresAt": expires,
            "lastUsedAt": (!seldom).then_some("2026-11-27T07:00:00Z"), "enabled": true,
            "marker": null, "standing": standing,
        })
    };
    json!({
        "profile": "seeme", "endpoint": "https://api.seeme.ai/api/v1", "identity": null,
        "listedAt": "2026-11-27T08:00:00Z", "tokens": (0..count).map(token).collect::<Vec<_>>(),
    })
}

/// The page of so many tokens.
async fn page(folder: &tempfile::TempDir, count: usize) -> (String, Ran) {
    let from = folder.path().join(format!("{count}.json"));
    let to = folder.path().join(format!("{count}.html"));
    std::fs::write(&from, inventory(count).to_string()).unwrap();
    let (from, to) = (from.to_str().unwrap(), to.to_str().unwrap().to_owned());
    let ran = run(&["report", from, "--out", &to]).await;
    (to, ran)
}

async fn shown(browser: &mut Browser) -> String {
    browser
        .text("document.getElementById('shown').textContent")
        .await
}

async fn rows(browser: &mut Browser) -> Value {
    browser
        .value("document.querySelectorAll('#rows tr').length")
        .await
}

#[tokio::test]
async fn a_page_shows_ten_a_thousand_and_ten_thousand_tokens_and_asks_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let mut browser = Browser::start().await;
    for (count, orphans, drawn, told) in [
        (20, "1 orphan", 20, "1 token"),
        (1000, "50 orphans", 200, "50 tokens"),
        (
            10_000,
            "500 orphans",
            200,
            "500 tokens, the first 200 shown",
        ),
    ] {
        let (path, ran) = page(&folder, count).await;
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        // It also looks whether everything has a name for a screen reader.
        browser.open(&format!("file://{path}")).await;
        assert_eq!(rows(&mut browser).await, json!(drawn));
        let asked = "performance.getEntriesByType('resource').length";
        assert_eq!(browser.value(asked).await, json!(0));
        // What is next to expire comes first, and a name is a name.
        let first = "document.querySelector('#rows th').firstChild.textContent";
        let first = browser.text(first).await;
        let number = first.trim_start_matches("name-").split(' ').next().unwrap();
        assert_eq!(number.parse::<usize>().unwrap() % 20, 2, "{first}");
        assert!(first.ends_with(" </script><b>"), "{first}");
        browser.press(orphans).await;
        assert_eq!(shown(&mut browser).await, told);
        let pressed = "document.querySelector('[aria-pressed=true] span').textContent";
        let pressed = browser.text(pressed).await;
        assert!(orphans.ends_with(&format!(" {pressed}")), "{pressed}");
    }
    browser.close().await;
}

#[tokio::test]
async fn a_page_is_searched_paged_and_used_by_the_keyboard_alone_in_light_and_dark() {
    let folder = tempfile::tempdir().unwrap();
    let mut browser = Browser::start().await;
    let (path, _) = page(&folder, 1000).await;
    browser.open(&format!("file://{path}")).await;
    browser.press("Show 200 more").await;
    assert_eq!(rows(&mut browser).await, json!(400));

    let search = "Search names, ids, scopes, owners, managers and issuers";
    browser.write(search, "id-99 nobody").await;
    assert_eq!(shown(&mut browser).await, "0 tokens");
    assert_eq!(
        browser
            .value("document.getElementById('none').hidden")
            .await,
        json!(false)
    );
    browser
        .value("document.getElementById('search').value = ''")
        .await;
    browser.write(search, "id-998 ADA").await;
    assert_eq!(shown(&mut browser).await, "1 token");
    browser
        .value("document.getElementById('search').value = ''; look()")
        .await;

    browser
        .value("document.querySelector('[data-view=unused]').focus()")
        .await;
    for kind in ["keyDown", "keyUp"] {
        let key = json!({ "type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r" });
        browser.ask("Input.dispatchKeyEvent", key).await;
    }
    assert_eq!(shown(&mut browser).await, "50 tokens");

    let ground = "getComputedStyle(document.body).backgroundColor";
    let mut seen = Vec::new();
    for scheme in ["light", "dark"] {
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        browser.ask("Emulation.setEmulatedMedia", media).await;
        seen.push(browser.text(ground).await);
    }
    assert_eq!(seen, ["rgb(255, 255, 255)", "rgb(20, 23, 28)"]);
    browser.close().await;
}

#[tokio::test]
async fn what_is_no_inventory_is_refused_with_the_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.json");
    for text in [
        "",
        "{}",
        "{\"listedAt\":\"2026-11-27T08:00:00Z\",\"profile\":\"x\",\"tokens\":[{}]}",
    ] {
        std::fs::write(&file, text).unwrap();
        let ran = run(&["report", file.to_str().unwrap()]).await;
        assert_eq!(ran.code, Some(2), "{text}: {}", ran.out);
        assert!(
            ran.err.contains("tokenwright token list -o json"),
            "{}",
            ran.err
        );
    }
}

#[tokio::test]
async fn the_lives_of_tokens_are_in_sight_on_a_laptop_however_long_their_names_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut browser = Browser::start().await;
    let (path, _) = page(&folder, 20).await;
    let text = std::fs::read_to_string(&path).unwrap();
    let long = "a name that somebody chose in a hurry and that goes on and on and on name-";
    std::fs::write(&path, text.replace("name-", long)).unwrap();
    browser.open(&format!("file://{path}")).await;
    let size = json!({ "width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": false });
    browser
        .ask("Emulation.setDeviceMetricsOverride", size)
        .await;
    let right = "Math.round(document.querySelector('#rows .bar').getBoundingClientRect().right)";
    let right = browser.value(right).await.as_u64().unwrap();
    assert!(right < 1280, "a bar ends at {right}");
    // No label of the axis lies over another.
    let clear = "[...document.querySelectorAll('#axis *')].map(it => it.getBoundingClientRect()) \
                 .filter(it => it.width > 0).every((it, at, all) => \
                 all.every((other, to) => at === to || it.right <= other.left || other.right <= it.left))";
    assert_eq!(browser.value(clear).await, json!(true));
    browser.close().await;
}
