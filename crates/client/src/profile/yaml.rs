//! YAML with the places of all that stands in it, read once: what a file means is read from this, and a
//! problem is told at the key at fault and not where the same text happens to stand first.
//!
//! One reading for all types: a parser that is compiled anew for each of them takes more room in the
//! program than all that is done with profiles.

use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

mod typed;
mod unreadable;

pub(super) use unreadable::{Place, Unreadable};

/// So many lists and maps may stand in each other. The deepest file so far has thirteen; each level takes a piece
/// of the stack.
const DEEPEST: usize = 32;

/// What stands at a place of the file.
pub(super) type Node = Spanned<Content>;

/// A value of YAML, whatever it means.
#[derive(Debug)]
pub(super) enum Content {
    Map(Vec<(Spanned<String>, Node)>),
    List(Vec<Node>),
    Text(String),
    Plain(Plain),
}

/// What stands without quotes and is no text, unless a text is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Plain {
    Null,
    Bool(bool),
    Positive(u64),
    Negative(i64),
    Fraction(f64),
}

/// Reads YAML in which only `true` and `false` are that: a token may be called `n` or `no`.
pub(super) fn tree(text: &str) -> Result<Node, Unreadable> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        budget: serde_saphyr::budget! { max_depth: DEEPEST },
    };
    Ok(serde_saphyr::from_str_with_options(text, options)?)
}

/// What the whole of a text means.
pub(super) fn from_yaml<T: DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    meaning(text, &tree(text)?)
}

/// What a tree means; the text is the one that it was read from.
pub(super) fn meaning<T: DeserializeOwned>(text: &str, node: &Node) -> Result<T, Unreadable> {
    T::deserialize(typed::Typed::new(text, node))
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
        Content::Map(_) | Content::Text(_) | Content::Plain(_) => None,
    }
}

/// The place of a key: of this node itself, or else the first below it.
pub(super) fn key(node: &Node, key: &str) -> Option<Place> {
    if let Some((name, _)) = entry(node, key) {
        return Place::of(&name.referenced);
    }
    children(node).find_map(|child| self::key(child, key))
}

/// The place where a node begins.
pub(super) fn start(node: &Node) -> Option<Place> {
    Place::of(&node.referenced)
}

/// The place of the first text that contains this one.
pub(super) fn text(node: &Node, sought: &str) -> Option<Place> {
    match &node.value {
        // Where an alias stands for it, the text itself stands where it is defined.
        Content::Text(text) if text.contains(sought) => Place::of(&node.defined),
        _ => children(node).find_map(|child| self::text(child, sought)),
    }
}

fn entry<'n>(node: &'n Node, key: &str) -> Option<&'n (Spanned<String>, Node)> {
    match &node.value {
        Content::Map(entries) => entries.iter().find(|(name, _)| name.value == key),
        Content::List(_) | Content::Text(_) | Content::Plain(_) => None,
    }
}

fn children(node: &Node) -> impl Iterator<Item = &Node> {
    let (entries, items): (&[_], &[_]) = match &node.value {
        Content::Map(entries) => (entries, &[]),
        Content::List(items) => (&[], items),
        Content::Text(_) | Content::Plain(_) => (&[], &[]),
    };
    entries.iter().map(|(_, value)| value).chain(items)
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

    fn visit_bool<E>(self, said: bool) -> Result<Content, E> {
        Ok(Content::Plain(Plain::Bool(said)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Content, E> {
        Ok(Content::Plain(Plain::Negative(number)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Content, E> {
        Ok(Content::Plain(Plain::Positive(number)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Content, E> {
        Ok(Content::Plain(Plain::Fraction(number)))
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Plain(Plain::Null))
    }

    fn visit_none<E>(self) -> Result<Content, E> {
        Ok(Content::Plain(Plain::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        Content::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests;
