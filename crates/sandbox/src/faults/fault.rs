//! The words in which a fault is told: which requests it meets, and what happens to them.

use serde::{Deserialize, Serialize};

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
    /// In a match only: a reading request (`list`, `get`, `other`) made with a value that was minted
    /// or made by hand.
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
    /// That of a token made by a person in the console, whether it still lives or not.
    MadeByHand,
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
    /// The request is answered as if it had taken effect, and does not.
    #[serde(skip_serializing_if = "is_false")]
    pub no_effect: bool,
    /// This status in place of any effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The body that goes with `status`; absent: JSON with the words of a 4xx, nothing with others. An
    /// empty text is no body at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<serde_json::Value>,
    /// The header `Retry-After`, in seconds, that goes with `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The request takes effect; the answer is this status of a broken gateway, or 406, which is how
    /// Terrakube answers creates that it made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub five_xx: Option<u16>,
    /// The request takes effect; the answer ends in the middle of its JSON.
    #[serde(skip_serializing_if = "is_false")]
    pub truncate_body: bool,
    /// The request takes effect; the answer is an HTML page in its place (with `status`: no effect).
    #[serde(skip_serializing_if = "is_false")]
    pub html: bool,
    /// The clock that the answer is dated by is so many seconds behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_behind: Option<u64>,
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
    pub(super) fn concerns(&self, operation: Operation) -> bool {
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

    pub(super) fn check(&self) -> Result<(), InvalidFault> {
        if *self == Self::default() {
            return Err(InvalidFault::NoEffect);
        }
        if (self.body.is_some() || self.retry_after.is_some()) && self.status.is_none() {
            return Err(InvalidFault::NoStatus);
        }
        let odd = self.status.filter(|status| !(200..600).contains(status));
        let effective = |status: &u16| *status == 406 || (500..600).contains(status);
        let odd = odd.or(self.five_xx.filter(|status| !effective(status)));
        odd.map_or(Ok(()), |status| Err(InvalidFault::Status(status)))
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
    pub(super) fn meets(&self, seen: &Seen) -> bool {
        let system = self
            .system
            .as_ref()
            .is_none_or(|system| system == seen.system);
        let operation = self.operation.is_none_or(|operation| match operation {
            Operation::Check => {
                seen.operation.reads() && matches!(seen.by, Some(By::Minted | By::MadeByHand))
            }
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
