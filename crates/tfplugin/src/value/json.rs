//! The JSON form of values: what Terraform keeps in its state file.
//!
//! Reading is lenient, since the state may be of an older or newer release: attributes that the
//! type lacks are dropped, attributes that the state lacks are null.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value as Json;

use super::msgpack::Place;
use super::{Number, Type, Value, ValueError};

/// A resource's state as some release of the provider stored it. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct RawState(Json);

impl RawState {
    /// Reads the stored JSON.
    pub fn parse(bytes: &[u8]) -> Result<Self, ValueError> {
        serde_json::from_slice(bytes)
            .map(Self)
            .map_err(|_| ValueError::Malformed("stored state as JSON"))
    }

    /// Reads it under a type: the current one, or the one of the release that stored it.
    pub fn decode(&self, ty: &Type) -> Result<Value, ValueError> {
        read(ty, &self.0, &Place::Root)
    }

    /// The JSON itself. It may hold secret values: never log it.
    pub fn json(&self) -> &Json {
        &self.0
    }
}

impl fmt::Debug for RawState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawState(redacted)")
    }
}

fn read(ty: &Type, json: &Json, place: &Place<'_>) -> Result<Value, ValueError> {
    let mismatch = || place.mismatch(ty);
    match (json, ty) {
        (Json::Null, _) => Ok(Value::Null),
        (Json::Bool(flag), Type::Bool) => Ok(Value::Bool(*flag)),
        (Json::Number(number), Type::Number) => Number::parse(&number.to_string())
            .map(Value::Number)
            .ok_or_else(mismatch),
        (Json::String(text), Type::Number) => {
            Number::parse(text).map(Value::Number).ok_or_else(mismatch)
        }
        (Json::String(text), Type::String) => Ok(Value::String(text.clone())),
        (Json::Array(items), Type::List(of)) => (0..)
            .zip(items)
            .map(|(index, item)| read(of, item, &Place::Index(place, index)))
            .collect::<Result<_, _>>()
            .map(Value::List),
        (Json::Array(items), Type::Set(of)) => items
            .iter()
            .map(|item| read(of, item, &Place::Element(place)))
            .collect::<Result<_, _>>()
            .map(Value::Set),
        (Json::Array(items), Type::Tuple(types)) if items.len() == types.len() => (0..)
            .zip(types.iter().zip(items))
            .map(|(index, (ty, item))| read(ty, item, &Place::Index(place, index)))
            .collect::<Result<_, _>>()
            .map(Value::List),
        (Json::Object(entries), Type::Map(of)) => entries
            .iter()
            .map(|(key, item)| Ok((key.clone(), read(of, item, &Place::Key(place, key))?)))
            .collect::<Result<_, _>>()
            .map(Value::Map),
        (Json::Object(entries), Type::Object(types)) => {
            let mut object = BTreeMap::new();
            for (name, ty) in types {
                let item = entries.get(name).unwrap_or(&Json::Null);
                let value = read(ty, item, &Place::Attribute(place, name))?;
                object.insert(name.clone(), value);
            }
            Ok(Value::Object(object))
        }
        (Json::Object(pair), Type::Dynamic) => {
            let ty = pair.get("type").and_then(Type::from_json);
            let ty = ty.ok_or_else(mismatch)?;
            let value = read(&ty, pair.get("value").unwrap_or(&Json::Null), place)?;
            Ok(Value::Dynamic(Box::new((ty, value))))
        }
        _ => Err(mismatch()),
    }
}
