//! What a system can carry out, as limits that inputs are held against before anything is sent.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use tokenwright_core::marker::MAX_LEN;
use tokenwright_core::{Inputs, InvalidSpec, Lifetime, LostAnswer, Parameters, duration};

mod class;

pub use class::CharClass;

/// The limits of one system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The longest name that a token can carry, marker included.
    pub name_max: usize,
    /// What `name_max` counts.
    pub name_unit: NameUnit,
    /// Characters that a name must not contain.
    pub name_forbidden: String,
    /// Whether a name must be ASCII.
    pub name_ascii: bool,
    /// The characters that a name may have, and no others.
    pub name_allowed: Option<CharClass>,
    /// Whether scopes are given.
    pub scopes: ScopesRule,
    /// What the system writes between scopes, so that none may hold it.
    pub scope_separators: BTreeSet<String>,
    /// The parameters that the system knows; `None` takes any.
    pub parameters: Option<BTreeMap<String, ParameterRule>>,
    /// Exactly one of these parameters must be given; empty where there is no such rule.
    pub exactly_one: Vec<String>,
    /// The unit that lifetimes are rounded down to.
    pub lifetime_unit: SignedDuration,
    /// The longest lifetime.
    pub lifetime_max: Option<SignedDuration>,
    /// Whether a token can live for ever.
    pub never: bool,
    /// Whether a token can expire.
    pub expiry: bool,
    /// How a lost answer is repaired; where nothing can, `never` is refused.
    pub lost_answer: LostAnswer,
    /// Whether a person is told what to do after a lost answer, in a system whose tokens have no end.
    pub lost_by_hand: bool,
    /// What a person must do, where nothing can be minted through the API.
    pub only_by_hand: Option<String>,
}

/// What the limit of a name counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameUnit {
    /// Unicode characters.
    Characters,
    /// Bytes of UTF-8.
    Bytes,
    /// Units of UTF-16.
    Utf16,
}

/// Whether scopes are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopesRule {
    /// Tokens of this system have none.
    None,
    /// At least one, since the system would grant everything or nobody knows what without.
    Required,
    /// As many as are wanted.
    Optional,
}

/// What is asked of one parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterRule {
    /// Whether it must be given.
    pub required: bool,
    /// All that it may be; `None` takes anything.
    pub values: Option<Vec<String>>,
}

impl Limits {
    /// The lifetime as the system will be asked for it: rounded down to its unit.
    #[must_use]
    pub fn rounded(&self, lifetime: SignedDuration) -> SignedDuration {
        let unit = self.lifetime_unit.as_secs().max(1);
        SignedDuration::from_secs(
            lifetime
                .as_secs()
                .saturating_sub(lifetime.as_secs().checked_rem(unit).unwrap_or_default()),
        )
    }

    /// Whether a token that never expires may be minted. Not where a lost one could not be found.
    #[must_use]
    pub fn allows_never(&self) -> bool {
        self.only_by_hand.is_none() && self.never().is_ok()
    }

    /// Refuses inputs that the system cannot carry out.
    ///
    /// # Errors
    /// The first field that cannot be carried out.
    pub fn validate(&self, inputs: &Inputs) -> Result<(), InvalidSpec> {
        if let Some(manual) = &self.only_by_hand {
            let message = format!("cannot mint through its API: {manual}");
            return Err(InvalidSpec::new("profile", message));
        }
        self.name(&inputs.name)?;
        self.scopes(inputs)?;
        self.parameters(&inputs.parameters)?;
        self.lifetime(inputs.lifetime)
    }

    fn name(&self, name: &str) -> Result<(), InvalidSpec> {
        let (length, unit) = match self.name_unit {
            NameUnit::Characters => (name.chars().count(), "characters"),
            NameUnit::Bytes => (name.len(), "bytes"),
            NameUnit::Utf16 => (name.encode_utf16().count(), "UTF-16 units"),
        };
        let room = self.name_max.saturating_sub(1 + MAX_LEN);
        if length > room {
            return Err(InvalidSpec::new(
                "name",
                format!(
                    "has {length} {unit}, and {room} fit: the system takes {} and the marker needs {}",
                    self.name_max,
                    1 + MAX_LEN
                ),
            ));
        }
        if let Some(c) = name.chars().find(|c| self.name_forbidden.contains(*c)) {
            return Err(InvalidSpec::new(
                "name",
                format!("must not contain {c:?}, which this system does not take"),
            ));
        }
        if let Some(allowed) = &self.name_allowed
            && let Some(c) = name.chars().find(|c| !allowed.contains(*c))
        {
            let message = format!("must not contain {c:?}: this system takes only {allowed} here");
            return Err(InvalidSpec::new("name", message));
        }
        // Some systems have it as the id, and so in paths.
        if leads_elsewhere(name) {
            let message = "must not have . or .. between slashes: what stands before the system could read another path in it";
            return Err(InvalidSpec::new("name", message));
        }
        match name.chars().find(|c| self.name_ascii && !c.is_ascii()) {
            Some(c) => Err(InvalidSpec::new(
                "name",
                format!("must not contain {c:?}: this system takes only ASCII here"),
            )),
            None => Ok(()),
        }
    }

    fn scopes(&self, inputs: &Inputs) -> Result<(), InvalidSpec> {
        let message = match self.scopes {
            ScopesRule::Required if inputs.scopes.is_empty() => {
                "must name at least one: what this system grants without is not known"
            }
            ScopesRule::None if !inputs.scopes.is_empty() => {
                "must be empty: tokens of this system have no scopes"
            }
            ScopesRule::Required | ScopesRule::None | ScopesRule::Optional => {
                return inputs
                    .scopes
                    .iter()
                    .try_for_each(|scope| self.one_scope(scope));
            }
        };
        Err(InvalidSpec::new("scopes", message))
    }

    /// Whoever allows one scope has not allowed a second one that is written behind it.
    fn one_scope(&self, scope: &str) -> Result<(), InvalidSpec> {
        let mut separators = self.scope_separators.iter();
        match separators.find(|between| scope.contains(between.as_str())) {
            Some(between) => Err(InvalidSpec::new(
                "scopes",
                format!(
                    "must not hold {between:?} in one of them, {scope:?}: this system writes it between scopes, so that it would be several"
                ),
            )),
            None => Ok(()),
        }
    }

    /// Refuses parameters that this system does not know, and empty ones. None is required of a token
    /// that a person made.
    ///
    /// # Errors
    /// The first parameter at fault.
    pub fn validate_adopted(&self, given: &Parameters) -> Result<(), InvalidSpec> {
        let Some(known) = &self.parameters else {
            return Ok(());
        };
        let invalid = |message: String| Err(InvalidSpec::new("parameters", message));
        if let Some(unknown) = given.keys().find(|name| !known.contains_key(*name)) {
            let names: Vec<_> = known.keys().map(String::as_str).collect();
            let known = match names.is_empty() {
                true => "it knows none".to_owned(),
                false => format!("it knows {}", names.join(", ")),
            };
            return invalid(format!("{unknown} is not known to this system; {known}"));
        }
        if let Some((empty, _)) = given.iter().find(|(_, value)| value.is_empty()) {
            return invalid(format!("{empty} must not be empty"));
        }
        let allowed = |name: &String| known.get(name)?.values.as_ref();
        for (name, value) in given {
            if let Some(values) = allowed(name).filter(|values| !values.contains(value)) {
                let values = values.join(", ");
                return invalid(format!("{name} is {value:?}, and must be one of {values}"));
            }
        }
        match given.iter().find(|(_, value)| leads_elsewhere(value)) {
            Some((name, _)) => invalid(format!(
                "{name} must not have . or .. between slashes: what stands before the system could read another path in it"
            )),
            None => Ok(()),
        }
    }

    fn parameters(&self, given: &Parameters) -> Result<(), InvalidSpec> {
        self.validate_adopted(given)?;
        let Some(known) = &self.parameters else {
            return Ok(());
        };
        let invalid = |message: String| Err(InvalidSpec::new("parameters", message));
        let is_given = |name: &str| given.contains_key(name);
        let missing = known
            .iter()
            .find(|(name, rule)| rule.required && !is_given(name));
        if let Some((missing, _)) = missing {
            return invalid(format!("{missing} is required"));
        }
        let count = self.exactly_one.iter().filter(|n| is_given(n)).count();
        if !self.exactly_one.is_empty() && count != 1 {
            return invalid(format!(
                "exactly one of {} is required",
                self.exactly_one.join(", ")
            ));
        }
        Ok(())
    }

    fn lifetime(&self, lifetime: Lifetime) -> Result<(), InvalidSpec> {
        let invalid = |message: String| Err(InvalidSpec::new("lifetime", message));
        let wanted = match lifetime {
            Lifetime::Never => return self.never(),
            Lifetime::For(wanted) => wanted,
        };
        if !self.expiry {
            return invalid("must be never: tokens of this system do not expire".to_owned());
        }
        if self.rounded(wanted) <= SignedDuration::ZERO {
            return invalid(format!(
                "{} rounds down to zero: this system counts in units of {}",
                duration::format(wanted),
                duration::format(self.lifetime_unit)
            ));
        }
        match self.lifetime_max {
            Some(max) if wanted > max => invalid(format!(
                "{} is longer than {}, the longest that this system gives",
                duration::format(wanted),
                duration::format(max)
            )),
            Some(_) | None => Ok(()),
        }
    }

    fn never(&self) -> Result<(), InvalidSpec> {
        if !self.never {
            return Err(InvalidSpec::new(
                "lifetime",
                "never is not possible: tokens of this system expire",
            ));
        }
        match self.lost_answer {
            LostAnswer::Replay | LostAnswer::FindByMarker => Ok(()),
            // Nothing but never can be asked for, and whoever wrote the profile says what a person does.
            LostAnswer::CannotAttribute | LostAnswer::CannotList if self.lost_by_hand => Ok(()),
            LostAnswer::CannotAttribute | LostAnswer::CannotList => Err(InvalidSpec::new(
                "lifetime",
                "never is not possible: a token whose answer was lost could not be found, and would live for ever",
            )),
        }
    }
}

/// Whether a text names another one where somebody takes it for a path and shortens it, as many gateways do:
/// whoever is granted `team-a/*` has not been granted `team-a/../team-b`.
fn leads_elsewhere(text: &str) -> bool {
    let folded = text.to_ascii_lowercase();
    let folded = folded
        .replace("%2e", ".")
        .replace("%2f", "/")
        .replace("%5c", "/");
    let mut pieces = folded.split(['/', '\\']);
    pieces.any(|piece| matches!(piece, "." | ".."))
}

#[cfg(test)]
mod tests;
