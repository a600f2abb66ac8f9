//! Objects as they wait in memory: as text, beside what is asked of thousands of them at once.
//!
//! Each is worked on for some milliseconds a day. As a value of its type one takes several times the room
//! of its text, since most of what it could say it does not.

use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::Arc;

use kube::Resource;
use kube::api::ObjectMeta;
use serde::de::DeserializeOwned;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// What can be packed.
pub(crate) trait Packs: Resource<DynamicType = ()> + Serialize + DeserializeOwned {
    /// What is asked of it without unpacking it.
    type Brief: Debug + Clone + Send + Sync + 'static;
}

/// One object; clones are the same one.
#[derive(Debug)]
pub(crate) struct Packed<K: Packs>(Arc<Content<K>>);

#[derive(Debug)]
struct Content<K: Packs> {
    /// Which object it is, and at which version; nothing more.
    metadata: ObjectMeta,
    brief: K::Brief,
    text: Box<[u8]>,
}

impl<K: Packs> Clone for Packed<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Packs> Clone for Content<K> {
    fn clone(&self) -> Self {
        Self {
            metadata: self.metadata.clone(),
            brief: self.brief.clone(),
            text: self.text.clone(),
        }
    }
}

impl<K: Packs> Packed<K> {
    /// This object, and in brief.
    pub(crate) fn new(object: &K, brief: K::Brief) -> Self {
        let whole = object.meta();
        let metadata = ObjectMeta {
            name: whole.name.clone(),
            namespace: whole.namespace.clone(),
            uid: whole.uid.clone(),
            resource_version: whole.resource_version.clone(),
            generation: whole.generation,
            ..ObjectMeta::default()
        };
        // It came as JSON, and so it can be written as JSON.
        let text = serde_json::to_vec(object).unwrap_or_default();
        Self(Arc::new(Content {
            metadata,
            brief,
            text: text.into_boxed_slice(),
        }))
    }

    /// The whole object. It was written by this very process, so that it can be read.
    pub(crate) fn unpack(&self) -> Option<K> {
        serde_json::from_slice(&self.0.text).ok()
    }

    /// What can be asked of it as it is.
    pub(crate) fn brief(&self) -> &K::Brief {
        &self.0.brief
    }
}

impl<K: Packs> Resource for Packed<K> {
    type DynamicType = ();
    type Scope = K::Scope;

    fn kind((): &()) -> Cow<'_, str> {
        K::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        K::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        K::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        K::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.0.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut Arc::make_mut(&mut self.0).metadata
    }
}

/// kube wants this of whatever a controller works on, and never uses it of what it is given as a stream.
impl<'de, K: Packs> Deserialize<'de> for Packed<K> {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("only whole objects can be read"))
    }
}
