//! An in-memory Kubernetes API: a `tower::Service` under `kube::Client`, for tests of every crash
//! point and for a demo on a machine without a control plane.
//!
//! It has what an operator lives by: resourceVersions and conflicts, finalizers, the status
//! subresource and generation, selectors, watches with bookmarks and 410, dry runs, the rules of
//! Secrets and of ending namespaces. Beyond a real server it has faults, stale views and a log.
//! It deliberately has no server-side apply, garbage collection, authorisation, no admission but what a test says, and
//! neither schemas, defaults nor CEL of custom resources: those are tested on a real kube-apiserver.
//! [`conformance`](crate::conformance) runs on both.
//!
//! In reading order: [`call`] (a request), [`kinds`], [`store`], [`server`], [`create`],
//! [`change`], [`delete`], [`rules`], [`read`], [`watch`], [`faults`], [`service`], [`listener`].

mod call;
mod change;
mod clock;
mod create;
mod delete;
mod discovery;
mod faults;
mod kinds;
mod listener;
mod managers;
mod read;
mod refusal;
mod rules;
mod selector;
mod server;
mod service;
mod shared;
mod store;
mod watch;

use std::sync::Arc;

use jiff::Timestamp;
use kube::Client;
use serde_json::Value;

pub use call::Verb;
pub use faults::{Fault, Record, Seen, StopPoint};
pub use listener::Listener;
pub use refusal::refusal;

use read::Stale;
use service::Service;
use shared::Shared;
use store::Key;

/// One in-memory API server; clones are the same server.
#[derive(Debug, Clone)]
pub struct Memory {
    shared: Arc<Shared>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Memory {
    /// An empty server with the namespaces that every cluster has.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(clock::now)
    }

    /// The same, with a clock of the test's own for the timestamps it sets.
    #[must_use]
    pub fn with_clock(clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self {
            shared: Arc::new(Shared::new(Box::new(clock))),
        }
    }

    /// A client with its own label, by which faults, stale views and the log know it.
    /// Must be called within a tokio runtime.
    #[must_use]
    pub fn client(&self, who: &str) -> Client {
        let service = Service {
            shared: Arc::clone(&self.shared),
            who: who.to_owned(),
        };
        Client::new(service, "default")
    }

    /// Serves the API on a free loopback port until the listener is dropped.
    ///
    /// # Errors
    ///
    /// When no port can be bound.
    pub async fn serve(&self) -> std::io::Result<Listener> {
        Listener::start(self.clone()).await
    }

    /// The truth about one object, past all faults and stale views. `kind` is a kind, a plural or
    /// a resource with its group; `namespace` is empty for cluster-scoped ones.
    #[must_use]
    pub fn snapshot(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        let view = self.shared.state().server.named(kind);
        view.into_iter()
            .find(|(key, _)| key.namespace == namespace && key.name == name)
            .map(|(_, object)| Value::clone(&object))
    }

    /// The truth about all objects of a kind, by namespace and name.
    #[must_use]
    pub fn snapshots(&self, kind: &str) -> Vec<Value> {
        let view = self.shared.state().server.named(kind);
        view.values().map(|object| Value::clone(object)).collect()
    }

    /// The newest resourceVersion.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.shared.state().server.store.version
    }

    /// Every request so far, in the order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Record> {
        self.shared.state().log.clone()
    }

    /// The requests of one client that meant to change something, events apart.
    #[must_use]
    pub fn writes(&self, who: &str) -> Vec<Record> {
        let mut writes = self.requests();
        writes.retain(|record| {
            let seen = &record.seen;
            seen.who == who && seen.is_write() && !seen.resource.starts_with("events")
        });
        writes
    }

    /// Asks `hook` about every request from now on. It must not set faults itself.
    pub fn on_request(&self, hook: impl FnMut(&Seen) -> Fault + Send + 'static) {
        self.shared.faults().set_hook(Box::new(hook));
    }

    /// Lets `webhook` change every object that is created or updated from now on, as mutating webhooks do.
    pub fn on_admission(&self, webhook: impl FnMut(&Seen, &mut Value) + Send + 'static) {
        self.shared.faults().set_webhook(Box::new(webhook));
    }

    /// Lets the next request that `matches` meet `fault`; comes before the hook.
    pub fn once(&self, matches: impl Fn(&Seen) -> bool + Send + 'static, fault: Fault) {
        self.shared.faults().add_once(Box::new(matches), fault);
    }

    /// How many one-shot faults have not been met yet.
    #[must_use]
    pub fn unmet_faults(&self) -> usize {
        self.shared.faults().pending()
    }

    /// Forgets the hooks and all one-shot faults.
    pub fn clear_faults(&self) {
        self.shared.faults().clear();
    }

    /// From now on this client reads `resource` (`secrets`, `apitokens.tokenwright.dev`) as it is
    /// at this moment, and its watches of it fall silent, until it is released. Writes go through.
    pub fn pin(&self, who: &str, resource: &str) {
        let version = self.version();
        // The newest version is always retained.
        let _ = self.pin_at(who, resource, version);
    }

    /// The same with an older state.
    ///
    /// # Errors
    ///
    /// When that version is not retained.
    pub fn pin_at(
        &self,
        who: &str,
        resource: &str,
        version: u64,
    ) -> Result<(), Box<kube::core::Status>> {
        let mut state = self.shared.state();
        let stale = Stale::of(&state.server, resource, version)?;
        let place = (who.to_owned(), resource.to_owned());
        state.stale.insert(place, stale);
        Ok(())
    }

    /// Ends a stale view: reads are new again, and the watches catch up.
    pub fn release(&self, who: &str, resource: &str) {
        let place = (who.to_owned(), resource.to_owned());
        self.shared.state().stale.remove(&place);
        self.shared.wake_watches();
    }

    /// Breaks the open watches of one client.
    pub fn cut_watches(&self, who: &str) {
        *self.shared.state().cuts.entry(who.to_owned()).or_default() += 1;
        self.shared.wake_watches();
    }

    /// Sends a bookmark on every open watch that accepts one.
    pub fn bookmark(&self) {
        self.shared.state().bookmarks_asked += 1;
        self.shared.wake_watches();
    }

    /// Forgets the history: older versions can no longer be watched or paged (410).
    pub fn compact(&self) {
        self.shared.state().server.store.compact();
    }

    /// Sets the store back to an earlier version, as a restore of etcd does.
    ///
    /// # Errors
    ///
    /// When that version is not retained.
    pub fn rewind(&self, version: u64) -> Result<(), Box<kube::core::Status>> {
        self.shared.state().server.store.rewind(version)?;
        Ok(())
    }

    /// Removes an object at once, finalizers or not, as an administrator with etcd in hand would.
    pub fn erase(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let mut state = self.shared.state();
        let found: Option<Key> = state
            .server
            .named(kind)
            .into_keys()
            .find(|key| key.namespace == namespace && key.name == name);
        let erased = found
            .map(|key| state.server.store.commit(key, None))
            .is_some();
        drop(state);
        self.shared.wake_watches();
        erased
    }
}
