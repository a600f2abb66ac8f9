//! One rule for every secret that comes from outside: a file, an environment variable, a Secret, a
//! configuration. What an issuer gives is delivered byte by byte as it is, and never passes here.

use super::SecretText;

/// Why a secret cannot be sent; continues a sentence that names its part. Never shows any of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    /// Nothing is left without line ends.
    #[error("is empty")]
    Empty,
    /// A line ends in the middle of it.
    #[error("has more than one line; give the secret alone")]
    Lines,
    /// A control character, such as NUL.
    #[error("has a control character, which cannot be sent")]
    Control,
    /// A letter that no header may have.
    #[error("has a character that is not ASCII, which cannot be sent in a header")]
    NotAscii,
    /// Where a document is wanted.
    #[error("is no JSON document, such as a key file")]
    NoDocument,
    /// Where a document lacks what is needed of it.
    #[error("is a JSON document without a text at {0}")]
    NoField(String),
    /// Where a key for RS256 is wanted.
    #[error(
        "is no RSA private key of 2048 bits or more in PEM (PKCS#8 or PKCS#1, without a password)"
    )]
    NoRsaKey,
    /// Where a key for ES256 is wanted.
    #[error("is no private key on the curve P-256 in PEM (PKCS#8: \"BEGIN PRIVATE KEY\")")]
    NoEcKey,
    /// Where a certificate is wanted.
    #[error("is no certificate in PEM (\"BEGIN CERTIFICATE\")")]
    NoCertificate,
    /// Where the key of a certificate is wanted.
    #[error("is no private key in PEM (PKCS#8, PKCS#1 or SEC1, without a password)")]
    NoClientKey,
    /// Where a certificate and a key do not belong together.
    #[error("is not the key of the certificate, or one that cannot be used")]
    OtherKey,
    /// Where a key for HS256 is wanted.
    #[error("is shorter than the 32 bytes that HS256 needs")]
    ShortKey,
}

impl SecretText {
    /// Takes up what a person gave, without the line ends that editors, `echo` and `kubectl create secret
    /// --from-file` leave at its end.
    #[must_use]
    pub fn taken_in(text: &str) -> Self {
        Self::new(text.trim_end_matches(['\n', '\r']).to_owned())
    }

    /// What keeps it from being sent anywhere; `in_header` where it stands in a header as it is.
    ///
    /// # Errors
    /// The first thing that does.
    pub fn sendable(&self, in_header: bool) -> Result<(), Unsendable> {
        let text = self.0.as_str();
        match () {
            () if text.is_empty() => Err(Unsendable::Empty),
            () if text.contains(['\n', '\r']) => Err(Unsendable::Lines),
            () if text.chars().any(char::is_control) => Err(Unsendable::Control),
            () if in_header && !text.is_ascii() => Err(Unsendable::NotAscii),
            () => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_a_person_gave_loses_its_line_ends_and_nothing_else() {
        for (given, taken) in [
            ("word", "word"),
            ("word\n", "word"),
            ("word\r\n", "word"),
            ("word\n\n\r\n", "word"),
            (" word \n", " word "),
            ("\n", ""),
        ] {
            let expected = SecretText::new(taken.to_owned()).sha256();
            assert_eq!(SecretText::taken_in(given).sha256(), expected, "{given:?}");
        }
    }

    #[test]
    fn what_cannot_be_sent_is_told_without_showing_it() {
        for (text, in_header, problem) in [
            ("word", true, None),
            ("two words", true, None),
            ("", true, Some(Unsendable::Empty)),
            ("\n", false, Some(Unsendable::Empty)),
            ("two\nlines", true, Some(Unsendable::Lines)),
            ("two\r\nlines\n", false, Some(Unsendable::Lines)),
            ("nul\0", false, Some(Unsendable::Control)),
            ("tab\tstop", true, Some(Unsendable::Control)),
            ("bell\u{7}", true, Some(Unsendable::Control)),
            ("del\u{7f}", true, Some(Unsendable::Control)),
            ("schlüssel", true, Some(Unsendable::NotAscii)),
            ("schlüssel", false, None),
        ] {
            let told = SecretText::taken_in(text).sendable(in_header).err();
            assert_eq!(told, problem, "{text:?}");
        }
    }
}
