//! One rule of an attribute, and what it says of a value.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::value::Value;

/// Why a text is none that an attribute takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    pub(super) what: String,
    pub(super) detail: String,
}

impl Unfit {
    /// What is wrong, as it follows the name of the attribute, such as "is no duration"; and what to write.
    pub fn new(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            detail: detail.into(),
        }
    }
}

type Check = dyn Fn(&str) -> Result<(), Unfit> + Send + Sync;

#[derive(Clone)]
pub(super) enum Rule {
    Words(Vec<&'static str>),
    Texts(Arc<Check>),
    Between(RangeInclusive<i64>),
    /// None of these stands beside it.
    Alone(Vec<String>),
    /// It or one of these is set.
    OneIsSet(Vec<String>),
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(words) => f.debug_tuple("Words").field(words).finish(),
            Self::Texts(_) => f.write_str("Texts"),
            Self::Between(range) => f.debug_tuple("Between").field(range).finish(),
            Self::Alone(others) => f.debug_tuple("Alone").field(others).finish(),
            Self::OneIsSet(others) => f.debug_tuple("OneIsSet").field(others).finish(),
        }
    }
}

impl Rule {
    /// Why a value is none that the attribute takes, if it is known to be; a secret is not shown.
    pub(super) fn unfit(&self, value: &Value, secret: bool) -> Option<Unfit> {
        let shown = |value: String| match secret {
            true => "It".to_owned(),
            false => value,
        };
        match (self, value) {
            (Self::Words(words), Value::String(text)) if !words.contains(&text.as_str()) => {
                let words: Vec<_> = words.iter().map(|word| format!("{word:?}")).collect();
                let (what, none) = match words.as_slice() {
                    [one] => (format!("must be {one}"), "is not"),
                    [one, other] => (format!("must be {one} or {other}"), "is neither"),
                    all => (format!("must be one of {}", listed(all)), "is none of them"),
                };
                let detail = format!("{} {none}.", shown(format!("{text:?}")));
                Some(Unfit::new(what, detail))
            }
            (Self::Between(range), Value::Number(number))
                if !number.as_i64().is_some_and(|whole| range.contains(&whole)) =>
            {
                let (least, most) = (range.start(), range.end());
                let what = format!("must be a whole number between {least} and {most}");
                let detail = format!("{} is not.", shown(number.to_string()));
                Some(Unfit::new(what, detail))
            }
            (Self::Texts(check), Value::String(text)) => check(text).err(),
            _ => None,
        }
    }
}

/// `a, b and c`.
pub(super) fn listed(names: &[String]) -> String {
    match names.split_last() {
        Some((last, first @ [_, ..])) => format!("{} and {last}", first.join(", ")),
        _ => names.concat(),
    }
}
