//! Every link of the documentation leads somewhere: to a file that is there, and to a heading that it has.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The Markdown that people read, without what is built or vendored.
fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "node_modules" {
                pages(&path, found);
            }
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}

/// A page without its fenced code, whose brackets are no links and whose comments are no headings.
pub(crate) fn prose(text: &str) -> String {
    let mut fence: Option<&str> = None;
    let mut kept = String::new();
    for line in text.lines() {
        let start = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|m| start.starts_with(m));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, None) => {
                kept.push_str(line);
                kept.push('\n');
            }
            (Some(_), _) => {}
        }
    }
    kept
}

/// The targets of `[text](target)`, outside of code spans.
pub(crate) fn links(prose: &str) -> Vec<String> {
    let without_code: String = prose
        .lines()
        .map(|line| line.split('`').step_by(2).collect::<Vec<_>>().join("x") + "\n")
        .collect();
    let targets = without_code.split("](").skip(1);
    let targets = targets.filter_map(|rest| rest.split_once(')'));
    targets
        .map(|(target, _)| target.split_whitespace().next().unwrap_or("").to_owned())
        .collect()
}

/// The anchors of a page: those that it names itself, and those of its headings, as GitHub makes them.
fn anchors(prose: &str) -> BTreeSet<String> {
    let named = prose.split("<a id=\"").skip(1);
    let named = named.filter_map(|rest| rest.split_once('"'));
    let named = named.map(|(id, _)| id.to_owned());
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    let texts = headings.map(|line| line.trim_start_matches('#').trim().to_lowercase());
    let kept = |c: char| c.is_alphanumeric() || c == ' ' || c == '-' || c == '_';
    texts
        .map(|text| text.chars().filter(|c| kept(*c)).collect::<String>())
        .map(|text| text.replace(' ', "-"))
        .chain(named)
        .collect()
}

/// What is wrong with one link of a page, if anything is.
fn fault(page: &Path, target: &str) -> Option<String> {
    if target.starts_with("https://") || target.starts_with("http://") {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file = match file.is_empty() {
        true => page.to_owned(),
        // The registry's pages link to each other without their ending.
        false => page.parent().unwrap().join(file),
    };
    let file = match file.exists() {
        true => file,
        false => file.with_extension("md"),
    };
    if !file.exists() {
        return Some(format!("{}: {target} is not there", page.display()));
    }
    if anchor.is_empty() || file.extension().is_none_or(|ending| ending != "md") {
        return None;
    }
    let has = anchors(&prose(&fs::read_to_string(&file).unwrap())).contains(anchor);
    (!has).then(|| format!("{}: {target} has no such heading", page.display()))
}

#[test]
fn every_link_of_the_documentation_leads_to_a_file_and_a_heading_that_are_there() {
    let mut found = Vec::new();
    pages(&root(), &mut found);
    let mut count = 0;
    let mut faults = Vec::new();
    for page in &found {
        let text = prose(&fs::read_to_string(page).unwrap());
        for target in links(&text) {
            count += 1;
            faults.extend(fault(page, &target));
        }
    }
    assert!(count >= 60, "{count} links in {} pages", found.len());
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_link_to_a_file_or_a_heading_that_is_not_there_is_found() {
    let page = root().join("README.md");
    assert_eq!(fault(&page, "docs/profiles.md"), None);
    assert_eq!(fault(&page, "https://example.com/nowhere"), None);
    assert!(fault(&page, "docs/profile.md").is_some());
    assert!(fault(&page, "#no-such-heading").is_some());
    assert!(fault(&page, "docs/profiles.md#no-such-heading").is_some());
    assert_eq!(links("see [this](a.md#b) and `[not](that.md)`"), ["a.md#b"]);
    assert_eq!(links(&prose("```\n[no](x)\n```\n")), [""; 0]);
}
