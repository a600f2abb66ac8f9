//! How many Secrets of one namespace are written at once: what hangs there keeps no call of another tenant's waiting.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A part of the calls that may be under way at once: the webhooks and quotas of a namespace stand between.
const AT_ONCE: usize = 8;

/// The deliveries that are under way, by namespace; clones are the same ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Deliveries(Arc<Mutex<HashMap<String, Weak<Semaphore>>>>);

impl Deliveries {
    /// A turn of this namespace. Nobody closes it, so that there always is one.
    pub(super) async fn turn(&self, namespace: &str) -> Option<OwnedSemaphorePermit> {
        let turns = {
            let mut all = self.0.lock();
            all.retain(|_, turns| turns.strong_count() > 0);
            let known = all.get(namespace).and_then(Weak::upgrade);
            let turns = known.unwrap_or_else(|| Arc::new(Semaphore::new(AT_ONCE)));
            all.insert(namespace.to_owned(), Arc::downgrade(&turns));
            turns
        };
        turns.acquire_owned().await.ok()
    }
}
