//! A JSON document whose texts are templates.

use super::expression::{Compiled, Context, EvaluationFailed, InvalidExpression, Names};
use super::template::Template;

/// A JSON tree with templates in its texts.
#[derive(Debug)]
pub(crate) enum Tree {
    Map(Vec<(String, Tree)>),
    List(Vec<Tree>),
    Text(Template),
    Fixed(serde_json::Value),
}

impl Tree {
    pub(crate) fn new(
        source: &serde_json::Value,
        names: &Names<'_>,
    ) -> Result<Self, InvalidExpression> {
        match source {
            serde_json::Value::Object(map) => map
                .iter()
                .map(|(key, value)| Ok((key.clone(), Self::new(value, names)?)))
                .collect::<Result<_, _>>()
                .map(Self::Map),
            serde_json::Value::Array(list) => list
                .iter()
                .map(|value| Self::new(value, names))
                .collect::<Result<_, _>>()
                .map(Self::List),
            serde_json::Value::String(text) => Template::new(text, names).map(Self::Text),
            fixed => Ok(Self::Fixed(fixed.clone())),
        }
    }

    /// Whether an expression in it uses this name.
    pub(crate) fn uses(&self, name: &str) -> bool {
        let mut all = self.expressions().into_iter();
        all.any(|expression| expression.uses(name))
    }

    /// The expressions in it.
    pub(crate) fn expressions(&self) -> Vec<&Compiled> {
        match self {
            Self::Map(map) => map
                .iter()
                .flat_map(|(_, tree)| tree.expressions())
                .collect(),
            Self::List(list) => list.iter().flat_map(Self::expressions).collect(),
            Self::Text(template) => template.expressions().collect(),
            Self::Fixed(_) => Vec::new(),
        }
    }

    /// The tree with everything filled in; what is nothing is left out.
    pub(crate) fn fill(
        &self,
        context: &Context,
    ) -> Result<Option<serde_json::Value>, EvaluationFailed> {
        match self {
            Self::Map(map) => {
                let mut out = serde_json::Map::new();
                for (key, tree) in map {
                    if let Some(value) = tree.fill(context)? {
                        out.insert(key.clone(), value);
                    }
                }
                Ok(Some(out.into()))
            }
            Self::List(list) => {
                let filled = list
                    .iter()
                    .filter_map(|tree| tree.fill(context).transpose());
                filled
                    .collect::<Result<Vec<_>, _>>()
                    .map(|l| Some(l.into()))
            }
            Self::Text(template) => template.value(context),
            Self::Fixed(value) => Ok(Some(value.clone())),
        }
    }
}
