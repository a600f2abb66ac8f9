//! Guides that list what the program knows: each alert, and each kind of error at an issuer.

use std::fs;
use std::path::Path;

use tokenwright_client::ErrorKind;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(path).unwrap()
}

/// The first cells of the rows of all tables of a page, without their code marks.
fn rows(page: &str) -> Vec<String> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split_once('`'))
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[test]
fn the_guide_to_operations_says_of_each_alert_what_to_do() {
    let alerts = read("charts/tokenwright/files/metrics/alerts.yaml");
    let alerts = alerts
        .lines()
        .filter_map(|line| line.split_once("- alert: "));
    let alerts: Vec<&str> = alerts.map(|(_, name)| name).collect();
    assert!(alerts.len() >= 10, "{alerts:?}");
    let told = rows(&read("docs/guides/operations.md"));
    for alert in &alerts {
        assert!(told.iter().any(|row| row == alert), "{alert} has no row");
    }
    let unknown: Vec<_> = told
        .iter()
        .filter(|row| row.starts_with("Tokenwright") && !alerts.contains(&row.as_str()))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?} are no alerts");
}

/// Every kind; the match below does not compile without a new one.
fn kinds() -> Vec<ErrorKind> {
    let wait = jiff::SignedDuration::from_secs(1);
    let all = vec![
        ErrorKind::NotFound,
        ErrorKind::Unauthenticated,
        ErrorKind::Forbidden,
        ErrorKind::Invalid,
        ErrorKind::Conflict,
        ErrorKind::LimitReached,
        ErrorKind::RateLimited { retry_after: None },
        ErrorKind::Unavailable,
        ErrorKind::Paused { wait },
        ErrorKind::OutcomeUnknown,
        ErrorKind::AnswerNotUnderstood,
    ];
    for kind in &all {
        match kind {
            ErrorKind::NotFound
            | ErrorKind::Unauthenticated
            | ErrorKind::Forbidden
            | ErrorKind::Invalid
            | ErrorKind::Conflict
            | ErrorKind::LimitReached
            | ErrorKind::RateLimited { .. }
            | ErrorKind::Unavailable
            | ErrorKind::Paused { .. }
            | ErrorKind::OutcomeUnknown
            | ErrorKind::AnswerNotUnderstood => {}
        }
    }
    all
}

#[test]
fn troubleshooting_finds_each_sentence_about_an_issuer() {
    let page = read("docs/guides/troubleshooting.md");
    for kind in kinds() {
        let row = format!("| `{}` | {} | ", kind.name(), kind.sentence());
        assert!(page.contains(&row), "there is no row {row:?}");
    }
}
