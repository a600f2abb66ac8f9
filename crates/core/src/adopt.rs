//! A token that a person made: its value is taken up, checked, delivered, followed when it changes,
//! and announced before its date.
//!
//! Nothing is minted or rotated here. The value never enters this crate: it is told apart by its
//! [`Fingerprint`]. One rule stands above all others: a value that does not authenticate never replaces
//! one that does.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::instant::{after, before};
use crate::observed::Liveness;
use crate::schedule;
use crate::spec::Deletion;
use crate::token::TokenId;

mod decide;

pub use decide::{AdoptAction, AdoptDecision, AdoptView, Holds, decide_adopted};

/// How long before a date that a person gave its end is announced, where nothing else is said.
pub const WARN_BEFORE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Tells one value from another, and says nothing else about it: a keyed digest, made where the value is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// A fingerprint that was made before.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is wanted of an adopted token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptSpec {
    /// The issuer's id of it, where a person named one; without it nothing is ever revoked.
    pub token_id: Option<TokenId>,
    /// When it ends, as a person said.
    pub expires_at: Option<Timestamp>,
    /// How long before that its end is announced.
    pub warn_before: SignedDuration,
    /// How often a delivered value is checked again.
    pub recheck: SignedDuration,
    /// Take up no other value. What is delivered is tended.
    pub suspend: bool,
    /// What deletion of the manager does to it.
    pub deletion: Deletion,
}

/// Where an adopted token stands in the time that a person gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// Its end is far, or nobody gave one.
    Open,
    /// A person must make the next one before this instant.
    EndsSoon(Timestamp),
    /// It ended at this instant.
    Ended(Timestamp),
}

impl AdoptSpec {
    /// When its end is announced.
    #[must_use]
    pub fn warn_at(&self) -> Option<Timestamp> {
        self.expires_at.map(|at| before(at, self.warn_before))
    }

    /// Where it stands in its time.
    #[must_use]
    pub fn term(&self, now: Timestamp) -> Term {
        match (self.expires_at, self.warn_at()) {
            (Some(end), _) if end <= now => Term::Ended(end),
            (Some(end), Some(warn)) if warn <= now => Term::EndsSoon(end),
            _ => Term::Open,
        }
    }
}

/// A value that was asked about, or that nothing can be asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Which value.
    pub fingerprint: Fingerprint,
    /// The last clear answer; `Unknown` where there was none yet.
    pub liveness: Liveness,
    /// When it was last asked about; `None` where that cannot be done.
    pub asked_at: Option<Timestamp>,
    /// When it last authenticated.
    pub alive_at: Option<Timestamp>,
    /// How many answers in a row were not *alive*.
    pub failures: u32,
}

impl Tried {
    fn new(fingerprint: Fingerprint) -> Self {
        Self {
            fingerprint,
            liveness: Liveness::Unknown,
            asked_at: None,
            alive_at: None,
            failures: 0,
        }
    }

    fn hear(&mut self, answer: Liveness, now: Timestamp) {
        self.asked_at = Some(now);
        match answer {
            Liveness::Alive => {
                self.alive_at = Some(now);
                self.failures = 0;
            }
            Liveness::Dead | Liveness::Unknown => self.failures = self.failures.saturating_add(1),
        }
        if answer != Liveness::Unknown {
            self.liveness = answer;
        }
    }

    /// When it is asked about again: after `recheck`, or earlier where the last answer was not *alive*.
    #[must_use]
    pub fn ask_at(&self, recheck: SignedDuration) -> Option<Timestamp> {
        let wait = match self.failures {
            0 => recheck,
            failures => schedule::backoff(failures).min(recheck),
        };
        self.asked_at.map(|asked| after(asked, wait))
    }
}

/// What is remembered of an adopted token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AdoptRecord {
    /// The value that was taken up.
    pub accepted: Option<Tried>,
    /// Another one that is offered and was not taken up: it does not authenticate, or nobody knows.
    pub offered: Option<Tried>,
    /// Whether the end of the named token was tried: it is revoked, gone, or left to a person.
    pub ended: bool,
    /// The wait after revokes of it that failed.
    pub revoke: Option<RevokeWait>,
}

/// The wait after revokes that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevokeWait {
    /// How often in a row.
    pub failures: u32,
    /// Not tried before this instant.
    pub retry_at: Timestamp,
}

impl AdoptRecord {
    /// Whether the accepted value was seen to authenticate, and not to fail since.
    #[must_use]
    pub fn alive(&self) -> bool {
        let accepted = self.accepted.as_ref();
        accepted.is_some_and(|tried| tried.liveness == Liveness::Alive)
    }

    /// Whether this value is the accepted one.
    #[must_use]
    pub fn accepts(&self, fingerprint: &Fingerprint) -> bool {
        let accepted = self.accepted.as_ref();
        accepted.is_some_and(|tried| &tried.fingerprint == fingerprint)
    }

    /// What is known after a value was asked about; `holds` says whether the destination holds
    /// the accepted value.
    ///
    /// *Alive* takes it up. *Dead* never does. *Unknown* does only where nothing that works is replaced.
    #[must_use]
    pub fn answered(
        mut self,
        fingerprint: &Fingerprint,
        answer: Liveness,
        holds: bool,
        now: Timestamp,
    ) -> Self {
        if self.accepts(fingerprint) {
            if let Some(accepted) = &mut self.accepted {
                accepted.hear(answer, now);
            }
            return self;
        }
        let known = self
            .offered
            .take()
            .filter(|t| &t.fingerprint == fingerprint);
        let mut tried = known.unwrap_or_else(|| Tried::new(fingerprint.clone()));
        tried.hear(answer, now);
        let replaces = holds && self.alive();
        match tried.liveness {
            Liveness::Alive => self.accepted = Some(tried),
            Liveness::Unknown if !replaces => self.accepted = Some(tried),
            Liveness::Dead | Liveness::Unknown => self.offered = Some(tried),
        }
        self
    }

    /// What is known after the revoke of the named token failed; the next one waits longer each time.
    #[must_use]
    pub fn not_revoked(self, asked: Option<SignedDuration>, now: Timestamp) -> Self {
        let failures = self
            .revoke
            .map_or(0, |wait| wait.failures)
            .saturating_add(1);
        let retry_at = after(now, schedule::wait(failures, asked));
        Self {
            revoke: Some(RevokeWait { failures, retry_at }),
            ..self
        }
    }

    /// What is known after a value was taken up that nothing can be asked about.
    #[must_use]
    pub fn taken_up(self, fingerprint: &Fingerprint) -> Self {
        Self {
            accepted: Some(Tried::new(fingerprint.clone())),
            offered: None,
            ..self
        }
    }
}

#[cfg(test)]
mod tests;
