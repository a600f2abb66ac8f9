//! What no configuration may be, whatever the provider makes of it.
//!
//! Terraform's core checks types and that a required attribute stands there; that it is not null, and that
//! nobody sets what the provider decides, it leaves to the provider. What is unknown may turn out to be
//! anything, so it is set, and more is not concluded from it.

use crate::diagnostics::{AttributePath, Diagnostics};
use crate::schema::{Attribute, Kind, Schema};
use crate::value::Value;

impl Schema {
    /// Says at their places what is wrong with a configuration, and what should not be used any more.
    pub fn check(&self, config: &Value, diags: &mut Diagnostics) {
        check(&self.attributes, config, &AttributePath::default(), diags);
    }
}

fn check(attributes: &[Attribute], value: &Value, at: &AttributePath, diags: &mut Diagnostics) {
    if value.is_unknown() {
        return;
    }
    for attribute in attributes {
        let path = at.clone().attribute(&attribute.name);
        attribute.check(value.get(&attribute.name), path, diags);
    }
}

impl Attribute {
    fn check(&self, value: &Value, path: AttributePath, diags: &mut Diagnostics) {
        if value.is_null() {
            if self.required {
                let summary = format!("{path} is required");
                diags.error_at(path, summary, "It needs a value, and null is none.");
            }
            return;
        }
        if !self.is_configurable() {
            let summary = format!("{path} cannot be set");
            let detail = "The provider decides it, and it is for reading alone. Remove it from the configuration.";
            diags.error_at(path, summary, detail);
            return;
        }
        if value.is_unknown() {
            return;
        }
        if let Some(message) = &self.deprecated {
            let summary = format!("{path} is deprecated");
            diags.warning_at(path.clone(), summary, message.as_str());
        }
        match (&self.kind, value) {
            (Kind::Nested(_, inner), Value::Object(_)) => check(inner, value, &path, diags),
            (Kind::Nested(_, inner), _) => {
                for (path, item) in elements(value, &path) {
                    match item.is_null() {
                        true => lacks(path, diags),
                        false => check(inner, item, &path, diags),
                    }
                }
            }
            // In a map of plain values, null is as good as no entry.
            (Kind::Plain(_), Value::List(_) | Value::Set(_)) => elements(value, &path)
                .into_iter()
                .filter(|(_, item)| item.is_null())
                .for_each(|(path, _)| lacks(path, diags)),
            (Kind::Plain(_), _) => {}
        }
    }
}

fn lacks(path: AttributePath, diags: &mut Diagnostics) {
    let summary = format!("{path} has no value");
    let detail = "An element must not be null. Leave it out, or give it a value.";
    diags.error_at(path, summary, detail);
}

/// The elements of a collection with their paths.
pub(super) fn elements<'a>(
    value: &'a Value,
    path: &AttributePath,
) -> Vec<(AttributePath, &'a Value)> {
    match value {
        Value::List(items) => (0..)
            .zip(items)
            .map(|(index, item)| (path.clone().index(index), item))
            .collect(),
        Value::Set(items) => items
            .iter()
            .map(|item| (path.clone().element(), item))
            .collect(),
        Value::Map(items) => items
            .iter()
            .map(|(key, item)| (path.clone().key(key), item))
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
