//! Reading Terraform's values: what several resources write in the same way.

use jiff::{SignedDuration, Timestamp};
use tfplugin::{Diagnostics, Name, Value};
use tokenwright_core::{InvalidSpec, Parameters, duration};

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

/// Refuses an attribute that is empty, and says what would stand there. Whether it is.
pub(crate) fn refuse_blank(
    resource: &Value,
    name: Name<String>,
    detail: &str,
    diags: &mut Diagnostics,
) -> bool {
    let blank = is_blank(resource.get(name));
    if blank {
        diags.error_at(name.path(), format!("{} is empty", name.as_str()), detail);
    }
    blank
}

/// The duration that an attribute of a resource, or of its `rotation` or `timeouts`, holds. What is none is an
/// error at the attribute, and reads as absent.
pub(crate) fn span(
    object: &Value,
    name: Name<String>,
    diags: &mut Diagnostics,
) -> Option<SignedDuration> {
    let text = object.get(name).as_str()?;
    match duration::parse(text) {
        Ok(span) => Some(span),
        Err(error) => {
            let summary = format!("{} is no duration", diagnostics::full_name(name.as_str()));
            let detail = format!("{}.", diagnostics::capital(&error.to_string()));
            diags.error_at(diagnostics::path(name.as_str()), summary, detail);
            None
        }
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
