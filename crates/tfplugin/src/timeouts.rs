//! `timeouts`: how long the operations of a resource may take, as a nested attribute.
//!
//! ```
//! use std::time::Duration;
//! use tfplugin::timeouts::{CREATE, DELETE, Timeouts};
//! use tfplugin::{Schema, Value};
//!
//! const MINUTE: Duration = Duration::from_secs(60);
//! const TIMES: Timeouts = Timeouts::new(&[(CREATE, MINUTE), (DELETE, MINUTE)]);
//!
//! let schema = Schema::new(vec![TIMES.attribute()]);
//! assert_eq!(TIMES.of(&schema.empty(), CREATE), MINUTE);
//! ```

use std::time::Duration;

use jiff::SignedDuration;

use crate::name::{Name, Object};
use crate::schema::{Attribute, Unfit};
use crate::value::Value;

/// The attribute.
pub const TIMEOUTS: Name<Object> = Name::new("timeouts");
/// In it.
pub const CREATE: Name<String> = Name::new("create");
/// In it.
pub const READ: Name<String> = Name::new("read");
/// In it.
pub const UPDATE: Name<String> = Name::new("update");
/// In it.
pub const DELETE: Name<String> = Name::new("delete");

/// Reads a duration; else says what to write.
type Parse = fn(&str) -> Result<Duration, String>;

/// The operations of a resource that have a limit, and what that is unless a configuration says otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    defaults: &'static [(Name<String>, Duration)],
    parse: Parse,
}

impl Timeouts {
    /// Durations are written such as `90s`, `10m` or `1h30m`.
    pub const fn new(defaults: &'static [(Name<String>, Duration)]) -> Self {
        Self {
            defaults,
            parse: duration,
        }
    }

    /// Durations are written as this reads them; its error says how.
    pub const fn written(self, parse: Parse) -> Self {
        Self { parse, ..self }
    }

    /// For a schema. What is no duration is refused at its path.
    pub fn attribute(&self) -> Attribute {
        let parse = self.parse;
        let each = self.defaults.iter().map(|(operation, default)| {
            let default = SignedDuration::try_from(*default).unwrap_or(SignedDuration::MAX);
            let stem = operation.as_str().trim_end_matches('e');
            let text = format!(
                "How long {stem}ing may take, such as `10m`. The default is `{default:#}`."
            );
            let limit = operation.optional().description(text);
            limit.texts(move |text| match parse(text) {
                Ok(_) => Ok(()),
                Err(how) => Err(Unfit::new("is no duration", how)),
            })
        });
        TIMEOUTS.nested(each.collect()).optional()
    }

    /// How long an operation may take by a configuration or a state; without end where it has no limit.
    pub fn of(&self, resource: &Value, operation: Name<String>) -> Duration {
        let text = resource.get(TIMEOUTS).get(operation).as_str();
        let given = text.and_then(|text| (self.parse)(text).ok());
        let mut defaults = self.defaults.iter();
        let default = defaults.find(|(of, _)| of.as_str() == operation.as_str());
        given
            .or(default.map(|(_, default)| *default))
            .unwrap_or(Duration::MAX)
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let read: Result<SignedDuration, _> = text.parse();
    let read = read.ok().and_then(|read| Duration::try_from(read).ok());
    read.ok_or_else(|| "Write hours, minutes and seconds, such as 1h30m, 10m or 90s.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Diagnostics;
    use crate::schema::Schema;

    const TIMES: Timeouts = Timeouts::new(&[
        (CREATE, Duration::from_secs(300)),
        (UPDATE, Duration::from_secs(90)),
    ]);

    fn with(text: &str) -> Value {
        let inner = Value::empty().with(CREATE, text);
        Value::empty().with(TIMEOUTS, inner)
    }

    #[test]
    fn a_configured_duration_is_the_limit_and_else_the_default_is() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("1h30m", 5400)] {
            assert_eq!(TIMES.of(&with(text), CREATE), Duration::from_secs(seconds));
        }
        assert_eq!(TIMES.of(&with("90s"), UPDATE), Duration::from_secs(90));
        assert_eq!(TIMES.of(&Value::empty(), CREATE), Duration::from_secs(300));
        assert_eq!(TIMES.of(&with("90s"), DELETE), Duration::MAX);
    }

    #[test]
    fn what_is_no_duration_is_refused_at_its_path() {
        let schema = Schema::new(vec![TIMES.attribute()]);
        let told = |config: &Value| {
            let mut diags = Diagnostics::new();
            schema.check_rules(config, &mut diags);
            let told = diags.iter().map(|one| one.summary.clone());
            told.collect::<Vec<_>>()
        };
        for text in ["soon", "-5m", "5"] {
            assert_eq!(
                told(&with(text)),
                ["timeouts.create is no duration"],
                "{text}"
            );
        }
        assert!(told(&with("5m")).is_empty());
        let own = TIMES.written(|text| match text {
            "a while" => Ok(Duration::from_secs(7)),
            _ => Err("Say a while.".to_owned()),
        });
        assert_eq!(own.of(&with("a while"), CREATE), Duration::from_secs(7));
        let schema = Schema::new(vec![own.attribute()]);
        let mut diags = Diagnostics::new();
        schema.check_rules(&with("5m"), &mut diags);
        let told: Vec<_> = diags.iter().map(|one| one.detail.as_str()).collect();
        assert_eq!(told, ["Say a while."]);
    }

    #[test]
    fn each_operation_says_how_long_it_takes() {
        let attribute = TIMES.attribute();
        let (_, inner) = attribute.objects().unwrap();
        let texts: Vec<_> = inner.iter().map(|one| one.to_proto().description).collect();
        let text = |doing, default| {
            format!("How long {doing} may take, such as `10m`. The default is `{default}`.")
        };
        assert_eq!(texts, [text("creating", "5m"), text("updating", "1m 30s")]);
    }
}
