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
