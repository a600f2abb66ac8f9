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
    let mut count = 0;
    for page in ["peers", "kubernetes-peers", "security"] {
        for path in held_by(page) {
            let name = path.rsplit("::").next().unwrap_or(&path);
            assert!(there.contains(name), "{page}: there is no test {name}");
            count += 1;
        }
    }
    assert!(count > 40, "{count}");
}

#[test]
fn each_test_of_the_table_about_operators_is_linked_where_it_stands() {
    let mut count = 0;
    let page = read("docs/guides/kubernetes-peers.md");
    for link in page.split("[`").skip(1) {
        let (name, rest) = link.split_once("`](../../").unwrap();
        let (path, _) = rest.split_once(')').unwrap();
        assert!(
            read(path).contains(&format!("fn {name}(")),
            "{name}: {path}"
        );
        count += 1;
    }
    assert_eq!(count, held_by("kubernetes-peers").len());
}

/// The tests that the rows of a page say hold them.
fn held_by(page: &str) -> Vec<String> {
    let text = read(&format!("docs/guides/{page}.md"));
    let tables = text.split("| held by |\n").skip(1);
    let rows = tables.flat_map(|table| table.lines().take_while(|row| row.starts_with('|')));
    let cells = rows.filter_map(|row| row.trim_end_matches([' ', '|']).rsplit(" | ").next());
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.map(str::to_owned).collect()
}

/// Where tests stand that run on one core or none; the page about peers says of each why.
const NOT_ON_BOTH: [&str; 3] = ["newest", "go_host", "token::tests"];

/// The suite that is run on Terraform, and once more on OpenTofu, and the one that has both in each run.
const ON_BOTH: [&str; 2] = ["crates/provider/tests/terraform", "tests/install"];

/// What a test asks for that needs a certain core.
const ONE_CORE: &str = "new_terraform()";

#[test]
fn what_holds_a_row_about_peers_runs_on_both_cores_or_the_page_says_why_not() {
    let page = read("docs/guides/peers.md");
    for place in NOT_ON_BOTH {
        assert!(page.contains(&format!("those of `{place}` ")), "{place}");
    }
    let on_both = read("crates/xtask/src/commands/test.rs");
    assert!(on_both.contains("fn run_provider_on_tofu"));
    let held = held_by("peers");
    let is_in = |path: &str, place: &str| path.starts_with(&format!("{place}::"));
    for place in NOT_ON_BOTH {
        let any = held.iter().any(|path| is_in(path, place));
        assert!(any, "no row needs an excuse for {place}");
    }
    let excused = |path: &String| NOT_ON_BOTH.iter().any(|place| is_in(path, place));
    for path in held.iter().filter(|path| !excused(path)) {
        let [suite, guides] = ON_BOTH;
        let (file, name) = match path.rsplit_once("::") {
            Some((module, name)) => (format!("{suite}/{}.rs", module.replace("::", "/")), name),
            None => (format!("{guides}/moving.rs"), path.as_str()),
        };
        let text = read(&file);
        let test = format!("fn {name}(");
        let (before, _) = text
            .split_once(&test)
            .unwrap_or_else(|| panic!("{file} has no {name}"));
        let is_test = before.trim_end().lines().rev().take(2);
        let is_test = is_test.into_iter().any(|line| line.starts_with("#["));
        assert!(is_test, "{name} is no test");
        assert!(!text.contains(ONE_CORE), "{file} needs a certain core");
    }
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
