//! What a flow is told, asks and is answered.

use jiff::{SignedDuration, Timestamp};

use crate::capabilities::Capabilities;
use crate::decide::{View, loss, repairs};
use crate::marker::{ManagerId, Marker, Nonce, Origin, Revision};
use crate::observed::{IssuerSeen, Liveness};
use crate::outcome::{Outcome, Publication};
use crate::record::{Attempt, DestinationVersion, Held, Repair, Retiring, TokenRef};
use crate::spec::Spec;
use crate::token::TokenId;

/// Everything that a flow needs to know at its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MintPlan {
    /// The marker of the new token.
    pub marker: Marker,
    /// What is wanted.
    pub spec: Spec,
    /// What the system can do.
    pub can: Capabilities,
    /// The issuer, as the new token's reference will name it.
    pub issuer: IssuerSeen,
    /// The token that is current now.
    pub current: Option<Held>,
    /// Whether that token still works, so that nothing unproven may replace it.
    pub current_works: bool,
    /// The tokens that are retiring now.
    pub retiring: Vec<Retiring>,
    /// The attempts that are open now, and pass for lost.
    pub lost: Vec<Nonce>,
    /// What the new token repairs, where nobody planned it or asked for it.
    pub repairs: Option<Repair>,
    /// Whether the destination can refuse: rehearse the publish, and write the attempt durably.
    /// Terraform's state has neither; its next nonce is stored by the mint before.
    pub durable: bool,
}

impl MintPlan {
    /// The plan for the mint that `decide` asked for with this view.
    #[must_use]
    pub fn new(
        view: &View<'_>,
        who: (Origin, ManagerId),
        revision: Revision,
        nonce: Nonce,
        now: Timestamp,
    ) -> Self {
        let View {
            spec,
            record,
            observed,
            can,
        } = *view;
        let (origin, manager) = who;
        let current_works = record
            .current
            .as_ref()
            .is_some_and(|held| loss(view, held, now).is_none());
        Self {
            marker: Marker {
                origin,
                manager,
                revision,
                nonce,
            },
            spec: spec.clone(),
            can: can.clone(),
            issuer: observed.issuer.clone(),
            current: record.current.clone(),
            current_works,
            retiring: record.retiring.clone(),
            lost: view.lost_attempts().map(|a| a.nonce.clone()).collect(),
            repairs: repairs(view, now),
            durable: true,
        }
    }
}

/// What the flow asks its performer to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Try the publish as a dry run, and read the destination's version live.
    Rehearse,
    /// Write this attempt durably, guarded by the version of the record that was just read.
    WriteAttempt(Attempt),
    /// Ask the issuer, once.
    Mint {
        /// For which attempt.
        attempt: Attempt,
        /// When the attempt began, which its request speaks of: the same instant however often it is sent,
        /// since a replay that says something else is another request.
        at: Timestamp,
    },
    /// At `at`, ask whether the minted value authenticates.
    Prove {
        /// Not before this instant.
        at: Timestamp,
    },
    /// At `at`, write value and publication in one conditional write.
    Publish {
        /// Not before this instant.
        at: Timestamp,
        /// What the destination carries beside the value.
        publication: Box<Publication>,
    },
    /// At `at`, revoke the token that this flow minted; its mint's own answer is the evidence.
    Withdraw {
        /// Not before this instant.
        at: Timestamp,
        /// Which token.
        token: TokenRef,
    },
    /// The flow is over; record this.
    Done(Outcome),
}

/// What came of an ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The flow begins.
    Start,
    /// The destination would take the value.
    Rehearsed {
        /// Its version.
        version: DestinationVersion,
        /// The nonce of the token that it says is current, if it says so.
        current: Option<Nonce>,
    },
    /// The destination would refuse it.
    RehearsalRefused,
    /// The attempt is durable.
    AttemptWritten,
    /// Another writer was faster, or the view was stale.
    AttemptConflict,
    /// The issuer minted.
    Minted {
        /// The id of the new token.
        id: TokenId,
        /// The issued expiry.
        expires_at: Option<Timestamp>,
        /// Whether the name that the answer shows carries the whole marker; nothing where it shows none.
        marked: Option<bool>,
    },
    /// The issuer refused definitely, or nothing was sent.
    NotMinted {
        /// Whether the request reached the issuer.
        sent: bool,
        /// How long the issuer asks to wait.
        retry_after: Option<SignedDuration>,
    },
    /// The issuer refused for who asks, or how often: the same request may be answered otherwise later.
    NotNow {
        /// How long the issuer asks to wait.
        retry_after: Option<SignedDuration>,
    },
    /// A token may have been minted.
    MintUnknown,
    /// What the check says.
    Proved(Liveness),
    /// The write is committed.
    Committed,
    /// Somebody touched the destination, but UID and carried token are the same and our attempt is
    /// still open: try again with this version.
    Moved(DestinationVersion),
    /// Somebody else published or replaced the destination.
    Changed,
    /// The write was refused or failed.
    PublishFailed,
    /// The withdrawn token is gone.
    Withdrawn,
    /// The withdrawal failed.
    WithdrawFailed,
    /// The destination names the token as current, or as retiring before its not-before: it must live.
    InUse,
}
