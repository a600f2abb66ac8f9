//! Who the credential is where the issuer itself does not say: a keyed digest of the credential.
//!
//! Equal digests are the same account; different ones say nothing, since an account can have many
//! credentials. A record from before there were digests has none, which is unknown, too.

use std::fmt;

use sha2::{Digest, Sha256};
use tokenwright_core::Identity;
use tokenwright_core::token::OF_CREDENTIAL;

use crate::secret::SecretValue;

/// Digests of the parts of a secret, by which it is recognised without being kept.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretDigests(Vec<[u8; 32]>);

impl fmt::Debug for SecretDigests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigests(…)")
    }
}

impl SecretDigests {
    /// The digests of these parts, in this order.
    #[must_use]
    pub fn new(parts: impl IntoIterator<Item = [u8; 32]>) -> Self {
        Self(parts.into_iter().collect())
    }

    /// The digests of all parts, in the order of their names.
    #[must_use]
    pub fn of(value: &SecretValue) -> Self {
        Self::new(value.parts().map(|(_, text)| text.sha256()))
    }

    /// A short digest that says nothing without the secret; keyed, so that those of two places cannot
    /// be compared.
    #[must_use]
    pub fn keyed(&self, key: &[u8]) -> String {
        let mut digest = Sha256::new();
        digest.update(key);
        for part in &self.0 {
            digest.update(part);
        }
        let digest = digest.finalize();
        let short = digest.iter().take(8);
        short.map(|byte| format!("{byte:02x}")).collect()
    }

    /// What stands for the account of a credential whose issuer cannot say whose it is.
    #[must_use]
    pub fn identity(&self, key: &[u8]) -> Identity {
        Identity::new(format!("{OF_CREDENTIAL}{}", self.keyed(key)))
    }
}

/// Whether an identity is the digest of a credential, and not the issuer's own word.
#[must_use]
pub fn is_of_credential(identity: &str) -> bool {
    Identity::new(identity).is_of_credential()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretText;

    fn digests(parts: &[(&str, &str)]) -> SecretDigests {
        let parts = parts
            .iter()
            .map(|(name, text)| ((*name).to_owned(), SecretText::new((*text).to_owned())));
        SecretDigests::of(&SecretValue::new(parts))
    }

    #[test]
    fn a_credential_is_the_same_identity_by_the_same_key_only() {
        let credential = digests(&[("token", "hunter2")]);
        let identity = credential.identity(b"key");
        assert_eq!(identity, digests(&[("token", "hunter2")]).identity(b"key"));
        assert_ne!(identity, credential.identity(b"another key"));
        assert_ne!(identity, digests(&[("token", "hunter3")]).identity(b"key"));
        assert!(is_of_credential(&identity.to_string()));
        assert!(!is_of_credential("account-1"));
    }

    #[test]
    fn digests_that_states_keep_are_still_what_they_were() {
        let credential = digests(&[("token", "hunter2")]);
        assert_eq!(
            credential.identity(b"instance").to_string(),
            "credential:5950d4e9de2ea090"
        );
    }

    #[test]
    fn digests_are_never_printed() {
        assert_eq!(
            format!("{:?}", digests(&[("token", "hunter2")])),
            "SecretDigests(…)"
        );
    }
}
