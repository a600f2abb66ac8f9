//! The documentation names a test for each way in which the world misbehaves, and for each thing that somebody
//! cannot do to it; each of them is there.

use std::fs;
use std::path::{Path, PathBuf};

/// The tables: the page, the heading, the column that names the tests, and how many there are at least.
const TABLES: &[(&str, &str, usize, usize)] = &[
    (
        "README.md",
        "## What it does when the world misbehaves",
        3,
        45,
    ),
    (
        "docs/guides/security.md",
        "## Who can do what at worst",
        4,
        10,
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The names in one column of a section's table.
fn named(page: &str, heading: &str, column: usize) -> Vec<String> {
    let page = fs::read_to_string(root().join(page)).unwrap();
    let (_, section) = page.split_once(heading).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| "));
    let cells = rows.skip(1).filter_map(|row| row.split('|').nth(column));
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.map(str::to_owned).collect()
}

fn sources(folder: &Path, found: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

/// Whether there is a function of this name that the test runner calls.
fn is_a_test(all: &str, name: &str) -> bool {
    let function = format!("fn {name}(");
    let mut places = all.match_indices(&function);
    places.any(|(at, _)| {
        let before = all[..at].rsplit_once('\n').map_or("", |(before, _)| before);
        let mut marks = before
            .lines()
            .rev()
            .map(str::trim)
            .take_while(|line| line.starts_with("#[") || line.starts_with("//"));
        marks.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    })
}

#[test]
fn every_test_that_the_documentation_names_is_there() {
    let mut all = String::new();
    for folder in ["crates", "tests"] {
        sources(&root().join(folder), &mut all);
    }
    for (page, heading, column, least) in TABLES {
        let named = named(page, heading, *column);
        assert!(named.len() >= *least, "{page}: {named:#?}");
        let missing: Vec<_> = named.iter().filter(|name| !is_a_test(&all, name)).collect();
        assert!(missing.is_empty(), "{page}: no such test: {missing:#?}");
    }
}

#[test]
fn a_function_that_is_no_test_holds_nothing() {
    let all = "#[test]\nfn held() {}\n\nfn helper() {}\n\n    #[tokio::test(x)]\n    async fn later() {}\n";
    let tests = ["held", "helper", "later", "gone"].map(|name| is_a_test(all, name));
    assert_eq!(tests, [true, false, true, false]);
}
