//! The null that a request says, where nothing would be left out.

/// A null that is sent, unlike nothing, which is left out.
#[derive(Debug)]
pub(crate) struct ExplicitNull;

impl minijinja::value::Object for ExplicitNull {
    fn repr(self: &std::sync::Arc<Self>) -> minijinja::value::ObjectRepr {
        minijinja::value::ObjectRepr::Plain
    }
}
