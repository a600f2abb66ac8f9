//! The MessagePack form of values: what travels in every call.
//!
//! Unknown is an extension value; numbers are integers, floats or decimal text; an object is a
//! map with every attribute; a value of type `dynamic` is a pair of its type's JSON and itself.

use std::collections::BTreeMap;

use rmp::encode;
use rmpv::ValueRef;

use super::{Number, Type, Value, ValueError};
use crate::diagnostics::AttributePath;

pub(super) fn decode(ty: &Type, mut bytes: &[u8]) -> Result<Value, ValueError> {
    let wire = rmpv::decode::read_value_ref(&mut bytes)
        .map_err(|_| ValueError::Malformed("MessagePack value"))?;
    if !bytes.is_empty() {
        return Err(ValueError::Malformed(
            "MessagePack value with bytes after it",
        ));
    }
    read(ty, &wire, &Place::Root)
}

/// Where in the value we are, built without allocation and told only with an error.
pub(super) enum Place<'a> {
    Root,
    Attribute(&'a Place<'a>, &'a str),
    Key(&'a Place<'a>, &'a str),
    Index(&'a Place<'a>, i64),
    /// Of a set.
    Element(&'a Place<'a>),
}

impl Place<'_> {
    fn path(&self) -> AttributePath {
        match self {
            Self::Root => AttributePath::default(),
            Self::Attribute(parent, name) => parent.path().attribute(*name),
            Self::Key(parent, key) => parent.path().key(*key),
            Self::Index(parent, index) => parent.path().index(*index),
            Self::Element(parent) => parent.path().element(),
        }
    }

    pub(super) fn mismatch(&self, ty: &Type) -> ValueError {
        ValueError::Mismatch {
            path: self.path(),
            expected: ty.to_string(),
        }
    }

    pub(super) fn surplus(&self, name: &str) -> ValueError {
        ValueError::Surplus {
            path: self.path(),
            name: name.to_owned(),
        }
    }
}

fn read(ty: &Type, wire: &ValueRef<'_>, place: &Place<'_>) -> Result<Value, ValueError> {
    let mismatch = || place.mismatch(ty);
    match (wire, ty) {
        (ValueRef::Nil, _) => Ok(Value::Null),
        // Whatever the extension says beyond "unknown" is a refinement, which we may ignore.
        (ValueRef::Ext(..), _) => Ok(Value::Unknown),
        (ValueRef::Boolean(flag), Type::Bool) => Ok(Value::Bool(*flag)),
        (_, Type::Number) => read_number(wire).map(Value::Number).ok_or_else(mismatch),
        (ValueRef::String(text), Type::String) => {
            let text = text.as_str().ok_or_else(mismatch)?;
            Ok(Value::String(text.to_owned()))
        }
        (ValueRef::Array(items), Type::List(element)) => {
            let items = (0..).zip(items);
            items
                .map(|(index, item)| read(element, item, &Place::Index(place, index)))
                .collect::<Result<_, _>>()
                .map(Value::List)
        }
        (ValueRef::Array(items), Type::Set(element)) => {
            let place = Place::Element(place);
            let items = items.iter().map(|item| read(element, item, &place));
            items.collect::<Result<_, _>>().map(Value::Set)
        }
        (ValueRef::Array(items), Type::Tuple(types)) if items.len() == types.len() => {
            let items = (0..).zip(types.iter().zip(items));
            items
                .map(|(index, (ty, item))| read(ty, item, &Place::Index(place, index)))
                .collect::<Result<_, _>>()
                .map(Value::List)
        }
        (ValueRef::Array(items), Type::Dynamic) => match items.as_slice() {
            [ValueRef::Binary(json), inner] => {
                let ty = serde_json::from_slice(json)
                    .ok()
                    .and_then(|json| Type::from_json(&json))
                    .ok_or_else(mismatch)?;
                let value = read(&ty, inner, place)?;
                Ok(Value::Dynamic(Box::new((ty, value))))
            }
            _ => Err(mismatch()),
        },
        (ValueRef::Map(entries), Type::Map(element)) => {
            let mut map = BTreeMap::new();
            for (key, item) in entries {
                let key = text(key).ok_or_else(mismatch)?;
                map.insert(
                    key.to_owned(),
                    read(element, item, &Place::Key(place, key))?,
                );
            }
            Ok(Value::Map(map))
        }
        (ValueRef::Map(entries), Type::Object(types)) => read_object(types, entries, ty, place),
        _ => Err(mismatch()),
    }
}

fn read_object(
    types: &BTreeMap<String, Type>,
    entries: &[(ValueRef<'_>, ValueRef<'_>)],
    ty: &Type,
    place: &Place<'_>,
) -> Result<Value, ValueError> {
    let mut object: BTreeMap<String, Value> = types
        .keys()
        .map(|name| (name.clone(), Value::Null))
        .collect();
    for (key, item) in entries {
        let name = text(key).ok_or_else(|| place.mismatch(ty))?;
        let ty = types.get(name).ok_or_else(|| place.surplus(name))?;
        let value = read(ty, item, &Place::Attribute(place, name))?;
        object.insert(name.to_owned(), value);
    }
    Ok(Value::Object(object))
}

fn text<'a>(wire: &'a ValueRef<'_>) -> Option<&'a str> {
    match wire {
        ValueRef::String(text) => text.as_str(),
        _ => None,
    }
}

fn read_number(wire: &ValueRef<'_>) -> Option<Number> {
    match wire {
        ValueRef::Integer(integer) => Some(match integer.as_i64() {
            Some(number) => Number::Int(number),
            None => Number::Decimal(integer.to_string()),
        }),
        ValueRef::F32(number) => Some(from_float(f64::from(*number))),
        ValueRef::F64(number) => Some(from_float(*number)),
        ValueRef::String(text) => Number::parse(text.as_str()?),
        _ => None,
    }
}

fn from_float(number: f64) -> Number {
    match number.to_string().parse() {
        Ok(whole) => Number::Int(whole),
        Err(_) => Number::Float(number),
    }
}

pub(super) fn encode(ty: &Type, value: &Value) -> Result<Vec<u8>, ValueError> {
    let mut out = Vec::new();
    write(&mut out, ty, value, &Place::Root)?;
    Ok(out)
}

type Out = Vec<u8>;

fn write(out: &mut Out, ty: &Type, value: &Value, place: &Place<'_>) -> Result<(), ValueError> {
    let done = match (value, ty) {
        (Value::Null, _) => encode::write_nil(out).is_ok(),
        (Value::Unknown, _) => {
            // Extension 0 with one byte that nobody reads, as every other implementation writes it.
            out.extend_from_slice(&[0xd4, 0x00, 0x00]);
            true
        }
        (Value::Bool(flag), Type::Bool) => encode::write_bool(out, *flag).is_ok(),
        (Value::Number(number), Type::Number) => write_number(out, number),
        (Value::String(text), Type::String) => encode::write_str(out, text).is_ok(),
        (Value::List(items) | Value::Set(items), Type::List(element) | Type::Set(element)) => {
            write_array_len(out, items.len())?;
            for (index, item) in (0..).zip(items) {
                let place = match ty {
                    Type::Set(_) => Place::Element(place),
                    _ => Place::Index(place, index),
                };
                write(out, element, item, &place)?;
            }
            true
        }
        (Value::List(items), Type::Tuple(types)) if items.len() == types.len() => {
            write_array_len(out, items.len())?;
            for (index, (ty, item)) in (0..).zip(types.iter().zip(items)) {
                write(out, ty, item, &Place::Index(place, index))?;
            }
            true
        }
        (Value::Map(entries) | Value::Object(entries), Type::Map(element)) => {
            write_map_len(out, entries.len())?;
            for (key, item) in entries {
                write_text(out, key)?;
                write(out, element, item, &Place::Key(place, key))?;
            }
            true
        }
        (Value::Object(entries), Type::Object(types)) => {
            if let Some(name) = entries.keys().find(|name| !types.contains_key(*name)) {
                return Err(place.surplus(name));
            }
            write_map_len(out, types.len())?;
            for (name, ty) in types {
                write_text(out, name)?;
                let item = entries.get(name).unwrap_or(&Value::Null);
                write(out, ty, item, &Place::Attribute(place, name))?;
            }
            true
        }
        (Value::Dynamic(inner), Type::Dynamic) => {
            let (ty, value) = inner.as_ref();
            write_array_len(out, 2)?;
            let json = ty.to_json().to_string();
            encode::write_bin(out, json.as_bytes()).map_err(|_| ValueError::Malformed("type"))?;
            write(out, ty, value, place)?;
            true
        }
        _ => false,
    };
    match done {
        true => Ok(()),
        false => Err(place.mismatch(ty)),
    }
}

fn write_number(out: &mut Out, number: &Number) -> bool {
    match number {
        // As text: a core parses it as it parses its state file, and compares the two by their bits, so that an
        // integer would make every refresh a change.
        Number::Int(number) => encode::write_str(out, &number.to_string()).is_ok(),
        Number::Float(number) => encode::write_f64(out, *number).is_ok(),
        Number::Decimal(text) => encode::write_str(out, text).is_ok(),
    }
}

const TOO_LONG: ValueError = ValueError::Malformed("collection longer than MessagePack allows");

fn write_array_len(out: &mut Out, len: usize) -> Result<(), ValueError> {
    let len = u32::try_from(len).map_err(|_| TOO_LONG)?;
    encode::write_array_len(out, len).map_err(|_| TOO_LONG)?;
    Ok(())
}

fn write_map_len(out: &mut Out, len: usize) -> Result<(), ValueError> {
    let len = u32::try_from(len).map_err(|_| TOO_LONG)?;
    encode::write_map_len(out, len).map_err(|_| TOO_LONG)?;
    Ok(())
}

fn write_text(out: &mut Out, text: &str) -> Result<(), ValueError> {
    encode::write_str(out, text).map_err(|_| TOO_LONG)
}
