//! Whoever looks at many objects is told of what changes about them at once, and then once a second at most: each
//! time an issuer looks at all of its ApiTokens, and whoever looks for credentials that nobody holds at all of those.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedSender;

use crate::cluster::context::Tasks;

/// How long somebody is left alone after they were told.
const QUIET: Duration = Duration::from_secs(1);

/// Tells those of one kind.
pub(super) struct Herald<T> {
    all: UnboundedSender<T>,
    tasks: Tasks,
    /// Those that were told within the last second, and whether there is more to tell.
    told: Mutex<HashMap<T, bool>>,
}

impl<T: Clone + Eq + Hash + Send + 'static> Herald<T> {
    pub(super) fn new(all: UnboundedSender<T>, tasks: Tasks) -> Arc<Self> {
        Arc::new(Self {
            all,
            tasks,
            told: Mutex::default(),
        })
    }

    /// Has one of them look.
    pub(super) fn tell(self: &Arc<Self>, one: T) {
        if let Some(more) = self.told.lock().get_mut(&one) {
            *more = true;
            return;
        }
        self.told.lock().insert(one.clone(), false);
        let _ended = self.all.send(one.clone());
        let herald = Arc::clone(self);
        self.tasks.later(QUIET, move || {
            let more = herald.told.lock().remove(&one);
            if more.unwrap_or_default() {
                herald.tell(one);
            }
        });
    }
}

#[cfg(test)]
mod tests {
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
        let herald = Herald::new(sender, Tasks::new(tasks, CancellationToken::new()));
        for _ in 0..1000 {
            herald.tell("issuer");
        }
        herald.tell("other");
        assert_eq!(told.len(), 2, "one each, at once");
        tokio::time::sleep(QUIET * 5).await;
        assert_eq!(told.len(), 3, "and the rest together");
        assert!(told.recv().await.is_some());
    }
}
