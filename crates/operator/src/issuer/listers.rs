//! Who lists a shared issuer: each of those who share it once at a time.
//!
//! A tenant may choose the parameters of its listings, and so how many of them there are and how long each
//! takes. They follow on each other, so that of what waits at the issuer no more than one is of any tenant.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokenwright_client::account::seats;
use tokio::sync::OwnedMutexGuard;

/// The turns to list, by whom.
#[derive(Debug, Default)]
pub(crate) struct Listers(Mutex<HashMap<Arc<str>, Arc<tokio::sync::Mutex<()>>>>);

impl Listers {
    /// Waits until nothing else is listed in the name that this task asks in; what nobody's name is on waits for
    /// nothing.
    pub(crate) async fn turn(&self) -> Option<OwnedMutexGuard<()>> {
        let turn = {
            let name = seats::name()?;
            let mut turns = self.0.lock();
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(name).or_default())
        };
        Some(turn.lock_owned().await)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn listings_of_one_name_follow_on_each_other_and_keep_nobody_else_waiting() {
        let listers = Listers::default();
        let turn = |name: Option<&str>| seats::in_the_name_of(name.map(Arc::from), listers.turn());
        let first = turn(Some("crowd")).await;
        let mut second = pin!(turn(Some("crowd")));
        assert!(futures::poll!(&mut second).is_pending());
        for other in [Some("small"), None] {
            assert!(futures::poll!(pin!(turn(other))).is_ready(), "{other:?}");
        }
        drop(first);
        assert!(futures::poll!(&mut second).is_ready());
        drop(turn(Some("small")).await);
        assert_eq!(listers.0.lock().len(), 1, "whoever is gone is forgotten");
    }
}
