//! Expressions: how requests are written and answers are read.
//!
//! minijinja's expressions without its statements, filters of values only, bounded in length and work.
//! A secret never enters one. Errors name the expression and what kind of thing went wrong, never a value.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

use minijinja::value::Serde;
use minijinja::{Environment, Expression, UndefinedBehavior, Value};

use super::functions::{self, FUNCTIONS};

mod calls;

use calls::UnknownCall;

/// The longest expression, in characters: enough for any reading of an answer, too short to nest deep.
const MAX_LEN: usize = 512;
/// The most steps of one evaluation.
const FUEL: u64 = 20_000;

/// Filters of minijinja that are not offered.
const UNWANTED: [&str; 12] = [
    "batch", "e", "escape", "format", "groupby", "indent", "pprint", "replace", "safe", "slice",
    "tojson", "zip",
];

/// What names stand for.
pub(super) type Context = BTreeMap<String, Value>;
/// Names that may be used at one place.
pub(super) type Names<'a> = BTreeSet<&'a str>;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(32);
    // What an answer does not have reads as nothing; what must be there is asked for by its reader.
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    functions::add_to(&mut environment);
    // What writes texts for pages, or makes more of what there is, has no place here.
    for filter in UNWANTED {
        environment.remove_filter(filter);
    }
    environment
});

/// JSON as expressions see it.
pub(super) fn of_json(json: &serde_json::Value) -> Value {
    Value::from(Serde(json))
}

/// An expression that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidExpression {
    #[error("an expression is longer than {MAX_LEN} characters")]
    TooLong(String),
    #[error("{0:?} is no expression: {1}")]
    Syntax(String, String),
    #[error(
        "{source_text:?} uses {name}, which is not known here; known are {known}, and the functions {}",
        FUNCTIONS.join(", ")
    )]
    UnknownName {
        source_text: String,
        name: String,
        known: String,
    },
    #[error("{0:?} uses {1}, which is not known here")]
    UnknownCall(String, UnknownCall),
    #[error("{0:?} has no closing parenthesis")]
    Open(String),
    #[error("{0:?} multiplies beside a text or a list, which could repeat it without end")]
    Repeats(String),
}

impl InvalidExpression {
    /// The text at fault.
    pub(super) fn source_text(&self) -> &str {
        match self {
            Self::TooLong(text)
            | Self::Syntax(text, _)
            | Self::UnknownName {
                source_text: text, ..
            }
            | Self::UnknownCall(text, _)
            | Self::Open(text)
            | Self::Repeats(text) => text,
        }
    }
}

/// An evaluation that failed.
#[derive(Debug, thiserror::Error)]
#[error("{expression:?} cannot be evaluated: {problem}")]
pub(super) struct EvaluationFailed {
    expression: String,
    problem: String,
}

/// A compiled expression.
pub(super) struct Compiled {
    source: String,
    uses: BTreeSet<String>,
    expression: Expression<'static, 'static>,
}

impl Compiled {
    pub(super) fn new(source: &str, names: &Names<'_>) -> Result<Self, InvalidExpression> {
        if source.chars().count() > MAX_LEN {
            return Err(InvalidExpression::TooLong(source.to_owned()));
        }
        if repeats(source) {
            return Err(InvalidExpression::Repeats(source.to_owned()));
        }
        let expression = ENVIRONMENT
            .compile_expression_owned(source.to_owned())
            .map_err(|e| InvalidExpression::Syntax(source.to_owned(), problem(&e)))?;
        let uses: BTreeSet<_> = expression.undeclared_variables(false).into_iter().collect();
        let known = |name: &str| names.contains(name) || FUNCTIONS.contains(&name);
        if let Some(unknown) = uses.iter().find(|name| !known(name)) {
            let known: Vec<_> = names.iter().copied().collect();
            return Err(InvalidExpression::UnknownName {
                source_text: source.to_owned(),
                name: unknown.clone(),
                known: known.join(", "),
            });
        }
        if let Some(unknown) = calls::unknown(source, &ENVIRONMENT) {
            return Err(InvalidExpression::UnknownCall(source.to_owned(), unknown));
        }
        Ok(Self {
            source: source.to_owned(),
            uses,
            expression,
        })
    }

    /// Whether it uses this name.
    pub(super) fn uses(&self, name: &str) -> bool {
        self.uses.contains(name)
    }

    /// Whether it uses nothing but these names, beside the functions.
    pub(super) fn uses_only(&self, names: &[&str]) -> bool {
        let mut uses = self.uses.iter().map(String::as_str);
        uses.all(|name| names.contains(&name) || FUNCTIONS.contains(&name))
    }

    /// What it stands for; nothing, where the answer has no such thing.
    pub(super) fn eval(&self, context: &Context) -> Result<Option<Value>, EvaluationFailed> {
        let value = self.expression.eval(Value::from_pairs(context.clone()));
        let value = value.map_err(|e| self.failed(e.kind()))?;
        Ok((!value.is_undefined() && !value.is_none()).then_some(value))
    }

    pub(super) fn failed(&self, problem: impl fmt::Debug) -> EvaluationFailed {
        EvaluationFailed {
            expression: self.source.clone(),
            problem: format!("{problem:?}"),
        }
    }
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Compiled({:?})", self.source)
    }
}

fn problem(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => detail.to_owned(),
        None => error.kind().to_string(),
    }
}

/// A text with `$(…)` in it.
#[derive(Debug)]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(String),
    Expression(Compiled),
}

impl Template {
    pub(super) fn new(source: &str, names: &Names<'_>) -> Result<Self, InvalidExpression> {
        let mut pieces = Vec::new();
        let mut rest = source;
        while let Some((text, after)) = rest.split_once("$(") {
            if !text.is_empty() {
                pieces.push(Piece::Text(text.to_owned()));
            }
            let end = closing(after).ok_or_else(|| InvalidExpression::Open(source.to_owned()))?;
            let (expression, after) = after.split_at(end);
            pieces.push(Piece::Expression(Compiled::new(expression, names)?));
            rest = after.strip_prefix(')').unwrap_or(after);
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    /// Whether an expression in it uses this name.
    pub(super) fn uses(&self, name: &str) -> bool {
        self.0.iter().any(|piece| match piece {
            Piece::Text(_) => false,
            Piece::Expression(expression) => expression.uses(name),
        })
    }

    /// A value: what is exactly one `$(…)` keeps its type, and is nothing where that is nothing.
    pub(super) fn value(
        &self,
        context: &Context,
    ) -> Result<Option<serde_json::Value>, EvaluationFailed> {
        if let [Piece::Expression(one)] = self.0.as_slice() {
            let Some(value) = one.eval(context)? else {
                return Ok(None);
            };
            if value.downcast_object_ref::<ExplicitNull>().is_some() {
                return Ok(Some(serde_json::Value::Null));
            }
            let json = serde_json::to_value(&value).map_err(|_| one.failed("NoJson"))?;
            return Ok(Some(json));
        }
        self.plain(context).map(|text| Some(text.into()))
    }

    /// A text; what is nothing is empty in it.
    pub(super) fn plain(&self, context: &Context) -> Result<String, EvaluationFailed> {
        self.text(context, |text| Some(text.to_owned()))
    }

    /// A path: each `$(…)` is one segment or a part of one, encoded, and never empty.
    pub(super) fn path(&self, context: &Context) -> Result<String, EvaluationFailed> {
        self.text(context, |text| match text {
            "" | "." | ".." => None,
            text => Some(segment(text)),
        })
    }

    fn text(
        &self,
        context: &Context,
        write: impl Fn(&str) -> Option<String>,
    ) -> Result<String, EvaluationFailed> {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Expression(expression) => {
                    let value = expression.eval(context)?;
                    let text = value.map(|v| v.to_string()).unwrap_or_default();
                    let text = write(&text).ok_or_else(|| expression.failed("Empty"))?;
                    out.push_str(&text);
                }
            }
        }
        Ok(out)
    }
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
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => return Some(at),
            (None, ')') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

/// Whether it multiplies and has a literal that could be what is multiplied.
fn repeats(text: &str) -> bool {
    let mut quote = None;
    let mut escaped = false;
    let (mut times, mut literal) = (false, false);
    for c in text.chars() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(q), c) if q == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => {
                quote = Some(c);
                literal = true;
            }
            (None, '[') => literal = true,
            (None, '*') => times = true,
            (None, _) => {}
        }
    }
    times && literal
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
pub(super) fn segment(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(b).to_string()
            }
            b => format!("%{b:02X}"),
        })
        .collect()
}

/// A null that is sent, unlike nothing, which is left out.
#[derive(Debug)]
pub(super) struct ExplicitNull;

impl minijinja::value::Object for ExplicitNull {
    fn repr(self: &std::sync::Arc<Self>) -> minijinja::value::ObjectRepr {
        minijinja::value::ObjectRepr::Plain
    }
}

/// A JSON tree with templates in its texts.
#[derive(Debug)]
pub(super) enum Tree {
    Map(Vec<(String, Tree)>),
    List(Vec<Tree>),
    Text(Template),
    Fixed(serde_json::Value),
}

impl Tree {
    pub(super) fn new(
        source: &serde_json::Value,
        names: &Names<'_>,
    ) -> Result<Self, InvalidExpression> {
        match source {
            serde_json::Value::Object(map) => map
                .iter()
                .map(|(key, value)| Ok((key.clone(), Self::new(value, names)?)))
                .collect::<Result<_, _>>()
                .map(Self::Map),
            serde_json::Value::Array(list) => list
                .iter()
                .map(|value| Self::new(value, names))
                .collect::<Result<_, _>>()
                .map(Self::List),
            serde_json::Value::String(text) => Template::new(text, names).map(Self::Text),
            fixed => Ok(Self::Fixed(fixed.clone())),
        }
    }

    /// Whether an expression in it uses this name.
    pub(super) fn uses(&self, name: &str) -> bool {
        match self {
            Self::Map(map) => map.iter().any(|(_, tree)| tree.uses(name)),
            Self::List(list) => list.iter().any(|tree| tree.uses(name)),
            Self::Text(template) => template.uses(name),
            Self::Fixed(_) => false,
        }
    }

    /// The tree with everything filled in; what is nothing is left out.
    pub(super) fn fill(
        &self,
        context: &Context,
    ) -> Result<Option<serde_json::Value>, EvaluationFailed> {
        match self {
            Self::Map(map) => {
                let mut out = serde_json::Map::new();
                for (key, tree) in map {
                    if let Some(value) = tree.fill(context)? {
                        out.insert(key.clone(), value);
                    }
                }
                Ok(Some(out.into()))
            }
            Self::List(list) => {
                let filled = list
                    .iter()
                    .filter_map(|tree| tree.fill(context).transpose());
                filled
                    .collect::<Result<Vec<_>, _>>()
                    .map(|l| Some(l.into()))
            }
            Self::Text(template) => template.value(context),
            Self::Fixed(value) => Ok(Some(value.clone())),
        }
    }
}

#[cfg(test)]
mod tests;
