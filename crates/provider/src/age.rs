//! The age format, version 1, with X25519 recipients: what `age` and its libraries read and write.
//!
//! The format alone is ours, since the library of it brings fifty packages; the cryptography is that of
//! `x25519-dalek` and `ring`. The specification is <https://age-encryption.org/v1>, and its published test
//! vectors are among the tests.
//!
//! In reading order: `keys` (recipients and identities), `header` (for whom a file is), `payload` (what is in
//! it), `armor` (the file as a text), `primitives`, `error`.

mod armor;
mod error;
mod header;
mod keys;
mod payload;
mod primitives;

pub(crate) use error::Error;
pub(crate) use keys::{Identities, Recipient};

use self::primitives::Secret;

/// What a secret will be sealed in. Everything that may go wrong has happened before there is a secret.
#[derive(Debug)]
pub(crate) struct Envelope {
    header: String,
    nonce: [u8; payload::NONCE],
    key: Secret,
}

impl Envelope {
    /// An envelope that each of them can open. `random` fills bytes, and says whether it could.
    pub(crate) fn to(
        recipients: &[Recipient],
        mut random: impl FnMut(&mut [u8]) -> bool,
    ) -> Result<Self, Error> {
        let mut draw = |bytes: &mut [u8]| match random(bytes) {
            true => Ok(()),
            false => Err(Error::CannotSeal),
        };
        let mut file_key = header::FileKey::default();
        draw(&mut file_key[..])?;
        let mut nonce = [0; payload::NONCE];
        draw(&mut nonce)?;
        let header = header::write(recipients, &file_key, draw)?;
        let key = payload::key(&file_key, &nonce)?;
        Ok(Self { header, nonce, key })
    }

    /// The armored file.
    pub(crate) fn seal(&self, secret: &[u8]) -> Result<String, Error> {
        let mut file = self.header.clone().into_bytes();
        file.extend_from_slice(&self.nonce);
        payload::seal(&self.key, secret, &mut file)?;
        Ok(armor::wrap(&file))
    }
}

/// What an armored file holds, once all of it is found to be whole.
pub(crate) fn open(text: &str, identities: &Identities) -> Result<payload::Plain, Error> {
    let file = armor::unwrap(text)?;
    let (file_key, rest) = header::read(&file, identities)?;
    let (nonce, sealed) = rest.split_first_chunk().ok_or(Error::Damaged)?;
    payload::open(&payload::key(&file_key, nonce)?, sealed)
}

#[cfg(test)]
mod tests;
