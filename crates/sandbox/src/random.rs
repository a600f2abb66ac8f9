//! Values, ids and passwords that nobody can guess.
//!
//! It knows no vendor's format beyond "this alphabet, that length".

use sha2::{Digest, Sha256};

/// The operating system could not give random bytes.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw random bytes")]
pub struct NoRandomness(#[source] getrandom::Error);

/// Capital letters and digits.
pub(crate) const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// Letters and digits.
pub(crate) const MIXED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// `length` characters of `alphabet`.
pub(crate) fn text(alphabet: &[u8], length: usize) -> Result<String, NoRandomness> {
    let mut bytes = vec![0_u8; length];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    // The bias of the remainder does not matter: these values guard nothing but a test.
    Ok(bytes
        .iter()
        .filter_map(|byte| alphabet.get(usize::from(*byte) % alphabet.len()))
        .map(|byte| char::from(*byte))
        .collect())
}

/// A random UUID (version 4).
pub(crate) fn uuid() -> Result<String, NoRandomness> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    let number = u128::from_be_bytes(bytes);
    let number = (number & !(0xf << 76)) | (0x4 << 76);
    let number = (number & !(0x3 << 62)) | (0x2 << 62);
    let hex = format!("{number:032x}");
    Ok([0..8, 8..12, 12..16, 16..20, 20..32]
        .into_iter()
        .filter_map(|range| hex.get(range))
        .collect::<Vec<_>>()
        .join("-"))
}

/// The SHA-256 of a secret value in hex: all that is ever stored of one.
pub(crate) fn sha256(value: &str) -> String {
    Sha256::digest(value.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_its_dashes_its_version_and_its_variant() {
        let uuid = uuid().unwrap();
        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.as_bytes()[14], b'4');
        assert!(matches!(uuid.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
    }

    #[test]
    fn a_digest_is_the_one_everybody_computes() {
        assert_eq!(
            sha256("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
