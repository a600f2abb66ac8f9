//! Whether the store of the cluster goes on from what we know, or was set back. Then our watches wait for
//! versions of a history that is no more, and what is there now seems old: the process has to begin anew.
//!
//! A version is compared only with one of the same kind, which was known before the API server was asked.

use std::sync::Arc;
use std::time::Duration;

use kube::api::ListParams;
use kube::core::{ObjectList, PartialObjectMeta, Request};
use kube::runtime::reflector::ObjectRef;
use kube::{Api, Client};
use parking_lot::Mutex;
use tokenwright_api::ApiToken;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// Nobody waits longer than this for the newest version.
const ASKED_FOR: Duration = Duration::from_secs(10);
/// A store is stopped before another one is set in its place: what it said so lately, it would say now.
const JUST_NOW: Duration = Duration::from_secs(1);

type Newest = Option<(u64, ObjectRef<ApiToken>)>;

/// The history of one store; clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    is_set_back: CancellationToken,
    /// The newest version of all `ApiToken`s, and whose it is: whatever was lost, this one was.
    newest: Arc<Mutex<Newest>>,
    /// When it was last asked whether the store goes on, and whether the answer was clear.
    asked: Arc<tokio::sync::Mutex<Option<(Instant, bool)>>>,
}

/// A version as a number; those of one API server grow.
pub(crate) fn number(version: Option<&str>) -> Option<u64> {
    version?.parse().ok()
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
        if newest.as_ref().is_none_or(|(known, _)| *known < version) {
            *newest = Some((version, of()));
        }
    }

    /// A watch of the objects at this path comes back with a version: the store has come as far, or was set
    /// back. One object is asked for, whatever the watch selects: the version of a list is that of the store.
    /// Of the `ApiToken`s it is the newest one that we know, since the store may have come as far again.
    pub(crate) async fn watched_on(&self, client: &Client, path: &str, from: u64) {
        let is_tokens = path.ends_with("/apitokens");
        let newest = self.newest.lock().clone().filter(|_| is_tokens);
        let one = ListParams::default().limit(1);
        let one = newest.as_ref().map_or(one.clone(), |(_, token)| {
            let namespace = token.namespace.as_deref().unwrap_or_default();
            one.fields(&format!(
                "metadata.name={},metadata.namespace={namespace}",
                token.name
            ))
        });
        let Ok(request) = Request::new(path).list_metadata(&one) else {
            return;
        };
        let listed = client.request::<ObjectList<PartialObjectMeta<ApiToken>>>(request);
        // Who cannot be asked now is asked when the watch comes back again.
        if let Ok(Ok(listed)) = timeout(ASKED_FOR, listed).await {
            let now = listed.metadata.resource_version;
            self.goes_on(Some(from), number(now.as_deref()));
            let live = listed.items.first();
            let live = live.and_then(|live| live.metadata.resource_version.as_deref());
            self.goes_on(newest.map(|(version, _)| version), number(live));
        }
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
                let is_clear = matches!(answer, Ok(Ok(())));
                *asked = Some((begun, is_clear));
                is_clear
            }
        };
        match self.is_set_back.is_cancelled() {
            true => Some(false),
            false => is_clear.then_some(true),
        }
    }

    /// Asks for the newest `ApiToken` that we know: its version alone tells, since none is ever written anew.
    async fn ask(&self, client: &Client) -> kube::Result<()> {
        let Some((known, token)) = self.newest.lock().clone() else {
            return Ok(());
        };
        let namespace = token.namespace.as_deref().unwrap_or_default();
        let tokens: Api<ApiToken> = Api::namespaced(client.clone(), namespace);
        let now = match tokens.get_metadata_opt(&token.name).await? {
            Some(live) => live.metadata.resource_version,
            // It was deleted, or is of a history that is no more.
            None => {
                let one = ListParams::default().limit(1);
                let listed = tokens.list_metadata(&one).await?;
                listed.metadata.resource_version
            }
        };
        self.goes_on(Some(known), number(now.as_deref()));
        Ok(())
    }

    /// Done once the store was set back.
    pub(crate) async fn set_back(&self) {
        self.is_set_back.cancelled().await;
    }
}
