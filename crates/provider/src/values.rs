//! Reading Terraform's values: what several resources write in the same way.

use jiff::SignedDuration;
use tfplugin::{Diagnostics, Value};
use tokenwright_core::{Parameters, duration};

use crate::diagnostics;

/// The entries of a map of strings; what is not known yet is left out.
pub(crate) fn texts(value: &Value) -> impl Iterator<Item = (String, String)> {
    let entries = value.as_map().into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
}

/// The `parameters` of a resource.
pub(crate) fn parameters(resource: &Value) -> Parameters {
    texts(resource.get("parameters")).collect()
}

/// Whether two resources have the same `parameters`; none are as good as an empty map.
pub(crate) fn same_parameters(a: &Value, b: &Value) -> bool {
    let given = |resource: &Value| match resource.get("parameters") {
        Value::Null => Value::Map(Default::default()),
        given => given.clone(),
    };
    given(a) == given(b)
}

/// The duration that a field is. What is none is an error at its attribute, and reads as absent.
pub(crate) fn span(value: &Value, field: &str, diags: &mut Diagnostics) -> Option<SignedDuration> {
    let text = value.as_str()?;
    match duration::parse(text) {
        Ok(span) => Some(span),
        Err(error) => {
            let summary = format!("{} is no duration", diagnostics::full_name(field));
            let detail = format!("{}.", diagnostics::capital(&error.to_string()));
            diags.error_at(diagnostics::path(field), summary, detail);
            None
        }
    }
}
