//! The provider service: protocol messages in, trait calls, protocol messages out.
//!
//! Here and nowhere else: values are decoded and encoded, write-only attributes are nulled, and
//! apply is detached from its call.

use std::collections::BTreeMap;
use std::sync::Arc;

use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

use crate::connection::Connection;
use crate::diagnostics::Diagnostics;
use crate::lifecycle::Lifecycle;
use crate::proto::tfplugin6 as proto;
use crate::proto::tfplugin6::provider_server;
use crate::provider::Provider;
use crate::transport::PeerClosed;

mod actions;
mod arrivals;
mod block;
mod identity;
mod life;
mod lists;
mod more;
mod offer;
mod opened;

use block::Block;
use offer::{blocks, capabilities, names, schemas};
use opened::Opened;

/// Cancelled when nobody waits for the answer of a call any more.
type Gone = tokio_util::sync::CancellationToken;

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
    data_sources: BTreeMap<String, Block>,
    ephemerals: BTreeMap<String, Block>,
    lists: BTreeMap<String, Block>,
    actions: BTreeMap<String, Block>,
    opened: Opened,
}

impl Service {
    pub(crate) fn new(provider: Box<dyn Provider>, lifecycle: Lifecycle) -> Self {
        let schema = provider.schema();
        let mut diags = Diagnostics::new();
        schema.check_definitions(&mut diags);
        let schemas = proto::get_provider_schema::Response {
            provider: Some(schema.provider.to_proto()),
            resource_schemas: schemas(&schema.resources),
            data_source_schemas: schemas(&schema.data_sources),
            ephemeral_resource_schemas: schemas(&schema.ephemerals),
            functions: schema
                .functions
                .iter()
                .map(|(name, function)| (name.clone(), function.to_proto()))
                .collect(),
            list_resource_schemas: schemas(&schema.lists),
            action_schemas: schema
                .actions
                .iter()
                .map(|(name, action)| {
                    let schema = Some(action.to_proto());
                    (name.clone(), proto::ActionSchema { schema })
                })
                .collect(),
            server_capabilities: Some(capabilities()),
            diagnostics: diags.into_proto(),
            ..Default::default()
        };
        let inner = Inner {
            schemas,
            provider_block: Block::new(&schema.provider),
            resources: blocks(&schema.resources),
            data_sources: blocks(&schema.data_sources),
            ephemerals: blocks(&schema.ephemerals),
            lists: blocks(&schema.lists),
            actions: blocks(&schema.actions),
            opened: Opened::default(),
            provider,
        };
        Self {
            inner: Arc::new(inner),
            lifecycle,
        }
    }

    /// Runs work that outlives its call, and tells it when nobody waits any more.
    async fn detached<T: Send + 'static>(
        &self,
        gone: Gone,
        work: impl Future<Output = Result<T, Status>> + Send + 'static,
    ) -> Result<T, Status> {
        let work = self.lifecycle.detach(work);
        // Dropped with this call: the work goes on and learns that nobody waits.
        let tell_when_dropped = gone.drop_guard();
        let answer = work.await;
        tell_when_dropped.disarm();
        answer
            .unwrap_or_else(|error| Err(Status::internal(format!("the work did not end: {error}"))))
    }
}

/// What tells that nobody waits for the answer to a request.
fn gone<T>(request: &Request<T>) -> Gone {
    let peer = request.extensions().get::<PeerClosed>();
    peer.map(|peer| peer.0.child_token()).unwrap_or_default()
}

#[tonic::async_trait]
impl provider_server::Provider for Service {
    async fn get_metadata(
        &self,
        _: Request<proto::get_metadata::Request>,
    ) -> Result<Response<proto::get_metadata::Response>, Status> {
        Ok(Response::new(proto::get_metadata::Response {
            server_capabilities: Some(capabilities()),
            resources: names(&self.inner.resources)
                .map(|type_name| proto::get_metadata::ResourceMetadata { type_name })
                .collect(),
            data_sources: names(&self.inner.data_sources)
                .map(|type_name| proto::get_metadata::DataSourceMetadata { type_name })
                .collect(),
            ephemeral_resources: names(&self.inner.ephemerals)
                .map(|type_name| proto::get_metadata::EphemeralMetadata { type_name })
                .collect(),
            functions: self
                .inner
                .schemas
                .functions
                .keys()
                .map(|name| proto::get_metadata::FunctionMetadata { name: name.clone() })
                .collect(),
            list_resources: names(&self.inner.lists)
                .map(|type_name| proto::get_metadata::ListResourceMetadata { type_name })
                .collect(),
            actions: names(&self.inner.actions)
                .map(|type_name| proto::get_metadata::ActionMetadata { type_name })
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
        let answer = self.inner.validate(request.into_inner()).await;
        answer.map(Response::new)
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<proto::upgrade_resource_state::Request>,
    ) -> Result<Response<proto::upgrade_resource_state::Response>, Status> {
        let answer = self.inner.upgrade(request.into_inner()).await;
        answer.map(Response::new)
    }

    async fn read_resource(
        &self,
        request: Request<proto::read_resource::Request>,
    ) -> Result<Response<proto::read_resource::Response>, Status> {
        let answer = self.inner.read(request.into_inner()).await;
        answer.map(Response::new)
    }

    async fn plan_resource_change(
        &self,
        request: Request<proto::plan_resource_change::Request>,
    ) -> Result<Response<proto::plan_resource_change::Response>, Status> {
        let answer = self.inner.plan(request.into_inner()).await;
        answer.map(Response::new)
    }

    async fn apply_resource_change(
        &self,
        request: Request<proto::apply_resource_change::Request>,
    ) -> Result<Response<proto::apply_resource_change::Response>, Status> {
        let gone = gone(&request);
        let connection = Connection::until(gone.clone());
        let (inner, request) = (self.inner.clone(), request.into_inner());
        let work = async move { inner.apply(request, connection).await };
        self.detached(gone, work).await.map(Response::new)
    }

    async fn import_resource_state(
        &self,
        request: Request<proto::import_resource_state::Request>,
    ) -> Result<Response<proto::import_resource_state::Response>, Status> {
        let answer = self.inner.import(request.into_inner()).await;
        answer.map(Response::new)
    }

    async fn generate_resource_config(
        &self,
        request: Request<proto::generate_resource_config::Request>,
    ) -> Result<Response<proto::generate_resource_config::Response>, Status> {
        let answer = self.inner.generate(request.into_inner());
        answer.map(Response::new)
    }

    async fn move_resource_state(
        &self,
        request: Request<proto::move_resource_state::Request>,
    ) -> Result<Response<proto::move_resource_state::Response>, Status> {
        let answer = self.inner.take_over(request.into_inner()).await;
        answer.map(Response::new)
    }

    async fn validate_data_resource_config(
        &self,
        request: Request<proto::validate_data_resource_config::Request>,
    ) -> Result<Response<proto::validate_data_resource_config::Response>, Status> {
        let answer = self.validate_data(request.into_inner()).await;
        answer.map(Response::new)
    }

    async fn read_data_source(
        &self,
        request: Request<proto::read_data_source::Request>,
    ) -> Result<Response<proto::read_data_source::Response>, Status> {
        let answer = self.read_data(request.into_inner()).await;
        answer.map(Response::new)
    }

    async fn validate_ephemeral_resource_config(
        &self,
        request: Request<proto::validate_ephemeral_resource_config::Request>,
    ) -> Result<Response<proto::validate_ephemeral_resource_config::Response>, Status> {
        let answer = self.validate_ephemeral(request.into_inner()).await;
        answer.map(Response::new)
    }

    async fn open_ephemeral_resource(
        &self,
        request: Request<proto::open_ephemeral_resource::Request>,
    ) -> Result<Response<proto::open_ephemeral_resource::Response>, Status> {
        let gone = gone(&request);
        let answer = self.open_ephemeral(request.into_inner(), gone).await;
        answer.map(Response::new)
    }

    async fn close_ephemeral_resource(
        &self,
        request: Request<proto::close_ephemeral_resource::Request>,
    ) -> Result<Response<proto::close_ephemeral_resource::Response>, Status> {
        let gone = gone(&request);
        let answer = self.close_ephemeral(request.into_inner(), gone).await;
        answer.map(Response::new)
    }

    async fn renew_ephemeral_resource(
        &self,
        request: Request<proto::renew_ephemeral_resource::Request>,
    ) -> Result<Response<proto::renew_ephemeral_resource::Response>, Status> {
        let answer = self.renew_ephemeral(request.into_inner()).await;
        answer.map(Response::new)
    }

    async fn get_functions(
        &self,
        _: Request<proto::get_functions::Request>,
    ) -> Result<Response<proto::get_functions::Response>, Status> {
        Ok(Response::new(self.functions()))
    }

    async fn call_function(
        &self,
        request: Request<proto::call_function::Request>,
    ) -> Result<Response<proto::call_function::Response>, Status> {
        self.inner.call(request.into_inner()).map(Response::new)
    }

    async fn get_resource_identity_schemas(
        &self,
        _: Request<proto::get_resource_identity_schemas::Request>,
    ) -> Result<Response<proto::get_resource_identity_schemas::Response>, Status> {
        Ok(Response::new(self.inner.identity_schemas()))
    }

    async fn upgrade_resource_identity(
        &self,
        request: Request<proto::upgrade_resource_identity::Request>,
    ) -> Result<Response<proto::upgrade_resource_identity::Response>, Status> {
        let answer = self.inner.upgrade_identity(request.into_inner());
        answer.map(Response::new)
    }

    async fn validate_list_resource_config(
        &self,
        request: Request<proto::validate_list_resource_config::Request>,
    ) -> Result<Response<proto::validate_list_resource_config::Response>, Status> {
        let answer = self.inner.validate_list(request.into_inner()).await;
        answer.map(Response::new)
    }

    async fn list_resource(
        &self,
        request: Request<proto::list_resource::Request>,
    ) -> Result<Response<BoxStream<proto::list_resource::Event>>, Status> {
        let events = self.inner.list(request.into_inner()).await?;
        let events = events.into_iter().map(Ok);
        Ok(Response::new(Box::pin(tokio_stream::iter(events))))
    }

    async fn validate_action_config(
        &self,
        request: Request<proto::validate_action_config::Request>,
    ) -> Result<Response<proto::validate_action_config::Response>, Status> {
        let answer = self.inner.validate_action(request.into_inner()).await;
        answer.map(Response::new)
    }

    async fn plan_action(
        &self,
        request: Request<proto::plan_action::Request>,
    ) -> Result<Response<proto::plan_action::Response>, Status> {
        let answer = self.inner.plan_action(request.into_inner()).await;
        answer.map(Response::new)
    }

    async fn invoke_action(
        &self,
        request: Request<proto::invoke_action::Request>,
    ) -> Result<Response<BoxStream<proto::invoke_action::Event>>, Status> {
        let gone = gone(&request);
        let events = self.invoke(request.into_inner(), gone)?;
        Ok(Response::new(events))
    }

    async fn stop_provider(
        &self,
        _: Request<proto::stop_provider::Request>,
    ) -> Result<Response<proto::stop_provider::Response>, Status> {
        self.inner.provider.stop().await;
        Ok(Response::new(proto::stop_provider::Response::default()))
    }
}
