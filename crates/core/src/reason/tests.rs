//! The names and sentences are API: a change shows here, and is made on purpose.

use std::fmt::Write as _;
use std::path::Path;

use super::*;

#[test]
fn names_and_sentences_stay_as_released() {
    let mut table = String::new();
    for reason in Reason::ALL {
        let (name, sentence, advice) = (reason.name(), reason.sentence(), reason.advice());
        writeln!(table, "{name:<22} {sentence}\n{:<22} {advice}", "").unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/reason/reasons.txt");
    if std::env::var_os("TOKENWRIGHT_UPDATE").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(table, golden, "TOKENWRIGHT_UPDATE=1 writes it anew");
}
