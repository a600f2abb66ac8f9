//! Secrets that are documents: key files in JSON, and texts in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::SecretText;

/// No id is longer.
const LONGEST_PREFIX: usize = 128;
/// Less than this could be guessed.
const LEAST_SECRET: usize = 16;

impl SecretText {
    /// The text at this place, where the secret is a JSON document that has one there.
    pub(crate) fn field(&self, pointer: &str) -> Option<Self> {
        let mut document: Json = serde_json::from_str(&self.0).ok()?;
        match document.pointer_mut(pointer)?.take() {
            Json::String(text) => Some(Self::new(text)),
            _ => None,
        }
    }

    /// Whether it is a JSON document at all.
    pub(crate) fn is_document(&self) -> bool {
        serde_json::from_str::<serde::de::IgnoredAny>(&self.0).is_ok()
            && self.0.trim_start().starts_with('{')
    }

    /// What it stands for in base64; nothing where it is none, is no text, or has more than `max` bytes.
    pub(crate) fn base64_decoded(&self, max: usize) -> Option<Self> {
        let most = max.div_ceil(3).saturating_add(1).saturating_mul(4);
        if self.len() > most {
            return None;
        }
        let bytes = STANDARD.decode(self.0.trim()).ok()?;
        String::from_utf8(bytes).ok().map(Self::new)
    }

    /// The text of a part that its profile declares to be no secret, such as the id of a tenant.
    pub(crate) fn declared_public(&self) -> String {
        self.0.to_string()
    }

    /// The beginning of a text that its profile declares to be no secret: what stands before the first `end`.
    /// Nothing where that is empty or long, or where so little follows that it could be guessed.
    pub(crate) fn public_before(&self, end: &str) -> Option<String> {
        let (before, rest) = self.0.split_once(end)?;
        let fits = (1..=LONGEST_PREFIX).contains(&before.len()) && rest.len() >= LEAST_SECRET;
        fits.then(|| before.to_owned())
    }

    /// Header and claims of a JWT.
    pub(crate) fn jwt(&self) -> Option<(Json, Json)> {
        let header = self.0.split('.').next()?;
        let header = base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(header)
            .ok()?;
        Some((serde_json::from_slice(&header).ok()?, self.claims()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(text: Option<SecretText>, expected: Option<&str>) -> bool {
        let digest = |text: &str| SecretText::new(text.to_owned()).sha256();
        text.map(|text| text.sha256()) == expected.map(digest)
    }

    #[test]
    fn base64_is_decoded_as_far_as_it_may_be_long() {
        for (encoded, max, decoded) in [
            ("eyJhIjoxfQ==", 64, Some("{\"a\":1}")),
            ("eyJhIjoxfQ==", 7, Some("{\"a\":1}")),
            ("eyJhIjoxfQ==\n", 7, Some("{\"a\":1}")),
            ("eyJhIjoxfQ==", 1, None),
            ("no base64!", 64, None),
            // Bytes that are no text.
            ("//79", 64, None),
        ] {
            let text = SecretText::new(encoded.to_owned());
            assert!(is(text.base64_decoded(max), decoded), "{encoded} {max}");
        }
        let huge = SecretText::new("A".repeat(300 * 1024 * 1024));
        assert!(huge.base64_decoded(8192).is_none());
    }

    #[test]
    fn a_field_is_a_text_of_a_document() {
        let file = SecretText::new("{\"a\": {\"b\": \"x\"}, \"n\": 1}".to_owned());
        assert!(is(file.field("/a/b"), Some("x")) && file.is_document());
        assert!(is(file.field("/n"), None) && is(file.field("/none"), None));
        for bad in ["", "x", "[]", "1", "{\"a\": 1"] {
            assert!(!SecretText::new(bad.to_owned()).is_document(), "{bad}");
        }
    }
}
