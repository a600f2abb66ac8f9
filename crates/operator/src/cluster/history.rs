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
const JUST_NOW: Duration = Duration::from_secs(1);

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
        let look = self.look(client, path, from, newest.as_ref());
        // Who cannot be asked now is asked when the watch ends again.
        let _unclear = timeout(ASKED_FOR, look).await;
    }

    /// Looks whether the store has come as far at this path, and has the newest `ApiToken`, where one is given; gives
    /// whether the answer is clear. One object is asked for, whatever a watch selects: the version of a list is that
    /// of the store.
    async fn look(
        &self,
        client: &Client,
        path: &str,
        from: u64,
        newest: Option<&Newest>,
    ) -> kube::Result<bool> {
        let one = ListParams::default().limit(1);
        let (path, one) = match newest.filter(|newest| !newest.goes) {
            None => (path.to_owned(), one),
            // In a namespace, one that is named is found without a look at any other.
            Some(Newest { token, .. }) => {
                let path = ApiToken::url_path(&(), token.namespace.as_deref());
                (path, one.fields(&format!("metadata.name={}", token.name)))
            }
        };
        let request = Request::new(path).list_metadata(&one);
        let request = request.map_err(kube::Error::BuildRequest)?;
        let listed: ObjectList<PartialObjectMeta<ApiToken>> = client.request(request).await?;
        self.goes_on(
            Some(from),
            number(listed.metadata.resource_version.as_deref()),
        );
        Ok(match (newest, listed.items.first()) {
            (Some(newest), Some(live)) if !newest.goes => {
                let live = live.metadata.resource_version.as_deref();
                self.goes_on(Some(newest.version), number(live));
                true
            }
            (Some(newest), _) => self.was_told(newest.version),
            (None, _) => true,
        })
    }

    /// Whether the store goes on from what we know; nothing where there is no clear answer. One question serves all
    /// who come until just after it began, and all who wait for its answer.
    pub(crate) async fn lasts(&self, client: &Client) -> Option<bool> {
        let came = Instant::now();
        let mut asked = self.asked.lock().await;
        let is_clear = match *asked {
            Some((begun, is_clear)) if came.duration_since(begun) < JUST_NOW => is_clear,
            _ => {
                let begun = Instant::now();
                let answer = timeout(ASKED_FOR, self.ask(client)).await;
                let is_clear = matches!(answer, Ok(Ok(true)));
                *asked = Some((begun, is_clear));
                is_clear
            }
        };
        match self.is_set_back.is_cancelled() {
            true => Some(false),
            false => is_clear.then_some(true),
        }
    }

    /// Asks for the newest `ApiToken` that we know: its version alone tells, since none is ever written anew. It is
    /// read, since a list may be what an API server remembers. Gives whether the answer is clear.
    async fn ask(&self, client: &Client) -> kube::Result<bool> {
        let Some(newest) = self.newest.lock().clone() else {
            return Ok(true);
        };
        let (known, token) = (newest.version, &newest.token);
        let namespace = token.namespace.as_deref().unwrap_or_default();
        let tokens: Api<ApiToken> = Api::namespaced(client.clone(), namespace);
        if !newest.goes
            && let Some(live) = tokens.get_metadata_opt(&token.name).await?
        {
            self.goes_on(
                Some(known),
                number(live.metadata.resource_version.as_deref()),
            );
            return Ok(true);
        }
        let path = tokens.resource_url();
        self.look(client, path, known, Some(&newest)).await
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

    /// Done once the store was set back.
    pub(crate) async fn set_back(&self) {
        self.is_set_back.cancelled().await;
    }
}
