//! The pictures of the documentation, taken from the program itself.
//!
//! Fonts and browsers draw the same page in other pixels, so none are compared: a picture is stale once
//! what it shows is no longer what it showed, and `TOKENWRIGHT_UPDATE=1` takes it again.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokenwright_testbed::browser::Browser;
use tokio::process::Command;

use crate::clusters::{condition, token, world};
use crate::support::run;

fn file(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(of)
}

/// Whether pictures are taken now, and not looked at.
fn taking() -> bool {
    std::env::var_os("TOKENWRIGHT_UPDATE").is_some()
}

/// Holds what is shown against what was shown when the picture was taken.
fn shows(of: &str, shown: &str) {
    let file = file(of);
    if taking() {
        std::fs::write(&file, shown).unwrap();
    }
    let taken = std::fs::read_to_string(&file).unwrap();
    assert_eq!(
        shown, taken,
        "a picture is stale: TOKENWRIGHT_UPDATE=1 takes it again, then look at it"
    );
}

/// An account with one token of each kind that a page tells apart.
fn account() -> Value {
    let managed = |by: &str| json!({ "is": "managed", "of": by });
    let token = |name: &str,
                 scope: &str,
                 owner: Option<&str>,
                 lives: [&str; 2],
                 used: Option<&str>,
                 standing: Value| {
        let id = name.bytes().fold(7_u32, |id, byte| {
            id.wrapping_mul(31).wrapping_add(byte.into())
        });
        json!({
            "id": format!("key_{id:08x}"), "name": name, "scopes": [scope], "owner": owner,
            "createdAt": lives[0], "expiresAt": lives[1].parse::<Timestamp>().ok(), "lastUsedAt": used,
            "enabled": true, "marker": null, "standing": standing,
        })
    };
    let (ada, today) = (Some("ada@acme.example"), Some("2026-11-27T07:00:00Z"));
    let deploy = "team-a/ApiToken/deploy";
    json!({
        "profile": "seeme", "endpoint": "https://api.seeme.ai/api/v1", "identity": "acme",
        "listedAt": "2026-11-27T08:00:00Z",
        "tokens": [
            token("deploy", "models:write", ada, ["2026-09-02T08:00:00Z", "2026-12-01T08:00:00Z"], today, managed(deploy)),
            token("deploy (next)", "models:write", ada, ["2026-11-26T08:00:00Z", "2027-02-24T08:00:00Z"], today, managed(deploy)),
            token("ci", "models:read", ada, ["2026-09-30T08:00:00Z", "2026-12-29T08:00:00Z"], today, managed("tokenwright_api_token.ci")),
            token("nightly report", "models:read", Some("reports@acme.example"), ["2026-11-01T08:00:00Z", "2027-01-30T08:00:00Z"], Some("2026-11-26T02:00:00Z"), managed("team-b/ApiToken/report")),
            token("web", "models:read", None, ["2026-10-20T08:00:00Z", "2027-01-18T08:00:00Z"], today, json!({ "is": "orphan", "of": "nothing of \"acme\" knows it" })),
            token("test, can go", "models:write", None, ["2026-08-24T08:00:00Z", "never"], None, json!({ "is": "unmarked" })),
        ],
    })
}

#[tokio::test]
async fn the_pictures_of_the_report_show_the_page_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let [from, to] = ["account.json", "tokens.html"].map(|name| folder.path().join(name));
    std::fs::write(&from, account().to_string()).unwrap();
    let (from, to) = (from.to_str().unwrap(), to.to_str().unwrap());
    let ran = run(&["report", from, "--out", to]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);

    let mut browser = Browser::start().await;
    browser.open(&format!("file://{to}")).await;
    let shown = browser.text("document.body.innerText").await;
    // How it looks is in the page, too.
    let page = std::fs::read(to).unwrap();
    shows(
        "tests/golden/report-picture.txt",
        &format!("{shown}\n\npage {}\n", hex(&Sha256::digest(page))),
    );
    if taking() {
        for scheme in ["light", "dark"] {
            let picture = browser.picture(scheme, 1440).await;
            let to = file("../../docs/images").join(format!("report-{scheme}.webp"));
            std::fs::write(to, picture).unwrap();
        }
    }
    browser.close().await;
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn the_picture_of_status_shows_what_a_terminal_shows() {
    let world = world().await;
    let well = || condition("Ready", "True", "Ready", "");
    let stuck = condition(
        "RevokeFailed",
        "True",
        "RevokeFailed",
        "token SCW8Q is still there",
    );
    let refused = condition(
        "Ready",
        "False",
        "CredentialRefused",
        "the issuer refuses the credential",
    );
    for (name, conditions, lives) in [
        ("ci", vec![well()], [58, 28]),
        ("deploy", vec![well(), stuck], [88, 58]),
        ("nightly", vec![well()], [71, 41]),
        ("web", vec![refused], [5, 1]),
    ] {
        let mut token = token(name, &ahead(lives[1]), &conditions);
        token["status"]["current"]["expiresAt"] = json!(ahead(lives[0]));
        world.ours("ApiToken", token).await;
    }
    let seen = on_a_terminal(world.command(&["status"])).await;
    assert!(seen.contains("\u{1b}[32mTrue\u{1b}[0m"), "{seen:?}");
    shows(
        "../../docs/images/status.svg",
        &drawn("tokenwright status", &seen),
    );
}

/// So many days ahead, and long enough that a slow machine reads the same.
#[expect(
    clippy::disallowed_methods,
    reason = "the program reads the clock, too"
)]
fn ahead(days: i64) -> String {
    let now = Timestamp::now();
    let hours = SignedDuration::from_hours(days.saturating_mul(24));
    (now + hours + SignedDuration::from_mins(30)).to_string()
}

/// What a command writes where it finds a terminal, an emulated one.
async fn on_a_terminal(command: Command) -> String {
    let command = command.as_std();
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let line: Vec<&str> = words.map(|word| word.to_str().unwrap()).collect();
    let kept = command
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    let output = Command::new("script")
        .args([
            "--quiet",
            "--return",
            "--command",
            &line.join(" "),
            "/dev/null",
        ])
        .env_clear()
        .env("TERM", "xterm")
        .env("PATH", std::env::var_os("PATH").unwrap())
        .envs(kept)
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    String::from_utf8(output.await.unwrap().stdout)
        .unwrap()
        .replace("\r\n", "\n")
}

/// A terminal as a picture whose text can be read, searched and compared.
fn drawn(typed: &str, shown: &str) -> String {
    const LINE: usize = 20;
    let lines: Vec<String> = [format!("\u{1b}[2m$\u{1b}[0m {typed}")]
        .into_iter()
        .chain(shown.lines().map(str::to_owned))
        .collect();
    let longest = lines.iter().map(|line| plain(line).chars().count()).max();
    // Digits and letters of a font of 13 pixels are about 8 wide.
    let width = longest.unwrap_or(0) * 8 + 32;
    let height = lines.len() * LINE + 24;
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{typed}, on a terminal\">\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#14171c\"/>\n\
         <g font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"13\" fill=\"#e4e7ec\">\n"
    );
    for (at, line) in lines.iter().enumerate() {
        let y = at * LINE + 28;
        let _ = writeln!(
            picture,
            "<text xml:space=\"preserve\" x=\"16\" y=\"{y}\">{}</text>",
            spans(line)
        );
    }
    picture + "</g>\n</svg>\n"
}

/// A line without its colours.
fn plain(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(part.split_once('m').unwrap().1);
    }
    text
}

/// A line whose colours are those of the picture.
fn spans(line: &str) -> String {
    let escaped = line
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let mut parts = escaped.split("\u{1b}[");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_once('m').unwrap();
        let style = match code {
            "0" => "</tspan>",
            "1" => "<tspan font-weight=\"bold\">",
            "2" => "<tspan fill=\"#9ba4b3\">",
            "31" => "<tspan fill=\"#f28b82\">",
            "32" => "<tspan fill=\"#62bf88\">",
            "33" => "<tspan fill=\"#f0a83c\">",
            other => panic!("a terminal shows {other} in {line:?}"),
        };
        text.push_str(style);
        text.push_str(rest);
    }
    text
}
