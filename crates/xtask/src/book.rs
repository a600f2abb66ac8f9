//! The documentation as one book: the README and the pages of `docs` as mdBook takes them.
//!
//! A page is the same for a reader of the repository, for Terraform's registry and for the book; what the
//! three want differently is made here: no front matter, and links that stay inside the book or lead to the
//! repository.

use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

/// Where the files of the repository are read that are no pages of the book.
const REPOSITORY: &str = "https://github.com/tokenwright/tokenwright/blob/main";

/// Pages that have another name in the book, by their paths in the repository.
const NAMED: [(&str, &str); 2] = [
    ("README.md", "introduction.md"),
    // The first page of the book is its index.
    ("docs/index.md", "provider.md"),
];

/// Writes pages and pictures of the repository into an empty folder; gives the pages, from there.
///
/// # Errors
///
/// When a file cannot be read or written.
pub fn stage(repository: &Path, target: &Path) -> Result<Vec<PathBuf>> {
    let mut pages = Vec::new();
    let mut open = vec![PathBuf::from("README.md"), PathBuf::from("docs")];
    while let Some(path) = open.pop() {
        let from = repository.join(&path);
        if from.is_dir() {
            for entry in fs::read_dir(&from).with_context(|| format!("cannot list {path:?}"))? {
                open.push(path.join(entry?.file_name()));
            }
            continue;
        }
        let Some(page) = in_book(&path) else { continue };
        let to = target.join(&page);
        fs::create_dir_all(to.parent().unwrap_or(target)).context("cannot make a folder")?;
        match is_page(&path) {
            true => {
                let text = fs::read_to_string(&from);
                let text = text.with_context(|| format!("cannot read {path:?}"))?;
                fs::write(&to, staged(&text, &path, repository)).context("cannot write a page")?;
                pages.push(page);
            }
            false => {
                fs::copy(&from, &to).with_context(|| format!("cannot copy {path:?}"))?;
            }
        }
    }
    pages.sort();
    Ok(pages)
}

fn is_page(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "md")
}

/// The place in the book of a file of the repository, if it is in it.
fn in_book(path: &Path) -> Option<PathBuf> {
    let named = NAMED.iter().find(|(theirs, _)| path == Path::new(theirs));
    match named {
        Some((_, ours)) => Some(PathBuf::from(ours)),
        None => path.strip_prefix("docs").ok().map(Path::to_owned),
    }
}

/// One page, by its path in the repository.
fn staged(text: &str, path: &Path, repository: &Path) -> String {
    let body = match text.strip_prefix("---\n") {
        Some(rest) => rest.split_once("\n---\n").map_or(text, |(_, body)| body),
        None => text,
    };
    let mut parts = body.split("](");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (target, rest) = part.split_once(')').unwrap_or((part, ""));
        out.push_str(&format!("]({}){rest}", link(target, path, repository)));
    }
    out
}

/// Where a link of a page leads in the book.
fn link(target: &str, path: &Path, repository: &Path) -> String {
    let (file, anchor) = match target.split_once('#') {
        Some((file, anchor)) => (file, format!("#{anchor}")),
        None => (target, String::new()),
    };
    if file.is_empty() || file.contains("://") {
        return target.to_owned();
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut led = plain(&folder.join(file));
    // Terraform's registry wants links without an ending.
    if !repository.join(&led).exists() {
        led.set_extension("md");
    }
    let file = in_book(&led).filter(|_| repository.join(&led).is_file());
    let Some(file) = file else {
        return format!("{REPOSITORY}/{}{anchor}", led.display());
    };
    let place = in_book(path).unwrap_or_default();
    let above = place.components().count().saturating_sub(1);
    format!("{}{}{anchor}", "../".repeat(above), file.display())
}

/// A path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::Normal(name) => plain.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::staged;

    #[test]
    fn a_page_of_the_book_has_no_front_matter_and_its_links_stay_inside_or_lead_to_the_repository()
    {
        let repository = tempfile::tempdir().unwrap();
        fs::create_dir_all(repository.path().join("docs/guides")).unwrap();
        fs::create_dir(repository.path().join("examples")).unwrap();
        for page in ["README.md", "docs/index.md", "docs/guides/a.md"] {
            fs::write(repository.path().join(page), "").unwrap();
        }
        let text = "---\ntitle: x\n---\n\n[a](a.md#b) [c](a) [d](../../README.md#e) \
                    [f](https://g/h) [i](#j) [k](../index) [l](../../examples)\n";
        let page = staged(text, Path::new("docs/guides/b.md"), repository.path());
        assert_eq!(
            page,
            "\n[a](../guides/a.md#b) [c](../guides/a.md) [d](../introduction.md#e) \
             [f](https://g/h) [i](#j) [k](../provider.md) \
             [l](https://github.com/tokenwright/tokenwright/blob/main/examples)\n"
        );
        let page = staged(
            "[a](docs/guides/a.md)",
            Path::new("README.md"),
            repository.path(),
        );
        assert_eq!(page, "[a](guides/a.md)");
    }
}
