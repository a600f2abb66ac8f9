//! Rules that an attribute carries beside its type: what its values may be, and what may stand beside it.
//!
//! They hold in every kind of block and at every depth. Only what is known is judged, and each message names the
//! path; one about a secret does not show it.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::config::elements;
use super::rule::{Rule, Unfit, listed};
use crate::diagnostics::{AttributePath, Diagnostics};
use crate::schema::{Attribute, Kind, Schema};
use crate::value::{Type, Value};

/// What its values may be: of a collection, each of its elements.
impl Attribute {
    /// One of these words.
    pub fn one_of<const N: usize>(self, words: [&'static str; N]) -> Self {
        self.rule(Rule::Words(words.into()))
    }

    /// A whole number in this range.
    pub fn between(self, range: RangeInclusive<i64>) -> Self {
        self.rule(Rule::Between(range))
    }

    /// A text that says something; `instead` tells what to write.
    pub fn not_blank(self, instead: &'static str) -> Self {
        self.texts(move |text| match text.trim().is_empty() {
            true => Err(Unfit::new("is empty", instead)),
            false => Ok(()),
        })
    }

    /// A text that passes this check.
    pub fn texts(self, check: impl Fn(&str) -> Result<(), Unfit> + Send + Sync + 'static) -> Self {
        self.rule(Rule::Texts(Arc::new(check)))
    }

    fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }
}

/// What may stand beside it, in the same block or object.
impl Attribute {
    /// None of these, where it is set.
    pub fn conflicts_with(self, others: &[&dyn AsRef<str>]) -> Self {
        self.rule(Rule::Alone(texts(others)))
    }

    /// Either it or exactly one of these is set.
    pub fn exactly_one_of(self, others: &[&dyn AsRef<str>]) -> Self {
        self.rule(Rule::OneIsSet(texts(others)))
    }
}

fn texts(names: &[&dyn AsRef<str>]) -> Vec<String> {
    names
        .iter()
        .map(|name| (*name).as_ref().to_owned())
        .collect()
}

impl Schema {
    /// Says at their places which rules of its attributes a configuration breaks that has the shape of the schema.
    pub fn check_rules(&self, config: &Value, diags: &mut Diagnostics) {
        check(&self.attributes, config, &AttributePath::default(), diags);
    }
}

fn check(attributes: &[Attribute], object: &Value, at: &AttributePath, diags: &mut Diagnostics) {
    if object.is_null() || object.is_unknown() {
        return;
    }
    let mut unfit = Vec::new();
    for attribute in attributes {
        let value = object.get(&attribute.name);
        let path = at.clone().attribute(&attribute.name);
        let said = diags.iter().count();
        for rule in &attribute.rules {
            match rule {
                Rule::Alone(_) | Rule::OneIsSet(_) => {}
                _ if value.as_slice().is_some() || value.as_map().is_some() => {
                    for (path, element) in elements(value, &path) {
                        attribute.judge(rule, element, path, diags);
                    }
                }
                _ => attribute.judge(rule, value, path.clone(), diags),
            }
        }
        if diags.iter().count() > said {
            unfit.push(&attribute.name);
        }
        match (&attribute.kind, value) {
            (Kind::Nested(_, inner), Value::Object(_)) => check(inner, value, &path, diags),
            (Kind::Nested(_, inner), _) => elements(value, &path)
                .into_iter()
                .for_each(|(path, item)| check(inner, item, &path, diags)),
            (Kind::Plain(_), _) => {}
        }
    }
    // What has to be changed anyhow is said once, and not judged beside others.
    let fit = |of: &Attribute, others: &[String]| {
        let mut all = std::iter::once(&of.name).chain(others);
        !all.any(|name| unfit.contains(&name))
    };
    for of in attributes {
        for rule in &of.rules {
            match rule {
                Rule::Alone(others) if fit(of, others) => alone(of, others, object, at, diags),
                Rule::OneIsSet(others) if fit(of, others) => {
                    one_is_set(of, others, object, at, diags);
                }
                _ => {}
            }
        }
    }
}

impl Attribute {
    fn judge(&self, rule: &Rule, value: &Value, path: AttributePath, diags: &mut Diagnostics) {
        if let Some(unfit) = rule.unfit(value, self.is_secret()) {
            let summary = format!("{path} {}", unfit.what);
            diags.error_at(path, summary, unfit.detail);
        }
    }

    /// What is wrong with its rules among these attributes.
    pub(super) fn rule_faults(&self, beside: &[Attribute]) -> Vec<&'static str> {
        let judged = match &self.kind {
            Kind::Plain(Type::List(of) | Type::Set(of) | Type::Map(of)) => Some(of.as_ref()),
            Kind::Plain(ty) => Some(ty),
            Kind::Nested(..) => None,
        };
        let known = |name: &String| beside.iter().any(|one| one.name == *name);
        let faults = self.rules.iter().filter_map(|rule| match rule {
            Rule::Words(_) | Rule::Texts(_) if judged != Some(&Type::String) => {
                Some("has a rule for texts, and holds none")
            }
            Rule::Between(_) if judged != Some(&Type::Number) => {
                Some("has a rule for numbers, and holds none")
            }
            Rule::Alone(others) | Rule::OneIsSet(others) if !others.iter().all(known) => {
                Some("has a rule about an attribute that does not stand beside it")
            }
            _ => None,
        });
        faults.collect()
    }
}

fn alone(
    of: &Attribute,
    others: &[String],
    object: &Value,
    at: &AttributePath,
    diags: &mut Diagnostics,
) {
    if is_set(object.get(&of.name)) {
        for other in others.iter().filter(|other| is_set(object.get(*other))) {
            beside([&of.name, other], others_and(&of.name, others), at, diags);
        }
    }
}

fn one_is_set(
    of: &Attribute,
    others: &[String],
    object: &Value,
    at: &AttributePath,
    diags: &mut Diagnostics,
) {
    let all = others_and(&of.name, others);
    let set: Vec<_> = all.iter().filter(|name| is_set(object.get(name))).collect();
    if let [first, second, ..] = set.as_slice() {
        beside([first, second], all.clone(), at, diags);
    } else if all.iter().all(|name| object.get(name).is_null()) {
        let names = placed(&all, at);
        let summary = match names.as_slice() {
            [one, other] => format!("Neither {one} nor {other} is set"),
            all => format!("None of {} is set", listed(all)),
        };
        let path = at.clone().attribute(&of.name);
        diags.error_at(path, summary, choice(&names));
    }
}

/// What is not known yet may turn out to be null.
fn is_set(value: &Value) -> bool {
    !value.is_null() && !value.is_unknown()
}

fn others_and(name: &str, others: &[String]) -> Vec<String> {
    let own = std::iter::once(name.to_owned());
    own.chain(others.iter().cloned()).collect()
}

/// Two of them are set.
fn beside(
    [one, other]: [&String; 2],
    all: Vec<String>,
    at: &AttributePath,
    diags: &mut Diagnostics,
) {
    let path = at.clone().attribute(one);
    let summary = format!("{path} and {} are both set", at.clone().attribute(other));
    diags.error_at(path, summary, choice(&placed(&all, at)));
}

fn placed(names: &[String], at: &AttributePath) -> Vec<String> {
    let paths = names.iter().map(|name| at.clone().attribute(name));
    paths.map(|path| path.to_string()).collect()
}

fn choice(names: &[String]) -> String {
    match names {
        [one, other] => format!("Set either {one} or {other}."),
        all => format!("Set one of {}.", listed(all)),
    }
}

#[cfg(test)]
mod tests;
