//! Actions: checked, planned, and run detached while their progress is told.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Status;
use tonic::codegen::BoxStream;

use super::{Block, Gone, Inner, Service};
use crate::connection::Connection;
use crate::diagnostics::Diagnostics;
use crate::proto::tfplugin6 as proto;
use crate::proto::tfplugin6::invoke_action::Event;
use crate::proto::tfplugin6::invoke_action::event::{Completed, Progress as Told, Type};
use crate::provider::{Action, Invoke, Progress};

impl Inner {
    fn action(&self, name: &str) -> Result<(&Block, &dyn Action), Status> {
        let block = self.actions.get(name);
        let action = self.provider.action(name);
        block
            .zip(action)
            .ok_or_else(|| Status::invalid_argument(format!("the provider has no action {name:?}")))
    }

    pub(super) async fn validate_action(
        &self,
        request: proto::validate_action_config::Request,
    ) -> Result<proto::validate_action_config::Response, Status> {
        let (block, action) = self.action(&request.type_name)?;
        let mut diags = Diagnostics::new();
        if let Some(config) = block.judge(request.config, &mut diags) {
            action.validate(&config, &mut diags).await;
        }
        Ok(proto::validate_action_config::Response {
            diagnostics: diags.into_proto(),
        })
    }

    pub(super) async fn plan_action(
        &self,
        request: proto::plan_action::Request,
    ) -> Result<proto::plan_action::Response, Status> {
        let (block, action) = self.action(&request.action_type)?;
        let config = block.decode(request.config)?;
        let mut diags = Diagnostics::new();
        action.plan(&config, &mut diags).await;
        Ok(proto::plan_action::Response {
            diagnostics: diags.into_proto(),
            ..Default::default()
        })
    }
}

impl Service {
    pub(super) fn invoke(
        &self,
        request: proto::invoke_action::Request,
        gone: Gone,
    ) -> Result<BoxStream<Event>, Status> {
        let (block, _) = self.inner.action(&request.action_type)?;
        let config = block.decode(request.config)?;
        let (tell, told) = mpsc::unbounded_channel();
        let (inner, connection) = (Arc::clone(&self.inner), Connection::until(gone.clone()));
        let work = async move {
            let invoke = Invoke {
                config,
                connection,
                progress: Progress::to(tell.clone()),
            };
            let mut diags = Diagnostics::new();
            if let Ok((_, action)) = inner.action(&request.action_type) {
                action.invoke(invoke, &mut diags).await;
            }
            let diagnostics = diags.into_proto();
            // Nobody may be there to hear it.
            let _ = tell.send(Type::Completed(Completed { diagnostics }));
        };
        drop(self.lifecycle.detach(work));
        // Dropped with the stream: the work goes on and learns that nobody waits.
        let tell_when_dropped = gone.drop_guard();
        let events = UnboundedReceiverStream::new(told).map(move |of| {
            let _ = &tell_when_dropped;
            Ok(Event { r#type: Some(of) })
        });
        Ok(Box::pin(events))
    }
}

impl Progress {
    fn to(tell: mpsc::UnboundedSender<Type>) -> Self {
        Self::new(move |message| {
            let _ = tell.send(Type::Progress(Told { message }));
        })
    }
}
