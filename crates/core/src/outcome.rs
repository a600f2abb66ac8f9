//! What came of a step, as a performer tells it.

use jiff::{SignedDuration, Timestamp};

use crate::decide::{Note, Switch};
use crate::marker::{Marker, Nonce};
use crate::observed::{Carried, Liveness};
use crate::reason::Reason;
use crate::record::{
    Attempt, DestinationVersion, Duty, Ended, Held, Obstacle, Repair, Retiring, TokenRef,
};
use crate::spec::Inputs;
use crate::token::Identity;

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An attempt is durable.
    Attempted(Attempt),
    /// A flow published its token.
    Published(Box<Publication>),
    /// The destination shows a publish that was not recorded.
    Recorded(Box<Carried>),
    /// A flow ended definitely without a token, or with one that was revoked again.
    Failed {
        /// The marker that the flow used.
        marker: Marker,
        /// The token that was minted and whose revoke the issuer took, if it came so far.
        token: Option<TokenRef>,
        /// Why.
        reason: Reason,
        /// How long the issuer asks to wait.
        retry_after: Option<SignedDuration>,
    },
    /// A flow ended without knowing whether its token lives.
    Lost {
        /// The attempt, which stays open.
        nonce: Nonce,
        /// Whether it was the mint's answer that could not be read.
        unreadable: bool,
    },
    /// A minted token was not delivered, and could not be withdrawn.
    NotWithdrawn(TokenRef),
    /// A lost attempt is closed.
    Closed {
        /// Which one.
        attempt: Attempt,
        /// Whether a token may exist that nothing can find.
        suspect: bool,
    },
    /// A token is ended.
    Ended {
        /// Which one.
        token: TokenRef,
        /// How.
        ended: Ended,
    },
    /// The issuer took the revoke of a token, or says that it is not there; nothing was seen of that yet.
    RevokeSent(TokenRef),
    /// A look at one token did not show it.
    NotThere {
        /// Which one.
        token: TokenRef,
        /// How it ended, if that is so.
        ended: Ended,
    },
    /// The revoke of a token did not come to its end.
    NotRevoked {
        /// Which one.
        token: TokenRef,
        /// What stands in the way.
        obstacle: Obstacle,
        /// What the issuer said, by kind, for people.
        said: Option<String>,
        /// How long the issuer asks to wait.
        retry_after: Option<SignedDuration>,
    },
    /// The current value was checked again.
    Proved(Liveness),
    /// The current token is about to be changed in place; until the answer is here, nobody knows what it is.
    Updating,
    /// It was changed in place.
    Updated {
        /// The inputs that it has now.
        inputs: Inputs,
        /// The issued expiry, read back.
        expires_at: Option<Timestamp>,
    },
    /// The current token is about to be switched; until the answer is here, nobody knows whether it is.
    Switching(Switch),
    /// What the current token is was found out after that was in doubt, and it is not what is wanted yet.
    FoundOut {
        /// The inputs that it has.
        inputs: Inputs,
        /// The issued expiry, read back.
        expires_at: Option<Timestamp>,
    },
    /// The current token was switched.
    Switched(Switch),
    /// It was not switched, or nobody knows; the next try waits.
    NotSwitched {
        /// To what.
        switch: Switch,
        /// Whether it is certain that nothing was done.
        definite: bool,
        /// How long the issuer asks to wait.
        retry_after: Option<SignedDuration>,
    },
    /// Another duty towards the current token failed; its next try waits.
    Refused {
        /// Which one.
        duty: Duty,
        /// Whether something of it, or of an earlier try, may have been done all the same.
        unsure: bool,
        /// How long the issuer asks to wait.
        retry_after: Option<SignedDuration>,
    },
    /// A token that we meant to disable is enabled after all, and nobody wants it disabled any more.
    IntentWithdrawn,
    /// A mint that failed is wanted no more.
    MintWithdrawn,
    /// Another credential turned out to be of the account of the tokens on record.
    Recognised(Identity),
}

impl From<Note> for Outcome {
    fn from(note: Note) -> Self {
        match note {
            Note::Published(carried) => Self::Recorded(carried),
            Note::RevokeClosed { token, ended } => Self::Ended { token, ended },
            Note::AttemptClosed { attempt, suspect } => Self::Closed { attempt, suspect },
            Note::IntentWithdrawn => Self::IntentWithdrawn,
            Note::MintWithdrawn => Self::MintWithdrawn,
            Note::Recognised(identity) => Self::Recognised(identity),
        }
    }
}

/// What one write puts at the destination, beside the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The new current token.
    pub current: Held,
    /// All superseded tokens.
    pub retiring: Vec<Retiring>,
    /// The version that the write is conditional on.
    pub destination: DestinationVersion,
    /// The trigger that is handled with it.
    pub trigger: Option<String>,
    /// What it repairs, where nobody planned it or asked for it.
    pub repairs: Option<Repair>,
}
