//! Tokens out of answers: strict where a wrong reading would revoke, mint or forget something.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil};
use minijinja::Value;
use minijinja::value::ValueKind;
use tokenwright_core::TokenId;

use super::expression::{Compiled, Context, EvaluationFailed};
use super::plan::TokenPlan;
use crate::issuer::Token;

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
    #[error("{0} is no time in the answer")]
    NoTime(&'static str),
    #[error("the answer is no JSON")]
    NoJson,
    #[error("the list is missing in the answer")]
    NoList,
    #[error("the listing was cut short")]
    CutShort,
    #[error("the listing has no end")]
    Endless,
    #[error("the tokens changed while they were listed")]
    Shifting,
    #[error("the answer is about another token")]
    OtherToken,
    #[error("the answer has no value, or one that is too long")]
    NoValue,
}

/// Reads one token; `context` has `item`.
pub(super) fn token(plan: &TokenPlan, context: &Context) -> Result<Token, Unreadable> {
    Ok(Token {
        id: TokenId::new(
            text("id", Some(&plan.id), context)?
                .filter(|id| !id.is_empty())
                .ok_or(Unreadable::Missing("id"))?,
        ),
        name: text("name", plan.name.as_ref(), context)?,
        scopes: scopes(plan.scopes.as_ref(), context)?,
        owner: text("owner", plan.owner.as_ref(), context)?,
        created_at: instant("created", plan.created.as_ref(), context)?,
        expires_at: instant("expires", plan.expires.as_ref(), context)?,
        last_used_at: instant("used", plan.used.as_ref(), context)?,
        enabled: enabled(plan.enabled.as_ref(), context)?,
    })
}

fn read(expression: Option<&Compiled>, context: &Context) -> Result<Option<Value>, Unreadable> {
    match expression {
        Some(expression) => Ok(expression.eval(context)?),
        None => Ok(None),
    }
}

/// A text, or a whole number as text.
pub(super) fn text(
    field: &'static str,
    expression: Option<&Compiled>,
    context: &Context,
) -> Result<Option<String>, Unreadable> {
    let Some(value) = read(expression, context)? else {
        return Ok(None);
    };
    match (value.kind(), value.as_i64()) {
        (ValueKind::String, _) => Ok(Some(value.to_string())),
        (ValueKind::Number, Some(number)) => Ok(Some(number.to_string())),
        (kind, _) => Err(Unreadable::Kind { field, kind }),
    }
}

/// Nothing is the empty set: some systems store scopes in a column that may be null.
fn scopes(
    expression: Option<&Compiled>,
    context: &Context,
) -> Result<BTreeSet<String>, Unreadable> {
    let field = "scopes";
    let Some(value) = read(expression, context)? else {
        return Ok(BTreeSet::new());
    };
    if value.kind() != ValueKind::Seq {
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

/// RFC 3339, the same without a zone (then UTC), or Unix seconds. Nothing and the year 1 are never.
fn instant(
    field: &'static str,
    expression: Option<&Compiled>,
    context: &Context,
) -> Result<Option<Timestamp>, Unreadable> {
    let Some(value) = read(expression, context)? else {
        return Ok(None);
    };
    let no_time = || Unreadable::NoTime(field);
    let instant = match (value.kind(), value.as_i64()) {
        (ValueKind::String, _) => {
            let text = value.to_string();
            text.parse::<Timestamp>().or_else(|_| {
                let local: civil::DateTime = text.parse().map_err(|_| no_time())?;
                let zoned = local.to_zoned(jiff::tz::TimeZone::UTC);
                zoned.map(|z| z.timestamp()).map_err(|_| no_time())
            })?
        }
        (ValueKind::Number, Some(seconds)) => {
            Timestamp::from_second(seconds).map_err(|_| no_time())?
        }
        (kind, _) => return Err(Unreadable::Kind { field, kind }),
    };
    // Go writes the time that was never set as year 1.
    let year = instant.to_zoned(jiff::tz::TimeZone::UTC).year();
    Ok((year > 1).then_some(instant))
}

fn enabled(expression: Option<&Compiled>, context: &Context) -> Result<Option<bool>, Unreadable> {
    let field = "enabled";
    match read(expression, context)? {
        None => Ok(None),
        Some(value) => match value.kind() {
            ValueKind::Bool => Ok(Some(value.is_true())),
            kind => Err(Unreadable::Kind { field, kind }),
        },
    }
}
