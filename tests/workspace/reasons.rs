//! Every reason that a condition, an event or a diagnostic can carry has its row in the guide.

use std::collections::BTreeMap;
use std::path::Path;

use tokenwright_api::names::reason::ALL;
use tokenwright_core::Reason;

const GUIDE: &str = "docs/guides/troubleshooting.md";
const BEGIN: &str = "<!-- reasons: written by `cargo xtask generate` -->\n";
const END: &str = "<!-- end of reasons -->\n";

/// One row for each name: the operator's own word for it, or else the lifecycle's.
fn table() -> String {
    let decided = Reason::ALL
        .iter()
        .map(|reason| (reason.name(), [reason.sentence(), reason.advice()]));
    let told = ALL
        .iter()
        .map(|told| (told.name, [told.sentence, told.advice]));
    let rows: BTreeMap<_, _> = decided.chain(told).collect();
    let mut table = "| reason | what it means | what to do |\n|---|---|---|\n".to_owned();
    for (name, [sentence, advice]) in rows {
        table.push_str(&format!("| `{name}` | {sentence} | {advice} |\n"));
    }
    table
}

#[test]
fn the_guide_says_of_each_reason_what_it_means_and_what_to_do() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(GUIDE);
    let guide = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = guide.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let fresh = format!("{before}{BEGIN}\n{}\n{END}{after}", table());
    if std::env::var_os("TOKENWRIGHT_UPDATE").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    let guide = std::fs::read_to_string(&path).unwrap();
    assert!(
        guide == fresh,
        "{GUIDE} is stale: `cargo xtask generate` writes it anew"
    );
}

#[test]
fn a_reason_is_a_word_and_its_texts_are_sentences() {
    let decided = Reason::ALL
        .iter()
        .map(|reason| (reason.name(), reason.sentence(), reason.advice()));
    let told = ALL
        .iter()
        .map(|told| (told.name, told.sentence, told.advice));
    for (name, sentence, advice) in decided.chain(told) {
        assert!(
            name.chars().all(|c| c.is_ascii_alphanumeric()),
            "{name} is no reason of a condition"
        );
        for text in [sentence, advice] {
            let starts = text.starts_with(|c: char| c.is_uppercase());
            assert!(starts && text.ends_with('.'), "{name}: {text:?}");
            assert!(!text.contains(['|', '\n']), "{name}: {text:?}");
        }
    }
}
