//! Expressions: how requests are written and answers are read.
//!
//! minijinja's expressions without its statements, filters of values only, bounded in length and work.
//! A secret never enters one. Errors name the expression and what kind of thing went wrong, never a value.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

use minijinja::value::Serde;
use minijinja::{Environment, ErrorKind, Expression, UndefinedBehavior, Value};

use super::functions::{self, FUNCTIONS};
use super::missing;
use super::syntax;
use super::usable::{self, Unusable};
use super::{FUEL, MAX_LEN, TEXT_FUEL};

/// Filters of minijinja that are not offered.
const UNWANTED: [&str; 12] = [
    "batch", "e", "escape", "format", "groupby", "indent", "pprint", "replace", "safe", "slice",
    "tojson", "zip",
];

/// What names stand for.
pub(crate) type Context = BTreeMap<String, Value>;
/// The same for several expressions: each would make it anew.
#[derive(Debug)]
pub(crate) struct Scope(Value);

impl From<Context> for Scope {
    fn from(context: Context) -> Self {
        Self(Value::from_pairs(context))
    }
}

/// Names that may be used at one place.
pub(crate) type Names<'a> = BTreeSet<&'a str>;

/// What an answer does not have reads as nothing; what must be there is asked for by its reader.
static LENIENT: LazyLock<Environment<'static>> =
    LazyLock::new(|| environment(UndefinedBehavior::Chainable, FUEL));
/// What is delivered is there, or a mistake.
static STRICT: LazyLock<Environment<'static>> =
    LazyLock::new(|| environment(UndefinedBehavior::Strict, TEXT_FUEL));

fn environment(missing: UndefinedBehavior, fuel: u64) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(fuel));
    environment.set_recursion_limit(32);
    environment.set_undefined_behavior(missing);
    functions::add_to(&mut environment);
    if missing == UndefinedBehavior::Chainable {
        missing::pass_through(&mut environment);
    }
    // What writes texts for pages, or makes more of what there is, has no place here.
    for filter in UNWANTED {
        environment.remove_filter(filter);
    }
    environment
}

/// JSON as expressions see it.
pub(crate) fn of_json(json: &serde_json::Value) -> Value {
    Value::from(Serde(json))
}

/// The same of JSON that nobody needs any more: each part of it goes as it is read.
pub(crate) fn out_of_json(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Array(items) => items.into_iter().map(out_of_json).collect(),
        serde_json::Value::Object(map) => {
            let entries = map.into_iter();
            let entries = entries.map(|(key, value)| (Value::from(key), out_of_json(value)));
            Value::from(entries.collect::<BTreeMap<_, _>>())
        }
        one => Value::from(Serde(&one)),
    }
}

/// An expression that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidExpression {
    #[error("an expression is longer than {MAX_LEN} characters")]
    TooLong(String),
    #[error("{0:?} is no expression: {1}")]
    Syntax(String, String),
    #[error(
        "{source_text:?} uses {name}, which is not known here; known are {known}the functions {}",
        FUNCTIONS.join(", ")
    )]
    UnknownName {
        source_text: String,
        name: String,
        known: String,
    },
    #[error("{0:?} {1}")]
    Unusable(String, Unusable),
    #[error("{0:?} has no closing parenthesis")]
    Open(String),
}

impl InvalidExpression {
    /// The text at fault.
    pub(crate) fn source_text(&self) -> &str {
        match self {
            Self::TooLong(text)
            | Self::Syntax(text, _)
            | Self::UnknownName {
                source_text: text, ..
            }
            | Self::Unusable(text, _)
            | Self::Open(text) => text,
        }
    }
}

/// An evaluation that failed.
#[derive(Debug, thiserror::Error)]
#[error("{expression:?} cannot be evaluated: {problem}")]
pub(crate) struct EvaluationFailed {
    expression: String,
    problem: String,
}

/// A compiled expression.
pub(crate) struct Compiled {
    source: String,
    uses: BTreeSet<String>,
    fuel: u64,
    expression: Expression<'static, 'static>,
}

impl Compiled {
    /// One over an answer or for a request: what is missing is nothing.
    pub(crate) fn new(source: &str, names: &Names<'_>) -> Result<Self, InvalidExpression> {
        Self::within(&LENIENT, source, names)
    }

    /// One of a text that is delivered: what is missing is an error.
    pub(super) fn strict(source: &str, names: &Names<'_>) -> Result<Self, InvalidExpression> {
        Self::within(&STRICT, source, names)
    }

    fn within(
        environment: &'static Environment<'static>,
        source: &str,
        names: &Names<'_>,
    ) -> Result<Self, InvalidExpression> {
        if source.chars().count() > MAX_LEN {
            return Err(InvalidExpression::TooLong(source.to_owned()));
        }
        let expression = environment
            .compile_expression_owned(source.to_owned())
            .map_err(|e| InvalidExpression::Syntax(source.to_owned(), problem(&e)))?;
        let uses: BTreeSet<_> = expression.undeclared_variables(false).into_iter().collect();
        let known = |name: &str| names.contains(name) || FUNCTIONS.contains(&name);
        if let Some(unknown) = uses.iter().find(|name| !known(name)) {
            let known: Vec<_> = names.iter().copied().collect();
            return Err(InvalidExpression::UnknownName {
                source_text: source.to_owned(),
                name: unknown.clone(),
                known: known.iter().map(|name| format!("{name}, ")).collect(),
            });
        }
        if let Some(wrong) = usable::wrong(source, environment) {
            return Err(InvalidExpression::Unusable(source.to_owned(), wrong));
        }
        Ok(Self {
            source: source.to_owned(),
            uses,
            fuel: environment.fuel().unwrap_or_default(),
            expression,
        })
    }

    /// Whether it uses this name.
    pub(crate) fn uses(&self, name: &str) -> bool {
        self.uses.contains(name)
    }

    /// Whether it uses nothing but these names, beside the functions.
    pub(crate) fn uses_only(&self, names: &[&str]) -> bool {
        let mut uses = self.uses.iter().map(String::as_str);
        uses.all(|name| names.contains(&name) || FUNCTIONS.contains(&name))
    }

    /// The texts that it joins a list with, or takes a text apart at.
    pub(crate) fn separators(&self) -> BTreeSet<String> {
        syntax::separators(&self.source)
    }

    /// What it stands for; nothing, where the answer has no such thing.
    pub(crate) fn eval(&self, context: &Context) -> Result<Option<Value>, EvaluationFailed> {
        self.over(&context.clone().into())
    }

    /// The same over what was made ready.
    pub(crate) fn over(&self, scope: &Scope) -> Result<Option<Value>, EvaluationFailed> {
        let value = self.expression.eval(scope.0.clone());
        let value = value.map_err(|e| match e.kind() {
            ErrorKind::OutOfFuel => self.failed(format_args!("more than {} steps", self.fuel)),
            kind => self.failed(kind),
        })?;
        Ok((!value.is_undefined() && !value.is_none()).then_some(value))
    }

    /// The same where nothing is no answer.
    pub(super) fn value(&self, context: &Context) -> Result<Value, EvaluationFailed> {
        self.eval(context)?.ok_or_else(|| self.failed("Missing"))
    }

    pub(crate) fn failed(&self, problem: impl fmt::Debug) -> EvaluationFailed {
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
