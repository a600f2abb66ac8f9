//! A real browser, driven over the two pipes that Chromium offers for that: no port, no driver.
//!
//! For tests alone: what a page does not have ends the test at once.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "it fails as the tests do that it is for"
)]

use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::tools::chromium;

/// A cold start on a busy machine takes its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// One browser with one page; it ends when it is dropped.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    page: Option<String>,
    last: u64,
    /// The document that is looked at, and the one that has come last, also while something else was waited for.
    shown: Value,
    loaded: Value,
    /// Declared after the child, so that the browser is gone before its folder.
    _profile: TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // None where it has ended in its own way.
        if let Some(pid) = self.child.id() {
            let _ = std::process::Command::new("kill")
                .args(["-KILL", "--", &format!("-{pid}")])
                .status();
        }
    }
}

impl Browser {
    /// Starts it with an empty profile and an empty page.
    ///
    /// # Panics
    ///
    /// Where Chromium is missing or does not start.
    #[must_use]
    pub async fn start() -> Self {
        let program = chromium().expect("the console is tested in a real browser");
        let profile = tempfile::tempdir().unwrap();
        // Chromium reads commands from descriptor 3 and answers on 4.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null"])
            .arg(program)
            .args([
                "--headless=new",
                "--remote-debugging-pipe",
                "--no-first-run",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                // Containers seldom allow its sandbox; it sees nothing here but our own pages.
                "--no-sandbox",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A group of its own, so that a failed test can end all of the browser.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut browser = Self {
            to: child.stdin.take().unwrap(),
            from: BufReader::new(child.stdout.take().unwrap()),
            child,
            page: None,
            last: 0,
            shown: Value::Null,
            loaded: Value::Null,
            _profile: profile,
        };
        let target = browser
            .ask("Target.createTarget", json!({ "url": "about:blank" }))
            .await;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.ask("Target.attachToTarget", attach).await;
        browser.page = attached["sessionId"].as_str().map(str::to_owned);
        browser.ask("Page.enable", json!({})).await;
        // A page reads the clipboard only where it is looked at, which a page without a screen may not be.
        for what in [
            "Page.setLifecycleEventsEnabled",
            "Emulation.setFocusEmulationEnabled",
        ] {
            browser.ask(what, json!({ "enabled": true })).await;
        }
        browser
    }

    /// Ends the browser in its own way, so that all its processes are gone.
    pub async fn close(mut self) {
        self.page = None;
        self.ask("Browser.close", json!({})).await;
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("the browser does not end").unwrap();
    }

    /// Asks for one thing in the words of the DevTools protocol.
    pub async fn ask(&mut self, method: &str, parameters: Value) -> Value {
        let id = self.send(method, parameters).await;
        loop {
            let answer = self.read().await;
            if answer["id"] == id {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    async fn send(&mut self, method: &str, parameters: Value) -> u64 {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": parameters });
        if let Some(page) = &self.page {
            message["sessionId"] = json!(page);
        }
        let mut bytes = serde_json::to_vec(&message).unwrap();
        bytes.push(0);
        self.to.write_all(&bytes).await.unwrap();
        self.last
    }

    async fn read(&mut self) -> Value {
        let mut bytes = Vec::new();
        let read = self.from.read_until(0, &mut bytes);
        let read = tokio::time::timeout(PATIENCE, read).await;
        assert!(
            read.expect("the browser is silent").unwrap() > 0,
            "the browser is gone"
        );
        bytes.pop();
        let message: Value = serde_json::from_slice(&bytes).unwrap();
        if message["method"] == "Page.lifecycleEvent" && message["params"]["name"] == "load" {
            self.loaded = message["params"]["loaderId"].clone();
        }
        message
    }

    /// Looks at the document that has come.
    async fn arrived(&mut self) {
        self.shown = self.loaded.clone();
        self.everything_has_a_name().await;
    }

    /// Opens a page and waits for it.
    pub async fn open(&mut self, url: &str) {
        // Another document may come before it: the empty one that the browser began with.
        let navigated = self.ask("Page.navigate", json!({ "url": url })).await;
        while self.loaded != navigated["loaderId"] {
            self.read().await;
        }
        self.arrived().await;
    }

    /// What an expression is in the page.
    pub async fn value(&mut self, expression: &str) -> Value {
        let parameters = json!({
            "expression": expression, "returnByValue": true, "awaitPromise": true, "userGesture": true,
        });
        let result = self.ask("Runtime.evaluate", parameters).await;
        assert!(
            result["exceptionDetails"].is_null(),
            "{expression}: {result}"
        );
        result["result"]["value"].clone()
    }

    /// The same where it is a text.
    pub async fn text(&mut self, expression: &str) -> String {
        let value = self.value(expression).await;
        let text = value.as_str();
        text.unwrap_or_else(|| panic!("{expression} is {value}"))
            .to_owned()
    }

    /// Presses the mouse on what carries this text: a link, a button or a label.
    pub async fn press(&mut self, words: &str) {
        let place = format!(
            "(() => {{
                const plain = (element) => element.textContent.trim().replace(/\\s+/g, ' ');
                const found = [...document.querySelectorAll('a, button, label')]
                    .filter((element) => plain(element) === {words:?});
                if (found.length !== 1) return null;
                found[0].scrollIntoView();
                const box = found[0].getBoundingClientRect();
                return {{ x: box.x + box.width / 2, y: box.y + box.height / 2 }};
            }})()"
        );
        let place = self.value(&place).await;
        assert!(
            place.is_object(),
            "nothing, or more than one thing, says {words}"
        );
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({
                "type": kind, "x": place["x"], "y": place["y"], "button": "left", "clickCount": 1,
            });
            self.ask("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Presses what leads to another page, and waits for it.
    pub async fn follow(&mut self, words: &str) {
        self.press(words).await;
        while self.loaded == self.shown {
            self.read().await;
        }
        self.arrived().await;
    }

    /// Writes into the field with this label, as a keyboard does.
    pub async fn write(&mut self, label: &str, text: &str) {
        self.press(label).await;
        self.ask("Input.insertText", json!({ "text": text })).await;
    }

    async fn resize(&mut self, width: u32, height: &Value) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1.5, "mobile": false });
        self.ask("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// The whole page as a WebP picture of so many pixels across, in `light` or in `dark`.
    pub async fn picture(&mut self, scheme: &str, width: u32) -> Vec<u8> {
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.ask("Emulation.setEmulatedMedia", media).await;
        self.resize(width, &json!(1)).await;
        // As high as what stands in it at that width.
        let height = self.value("document.documentElement.scrollHeight").await;
        self.resize(width, &height).await;
        let kind = json!({ "format": "webp", "quality": 80 });
        let taken = self.ask("Page.captureScreenshot", kind).await;
        BASE64.decode(taken["data"].as_str().unwrap()).unwrap()
    }

    /// What a screen reader finds: no control, table or landmark may be without a name.
    async fn everything_has_a_name(&mut self) {
        let tree = self.ask("Accessibility.getFullAXTree", json!({})).await;
        for node in tree["nodes"].as_array().unwrap() {
            let role = node["role"]["value"].as_str().unwrap_or_default();
            let named = [
                "link",
                "button",
                "textbox",
                "checkbox",
                "table",
                "group",
                "navigation",
                "heading",
                "RootWebArea",
            ];
            let ignored = node["ignored"] == true;
            if !ignored && named.contains(&role) {
                let name = node["name"]["value"].as_str().unwrap_or_default();
                assert!(!name.trim().is_empty(), "a {role} has no name: {node}");
            }
        }
    }
}
