//! The status of an `ApiToken`, which is written more often than all else: of an answer only that is read which
//! the write can have changed.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, Time};
use kube::api::ObjectMeta;
use kube::core::Request;
use kube::{Api, Error, Resource as _, ResourceExt as _};
use serde::{Deserialize, Serialize};
use tokenwright_api::token::ApiTokenSpec;
use tokenwright_api::{ApiToken, ApiTokenStatus};

use super::{Called, Calls, post};

/// What is sent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent<'a> {
    api_version: &'a str,
    kind: &'a str,
    metadata: ObjectMeta,
    spec: &'a ApiTokenSpec,
    status: &'a ApiTokenStatus,
}

/// What is read of the answer.
#[derive(Debug, Deserialize)]
struct Kept {
    metadata: Version,
    status: Option<ApiTokenStatus>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    resource_version: Option<String>,
    #[serde(default)]
    managed_fields: Vec<Writer>,
}

/// Who wrote last, without what: that is as long as all the rest.
#[derive(Debug, Deserialize)]
struct Writer {
    manager: Option<String>,
    subresource: Option<String>,
    time: Option<Time>,
}

impl From<Writer> for ManagedFieldsEntry {
    fn from(writer: Writer) -> Self {
        Self {
            manager: writer.manager,
            subresource: writer.subresource,
            time: writer.time,
            ..Self::default()
        }
    }
}

impl Calls {
    /// Writes a status at the version that was read, and gives the object as it is then: nothing else of it has
    /// changed, or it would have been refused.
    pub(crate) async fn record(
        &self,
        object: &ApiToken,
        status: &ApiTokenStatus,
    ) -> Called<ApiToken> {
        let namespace = object.namespace().unwrap_or_default();
        let metadata = ObjectMeta {
            managed_fields: None,
            ..object.metadata.clone()
        };
        let sent = Sent {
            api_version: &ApiToken::api_version(&()),
            kind: &ApiToken::kind(&()),
            metadata,
            spec: &object.spec,
            status,
        };
        let tokens = Request::new(ApiToken::url_path(&(), Some(&namespace)));
        let write = async {
            let body = serde_json::to_vec(&sent).map_err(Error::SerdeError)?;
            let request = tokens
                .replace_subresource("status", &object.name_any(), &post(false), body)
                .map_err(Error::BuildRequest)?;
            self.client.request::<Kept>(request).await
        };
        let api: Api<ApiToken> = Api::namespaced(self.client.clone(), &namespace);
        let kept = self
            .at_version("writing the status", (&api, object), write)
            .await?;
        let writers = kept.metadata.managed_fields.into_iter();
        Ok(ApiToken {
            metadata: ObjectMeta {
                resource_version: kept.metadata.resource_version,
                managed_fields: Some(writers.map(ManagedFieldsEntry::from).collect()),
                ..sent.metadata
            },
            spec: object.spec.clone(),
            status: kept.status,
        })
    }
}
