//! The payload: chunks that are sealed one by one, the last of which says so.

use zeroize::Zeroizing;

use super::error::Error;
use super::header::FileKey;
use super::primitives::{self, Secret, derive};

/// So many random bytes come before the chunks.
pub(super) const NONCE: usize = 16;

const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;

/// What was in a file; wiped when it is dropped.
pub(crate) type Plain = Zeroizing<Vec<u8>>;

pub(super) fn key(file_key: &FileKey, nonce: &[u8; NONCE]) -> Result<Secret, Error> {
    derive(nonce, &file_key[..], b"payload")
}

/// Appends the chunks to `out`.
pub(super) fn seal(key: &Secret, plain: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    // What is empty is one empty chunk.
    let last = plain.len().saturating_sub(1) / CHUNK;
    for at in 0..=last {
        let rest = plain.get(at.saturating_mul(CHUNK)..).unwrap_or_default();
        let chunk = rest.get(..CHUNK).filter(|_| at < last).unwrap_or(rest);
        primitives::seal(key, nonce(at, at == last), chunk, out)?;
    }
    Ok(())
}

pub(super) fn open(key: &Secret, sealed: &[u8]) -> Result<Plain, Error> {
    let last = sealed.len().saturating_sub(1) / (CHUNK + TAG);
    let mut plain = Plain::default();
    for (at, chunk) in sealed.chunks(CHUNK + TAG).enumerate() {
        plain.extend_from_slice(&primitives::open(key, nonce(at, at == last), chunk)?);
        // A last chunk with nothing in it is the only one.
        if at > 0 && chunk.len() == TAG {
            return Err(Error::Damaged);
        }
    }
    match sealed.is_empty() {
        true => Err(Error::Damaged),
        false => Ok(plain),
    }
}

/// Eleven bytes that count the chunks, and one that says whether it is the last.
fn nonce(at: usize, last: bool) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&(at as u64).to_be_bytes());
    nonce[11] = last.into();
    nonce
}
