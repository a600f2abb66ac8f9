//! The words of a vendor's console, and what a person can fill in there.

use crate::http::Request;
use crate::random::NoRandomness;

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
    /// The label of the value.
    pub(crate) value: &'static str,
    /// The warning beside the value.
    pub(crate) once: &'static str,
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
    /// That it ends; the label of the box to tick.
    Switch(&'static str),
}

/// How a value is made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Maker {
    /// It is drawn, and means nothing.
    Value(fn() -> Result<String, NoRandomness>),
}

/// What a person filled in.
#[derive(Debug, Default)]
pub(crate) struct Form {
    pub(crate) name: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires: bool,
}

impl Form {
    pub(super) fn read(request: &Request) -> Self {
        let mut form = Self::default();
        for (field, value) in url::form_urlencoded::parse(&request.body) {
            match field.as_ref() {
                "name" => form.name = value.into_owned(),
                "scope" => form.scopes.push(value.into_owned()),
                "expires" => form.expires = true,
                _ => {}
            }
        }
        form
    }
}
