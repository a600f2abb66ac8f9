//! What a provider offers: attributes of its configuration and of its resources.

use std::collections::BTreeMap;

use crate::proto::tfplugin6 as proto;
use crate::value::{Type, Value};

mod config;
mod definition;
mod function;
mod identity;
mod plan;
mod rule;
mod rules;
mod write_only;

pub use function::{FunctionSchema, Parameter};
pub use identity::{IdentityAttribute, IdentitySchema};
pub use rule::Unfit;

use rule::Rule;

/// The provider's own configuration and everything it offers.
#[derive(Debug, Clone, Default)]
pub struct ProviderSchema {
    /// The `provider` block.
    pub provider: Schema,
    /// Resource types by full name.
    pub resources: BTreeMap<String, Schema>,
    /// Data sources by full name.
    pub data_sources: BTreeMap<String, Schema>,
    /// Ephemeral resource types by full name.
    pub ephemerals: BTreeMap<String, Schema>,
    /// Functions by name.
    pub functions: BTreeMap<String, FunctionSchema>,
    /// Identities, by the resource types that have one.
    pub identities: BTreeMap<String, IdentitySchema>,
    /// What lists of existing objects can be asked for, by resource type.
    pub lists: BTreeMap<String, Schema>,
    /// Actions by full name.
    pub actions: BTreeMap<String, Schema>,
}

/// The attributes of one block.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// Stored beside each state; a change of the number makes Terraform ask for an upgrade.
    pub version: i64,
    /// For the user, in markdown.
    pub description: String,
    /// In any order.
    pub attributes: Vec<Attribute>,
}

impl Schema {
    /// A schema of version 0.
    pub fn new(attributes: Vec<Attribute>) -> Self {
        Self {
            attributes,
            ..Self::default()
        }
    }

    /// With this version.
    pub fn version(mut self, version: i64) -> Self {
        self.version = version;
        self
    }

    /// With this description, in markdown.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// The type of the values under this schema.
    pub fn ty(&self) -> Type {
        object_type(&self.attributes)
    }

    pub(crate) fn to_proto(&self) -> proto::Schema {
        proto::Schema {
            version: self.version,
            block: Some(proto::schema::Block {
                version: self.version,
                attributes: self.attributes.iter().map(Attribute::to_proto).collect(),
                description: self.description.clone(),
                description_kind: proto::StringKind::Markdown.into(),
                ..Default::default()
            }),
        }
    }
}

fn object_type(attributes: &[Attribute]) -> Type {
    Type::object(attributes.iter().map(|a| (a.name.clone(), a.ty())))
}

/// How the objects of a nested attribute are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nesting {
    /// One object
    Single,
    /// A list of objects
    List,
    /// A set of objects
    Set,
    /// A map of objects
    Map,
}

#[derive(Debug, Clone)]
enum Kind {
    Plain(Type),
    Nested(Nesting, Vec<Attribute>),
}

/// One attribute, as a rule made of its [`Name`](crate::Name). It is neither required, optional nor computed
/// until one of them is said.
#[derive(Debug, Clone)]
pub struct Attribute {
    name: String,
    kind: Kind,
    description: String,
    required: bool,
    optional: bool,
    computed: bool,
    sensitive: bool,
    write_only: bool,
    deprecated: Option<String>,
    rules: Vec<Rule>,
    default: Option<Value>,
    requires_replace: bool,
}

impl Attribute {
    /// An attribute of this type.
    pub fn new(name: impl Into<String>, ty: Type) -> Self {
        Self::of(name, Kind::Plain(ty))
    }

    /// An attribute whose objects have attributes of their own.
    pub fn nested(name: impl Into<String>, nesting: Nesting, attributes: Vec<Attribute>) -> Self {
        Self::of(name, Kind::Nested(nesting, attributes))
    }

    /// Must be configured.
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// May be configured.
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Chosen by the provider, where not configured.
    pub fn computed(mut self) -> Self {
        self.computed = true;
        self
    }

    /// Hidden in Terraform's output.
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Read from the configuration only, never stored; needs Terraform 1.11 or OpenTofu 1.11.
    /// Its values reach the provider in the configuration of validate, plan and apply.
    /// Must not be combined with [`computed`](Self::computed).
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// Warns whoever sets it, with this sentence.
    pub fn deprecated(mut self, message: impl Into<String>) -> Self {
        self.deprecated = Some(message.into());
        self
    }

    /// For the user, in markdown.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// The attribute's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it must be configured.
    pub fn is_required(&self) -> bool {
        self.required
    }

    /// Whether it can be configured.
    pub fn is_configurable(&self) -> bool {
        self.required || self.optional
    }

    /// Whether the provider may choose its value.
    pub fn is_computed(&self) -> bool {
        self.computed
    }

    /// Whether its values are to be hidden: it is sensitive or write-only.
    pub fn is_secret(&self) -> bool {
        self.sensitive || self.write_only
    }

    /// How its objects are held and what they have, if it has attributes of its own.
    pub fn objects(&self) -> Option<(Nesting, &[Attribute])> {
        match &self.kind {
            Kind::Plain(_) => None,
            Kind::Nested(nesting, attributes) => Some((*nesting, attributes)),
        }
    }

    /// The type of its values.
    pub fn ty(&self) -> Type {
        match &self.kind {
            Kind::Plain(ty) => ty.clone(),
            Kind::Nested(nesting, attributes) => {
                let object = object_type(attributes);
                match nesting {
                    Nesting::Single => object,
                    Nesting::List => Type::list(object),
                    Nesting::Set => Type::set(object),
                    Nesting::Map => Type::map(object),
                }
            }
        }
    }

    fn of(name: impl Into<String>, kind: Kind) -> Self {
        Self {
            name: name.into(),
            kind,
            description: String::new(),
            required: false,
            optional: false,
            computed: false,
            sensitive: false,
            write_only: false,
            deprecated: None,
            rules: Vec::new(),
            default: None,
            requires_replace: false,
        }
    }

    pub(crate) fn to_proto(&self) -> proto::schema::Attribute {
        use proto::schema::object::NestingMode;
        let (ty, nested_type) = match &self.kind {
            Kind::Plain(ty) => (ty.to_json().to_string().into_bytes(), None),
            Kind::Nested(nesting, attributes) => {
                let nesting = match nesting {
                    Nesting::Single => NestingMode::Single,
                    Nesting::List => NestingMode::List,
                    Nesting::Set => NestingMode::Set,
                    Nesting::Map => NestingMode::Map,
                };
                let object = proto::schema::Object {
                    attributes: attributes.iter().map(Self::to_proto).collect(),
                    nesting: nesting.into(),
                    ..Default::default()
                };
                (Vec::new(), Some(object))
            }
        };
        proto::schema::Attribute {
            name: self.name.clone(),
            r#type: ty,
            nested_type,
            description: self.description.clone(),
            required: self.required,
            optional: self.optional,
            computed: self.computed,
            sensitive: self.sensitive,
            description_kind: proto::StringKind::Markdown.into(),
            deprecated: self.deprecated.is_some(),
            write_only: self.write_only,
            deprecation_message: self.deprecated.clone().unwrap_or_default(),
        }
    }
}
