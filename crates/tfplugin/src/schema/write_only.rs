//! Write-only attributes: where they have values, and how those are kept out of everything that is stored. What
//! nobody may write is kept out of what is written for users in the same way.

use crate::diagnostics::AttributePath;
use crate::schema::{Attribute, Kind, Schema};
use crate::value::Value;

impl Schema {
    /// Sets every write-only attribute to null, at every depth.
    pub fn null_write_only(&self, value: &mut Value) {
        null(&self.attributes, value, |attribute| attribute.write_only);
    }

    /// Sets every attribute to null that nobody may write, at every depth.
    pub fn null_computed(&self, value: &mut Value) {
        null(&self.attributes, value, |attribute| {
            !attribute.is_configurable()
        });
    }

    /// The write-only attributes that have a value, known or not, at any depth.
    /// Those in the elements of a set are named by the set, which has no paths inside.
    pub fn write_only_values(&self, value: &Value) -> Vec<AttributePath> {
        let mut paths = Vec::new();
        find(
            &self.attributes,
            value,
            &AttributePath::default(),
            &mut paths,
        );
        paths.dedup();
        paths
    }
}

fn null(attributes: &[Attribute], value: &mut Value, of: fn(&Attribute) -> bool) {
    let Value::Object(entries) = value else {
        return;
    };
    for attribute in attributes {
        let Some(entry) = entries.get_mut(&attribute.name) else {
            continue;
        };
        if of(attribute) {
            *entry = Value::Null;
        } else if let Kind::Nested(_, inner) = &attribute.kind {
            match entry {
                Value::List(items) | Value::Set(items) => {
                    items.iter_mut().for_each(|item| null(inner, item, of));
                }
                Value::Map(items) => items.values_mut().for_each(|item| null(inner, item, of)),
                _ => null(inner, entry, of),
            }
        }
    }
}

fn find(
    attributes: &[Attribute],
    value: &Value,
    at: &AttributePath,
    paths: &mut Vec<AttributePath>,
) {
    for attribute in attributes {
        let entry = value.get(&attribute.name);
        let path = at.clone().attribute(&attribute.name);
        match &attribute.kind {
            _ if entry.is_null() => {}
            _ if attribute.write_only => paths.push(path),
            // An object that is not known yet may have none.
            _ if entry.is_unknown() => {}
            Kind::Plain(_) => {}
            Kind::Nested(_, inner) => find_inside(inner, entry, &path, paths),
        }
    }
}

fn find_inside(
    inner: &[Attribute],
    entry: &Value,
    path: &AttributePath,
    paths: &mut Vec<AttributePath>,
) {
    match entry {
        Value::List(items) => {
            for (index, item) in (0..).zip(items) {
                find(inner, item, &path.clone().index(index), paths);
            }
        }
        Value::Map(items) => {
            for (key, item) in items {
                find(inner, item, &path.clone().key(key), paths);
            }
        }
        Value::Set(items) => {
            let mut within = Vec::new();
            for item in items {
                find(inner, item, path, &mut within);
            }
            paths.extend((!within.is_empty()).then(|| path.clone()));
        }
        _ => find(inner, entry, path, paths),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Nesting;
    use crate::value::Type;

    fn nested(name: &str, nesting: Nesting) -> Attribute {
        let text = |name: &str| Attribute::new(name, Type::String).optional();
        let (pin, size) = (text("pin").write_only(), text("size"));
        Attribute::nested(name, nesting, vec![pin, size]).optional()
    }

    fn schema() -> Schema {
        Schema::new(vec![
            Attribute::new("keys", Type::map(Type::String))
                .optional()
                .write_only(),
            nested("list", Nesting::List),
            nested("map", Nesting::Map),
            nested("set", Nesting::Set),
            nested("single", Nesting::Single),
        ])
    }

    fn item(pin: impl Into<Value>) -> Value {
        Value::object([("pin", pin.into()), ("size", "large".into())])
    }

    #[test]
    fn what_nobody_may_write_is_nulled_at_every_depth() {
        let text = |name: &str| Attribute::new(name, Type::String);
        let inner = vec![text("id").computed(), text("size").optional().computed()];
        let schema = Schema::new(vec![
            text("name").required(),
            text("id").computed(),
            Attribute::nested("list", Nesting::List, inner).optional(),
        ]);
        let value = |id: Value| {
            let item = Value::object([("id", id.clone()), ("size", "large".into())]);
            Value::object([
                ("name", "ci".into()),
                ("id", id),
                ("list", Value::List(vec![item])),
            ])
        };
        let mut given = value("4711".into());
        schema.null_computed(&mut given);
        assert_eq!(given, value(Value::Null));
    }

    #[test]
    fn write_only_values_are_found_and_nulled_at_every_depth() {
        let without = || item(Value::Null);
        let value = |with: Value| {
            Value::object([
                ("keys", Value::Unknown),
                ("list", Value::List(vec![without(), with.clone()])),
                ("map", Value::Map([("a".to_owned(), with.clone())].into())),
                (
                    "set",
                    Value::Set(vec![without(), with.clone(), with.clone()]),
                ),
                ("single", with),
            ])
        };
        let path = AttributePath::new;
        let mut given = value(item("4711"));
        assert_eq!(
            schema().write_only_values(&given),
            [
                path("keys"),
                path("list").index(1).attribute("pin"),
                path("map").key("a").attribute("pin"),
                path("set"),
                path("single").attribute("pin"),
            ]
        );
        schema().null_write_only(&mut given);
        let mut expected = value(without());
        expected.insert("keys", Value::Null);
        assert_eq!(given, expected);
        assert!(schema().write_only_values(&given).is_empty());
    }
}
