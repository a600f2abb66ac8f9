//! What of a vendor's answer may stand in a log: a short piece without anything that could be a secret.

/// The most characters of an excerpt: a sentence or two.
const MAX: usize = 200;
/// A run of so many characters of the kind that keys are made of is taken for one.
const LONGEST_WORD: usize = 15;

/// A short, redacted piece of a body. Not for the answer of a mint that worked.
#[must_use]
pub fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(MAX * 4)]);
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_ascii_alphanumeric() || "-_+/=.~".contains(c) {
            word.push(c);
            continue;
        }
        match word.chars().count() > LONGEST_WORD {
            true => out.push_str("[redacted]"),
            false => out.push_str(&word),
        }
        word.clear();
        out.push(if c.is_control() { ' ' } else { c });
    }
    let out = out.trim();
    match out.char_indices().nth(MAX) {
        Some((cut, _)) => format!("{}…", &out[..cut]),
        None => out.to_owned(),
    }
}
