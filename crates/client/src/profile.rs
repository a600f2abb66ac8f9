//! Profiles: one YAML file per token system, and the issuer that runs it.
//!
//! Reading order: `file` is the shape of the file (and [`schema`] says it to editors), `load` checks and
//! compiles it to a `plan` with [`text`](crate::text), the engine of `$(…)`. [`ProfileIssuer`] is a plan with
//! a credential (`engine`) that answers as an [`Issuer`](crate::Issuer) (`issuer`).
//!
//! One call: `asking` says what is about to be asked, `login` turns a credential into a token first, `call`
//! sends; `taken` moves secrets out of what came, before anything else sees it (`answered`); `shape` and
//! `own` tell the issuer's own answers from those of others, `judge` says what they mean, `vendor` in whose
//! words. `read` makes tokens of them, `minted` values, `further` with more than one call; `one` asks about one token, `listing` and `pages` about
//! all, `proven` about a value; `switch` flips, `ended` ends. [`examples`] replays exchanges.
//!
//! Knows no vendor: what is peculiar to one stands in its file under `profiles/`.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use tokenwright_core::Capabilities;
use url::Url;

use crate::account::Rate;
use crate::limits::Limits;

mod answered;
mod asking;
mod call;
mod ended;
mod engine;
pub mod examples;
pub mod explain;
mod file;
mod format;
mod further;
mod gate;
mod group;
mod headers;
mod issuer;
mod judge;
mod listed_by;
mod listing;
mod load;
mod login;
mod minted;
mod names;
mod one;
mod own;
mod pages;
mod parts;
mod plan;
mod proven;
mod read;
mod recorder;
mod schema;
mod secrets;
mod sent;
mod separators;
mod shape;
mod signed;
mod skew;
mod switch;
mod taken;
mod vendor;
mod way;
mod xml;
mod yaml;

pub use engine::{InvalidSettings, ProfileIssuer, ProfileSettings};
pub use group::Group;
pub use load::InvalidProfile;
pub use read::MOST_OF_ID;
pub use schema::schema;

/// One token system, checked and compiled.
#[derive(Debug)]
pub struct Profile {
    name: String,
    title: String,
    docs: Option<String>,
    group: Option<Group>,
    endpoint: Option<Url>,
    manual: Option<String>,
    rate: Option<Rate>,
    credential: BTreeMap<String, CredentialPart>,
    parameters: BTreeMap<String, Parameter>,
    exactly_one: Vec<String>,
    limits: Limits,
    capabilities: Capabilities,
    value_parts: BTreeMap<String, usize>,
    plan: plan::Plan,
}

/// One part of the credential that a front end must ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialPart {
    /// The environment variable that the system's own users know.
    pub env: Option<String>,
}

/// One way to authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way<'a> {
    /// Its name; nothing where it is the only one.
    pub name: Option<&'a str>,
    /// The parts of the credential that it needs.
    pub parts: &'a [String],
}

/// One parameter of a system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Whether it must be given.
    pub required: bool,
    /// What it is where it is not given.
    pub default: Option<String>,
    /// All that it may be; `None` takes anything.
    pub values: Option<Vec<String>>,
    /// What it is, for people.
    pub help: Option<String>,
}

impl Profile {
    /// The name, as `profile` in a configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The system's name for people.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The vendor's own page.
    #[must_use]
    pub fn docs(&self) -> Option<&str> {
        self.docs.as_deref()
    }

    /// What people look for when they look for this system.
    #[must_use]
    pub fn group(&self) -> Option<Group> {
        self.group
    }

    /// The endpoint that is used where the issuer names none; empty where every issuer must.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.default_endpoint().unwrap_or_default()
    }

    /// The endpoint that is used where the issuer names none. Systems that everybody hosts for
    /// themselves have none: an invented host would be sent a credential.
    #[must_use]
    pub fn default_endpoint(&self) -> Option<&str> {
        let endpoint = self.endpoint.as_ref()?;
        Some(endpoint.as_str().trim_end_matches('/'))
    }

    /// Whether tokens can be minted through the API; else a person makes them, as [`Profile::manual`]
    /// says, and they are adopted.
    #[must_use]
    pub fn mints(&self) -> bool {
        self.plan.mint.is_some()
    }

    /// The parts of the credential, by name; where there are several [ways](Profile::ways), those of all.
    #[must_use]
    pub fn credential(&self) -> &BTreeMap<String, CredentialPart> {
        &self.credential
    }

    /// The parameters that the system knows, by name.
    #[must_use]
    pub fn parameters(&self) -> &BTreeMap<String, Parameter> {
        &self.parameters
    }

    /// The parameters of which exactly one must be given; empty where there is no such rule.
    #[must_use]
    pub fn exactly_one(&self) -> &[String] {
        &self.exactly_one
    }

    /// What it can carry out.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What the system can do: follows from which parts the file has.
    #[must_use]
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// The secret parts of a value: name and the most bytes that it can have.
    #[must_use]
    pub fn value_parts(&self) -> &BTreeMap<String, usize> {
        &self.value_parts
    }

    /// The names of what is delivered beside the value and is not secret.
    pub fn public_parts(&self) -> impl Iterator<Item = &str> {
        self.plan.public.iter().map(|(name, _)| name.as_str())
    }

    /// How much may be asked of it, where its vendor says so.
    #[must_use]
    pub fn rate(&self) -> Option<Rate> {
        self.rate
    }

    /// What a person must do where there is no API.
    #[must_use]
    pub fn manual(&self) -> Option<&str> {
        self.manual.as_deref()
    }
}

/// A profile that comes with Tokenwright.
#[derive(Debug)]
struct Builtin {
    name: &'static str,
    text: &'static str,
    examples: &'static str,
    loaded: OnceLock<Option<Arc<Profile>>>,
}

impl Builtin {
    const fn new(name: &'static str, text: &'static str, examples: &'static str) -> Self {
        Self {
            name,
            text,
            examples,
            loaded: OnceLock::new(),
        }
    }
}

// Found by the build: one for each pair of files in `profiles/`.
include!(concat!(env!("OUT_DIR"), "/builtins.rs"));

/// The built-in profile of this name, compiled at its first use.
#[must_use]
pub fn builtin(name: &str) -> Option<Arc<Profile>> {
    let builtin = BUILTINS.iter().find(|b| b.name == name)?;
    // A built-in profile that does not load is a broken build; a test loads each.
    let load = || Profile::parse(builtin.text).ok().map(Arc::new);
    builtin.loaded.get_or_init(load).clone()
}

/// The names of all built-in profiles, sorted.
pub fn builtins() -> impl Iterator<Item = &'static str> {
    BUILTINS.iter().map(|b| b.name)
}

/// The file and the examples of a built-in profile, to start one's own from.
#[must_use]
pub fn builtin_files(name: &str) -> Option<(&'static str, &'static str)> {
    let builtin = BUILTINS.iter().find(|b| b.name == name)?;
    Some((builtin.text, builtin.examples))
}

#[cfg(any(test, fuzzing))]
pub mod fuzz;
#[cfg(test)]
mod tests;
