//! Faults: which requests go wrong, and how.
//!
//! A fault matches operation, token and count, never a path, so that a test survives a change of
//! the vendor's URLs. This module decides and waits; `play` and the systems carry the effects out.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A new token.
    Mint,
    /// All tokens.
    List,
    /// One token.
    Get,
    /// A change of a token.
    Update,
    /// Disable or enable.
    Toggle,
    /// The end of a token.
    Revoke,
    /// Anything else, such as the calls that the tokens are for.
    Other,
    /// In a match only: a reading request (`list`, `get`, `other`) made with a minted value.
    Check,
}

impl Operation {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mint => "mint",
            Self::List => "list",
            Self::Get => "get",
            Self::Update => "update",
            Self::Toggle => "toggle",
            Self::Revoke => "revoke",
            Self::Other => "other",
            Self::Check => "check",
        }
    }

    fn reads(self) -> bool {
        matches!(self, Self::List | Self::Get | Self::Other)
    }
}

/// Whose value authenticates a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// That of a token minted through the API, whether it still lives or not.
    Minted,
    /// The management credential, or a login.
    Credential,
}

/// Which requests a fault meets; an absent field matches all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    /// The system's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// The token that authenticates or is addressed: its id, its name with `*` for any characters,
    /// or `minted` for the one minted last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Whose value authenticates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// How many matching requests pass unharmed before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip: Option<u32>,
    /// How many requests it meets; absent is every one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// A listing that is not whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CutListing {
    /// How many items are left; the claimed total stays.
    pub keep: usize,
    /// The connection ends in the middle of the answer.
    #[serde(default)]
    pub mid_body: bool,
}

/// What happens to a request; several may be combined.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Effect {
    /// The request takes effect at once; its answer is on its way for so long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// The request takes effect; the connection is cut without an answer.
    #[serde(skip_serializing_if = "is_false")]
    pub lost_reply: bool,
    /// Nothing happens for so long; then the request takes effect, also when nobody waits any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect_after_timeout: Option<u64>,
    /// This status in place of any effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The body that goes with `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<serde_json::Value>,
    /// The header `Retry-After`, in seconds, that goes with `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The request takes effect; the answer is this status of a broken gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub five_xx: Option<u16>,
    /// The request takes effect; the answer ends in the middle of its JSON.
    #[serde(skip_serializing_if = "is_false")]
    pub truncate_body: bool,
    /// The request takes effect; the answer is an HTML page in its place (with `status`: no effect).
    #[serde(skip_serializing_if = "is_false")]
    pub html: bool,
    /// Mint: the token is missing from listings for so long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eventual_list: Option<u64>,
    /// List: only a part is answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_listing: Option<CutListing>,
    /// Mint: refused, in the system's own words, while so many tokens live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<usize>,
    /// Mint: the value never authenticates.
    #[serde(skip_serializing_if = "is_false")]
    pub born_dead: bool,
    /// No effect and no answer until the fault is removed; then the connection is cut.
    #[serde(skip_serializing_if = "is_false")]
    pub hang: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Effect {
    /// Effects that only mints or listings can show must not be used up by other requests.
    fn concerns(&self, operation: Operation) -> bool {
        let general = Self {
            eventual_list: None,
            cut_listing: None,
            quota: None,
            born_dead: false,
            ..self.clone()
        } != Self::default();
        let minting = self.eventual_list.is_some() || self.quota.is_some() || self.born_dead;
        general
            || (minting && operation == Operation::Mint)
            || (self.cut_listing.is_some() && operation == Operation::List)
    }

    fn check(&self) -> Result<(), InvalidFault> {
        if *self == Self::default() {
            return Err(InvalidFault::NoEffect);
        }
        if (self.body.is_some() || self.retry_after.is_some()) && self.status.is_none() {
            return Err(InvalidFault::NoStatus);
        }
        let statuses = [(self.status, 200..600), (self.five_xx, 500..600)];
        for (status, range) in statuses {
            if let Some(status) = status.filter(|status| !range.contains(status)) {
                return Err(InvalidFault::Status(status));
            }
        }
        Ok(())
    }
}

/// A fault: which requests, and what happens to them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which requests; absent is every one.
    #[serde(default, rename = "match")]
    pub matching: Match,
    /// What happens to them.
    pub effect: Effect,
}

/// A fault that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum InvalidFault {
    /// Nothing would happen.
    #[error("a fault needs at least one effect")]
    NoEffect,
    /// `body` or `retry_after` without `status`.
    #[error("body and retry_after need a status")]
    NoStatus,
    /// A status that the effect cannot have.
    #[error("{0} is no status for this effect")]
    Status(u16),
    /// A match that can meet no request.
    #[error("no system named {0} is played here")]
    System(String),
}

/// A fault as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Its number, for `DELETE /faults/{id}`.
    pub id: u64,
    /// The fault.
    #[serde(flatten)]
    pub fault: Fault,
    /// How many requests it has met.
    pub hits: u32,
    /// How many requests it holds back at this moment.
    pub waiting: u32,
}

#[derive(Debug)]
struct Entry {
    standing: Standing,
    passed: u32,
    removed: CancellationToken,
}

/// The faults of one sandbox.
#[derive(Debug)]
pub struct Faults {
    systems: Vec<String>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    last_id: u64,
    entries: Vec<Entry>,
}

impl Faults {
    pub(crate) fn new(systems: Vec<String>) -> Self {
        Self {
            systems,
            inner: Mutex::default(),
        }
    }

    /// Adds a fault; earlier ones come first where two speak of the same thing.
    ///
    /// # Errors
    ///
    /// A fault without effect, or one that can never meet a request.
    pub fn add(&self, fault: Fault) -> Result<u64, InvalidFault> {
        fault.effect.check()?;
        if let Some(system) = &fault.matching.system
            && !self.systems.contains(system)
        {
            return Err(InvalidFault::System(system.clone()));
        }
        let mut inner = self.lock();
        inner.last_id += 1;
        let id = inner.last_id;
        inner.entries.push(Entry {
            standing: Standing {
                id,
                fault,
                hits: 0,
                waiting: 0,
            },
            passed: 0,
            removed: CancellationToken::new(),
        });
        Ok(id)
    }

    /// All faults, also those that are used up.
    pub fn list(&self) -> Vec<Standing> {
        self.lock()
            .entries
            .iter()
            .map(|entry| entry.standing.clone())
            .collect()
    }

    /// Removes one fault and lets go what it holds back; false when there is none with this number.
    pub fn remove(&self, id: u64) -> bool {
        let mut inner = self.lock();
        let before = inner.entries.len();
        inner.entries.retain(|entry| {
            if entry.standing.id == id {
                entry.removed.cancel();
            }
            entry.standing.id != id
        });
        inner.entries.len() < before
    }

    /// Removes all faults and lets go what they hold back.
    pub fn clear(&self) {
        for entry in self.lock().entries.drain(..) {
            entry.removed.cancel();
        }
    }

    /// What happens to this request; every fault that meets it counts it.
    pub(crate) fn meet(&self, seen: &Seen) -> Plan {
        let mut plan = Plan::default();
        for entry in &mut self.lock().entries {
            let fault = &entry.standing.fault;
            if !fault.effect.concerns(seen.operation) || !fault.matching.meets(seen) {
                continue;
            }
            if entry.passed < fault.matching.skip.unwrap_or(0) {
                entry.passed += 1;
                continue;
            }
            if fault
                .matching
                .count
                .is_some_and(|count| entry.standing.hits >= count)
            {
                continue;
            }
            entry.standing.hits += 1;
            plan.join(&entry.standing, &entry.removed);
        }
        plan
    }

    /// Waits as long as the fault says, or until it is removed.
    pub(crate) async fn hold(&self, pause: &Pause) {
        self.waiting(pause.id, 1);
        match pause.length {
            Some(length) => {
                // Either end of the wait is a good one.
                let _ = tokio::time::timeout(length, pause.removed.cancelled()).await;
            }
            None => pause.removed.cancelled().await,
        }
        self.waiting(pause.id, -1);
    }

    fn waiting(&self, id: u64, by: i32) {
        for entry in &mut self.lock().entries {
            if entry.standing.id == id {
                entry.standing.waiting = entry.standing.waiting.saturating_add_signed(by);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a fault can know of a request.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) system: &'static str,
    pub(crate) operation: Operation,
    pub(crate) by: Option<By>,
    /// Ids and names of the authenticating and the addressed token.
    pub(crate) tokens: Vec<String>,
    pub(crate) last_minted: Option<String>,
}

impl Match {
    fn meets(&self, seen: &Seen) -> bool {
        let system = self
            .system
            .as_ref()
            .is_none_or(|system| system == seen.system);
        let operation = self.operation.is_none_or(|operation| match operation {
            Operation::Check => seen.operation.reads() && seen.by == Some(By::Minted),
            operation => operation == seen.operation,
        });
        let by = self.by.is_none_or(|by| seen.by == Some(by));
        let token = self
            .token
            .as_ref()
            .is_none_or(|token| match token.as_str() {
                "minted" => seen
                    .last_minted
                    .as_ref()
                    .is_some_and(|last| seen.tokens.contains(last)),
                pattern => seen.tokens.iter().any(|text| fits(pattern, text)),
            });
        system && operation && by && token
    }
}

/// Whether `text` is `pattern`, where `*` stands for any characters.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            rest.char_indices()
                .map(|(at, _)| at)
                .chain([rest.len()])
                .any(|at| rest.get(at..).is_some_and(|rest| fits(tail, rest)))
        }),
    }
}

/// A wait that ends early when its fault is removed.
#[derive(Debug, Clone)]
pub(crate) struct Pause {
    id: u64,
    length: Option<Duration>,
    removed: CancellationToken,
}

/// The effects of all faults that met one request.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) effect: Effect,
    pub(crate) late_answer: Option<Pause>,
    pub(crate) late_effect: Option<Pause>,
    pub(crate) hang: Option<Pause>,
}

impl Plan {
    fn join(&mut self, standing: &Standing, removed: &CancellationToken) {
        let new = standing.fault.effect.clone();
        let pause = |length: Option<u64>| Pause {
            id: standing.id,
            length: length.map(Duration::from_millis),
            removed: removed.clone(),
        };
        let late = |length: Option<u64>| length.map(|length| pause(Some(length)));
        self.late_answer = self.late_answer.take().or_else(|| late(new.latency_ms));
        self.late_effect = self
            .late_effect
            .take()
            .or_else(|| late(new.effect_after_timeout));
        self.hang = self.hang.take().or_else(|| new.hang.then(|| pause(None)));
        let old = std::mem::take(&mut self.effect);
        self.effect = Effect {
            latency_ms: old.latency_ms.or(new.latency_ms),
            lost_reply: old.lost_reply || new.lost_reply,
            effect_after_timeout: old.effect_after_timeout.or(new.effect_after_timeout),
            body: if old.status.is_some() {
                old.body
            } else {
                new.body
            },
            retry_after: if old.status.is_some() {
                old.retry_after
            } else {
                new.retry_after
            },
            status: old.status.or(new.status),
            five_xx: old.five_xx.or(new.five_xx),
            truncate_body: old.truncate_body || new.truncate_body,
            html: old.html || new.html,
            eventual_list: old.eventual_list.or(new.eventual_list),
            cut_listing: old.cut_listing.or(new.cut_listing),
            quota: old.quota.or(new.quota),
            born_dead: old.born_dead || new.born_dead,
            hang: old.hang || new.hang,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_pattern_takes_any_characters_for_its_star() {
        for (pattern, text, meets) in [
            ("ci *", "ci tw1-abc", true),
            ("*-3-*", "ci tw1-abcde-mgr-3-nonce", true),
            ("*-3-*", "ci tw1-abcde-mgr-4-nonce", false),
            ("ci", "ci 2", false),
            ("*", "", true),
        ] {
            assert_eq!(fits(pattern, text), meets, "{pattern} on {text}");
        }
    }
}
