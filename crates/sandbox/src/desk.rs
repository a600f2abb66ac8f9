//! The words of a vendor's console, and what a person can fill in there.

use crate::asked::Asked;
use crate::http::Request;
use crate::random::NoRandomness;
use crate::store::StoreError;

/// One vendor's console.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) vendor: &'static str,
    /// The steps that lead a person to the tokens.
    pub(crate) place: &'static [&'static str],
    /// What the vendor calls them.
    pub(crate) tokens: &'static str,
    /// The button that makes one.
    pub(crate) generate: &'static str,
    /// The label of the name.
    pub(crate) name: &'static str,
    /// The warning beside the value.
    pub(crate) once: &'static str,
    /// One thing to choose, with its label.
    pub(crate) choice: Option<(&'static str, &'static [&'static str])>,
    /// Scopes with what they allow.
    pub(crate) scopes: &'static [(&'static str, &'static str)],
    pub(crate) life: Life,
    /// The word for changing name and scopes, where that is possible.
    pub(crate) edit: Option<&'static str>,
    pub(crate) delete: &'static str,
    pub(crate) maker: Maker,
}

/// What a person can say about a token's life.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Life {
    /// Nothing.
    Unsaid,
    /// For how many days; the label of the field.
    Days(&'static str),
    /// That it ends; the label of the box to tick.
    Switch(&'static str),
}

/// How a value is made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Maker {
    /// It is drawn, and means nothing; its label.
    Value(&'static str, fn() -> Result<String, NoRandomness>),
    /// The system's own API makes it: the request, and the parts of the answer.
    Api(Ask, &'static [Part]),
}

/// The request that a person's form becomes.
pub(crate) type Ask = fn(&Form, &Asked<'_>) -> Result<Request, StoreError>;

/// A part of a new token: its label, and the JSON pointer to it in the answer.
pub(crate) type Part = (&'static str, &'static str);

/// What a person filled in.
#[derive(Debug, Default)]
pub(crate) struct Form {
    pub(crate) name: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires: bool,
    pub(crate) choice: String,
    pub(crate) days: Option<u32>,
    /// The days, where they are no number.
    pub(crate) odd_days: Option<String>,
}

impl Form {
    pub(crate) fn read(request: &Request) -> Self {
        let mut form = Self::default();
        for (field, value) in url::form_urlencoded::parse(&request.body) {
            match field.as_ref() {
                "name" => form.name = value.into_owned(),
                "scope" => form.scopes.push(value.into_owned()),
                "expires" => form.expires = true,
                "choice" => form.choice = value.into_owned(),
                "days" => match value.trim() {
                    "" => {}
                    days => match days.parse() {
                        Ok(days) if days > 0 => form.days = Some(days),
                        _ => form.odd_days = Some(days.to_owned()),
                    },
                },
                _ => {}
            }
        }
        form
    }
}
