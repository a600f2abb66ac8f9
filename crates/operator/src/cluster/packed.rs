//! Objects as they wait in memory: as text, without what they have in common with most of their kind.
//!
//! Each is worked on for some milliseconds a day. As a value of its type one takes several times the room
//! of its text, since most of what it could say it does not; and most of its text is that of all others.

use std::marker::PhantomData;

use lz4_flex::block::{compress_prepend_size_with_dict, decompress_size_prepended_with_dict};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What can be packed.
pub(crate) trait Packs: Serialize + DeserializeOwned {
    /// The text of an object that says what most of them say. What another one has in common with it takes
    /// no room; any text is right.
    fn like() -> &'static [u8];
}

/// One object.
#[derive(Debug, Clone)]
pub(crate) struct Packed<K> {
    text: Box<[u8]>,
    kind: PhantomData<fn() -> K>,
}

impl<K: Packs> Packed<K> {
    /// This object.
    pub(crate) fn new(object: &K) -> Self {
        let packed = compress_prepend_size_with_dict(&text(object), K::like());
        Self {
            // A copy: what grew has room for twice as much as it holds.
            text: Box::from(packed.as_slice()),
            kind: PhantomData,
        }
    }

    /// How long its text is, before it is packed.
    pub(crate) fn unpacked_len(&self) -> usize {
        let length = self.text.first_chunk().copied().map(u32::from_le_bytes);
        length.map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// How much room its text takes.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// The whole object. It was written by this very process, so that it can be read.
    pub(crate) fn unpack(&self) -> Option<K> {
        let text = decompress_size_prepended_with_dict(&self.text, K::like()).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

/// The text of an object: it came as JSON, and so it can be written as JSON.
fn text(object: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(object).unwrap_or_default()
}

/// The text of an example, as objects of its kind are written.
pub(crate) fn example<K: Packs>(json: &str) -> Vec<u8> {
    serde_json::from_str::<K>(json).map_or_else(|_| Vec::new(), |object| text(&object))
}
