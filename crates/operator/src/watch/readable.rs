//! An object of a watch, or why this version cannot read it: one of them stops no watch.

use std::borrow::Cow;
use std::fmt;

use kube::Resource;
use kube::api::ObjectMeta;
use kube::core::PartialObjectMeta;
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// An object; or what is known of one that cannot be read.
#[derive(Debug, Clone)]
pub(super) struct Readable<K>(pub(super) Result<K, Invalid>);

/// An object that this version cannot read.
#[derive(Debug, Clone)]
pub(super) struct Invalid {
    /// What the parser says.
    pub(super) error: String,
    pub(super) metadata: ObjectMeta,
}

impl<'de, K: Resource + DeserializeOwned> Deserialize<'de> for Readable<K> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let whole = Fields { of_metadata: false }.deserialize(from)?;
        let invalid = match K::deserialize(&whole) {
            Ok(object) => return Ok(Self(Ok(object))),
            Err(error) => error.to_string(),
        };
        let known = PartialObjectMeta::<K>::deserialize(&whole).map_err(D::Error::custom)?;
        Ok(Self(Err(Invalid {
            error: invalid,
            metadata: known.metadata,
        })))
    }
}

/// The fields of an object without who wrote what of it: that is as long as all the rest, and nobody here
/// reads it.
struct Fields {
    of_metadata: bool,
}

impl<'de> DeserializeSeed<'de> for Fields {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            let value = match (self.of_metadata, key.as_str()) {
                (true, "managedFields") => {
                    fields.next_value::<IgnoredAny>()?;
                    continue;
                }
                (false, "metadata") => fields.next_value_seed(Self { of_metadata: true })?,
                _ => fields.next_value()?,
            };
            all.insert(key, value);
        }
        Ok(Value::Object(all))
    }
}

impl<K: Resource> Resource for Readable<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(kind: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(kind)
    }

    fn group(kind: &Self::DynamicType) -> Cow<'_, str> {
        K::group(kind)
    }

    fn version(kind: &Self::DynamicType) -> Cow<'_, str> {
        K::version(kind)
    }

    fn plural(kind: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(kind)
    }

    fn meta(&self) -> &ObjectMeta {
        match &self.0 {
            Ok(object) => object.meta(),
            Err(invalid) => &invalid.metadata,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match &mut self.0 {
            Ok(object) => object.meta_mut(),
            Err(invalid) => &mut invalid.metadata,
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Namespace;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_read_is_still_known_by_its_name_and_who_wrote_what_is_left_out() {
        let read = |object: Value| serde_json::from_str::<Readable<Namespace>>(&object.to_string());
        let metadata = json!({ "name": "a", "managedFields": [{ "fieldsV1": { "f:x": {} } }] });
        let good = read(json!({ "metadata": metadata, "spec": {} })).unwrap();
        let good = good.0.unwrap().metadata;
        assert_eq!(
            (good.name.as_deref(), good.managed_fields),
            (Some("a"), None)
        );
        let bad = read(json!({ "spec": { "finalizers": 1 }, "metadata": metadata })).unwrap();
        let bad = bad.0.unwrap_err();
        assert_eq!(bad.metadata.name.as_deref(), Some("a"));
        assert!(bad.error.contains("invalid type"), "{}", bad.error);
    }
}
