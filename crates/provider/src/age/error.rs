//! What can be wrong with a key or a file of the age format.

/// Why a text is no key, or no file that can be opened. Never says what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// A recipient of another kind, a mistyped one, or none.
    #[error("it is no recipient as `age-keygen` prints it: `age1` and 58 characters more")]
    NoRecipient,
    /// The secret half of a key pair, where the public one belongs.
    #[error("it is an identity, and secret: give its recipient, which `age-keygen -y` prints")]
    SecretHalf,
    /// No identity of this kind, or a mistyped one.
    #[error(
        "there is no identity in it as `age-keygen` prints it: `AGE-SECRET-KEY-1` and 58 characters more"
    )]
    NoIdentity,
    /// Another kind of text.
    #[error("it is no armored age file")]
    NoFile,
    /// What cannot be told from a forgery.
    #[error("it was cut, altered, or made by nothing that follows the format")]
    Damaged,
    /// No stanza is for these identities.
    #[error("it was encrypted for other recipients")]
    NotForUs,
    /// This machine gives no random bytes, or the cipher failed.
    #[error("this machine cannot encrypt")]
    CannotSeal,
}
