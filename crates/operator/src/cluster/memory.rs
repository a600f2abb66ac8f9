//! What one process remembers of objects beside what they say themselves.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::cluster::uid::Uid;

/// Something about each object, by UID. All of it can be lost: a restart finds out again.
///
/// There are thousands, and a map has room for more than it holds: what it has room for is small.
#[derive(Debug)]
pub(crate) struct Memory<T>(Mutex<HashMap<Uid, Box<T>>>);

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Default> Memory<T> {
    /// Reads or changes what is known of one object; never held over an await.
    pub(crate) fn of<R>(&self, uid: impl Into<Uid>, change: impl FnOnce(&mut T) -> R) -> R {
        change(self.0.lock().entry(uid.into()).or_default())
    }

    /// Changes what is known of one object, if anything is: nothing begins to be known of one that is gone.
    pub(crate) fn change<R>(
        &self,
        uid: impl Into<Uid>,
        change: impl FnOnce(&mut T) -> R,
    ) -> Option<R> {
        self.0
            .lock()
            .get_mut(&uid.into())
            .map(|known| change(known))
    }

    /// Reads what is known of one object, if anything is.
    pub(crate) fn known<R>(
        &self,
        uid: impl Into<Uid>,
        read: impl FnOnce(&T) -> Option<R>,
    ) -> Option<R> {
        self.0.lock().get(&uid.into()).and_then(|known| read(known))
    }

    /// Reads what is known of every object.
    pub(crate) fn all<R>(&self, read: impl Fn(&T) -> Option<R>) -> Vec<R> {
        self.0
            .lock()
            .values()
            .filter_map(|known| read(known))
            .collect()
    }

    /// Nothing is known of it any more.
    pub(crate) fn forget(&self, uid: impl Into<Uid>) {
        self.0.lock().remove(&uid.into());
    }
}
