//! The provider service: protocol messages in, trait calls, protocol messages out.
//!
//! Here and nowhere else: values are decoded and encoded, write-only attributes are nulled, and
//! apply is detached from its call.

use std::collections::BTreeMap;
use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::connection::Connection;
use crate::diagnostics::Diagnostics;
use crate::lifecycle::Lifecycle;
use crate::proto::tfplugin6 as proto;
use crate::proto::tfplugin6::provider_server;
use crate::provider::{Apply, Import, Plan, Provider, Read, Resource};
use crate::schema::Schema;
use crate::transport::PeerClosed;
use crate::value::{RawState, Type, Value, ValueError};

/// Serves one provider.
pub(crate) struct Service {
    inner: Arc<Inner>,
    lifecycle: Lifecycle,
}

struct Inner {
    provider: Box<dyn Provider>,
    /// Built once: Terraform asks for it at every start.
    schemas: proto::get_provider_schema::Response,
    provider_block: Block,
    resources: BTreeMap<String, Block>,
}

/// A schema with its type, which is costly enough to keep.
struct Block {
    schema: Schema,
    ty: Type,
}

impl Block {
    fn new(schema: &Schema) -> Self {
        Self {
            ty: schema.ty(),
            schema: schema.clone(),
        }
    }

    fn encode(&self, mut value: Value) -> Result<Option<proto::DynamicValue>, Status> {
        self.schema.null_write_only(&mut value);
        let msgpack = value.to_msgpack(&self.ty).map_err(|error| {
            Status::internal(format!("the provider returned an unfit value: {error}"))
        })?;
        Ok(Some(proto::DynamicValue {
            msgpack,
            json: Vec::new(),
        }))
    }

    fn decode(&self, wire: Option<proto::DynamicValue>) -> Result<Value, Status> {
        self.read(wire)
            .map_err(|error| Status::invalid_argument(error.to_string()))
    }

    fn read(&self, wire: Option<proto::DynamicValue>) -> Result<Value, ValueError> {
        let Some(wire) = wire else {
            return Ok(Value::Null);
        };
        match (wire.msgpack.is_empty(), wire.json.is_empty()) {
            (true, true) => Ok(Value::Null),
            (true, false) => RawState::parse(&wire.json).and_then(|raw| raw.decode(&self.ty)),
            (false, _) => Value::from_msgpack(&self.ty, &wire.msgpack),
        }
    }

    /// A configuration that its provider may look at; after an error there is none.
    fn judge(&self, wire: Option<proto::DynamicValue>, diags: &mut Diagnostics) -> Option<Value> {
        match self.read(wire) {
            Ok(config) => {
                self.schema.check(&config, diags);
                (!diags.has_errors()).then_some(config)
            }
            Err(error) => {
                let path = error.attribute().cloned().unwrap_or_default();
                let detail = format!("{error}.");
                diags.error_at(path, "The configuration does not fit the schema", detail);
                None
            }
        }
    }

    fn refuse_write_only(&self, config: &Value, diags: &mut Diagnostics) {
        for path in self.schema.write_only_values(config) {
            diags.error_at(
                path,
                "Write-only attributes are not supported by this version",
                "This attribute is write-only, which needs Terraform 1.11 or OpenTofu 1.11, or later: an older one would store its value.",
            );
        }
    }

    /// For every value but the configuration: the proposed state carries write-only values.
    fn decode_state(&self, wire: Option<proto::DynamicValue>) -> Result<Value, Status> {
        let mut value = self.decode(wire)?;
        self.schema.null_write_only(&mut value);
        Ok(value)
    }
}

impl Inner {
    fn resource(&self, type_name: &str) -> Result<(&Block, &dyn Resource), Status> {
        let block = self.resources.get(type_name);
        let resource = self.provider.resource(type_name);
        block.zip(resource).ok_or_else(|| {
            Status::invalid_argument(format!("the provider has no resource type {type_name:?}"))
        })
    }

    async fn apply(
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
            new_state: block.encode(result.state)?,
            private: result.private,
            diagnostics: diags.into_proto(),
            ..Default::default()
        })
    }
}

impl Service {
    pub(crate) fn new(provider: Box<dyn Provider>, lifecycle: Lifecycle) -> Self {
        let schema = provider.schema();
        let resources = schema.resources.iter();
        let mut diags = Diagnostics::new();
        schema.check_definitions(&mut diags);
        let schemas = proto::get_provider_schema::Response {
            provider: Some(schema.provider.to_proto()),
            resource_schemas: resources
                .clone()
                .map(|(name, schema)| (name.clone(), schema.to_proto()))
                .collect(),
            server_capabilities: Some(capabilities()),
            diagnostics: diags.into_proto(),
            ..Default::default()
        };
        let inner = Inner {
            schemas,
            provider_block: Block::new(&schema.provider),
            resources: resources
                .map(|(name, schema)| (name.clone(), Block::new(schema)))
                .collect(),
            provider,
        };
        Self {
            inner: Arc::new(inner),
            lifecycle,
        }
    }
}

fn capabilities() -> proto::ServerCapabilities {
    proto::ServerCapabilities {
        plan_destroy: true,
        get_provider_schema_optional: true,
        move_resource_state: false,
        generate_resource_config: false,
    }
}

#[tonic::async_trait]
impl provider_server::Provider for Service {
    async fn get_metadata(
        &self,
        _: Request<proto::get_metadata::Request>,
    ) -> Result<Response<proto::get_metadata::Response>, Status> {
        let resources = self.inner.resources.keys();
        Ok(Response::new(proto::get_metadata::Response {
            server_capabilities: Some(capabilities()),
            resources: resources
                .map(|name| proto::get_metadata::ResourceMetadata {
                    type_name: name.clone(),
                })
                .collect(),
            ..Default::default()
        }))
    }

    async fn get_provider_schema(
        &self,
        _: Request<proto::get_provider_schema::Request>,
    ) -> Result<Response<proto::get_provider_schema::Response>, Status> {
        Ok(Response::new(self.inner.schemas.clone()))
    }

    async fn validate_provider_config(
        &self,
        request: Request<proto::validate_provider_config::Request>,
    ) -> Result<Response<proto::validate_provider_config::Response>, Status> {
        let mut diags = Diagnostics::new();
        let block = &self.inner.provider_block;
        if let Some(config) = block.judge(request.into_inner().config, &mut diags) {
            let provider = &self.inner.provider;
            provider.validate_config(&config, &mut diags).await;
        }
        Ok(Response::new(proto::validate_provider_config::Response {
            diagnostics: diags.into_proto(),
        }))
    }

    async fn configure_provider(
        &self,
        request: Request<proto::configure_provider::Request>,
    ) -> Result<Response<proto::configure_provider::Response>, Status> {
        let request = request.into_inner();
        tracing::debug!(terraform_version = request.terraform_version, "configure");
        let config = self.inner.provider_block.decode(request.config)?;
        let mut diags = Diagnostics::new();
        self.inner.provider.configure(config, &mut diags).await;
        Ok(Response::new(proto::configure_provider::Response {
            diagnostics: diags.into_proto(),
        }))
    }

    async fn validate_resource_config(
        &self,
        request: Request<proto::validate_resource_config::Request>,
    ) -> Result<Response<proto::validate_resource_config::Response>, Status> {
        let request = request.into_inner();
        let (block, resource) = self.inner.resource(&request.type_name)?;
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
        Ok(Response::new(proto::validate_resource_config::Response {
            diagnostics: diags.into_proto(),
        }))
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<proto::upgrade_resource_state::Request>,
    ) -> Result<Response<proto::upgrade_resource_state::Response>, Status> {
        let request = request.into_inner();
        let (block, resource) = self.inner.resource(&request.type_name)?;
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
            false => block.encode(state)?,
        };
        Ok(Response::new(proto::upgrade_resource_state::Response {
            upgraded_state,
            diagnostics: diags.into_proto(),
        }))
    }

    async fn read_resource(
        &self,
        request: Request<proto::read_resource::Request>,
    ) -> Result<Response<proto::read_resource::Response>, Status> {
        let request = request.into_inner();
        let (block, resource) = self.inner.resource(&request.type_name)?;
        let read = Read {
            state: block.decode_state(request.current_state)?,
            private: request.private,
        };
        let mut diags = Diagnostics::new();
        let result = resource.read(read, &mut diags).await;
        Ok(Response::new(proto::read_resource::Response {
            new_state: block.encode(result.state)?,
            private: result.private,
            diagnostics: diags.into_proto(),
            ..Default::default()
        }))
    }

    async fn plan_resource_change(
        &self,
        request: Request<proto::plan_resource_change::Request>,
    ) -> Result<Response<proto::plan_resource_change::Response>, Status> {
        let request = request.into_inner();
        let (block, resource) = self.inner.resource(&request.type_name)?;
        let plan = Plan {
            config: block.decode(request.config)?,
            prior: block.decode_state(request.prior_state)?,
            proposed: block.decode_state(request.proposed_new_state)?,
            private: request.prior_private,
        };
        let destroys = plan.proposed.is_null();
        let mut diags = Diagnostics::new();
        let result = resource.plan(plan, &mut diags).await;
        let planned = match destroys {
            true => Value::Null,
            false => result.planned,
        };
        Ok(Response::new(proto::plan_resource_change::Response {
            planned_state: block.encode(planned)?,
            requires_replace: result
                .requires_replace
                .iter()
                .map(|p| p.to_proto())
                .collect(),
            planned_private: result.private,
            diagnostics: diags.into_proto(),
            ..Default::default()
        }))
    }

    async fn apply_resource_change(
        &self,
        request: Request<proto::apply_resource_change::Request>,
    ) -> Result<Response<proto::apply_resource_change::Response>, Status> {
        let peer = request.extensions().get::<PeerClosed>().cloned();
        let gone = peer.map(|peer| peer.0.child_token()).unwrap_or_default();
        let connection = Connection::until(gone.clone());
        let (inner, request) = (self.inner.clone(), request.into_inner());
        let work = self
            .lifecycle
            .detach(async move { inner.apply(request, connection).await });
        // Dropped with this call: the work goes on and learns that nobody waits.
        let tell_when_dropped = gone.drop_guard();
        let answer = work.await;
        tell_when_dropped.disarm();
        match answer {
            Ok(answer) => answer.map(Response::new),
            Err(error) => Err(Status::internal(format!("apply did not end: {error}"))),
        }
    }

    async fn import_resource_state(
        &self,
        request: Request<proto::import_resource_state::Request>,
    ) -> Result<Response<proto::import_resource_state::Response>, Status> {
        let request = request.into_inner();
        let (block, resource) = self.inner.resource(&request.type_name)?;
        let mut diags = Diagnostics::new();
        let found = resource.import(Import { id: request.id }, &mut diags).await;
        let mut imported_resources = Vec::new();
        if let Some(found) = found {
            imported_resources.push(proto::import_resource_state::ImportedResource {
                type_name: request.type_name,
                state: block.encode(found.state)?,
                private: found.private,
                ..Default::default()
            });
        }
        Ok(Response::new(proto::import_resource_state::Response {
            imported_resources,
            diagnostics: diags.into_proto(),
            ..Default::default()
        }))
    }

    async fn stop_provider(
        &self,
        _: Request<proto::stop_provider::Request>,
    ) -> Result<Response<proto::stop_provider::Response>, Status> {
        self.inner.provider.stop().await;
        Ok(Response::new(proto::stop_provider::Response::default()))
    }
}
