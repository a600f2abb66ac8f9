//! What a token system can do. Derived from its profile, never declared beside it.

use std::collections::BTreeSet;

use jiff::SignedDuration;

/// What one issuer can do, as far as the lifecycle must know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// How a mint whose answer was lost is repaired.
    pub lost_answer: LostAnswer,
    /// Whether a harmless call can prove that a value authenticates.
    pub check: bool,
    /// Whether tokens can be revoked.
    pub revoke: bool,
    /// How one token is looked at, before it is revoked and after.
    pub look: Look,
    /// Whether and how a token is suspended.
    pub disable: Disable,
    /// What can be changed on a living token.
    pub update: BTreeSet<UpdateKind>,
    /// The longest time until the system's own answers and listings agree.
    pub settle: SignedDuration,
    /// Whether there is room for one token alone, so that the old one must end before the next is minted.
    pub one: bool,
    /// Whether the system is known not to keep to the lifetime that it is asked for.
    pub lifetime_ignored: bool,
}

/// How a mint whose answer was lost is repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LostAnswer {
    /// The same request with the same idempotency key gets the same answer.
    Replay,
    /// A listing shows names, and so our marker.
    FindByMarker,
    /// A listing shows tokens, but nothing that tells whose they are.
    CannotAttribute,
    /// There is no listing.
    CannotList,
}

/// How one token is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Look {
    /// By a request of its own.
    Alone,
    /// In a complete listing.
    Listing,
    /// Not at all.
    Nothing,
}

/// Whether and how a token is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Disable {
    /// It cannot be.
    Unsupported,
    /// A request names the wanted state.
    SetState,
    /// A request flips whatever the state is: read, send once, read again.
    BlindToggle,
}

/// One change that a system can make on a living token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UpdateKind {
    /// The name.
    Name,
    /// The scopes.
    Scopes,
    /// An expiry, where there is none.
    AddExpiry,
    /// An earlier expiry.
    ShortenExpiry,
    /// A later expiry, or none.
    ExtendExpiry,
}

impl UpdateKind {
    /// Whether it gives a token another end.
    #[must_use]
    pub const fn moves_the_end(&self) -> bool {
        match self {
            Self::Name | Self::Scopes => false,
            Self::AddExpiry | Self::ShortenExpiry | Self::ExtendExpiry => true,
        }
    }
}
