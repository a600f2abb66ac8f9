//! Identities: what tells one object of a type from all others, beside its state.

use tonic::Status;

use super::Inner;
use super::block::wire;
use crate::diagnostics::Diagnostics;
use crate::proto::tfplugin6 as proto;
use crate::provider::Resource;
use crate::schema::IdentitySchema;
use crate::value::{RawState, Value};

impl Inner {
    pub(super) fn identity_schemas(&self) -> proto::get_resource_identity_schemas::Response {
        let all = self.provider.schema().identities.iter();
        proto::get_resource_identity_schemas::Response {
            identity_schemas: all
                .map(|(name, identity)| (name.clone(), identity.to_proto()))
                .collect(),
            diagnostics: Vec::new(),
        }
    }

    /// The identity of a state, where the type has one. A planned one that is not known yet is told by the apply.
    pub(super) fn identity(
        &self,
        type_name: &str,
        resource: &dyn Resource,
        state: &Value,
    ) -> Result<Option<proto::ResourceIdentityData>, Status> {
        let schema = self.provider.schema().identities.get(type_name);
        let Some(schema) = schema.filter(|_| !state.is_null()) else {
            return Ok(None);
        };
        wired(schema, resource.identity(state))
    }

    /// The identity that a request names; null without one.
    pub(super) fn read_identity(
        &self,
        type_name: &str,
        named: Option<proto::ResourceIdentityData>,
    ) -> Result<Value, Status> {
        let Some(data) = named.and_then(|named| named.identity_data) else {
            return Ok(Value::Null);
        };
        let schema = self.identity_schema(type_name)?;
        Value::from_msgpack(&schema.ty(), &data.msgpack)
            .map_err(|error| Status::invalid_argument(error.to_string()))
    }

    /// An identity of another version is read as leniently as a state.
    pub(super) fn upgrade_identity(
        &self,
        request: proto::upgrade_resource_identity::Request,
    ) -> Result<proto::upgrade_resource_identity::Response, Status> {
        let schema = self.identity_schema(&request.type_name)?;
        let raw = request.raw_identity.unwrap_or_default();
        let mut diags = Diagnostics::new();
        let read = RawState::parse(&raw.json).and_then(|raw| raw.decode(&schema.ty()));
        let upgraded_identity = match read {
            Ok(identity) => wired(schema, identity)?,
            Err(error) => {
                let detail = format!("It has version {}: {error}.", request.version);
                diags.error("The stored identity cannot be read", detail);
                None
            }
        };
        Ok(proto::upgrade_resource_identity::Response {
            upgraded_identity,
            diagnostics: diags.into_proto(),
        })
    }

    fn identity_schema(&self, type_name: &str) -> Result<&IdentitySchema, Status> {
        let schema = self.provider.schema().identities.get(type_name);
        schema.ok_or_else(|| {
            let text = format!("the resource type {type_name:?} has no identity");
            Status::invalid_argument(text)
        })
    }
}

/// On the wire; an identity that is null or not wholly known is none.
pub(super) fn wired(
    schema: &IdentitySchema,
    identity: Value,
) -> Result<Option<proto::ResourceIdentityData>, Status> {
    if identity.is_null() || !identity.is_wholly_known() {
        return Ok(None);
    }
    Ok(Some(proto::ResourceIdentityData {
        identity_data: Some(wire(&identity, &schema.ty())?),
    }))
}
