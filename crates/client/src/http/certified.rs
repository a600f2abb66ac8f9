//! Connections that show a certificate of ours, through the same proxy and with the same authorities as all.

use std::fmt;

use zeroize::Zeroizing;

use super::client::policy;
use super::proxy::Proxies;
use crate::secret::SecretText;

/// A client that shows a certificate. Says nothing of its key.
#[derive(Clone)]
pub struct Certified(reqwest::Client);

impl fmt::Debug for Certified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certified(…)")
    }
}

impl Certified {
    /// Of a certificate in PEM and its key, which may stand behind it; nothing where they do not belong
    /// together.
    pub(crate) fn new(certificate: &SecretText, key: Option<&SecretText>) -> Option<Self> {
        let identity = identity(certificate, key)?;
        let policy = policy(&Proxies::from_env()).ok()?;
        policy.identity(identity).build().ok().map(Self)
    }

    pub(super) fn client(&self) -> &reqwest::Client {
        &self.0
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the request writer: a key leaves its type to sign"
)]
fn identity(certificate: &SecretText, key: Option<&SecretText>) -> Option<reqwest::Identity> {
    let key = key.map(SecretText::expose).unwrap_or_default();
    let pem = Zeroizing::new(format!("{}\n{key}\n", certificate.expose()));
    reqwest::Identity::from_pem(pem.as_bytes()).ok()
}

#[cfg(test)]
mod tests;
