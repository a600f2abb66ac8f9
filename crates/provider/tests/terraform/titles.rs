//! The page about what Terraform says has each title that the provider gives a diagnostic, and no other:
//! `tokenwright explain` reads it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What a title stands behind.
const BEFORE: [&str; 12] = [
    ".error(",
    ".error_at(",
    ".warning(",
    ".warning_at(",
    "summary = ",
    "advice(diags, ",
    "fn not_minted",
    "fn not_done",
    "fn not_known",
    "fn cannot(",
    "Unfit::new(",
    "[one, other] => (",
];

/// What gives one from what was to be done, which stands where it is made.
const MAKES: &str = "diagnostics::not_done(";

/// Of Terraform itself.
const ITS_OWN: &str = "Saved plan is stale";
/// Of whoever writes a provider, and never of one that starts.
const OF_DEVELOPERS: &str = "The schema cannot be used";

/// The first cell of each row of the page, `…` for what differs.
fn rows() -> Vec<String> {
    let page =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides/terraform-messages.md");
    let page = std::fs::read_to_string(page).unwrap();
    let cells = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let titles = cells.filter(|cell| cell.contains('`'));
    titles.map(|title| title.replace('`', "")).collect()
}

fn files(folder: PathBuf, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        match path.is_dir() {
            true if name != "tests" && name != "generated" => files(path, found),
            false if name != "tests.rs" => found.push(std::fs::read_to_string(path).unwrap()),
            _ => {}
        }
    }
}

/// The first text of a statement.
fn first_text(statement: &str) -> Option<String> {
    let (_, text) = statement.split_once('"')?;
    let mut read = String::new();
    let mut letters = text.chars();
    loop {
        match letters.next()? {
            '"' => return Some(read),
            '\\' => read.extend(letters.next()),
            letter => read.push(letter),
        }
    }
}

/// What differs as `…`. A detail is a sentence, or several.
fn title(text: &str) -> Option<String> {
    let mut parts = text.split('{');
    let mut title = parts.next()?.to_owned();
    for part in parts {
        title = format!("{title}…{}", part.split_once('}')?.1);
    }
    let is_sentence = title.ends_with('.') || title.contains(". ");
    (!is_sentence && title.contains(char::is_lowercase)).then_some(title)
}

/// The titles that the sources give.
fn given() -> BTreeSet<String> {
    let mut sources = Vec::new();
    for folder in ["src", "../tfplugin/src"] {
        files(
            Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
            &mut sources,
        );
    }
    let mut titles = BTreeSet::new();
    for source in &sources {
        let code = source.split("#[cfg(test)]").next().unwrap();
        for before in BEFORE {
            for after in code.split(before).skip(1) {
                // A function ends without one.
                let after = after.split("\n}\n").next().unwrap();
                let statement = after.split(';').next().unwrap();
                if statement.starts_with(MAKES) {
                    continue;
                }
                titles.extend(first_text(statement).and_then(|text| title(&text)));
            }
        }
    }
    titles
}

/// Whether a row means a title: each of its words stands there, in this order, and the first or the last at its end.
fn means(row: &str, title: &str) -> bool {
    let mut parts = row.split('…').map(str::trim);
    let begins = parts.next().unwrap();
    let Some(mut rest) = title.strip_prefix(begins) else {
        return false;
    };
    let mut last = begins;
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        (rest, last) = (after, part);
    }
    !begins.is_empty() || title.ends_with(last)
}

#[test]
fn the_page_of_messages_has_each_title_that_the_provider_gives_and_no_other() {
    let (rows, given) = (rows(), given());
    assert!(given.len() > 100, "{given:?}");
    // What was to be done to a token.
    let done = ["changed", "enabled", "disabled", "revoked"];
    let told = given
        .iter()
        .flat_map(|title| match title.strip_suffix(" was not …") {
            Some(token) => done.map(|done| format!("{token} was not {done}")).to_vec(),
            None => vec![title.clone()],
        });
    let told: Vec<_> = told.collect();
    for title in told.iter().filter(|title| *title != OF_DEVELOPERS) {
        assert!(
            rows.iter().any(|row| means(row, title)),
            "the page lacks {title:?}"
        );
    }
    for row in rows.iter().filter(|row| *row != ITS_OWN) {
        assert!(
            told.iter().any(|title| means(row, title)),
            "nobody says {row:?}"
        );
    }
}
