//! What a function takes and gives.

use crate::proto::tfplugin6 as proto;
use crate::value::Type;

/// A function, as users call it: `provider::NAME::FUNCTION(…)`.
#[derive(Debug, Clone)]
pub struct FunctionSchema {
    /// One short sentence.
    pub summary: String,
    /// More, for the user, in markdown.
    pub description: String,
    /// In the order of the call.
    pub parameters: Vec<Parameter>,
    /// What it gives.
    pub returns: Type,
}

/// One parameter. An argument that is null, unknown or of another type never reaches the function.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// For messages and documentation.
    pub name: String,
    /// What it takes.
    pub ty: Type,
    /// For the user, in markdown.
    pub description: String,
}

impl FunctionSchema {
    pub(crate) fn to_proto(&self) -> proto::Function {
        let bytes = |ty: &Type| ty.to_json().to_string().into_bytes();
        let parameters = self
            .parameters
            .iter()
            .map(|one| proto::function::Parameter {
                name: one.name.clone(),
                r#type: bytes(&one.ty),
                description: one.description.clone(),
                description_kind: proto::StringKind::Markdown.into(),
                ..Default::default()
            });
        proto::Function {
            parameters: parameters.collect(),
            r#return: Some(proto::function::Return {
                r#type: bytes(&self.returns),
            }),
            summary: self.summary.clone(),
            description: self.description.clone(),
            description_kind: proto::StringKind::Markdown.into(),
            ..Default::default()
        }
    }
}
