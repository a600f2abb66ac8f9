//! The services that go-plugin expects beside the provider: health, controller, stdio, broker.

use futures::{StreamExt, stream};
use tokio_util::sync::CancellationToken;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, Streaming};

use crate::lifecycle::Lifecycle;
use crate::proto::health::health_check_response::ServingStatus;
use crate::proto::health::health_server::Health;
use crate::proto::health::{HealthCheckRequest, HealthCheckResponse};
use crate::proto::plugin::grpc_broker_server::GrpcBroker;
use crate::proto::plugin::grpc_controller_server::GrpcController;
use crate::proto::plugin::grpc_stdio_server::GrpcStdio;
use crate::proto::plugin::{ConnInfo, Empty, StdioData};

/// All four services: each knows only when the process is about to end.
#[derive(Debug, Clone)]
pub(crate) struct Builtin(pub(crate) Lifecycle);

/// A stream without items that ends with the server, so that no open stream delays the end.
fn pending<T: Send + 'static>(end: CancellationToken) -> BoxStream<T> {
    Box::pin(stream::pending().take_until(end.cancelled_owned()))
}

#[tonic::async_trait]
impl GrpcController for Builtin {
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.0.shut_down();
        Ok(Response::new(Empty {}))
    }
}

#[tonic::async_trait]
impl GrpcStdio for Builtin {
    async fn stream_stdio(&self, _: Request<()>) -> Result<Response<BoxStream<StdioData>>, Status> {
        Ok(Response::new(pending(self.0.shutdown())))
    }
}

#[tonic::async_trait]
impl GrpcBroker for Builtin {
    async fn start_stream(
        &self,
        _: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<BoxStream<ConnInfo>>, Status> {
        Ok(Response::new(pending(self.0.shutdown())))
    }
}

#[tonic::async_trait]
impl Health for Builtin {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        serving(&request.into_inner().service).map(Response::new)
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<BoxStream<HealthCheckResponse>>, Status> {
        let now = serving(&request.into_inner().service)?;
        let first = stream::once(async move { Ok(now) });
        let stream = first.chain(pending(self.0.shutdown()));
        Ok(Response::new(Box::pin(stream)))
    }
}

fn serving(service: &str) -> Result<HealthCheckResponse, Status> {
    match service {
        "" | "plugin" => Ok(HealthCheckResponse {
            status: ServingStatus::Serving.into(),
        }),
        _ => Err(Status::not_found("no such service")),
    }
}
