//! Whether the store of the cluster goes on from what we know, or was set back. Then our watches wait for
//! versions of a history that is no more, and what is there now seems old: the process has to begin anew.
//!
//! A version is compared only with one of the same kind, which was known before the API server was asked.

use std::sync::Arc;
use std::time::Duration;

use kube::api::ListParams;
use kube::core::{ObjectList, PartialObjectMeta, Request};
use kube::runtime::reflector::ObjectRef;
use kube::{Api, Client, Resource as _};
use parking_lot::Mutex;
use tokenwright_api::ApiToken;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// Nobody waits longer than this for the newest version.
const ASKED_FOR: Duration = Duration::from_secs(10);
/// A store is stopped before another one is set in its place: what it said so lately, it would say now.
pub(crate) const JUST_NOW: Duration = Duration::from_secs(1);

/// The watch tells within this time that somebody is gone, unless it waits for another history.
const TOLD: Duration = Duration::from_secs(60);

/// The newest version of all `ApiToken`s, and whose it is: whatever was lost, this one was.
#[derive(Debug, Clone)]
struct Newest {
    version: u64,
    token: ObjectRef<ApiToken>,
    /// It went in the history that we know: that it is not there tells nothing.
    goes: bool,
    /// Since when it is not there though nobody told that it went.
    missing: Option<Instant>,
}

/// The history of one store; clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    is_set_back: CancellationToken,
    newest: Arc<Mutex<Option<Newest>>>,
    /// When it was last asked whether the store goes on, and whether the answer was clear.
    asked: Arc<tokio::sync::Mutex<Option<(Instant, bool)>>>,
}

/// A version as a number; those of one API server grow.
pub(crate) fn number(version: Option<&str>) -> Option<u64> {
    version?.parse().ok()
}

type Listed = ObjectList<PartialObjectMeta<ApiToken>>;

/// A list of one object at this path, which may be narrowed.
async fn list_one(
    client: &Client,
    path: &str,
    narrow: impl FnOnce(ListParams) -> ListParams,
) -> kube::Result<Listed> {
    let one = narrow(ListParams::default().limit(1));
    let request = Request::new(path).list_metadata(&one);
    client
        .request(request.map_err(kube::Error::BuildRequest)?)
        .await
}

/// Whether the API server lets nobody of us look there.
fn is_refused(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 403)
}

/// Whether these are the `ApiToken`s.
pub(crate) fn is_of_tokens(path: &str) -> bool {
    path.ends_with("/apitokens")
}

impl History {
    /// The API server tells this version now, where another one was known before.
    pub(crate) fn goes_on(&self, from: Option<u64>, now: Option<u64>) {
        if let (Some(from), Some(now)) = (from, now)
            && now < from
        {
            tracing::error!(known = from, now, "the store of the cluster was set back");
            self.is_set_back.cancel();
        }
    }

    /// There is this version of an `ApiToken`.
    pub(crate) fn saw(&self, version: u64, of: impl FnOnce() -> ObjectRef<ApiToken>) {
        let mut newest = self.newest.lock();
        if newest.as_ref().is_none_or(|known| known.version < version) {
            *newest = Some(Newest {
                version,
                token: of(),
                goes: false,
                missing: None,
            });
        }
    }

    /// This `ApiToken` is let go, or gone.
    pub(crate) fn goes(&self, token: &ObjectRef<ApiToken>) {
        let mut newest = self.newest.lock();
        if let Some(known) = newest.as_mut().filter(|known| known.token == *token) {
            known.goes = true;
        }
    }

    /// A watch of the objects at this path ends, and is asked for from this version on: the store has come as far,
    /// or was set back. Of the `ApiToken`s, it still has the newest one, too, even if it has come as far again.
    pub(crate) async fn watched_on(&self, client: &Client, path: &str, from: u64) {
        let newest = self.newest.lock().clone();
        let newest = newest.filter(|_| is_of_tokens(path));
        let look = self.look(client, path, from, newest);
        // Who cannot be asked now is asked when the watch ends again.
        let _unclear = timeout(ASKED_FOR, look).await;
    }

    /// Looks whether the store has come as far, and has the newest `ApiToken`, where one is given that does not go;
    /// gives whether the answer is clear. Where that may not be looked for any more, as in a namespace that lost its
    /// RoleBinding, only how far the store has come is looked at, at this path.
    async fn look(
        &self,
        client: &Client,
        path: &str,
        from: u64,
        newest: Option<Newest>,
    ) -> kube::Result<bool> {
        let Some(newest) = newest.filter(|newest| !newest.goes) else {
            return self.has_come_as_far(client, path, from).await;
        };
        // In a namespace, one that is named is found without a look at any other.
        let token = &newest.token;
        let there = ApiToken::url_path(&(), token.namespace.as_deref());
        let named = format!("metadata.name={}", token.name);
        let listed = match list_one(client, &there, |one| one.fields(&named)).await {
            Err(error) if is_refused(&error) => {
                return self.has_come_as_far(client, path, from).await;
            }
            listed => listed?,
        };
        self.tells(from, &listed);
        let Some(live) = listed.items.first() else {
            return Ok(self.was_told(newest.version));
        };
        let live = live.metadata.resource_version.as_deref();
        self.goes_on(Some(newest.version), number(live));
        Ok(true)
    }

    /// Looks how far the store has come, whatever a watch of this path selects.
    async fn has_come_as_far(&self, client: &Client, path: &str, from: u64) -> kube::Result<bool> {
        let listed = list_one(client, path, |one| one).await?;
        self.tells(from, &listed);
        Ok(true)
    }

    /// The version of a list is that of the store.
    fn tells(&self, from: u64, listed: &Listed) {
        let now = listed.metadata.resource_version.as_deref();
        self.goes_on(Some(from), number(now));
    }

    /// Whether the store goes on from what we know, asked for the sake of a namespace; nothing where there is no
    /// clear answer. One question serves all who come until just after it began, and all who wait for its answer.
    pub(crate) async fn lasts(&self, client: &Client, namespace: &str) -> Option<bool> {
        let came = Instant::now();
        let mut asked = self.asked.lock().await;
        let is_clear = match *asked {
            Some((begun, is_clear)) if came.duration_since(begun) < JUST_NOW => is_clear,
            _ => {
                let begun = Instant::now();
                let answer = timeout(ASKED_FOR, self.ask(client, namespace)).await;
                let is_clear = matches!(answer, Ok(Ok(true)));
                // What may not be asked for the sake of this namespace may be for that of another.
                let is_refused = matches!(&answer, Ok(Err(error)) if is_refused(error));
                *asked = Some((begun, is_clear)).filter(|_| !is_refused);
                is_clear
            }
        };
        match self.was_set_back() {
            true => Some(false),
            false => is_clear.then_some(true),
        }
    }

    /// Asks for the newest `ApiToken` that we know: its version alone tells, since none is ever written anew. It is
    /// read, since a list may be what an API server remembers. Gives whether the answer is clear.
    async fn ask(&self, client: &Client, namespace: &str) -> kube::Result<bool> {
        let Some(newest) = self.newest.lock().clone() else {
            return Ok(true);
        };
        let (known, token) = (newest.version, &newest.token);
        let here = ApiToken::url_path(&(), Some(namespace));
        let there = token.namespace.as_deref().unwrap_or_default();
        let tokens: Api<ApiToken> = Api::namespaced(client.clone(), there);
        let live = match newest.goes {
            true => Ok(None),
            false => tokens.get_metadata_opt(&token.name).await,
        };
        match live {
            Ok(Some(live)) => {
                let live = live.metadata.resource_version;
                self.goes_on(Some(known), number(live.as_deref()));
                Ok(true)
            }
            Ok(None) => self.look(client, &here, known, Some(newest)).await,
            Err(error) if is_refused(&error) => {
                // Who may list there lacks this right alone, without which nothing ends.
                match list_one(client, tokens.resource_url(), |one| one).await {
                    Err(listed) if is_refused(&listed) => {
                        self.has_come_as_far(client, &here, known).await
                    }
                    _ => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the newest `ApiToken` is known to go, or another one is the newest now. The watch may be late to tell
    /// it, but not for long.
    fn was_told(&self, known: u64) -> bool {
        let mut newest = self.newest.lock();
        let untold = newest.as_mut().filter(|it| it.version == known && !it.goes);
        let Some(untold) = untold else {
            return true;
        };
        let since = *untold.missing.get_or_insert_with(Instant::now);
        if since.elapsed() >= TOLD {
            let token = &untold.token;
            tracing::error!(%token, "the store of the cluster was set back: no watch told that this is gone");
            self.is_set_back.cancel();
        }
        false
    }

    /// Whether it is known that the store was set back.
    pub(crate) fn was_set_back(&self) -> bool {
        self.is_set_back.is_cancelled()
    }

    /// Done once the store was set back.
    pub(crate) async fn set_back(&self) {
        self.is_set_back.cancelled().await;
    }
}
