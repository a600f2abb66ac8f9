//! Texts of `spec.secret.data`: literals, expressions over what is public, and slots for the value.
//!
//! `$(value.PART)` is a slot: the bytes of that part are put there as they are, and no expression
//! ever sees them. Every other `$(…)` is an expression over the token's fields and parameters.

use minijinja::{Environment, UndefinedBehavior};

/// An expression that is longer is refused.
const LONGEST_EXPRESSION: usize = 512;

/// Steps that one expression may take; far more than any honest one needs.
const FUEL: u64 = 10_000;

/// One text, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Expression(String),
    Slot(String),
}

/// Why a text cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TemplateError {
    /// `$(` without its end.
    #[error("a `$(` is not closed")]
    Unclosed,

    /// Too long.
    #[error("an expression has more than {LONGEST_EXPRESSION} characters")]
    TooLong,

    /// `value` is only known in slots.
    #[error("`{0}` uses the value in an expression; only $(value.PART) is possible")]
    ValueInExpression(String),

    /// The profile has no such part.
    #[error("the value has no part {0:?}")]
    UnknownPart(String),

    /// Neither a field nor a parameter has this name.
    #[error("`{0}` is unknown")]
    Unknown(String),

    /// The expression does not compile, or uses something that is unknown.
    #[error("the expression `{expression}` cannot be evaluated")]
    Expression {
        /// The text between the brackets.
        expression: String,
        /// What the engine says; it never saw the value.
        source: minijinja::Error,
    },
}

impl Template {
    /// Takes a text apart.
    ///
    /// # Errors
    ///
    /// If a bracket is not closed, or an expression uses the value.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut segments = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("$(") {
            let (literal, after) = rest.split_at(start);
            if !literal.is_empty() {
                segments.push(Segment::Literal(literal.to_owned()));
            }
            let inside = after.get(2..).unwrap_or_default();
            let end = closing(inside).ok_or(TemplateError::Unclosed)?;
            let (expression, tail) = inside.split_at(end);
            segments.push(Segment::from_expression(expression.trim())?);
            rest = tail.get(1..).unwrap_or_default();
        }
        if !rest.is_empty() {
            segments.push(Segment::Literal(rest.to_owned()));
        }
        Ok(Self { segments })
    }

    /// Fills in what is public and the parts of the value.
    ///
    /// # Errors
    ///
    /// If an expression fails or a part is unknown.
    pub(crate) fn render<'v>(
        &self,
        fields: &minijinja::Value,
        part: impl Fn(&str) -> Option<&'v [u8]>,
    ) -> Result<Vec<u8>, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        let mut out = Vec::new();
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Segment::Slot(name) => {
                    let bytes =
                        part(name).ok_or_else(|| TemplateError::UnknownPart(name.clone()))?;
                    out.extend_from_slice(bytes);
                }
                Segment::Expression(expression) => {
                    let value = environment
                        .compile_expression(expression)
                        .and_then(|compiled| compiled.eval(fields))
                        .map_err(|source| TemplateError::Expression {
                            expression: expression.clone(),
                            source,
                        })?;
                    if value.is_undefined() {
                        return Err(TemplateError::Unknown(expression.clone()));
                    }
                    out.extend_from_slice(value.to_string().as_bytes());
                }
            }
        }
        Ok(out)
    }
}

impl Segment {
    fn from_expression(expression: &str) -> Result<Self, TemplateError> {
        if expression.len() > LONGEST_EXPRESSION {
            return Err(TemplateError::TooLong);
        }
        let is_name = |text: &str| {
            !text.is_empty()
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
        };
        if let Some(part) = expression
            .strip_prefix("value.")
            .filter(|part| is_name(part))
        {
            return Ok(Self::Slot(part.to_owned()));
        }
        let mut words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        if words.any(|word| word == "value") {
            return Err(TemplateError::ValueInExpression(expression.to_owned()));
        }
        Ok(Self::Expression(expression.to_owned()))
    }
}

/// Where the bracket that stands before `text` is closed; brackets nest, and texts in quotes do not count.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_u32;
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') => depth = depth.saturating_add(1),
            (None, ')') if depth == 0 => return Some(at),
            (None, ')') => depth = depth.saturating_sub(1),
            (None, _) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    fn render(text: &str) -> Result<String, TemplateError> {
        let fields = context! { id => "SCW1", name => "ci", parameters => context! { application_id => "7f3c" } };
        let parts = |name: &str| (name == "secret_key").then_some(&b"s3\xffcret"[..]);
        let bytes = Template::parse(text)?.render(&fields, parts)?;
        Ok(bytes.iter().map(|byte| char::from(*byte)).collect())
    }

    #[test]
    fn a_slot_takes_the_bytes_of_its_part_as_they_are() {
        assert_eq!(
            render("//registry/:_authToken=$(value.secret_key)\n").unwrap(),
            "//registry/:_authToken=s3\u{ff}cret\n"
        );
    }

    #[test]
    fn an_expression_sees_what_is_public() {
        assert_eq!(
            render("$(id) of $(name|upper) for $(parameters.application_id)").unwrap(),
            "SCW1 of CI for 7f3c"
        );
        assert_eq!(render("$(name ~ ')' ~ (\"(\" ~ id))").unwrap(), "ci)(SCW1");
    }

    #[test]
    fn no_expression_sees_the_value() {
        for text in [
            "$(value)",
            "$(value.secret_key|upper)",
            "$(value['secret_key'])",
            "$(name ~ value.secret_key)",
        ] {
            let refused = render(text);
            assert!(
                matches!(refused, Err(TemplateError::ValueInExpression(_))),
                "{text}: {refused:?}"
            );
        }
    }

    #[test]
    fn what_is_unknown_is_refused_and_never_empty() {
        assert!(
            matches!(render("$(value.other)"), Err(TemplateError::UnknownPart(part)) if part == "other")
        );
        assert!(matches!(render("$(owner)"), Err(TemplateError::Unknown(_))));
        assert!(matches!(
            render("$(owner ~ 1)"),
            Err(TemplateError::Expression { .. })
        ));
        assert!(matches!(render("$(name"), Err(TemplateError::Unclosed)));
    }

    #[test]
    fn a_dollar_and_brackets_alone_are_plain_text() {
        assert_eq!(render("$HOME (really) $").unwrap(), "$HOME (really) $");
    }
}
