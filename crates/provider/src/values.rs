//! Reading Terraform's values: what several resources write in the same way.

use jiff::{SignedDuration, Timestamp};
use tfplugin::{Diagnostics, Name, Value};
use tokenwright_core::{InvalidSpec, Parameters, RenewBefore, duration};

use crate::diagnostics;
use crate::schema::names::*;

/// The `parameters` of a resource; what is not known yet is left out.
pub(crate) fn parameters(resource: &Value) -> Parameters {
    resource.read(PARAMETERS).unwrap_or_default()
}

/// Whether two resources have the same `parameters`; none are as good as an empty map.
pub(crate) fn same_parameters(a: &Value, b: &Value) -> bool {
    let given = |resource: &Value| match resource.get(PARAMETERS) {
        Value::Null => Value::Map(Default::default()),
        given => given.clone(),
    };
    given(a) == given(b)
}

/// A name that breaks the lines in which it is told is none that anybody means.
pub(crate) fn check_name(resource: &Value, diags: &mut Diagnostics) {
    let name = resource.get(NAME).as_str().unwrap_or_default();
    if name.chars().any(char::is_control) {
        let message = "must not contain control characters, such as line ends";
        diagnostics::invalid(diags, &InvalidSpec::new(NAME.as_str(), message));
    }
}

/// An empty text is no way to leave something out: a variable that was forgotten gives one.
pub(crate) fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// Whether an attribute has this word.
pub(crate) fn is(resource: &Value, name: Name<String>, word: &str) -> bool {
    resource.get(name).as_str() == Some(word)
}

/// The duration that an attribute of an object holds, if it does.
pub(crate) fn span(object: &Value, name: Name<String>) -> Option<SignedDuration> {
    duration::parse(object.get(name).as_str()?).ok()
}

/// How long before its end a token is rotated, as people write it.
pub(crate) fn read_renew_before(text: &str) -> Option<RenewBefore> {
    match text.strip_suffix('%') {
        Some(percent) => percent.parse().ok().map(RenewBefore::Percent),
        None => duration::parse(text).ok().map(RenewBefore::Duration),
    }
}

/// The instant that an attribute holds, if it does.
pub(crate) fn instant(object: &Value, name: Name<String>) -> Option<Timestamp> {
    object.get(name).as_str()?.parse().ok()
}

/// An instant as it stands in an attribute.
pub(crate) fn time(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}
