//! Where things stand in the file: a second reading, which keeps places in place of meanings, so that a
//! problem is told at the key at fault and not where the same text happens to stand first.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::problem::Place;
use crate::profile::file::from_yaml;

/// What stands at a place of the file.
pub(super) type Node = Spanned<Content>;

/// A value of YAML, whatever it means.
#[derive(Debug)]
pub(super) enum Content {
    Map(Vec<(Spanned<String>, Node)>),
    List(Vec<Node>),
    Text(String),
    /// A number, true, false or null.
    Other,
}

/// The whole file; nothing where it cannot be read, which its first reading says better.
pub(super) fn of(text: &str) -> Option<Node> {
    from_yaml(text).ok()
}

/// The value of a key.
pub(super) fn child<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let (_, value) = entry(node, key)?;
    Some(value)
}

/// An entry of a list.
pub(super) fn entry_of(node: &Node, nth: usize) -> Option<&Node> {
    match &node.value {
        Content::List(items) => items.get(nth),
        Content::Map(_) | Content::Text(_) | Content::Other => None,
    }
}

/// The place of a key: of this node itself, or else the first below it.
pub(super) fn key(node: &Node, key: &str) -> Option<Place> {
    if let Some((name, _)) = entry(node, key) {
        return place(&name.referenced);
    }
    children(node).find_map(|child| self::key(child, key))
}

/// The place where a node begins.
pub(super) fn start(node: &Node) -> Option<Place> {
    place(&node.referenced)
}

/// The place of the first text that contains this one.
pub(super) fn text(node: &Node, sought: &str) -> Option<Place> {
    match &node.value {
        // Where an alias stands for it, the text itself stands where it is defined.
        Content::Text(text) if text.contains(sought) => place(&node.defined),
        _ => children(node).find_map(|child| self::text(child, sought)),
    }
}

fn entry<'n>(node: &'n Node, key: &str) -> Option<&'n (Spanned<String>, Node)> {
    match &node.value {
        Content::Map(entries) => entries.iter().find(|(name, _)| name.value == key),
        Content::List(_) | Content::Text(_) | Content::Other => None,
    }
}

fn children(node: &Node) -> impl Iterator<Item = &Node> {
    let (entries, items): (&[_], &[_]) = match &node.value {
        Content::Map(entries) => (entries, &[]),
        Content::List(items) => (&[], items),
        Content::Text(_) | Content::Other => (&[], &[]),
    };
    entries.iter().map(|(_, value)| value).chain(items)
}

fn place(location: &Location) -> Option<Place> {
    let line = usize::try_from(location.line()).ok()?;
    let column = usize::try_from(location.column()).ok()?;
    // Zero stands for a place that the parser has lost.
    (line > 0 && column > 0).then_some(Place { line, column })
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Content::Map(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Content, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Content::List(items))
    }

    fn visit_str<E>(self, text: &str) -> Result<Content, E> {
        Ok(Content::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Content, E> {
        Ok(Content::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Content, E> {
        Ok(Content::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Content, E> {
        Ok(Content::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Content, E> {
        Ok(Content::Other)
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Other)
    }

    fn visit_none<E>(self) -> Result<Content, E> {
        Ok(Content::Other)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        Content::deserialize(deserializer)
    }
}
