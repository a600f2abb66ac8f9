//! Tokens out of answers: strict where a wrong reading would revoke, mint or forget something.

use std::collections::BTreeSet;

use jiff::Timestamp;
use minijinja::Value;
use minijinja::value::ValueKind;
use tokenwright_core::{IMPOSSIBLE_EXPIRY, TokenId};

use super::file::Times;
use super::names;
use super::plan::TokenPlan;
use crate::issuer::{Details, Token, Told};
use crate::room::NoRoom;
use crate::text::{Compiled, Context, EvaluationFailed, Scope};
use crate::text::{NoTime, Notation, instant_of};

/// The most bytes of an id, of an identity and of a public part: they are recorded again and again, stand in paths,
/// and are delivered.
pub const MOST_OF_ID: usize = 1024;

/// An answer that is not of the shape that the profile says.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error(transparent)]
    Expression(#[from] EvaluationFailed),
    #[error("{0} is missing in the answer")]
    Missing(&'static str),
    #[error("{field} is of kind {kind} in the answer")]
    Kind {
        field: &'static str,
        kind: ValueKind,
    },
    #[error("{field} has {length} bytes in the answer, and {MOST_OF_ID} are possible")]
    TooLong { field: &'static str, length: usize },
    #[error("{0} is no time in the answer")]
    NoTime(&'static str),
    #[error(
        "{0} is a number beyond the year 2200 in the answer: the system does not count seconds there; for milliseconds the profile says token.times: milliseconds"
    )]
    Absurd(&'static str),
    #[error("the list is missing in the answer")]
    NoList,
    #[error("the listing was cut short")]
    CutShort,
    #[error("the listing has no end: more than 1000 pages or 64 MiB, or the same page again")]
    Endless,
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    #[error("the tokens changed while they were listed")]
    Shifting,
    #[error("the next page lies at {there}, and not under {here}: nothing is sent there")]
    Elsewhere { there: String, here: String },
    #[error(
        "the list has {found} bare ids, and at most {most} are looked at one by one: end those that nobody uses"
    )]
    TooMany { found: usize, most: usize },
    #[error("the answer is about another token")]
    OtherToken,
    #[error("the answer has no value, or one that is too long")]
    NoValue,
    #[error("the token of the login cannot be sent as it is, or is too long")]
    Unsendable,
}

/// Reads a token that was just minted. One with a time that cannot be one is there all the same, and must
/// be ended: nothing but its id is needed for that.
pub(super) fn fresh_token(
    plans: (&TokenPlan, &TokenPlan),
    context: Context,
) -> Result<Token, Unreadable> {
    let mut impossible = false;
    let token = token_of(plans, context, false, |error| match error {
        Unreadable::Absurd(_) => {
            impossible = true;
            Ok(None)
        }
        error => Err(error),
    });
    token.map(|mut token| {
        if impossible {
            token.expires_at = Some(IMPOSSIBLE_EXPIRY);
        }
        token
    })
}

/// Reads one token; `context` has `item`. What the `special` plan says goes before the general one; a `brief` one
/// leaves out what a brief listing does not show.
pub(super) fn token(
    plans: (&TokenPlan, &TokenPlan),
    context: Context,
    brief: bool,
) -> Result<Token, Unreadable> {
    token_of(plans, context, brief, Err)
}

fn token_of(
    (plan, special): (&TokenPlan, &TokenPlan),
    context: Context,
    brief: bool,
    mut untimely: impl FnMut(Unreadable) -> Result<Option<Timestamp>, Unreadable>,
) -> Result<Token, Unreadable> {
    let scope = &Scope::from(context);
    let never = plan.never.as_deref();
    // Whoever writes the expression knows what it counts.
    let mut time = |field, own: &Option<Compiled>, general: &Option<Compiled>| {
        let times = special.times.filter(|_| own.is_some()).or(plan.times);
        let milliseconds = times == Some(Times::Milliseconds);
        let notation = Notation {
            never,
            milliseconds,
        };
        let read = own.as_ref().or(general.as_ref());
        instant(field, read, (scope, notation)).or_else(&mut untimely)
    };
    macro_rules! one {
        ($field:ident) => {
            special.$field.as_ref().or(plan.$field.as_ref())
        };
    }
    let token = Token {
        id: TokenId::new(id("id", text_in(scope, "id", one!(id))?)?),
        name: text_in(scope, "name", one!(name))?.map(|name| names::read(name, plan.separator)),
        expires_at: time("expires", &special.expires, &plan.expires)?,
        enabled: enabled(one!(enabled), scope)?,
        details: Details::default(),
    };
    if brief {
        return Ok(token);
    }
    let details = Details::from(Told {
        scopes: scopes(one!(scopes), scope)?,
        owner: text_in(scope, "owner", one!(owner))?,
        created_at: time("created", &special.created, &plan.created)?,
        last_used_at: time("used", &special.used, &plan.used)?,
    });
    Ok(Token { details, ..token })
}

fn read(expression: Option<&Compiled>, scope: &Scope) -> Result<Option<Value>, Unreadable> {
    match expression {
        Some(expression) => Ok(expression.over(scope)?),
        None => Ok(None),
    }
}

/// A text, or a whole number as text.
pub(super) fn text(
    field: &'static str,
    expression: Option<&Compiled>,
    context: Context,
) -> Result<Option<String>, Unreadable> {
    text_in(&context.into(), field, expression)
}

fn text_in(
    scope: &Scope,
    field: &'static str,
    expression: Option<&Compiled>,
) -> Result<Option<String>, Unreadable> {
    match read(expression, scope)? {
        Some(value) => text_of(field, &value),
        None => Ok(None),
    }
}

/// An id or identity, which must be there.
pub(super) fn id(field: &'static str, text: Option<String>) -> Result<String, Unreadable> {
    let text = text.filter(|text| !text.is_empty());
    short(field, text.ok_or(Unreadable::Missing(field))?)
}

/// A text that is recorded or delivered.
pub(super) fn short(field: &'static str, text: String) -> Result<String, Unreadable> {
    match text.len() {
        0..=MOST_OF_ID => Ok(text),
        length => Err(Unreadable::TooLong { field, length }),
    }
}

/// The same of a value that is there already; null is nothing.
pub(super) fn text_of(field: &'static str, value: &Value) -> Result<Option<String>, Unreadable> {
    match (value.kind(), value.as_i64()) {
        (ValueKind::None | ValueKind::Undefined, _) => Ok(None),
        (ValueKind::String, _) => Ok(Some(value.to_string())),
        (ValueKind::Number, Some(number)) => Ok(Some(number.to_string())),
        // Ids that fill all of 64 bits.
        (ValueKind::Number, None) if value.is_integer() => Ok(Some(value.to_string())),
        (kind, _) => Err(Unreadable::Kind { field, kind }),
    }
}

/// A list of the answer, or what an expression made of one.
pub(super) fn is_list(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable)
}

/// Nothing is the empty set: some systems store scopes in a column that may be null.
fn scopes(expression: Option<&Compiled>, scope: &Scope) -> Result<BTreeSet<String>, Unreadable> {
    let field = "scopes";
    let Some(value) = read(expression, scope)? else {
        return Ok(BTreeSet::new());
    };
    if !is_list(&value) {
        let kind = value.kind();
        return Err(Unreadable::Kind { field, kind });
    }
    let items = value.try_iter().map_err(|_| Unreadable::Missing(field))?;
    items
        .map(|item| match item.kind() {
            ValueKind::String => Ok(item.to_string()),
            kind => Err(Unreadable::Kind { field, kind }),
        })
        .collect()
}

fn instant(
    field: &'static str,
    expression: Option<&Compiled>,
    (scope, notation): (&Scope, Notation<'_>),
) -> Result<Option<Timestamp>, Unreadable> {
    let Some(value) = read(expression, scope)? else {
        return Ok(None);
    };
    instant_of(&value, notation).map_err(|no_time| match no_time {
        NoTime::Text => Unreadable::NoTime(field),
        NoTime::Kind(kind) => Unreadable::Kind { field, kind },
        NoTime::Absurd => Unreadable::Absurd(field),
    })
}

fn enabled(expression: Option<&Compiled>, scope: &Scope) -> Result<Option<bool>, Unreadable> {
    let field = "enabled";
    match read(expression, scope)? {
        None => Ok(None),
        Some(value) => match value.kind() {
            ValueKind::Bool => Ok(Some(value.is_true())),
            kind => Err(Unreadable::Kind { field, kind }),
        },
    }
}
