//! The Secrets of credentials at a start, when all issuers are looked at: one list in place of a read for
//! each of them.
//!
//! What it shows is used only where the watch shows the same version: whatever has changed is read by itself.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use tokio::sync::Mutex;

use crate::cluster::cause;
use crate::cluster::context::Context;

/// All issuers are looked at within this.
const KEPT: Duration = Duration::from_secs(60);

/// Secrets by namespace and name.
type Listed = HashMap<(String, String), Secret>;

/// The credentials of one namespace, or of all of them; clones are the same ones.
#[derive(Clone)]
pub(crate) struct AtStart {
    namespace: String,
    /// Nothing before it was asked for.
    listed: Arc<Mutex<Option<Listed>>>,
}

impl fmt::Debug for AtStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AtStart")
    }
}

impl AtStart {
    /// Nothing was listed yet; the empty namespace is all of them.
    pub(crate) fn new(namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            listed: Arc::default(),
        }
    }

    /// The Secret that the watch shows at this version, where the list shows it, too.
    pub(crate) async fn get(
        &self,
        context: &Context,
        (namespace, name): (&str, &str),
        version: &str,
    ) -> Option<Secret> {
        let mut listed = self.listed.lock().await;
        if listed.is_none() {
            *listed = Some(self.list(context).await);
        }
        let place = (namespace.to_owned(), name.to_owned());
        let secret = listed.as_ref()?.get(&place)?;
        let same = secret.resource_version().as_deref() == Some(version);
        same.then(|| secret.clone())
    }

    /// Once all were looked at nothing is kept, and from then on each credential is read by itself.
    pub(crate) async fn forget(&self) {
        tokio::time::sleep(KEPT).await;
        *self.listed.lock().await = Some(Listed::new());
    }

    /// All of them. Where that fails each is read by itself, which tells why.
    async fn list(&self, context: &Context) -> Listed {
        let place = |secret: &Secret| (secret.namespace().unwrap_or_default(), secret.name_any());
        match context.calls.credentials(&self.namespace).await {
            Ok(all) => all.into_iter().map(|one| (place(&one), one)).collect(),
            Err(error) => {
                let error = cause::chain(&error);
                tracing::info!(error, "the credentials could not be listed");
                Listed::new()
            }
        }
    }
}
