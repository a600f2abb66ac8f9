//! Label and field selectors, in the grammar of query strings.

use serde_json::Value;

use super::kinds::Kind;
use super::refusal::{Outcome, bad_request};
use super::rules::{is_qualified, is_word};

/// Which objects a list or a watch wants.
#[derive(Debug, Clone, Default)]
pub(super) struct Selector {
    labels: Vec<(String, Rule)>,
    fields: Vec<(String, Rule)>,
}

#[derive(Debug, Clone)]
enum Rule {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
}

impl Rule {
    fn holds(&self, value: Option<&str>) -> bool {
        match self {
            Self::Exists => value.is_some(),
            Self::Absent => value.is_none(),
            Self::In(wanted) => value.is_some_and(|value| wanted.iter().any(|w| w == value)),
            Self::NotIn(unwanted) => {
                !value.is_some_and(|value| unwanted.iter().any(|w| w == value))
            }
        }
    }
}

impl Selector {
    pub(super) fn parse(kind: &Kind, labels: &str, fields: &str) -> Outcome<Self> {
        let labels = clauses(labels).map(label_clause).collect::<Outcome<_>>()?;
        let fields = clauses(fields)
            .map(|clause| field_clause(kind, clause))
            .collect::<Outcome<_>>()?;
        Ok(Self { labels, fields })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        self.labels
            .iter()
            .all(|(key, rule)| rule.holds(labels.get(key).and_then(Value::as_str)))
            && self.fields.iter().all(|(path, rule)| {
                let found = path.split('.').fold(object, |value, step| &value[step]);
                // An absent field counts as empty, also on a real server.
                let text = match found {
                    Value::Null => String::new(),
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                rule.holds(Some(&text))
            })
    }
}

/// Splits at commas outside parentheses.
fn clauses(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    text.split(move |c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|clause| !clause.is_empty())
}

fn label_clause(clause: &str) -> Outcome<(String, Rule)> {
    if let Some((left, values)) = clause.split_once('(') {
        let values = values
            .trim_end()
            .strip_suffix(')')
            .ok_or_else(|| unparsable(clause))?
            .split(',')
            .map(|value| value.trim().to_owned())
            .collect();
        return match left.trim().rsplit_once(char::is_whitespace) {
            Some((key, "in")) => checked(clause, key.trim().to_owned(), Rule::In(values)),
            Some((key, "notin")) => checked(clause, key.trim().to_owned(), Rule::NotIn(values)),
            _ => Err(unparsable(clause)),
        };
    }
    if let Some((key, rule)) = comparison(clause) {
        return checked(clause, key, rule);
    }
    let (key, rule) = match clause.strip_prefix('!') {
        Some(key) => (key.trim(), Rule::Absent),
        None => (clause, Rule::Exists),
    };
    checked(clause, key.to_owned(), rule)
}

/// Keys and values that no label can have are a mistake, not an empty selection.
fn checked(clause: &str, key: String, rule: Rule) -> Outcome<(String, Rule)> {
    let values: &[String] = match &rule {
        Rule::In(values) | Rule::NotIn(values) => values,
        Rule::Exists | Rule::Absent => &[],
    };
    if is_qualified(&key)
        && values
            .iter()
            .all(|value| value.is_empty() || is_word(value))
    {
        Ok((key, rule))
    } else {
        Err(unparsable(clause))
    }
}

fn field_clause(kind: &Kind, clause: &str) -> Outcome<(String, Rule)> {
    let (path, rule) = comparison(clause).ok_or_else(|| unparsable(clause))?;
    let known = path == "metadata.name"
        || (path == "metadata.namespace" && kind.namespaced)
        || kind.selectable.contains(&path);
    if known {
        Ok((path, rule))
    } else {
        Err(bad_request(&format!("field label not supported: {path}")))
    }
}

fn comparison(clause: &str) -> Option<(String, Rule)> {
    let (key, value, equal) = if let Some((key, value)) = clause.split_once("!=") {
        (key, value, false)
    } else if let Some((key, value)) = clause.split_once("==") {
        (key, value, true)
    } else {
        let (key, value) = clause.split_once('=')?;
        (key, value, true)
    };
    let values = vec![value.trim().to_owned()];
    let rule = if equal {
        Rule::In(values)
    } else {
        Rule::NotIn(values)
    };
    Some((key.trim().to_owned(), rule))
}

fn unparsable(clause: &str) -> Box<kube::core::Status> {
    bad_request(&format!("unable to parse requirement: {clause}"))
}
