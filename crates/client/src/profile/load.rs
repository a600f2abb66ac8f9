//! From the file to the profile: everything that can be wrong with one is found here, with its place.
//!
//! `rules` holds what its parts must keep to among themselves, `calls` and `values` compile them,
//! `problem` is what they find.

use std::collections::BTreeSet;

use http::HeaderName;
use jiff::SignedDuration;
use tokenwright_core::{
    Capabilities, Disable, Look, LostAnswer, UpdateKind, bounds, duration, schedule,
};

use super::file::{self, File};
use super::yaml::{self, Node, Place};
use super::{Parameter, Profile};
use crate::account::Rate;
use crate::http::{InvalidEndpoint, endpoint};
use crate::limits::{Limits, NameUnit, ParameterRule, ScopesRule};
use crate::text::{Compiled, InvalidExpression, Names};

mod answers;
mod calls;
mod constant;
mod headers;
mod names;
mod pages;
mod placed;
mod problem;
mod rules;
mod said;
mod signed;
mod truth;
mod values;
mod ways;

pub use problem::InvalidProfile;
use problem::{FILE_MAX, Problem};

/// The most bytes of a secret part, unless the profile says less.
const PART_MAX: usize = 8 * 1024;
/// The most that a profile may say: a rehearsal publishes as many bytes, and no key file is longer.
const PART_GREATEST: usize = 256 * 1024;
/// Requests at the same time, unless the profile says otherwise: enough to hide the latency of each.
const CONCURRENCY: u32 = 4;

impl Profile {
    /// Reads, checks and compiles a profile.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line and column.
    pub fn parse(text: &str) -> Result<Self, InvalidProfile> {
        if text.len() > FILE_MAX {
            return Err(Problem::TooLong.into());
        }
        Ok(Self::load(text)?)
    }

    fn load(text: &str) -> Result<Self, Problem> {
        let root = &yaml::tree(text)?;
        let file: &File = &yaml::meaning(text, root)?;
        let loader = Loader {
            text,
            file,
            credential: file.credential.as_ref().filter(|c| c.ways.is_empty()),
            way: None,
            root,
            scope: root,
        };
        loader.load()
    }
}

/// Reads a file, or the part of it that is its scope.
#[derive(Clone, Copy)]
struct Loader<'a> {
    text: &'a str,
    file: &'a File,
    /// The credential, or the way of it that is meant; nothing where all of several ways are.
    credential: Option<&'a file::Credential>,
    way: Option<&'a str>,
    /// The whole of it.
    root: &'a Node,
    scope: &'a Node,
}

impl<'a> Loader<'a> {
    /// The same for what stands under a key, at which problems are then told.
    fn within(self, key: &str) -> Self {
        let scope = yaml::child(self.scope, key).unwrap_or(self.scope);
        Self { scope, ..self }
    }

    /// The same for an entry of a list.
    fn entry(self, nth: usize) -> Self {
        let scope = yaml::entry_of(self.scope, nth).unwrap_or(self.scope);
        Self { scope, ..self }
    }

    fn load(&self) -> Result<Profile, Problem> {
        let file = self.file;
        self.words()?;
        self.parts()?;
        self.name()?;
        let capabilities = self.capabilities()?;
        let value = file.value.iter();
        let value = value.map(|(name, part)| (name.clone(), part.max.unwrap_or(PART_MAX)));
        let parameters = file.parameters.iter().map(|(name, part)| {
            let parameter = Parameter {
                required: part.required,
                default: part.default.clone(),
                values: part.values.clone(),
                help: part.help.clone(),
            };
            (name.clone(), parameter)
        });
        let home = file.endpoint.as_deref().map(|text| {
            let bad = |e: InvalidEndpoint| self.field("endpoint", e.to_string());
            endpoint(text).map_err(bad)
        });
        let plan = self.plan()?;
        self.truth(&plan)?;
        self.said(&plan)?;
        let limits = self.limits(capabilities.lost_answer, plan.scope_separators())?;
        Ok(Profile {
            name: file.profile.clone(),
            title: file.title.clone(),
            docs: file.docs.clone(),
            group: file.group,
            endpoint: home.transpose()?,
            manual: file.manual.clone(),
            rate: self.rate()?,
            credential: self.credential_parts(),
            parameters: parameters.collect(),
            exactly_one: file.exactly_one.clone(),
            plan,
            limits,
            capabilities,
            value_parts: value.collect(),
        })
    }

    /// What an issuer may say, a profile may.
    fn rate(&self) -> Result<Option<Rate>, Problem> {
        let Some(rate) = self.file.rate else {
            return Ok(None);
        };
        let concurrency = rate.concurrency.unwrap_or(CONCURRENCY);
        let bounds = [
            ("perMinute", rate.per_minute, 60_000),
            ("concurrency", concurrency, 64),
        ];
        for (key, value, most) in bounds {
            if !(1..=most).contains(&value) {
                let scope = self.within("rate");
                let problem = format!("must be between 1 and {most}, not {value}");
                return Err(scope.field(key, problem));
            }
        }
        Ok(Some(Rate {
            per_minute: rate.per_minute,
            concurrency,
        }))
    }

    fn capabilities(&self) -> Result<Capabilities, Problem> {
        let file = self.file;
        let key = file
            .mint
            .as_ref()
            .and_then(|m| m.idempotency_header.as_ref());
        let named = file.token.as_ref().and_then(|token| token.name.as_ref());
        let listed = file.list.as_ref().and_then(|list| list.token.as_ref());
        let named = named.or(listed.and_then(|token| token.name.as_ref()));
        let can = file.update.iter().flat_map(|update| &update.can);
        Ok(Capabilities {
            // A key is forgotten after a while, and a name is not.
            lost_answer: match (&file.list, named, key) {
                (Some(_), Some(_), _) => LostAnswer::FindByMarker,
                (_, _, Some(_)) => LostAnswer::Replay,
                (Some(_), None, None) => LostAnswer::CannotAttribute,
                (None, _, None) => LostAnswer::CannotList,
            },
            check: file.check.is_some(),
            revoke: file.revoke.is_some(),
            look: match (&file.get, &file.list) {
                (Some(_), _) => Look::Alone,
                (None, Some(_)) => Look::Listing,
                (None, None) => Look::Nothing,
            },
            disable: match (&file.toggle, &file.enable) {
                (Some(_), _) => Disable::BlindToggle,
                (None, Some(_)) => Disable::SetState,
                (None, None) => Disable::Unsupported,
            },
            update: can.map(|can| can.kind()).collect(),
            settle: match &file.settle {
                Some(settle) => {
                    let settle = self.duration("settle", settle)?;
                    let checked = bounds::SETTLE.check("settle", settle);
                    checked.map_err(|e| self.field("settle", e.message))?;
                    settle
                }
                None => schedule::SETTLE,
            },
            one: self.one()?,
            lifetime_ignored: file.lifetime.as_ref().is_some_and(|l| l.ignored),
        })
    }

    /// Whether there is room for one token alone; the old one must then be ended by a call of its own.
    fn one(&self) -> Result<bool, Problem> {
        let needs = |there: bool, problem: &str| match self.file.one && !there {
            true => Err(self.field("one", problem)),
            false => Ok(()),
        };
        needs(
            self.file.mint.is_some(),
            "needs mint: it says that the next token needs the place of the one before",
        )?;
        needs(
            self.file.revoke.is_some(),
            "needs revoke, which makes room for the next token: a system that only replaces cannot be used, as a lost answer would be a lost token",
        )?;
        Ok(self.file.one)
    }

    fn limits(
        &self,
        lost_answer: LostAnswer,
        scope_separators: BTreeSet<String>,
    ) -> Result<Limits, Problem> {
        let file = self.file;
        let rule = |parameter: &file::Parameter| ParameterRule {
            required: parameter.required,
            values: parameter.values.clone(),
        };
        let parameters = file.parameters.iter();
        let name = file.name.as_ref();
        let lifetime = file.lifetime.as_ref();
        let max = lifetime.and_then(|lifetime| lifetime.max.as_ref());
        let unit = lifetime.map_or(file::Unit::None, |lifetime| lifetime.unit);
        let never = lifetime.map(|lifetime| &lifetime.never);
        Ok(Limits {
            name_max: name.map_or(0, |name| name.max),
            name_unit: match name.map(|name| name.unit).unwrap_or_default() {
                file::NameUnit::Characters => NameUnit::Characters,
                file::NameUnit::Bytes => NameUnit::Bytes,
                file::NameUnit::Utf16 => NameUnit::Utf16,
            },
            name_forbidden: name.map(|name| name.without.clone()).unwrap_or_default(),
            name_ascii: name.is_some_and(|name| name.ascii),
            name_allowed: self.allowed()?,
            scopes: match file.scopes {
                None | Some(file::Scopes::None) => ScopesRule::None,
                Some(file::Scopes::Required) => ScopesRule::Required,
                Some(file::Scopes::Optional | file::Scopes::Expanded) => ScopesRule::Optional,
            },
            scope_separators,
            parameters: Some(parameters.map(|(n, p)| (n.clone(), rule(p))).collect()),
            exactly_one: file.exactly_one.clone(),
            lifetime_unit: unit.length(),
            lifetime_max: max
                .map(|max| self.within("lifetime").duration("max", max))
                .transpose()?,
            never: unit == file::Unit::None
                || never.is_some_and(|never| *never != file::Never::Impossible),
            expiry: unit != file::Unit::None,
            lost_answer,
            lost_by_hand: unit == file::Unit::None && !self.nothing_by_hand(),
            only_by_hand: match file.mint {
                Some(_) => None,
                None => Some(file.manual.clone().unwrap_or_default()),
            },
        })
    }

    fn compiled(&self, text: &str, names: &Names<'_>) -> Result<Compiled, Problem> {
        Compiled::new(text, names).map_err(|e| self.at(e))
    }

    fn read(
        self,
        key: &str,
        text: Option<&String>,
        names: &Names<'_>,
    ) -> Result<Option<Compiled>, Problem> {
        text.map(|text| self.within(key).compiled(text, names))
            .transpose()
    }

    fn header(&self, field: &str, name: &str) -> Result<HeaderName, Problem> {
        let name = name.parse();
        name.map_err(|_| self.field(field, "is no name of a header"))
    }

    fn duration(&self, field: &str, text: &str) -> Result<SignedDuration, Problem> {
        duration::parse(text).map_err(|e| self.field(field, e.to_string()))
    }

    /// The place of an expression: where its text stands within the scope.
    fn at(&self, problem: InvalidExpression) -> Problem {
        let sought = problem.source_text();
        let place = match yaml::text(self.scope, sought) {
            Some(place) => Some(self.exactly(place, sought)),
            None => yaml::start(self.scope),
        };
        Problem::Expression { place, problem }
    }

    /// The place of a field: of its key within the scope, or the scope itself.
    fn field(&self, field: &str, problem: impl Into<String>) -> Problem {
        Problem::Field {
            place: yaml::key(self.scope, field).or_else(|| yaml::start(self.scope)),
            field: field.to_owned(),
            problem: problem.into(),
        }
    }

    /// Where in the text that begins at `start` the sought one stands; `start` itself where quoting hides it.
    fn exactly(&self, start: Place, sought: &str) -> Place {
        let lines = self
            .text
            .split_inclusive('\n')
            .take(start.line.saturating_sub(1));
        let before: usize = lines.map(str::len).sum();
        let line = self.text.get(before..).unwrap_or_default();
        let indent = line.char_indices().nth(start.column.saturating_sub(1));
        let from = before.saturating_add(indent.map_or(0, |(at, _)| at));
        let rest = self.text.get(from..).unwrap_or_default();
        let Some(at) = rest.find(sought) else {
            return start;
        };
        let before = self.text.get(..from.saturating_add(at)).unwrap_or_default();
        Place {
            line: before.matches('\n').count().saturating_add(1),
            column: before
                .chars()
                .rev()
                .take_while(|c| *c != '\n')
                .count()
                .saturating_add(1),
        }
    }
}

impl file::Can {
    fn kind(self) -> UpdateKind {
        match self {
            Self::Name => UpdateKind::Name,
            Self::Scopes => UpdateKind::Scopes,
            Self::AddExpiry => UpdateKind::AddExpiry,
            Self::ShortenExpiry => UpdateKind::ShortenExpiry,
            Self::ExtendExpiry => UpdateKind::ExtendExpiry,
        }
    }
}

#[cfg(test)]
mod tests;
