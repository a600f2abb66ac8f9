//! Objects that come under a resource without a create: imported, or moved from another type.

use tonic::Status;

use super::Inner;
use crate::diagnostics::Diagnostics;
use crate::proto::tfplugin6 as proto;
use crate::provider::{Import, Imported, Move};
use crate::value::RawState;

impl Inner {
    pub(super) async fn import(
        &self,
        request: proto::import_resource_state::Request,
    ) -> Result<proto::import_resource_state::Response, Status> {
        let (block, resource) = self.resource(&request.type_name)?;
        let mut diags = Diagnostics::new();
        let import = Import {
            id: request.id,
            identity: self.read_identity(&request.type_name, request.identity)?,
        };
        let found = resource.import(import, &mut diags).await;
        let mut imported_resources = Vec::new();
        if let Some(found) = found {
            let identity = self.identity(&request.type_name, resource, &found.state)?;
            imported_resources.push(proto::import_resource_state::ImportedResource {
                type_name: request.type_name,
                state: block.encode(found.state)?,
                private: found.private,
                identity,
            });
        }
        Ok(proto::import_resource_state::Response {
            imported_resources,
            diagnostics: diags.into_proto(),
            ..Default::default()
        })
    }

    /// The configuration of which a state could have been made.
    pub(super) fn generate(
        &self,
        request: proto::generate_resource_config::Request,
    ) -> Result<proto::generate_resource_config::Response, Status> {
        let (block, resource) = self.resource(&request.type_name)?;
        let mut config = block.decode_state(request.state)?;
        block.schema.null_computed(&mut config);
        block.schema.null_defaults(&mut config);
        Ok(proto::generate_resource_config::Response {
            config: block.encode(resource.configuration(config))?,
            diagnostics: Vec::new(),
        })
    }

    pub(super) async fn take_over(
        &self,
        request: proto::move_resource_state::Request,
    ) -> Result<proto::move_resource_state::Response, Status> {
        let target_type_name = request.target_type_name;
        let (block, resource) = self.resource(&target_type_name)?;
        let raw = request.source_state.unwrap_or_default();
        let state = RawState::parse(&raw.json)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let mut diags = Diagnostics::new();
        let request = Move {
            provider: request.source_provider_address,
            type_name: request.source_type_name,
            version: request.source_schema_version,
            state,
        };
        let taken = resource.take_over(request, &mut diags).await;
        let mut response = proto::move_resource_state::Response::default();
        if let Some(Imported { state, private }) = taken {
            let type_name = &target_type_name;
            response.target_identity = self.identity(type_name, resource, &state)?;
            response.target_state = block.encode(state)?;
            response.target_private = private;
        }
        response.diagnostics = diags.into_proto();
        Ok(response)
    }
}
