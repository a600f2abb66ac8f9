//! What attributes hold, in Rust's words.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::Nesting;
use crate::value::{Number, Type, Value};

/// Values that are read and written as a whole.
pub trait Plain: Sized {
    /// Their type in a schema.
    fn ty() -> Type;

    /// The value, if it is known; of a collection, what is known of it.
    fn from_value(value: &Value) -> Option<Self>;
}

impl Plain for String {
    fn ty() -> Type {
        Type::String
    }

    fn from_value(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }
}

impl Plain for bool {
    fn ty() -> Type {
        Type::Bool
    }

    fn from_value(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

/// A whole number; one that is not whole, or too large, is not read.
impl Plain for i64 {
    fn ty() -> Type {
        Type::Number
    }

    fn from_value(value: &Value) -> Option<Self> {
        value.as_i64()
    }
}

impl Plain for Number {
    fn ty() -> Type {
        Type::Number
    }

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Some(number.clone()),
            _ => None,
        }
    }
}

impl<T: Plain> Plain for Vec<T> {
    fn ty() -> Type {
        Type::list(T::ty())
    }

    fn from_value(value: &Value) -> Option<Self> {
        Some(value.as_slice()?.iter().filter_map(T::from_value).collect())
    }
}

impl<T: Plain + Ord> Plain for BTreeSet<T> {
    fn ty() -> Type {
        Type::set(T::ty())
    }

    fn from_value(value: &Value) -> Option<Self> {
        Some(value.as_slice()?.iter().filter_map(T::from_value).collect())
    }
}

impl<T: Plain> Plain for BTreeMap<String, T> {
    fn ty() -> Type {
        Type::map(T::ty())
    }

    fn from_value(value: &Value) -> Option<Self> {
        let entries = value.as_map()?.iter();
        let known = entries.filter_map(|(key, value)| Some((key.clone(), T::from_value(value)?)));
        Some(known.collect())
    }
}

/// An object that has attributes of its own, as [`Name::nested`](super::Name::nested) says: alone, in a `Vec`, a
/// `BTreeSet` or a `BTreeMap`. It is reached with [`Value::get`].
#[derive(Debug)]
pub struct Object;

/// How objects are held.
pub trait Nested {
    /// The same in a schema.
    const NESTING: Nesting;
}

impl Nested for Object {
    const NESTING: Nesting = Nesting::Single;
}

impl Nested for Vec<Object> {
    const NESTING: Nesting = Nesting::List;
}

impl Nested for BTreeSet<Object> {
    const NESTING: Nesting = Nesting::Set;
}

impl Nested for BTreeMap<String, Object> {
    const NESTING: Nesting = Nesting::Map;
}

/// What an attribute that holds `T` can be set to: a `T`, a text where that is a `String`, objects in their
/// collection, `None` for null, and any [`Value`], which is not looked into.
#[diagnostic::on_unimplemented(message = "an attribute that holds `{T}` cannot be set to `{Self}`")]
pub trait Fits<T> {
    /// The value to be set.
    fn into_value(self) -> Value;
}

impl<T> Fits<T> for Value {
    fn into_value(self) -> Value {
        self
    }
}

impl<T, V: Fits<T>> Fits<T> for Option<V> {
    fn into_value(self) -> Value {
        self.map_or(Value::Null, V::into_value)
    }
}

impl<T: Plain + Into<Value>> Fits<T> for T {
    fn into_value(self) -> Value {
        self.into()
    }
}

impl Fits<String> for &str {
    fn into_value(self) -> Value {
        self.into()
    }
}

impl Fits<Vec<Object>> for Vec<Value> {
    fn into_value(self) -> Value {
        Value::List(self)
    }
}

impl Fits<BTreeSet<Object>> for Vec<Value> {
    fn into_value(self) -> Value {
        Value::Set(self)
    }
}

impl Fits<BTreeMap<String, Object>> for BTreeMap<String, Value> {
    fn into_value(self) -> Value {
        Value::Map(self)
    }
}
