//! Types of values, and their JSON form in the protocol.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value as Json, json};

/// The type of a [`Value`](super::Value).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// `true` or `false`
    Bool,
    /// A decimal of any precision
    Number,
    /// Text
    String,
    /// Any type; it travels with the value
    Dynamic,
    /// Ordered, one type
    List(Box<Type>),
    /// Unordered, one type
    Set(Box<Type>),
    /// Text to one type
    Map(Box<Type>),
    /// Named attributes
    Object(BTreeMap<String, Type>),
    /// Ordered, a type for each position
    Tuple(Vec<Type>),
}

impl Type {
    /// `list(element)`
    pub fn list(element: Type) -> Self {
        Self::List(Box::new(element))
    }

    /// `set(element)`
    pub fn set(element: Type) -> Self {
        Self::Set(Box::new(element))
    }

    /// `map(element)`
    pub fn map(element: Type) -> Self {
        Self::Map(Box::new(element))
    }

    /// `object({...})`
    pub fn object<K: Into<String>>(attributes: impl IntoIterator<Item = (K, Type)>) -> Self {
        Self::Object(
            attributes
                .into_iter()
                .map(|(name, ty)| (name.into(), ty))
                .collect(),
        )
    }

    pub(crate) fn to_json(&self) -> Json {
        match self {
            Self::Bool => json!("bool"),
            Self::Number => json!("number"),
            Self::String => json!("string"),
            Self::Dynamic => json!("dynamic"),
            Self::List(element) => json!(["list", element.to_json()]),
            Self::Set(element) => json!(["set", element.to_json()]),
            Self::Map(element) => json!(["map", element.to_json()]),
            Self::Object(attributes) => {
                let attributes: serde_json::Map<_, _> = attributes
                    .iter()
                    .map(|(name, ty)| (name.clone(), ty.to_json()))
                    .collect();
                json!(["object", attributes])
            }
            Self::Tuple(elements) => {
                let elements: Vec<_> = elements.iter().map(Self::to_json).collect();
                json!(["tuple", elements])
            }
        }
    }

    pub(crate) fn from_json(json: &Json) -> Option<Self> {
        if let Some(name) = json.as_str() {
            return match name {
                "bool" => Some(Self::Bool),
                "number" => Some(Self::Number),
                "string" => Some(Self::String),
                "dynamic" => Some(Self::Dynamic),
                _ => None,
            };
        }
        let parts = json.as_array()?;
        let of = parts.get(1)?;
        match parts.first()?.as_str()? {
            "list" => Self::from_json(of).map(Self::list),
            "set" => Self::from_json(of).map(Self::set),
            "map" => Self::from_json(of).map(Self::map),
            "object" => {
                let attributes = of.as_object()?.iter();
                attributes
                    .map(|(name, ty)| Some((name.clone(), Self::from_json(ty)?)))
                    .collect::<Option<_>>()
                    .map(Self::Object)
            }
            "tuple" => {
                let elements = of.as_array()?.iter();
                elements
                    .map(Self::from_json)
                    .collect::<Option<_>>()
                    .map(Self::Tuple)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Number => f.write_str("number"),
            Self::String => f.write_str("string"),
            Self::Dynamic => f.write_str("dynamic"),
            Self::List(element) => write!(f, "list of {element}"),
            Self::Set(element) => write!(f, "set of {element}"),
            Self::Map(element) => write!(f, "map of {element}"),
            Self::Object(_) => f.write_str("object"),
            Self::Tuple(_) => f.write_str("tuple"),
        }
    }
}
