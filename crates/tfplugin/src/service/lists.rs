//! Lists of what exists and could be imported: one event for each, or one that says why there is none.

use tonic::Status;

use super::identity::wired;
use super::{Block, Inner};
use crate::diagnostics::Diagnostics;
use crate::proto::tfplugin6 as proto;
use crate::provider::{List, Listed, Lister};

impl Inner {
    fn lister(&self, type_name: &str) -> Result<(&Block, &dyn Lister), Status> {
        let block = self.lists.get(type_name);
        let lister = self.provider.lister(type_name);
        block.zip(lister).ok_or_else(|| {
            let text = format!("the provider lists no resources of type {type_name:?}");
            Status::invalid_argument(text)
        })
    }

    pub(super) async fn validate_list(
        &self,
        request: proto::validate_list_resource_config::Request,
    ) -> Result<proto::validate_list_resource_config::Response, Status> {
        let (block, lister) = self.lister(&request.type_name)?;
        let mut diags = Diagnostics::new();
        if let Some(config) = block.judge(request.config, &mut diags) {
            lister.validate(&config, &mut diags).await;
        }
        Ok(proto::validate_list_resource_config::Response {
            diagnostics: diags.into_proto(),
        })
    }

    pub(super) async fn list(
        &self,
        request: proto::list_resource::Request,
    ) -> Result<Vec<proto::list_resource::Event>, Status> {
        let type_name = &request.type_name;
        let (block, lister) = self.lister(type_name)?;
        let list = List {
            config: block.decode(request.config)?,
            states: request.include_resource_object,
        };
        let mut diags = Diagnostics::new();
        let found = lister.list(list, &mut diags).await;
        // What has no identity could be neither shown nor imported.
        let identity = self.provider.schema().identities.get(type_name);
        let resource = self.resources.get(type_name);
        let most = usize::try_from(request.limit).unwrap_or_default();
        let mut events = Vec::new();
        for Listed {
            identity: named,
            display_name,
            state,
        } in found.into_iter().take(most)
        {
            let state = state
                .zip(resource)
                .filter(|_| request.include_resource_object);
            events.push(proto::list_resource::Event {
                identity: match identity {
                    Some(schema) => wired(schema, named)?,
                    None => None,
                },
                display_name,
                resource_object: match state {
                    Some((state, block)) => block.encode(state)?,
                    None => None,
                },
                diagnostic: Vec::new(),
            });
        }
        let said = diags.into_proto();
        if !said.is_empty() {
            events.push(proto::list_resource::Event {
                diagnostic: said,
                ..Default::default()
            });
        }
        Ok(events)
    }
}
