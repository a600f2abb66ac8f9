//! Strings with a pattern: the API server checks them, and the lifecycle parses them.
//!
//! Nothing is parsed here; an object that predates a pattern still deserialises.

use std::borrow::Cow;

use jiff::SignedDuration;
use kube::core::cel::Rule;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use tokenwright_core::{Bounds, duration};

/// The pattern of a duration, as the API server knows it.
pub const DURATION_PATTERN: &str = "^([0-9]+(w|d|h|m|s))+$";

/// The pattern of a lifetime: a duration, or `never`.
pub const LIFETIME_PATTERN: &str = "^(([0-9]+(w|d|h|m|s))+|never)$";

/// The pattern of a share or a duration.
pub const DURATION_OR_PERCENT_PATTERN: &str = "^(([0-9]+(w|d|h|m|s))+|[1-9][0-9]?%)$";

/// The pattern of an hour and a minute.
pub const TIME_OF_DAY_PATTERN: &str = "^([01][0-9]|2[0-3]):[0-5][0-9]$";

/// The pattern of an object's name, as the API server itself holds it: a DNS subdomain.
pub const NAME_PATTERN: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

/// The longest key of a Secret, as the API server itself holds it.
pub(crate) const LONGEST_KEY: usize = 253;

/// The longest key of a label or annotation: a domain, a slash and a name.
pub(crate) const LONGEST_METADATA_KEY: usize = 317;

/// The longest label, as the API server itself holds it.
pub(crate) const LONGEST_LABEL: usize = 63;

/// The longest annotation: sixteen of them take one half of what an object may have.
pub(crate) const LONGEST_ANNOTATION: usize = 8 * 1024;

/// The longest text that is rendered into a Secret: thirty-two of them are as much as a Secret can hold.
pub(crate) const LONGEST_TEMPLATE: usize = 32 * 1024;

/// No written duration is longer; bounds the cost of the rules that look at it.
const LONGEST: u32 = 32;

/// Nanoseconds and an offset have room.
const LONGEST_INSTANT: u32 = 64;

macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $schema:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The text as the user wrote it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

checked_text!(
    /// A duration such as `2w`, `90d`, `36h`, `15m`, `30s` or `1h30m`; a day has 24 hours.
    Duration,
    json_schema!({ "type": "string", "format": "duration", "pattern": DURATION_PATTERN, "maxLength": LONGEST })
);

checked_text!(
    /// A duration, or `never`; without the format `duration`, which would refuse `never`.
    Lifetime,
    json_schema!({ "type": "string", "pattern": LIFETIME_PATTERN, "maxLength": LONGEST })
);

checked_text!(
    /// A duration, or a share such as `33%`.
    DurationOrPercent,
    json_schema!({ "type": "string", "pattern": DURATION_OR_PERCENT_PATTERN, "maxLength": LONGEST })
);

checked_text!(
    /// An hour and a minute such as `22:00`.
    TimeOfDay,
    json_schema!({ "type": "string", "pattern": TIME_OF_DAY_PATTERN, "maxLength": LONGEST })
);

checked_text!(
    /// An instant such as `2027-03-31T00:00:00Z`, as a person writes it.
    Instant,
    json_schema!({ "type": "string", "format": "date-time", "maxLength": LONGEST_INSTANT })
);

/// Nanoseconds in 64 bits end after 292 years: the API server takes no longer duration for what it is.
const LONGEST_IN_RULES: SignedDuration = SignedDuration::from_hours(106_751 * 24);

/// A duration within bounds, as the API server holds it: those of the lifecycle, as far as rules know them.
pub(crate) fn within(bounds: Bounds) -> Rule {
    let greatest = bounds.greatest.min(LONGEST_IN_RULES);
    let mut rule = format!("self >= duration('{}s')", bounds.least.as_secs());
    if bounds.greatest == greatest {
        rule += &format!(" && self <= duration('{}s')", greatest.as_secs());
    }
    let [least, greatest] = [bounds.least, greatest].map(duration::format);
    let message = format!("must be between {least} and {greatest}");
    Rule::new(rule).message(message.as_str())
}

/// Holds the keys of a Secret that is written as the API server will, so that nothing is found out later.
pub(crate) fn secret_keys() -> Rule {
    let rule =
        format!("self.all(key, key.size() <= {LONGEST_KEY} && key.matches('^[-._a-zA-Z0-9]+$'))");
    let message = format!(
        "a key of a Secret has at most {LONGEST_KEY} letters, digits, dots, dashes and underscores"
    );
    Rule::new(rule).message(message.as_str())
}

/// Holds the keys of labels or annotations: not longer than the API server takes, and of nobody's whose are
/// read by Kubernetes or by us.
pub(crate) fn metadata_keys(of: &str) -> Rule {
    let reserved = ["kubernetes.io/", "k8s.io/", "tokenwright.dev/"];
    let free = reserved.map(|domain| format!("!key.contains('{domain}')"));
    let rule = format!(
        "self.all(key, key.size() <= {LONGEST_METADATA_KEY} && {})",
        free.join(" && ")
    );
    let message = format!(
        "{of} under kubernetes.io, k8s.io and tokenwright.dev are not for users, and a key has at most {LONGEST_METADATA_KEY} characters"
    );
    Rule::new(rule).message(message.as_str())
}

/// Holds the keys of the labels that are asked for to the length that a label's may have.
pub(crate) fn label_keys() -> Rule {
    let rule = format!(
        "!has(self.matchLabels) || self.matchLabels.all(key, key.size() <= {LONGEST_METADATA_KEY})"
    );
    let message = format!("a key of a label has at most {LONGEST_METADATA_KEY} characters");
    Rule::new(rule).message(message.as_str())
}

/// Holds an expression about a label to the values that its operator takes: `NotIn` without any would select all.
pub(crate) fn values_of_expressions() -> Rule {
    let rule = "!has(self.matchExpressions) || self.matchExpressions.all(each, (each.operator in ['In', 'NotIn']) == (has(each.values) && each.values.size() > 0))";
    Rule::new(rule).message("In and NotIn need values, and Exists and DoesNotExist take none")
}

/// The schema of an instant, for fields of type `Timestamp`.
pub(crate) fn instant(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date-time" })
}

/// The schema of an optional instant.
pub(crate) fn optional_instant(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date-time", "nullable": true })
}
