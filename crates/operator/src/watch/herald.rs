//! Issuers are told of what changes about their ApiTokens at once, and then once a second at most: each time
//! an issuer looks at all of its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kube::runtime::reflector::ObjectRef;
use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedSender;

use crate::cluster::context::Tasks;
use crate::issuer::object::IssuerObject;

/// How long an issuer is left alone after it was told.
const QUIET: Duration = Duration::from_secs(1);

/// Tells issuers of one kind.
pub(super) struct Herald<K: IssuerObject> {
    issuers: UnboundedSender<ObjectRef<K>>,
    tasks: Tasks,
    /// Those that were told within the last second, and whether there is more to tell.
    told: Mutex<HashMap<ObjectRef<K>, bool>>,
}

impl<K: IssuerObject> Herald<K> {
    pub(super) fn new(issuers: UnboundedSender<ObjectRef<K>>, tasks: Tasks) -> Arc<Self> {
        Arc::new(Self {
            issuers,
            tasks,
            told: Mutex::default(),
        })
    }

    /// Has an issuer look at its ApiTokens.
    pub(super) fn tell(self: &Arc<Self>, issuer: ObjectRef<K>) {
        if let Some(more) = self.told.lock().get_mut(&issuer) {
            *more = true;
            return;
        }
        self.told.lock().insert(issuer.clone(), false);
        let _ended = self.issuers.send(issuer.clone());
        let herald = Arc::clone(self);
        self.tasks.later(QUIET, move || {
            let more = herald.told.lock().remove(&issuer);
            if more.unwrap_or_default() {
                herald.tell(issuer);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use tokenwright_api::TokenIssuer;
    use tokio::sync::mpsc::unbounded_channel;
    use tokio_util::sync::CancellationToken;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_thousand_events_within_a_second_are_told_twice() {
        let (sender, mut told) = unbounded_channel();
        let (tasks, mut started) = unbounded_channel();
        tokio::spawn(async move {
            while let Some(task) = started.recv().await {
                tokio::spawn(task);
            }
        });
        let herald =
            Herald::<TokenIssuer>::new(sender, Tasks::new(tasks, CancellationToken::new()));
        for _ in 0..1000 {
            herald.tell(ObjectRef::new("issuer").within("team-a"));
        }
        herald.tell(ObjectRef::new("other").within("team-a"));
        assert_eq!(told.len(), 2, "one each, at once");
        tokio::time::sleep(QUIET * 5).await;
        assert_eq!(told.len(), 3, "and the rest together");
        assert!(told.recv().await.is_some());
    }
}
