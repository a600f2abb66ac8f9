//! The table of a provider's attributes: each name stands in it once, with the type of its values.
//!
//! The schema, what is read and written, and the paths of diagnostics are made of the same constants, so that
//! no name can be mistyped, and a value of another type does not compile.
//!
//! ```
//! use tfplugin::{Name, Schema, Value};
//!
//! const PATH: Name<String> = Name::new("path");
//! const BYTES: Name<i64> = Name::new("bytes");
//!
//! let schema = Schema::new(vec![PATH.required(), BYTES.computed()]);
//! let mut state = schema.empty().with(PATH, "notes.txt");
//! state.set(BYTES, 12);
//! assert_eq!(state.read(PATH).as_deref(), Some("notes.txt"));
//! assert_eq!(PATH.path().to_string(), "path");
//! ```
//!
//! ```compile_fail,E0277
//! # use tfplugin::{Name, Value};
//! # const BYTES: Name<i64> = Name::new("bytes");
//! Value::empty().set(BYTES, "twelve");
//! ```

use std::fmt;
use std::marker::PhantomData;

use crate::diagnostics::AttributePath;
use crate::schema::{Attribute, IdentityAttribute, Schema};
use crate::value::Value;

mod held;

pub use held::{Fits, Nested, Object, Plain};

/// The name of an attribute, and the type of its values in Rust's words: `String`, `bool`, `i64`, [`Number`],
/// `Vec`, `BTreeSet` and `BTreeMap` of these, or the same of [`Object`]s that have attributes of their own.
///
/// [`Number`]: crate::Number
pub struct Name<T> {
    text: &'static str,
    holds: PhantomData<fn() -> T>,
}

/// A name in a list of attributes, whatever the types of their values are: `&NAME`.
pub type AnyName = &'static (dyn AsRef<str> + Sync);

impl<T> Name<T> {
    /// This name.
    pub const fn new(text: &'static str) -> Self {
        Self {
            text,
            holds: PhantomData,
        }
    }

    /// As it is written in a configuration.
    pub const fn as_str(self) -> &'static str {
        self.text
    }

    /// The path of the attribute at the top of its block.
    pub fn path(self) -> AttributePath {
        AttributePath::new(self)
    }
}

/// An attribute of a schema begins with who decides it.
impl<T: Plain> Name<T> {
    /// Must be configured.
    pub fn required(self) -> Attribute {
        self.attribute().required()
    }

    /// May be configured.
    pub fn optional(self) -> Attribute {
        self.attribute().optional()
    }

    /// Chosen by the provider.
    pub fn computed(self) -> Attribute {
        self.attribute().computed()
    }

    /// Tells one object from others; an import may leave it out.
    pub fn identity(self) -> IdentityAttribute {
        IdentityAttribute::new(self.text, T::ty())
    }

    fn attribute(self) -> Attribute {
        Attribute::new(self.text, T::ty())
    }
}

impl<T: Nested> Name<T> {
    /// An attribute whose objects have these.
    pub fn nested(self, attributes: Vec<Attribute>) -> Attribute {
        Attribute::nested(self.text, T::NESTING, attributes)
    }
}

impl<T> Clone for Name<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Name<T> {}

impl<T> AsRef<str> for Name<T> {
    fn as_ref(&self) -> &str {
        self.text
    }
}

impl<T> fmt::Debug for Name<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl Schema {
    /// A value under this schema in which every attribute is null.
    pub fn empty(&self) -> Value {
        let names = self.attributes.iter().map(Attribute::name);
        Value::object(names.map(|name| (name, Value::Null)))
    }
}

/// Objects by the names of a table.
impl Value {
    /// An object without attributes, which all are null on the wire.
    pub fn empty() -> Self {
        Self::Object(Default::default())
    }

    /// What an attribute holds, if that is known; of a collection, those elements that are known.
    /// It is a copy: a secret is better read in place, with [`get`](Self::get).
    pub fn read<T: Plain>(&self, name: Name<T>) -> Option<T> {
        T::from_value(self.get(name))
    }

    /// Sets an attribute of an object; does nothing to other values. Takes a [`Value`] as it is, such as an
    /// unknown one, or that of another object.
    pub fn set<T>(&mut self, name: Name<T>, value: impl Fits<T>) {
        self.insert(name, value.into_value());
    }

    /// With this attribute set.
    pub fn with<T>(mut self, name: Name<T>, value: impl Fits<T>) -> Self {
        self.set(name, value);
        self
    }

    /// Makes these attributes unknown, in a plan: only the apply can tell.
    pub fn open(&mut self, names: &[AnyName]) {
        for name in names {
            self.insert(name, Self::Unknown);
        }
    }

    /// Gives what a plan left open, and nothing else, the values of another object: what it promised stands.
    pub fn fill(&mut self, known: &Value) {
        for (name, value) in known.as_map().into_iter().flatten() {
            if self.get(name).is_unknown() {
                self.insert(name, value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
