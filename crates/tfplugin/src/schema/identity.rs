//! What tells one object of a type from all others: by it an object is imported and listed.

use crate::proto::tfplugin6 as proto;
use crate::value::Type;

/// The identity of one type of resource.
#[derive(Debug, Clone, Default)]
pub struct IdentitySchema {
    /// Stored beside each identity.
    pub version: i64,
    /// Plain ones: strings, numbers, flags, and lists of them.
    pub attributes: Vec<IdentityAttribute>,
}

/// One attribute of an identity.
#[derive(Debug, Clone)]
pub struct IdentityAttribute {
    name: String,
    ty: Type,
    required: bool,
    description: String,
}

impl IdentityAttribute {
    /// One that an import may leave out.
    pub fn new(name: impl Into<String>, ty: Type) -> Self {
        Self {
            name: name.into(),
            ty,
            required: false,
            description: String::new(),
        }
    }

    /// An import needs it.
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// For the user, in markdown.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }
}

impl IdentitySchema {
    /// The type of its values.
    pub fn ty(&self) -> Type {
        let all = self.attributes.iter();
        Type::object(all.map(|one| (one.name.clone(), one.ty.clone())))
    }

    pub(crate) fn to_proto(&self) -> proto::ResourceIdentitySchema {
        let all =
            self.attributes
                .iter()
                .map(|one| proto::resource_identity_schema::IdentityAttribute {
                    name: one.name.clone(),
                    r#type: one.ty.to_json().to_string().into_bytes(),
                    required_for_import: one.required,
                    optional_for_import: !one.required,
                    description: one.description.clone(),
                });
        proto::ResourceIdentitySchema {
            version: self.version,
            identity_attributes: all.collect(),
        }
    }
}
