//! What authenticates: a type that cannot be printed, compared, serialised or cloned by accident.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::text::segment;

mod document;
mod intake;
mod macaroon;

pub use intake::Unsendable;

/// One secret text, zeroed when dropped.
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes a secret out of the world of strings.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// About how many bytes are taken by it and the digest that it is found by.
    pub(crate) fn weight(&self) -> usize {
        self.len().saturating_add(256)
    }

    /// Whether there is nothing in it, which authenticates nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its SHA-256, for whoever must recognise a value again without keeping it.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// The same secret once more, for whoever looks for it in what is shown.
    pub(crate) fn again(&self) -> Self {
        Self::new(self.0.to_string())
    }

    /// No text at all, such as the password of those who have none.
    pub(crate) fn none() -> &'static Self {
        static NONE: std::sync::LazyLock<SecretText> =
            std::sync::LazyLock::new(|| SecretText::new(String::new()));
        &NONE
    }

    /// A digest that stands for this secret at one endpoint, such as its id where a system has no other. It
    /// is the same for everybody who asks there, since records name tokens by it.
    pub(crate) fn digest_under(&self, endpoint: &str) -> String {
        let digest = Sha256::new()
            .chain_update("tokenwright secret id")
            .chain_update([0])
            .chain_update(endpoint)
            .chain_update([0])
            .chain_update(self.0.as_bytes())
            .finalize();
        let short = digest.iter().take(16);
        short.map(|byte| format!("{byte:02x}")).collect()
    }

    /// These, one after the other.
    pub(crate) fn joined(pieces: &[Self]) -> Self {
        let length = pieces.iter().map(Self::len).sum();
        // Long enough from the start, so that no half of it is left behind by a larger copy.
        let mut text = Zeroizing::new(String::with_capacity(length));
        for piece in pieces {
            text.push_str(&piece.0);
        }
        Self(text)
    }

    /// The text without this secret, as it is or as JSON, paths and forms write it; nothing where it is not in there.
    pub(crate) fn struck_out(&self, text: &str) -> Option<String> {
        // A shorter one guards nothing, and is a piece of half the words.
        const SHORTEST: usize = 4;
        if self.len() < SHORTEST {
            return None;
        }
        let quoted = Zeroizing::new(serde_json::to_string(self.0.as_str()).ok()?);
        let quoted = quoted.strip_prefix('"')?.strip_suffix('"')?;
        let in_path = Zeroizing::new(segment(&self.0));
        let in_form = form_urlencoded::byte_serialize(self.0.as_bytes());
        let in_form = Zeroizing::new(in_form.collect::<String>());
        let mut struck: Option<String> = None;
        for form in [self.0.as_str(), quoted, &in_path, &in_form] {
            let seen = struck.as_deref().unwrap_or(text);
            if seen.contains(form) {
                struck = Some(seen.replace(form, "[redacted]"));
            }
        }
        struck
    }

    /// A text that anybody may know, in its place: as long, and with the same claims where it is a JWT.
    pub(crate) fn stand_in(&self, nth: usize) -> String {
        let plain = |length: usize| {
            let mut text = format!("{nth}-recorded-secret-");
            while text.len() < length {
                text.push('x');
            }
            text.truncate(length);
            text
        };
        let signed = self.0.rsplit_once('.').filter(|_| self.jwt().is_some());
        match signed {
            Some((claims, signature)) => format!("{claims}.{}", plain(signature.len())),
            None => plain(self.len()),
        }
    }

    /// The text with another one in the place of this secret; one that is a piece of half the words is only
    /// replaced where it is all.
    pub(crate) fn replaced_in(&self, text: &str, by: &str) -> String {
        const SHORTEST: usize = 4;
        if self.len() >= SHORTEST {
            return text.replace(self.0.as_str(), by);
        }
        match !self.is_empty() && text == self.0.as_str() {
            true => by.to_owned(),
            false => text.to_owned(),
        }
    }

    /// The same of this secret itself; nothing where none of the others is in it.
    pub(crate) fn with_stand_ins(&self, others: &[(Self, String)]) -> Option<String> {
        let text = Zeroizing::new(self.0.to_string());
        let shown = others.iter().fold(text.to_string(), |text, (secret, by)| {
            secret.replaced_in(&text, by)
        });
        (shown != *text).then_some(shown)
    }

    /// The text without pieces of this secret, such as those that a vendor quotes of a key; nothing where
    /// none is in there. Shorter ones are parts of half the words.
    pub(crate) fn pieces_struck_out(&self, text: &str) -> Option<String> {
        const SHORTEST: usize = 8;
        let secret = self.0.as_str();
        let mut out = String::new();
        let mut rest = text;
        let mut found = false;
        while let Some(first) = rest.chars().next() {
            let ends = rest
                .char_indices()
                .map(|(at, c)| at.saturating_add(c.len_utf8()));
            let piece = ends
                .map_while(|end| rest.get(..end).filter(|piece| secret.contains(piece)))
                .last()
                .filter(|piece| piece.len() >= SHORTEST);
            let (shown, length) = match piece {
                Some(piece) => ("[redacted]", piece.len()),
                None => (
                    rest.get(..first.len_utf8()).unwrap_or_default(),
                    first.len_utf8(),
                ),
            };
            found = found || piece.is_some();
            out.push_str(shown);
            rest = rest.get(length..).unwrap_or_default();
        }
        found.then_some(out)
    }

    /// The claims of a JWT or a macaroon, which say who and until when and authenticate nobody.
    pub(crate) fn claims(&self) -> Option<serde_json::Value> {
        self.jwt_claims().or_else(|| macaroon::claims(&self.0))
    }

    fn jwt_claims(&self) -> Option<serde_json::Value> {
        use base64::Engine as _;
        use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
        let segments: Vec<_> = self.0.split('.').collect();
        let [_, claims, _] = segments.as_slice() else {
            return None;
        };
        let claims = claims.trim_end_matches('=');
        let json = URL_SAFE_NO_PAD
            .decode(claims)
            .or_else(|_| STANDARD_NO_PAD.decode(claims));
        let claims: serde_json::Value = serde_json::from_slice(&json.ok()?).ok()?;
        claims.is_object().then_some(claims)
    }

    /// The text itself.
    ///
    /// Every call is denied by lint. Three places are excepted, each with its reason: the request writer,
    /// the Secret builder and the Terraform encoder.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// The secret parts of one token's value, by name; most systems have one part.
pub struct SecretValue {
    parts: BTreeMap<String, SecretText>,
}

impl SecretValue {
    /// A value of these parts.
    #[must_use]
    pub fn new(parts: impl IntoIterator<Item = (String, SecretText)>) -> Self {
        Self {
            parts: parts.into_iter().collect(),
        }
    }

    /// The part of this name.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<&SecretText> {
        self.parts.get(name)
    }

    /// All parts, by name.
    pub fn parts(&self) -> impl Iterator<Item = (&str, &SecretText)> {
        self.parts.iter().map(|(name, text)| (name.as_str(), text))
    }

    /// The parts themselves, for the one who delivers them.
    #[must_use]
    pub fn into_parts(self) -> BTreeMap<String, SecretText> {
        self.parts
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretValue({} parts)", self.parts.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_value_is_never_printed() {
        let value = SecretValue::new([("key".to_owned(), SecretText::new("hunter2".to_owned()))]);
        let printed = format!("{value:?} {value:#?} {:?}", value.part("key"));
        assert!(!printed.contains("hunter2"), "{printed}");
    }

    #[test]
    fn claims_are_those_of_a_jwt_and_of_no_other_text() {
        let claims = |text: &str| SecretText::new(text.to_owned()).claims();
        // {"a":"~~~"} in both alphabets, and padded.
        for good in [
            "h.eyJhIjoifn5-In0.s",
            "h.eyJhIjoifn5+In0.s",
            "h.eyJhIjoifn5-In0=.s",
        ] {
            assert_eq!(claims(good).unwrap()["a"], "~~~", "{good}");
        }
        for bad in [
            "",
            "opaque",
            "a.b",
            "h.!.s",
            "h.WzFd.s",
            "a.eyJhIjoifn5-In0.c.d",
        ] {
            assert_eq!(claims(bad), None, "{bad}");
        }
    }
}
