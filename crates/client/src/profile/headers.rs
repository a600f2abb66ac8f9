//! Headers that a profile adds to its requests: constants, and texts over the parameters.

use http::{HeaderName, HeaderValue};

use crate::text::{Compiled, Context, EvaluationFailed, Template};

/// Names and texts of headers, compiled.
#[derive(Debug, Default)]
pub(super) struct HeadersPlan(pub(super) Vec<(HeaderName, Template)>);

/// A header that cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnsendableHeader {
    #[error(transparent)]
    Text(#[from] EvaluationFailed),
    #[error("the text of header {0} cannot be sent")]
    Value(HeaderName),
}

impl HeadersPlan {
    /// What is sent; a header whose text is nothing is left out.
    pub(super) fn write(
        &self,
        context: &Context,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, UnsendableHeader> {
        let mut written = Vec::new();
        for (name, text) in &self.0 {
            let Some(text) = text.plain(context)? else {
                continue;
            };
            let value = HeaderValue::from_str(&text);
            let value = value.map_err(|_| UnsendableHeader::Value(name.clone()))?;
            written.push((name.clone(), value));
        }
        Ok(written)
    }

    /// The expressions in them.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &Compiled> {
        self.0.iter().flat_map(|(_, text)| text.expressions())
    }

    /// Whether this header is among them.
    pub(super) fn has(&self, name: &HeaderName) -> bool {
        self.0.iter().any(|(own, _)| own == name)
    }
}
