//! The Secrets of credentials at a start, when all issuers are looked at: one list in place of a read for
//! each of them.
//!
//! What it shows is used only where the watch shows the same version: whatever has changed is read by itself, and so
//! is what has no room here.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use tokio::sync::Mutex;

use crate::cluster::cause;
use crate::cluster::context::Context;
use crate::cluster::copies::without_writers;

/// All issuers are looked at within this.
const KEPT: Duration = Duration::from_secs(60);

/// Anybody may mark Secrets as credentials, as many as there is room for in the store: no more is read.
const READ: usize = 16 << 20;

/// What is larger is kept for nobody.
const LARGEST: usize = 64 << 10;

/// What each takes beside what it holds and says.
const EACH: usize = 1 << 10;

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

    /// All of them, as far as there is room. Where that fails each is read by itself, which tells why.
    async fn list(&self, context: &Context) -> Listed {
        let mut listed = Listed::new();
        let (mut room, mut after) = (READ, None);
        loop {
            let page = context.calls.credentials(&self.namespace, after).await;
            let (secrets, more) = match page {
                Ok(page) => page,
                Err(error) => {
                    let error = cause::chain(&error);
                    tracing::info!(error, "the credentials could not be listed");
                    return listed;
                }
            };
            for secret in secrets.into_iter().map(without_writers) {
                let size = size(&secret);
                room = room.saturating_sub(size);
                if size <= LARGEST {
                    let place = (secret.namespace().unwrap_or_default(), secret.name_any());
                    listed.insert(place, secret);
                }
            }
            after = more.filter(|_| room > 0);
            if after.is_none() {
                return listed;
            }
        }
    }
}

/// About how much room a Secret takes.
fn size(secret: &Secret) -> usize {
    let data = secret.data.iter().flatten();
    let data = data.map(|(key, value)| key.len().saturating_add(value.0.len()));
    let said = secret.annotations().iter();
    let said = said.map(|(key, value)| key.len().saturating_add(value.len()));
    data.chain(said).fold(EACH, usize::saturating_add)
}
