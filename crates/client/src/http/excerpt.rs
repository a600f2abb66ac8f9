//! What of a vendor's answer may be shown: in a log a short piece without anything that could be a secret, to
//! the person who asked the vendor's own sentence without the secrets that were sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::secret::SecretText;

/// The most characters of an excerpt: a sentence or two.
const MAX: usize = 200;
/// A run of so many characters of the kind that keys are made of is taken for one.
const LONGEST_WORD: usize = 15;
/// The most characters of what is said of an object.
const LONGEST_SAID: usize = 500;
/// Values of an object that are looked for in what is said of it have no more bytes, and are no more.
const LONGEST_QUOTED: usize = 4 << 10;
const MOST_QUOTED: usize = 16;
/// No Secret of Kubernetes has more bytes.
const LONGEST_SECRET: usize = 1024 * 1024;

/// Whether a character is no letter to be read, but tells whoever shows it what to do: controls, and those that
/// turn or hide what stands around them, so that one text looks like another.
#[must_use]
pub fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

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
        out.push(if steers(c) { ' ' } else { c });
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
    // More than is shown, since a secret that is cut in two would not be found.
    let body = &body[..body.len().min(MAX * 4 + LONGEST_SECRET)];
    let mut text = Zeroizing::new(String::from_utf8_lossy(body).into_owned());
    for secret in secrets {
        if let Some(struck) = secret.struck_out(&text) {
            text = Zeroizing::new(struck);
        }
    }
    excerpt(text.as_bytes())
}

/// The vendor's own sentence on one line, cut, without these secrets and without longer pieces of them. What
/// looks like a key is no word of a sentence either.
pub(crate) fn sentence_without<'a>(
    text: &str,
    secrets: impl IntoIterator<Item = &'a SecretText>,
) -> String {
    line_without(text, secrets, MAX)
}

fn line_without<'a>(
    text: &str,
    secrets: impl IntoIterator<Item = &'a SecretText>,
    longest: usize,
) -> String {
    // What lies behind is cut anyway; a secret that is cut in two here is found as a piece.
    let head: String = text.chars().take(longest.saturating_mul(4)).collect();
    let mut head = Zeroizing::new(head);
    for secret in secrets {
        if let Some(struck) = secret.struck_out(&head) {
            head = Zeroizing::new(struck);
        }
        if let Some(struck) = secret.pieces_struck_out(&head) {
            head = Zeroizing::new(struck);
        }
    }
    let words: Vec<_> = head.split_whitespace().map(shown_word).collect();
    let line: String = words.join(" ");
    let line = line.chars().filter(|c| !steers(*c));
    let line: String = line.collect();
    match line.char_indices().nth(longest) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}

/// What somebody says of an object that holds these values, such as a policy that refuses a Secret: it may quote
/// them, as they are or in base64.
#[must_use]
pub fn said_without<'a>(text: &str, values: impl IntoIterator<Item = &'a [u8]>) -> String {
    // Pieces of one are looked for, which takes its time; a longer one is not quoted whole.
    let tokens = values
        .into_iter()
        .filter(|value| value.len() <= LONGEST_QUOTED);
    let forms = tokens.take(MOST_QUOTED).flat_map(|value| {
        let plain = String::from_utf8_lossy(value).into_owned();
        [plain, STANDARD.encode(value)].map(SecretText::new)
    });
    let forms: Vec<_> = forms.collect();
    line_without(text, &forms, LONGEST_SAID)
}

/// A word of a sentence, unless it is as long and as mixed as keys are.
fn shown_word(word: &str) -> &str {
    const LONGEST: usize = 20;
    let long = word.chars().count() > LONGEST;
    let digits = word.chars().any(|c| c.is_ascii_digit());
    match long && digits {
        true => "[redacted]",
        false => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_keeps_its_words_and_loses_secrets_pieces_of_them_and_what_looks_like_a_key() {
        let secret = SecretText::new("tok-4f1d9a7c2e-end".to_owned());
        for (text, told) in [
            ("Too many keys.", "Too many keys."),
            ("bad\ntoken: tok-4f1d9a7c2e-end", "bad token: [redacted]"),
            ("bad token: tok-4f1d9a7…", "bad token: [redacted]…"),
            ("bad token: …9a7c2e-end", "bad token: …[redacted]"),
            ("bad token: tok-****", "bad token: tok-****"),
            (
                "use insufficient_permissions_for_organization",
                "use insufficient_permissions_for_organization",
            ),
            (
                "key glpat-aaaaaaaaaaaaaaaaaaa1 is old",
                "key [redacted] is old",
            ),
            ("a\u{1b}[31mred", "a[31mred"),
            (
                "pay \u{202e}evil\u{202c} \u{2066}to\u{2069} m\u{200b}e",
                "pay evil to me",
            ),
            ("نمی‌خواهم 👩‍🚀", "نمی‌خواهم 👩‍🚀"),
        ] {
            assert_eq!(sentence_without(text, [&secret]), told, "{text}");
        }
        let long = sentence_without(&"word ".repeat(1_000_000), []);
        assert_eq!(long.chars().count(), MAX + 1);
    }
}
