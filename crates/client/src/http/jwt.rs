//! JSON Web Tokens that a key of ours signs: RS256, ES256 and HS256, all from ring.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use ring::{digest, hmac};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value as Json, json};

use crate::secret::{SecretText, Unsendable};

/// The shortest secret of HS256: as long as what it makes, as the standard demands.
const SHORTEST_SECRET: usize = digest::SHA256_OUTPUT_LEN;

/// How a JWT is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Es256,
    Hs256,
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::Hs256 => "HS256",
        }
    }
}

/// A key that signs. Says nothing of itself.
pub(crate) enum Key {
    Rsa(Box<RsaKeyPair>),
    Ecdsa(Box<EcdsaKeyPair>, SystemRandom),
    Hmac(hmac::Key),
}

impl Key {
    /// Reads a key: a private key in PEM, or the secret of HS256.
    ///
    /// # Errors
    /// It is none of this algorithm.
    #[expect(
        clippy::disallowed_methods,
        reason = "the request writer: a key leaves its type to sign"
    )]
    pub(crate) fn read(algorithm: Algorithm, text: &SecretText) -> Result<Self, Unsendable> {
        let pem = || PrivateKeyDer::from_pem_slice(text.expose().as_bytes());
        match algorithm {
            Algorithm::Rs256 => {
                let pair = match pem().map_err(|_| Unsendable::NoRsaKey)? {
                    PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
                    PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
                    _ => return Err(Unsendable::NoRsaKey),
                };
                let pair = pair.map_err(|_| Unsendable::NoRsaKey)?;
                Ok(Self::Rsa(Box::new(pair)))
            }
            Algorithm::Es256 => {
                let random = SystemRandom::new();
                let Ok(PrivateKeyDer::Pkcs8(der)) = pem() else {
                    return Err(Unsendable::NoEcKey);
                };
                let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let pair = EcdsaKeyPair::from_pkcs8(kind, der.secret_pkcs8_der(), &random);
                let pair = pair.map_err(|_| Unsendable::NoEcKey)?;
                Ok(Self::Ecdsa(Box::new(pair), random))
            }
            Algorithm::Hs256 if text.len() < SHORTEST_SECRET => Err(Unsendable::ShortKey),
            Algorithm::Hs256 => {
                let secret = text.expose().as_bytes();
                Ok(Self::Hmac(hmac::Key::new(hmac::HMAC_SHA256, secret)))
            }
        }
    }

    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa(_) => Algorithm::Rs256,
            Self::Ecdsa(..) => Algorithm::Es256,
            Self::Hmac(_) => Algorithm::Hs256,
        }
    }

    /// A JWT of these claims; nothing where the machine has no randomness.
    pub(crate) fn signed(&self, key_id: Option<&str>, claims: &Json) -> Option<SecretText> {
        let mut header = json!({"alg": self.algorithm().name(), "typ": "JWT"});
        if let Some(key_id) = key_id {
            header["kid"] = key_id.into();
        }
        let encoded = |part: &Json| URL_SAFE_NO_PAD.encode(part.to_string());
        let mut token = format!("{}.{}", encoded(&header), encoded(claims));
        let signature = self.signature(token.as_bytes())?;
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Some(SecretText::new(token))
    }

    fn signature(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let random = SystemRandom::new();
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .ok()?;
                Some(signature)
            }
            Self::Ecdsa(pair, random) => Some(pair.sign(random, message).ok()?.as_ref().to_vec()),
            Self::Hmac(key) => Some(hmac::sign(key, message).as_ref().to_vec()),
        }
    }
}

#[cfg(test)]
mod tests;
