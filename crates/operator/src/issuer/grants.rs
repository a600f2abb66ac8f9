//! What the entries of a `ClusterTokenIssuer` allow: pure, and the same for everybody.
//!
//! One entry must cover all that an `ApiToken` asks for; two halves make no whole. What an entry does not
//! speak of is not granted, but for the greatest values, which it need not have.

use std::collections::BTreeMap;
use std::fmt;

use kube::core::{Selector, SelectorExt as _};
use tokenwright_api::ApiTokenSpec;
use tokenwright_api::cluster_issuer::{Grant, Namespaces};
use tokenwright_api::token::TokenRequest;
use tokenwright_core::bounds::MOST_TEXT;
use tokenwright_core::{Lifetime, duration};

use crate::cluster::copies::is_overlong;

/// More entries are not told apart in a message.
const MOST_TOLD: usize = 4;

/// The labels of a namespace.
pub(crate) type Labels = BTreeMap<String, String>;

/// What an `ApiToken` asks for, as far as entries speak of it: its texts are anybody's, and may be large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    token: Option<TokenRequest>,
    /// The parameters of what is to be adopted.
    adopt: Option<BTreeMap<String, String>>,
    /// It asks with more text than can be recorded, of which nothing is kept.
    overlong: bool,
}

impl Asked {
    /// What this one asks for.
    pub(crate) fn of(spec: &ApiTokenSpec) -> Self {
        if is_overlong(spec) {
            return Self {
                token: None,
                adopt: None,
                overlong: true,
            };
        }
        let adopt = spec.adopt.as_ref();
        Self {
            token: spec.token.clone(),
            adopt: adopt.map(|adopt| adopt.parameters.clone()),
            overlong: false,
        }
    }

    /// Whether this is what it asks for.
    pub(crate) fn is_of(&self, spec: &ApiTokenSpec) -> bool {
        if self.overlong {
            return is_overlong(spec);
        }
        let adopt = spec.adopt.as_ref().map(|adopt| &adopt.parameters);
        self.token == spec.token && self.adopt.as_ref() == adopt
    }
}

/// Why an entry does not cover what is asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// Nobody may.
    #[error("its scopes or parameters hold more than {MOST_TEXT} bytes of text")]
    Overlong,

    /// Nothing may be adopted.
    #[error("it does not allow to adopt")]
    Adopt,

    /// No scopes may be asked for.
    #[error("it grants no scopes, and {0:?} is asked for")]
    NoScopes(String),

    /// Scopes must be asked for.
    #[error("it grants only tokens with scopes ({0}), and none is asked for")]
    ScopesNeeded(String),

    /// One scope is not among them.
    #[error("the scope {scope:?} matches none of {patterns}")]
    Scope {
        /// Which.
        scope: String,
        /// What could be asked for.
        patterns: String,
    },

    /// A parameter may not be given.
    #[error("it grants no parameter {0:?}")]
    NoParameter(String),

    /// A parameter must be given.
    #[error("the parameter {0:?} must be given")]
    ParameterNeeded(String),

    /// A parameter has another value.
    #[error("the parameter {name:?} is {value:?}, which matches none of {patterns}")]
    Parameter {
        /// Which.
        name: String,
        /// What was asked for.
        value: String,
        /// What could be asked for.
        patterns: String,
    },

    /// The token would live too long.
    #[error("the lifetime {asked} is longer than {longest}")]
    Lifetime {
        /// What was asked for.
        asked: String,
        /// What could be asked for.
        longest: String,
    },

    /// Others came first.
    #[error("all of its maxTokens ({0}) are taken by other ApiTokens of the namespace")]
    Full(u32),
}

/// An `ApiToken` that no entry covers: who, what, and what is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotAllowed {
    pub(crate) issuer: String,
    pub(crate) namespace: String,
    /// The entries that are for the namespace, each with what it lacks.
    pub(crate) faults: Vec<(usize, Fault)>,
}

impl fmt::Display for NotAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            issuer, namespace, ..
        } = self;
        write!(
            f,
            "The ClusterTokenIssuer {issuer} does not allow this to the namespace {namespace}"
        )?;
        if self.faults.is_empty() {
            return write!(f, ": no entry of its spec.allow is for this namespace.");
        }
        for (nth, (entry, fault)) in self.faults.iter().take(MOST_TOLD).enumerate() {
            let separator = if nth == 0 { ":" } else { ";" };
            write!(f, "{separator} spec.allow[{entry}]: {fault}")?;
        }
        match self.faults.len().saturating_sub(MOST_TOLD) {
            0 => write!(f, "."),
            more => write!(f, "; and {more} more entries."),
        }
    }
}

/// Whether an entry is for a namespace.
pub(crate) fn is_for(namespaces: &Namespaces, name: &str, labels: &Labels) -> bool {
    if let Some(names) = &namespaces.names {
        return names.iter().any(|known| known == name);
    }
    let Some(selector) = &namespaces.selector else {
        return false;
    };
    // One that Kubernetes would refuse, which an older definition let in, selects nothing.
    let mut expressions = selector.match_expressions.iter().flatten();
    let without_values = |values: &Option<Vec<String>>| values.as_ref().is_none_or(Vec::is_empty);
    let refused = expressions.any(|each| {
        ["In", "NotIn"].contains(&each.operator.as_str()) && without_values(&each.values)
    });
    let selector = Selector::try_from(selector.clone());
    !refused && matches!(selector, Ok(selector) if selector.matches(labels))
}

/// Whether an entry covers what is asked for, the number of `ApiToken`s apart.
pub(crate) fn covers(grant: &Grant, asked: &Asked) -> Result<(), Fault> {
    if asked.overlong {
        return Err(Fault::Overlong);
    }
    if let Some(adopted) = &asked.adopt {
        return match grant.adopt {
            true => parameters(grant, adopted),
            false => Err(Fault::Adopt),
        };
    }
    let Some(token) = &asked.token else {
        return Ok(());
    };
    parameters(grant, &token.parameters)?;
    scopes(grant, &token.scopes)?;
    lifetime(grant, token.lifetime.as_str())
}

fn parameters(grant: &Grant, asked: &BTreeMap<String, String>) -> Result<(), Fault> {
    let missing = |name: &&String| !asked.contains_key(*name);
    if let Some(missing) = grant.parameters.keys().find(missing) {
        return Err(Fault::ParameterNeeded(missing.clone()));
    }
    for (name, value) in asked {
        let Some(patterns) = grant.parameters.get(name) else {
            return Err(Fault::NoParameter(name.clone()));
        };
        if !matches_one(&patterns.0, value) {
            return Err(Fault::Parameter {
                name: name.clone(),
                value: value.clone(),
                patterns: patterns.0.join(", "),
            });
        }
    }
    Ok(())
}

/// A token without scopes may be one with all of them: where scopes are limited, some must be named.
fn scopes(grant: &Grant, asked: &[String]) -> Result<(), Fault> {
    let patterns = || grant.scopes.join(", ");
    match (grant.scopes.is_empty(), asked.first()) {
        (true, None) => return Ok(()),
        (true, Some(scope)) => return Err(Fault::NoScopes(scope.clone())),
        (false, None) => return Err(Fault::ScopesNeeded(patterns())),
        (false, Some(_)) => {}
    }
    match asked
        .iter()
        .find(|scope| !matches_one(&grant.scopes, scope))
    {
        Some(scope) => Err(Fault::Scope {
            scope: scope.clone(),
            patterns: patterns(),
        }),
        None => Ok(()),
    }
}

fn lifetime(grant: &Grant, asked: &str) -> Result<(), Fault> {
    let Some(longest) = &grant.max_lifetime else {
        return Ok(());
    };
    let within = match (asked.parse(), duration::parse(longest.as_str())) {
        (Ok(Lifetime::For(asked)), Ok(longest)) => asked <= longest,
        // What cannot be read is not granted.
        _ => false,
    };
    match within {
        true => Ok(()),
        false => Err(Fault::Lifetime {
            asked: asked.to_owned(),
            longest: longest.to_string(),
        }),
    }
}

fn matches_one(patterns: &[String], text: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, text))
}

/// Whether a text is what a pattern says, in which `*` is any text. Each piece is looked for at the first
/// place where it can be, so that no pattern takes long.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(head) else {
        return false;
    };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    for piece in middle.split('*').filter(|piece| !piece.is_empty()) {
        let Some((_, after)) = text.split_once(piece) else {
            return false;
        };
        text = after;
    }
    text.ends_with(tail)
}

#[cfg(test)]
mod tests;
