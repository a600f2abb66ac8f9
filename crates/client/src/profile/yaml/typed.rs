//! From what stands in a file to the types that say what it means.

use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_saphyr::Spanned;

use super::{Content, Node, Plain, Unreadable};

/// What stands at a place, to be read as some type.
#[derive(Clone, Copy)]
pub(super) struct Typed<'de> {
    text: &'de str,
    node: &'de Node,
}

impl<'de> Typed<'de> {
    pub(super) fn new(text: &'de str, node: &'de Node) -> Self {
        Self { text, node }
    }

    fn entries(
        self,
        entries: &'de [(Spanned<String>, Node)],
    ) -> MapDeserializer<'de, impl Iterator<Item = (Key<'de>, Self)>, Unreadable> {
        let entries = entries.iter();
        MapDeserializer::new(entries.map(move |(key, node)| (Key(key), Self { node, ..self })))
    }

    fn items(self, items: &'de [Node]) -> SeqDeserializer<impl Iterator<Item = Self>, Unreadable> {
        SeqDeserializer::new(items.iter().map(move |node| Self { node, ..self }))
    }

    fn expected(self, what: &str) -> Unreadable {
        Unreadable::custom(format!("expected {what}")).at(&self.node.referenced)
    }

    /// How a number, true or false is written: a text may look like one.
    fn as_written(self) -> Option<&'de str> {
        let span = self.node.defined.span();
        let from = usize::try_from(span.byte_offset()?).ok()?;
        let len = usize::try_from(span.byte_len()?).ok()?;
        self.text.get(from..from.checked_add(len)?)
    }
}

impl<'de> Deserializer<'de> for Typed<'de> {
    type Error = Unreadable;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        let read = match &self.node.value {
            Content::Map(entries) => visitor.visit_map(self.entries(entries)),
            Content::List(items) => visitor.visit_seq(self.items(items)),
            Content::Text(text) => visitor.visit_borrowed_str(text),
            Content::Plain(plain) => match *plain {
                Plain::Null => visitor.visit_unit(),
                Plain::Bool(said) => visitor.visit_bool(said),
                Plain::Positive(number) => visitor.visit_u64(number),
                Plain::Negative(number) => visitor.visit_i64(number),
                Plain::Fraction(number) => visitor.visit_f64(number),
            },
        };
        read.map_err(|error| error.at(&self.node.referenced))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match &self.node.value {
            Content::Plain(
                Plain::Bool(_) | Plain::Positive(_) | Plain::Negative(_) | Plain::Fraction(_),
            ) => match self.as_written() {
                Some(text) => visitor.visit_borrowed_str(text),
                None => self.deserialize_any(visitor),
            },
            Content::Plain(Plain::Null) | Content::Text(_) | Content::Map(_) | Content::List(_) => {
                self.deserialize_any(visitor)
            }
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match &self.node.value {
            Content::Plain(Plain::Null) => visitor.visit_none(),
            Content::Plain(_) | Content::Text(_) | Content::Map(_) | Content::List(_) => {
                visitor.visit_some(self)
            }
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self)
    }

    /// A list is none, although serde would take one.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match &self.node.value {
            Content::Map(_) => self.deserialize_any(visitor),
            Content::List(_) | Content::Text(_) | Content::Plain(_) => {
                Err(self.expected("keys with values"))
            }
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        let read = match &self.node.value {
            Content::Text(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            Content::Map(entries) if entries.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(self.entries(entries)))
            }
            Content::Map(_) | Content::List(_) | Content::Plain(_) => {
                Err(self.expected("one word"))
            }
        };
        read.map_err(|error| error.at(&self.node.referenced))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
        seq tuple tuple_struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Unreadable> for Typed<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// The key of an entry.
struct Key<'de>(&'de Spanned<String>);

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = Unreadable;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        let read = visitor.visit_borrowed_str(&self.0.value);
        read.map_err(|error: Unreadable| error.at(&self.0.referenced))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Unreadable> for Key<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
