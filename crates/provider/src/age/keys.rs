//! Recipients and identities: the public and the secret halves of X25519 key pairs, as `age-keygen` prints them.

use std::fmt;
use std::str::FromStr;

use bech32::Bech32;
use bech32::primitives::decode::CheckedHrpstring;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::error::Error;

const RECIPIENT: &str = "age";
const IDENTITY: &str = "age-secret-key-";

/// Somebody who will be able to open what is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recipient(pub(super) PublicKey);

impl FromStr for Recipient {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if is_identity(text) {
            return Err(Error::SecretHalf);
        }
        let key = PublicKey::from(*bytes(text, RECIPIENT).ok_or(Error::NoRecipient)?);
        // With such a key, whatever is sealed can be opened by everybody.
        let probe = StaticSecret::from([1; 32]).diffie_hellman(&key);
        match probe.was_contributory() {
            true => Ok(Self(key)),
            false => Err(Error::NoRecipient),
        }
    }
}

/// Who opens it: all identities of an identity file, or one.
pub(crate) struct Identities(pub(super) Vec<StaticSecret>);

impl fmt::Debug for Identities {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Identities({})", self.0.len())
    }
}

impl FromStr for Identities {
    type Err = Error;

    /// Reads a file of identities: one in a line, beside comments.
    fn from_str(text: &str) -> Result<Self, Error> {
        let lines = text.lines().map(str::trim);
        let keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let identity = |line: &str| {
            let key = bytes(line, IDENTITY).ok_or(Error::NoIdentity)?;
            Ok(StaticSecret::from(*key))
        };
        let all = keys.map(identity).collect::<Result<Vec<_>, _>>()?;
        match all.is_empty() {
            true => Err(Error::NoIdentity),
            false => Ok(Self(all)),
        }
    }
}

fn is_identity(text: &str) -> bool {
    let start = text.trim_start().get(..IDENTITY.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(IDENTITY))
}

fn bytes(text: &str, prefix: &str) -> Option<Zeroizing<[u8; 32]>> {
    let checked = CheckedHrpstring::new::<Bech32>(text).ok()?;
    if checked.hrp().to_lowercase() != prefix {
        return None;
    }
    let mut key = Zeroizing::new([0; 32]);
    let mut given = checked.byte_iter();
    for byte in key.iter_mut() {
        *byte = given.next()?;
    }
    given.next().is_none().then_some(key)
}
