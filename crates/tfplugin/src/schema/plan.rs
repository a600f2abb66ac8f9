//! What a plan shows whatever the provider makes of it: defaults, and which changes need another object.
//!
//! A value that is computed needs no rule to stay: a plan has it from the state before, until the provider
//! [opens](crate::Value::open) it.

use crate::diagnostics::AttributePath;
use crate::schema::{Attribute, Kind, Nesting, Schema};
use crate::value::Value;

/// In a resource: at the top, and in nested attributes of one object.
impl Attribute {
    /// Where a configuration leaves it out, a plan has this. It is [optional](Self::optional) and
    /// [computed](Self::computed).
    pub fn defaults_to(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// A change needs another object in place of an update.
    pub fn requires_replace(mut self) -> Self {
        self.requires_replace = true;
        self
    }

    /// The attributes of the one object that it holds.
    fn single(&self) -> Option<&[Attribute]> {
        match &self.kind {
            Kind::Nested(Nesting::Single, inner) => Some(inner),
            _ => None,
        }
    }
}

impl Schema {
    /// Sets what stands for what a configuration leaves out, whatever was there before.
    pub fn set_defaults(&self, config: &Value, planned: &mut Value) {
        set(&self.attributes, config, planned);
    }

    /// Sets what goes without saying to null.
    pub fn null_defaults(&self, config: &mut Value) {
        null(&self.attributes, config);
    }

    /// The attributes that differ and whose change needs another object.
    pub(crate) fn replaced_by(&self, prior: &Value, planned: &Value) -> Vec<AttributePath> {
        let mut paths = Vec::new();
        if !prior.is_null() && !planned.is_null() {
            let at = AttributePath::default();
            changed(&self.attributes, prior, planned, &at, &mut paths);
        }
        paths
    }
}

fn set(attributes: &[Attribute], config: &Value, planned: &mut Value) {
    for attribute in attributes {
        let given = config.get(&attribute.name);
        match (&attribute.default, attribute.single()) {
            (Some(default), _) if given.is_null() => {
                planned.insert(&attribute.name, default.clone());
            }
            (_, Some(inner)) if !given.is_null() => {
                within(planned, attribute, |planned| set(inner, given, planned));
            }
            _ => {}
        }
    }
}

fn null(attributes: &[Attribute], config: &mut Value) {
    for attribute in attributes {
        match attribute.single() {
            _ if attribute.default.as_ref() == Some(config.get(&attribute.name)) => {
                config.insert(&attribute.name, Value::Null);
            }
            Some(inner) => within(config, attribute, |config| null(inner, config)),
            None => {}
        }
    }
}

/// Changes the object in an attribute, if there is one.
fn within(object: &mut Value, attribute: &Attribute, change: impl FnOnce(&mut Value)) {
    if let Value::Object(entries) = object
        && let Some(inner @ Value::Object(_)) = entries.get_mut(&attribute.name)
    {
        change(inner);
    }
}

fn changed(
    attributes: &[Attribute],
    prior: &Value,
    planned: &Value,
    at: &AttributePath,
    paths: &mut Vec<AttributePath>,
) {
    for attribute in attributes {
        let [before, after] = [prior, planned].map(|object| object.get(&attribute.name));
        if before == after {
            continue;
        }
        let path = at.clone().attribute(&attribute.name);
        if attribute.requires_replace {
            paths.push(path);
        } else if let Some(inner) = attribute.single() {
            changed(inner, before, after, &path, paths);
        }
    }
}

#[cfg(test)]
mod tests;
