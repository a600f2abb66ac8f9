//! Secrets: read live, delivered, changed and removed; none of it but reading while only looking.

use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, ListParams, Patch, Preconditions};
use kube::core::NamespaceResourceScope;
use kube::{Api, ResourceExt as _};
use tokenwright_api::names::label;
use tokio::time::timeout;

use super::{
    CallError, Called, Calls, LIMIT_OF_DELIVERY, Scoped as _, at_version, found, patch, post,
};
use crate::cluster::name::is_name;

/// Anybody may mark a Secret as a credential, and each may have a megabyte.
const CREDENTIALS_AT_ONCE: u32 = 25;

impl Calls {
    /// Nobody should ask for what changes a Secret while only looking; whoever does is refused.
    fn may_write(&self, what: &'static str) -> Called<()> {
        match self.observe_only {
            true => Err(CallError::Refused {
                what,
                message: "the operator only observes".to_owned(),
            }),
            false => Ok(()),
        }
    }

    fn secrets(&self, namespace: &str) -> Api<Secret> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// A Secret as it is now.
    pub(crate) async fn secret(&self, namespace: &str, name: &str) -> Called<Option<Secret>> {
        if !is_name(name) {
            return Ok(None);
        }
        let secrets = self.secrets(namespace);
        found(self.limited("reading the Secret", secrets.get(name)).await)
    }

    /// A page of the Secrets that are marked as credentials of issuers, in a namespace or, where that is empty, in
    /// all; and what the next one is asked for by.
    pub(crate) async fn credentials(
        &self,
        namespace: &str,
        after: Option<String>,
    ) -> Called<(Vec<Secret>, Option<String>)> {
        let secrets: Api<Secret> = NamespaceResourceScope::api(self.client.clone(), namespace);
        let (label, value) = (label::CREDENTIAL, label::CREDENTIAL_OF_ISSUER);
        let page = ListParams {
            label_selector: Some(format!("{label}={value}")),
            limit: Some(CREDENTIALS_AT_ONCE),
            continue_token: after,
            ..ListParams::default()
        };
        let listed = self.limited("listing the credentials", secrets.list(&page));
        let listed = listed.await?;
        let more = listed.metadata.continue_.filter(|more| !more.is_empty());
        Ok((listed.items, more))
    }

    /// Creates the Secret, or updates it where it has a version; only tries that where it is a `rehearsal`.
    pub(crate) async fn deliver(&self, secret: &Secret, rehearsal: bool) -> Called<Secret> {
        self.may_write("writing the Secret")?;
        let namespace = secret.namespace().unwrap_or_default();
        // Who waits for long looks anew whether it is still to be written.
        let turn = timeout(LIMIT_OF_DELIVERY, self.deliveries.turn(&namespace)).await;
        let _turn = turn.map_err(|_late| CallError::Unclear {
            what: "writing the Secret, after many others of its namespace",
            source: None,
        })?;
        let secrets = self.secrets(&namespace);
        let (name, post) = (secret.name_any(), post(rehearsal));
        // The same limit for both.
        let calls = Self {
            limit: LIMIT_OF_DELIVERY,
            ..self.clone()
        };
        let written = match secret.metadata.resource_version {
            None => {
                let created = secrets.create(&post, secret);
                calls.limited("creating the Secret", created).await
            }
            Some(_) => {
                let updated = secrets.replace(&name, &post, secret);
                let at = (&secrets, secret);
                calls.at_version("updating the Secret", at, updated).await
            }
        };
        let written = written.map_err(|error| error.about(secret));
        written.map_err(|error| match rehearsal {
            true => error.of_rehearsal(),
            false => error,
        })
    }

    /// Deletes the Secret at the version that was read, where the store goes on; whether it is gone, since finalizers
    /// of others may hold it.
    pub(crate) async fn remove_secret(&self, secret: &Secret) -> Called<bool> {
        self.may_write("deleting the Secret")?;
        let (namespace, name) = (secret.namespace().unwrap_or_default(), secret.name_any());
        self.store_goes_on(&namespace).await?;
        let secrets = self.secrets(&namespace);
        let exactly = DeleteParams::default().preconditions(Preconditions {
            uid: secret.uid(),
            resource_version: secret.resource_version(),
        });
        let deleted = secrets.delete(&name, &exactly);
        let at = (&secrets, secret);
        let gone = self.at_version("deleting the Secret", at, deleted).await;
        let gone = gone.map_err(|error| error.about(secret));
        found(gone).map(|gone| gone.is_none_or(|gone| gone.is_right()))
    }

    /// Changes metadata of a Secret at the version that was read; not while only looking.
    pub(crate) async fn patch_secret(
        &self,
        secret: &Secret,
        metadata: serde_json::Value,
    ) -> Called<Secret> {
        if self.observe_only {
            return Ok(secret.clone());
        }
        let secrets = self.secrets(&secret.namespace().unwrap_or_default());
        let change = at_version(metadata, secret.resource_version());
        let (name, params, change) = (secret.name_any(), patch(), Patch::Merge(change));
        let changed = secrets.patch(&name, &params, &change);
        let at = (&secrets, secret);
        let changed = self.at_version("changing the Secret", at, changed).await;
        changed.map_err(|error| error.about(secret))
    }
}
