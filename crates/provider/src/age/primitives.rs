//! HKDF, HMAC and ChaCha20-Poly1305, as the format uses them.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::hmac;
use zeroize::Zeroizing;

use super::error::Error;

/// A derived key, which is wiped when it is dropped.
pub(super) type Secret = Zeroizing<[u8; 32]>;

/// HKDF-SHA-256 of some key material.
pub(super) fn derive(salt: &[u8], material: &[u8], info: &[u8]) -> Result<Secret, Error> {
    let mut key = Secret::default();
    Salt::new(HKDF_SHA256, salt)
        .extract(material)
        .expand(&[info], HKDF_SHA256)
        .and_then(|derived| derived.fill(&mut key[..]))
        .map_err(|_| Error::CannotSeal)?;
    Ok(key)
}

/// HMAC-SHA-256, by which the header is told from an altered one.
pub(super) fn mac_key(key: &Secret) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &key[..])
}

/// Appends what is sealed to `out`.
pub(super) fn seal(
    key: &Secret,
    nonce: [u8; 12],
    plain: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let mut sealed = Zeroizing::new(plain.to_vec());
    let tag = cipher(key)?
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::empty(),
            &mut sealed,
        )
        .map_err(|_| Error::CannotSeal)?;
    out.extend_from_slice(&sealed);
    out.extend_from_slice(tag.as_ref());
    Ok(())
}

/// What was sealed, if it is whole.
pub(super) fn open(
    key: &Secret,
    nonce: [u8; 12],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut plain = Zeroizing::new(sealed.to_vec());
    let nonce = Nonce::assume_unique_for_key(nonce);
    let length = cipher(key)?
        .open_in_place(nonce, Aad::empty(), &mut plain)
        .map_err(|_| Error::Damaged)?
        .len();
    plain.truncate(length);
    Ok(plain)
}

fn cipher(key: &Secret) -> Result<LessSafeKey, Error> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, &key[..]).map_err(|_| Error::CannotSeal)?;
    Ok(LessSafeKey::new(key))
}
