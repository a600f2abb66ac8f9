//! The functions that expressions may call: a fixed list, each without effect and bounded in its work.
//!
//! Beside them stand the filters of minijinja that read (`items`, `map`, `select`, `reject`, `first`,
//! `last`, `int`, `string`, `split`, `list`, `sort`, …), and `join`, which is bounded here.

use std::collections::BTreeMap;

use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error, ErrorKind};

use super::MAX_JOINED;
use super::time::{Notation, instant_of, last_second};

/// Their names; others are refused when a profile is loaded.
pub(crate) const FUNCTIONS: [&str; 3] = ["before", "later", "objects"];

const PARTS: [(&str, i64); 4] = [
    ("days", 86_400),
    ("hours", 3_600),
    ("minutes", 60),
    ("seconds", 1),
];

pub(crate) fn add_to(environment: &mut Environment<'static>) {
    environment.add_function("before", before);
    environment.add_function("later", later);
    environment.add_function("objects", objects);
    environment.add_filter("join", join);
}

/// `before(one, other)`: whether both are times and the first is the earlier one.
fn before(one: &Value, other: &Value) -> Result<bool, Error> {
    let time = |value| {
        let wrong = |_| Error::new(ErrorKind::InvalidOperation, "no time");
        instant_of(value, Notation::default()).map_err(wrong)
    };
    Ok(match (time(one)?, time(other)?) {
        (Some(one), Some(other)) => one < other,
        (None, _) | (_, None) => false,
    })
}

/// `later(at, days=, hours=, minutes=, seconds=)`: Unix seconds of `at` plus the sum.
///
/// Nothing where `at` is nothing, where no part is positive (which is how systems say never), and where
/// the sum lies beyond the year 9999. A sum that is zero or less with a positive part is an instant all
/// the same: the token was born expired.
fn later(at: &Value, parts: Kwargs) -> Result<Value, Error> {
    let wrong = |what: &'static str| Error::new(ErrorKind::InvalidOperation, what);
    let mut sum = 0_i64;
    let mut never = true;
    for (name, length) in PARTS {
        let part: Option<Value> = parts.get(name)?;
        let part = part.filter(|part| !part.is_none() && !part.is_undefined());
        let Some(part) = part else { continue };
        let count = part.as_i64().ok_or_else(|| wrong("no whole number"))?;
        never = never && count <= 0;
        sum = sum.saturating_add(count.saturating_mul(length));
    }
    parts.assert_all_used()?;
    let at = instant_of(at, Notation::default()).map_err(|_| wrong("no time"))?;
    let (false, Some(at)) = (never, at) else {
        return Ok(Value::from(()));
    };
    let end = at.as_second().saturating_add(sum);
    Ok(match end > last_second() {
        true => Value::from(()),
        false => Value::from(end),
    })
}

/// `list | join(between)`: the texts of a list as one.
pub(super) fn join(list: &Value, between: Option<&str>) -> Result<String, Error> {
    let mut joined = String::new();
    if list.is_none() || list.is_undefined() {
        return Ok(joined);
    }
    for (number, entry) in list.try_iter()?.enumerate() {
        if number > 0 {
            joined.push_str(between.unwrap_or_default());
        }
        joined.push_str(&entry.to_string());
        if joined.len() > MAX_JOINED {
            return Err(Error::new(ErrorKind::InvalidOperation, "too long"));
        }
    }
    Ok(joined)
}

/// `objects(list, key, others)`: an object for every entry, which has it at this key, beside what all of them
/// have; nothing where the list is nothing.
fn objects(list: &Value, key: &str, others: Option<&Value>) -> Result<Value, Error> {
    if list.is_none() || list.is_undefined() {
        return Ok(Value::from(()));
    }
    let mut object = BTreeMap::new();
    if let Some(others) = others {
        for name in others.try_iter()? {
            let other = others.get_item(&name)?;
            object.insert(name.to_string(), other);
        }
    }
    let objects = list.try_iter()?.map(|entry| {
        let mut object = object.clone();
        object.insert(key.to_owned(), entry);
        Value::from(object)
    });
    Ok(objects.collect::<Vec<_>>().into())
}
