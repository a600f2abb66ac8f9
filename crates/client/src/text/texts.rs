//! Texts that a value is delivered in: literals, expressions over what is public, and slots.
//!
//! A slot is filled with the bytes of a part; no expression ever sees them. All texts of one rendering
//! share one set of bounds: whoever writes them need not be whoever runs this program.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use zeroize::Zeroizing;

use super::expression::{Compiled, Context, EvaluationFailed, InvalidExpression, Names, of_json};
use super::slot::Slot;
use super::template::{Bounded, Raw, pieces};
use super::{MAX_EXPRESSIONS, MAX_RENDERED};

/// The name that only slots may use.
const VALUE: &str = "value";

/// The texts of one rendering, by key, compiled.
#[derive(Debug)]
pub struct Texts(BTreeMap<String, Vec<Piece>>);

#[derive(Debug)]
enum Piece {
    Literal(String),
    Expression(Compiled),
    Slot(Slot),
}

/// A text that cannot be rendered.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub struct InvalidText {
    key: String,
    problem: Problem,
}

impl InvalidText {
    /// The key of the text.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    Invalid(#[from] InvalidExpression),
    #[error(transparent)]
    Failed(#[from] EvaluationFailed),
    #[error(
        "{0:?} uses the value in an expression: only $(value.PART), $(value.PART|b64) and $(value.PART|json) are possible"
    )]
    ValueInExpression(String),
    #[error("the value has no part {0:?}")]
    UnknownPart(String),
    #[error("part {0:?} of the value is no UTF-8, so that it cannot be written as JSON")]
    NotText(String),
    #[error("with it there are more than {MAX_EXPRESSIONS} expressions in all texts together")]
    TooMany,
    #[error("with it all texts together have more than {MAX_RENDERED} bytes")]
    TooLong,
}

impl Texts {
    /// Reads and compiles texts, whose expressions may use `names`.
    ///
    /// # Errors
    /// The first text that is wrong, by its key.
    pub fn new<'n>(
        texts: &BTreeMap<String, String>,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Result<Self, InvalidText> {
        let names = names.into_iter().filter(|name| *name != VALUE);
        let names: Names<'_> = names.collect();
        let mut count = 0;
        let texts = texts.iter().map(|(key, text)| {
            let compiled = compiled(text, &names, &mut count);
            let compiled = compiled.map_err(|problem| InvalidText {
                key: key.clone(),
                problem,
            });
            Ok((key.clone(), compiled?))
        });
        Ok(Self(texts.collect::<Result<_, _>>()?))
    }

    /// Renders all texts: `fields` is what names stand for, `part` gives the bytes of a part.
    ///
    /// # Errors
    /// The first text that cannot be rendered, by its key.
    pub fn render<'v>(
        &self,
        fields: &BTreeMap<String, Json>,
        part: impl Fn(&str) -> Option<&'v [u8]>,
    ) -> Result<BTreeMap<String, Zeroizing<Vec<u8>>>, InvalidText> {
        let context: Context = fields
            .iter()
            .map(|(name, value)| (name.clone(), of_json(value)))
            .collect();
        let mut room = MAX_RENDERED;
        let rendered = self.0.iter().map(|(key, pieces)| {
            let rendered = rendered(pieces, &context, &part, room);
            let rendered = rendered.map_err(|problem| InvalidText {
                key: key.clone(),
                problem,
            })?;
            room = room.saturating_sub(rendered.len());
            Ok((key.clone(), rendered))
        });
        rendered.collect()
    }
}

fn compiled(text: &str, names: &Names<'_>, count: &mut usize) -> Result<Vec<Piece>, Problem> {
    let open = || InvalidExpression::Open(text.to_owned());
    let mut before = String::new();
    let pieces = pieces(text).ok_or_else(open)?.into_iter().map(|piece| {
        let expression = match piece {
            Raw::Text(literal) => {
                before.push_str(literal);
                return Ok(Piece::Literal(literal.to_owned()));
            }
            Raw::Expression(expression) => expression,
        };
        *count = count.saturating_add(1);
        if *count > MAX_EXPRESSIONS {
            return Err(Problem::TooMany);
        }
        if let Some(slot) = Slot::new(expression, &before) {
            return Ok(Piece::Slot(slot));
        }
        match Compiled::strict(expression.trim(), names) {
            Err(InvalidExpression::UnknownName { name, .. }) if name == VALUE => {
                Err(Problem::ValueInExpression(expression.to_owned()))
            }
            compiled => Ok(Piece::Expression(compiled?)),
        }
    });
    pieces.collect()
}

/// One text, no longer than `room`.
fn rendered<'v>(
    pieces: &[Piece],
    context: &Context,
    part: &impl Fn(&str) -> Option<&'v [u8]>,
    room: usize,
) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let mut filled = Vec::new();
    let mut left = room;
    for piece in pieces {
        let bytes = match piece {
            Piece::Literal(text) => Zeroizing::new(text.clone().into_bytes()),
            Piece::Expression(expression) => {
                let mut text = Bounded::new(left);
                let value = expression.value(context)?;
                text.push(&value).ok_or(Problem::TooLong)?;
                Zeroizing::new(text.text.into_bytes())
            }
            Piece::Slot(slot) => {
                let unknown = || Problem::UnknownPart(slot.part.clone());
                let written = slot.write(part(&slot.part).ok_or_else(unknown)?);
                written.map_err(|_| Problem::NotText(slot.part.clone()))?
            }
        };
        left = left.checked_sub(bytes.len()).ok_or(Problem::TooLong)?;
        filled.push(bytes);
    }
    // Long enough from the start, so that no larger copy leaves a value behind.
    let mut whole = Zeroizing::new(Vec::with_capacity(room.saturating_sub(left)));
    for bytes in filled {
        whole.extend_from_slice(&bytes);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests;
