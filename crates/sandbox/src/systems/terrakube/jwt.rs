//! Signing and reading JWTs. Whether a token is accepted is judged elsewhere.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha2::{Sha256, Sha384, Sha512};

use crate::random::{self, NoRandomness};
use crate::settings::PatSecret;

/// The secrets of one server: the one behind its tokens, and that of its own components.
pub(super) struct Secrets {
    pat: String,
    internal: String,
}

impl Secrets {
    pub(super) fn draw() -> Result<Self, NoRandomness> {
        Ok(Self {
            pat: random::text(random::MIXED, 32)?,
            internal: random::text(random::MIXED, 32)?,
        })
    }

    pub(super) fn pat(&self) -> &str {
        &self.pat
    }

    pub(super) fn internal(&self) -> &str {
        &self.internal
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Secrets").finish_non_exhaustive()
    }
}

/// A JWT with these claims, in the algorithm that a secret of this length chooses.
pub(super) fn signed(claims: &str, secret: &str, length: PatSecret) -> String {
    let algorithm = match length {
        PatSecret::Bytes16 | PatSecret::Bytes32 => "HS256",
        PatSecret::Bytes48 => "HS384",
        PatSecret::Bytes64 => "HS512",
    };
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let content = format!(
        "{}.{}",
        encode(&format!("{{\"alg\":\"{algorithm}\"}}")),
        encode(claims)
    );
    let signature = match length {
        PatSecret::Bytes16 | PatSecret::Bytes32 => mac::<Hmac<Sha256>>(secret, &content),
        PatSecret::Bytes48 => mac::<Hmac<Sha384>>(&secret.repeat(2), &content),
        PatSecret::Bytes64 => mac::<Hmac<Sha512>>(&secret.repeat(2), &content),
    };
    format!("{content}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// HMAC takes keys of every length, so that there is always a signature.
fn mac<M: Mac + KeyInit>(secret: &str, content: &str) -> Vec<u8> {
    let mac = <M as KeyInit>::new_from_slice(secret.as_bytes());
    mac.map(|mac| mac.chain_update(content).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

/// A token that has the form of a JWT.
#[derive(Debug)]
pub(super) struct Jwt<'t> {
    pub(super) algorithm: String,
    pub(super) claims: Map<String, Value>,
    /// Whether the payload can be read with the plain base64 alphabet, too.
    /// Only then does the server see that the token is its own.
    pub(super) recognised: bool,
    content: &'t str,
    signature: Vec<u8>,
}

impl<'t> Jwt<'t> {
    pub(super) fn read(token: &'t str) -> Option<Self> {
        let (content, signature) = token.rsplit_once('.')?;
        let (header, payload) = content.split_once('.')?;
        let header = object(header)?;
        Some(Self {
            algorithm: header.get("alg")?.as_str()?.to_owned(),
            claims: object(payload)?,
            recognised: STANDARD_NO_PAD.decode(payload).is_ok(),
            content,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    pub(super) fn signed_with(&self, secret: &str) -> bool {
        mac::<Hmac<Sha256>>(secret, self.content) == self.signature
    }

    pub(super) fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim)?.as_str()
    }

    /// An instant, in seconds.
    pub(super) fn seconds(&self, claim: &str) -> Option<i64> {
        self.claims.get(claim)?.as_i64()
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_that_everybody_computes() {
        // RFC 4231, test case 2.
        let mac = mac::<Hmac<Sha256>>("Jefe", "what do ya want for nothing?");
        let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn secrets_are_not_in_their_debug_text() {
        let secrets = Secrets::draw().unwrap();
        assert!(!format!("{secrets:?}").contains(secrets.pat()));
    }
}
