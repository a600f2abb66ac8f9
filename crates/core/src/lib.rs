//! The words of API tokens as types, and their lifecycle as pure functions.
//!
//! Read in this order: [`duration`] and [`marker`] (how lifetimes and names are written),
//! [`token`] (who a token is), [`spec`], [`window`] and [`bounds`] (what is wanted), [`record`] (what is remembered),
//! [`observed`] (what was seen),
//! [`capabilities`] (what the system can do), [`schedule`] (when), [`decide()`] (what to do next),
//! [`flow`] (how a token is minted, and [`refused_expiry`]: what of it is not kept), [`outcome`] (what came of a step), [`evolve()`] (what is then known) and [`plan()`] (all steps ahead).
//! [`adopt`] is the same for tokens that a person made.
//!
//! Nothing here knows an async runtime, HTTP, a clock, randomness or a log:
//! time, nonces and answers come in as arguments, decisions go out as plain data.
//! A secret value never enters this crate.

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod adopt;
pub mod bounds;
pub mod capabilities;
pub mod decide;
pub mod duration;
pub mod evolve;
pub mod flow;
pub mod instant;
pub mod marker;
pub mod observed;
pub mod outcome;
pub mod plan;
pub mod reason;
pub mod record;
pub mod schedule;
pub mod spec;
pub mod token;
pub mod window;

mod backoff;
mod issued;
#[cfg(test)]
mod samples;
mod suspects;

pub use adopt::{
    AdoptAction, AdoptDecision, AdoptRecord, AdoptSpec, AdoptView, Fingerprint, Holds, RevokeWait,
    Term, Tried, decide_adopted,
};
pub use bounds::Bounds;
pub use capabilities::{Capabilities, Disable, Look, LostAnswer, UpdateKind};
pub use decide::{
    Action, AtDestination, AtIssuer, Change, Decision, Explained, Flow, Note, Switch, View, basis,
    decide, decide_deletion, explain, explain_deletion,
};
pub use duration::Lifetime;
pub use evolve::{evolve, evolve_beside};
pub use flow::{Answer, Ask, MintFlow, MintPlan};
pub use issued::{END_OF_LIFETIMES, IMPOSSIBLE_EXPIRY, refused_expiry};
pub use marker::{ManagerId, Marker, Nonce, Origin, Revision};
pub use observed::{
    Carried, Checked, Destination, Doubt, Intact, IssuerSeen, Liveness, Observed, Sighting,
    Standing, Survey, suspect,
};
pub use outcome::{Outcome, Publication};
pub use plan::{Steps, plan};
pub use reason::{Acts, Reason};
pub use record::{
    Asked, Attempt, DestinationVersion, Duty, Ended, Held, Longest, Obstacle, OpenRevoke, Past,
    Pause, Proven, Record, Repair, Repaired, Retiring, TokenRef,
};
pub use spec::{
    DefaultOverlap, Deletion, DeletionPolicy, Inputs, InvalidSpec, OnLoss, Parameters, RenewBefore,
    Rotation, Spec, WantedState,
};
pub use token::{Identity, Sameness, TokenId, TokenStatus};
pub use window::{InvalidWindow, Window};
