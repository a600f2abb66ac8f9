//! Every reason that a condition, an event or a diagnostic can carry, and every kind of error at an issuer, has
//! its row in the guide, which `tokenwright explain` leads to.

use std::path::Path;

use tokenwright_api::names::told;
use tokenwright_client::ErrorKind;

const GUIDE: &str = "docs/guides/troubleshooting.md";

/// What is written between two comments of the guide.
struct Part {
    begin: &'static str,
    end: &'static str,
    table: String,
}

/// One row for each name: the operator's own word for it, or else the lifecycle's.
fn reasons() -> Part {
    let mut table = "| reason | what it means | what to do |\n|---|---|---|\n".to_owned();
    for (name, told) in told() {
        let place = name.to_lowercase();
        let (sentence, advice) = (told.sentence, told.advice);
        table.push_str(&format!(
            "| <a id=\"{place}\"></a>`{name}` | {sentence} | {advice} |\n"
        ));
    }
    Part {
        begin: "<!-- reasons: written by `cargo xtask generate` -->\n",
        end: "<!-- end of reasons -->\n",
        table,
    }
}

/// One row for each kind. A reason may have the same name, so that its place has another.
fn kinds() -> Part {
    let mut table = "| kind | the message says | what to do |\n|---|---|---|\n".to_owned();
    for kind in ErrorKind::ALL {
        let (name, sentence, advice) = (kind.name(), kind.sentence(), kind.advice());
        let place = name.to_lowercase();
        table.push_str(&format!(
            "| <a id=\"issuer-{place}\"></a>`{name}` | {sentence} | {advice} |\n"
        ));
    }
    Part {
        begin: "<!-- kinds: written by `cargo xtask generate` -->\n",
        end: "<!-- end of kinds -->\n",
        table,
    }
}

impl Part {
    fn put_into(&self, page: &str) -> String {
        let (before, rest) = page.split_once(self.begin).unwrap();
        let (_, after) = rest.split_once(self.end).unwrap();
        format!(
            "{before}{}\n{}\n{}{after}",
            self.begin, self.table, self.end
        )
    }
}

#[test]
fn the_guide_says_of_each_reason_and_kind_of_error_what_it_means_and_what_to_do() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(GUIDE);
    let guide = std::fs::read_to_string(&path).unwrap();
    let fresh = kinds().put_into(&reasons().put_into(&guide));
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
    let reasons = told().into_values();
    let reasons = reasons.map(|told| (told.name, told.sentence.to_owned(), told.advice));
    let kinds = ErrorKind::ALL.into_iter();
    // A kind's sentence goes on after who was asked for what.
    let kinds = kinds.map(|kind| (kind.name(), "The issuer.".to_owned(), kind.advice()));
    for (name, sentence, advice) in reasons.chain(kinds) {
        assert!(
            name.chars().all(|c| c.is_ascii_alphanumeric()),
            "{name} is no reason of a condition"
        );
        for text in [sentence.as_str(), advice] {
            let starts = text.starts_with(|c: char| c.is_uppercase());
            assert!(starts && text.ends_with('.'), "{name}: {text:?}");
            assert!(!text.contains(['|', '\n']), "{name}: {text:?}");
        }
    }
}
