//! Why something is done, or why nothing is. The names are API: conditions and diagnostics carry them.

use std::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident: $sentence:literal,)*) => {
        /// Why a decision was made. Each has a fixed name and a sentence for people.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $(#[doc = $sentence] $name,)*
        }

        impl Reason {
            /// All of them, in the order of the source.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The fixed name, as conditions carry it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// What it means, for people.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self {
                    $(Self::$name => $sentence,)*
                }
            }
        }
    };
}

reasons! {
    // Nothing to do, or nothing may be done.
    Quiet: "Everything is as wanted.",
    Minting: "A new token is being minted, proven and published.",
    Suspended: "No new attempt is started while suspended.",
    BackingOff: "The last attempt failed; the next one waits.",
    TooManyAttempts: "Eight attempts are open; nothing more is tried until they are resolved.",
    AnswersUnreadable: "Three mints in a row got an unreadable answer; a new trigger tries again.",
    MintsHeld: "The issuer is suspect, so nothing is minted until that is resolved.",
    DestinationForeign: "The destination belongs to somebody else and is left alone.",
    IssuerIdentityChanged: "The issuer has another endpoint or account than the tokens on record; nothing is sent to it.",
    ForeignActivity: "Another writer mints for this manager; revokes wait until that ends or a person decides.",
    RevokesHeld: "Revokes of this issuer are held.",
    RevokeNotProven: "The issuer shows a superseded token without our marker; a person should look at it.",
    Ambiguous: "A token may exist after a lost answer, and this system cannot tell; a person should look.",
    TokenLost: "The token is revoked or missing at the issuer, and that is only to be reported.",
    DisabledOutside: "The token was disabled outside and stays so until a person enables it.",
    CannotDisable: "This system cannot disable tokens.",
    SourceMissing: "The source of the adopted value is missing, or has no value that could be used.",
    ValueRefused: "The offered value does not authenticate and is not taken up.",
    ValueNotChecked: "The issuer did not say whether the offered value authenticates; the value that works stays.",
    ExpiresSoon: "The adopted token expires soon; a person must make the next one.",
    // A new token.
    FirstMint: "There is no token yet.",
    DestinationLost: "The destination and with it the value is gone.",
    ValueModified: "The value at the destination is not the one that was published.",
    TokenMissing: "The token is missing at the issuer.",
    TokenDead: "The value does not authenticate any more.",
    TokenExpired: "The token has expired.",
    InputsChanged: "The wanted inputs cannot be changed on the living token.",
    Triggered: "A rotation was asked for.",
    Due: "The rotation is due.",
    ReplayLostAnswer: "The answer to a mint was lost and can be had again.",
    // What a mint flow ends with.
    Published: "The new token is published.",
    MintRefused: "The issuer refused the mint.",
    MintNotSent: "The mint could not be sent.",
    OutcomeUnknown: "The answer to the mint was lost.",
    MintedValueRefused: "The minted value does not authenticate; the new token was revoked.",
    ValueNotProven: "The minted value could not be proven; the new token was revoked and the current one kept.",
    RehearsalRefused: "The destination would refuse the value; nothing was minted.",
    PublishRefused: "The destination refused the value; the new token was revoked.",
    DestinationChanged: "Somebody else changed the destination; the new token was revoked.",
    AttemptConflict: "Another writer or a stale view; nothing was minted.",
    // Tending.
    AlreadyPublished: "The destination holds a token that was not recorded yet.",
    NotProven: "The published value is not proven yet.",
    InputsUpdated: "The inputs can be changed on the living token.",
    Enabling: "The token is to be enabled.",
    Disabling: "The token is to be disabled.",
    OverlapEnded: "The overlap of a superseded token has ended.",
    LostAttempt: "A lost attempt left a token whose value nobody has.",
    Orphan: "A closed attempt left a token whose value nobody has.",
    AttemptClosed: "A lost attempt left no token.",
    // Adopting.
    ValueOffered: "A person offers a value that was not taken up yet.",
    NotDelivered: "The destination does not hold the value that was taken up.",
    CheckDue: "The delivered value is to be checked again.",
    // Deletion.
    WaitingForAttempts: "Deletion waits until lost answers are resolved.",
    WaitingForInventory: "Deletion waits for a complete inventory.",
    WaitingForOverlaps: "Deletion waits for the overlaps of superseded tokens.",
    RemovingDestination: "The destination is removed.",
    ReleasingDestination: "The destination is released to its owner.",
    RevokingForDeletion: "The token ends with its manager.",
    DeletionTimedOut: "Deletion gave up after its timeout; the tokens named stay alive.",
    Deleted: "Nothing of this manager is left.",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
