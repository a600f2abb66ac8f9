//! Values as Terraform knows them, and their types.
//!
//! Values are read and written under a [`Type`]: [`Value::from_msgpack`], [`Value::to_msgpack`],
//! [`RawState::decode`]. Refinements of unknown values are ignored on read and never written.

mod json;
mod msgpack;
mod number;
mod types;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::diagnostics::AttributePath;

pub use json::RawState;
pub use number::Number;
pub use types::Type;

/// One value. `Debug` shows the shape and never the content of a string or the keys of a map.
#[derive(Clone, Default)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// Known only after apply.
    Unknown,
    /// `bool`
    Bool(bool),
    /// `number`
    Number(Number),
    /// `string`; may be secret
    String(String),
    /// `list(...)` and tuples
    List(Vec<Value>),
    /// `set(...)`; compared without order
    Set(Vec<Value>),
    /// `map(...)`
    Map(BTreeMap<String, Value>),
    /// An object, and every block
    Object(BTreeMap<String, Value>),
    /// A value whose type travels with it, under the type `dynamic`
    Dynamic(Box<(Type, Value)>),
}

/// Why bytes or a value do not fit a type. Names places and types, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// The encoding itself is broken.
    #[error("read {0}")]
    Malformed(&'static str),
    /// The value is of another kind.
    #[error("value at {} is not of type {expected}", place(path))]
    Mismatch {
        /// From the root.
        path: AttributePath,
        /// The type that was asked for.
        expected: String,
    },
    /// An object has an attribute that its type lacks.
    #[error("object at {} has no attribute {name:?}", place(path))]
    Surplus {
        /// As above.
        path: AttributePath,
        /// The attribute's name.
        name: String,
    },
}

impl ValueError {
    /// The place at fault, if it is one.
    pub fn path(&self) -> Option<&AttributePath> {
        match self {
            Self::Malformed(_) => None,
            Self::Mismatch { path, .. } | Self::Surplus { path, .. } => Some(path),
        }
    }
}

fn place(path: &AttributePath) -> String {
    match *path == AttributePath::default() {
        true => "the root".to_owned(),
        false => path.to_string(),
    }
}

impl Value {
    /// An object from its attributes; those left out are null on the wire.
    pub fn object<K: Into<String>>(attributes: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Object(
            attributes
                .into_iter()
                .map(|(name, value)| (name.into(), value))
                .collect(),
        )
    }

    /// Reads the protocol's MessagePack form.
    pub fn from_msgpack(ty: &Type, bytes: &[u8]) -> Result<Self, ValueError> {
        msgpack::decode(ty, bytes)
    }

    /// Writes the protocol's MessagePack form; attributes missing in an object become null.
    pub fn to_msgpack(&self, ty: &Type) -> Result<Vec<u8>, ValueError> {
        msgpack::encode(ty, self)
    }

    /// Whether there is no value.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether this very value is unknown.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// Whether this value and everything in it is known.
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
            Self::List(items) | Self::Set(items) => items.iter().all(Self::is_wholly_known),
            Self::Map(entries) | Self::Object(entries) => {
                entries.values().all(Self::is_wholly_known)
            }
            Self::Dynamic(inner) => inner.1.is_wholly_known(),
        }
    }

    /// The attribute of an object or the entry of a map; null if there is none, unknown in what is unknown.
    pub fn get(&self, name: impl AsRef<str>) -> &Value {
        static NULL: Value = Value::Null;
        match self {
            Self::Object(entries) | Self::Map(entries) => {
                entries.get(name.as_ref()).unwrap_or(&NULL)
            }
            Self::Dynamic(inner) => inner.1.get(name),
            Self::Unknown => self,
            Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::String(_)
            | Self::List(_)
            | Self::Set(_) => &NULL,
        }
    }

    /// Sets an entry of a map, or an attribute of an object whatever its type is; does nothing to other values.
    pub fn insert(&mut self, name: impl AsRef<str>, value: impl Into<Value>) {
        if let Self::Object(entries) | Self::Map(entries) = self {
            entries.insert(name.as_ref().to_owned(), value.into());
        }
    }

    /// The text, if this is a known string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The flag, if this is a known bool.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The number, if this is a known whole number that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// The elements of a list or set.
    pub fn as_slice(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) | Self::Set(items) => Some(items),
            _ => None,
        }
    }

    /// The attributes of an object or the entries of a map.
    pub fn as_map(&self) -> Option<&BTreeMap<String, Value>> {
        match self {
            Self::Object(entries) | Self::Map(entries) => Some(entries),
            _ => None,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) | (Self::Unknown, Self::Unknown) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Set(a), Self::Set(b)) => same_elements(a, b),
            (Self::Map(a), Self::Map(b)) | (Self::Object(a), Self::Object(b)) => a == b,
            (Self::Dynamic(a), Self::Dynamic(b)) => a == b,
            _ => false,
        }
    }
}

fn same_elements(a: &[Value], b: &[Value]) -> bool {
    a.len() == b.len()
        && a.iter().all(|item| {
            let count = |all: &[Value]| all.iter().filter(|other| *other == item).count();
            count(a) == count(b)
        })
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Unknown => f.write_str("unknown"),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::String(_) => f.write_str("string(redacted)"),
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Set(items) => f.debug_set().entries(items).finish(),
            // Keys of a map are content, attribute names are not.
            Self::Map(entries) => write!(f, "map({} entries)", entries.len()),
            Self::Object(entries) => f.debug_map().entries(entries).finish(),
            Self::Dynamic(inner) => inner.1.fmt(f),
        }
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<BTreeSet<T>> for Value {
    fn from(items: BTreeSet<T>) -> Self {
        Self::Set(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<BTreeMap<String, T>> for Value {
    fn from(entries: BTreeMap<String, T>) -> Self {
        let entries = entries.into_iter();
        Self::Map(entries.map(|(key, value)| (key, value.into())).collect())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests;
