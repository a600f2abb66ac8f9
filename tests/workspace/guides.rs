//! Guides that list what the program knows, and what becomes of the commands that they show.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use xtask::guide::{Action, Page, When};

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

/// The suites in which somebody follows pages to the letter.
const FOLLOWERS: [&str; 4] = [
    "tests/install/guide.rs",
    "tests/install/guides.rs",
    "tests/install/moving.rs",
    "tests/control_plane/guide.rs",
];

#[test]
fn every_command_of_a_page_is_followed_by_a_test_or_says_why_it_is_not() {
    let followers = FOLLOWERS.map(read).concat();
    let packed: String = followers.split_whitespace().collect();
    let mut faults = Vec::new();
    let mut followed = 0;
    for (page, text) in super::names::pages() {
        let name = page.to_string_lossy().into_owned();
        let (_, name) = name.split_once("/../").unwrap();
        // The guides from other providers are followed alike, each by its name.
        let moving = name.strip_prefix("docs/guides/moving-");
        let moving = moving.and_then(|name| name.strip_suffix(".md"));
        let moving = moving.is_some_and(|from| packed.contains(&format!("From({from:?}")));
        if moving || followers.contains(&format!("{name:?}")) {
            followed += 1;
            continue;
        }
        for block in Page::read(&text).0 {
            // A block with prompts is a sample of what is printed: its commands and sentences are looked up.
            let typed = matches!(&block.action, Action::Type(typed) if text.contains(&format!("```console\n{typed}")));
            if typed && !matches!(block.when, When::Elsewhere(_)) {
                faults.push(format!("{name}:{}: {:?}", block.line, block.heading));
            }
        }
    }
    assert_eq!(followed, 28, "a follower names a page that is not there");
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The names of all functions below a folder.
fn functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let named = text.split("fn ").skip(1);
            let name = |rest: &str| {
                rest.split(['(', '<'])
                    .next()
                    .map(|name| name.trim().to_owned())
            };
            found.extend(named.filter_map(name));
        }
    }
}

#[test]
fn each_test_that_a_table_says_holds_it_is_there() {
    let mut there = BTreeSet::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for crate_ in fs::read_dir(root.join("crates")).unwrap() {
        for folder in ["src", "tests"] {
            let folder = crate_.as_ref().unwrap().path().join(folder);
            if folder.is_dir() {
                functions(&folder, &mut there);
            }
        }
    }
    functions(&root.join("tests"), &mut there);
    let mut held = 0;
    for page in ["peers", "kubernetes-peers", "security"] {
        let text = read(&format!("docs/guides/{page}.md"));
        let tables = text.split("| held by |\n").skip(1);
        let rows = tables.flat_map(|table| table.lines().take_while(|row| row.starts_with('|')));
        for row in rows {
            let cells = row.trim_end_matches([' ', '|']).rsplit(" | ").next();
            for name in cells.unwrap_or_default().split('`').skip(1).step_by(2) {
                let name = name.rsplit("::").next().unwrap_or(name);
                assert!(there.contains(name), "{page}: there is no test {name}");
                held += 1;
            }
        }
    }
    assert!(held > 40, "{held}");
}

#[test]
fn each_peer_of_the_table_has_the_page_that_tells_what_it_has() {
    let text = read("docs/guides/peers.md");
    let (_, table) = text.split_once("| said by |\n").unwrap();
    let rows = table.lines().skip(1).take_while(|row| row.starts_with('|'));
    let said = rows.map(|row| row.trim_end_matches([' ', '|']).rsplit(" | ").next());
    let said: Vec<_> = said.map(Option::unwrap_or_default).collect();
    assert!(said.len() > 15, "{said:?}");
    for page in said {
        assert!(page.starts_with('[') && page.ends_with(')'), "{page}");
    }
}
