//! The life of a resource: checked, upgraded, read, planned and applied.

use tonic::Status;

use super::{Block, Inner};
use crate::connection::Connection;
use crate::diagnostics::Diagnostics;
use crate::proto::tfplugin6 as proto;
use crate::provider::{Apply, Plan, Read, Resource};
use crate::value::{RawState, Value};

impl Inner {
    pub(super) fn resource(&self, type_name: &str) -> Result<(&Block, &dyn Resource), Status> {
        let block = self.resources.get(type_name);
        let resource = self.provider.resource(type_name);
        block.zip(resource).ok_or_else(|| {
            Status::invalid_argument(format!("the provider has no resource type {type_name:?}"))
        })
    }

    pub(super) async fn validate(
        &self,
        request: proto::validate_resource_config::Request,
    ) -> Result<proto::validate_resource_config::Response, Status> {
        let (block, resource) = self.resource(&request.type_name)?;
        let mut diags = Diagnostics::new();
        let allowed = request
            .client_capabilities
            .is_some_and(|client| client.write_only_attributes_allowed);
        if let Some(config) = block.judge(request.config, &mut diags) {
            if !allowed {
                block.refuse_write_only(&config, &mut diags);
            }
            resource.validate(&config, &mut diags).await;
        }
        Ok(proto::validate_resource_config::Response {
            diagnostics: diags.into_proto(),
        })
    }

    pub(super) async fn upgrade(
        &self,
        request: proto::upgrade_resource_state::Request,
    ) -> Result<proto::upgrade_resource_state::Response, Status> {
        let (block, resource) = self.resource(&request.type_name)?;
        let raw = request.raw_state.unwrap_or_default();
        let mut diags = Diagnostics::new();
        let state = match RawState::parse(&raw.json) {
            Ok(raw) if request.version == block.schema.version => raw.decode(&block.ty),
            Ok(raw) => Ok(resource.upgrade(request.version, raw, &mut diags).await),
            Err(error) => Err(error),
        };
        let state = state.unwrap_or_else(|error| {
            diags.error("The stored state cannot be read", format!("{error}."));
            Value::Null
        });
        let upgraded_state = match diags.has_errors() {
            true => None,
            false => {
                resource.meet(&state);
                block.encode(state)?
            }
        };
        Ok(proto::upgrade_resource_state::Response {
            upgraded_state,
            diagnostics: diags.into_proto(),
        })
    }

    pub(super) async fn read(
        &self,
        request: proto::read_resource::Request,
    ) -> Result<proto::read_resource::Response, Status> {
        let (block, resource) = self.resource(&request.type_name)?;
        let read = Read {
            state: block.decode_state(request.current_state)?,
            private: request.private,
        };
        let mut diags = Diagnostics::new();
        let result = resource.read(read, &mut diags).await;
        Ok(proto::read_resource::Response {
            new_identity: self.identity(&request.type_name, resource, &result.state)?,
            new_state: block.encode(result.state)?,
            private: result.private,
            diagnostics: diags.into_proto(),
            ..Default::default()
        })
    }

    pub(super) async fn plan(
        &self,
        request: proto::plan_resource_change::Request,
    ) -> Result<proto::plan_resource_change::Response, Status> {
        let (block, resource) = self.resource(&request.type_name)?;
        let mut plan = Plan {
            config: block.decode(request.config)?,
            prior: block.decode_state(request.prior_state)?,
            proposed: block.decode_state(request.proposed_new_state)?,
            private: request.prior_private,
        };
        let destroys = plan.proposed.is_null();
        if !destroys {
            let schema = &block.schema;
            schema.set_defaults(&plan.config, &mut plan.proposed);
        }
        let prior = plan.prior.clone();
        let before = self.identity(&request.type_name, resource, &prior)?;
        let mut diags = Diagnostics::new();
        let result = resource.plan(plan, &mut diags).await;
        let planned = match destroys {
            true => Value::Null,
            false => result.planned,
        };
        let mut replaced = block.schema.replaced_by(&prior, &planned);
        replaced.extend(result.requires_replace);
        Ok(proto::plan_resource_change::Response {
            // An identity never changes; what a plan leaves open is what it was.
            planned_identity: self
                .identity(&request.type_name, resource, &planned)?
                .or(before.filter(|_| !destroys)),
            planned_state: block.encode(planned)?,
            requires_replace: replaced.iter().map(|path| path.to_proto()).collect(),
            planned_private: result.private,
            diagnostics: diags.into_proto(),
            ..Default::default()
        })
    }

    pub(super) async fn apply(
        &self,
        request: proto::apply_resource_change::Request,
        connection: Connection,
    ) -> Result<proto::apply_resource_change::Response, Status> {
        let (block, resource) = self.resource(&request.type_name)?;
        let apply = Apply {
            config: block.decode(request.config)?,
            prior: block.decode_state(request.prior_state)?,
            planned: block.decode_state(request.planned_state)?,
            private: request.planned_private,
            connection,
        };
        let mut diags = Diagnostics::new();
        let result = resource.apply(apply, &mut diags).await;
        Ok(proto::apply_resource_change::Response {
            new_identity: self.identity(&request.type_name, resource, &result.state)?,
            new_state: block.encode(result.state)?,
            private: result.private,
            diagnostics: diags.into_proto(),
            ..Default::default()
        })
    }
}
