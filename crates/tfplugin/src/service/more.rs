//! Data sources, ephemeral resources and functions: messages in, trait calls, messages out.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::block::{Block, wire};
use super::{Gone, Inner, Service};
use crate::connection::Connection;
use crate::diagnostics::Diagnostics;
use crate::proto::tfplugin6 as proto;
use crate::provider::{DataSource, Ephemeral, FunctionError};
use crate::schema::FunctionSchema;
use crate::value::Value;

impl Inner {
    fn data_source(&self, type_name: &str) -> Result<(&Block, &dyn DataSource), Status> {
        let block = self.data_sources.get(type_name);
        let source = self.provider.data_source(type_name);
        block.zip(source).ok_or_else(|| {
            Status::invalid_argument(format!("the provider has no data source {type_name:?}"))
        })
    }

    fn ephemeral(&self, type_name: &str) -> Result<(&Block, &dyn Ephemeral), Status> {
        let block = self.ephemerals.get(type_name);
        let ephemeral = self.provider.ephemeral(type_name);
        block.zip(ephemeral).ok_or_else(|| {
            let text = format!("the provider has no ephemeral resource {type_name:?}");
            Status::invalid_argument(text)
        })
    }

    async fn open(
        &self,
        request: proto::open_ephemeral_resource::Request,
        connection: Connection,
    ) -> Result<proto::open_ephemeral_resource::Response, Status> {
        let (block, ephemeral) = self.ephemeral(&request.type_name)?;
        let config = block.decode(request.config)?;
        let mut diags = Diagnostics::new();
        let opened = ephemeral.open(config, connection, &mut diags).await;
        let mut response = proto::open_ephemeral_resource::Response::default();
        if let Some(opened) = opened {
            response.result = block.encode(opened.result)?;
            response.private = Some(opened.private);
            response.renew_at = opened.renew_at.map(Into::into);
        }
        response.diagnostics = diags.into_proto();
        Ok(response)
    }

    /// Waits until its host is gone, or the process ends, and closes it then, unless that was done.
    async fn close_when_left(&self, at: u64, host: Gone, shutdown: CancellationToken) {
        tokio::select! {
            () = host.cancelled() => {}
            () = shutdown.cancelled() => {}
        }
        let Some((type_name, private)) = self.opened.leaves(at) else {
            return;
        };
        if let Some(ephemeral) = self.provider.ephemeral(&type_name) {
            tracing::info!(type_name, "nobody closed it and its host is gone");
            let mut diags = Diagnostics::new();
            ephemeral.close(private, &mut diags).await;
            for said in diags.iter() {
                tracing::warn!("{}: {}", said.summary, said.detail);
            }
        }
    }

    pub(super) fn call(
        &self,
        request: proto::call_function::Request,
    ) -> Result<proto::call_function::Response, Status> {
        let known = self.provider.schema().functions.get(&request.name);
        let function = self.provider.function(&request.name);
        let (schema, function) = known.zip(function).ok_or_else(|| {
            Status::invalid_argument(format!("the provider has no function {:?}", request.name))
        })?;
        let called = arguments(schema, request.arguments).and_then(|all| function.call(&all));
        let (result, error) = match called {
            Ok(value) => (Some(wire(&value, &schema.returns)?), None),
            Err(FunctionError { text, argument }) => {
                let function_argument = argument.and_then(|at| i64::try_from(at).ok());
                let error = proto::FunctionError {
                    text,
                    function_argument,
                };
                (None, Some(error))
            }
        };
        Ok(proto::call_function::Response { result, error })
    }
}

/// As many as there are parameters, each of its type, and known.
fn arguments(
    schema: &FunctionSchema,
    given: Vec<proto::DynamicValue>,
) -> Result<Vec<Value>, FunctionError> {
    let error = |argument, text| FunctionError { text, argument };
    let (taken, count) = (schema.parameters.len(), given.len());
    if taken != count {
        let text = format!("It takes {taken} arguments, and {count} were given");
        return Err(error(None, text));
    }
    let each = schema.parameters.iter().zip(given).enumerate();
    each.map(|(at, (parameter, wire))| {
        let read = Value::from_msgpack(&parameter.ty, &wire.msgpack);
        let value = read.map_err(|wrong| error(Some(at), wrong.to_string()))?;
        match value.is_null() || !value.is_wholly_known() {
            true => Err(error(Some(at), "It must be a known value".to_owned())),
            false => Ok(value),
        }
    })
    .collect()
}

impl Service {
    pub(super) async fn validate_data(
        &self,
        request: proto::validate_data_resource_config::Request,
    ) -> Result<proto::validate_data_resource_config::Response, Status> {
        let (block, source) = self.inner.data_source(&request.type_name)?;
        let mut diags = Diagnostics::new();
        if let Some(config) = block.judge(request.config, &mut diags) {
            source.validate(&config, &mut diags).await;
        }
        Ok(proto::validate_data_resource_config::Response {
            diagnostics: diags.into_proto(),
        })
    }

    pub(super) async fn read_data(
        &self,
        request: proto::read_data_source::Request,
    ) -> Result<proto::read_data_source::Response, Status> {
        let (block, source) = self.inner.data_source(&request.type_name)?;
        let config = block.decode(request.config)?;
        let mut diags = Diagnostics::new();
        let state = source.read(config, &mut diags).await;
        Ok(proto::read_data_source::Response {
            state: match diags.has_errors() {
                true => None,
                false => block.encode(state)?,
            },
            diagnostics: diags.into_proto(),
            ..Default::default()
        })
    }

    pub(super) async fn validate_ephemeral(
        &self,
        request: proto::validate_ephemeral_resource_config::Request,
    ) -> Result<proto::validate_ephemeral_resource_config::Response, Status> {
        let (block, ephemeral) = self.inner.ephemeral(&request.type_name)?;
        let mut diags = Diagnostics::new();
        if let Some(config) = block.judge(request.config, &mut diags) {
            ephemeral.validate(&config, &mut diags).await;
        }
        Ok(proto::validate_ephemeral_resource_config::Response {
            diagnostics: diags.into_proto(),
        })
    }

    pub(super) async fn open_ephemeral(
        &self,
        request: proto::open_ephemeral_resource::Request,
        gone: Gone,
    ) -> Result<proto::open_ephemeral_resource::Response, Status> {
        let (inner, lifecycle) = (Arc::clone(&self.inner), self.lifecycle.clone());
        let host = gone.clone();
        let open = async move {
            let type_name = request.type_name.clone();
            let answer = inner.open(request, Connection::until(host.clone())).await?;
            if let Some(private) = answer.private.clone() {
                let shutdown = lifecycle.shutdown();
                let at = inner.opened.opens(type_name, private);
                let left = async move { inner.close_when_left(at, host, shutdown).await };
                drop(lifecycle.detach(left));
            }
            Ok(answer)
        };
        self.detached(gone, open).await
    }

    pub(super) async fn close_ephemeral(
        &self,
        request: proto::close_ephemeral_resource::Request,
        gone: Gone,
    ) -> Result<proto::close_ephemeral_resource::Response, Status> {
        let inner = Arc::clone(&self.inner);
        let close = async move {
            let (_, ephemeral) = inner.ephemeral(&request.type_name)?;
            let mut diags = Diagnostics::new();
            let private = request.private.unwrap_or_default();
            inner.opened.closes(&request.type_name, &private);
            ephemeral.close(private, &mut diags).await;
            Ok(proto::close_ephemeral_resource::Response {
                diagnostics: diags.into_proto(),
            })
        };
        self.detached(gone, close).await
    }

    pub(super) async fn renew_ephemeral(
        &self,
        request: proto::renew_ephemeral_resource::Request,
    ) -> Result<proto::renew_ephemeral_resource::Response, Status> {
        let (_, ephemeral) = self.inner.ephemeral(&request.type_name)?;
        let mut diags = Diagnostics::new();
        let before = request.private.unwrap_or_default();
        let mut private = before.clone();
        let renew_at = ephemeral.renew(&mut private, &mut diags).await;
        let opened = &self.inner.opened;
        opened.renews(&request.type_name, &before, &private);
        Ok(proto::renew_ephemeral_resource::Response {
            diagnostics: diags.into_proto(),
            renew_at: renew_at.map(Into::into),
            private: Some(private),
        })
    }

    pub(super) fn functions(&self) -> proto::get_functions::Response {
        proto::get_functions::Response {
            functions: self.inner.schemas.functions.clone(),
            ..Default::default()
        }
    }
}
