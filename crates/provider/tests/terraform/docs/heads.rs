//! What the registries read of a page before they show it: its title, its place in the list, and its description.

use std::collections::BTreeMap;
use std::path::Path;

use super::repository;
use crate::examples::LAYOUT;

/// What a title says of a page of each folder.
const KINDS: [(&str, &str); 6] = [
    ("actions", "Action"),
    ("data-sources", "Data Source"),
    ("ephemeral-resources", "Ephemeral Resource"),
    ("functions", "Function"),
    ("list-resources", "List Resource"),
    ("resources", "Resource"),
];

/// Where guides stand in the list: beside the pages of the provider, or under one of these.
const GROUPS: [&str; 4] = ["", "Kubernetes", "Moving", "Systems"];

/// Longer pages are cut.
const LONGEST: u64 = 500_000;

/// The lines between the marks, by their keys; a description stands indented below its own.
fn head(page: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(page).unwrap();
    let text = text.strip_prefix("---\n");
    let text = text.unwrap_or_else(|| panic!("{} has no head", page.display()));
    let (head, body) = text.split_once("\n---\n").unwrap();
    assert!(body.starts_with("\n# "), "{} has no title", page.display());
    let head = head.replace(": |-\n  ", ": ");
    let lines = head.lines().map(|line| {
        let (key, value) = line
            .split_once(": ")
            .unwrap_or_else(|| panic!("{}: {line:?} has no key", page.display()));
        (key.to_owned(), value.trim_matches('"').to_owned())
    });
    lines.collect()
}

/// The names of the files of a folder, without their end.
fn pages(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(repository().join("docs").join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = names.map(|name| {
        let page = name.strip_suffix(".md");
        page.unwrap_or_else(|| panic!("{folder}/{name} is no page"))
            .to_owned()
    });
    names.collect()
}

#[test]
fn every_page_that_a_registry_shows_has_a_title_a_place_and_a_description() {
    let docs = repository().join("docs");
    let mut titles = BTreeMap::new();
    let mut judge = |page: String, title: Option<String>, groups: Option<&[&str]>| {
        let path = docs.join(&page);
        assert!(path.metadata().unwrap().len() < LONGEST, "{page}");
        let mut head = head(&path);
        let told = head.remove("page_title").unwrap_or_default();
        assert!(!told.is_empty(), "{page} has no title");
        assert!(title.is_none_or(|title| told == title), "{page}: {told}");
        let description = head.remove("description").unwrap_or_default();
        assert!(description.ends_with('.'), "{page}: {description:?}");
        let group = head.remove("subcategory");
        let known = match (&group, groups) {
            (Some(group), Some(groups)) => groups.contains(&group.as_str()),
            (group, groups) => group.is_none() && groups.is_none(),
        };
        assert!(known, "{page} is under {group:?}");
        assert!(head.is_empty(), "{page}: nobody reads {head:?}");
        let other = titles.insert(told, page.clone());
        assert!(other.is_none(), "{page} has the title of {other:?}");
    };
    // The first page has no place in the list.
    let of_the_provider = Some("Provider: Tokenwright".to_owned());
    judge("index.md".to_owned(), of_the_provider, None);
    for guide in pages("guides") {
        judge(format!("guides/{guide}.md"), None, Some(&GROUPS));
    }
    assert!(
        KINDS
            .iter()
            .map(|(folder, _)| folder)
            .eq(LAYOUT.iter().map(|(kind, _)| kind))
    );
    for (folder, kind) in KINDS {
        for page in pages(folder) {
            let name = match folder {
                "functions" => page.clone(),
                _ => format!("tokenwright_{page}"),
            };
            let title = format!("{name} {kind} - Tokenwright");
            judge(format!("{folder}/{page}.md"), Some(title), Some(&[""]));
        }
    }
}
