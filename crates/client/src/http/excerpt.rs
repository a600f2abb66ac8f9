//! What of a vendor's answer may stand in a log: a short piece without anything that could be a secret.

use zeroize::Zeroizing;

use crate::secret::SecretText;

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

/// The same without these secrets: a password that a person chose looks like any other word.
pub(crate) fn excerpt_without<'a>(
    body: &[u8],
    secrets: impl IntoIterator<Item = &'a SecretText>,
) -> String {
    // The whole of it, since a secret that is cut in two would not be found.
    let mut text = Zeroizing::new(String::from_utf8_lossy(body).into_owned());
    for secret in secrets {
        if let Some(struck) = secret.struck_out(&text) {
            text = Zeroizing::new(struck);
        }
    }
    excerpt(text.as_bytes())
}
