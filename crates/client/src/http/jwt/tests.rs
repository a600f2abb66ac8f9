use base64::Engine as _;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};

use super::*;

const PKCS8: &str = include_str!("../../../tests/keys/rsa-pkcs8.pem");
const PKCS1: &str = include_str!("../../../tests/keys/rsa-pkcs1.pem");
const SHORT: &str = include_str!("../../../tests/keys/rsa-1024.pem");
const P256: &str = include_str!("../../../tests/keys/p256-pkcs8.pem");
const SEC1: &str = include_str!("../../../tests/keys/p256-sec1.pem");

fn read(algorithm: Algorithm, text: &str) -> Result<Key, Unsendable> {
    Key::read(algorithm, &SecretText::new(text.to_owned()))
}

/// Header and claims as they stand in a token that this key signed, verified by what is public of it.
fn opened(key: &Key, secret: &str) -> (Json, Json) {
    let token = key.signed(Some("k1"), &json!({"iss": "us"})).unwrap();
    let (header, claims) = token.jwt().unwrap();
    let text = token.declared_public();
    let (message, signature) = text.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let message = message.as_bytes();
    match key {
        Key::Rsa(pair) => {
            let public = pair.public_key().as_ref();
            let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
            public.verify(message, &signature).unwrap();
        }
        Key::Ecdsa(pair, _) => {
            let public = pair.public_key().as_ref();
            let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public);
            public.verify(message, &signature).unwrap();
        }
        Key::Hmac(_) => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            hmac::verify(&key, message, &signature).unwrap();
        }
    }
    (header, claims)
}

#[test]
fn every_algorithm_signs_what_the_public_half_verifies() {
    let secret = "0123456789abcdef0123456789abcdef";
    for (algorithm, text, name) in [
        (Algorithm::Rs256, PKCS8, "RS256"),
        (Algorithm::Rs256, PKCS1, "RS256"),
        (Algorithm::Es256, P256, "ES256"),
        (Algorithm::Hs256, secret, "HS256"),
    ] {
        let (header, claims) = opened(&read(algorithm, text).unwrap(), secret);
        assert_eq!(header, json!({"alg": name, "typ": "JWT", "kid": "k1"}));
        assert_eq!(claims, json!({"iss": "us"}));
    }
}

#[test]
fn what_is_no_key_of_the_algorithm_is_refused_without_showing_it() {
    let half = PKCS8.get(..PKCS8.len() / 2).unwrap();
    for (algorithm, text, told) in [
        (Algorithm::Rs256, "hunter2", Unsendable::NoRsaKey),
        (Algorithm::Rs256, half, Unsendable::NoRsaKey),
        (Algorithm::Rs256, SHORT, Unsendable::NoRsaKey),
        (Algorithm::Rs256, P256, Unsendable::NoRsaKey),
        (Algorithm::Es256, PKCS8, Unsendable::NoEcKey),
        (Algorithm::Es256, SEC1, Unsendable::NoEcKey),
        (Algorithm::Es256, "", Unsendable::NoEcKey),
        (Algorithm::Hs256, "hunter2", Unsendable::ShortKey),
    ] {
        let refused = read(algorithm, text).err().unwrap();
        assert_eq!(refused, told);
        assert!(!refused.to_string().contains("hunter2"));
    }
}
