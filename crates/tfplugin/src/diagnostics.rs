//! What a provider tells the person at the terminal: errors and warnings, with a place.

use std::fmt;

use crate::proto::tfplugin6 as proto;

/// How bad a [`Diagnostic`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The operation failed.
    Error,
    /// The operation went on.
    Warning,
}

/// One message. Never put a secret value into it: Terraform prints and stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// One short sentence.
    pub summary: String,
    /// More, in full sentences; may be empty.
    pub detail: String,
    /// The attribute it is about, if it is about one.
    pub path: Option<AttributePath>,
}

/// The collected messages of one call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// No messages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an error about the whole object.
    pub fn error(&mut self, summary: impl Into<String>, detail: impl Into<String>) {
        self.add(Severity::Error, None, summary.into(), detail.into());
    }

    /// Adds an error about one attribute.
    pub fn error_at(
        &mut self,
        path: AttributePath,
        summary: impl Into<String>,
        detail: impl Into<String>,
    ) {
        self.add(Severity::Error, Some(path), summary.into(), detail.into());
    }

    /// Adds a warning about the whole object.
    pub fn warning(&mut self, summary: impl Into<String>, detail: impl Into<String>) {
        self.add(Severity::Warning, None, summary.into(), detail.into());
    }

    /// Adds a warning about one attribute.
    pub fn warning_at(
        &mut self,
        path: AttributePath,
        summary: impl Into<String>,
        detail: impl Into<String>,
    ) {
        self.add(Severity::Warning, Some(path), summary.into(), detail.into());
    }

    /// Adds a ready message.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Whether one of the messages is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// Whether there is no message at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The messages in the order in which they were added.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    fn add(
        &mut self,
        severity: Severity,
        path: Option<AttributePath>,
        summary: String,
        detail: String,
    ) {
        self.0.push(Diagnostic {
            severity,
            summary,
            detail,
            path,
        });
    }

    pub(crate) fn into_proto(self) -> Vec<proto::Diagnostic> {
        self.0.into_iter().map(Diagnostic::into_proto).collect()
    }
}

impl Diagnostic {
    fn into_proto(self) -> proto::Diagnostic {
        let severity = match self.severity {
            Severity::Error => proto::diagnostic::Severity::Error,
            Severity::Warning => proto::diagnostic::Severity::Warning,
        };
        proto::Diagnostic {
            severity: severity.into(),
            summary: self.summary,
            detail: self.detail,
            attribute: self.path.map(|path| path.shown().to_proto()),
        }
    }
}

/// The way from the root of a resource or provider block to a value inside it.
///
/// The protocol has no step for an element of a set: a path into one is sent up to the set.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttributePath(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Attribute(String),
    Key(String),
    Index(i64),
    /// Some element of a set: nothing names which.
    Element,
}

impl AttributePath {
    /// The path of a top-level attribute.
    pub fn new(attribute: impl AsRef<str>) -> Self {
        Self::default().attribute(attribute)
    }

    /// One step further, into an attribute of an object.
    pub fn attribute(mut self, name: impl AsRef<str>) -> Self {
        self.0.push(Step::Attribute(name.as_ref().to_owned()));
        self
    }

    /// One step further, to a key of a map.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.0.push(Step::Key(key.into()));
        self
    }

    /// One step further, to an element of a list.
    pub fn index(mut self, index: i64) -> Self {
        self.0.push(Step::Index(index));
        self
    }

    /// One step further, to an element of a set.
    pub fn element(mut self) -> Self {
        self.0.push(Step::Element);
        self
    }

    /// The part that Terraform finds in a configuration.
    ///
    /// Its core looks for an attribute, and for one key or index in the expression that the attribute is
    /// set to. Any longer path, and one that names an attribute within an attribute, it takes for blocks:
    /// there are none, and the message ends up at the head of the resource.
    fn shown(&self) -> Self {
        let steps = self.0.iter().take(2).enumerate();
        let steps = steps.map(|(depth, step)| match step {
            Step::Attribute(name) if depth > 0 => Step::Key(name.clone()),
            step => step.clone(),
        });
        Self(steps.collect())
    }

    pub(crate) fn to_proto(&self) -> proto::AttributePath {
        use proto::attribute_path::{Step as ProtoStep, step::Selector};
        let steps = self.0.iter().map_while(|step| {
            let selector = match step {
                Step::Attribute(name) => Selector::AttributeName(name.clone()),
                Step::Key(key) => Selector::ElementKeyString(key.clone()),
                Step::Index(index) => Selector::ElementKeyInt(*index),
                Step::Element => return None,
            };
            Some(ProtoStep {
                selector: Some(selector),
            })
        });
        proto::AttributePath {
            steps: steps.collect(),
        }
    }
}

/// As it is written in a configuration: `issuers["vendor"].profile`, `rules[0].rule`.
impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if depth == 0 => f.write_str(name)?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Element => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_in_a_configuration_and_sent_as_far_as_a_core_can_show_it() {
        let path = AttributePath::new("issuers").key("a").attribute("profile");
        assert_eq!(path.to_string(), "issuers[\"a\"].profile");
        assert_eq!(path.shown(), AttributePath::new("issuers").key("a"));
        let path = AttributePath::new("rotation").attribute("every");
        assert_eq!(path.to_string(), "rotation.every");
        assert_eq!(path.shown(), AttributePath::new("rotation").key("every"));
        let path = AttributePath::new("rules").index(1).attribute("rule");
        assert_eq!(path.to_string(), "rules[1].rule");
        assert_eq!(path.shown(), AttributePath::new("rules").index(1));
        let path = AttributePath::new("groups").element().attribute("name");
        assert_eq!(path.to_string(), "groups.name");
        assert_eq!(path.shown().to_proto().steps.len(), 1);
    }
}
