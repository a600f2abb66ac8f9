//! The marker: the manager's stable tag inside a token's name or description.
//!
//! `tw1-<origin:5>-<manager:13>-<revision>-<nonce:8>`, at most 40 characters of `[a-z0-9-]`.
//! The name that a token carries at its issuer is the wanted name, a space and the marker.
//! This grammar is API: it changes only with a new prefix.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The revision of a manager's tokens: 1, 2, 3 …
pub type Revision = u32;

/// The longest marker, in characters.
pub const MAX_LEN: usize = 40;
/// The largest revision that a marker can carry.
pub const MAX_REVISION: Revision = 9_999_999;

const PREFIX: &str = "tw1";
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A text that is not the marker, or part of one, that it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no {1}")]
pub struct InvalidMarker(String, &'static str);

macro_rules! base32_word {
    ($(#[$doc:meta])* $name:ident, $len:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Its text, in `[a-z2-7]`.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidMarker;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                if text.len() == $len && text.bytes().all(|b| ALPHABET.contains(&b)) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(InvalidMarker(text.to_owned(), $what))
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidMarker;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

base32_word!(
    /// The cluster, or the Terraform state, that a manager lives in.
    Origin,
    5,
    "origin"
);
base32_word!(
    /// The object that manages a token: one ApiToken, one Terraform resource instance.
    ManagerId,
    13,
    "manager id"
);
base32_word!(
    /// The random part of a marker, drawn for one attempt.
    Nonce,
    8,
    "nonce"
);

impl Origin {
    /// The origin of a cluster (UID of `kube-system`) or of Terraform's `manager` argument.
    #[must_use]
    pub fn of(identity: &str) -> Self {
        Self(hashed("origin", identity, 5))
    }
}

impl ManagerId {
    /// What stands for the instance id in the markers of Terraform's ephemeral tokens: each ends with its
    /// run or by itself, and no record has it.
    pub const EPHEMERAL: &str = "ephemeral";

    /// The manager id of an object's UID, or of an instance id in Terraform's state.
    #[must_use]
    pub fn of(uid: &str) -> Self {
        Self(hashed("manager", uid, 13))
    }
}

impl Nonce {
    /// A nonce of five random bytes.
    #[must_use]
    pub fn from_bytes(random: [u8; 5]) -> Self {
        Self(base32(&random, 8))
    }
}

fn hashed(purpose: &str, text: &str, len: usize) -> String {
    let digest = Sha256::new()
        .chain_update(purpose)
        .chain_update([0])
        .chain_update(text)
        .finalize();
    base32(&digest, len)
}

fn base32(bytes: &[u8], len: usize) -> String {
    let bit = |i: usize| (bytes.get(i / 8).copied().unwrap_or(0) >> 7usize.wrapping_sub(i % 8)) & 1;
    (0..len)
        .map(|i| {
            let index = (0..5).fold(0u8, |acc, b| {
                (acc << 1) | bit(i.wrapping_mul(5).wrapping_add(b))
            });
            char::from(ALPHABET[usize::from(index)])
        })
        .collect()
}

/// The tag that says which manager minted a token, as which revision, in which attempt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Marker {
    /// Where the manager lives.
    pub origin: Origin,
    /// Who manages the token.
    pub manager: ManagerId,
    /// Which of the manager's tokens.
    pub revision: Revision,
    /// Which attempt.
    pub nonce: Nonce,
}

impl Marker {
    /// The marker that ends a token's name, after a space or alone.
    #[must_use]
    pub fn of_name(remote_name: &str) -> Option<Self> {
        remote_name.rsplit(' ').next()?.parse().ok()
    }

    /// The name that a token carries at its issuer.
    #[must_use]
    pub fn remote_name(&self, name: &str) -> String {
        format!("{name} {self}")
    }

    /// Whether a wanted name contains a word that reads as a marker, which would forge one.
    #[must_use]
    pub fn occurs_in(name: &str) -> bool {
        name.split_whitespace()
            .any(|word| word.parse::<Self>().is_ok())
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            origin,
            manager,
            revision,
            nonce,
        } = self;
        write!(f, "{PREFIX}-{origin}-{manager}-{revision}-{nonce}")
    }
}

impl FromStr for Marker {
    type Err = InvalidMarker;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidMarker(text.to_owned(), "marker");
        let mut words = text.split('-');
        let mut word = || words.next().ok_or_else(invalid);
        if word()? != PREFIX {
            return Err(invalid());
        }
        let origin = word()?.parse()?;
        let manager = word()?.parse()?;
        let revision = word()?;
        let nonce = word()?.parse()?;
        let plain_number =
            !revision.starts_with('0') && revision.bytes().all(|b| b.is_ascii_digit());
        let revision = revision.parse().map_err(|_| invalid())?;
        if words.next().is_some() || !plain_number || revision > MAX_REVISION {
            return Err(invalid());
        }
        Ok(Self {
            origin,
            manager,
            revision,
            nonce,
        })
    }
}

impl TryFrom<String> for Marker {
    type Error = InvalidMarker;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Marker> for String {
    fn from(marker: Marker) -> Self {
        marker.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(revision: Revision) -> Marker {
        Marker {
            origin: Origin::of("cluster"),
            manager: ManagerId::of("uid"),
            revision,
            nonce: Nonce::from_bytes([0, 1, 2, 3, 255]),
        }
    }

    #[test]
    fn markers_of_this_release_read_the_same_for_ever() {
        // A fixture: markers live at the issuers for years. Never edit it.
        assert_eq!(marker(1).to_string(), "tw1-dio4f-lifkxs4uwjb5e-1-aaaqea77");
    }

    #[test]
    fn a_marker_is_at_most_forty_characters_and_reads_back() {
        for revision in [1, 42, MAX_REVISION] {
            let text = marker(revision).to_string();
            assert!(text.len() <= MAX_LEN, "{text}");
            assert_eq!(text.parse(), Ok(marker(revision)));
            assert_eq!(
                Marker::of_name(&format!("my token {text}")),
                Some(marker(revision))
            );
        }
    }

    #[test]
    fn anything_but_the_whole_marker_is_none() {
        let good = marker(7).to_string();
        for text in [
            &good[..good.len() - 1],
            &good[1..],
            &format!("{good}a"),
            &format!("{good}-x"),
            &good.replace("-7-", "-07-"),
            &good.replace("-7-", "-+7-"),
            &good.replace("-7-", "-10000000-"),
            &good.to_uppercase(),
        ] {
            assert_eq!(Marker::of_name(text), None, "{text}");
        }
    }

    #[test]
    fn a_wanted_name_may_not_contain_a_marker() {
        assert!(Marker::occurs_in(&format!("a {} b", marker(1))));
        assert!(!Marker::occurs_in("tw1 release pipeline"));
    }
}
