//! A text with `$(…)` in it.

use std::fmt::Write as _;

use minijinja::Value;

use super::MAX_RENDERED;
use super::expression::{Compiled, Context, EvaluationFailed, InvalidExpression, Names};
use super::null::ExplicitNull;

/// One piece of a text, as it stands in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Raw<'a> {
    Text(&'a str),
    /// What stands between the brackets.
    Expression(&'a str),
}

/// Takes a text apart; nothing where a bracket is not closed.
pub(super) fn pieces(source: &str) -> Option<Vec<Raw<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = source;
    while let Some((text, after)) = rest.split_once("$(") {
        if !text.is_empty() {
            pieces.push(Raw::Text(text));
        }
        let (expression, after) = after.split_at(closing(after)?);
        pieces.push(Raw::Expression(expression));
        rest = after.strip_prefix(')').unwrap_or(after);
    }
    if !rest.is_empty() {
        pieces.push(Raw::Text(rest));
    }
    Some(pieces)
}

/// The parenthesis that closes the one already open, outside of quotes.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(q), c) if q == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') => depth = depth.saturating_add(1),
            (None, ')') if depth == 0 => return Some(at),
            (None, ')') => depth = depth.saturating_sub(1),
            (None, _) => {}
        }
    }
    None
}

/// A text that grows up to a bound, so that a value that would print endlessly never does.
#[derive(Debug)]
pub(super) struct Bounded {
    pub(super) text: String,
    room: usize,
}

impl Bounded {
    pub(super) fn new(room: usize) -> Self {
        let text = String::new();
        Self { text, room }
    }

    /// Appends the value as text; nothing where it does not fit.
    pub(super) fn push(&mut self, value: &Value) -> Option<()> {
        write!(self, "{value}").ok()
    }
}

impl std::fmt::Write for Bounded {
    fn write_str(&mut self, piece: &str) -> std::fmt::Result {
        if self.text.len().saturating_add(piece.len()) > self.room {
            return Err(std::fmt::Error);
        }
        self.text.push_str(piece);
        Ok(())
    }
}

/// A text with `$(…)` in it, compiled.
#[derive(Debug)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(String),
    Expression(Compiled),
}

impl Template {
    pub(crate) fn new(source: &str, names: &Names<'_>) -> Result<Self, InvalidExpression> {
        let open = || InvalidExpression::Open(source.to_owned());
        let pieces = pieces(source).ok_or_else(open)?;
        let pieces = pieces.into_iter().map(|piece| {
            Ok(match piece {
                Raw::Text(text) => Piece::Text(text.to_owned()),
                Raw::Expression(text) => Piece::Expression(Compiled::new(text, names)?),
            })
        });
        Ok(Self(pieces.collect::<Result<_, _>>()?))
    }

    /// Whether an expression in it uses this name.
    pub(crate) fn uses(&self, name: &str) -> bool {
        self.expressions().any(|expression| expression.uses(name))
    }

    /// The expressions in it.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = &Compiled> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Expression(expression) => Some(expression),
        })
    }

    /// A value: what is exactly one `$(…)` keeps its type. Nothing where an expression in it is nothing.
    pub(crate) fn value(
        &self,
        context: &Context,
    ) -> Result<Option<serde_json::Value>, EvaluationFailed> {
        let [Piece::Expression(one)] = self.0.as_slice() else {
            return Ok(self.plain(context)?.map(Into::into));
        };
        let Some(value) = one.eval(context)? else {
            return Ok(None);
        };
        if value.downcast_object_ref::<ExplicitNull>().is_some() {
            return Ok(Some(serde_json::Value::Null));
        }
        let json = serde_json::to_value(&value).map_err(|_| one.failed("NoJson"))?;
        Ok(Some(json))
    }

    /// A text. What stands around a nothing says nothing either: `ttl: "$(lifetime)s"` without a lifetime
    /// is no ttl, and never one of "s".
    pub(crate) fn plain(&self, context: &Context) -> Result<Option<String>, EvaluationFailed> {
        Ok(self.text(context, |text| Some(text.to_owned()))?.ok())
    }

    /// A path: each `$(…)` is one segment or a part of one, encoded, and never empty.
    pub(crate) fn path(&self, context: &Context) -> Result<String, EvaluationFailed> {
        let path = self.text(context, |text| match text {
            "" | "." | ".." => None,
            text => Some(segment(text)),
        })?;
        path.map_err(|nothing| nothing.failed("Empty"))
    }

    /// The text, or the expression that is nothing.
    fn text(
        &self,
        context: &Context,
        write: impl Fn(&str) -> Option<String>,
    ) -> Result<Result<String, &Compiled>, EvaluationFailed> {
        let mut out = String::new();
        for piece in &self.0 {
            let expression = match piece {
                Piece::Text(text) => {
                    out.push_str(text);
                    continue;
                }
                Piece::Expression(expression) => expression,
            };
            let Some(value) = expression.eval(context)? else {
                return Ok(Err(expression));
            };
            let mut text = Bounded::new(MAX_RENDERED.saturating_sub(out.len()));
            let fits = text.push(&value);
            fits.ok_or_else(|| expression.failed("TooLong"))?;
            let text = write(&text.text).ok_or_else(|| expression.failed("Empty"))?;
            out.push_str(&text);
        }
        Ok(Ok(out))
    }
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
pub(crate) fn segment(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(b).to_string()
            }
            b => format!("%{b:02X}"),
        })
        .collect()
}
