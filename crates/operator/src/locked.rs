//! A mutex that a panic elsewhere does not make unusable: what it guards is a cache.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What several tasks remember together; never held over an await.
#[derive(Debug, Default)]
pub struct Locked<T>(Mutex<T>);

impl<T> Locked<T> {
    /// Guards `inner`.
    pub fn new(inner: T) -> Self {
        Self(Mutex::new(inner))
    }

    /// The guarded thing.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
