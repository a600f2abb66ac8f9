//! Who a token is, whose it is, and what its issuer says of it.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! text_word {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the issuer's own text, verbatim.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The issuer's own text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_word!(
    /// The id of a token at its issuer. Some systems use an id again; a marker never is.
    TokenId
);
text_word!(
    /// Who a credential is, as the issuer says: a stable id of the account, never a membership list.
    Identity
);

/// How an identity begins that is a digest of a credential, where the issuer does not say whose it is.
/// It stands in states and in statuses: it never changes.
pub const OF_CREDENTIAL: &str = "credential:";

/// Whether two identities are the same account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sameness {
    /// They are.
    Same,
    /// Nothing tells: another credential may be of the same account or of another.
    Unknown,
    /// The issuer's own word says that they are not.
    Other,
}

impl Identity {
    /// Whether this is a digest of a credential, and not the issuer's own word.
    #[must_use]
    pub fn is_of_credential(&self) -> bool {
        self.0.starts_with(OF_CREDENTIAL)
    }

    /// Whether what is on record is the account that is seen now. A record from before there were
    /// digests has none, and one that is not known on either side speaks against nothing else.
    #[must_use]
    pub fn compare(recorded: Option<&Self>, seen: Option<&Self>) -> Sameness {
        match (recorded, seen) {
            (Some(a), Some(b)) if a == b => Sameness::Same,
            (Some(a), Some(b)) if a.is_of_credential() || b.is_of_credential() => Sameness::Unknown,
            (Some(_), Some(_)) => Sameness::Other,
            (None, Some(b)) if b.is_of_credential() => Sameness::Unknown,
            (_, None) | (None, _) => Sameness::Same,
        }
    }
}

/// What the issuer says of the current token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenStatus {
    /// It was not asked, or the answer was no answer.
    Unknown,
    /// It is there and not disabled.
    Active,
    /// It is there and disabled.
    Disabled,
    /// A complete listing under the same identity does not show it, which alone proves nothing.
    Unlisted,
    /// It is not there: listings do not show it, past `settle`, and its value is dead or cannot be asked about.
    Missing,
    /// Its value does not authenticate, though it should.
    Dead,
}
