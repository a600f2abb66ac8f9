//! The book: every page is in its table of contents, and no link of a page leads out of what is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use xtask::book::stage;

use super::links::{links, prose};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn every_page_is_in_the_table_of_contents_once_and_every_link_of_the_book_leads_somewhere() {
    let book = tempfile::tempdir().unwrap();
    let pages = stage(&root(), book.path()).unwrap();
    let contents = fs::read_to_string(book.path().join("SUMMARY.md")).unwrap();
    let listed = links(&contents);
    let pages: Vec<String> = pages
        .iter()
        .map(|page| page.display().to_string())
        .collect();
    for page in pages.iter().filter(|page| *page != "SUMMARY.md") {
        let count = listed.iter().filter(|one| *one == page).count();
        assert_eq!(count, 1, "docs/SUMMARY.md does not list {page} once");
    }

    let mut faults = BTreeSet::new();
    for page in &pages {
        let text = fs::read_to_string(book.path().join(page)).unwrap();
        assert!(!text.starts_with("---\n"), "{page} has front matter");
        let folder = book.path().join(page);
        let folder = folder.parent().unwrap();
        for link in links(&prose(&text)) {
            let file = link.split('#').next().unwrap_or_default();
            let outside = file.is_empty() || file.contains("://");
            if !outside && !folder.join(file).is_file() {
                faults.insert(format!("{page}: {link}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
