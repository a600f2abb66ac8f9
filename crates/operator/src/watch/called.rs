//! Who is called to be looked at again: those who wait for their turn, and those who came too early.

use std::sync::Arc;

use kube::Resource;
use kube::runtime::reflector::{ObjectRef, Store};
use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedSender;

use crate::issuer::slots::Call;

/// Has an object looked at again, where it is still shown, by what sends it to its controller.
pub(super) fn called<K, S>(
    shown: &Store<K>,
    object: &K,
    send: S,
) -> impl FnOnce() -> bool + Send + use<K, S>
where
    K: Resource<DynamicType = ()> + Clone + Send + Sync + 'static,
    S: FnOnce(ObjectRef<K>) + Send + 'static,
{
    let (shown, reference) = (shown.clone(), ObjectRef::from_obj(object));
    move || {
        let there = shown.get(&reference).is_some();
        send(reference);
        there
    }
}

/// The same over a channel.
pub(super) fn calling<K>(
    shown: &Store<K>,
    due: &UnboundedSender<ObjectRef<K>>,
    object: &K,
) -> impl FnOnce() -> bool + Send + use<K>
where
    K: Resource<DynamicType = ()> + Clone + Send + Sync + 'static,
{
    let due = due.clone();
    called(shown, object, move |reference| {
        let _ended = due.send(reference);
    })
}

/// Those who came before the first lists were in; clones are the same ones.
#[derive(Clone, Default)]
pub(super) struct Early(Arc<Mutex<Vec<Call>>>);

impl Early {
    /// Whether somebody may go on; who may not is called once that has changed.
    pub(super) fn unless(
        &self,
        known: impl FnOnce() -> bool,
        call: impl FnOnce() -> bool + Send + 'static,
    ) -> bool {
        let mut early = self.0.lock();
        let known = known();
        if !known {
            early.push(Box::new(call));
        }
        known
    }

    /// Calls them all.
    pub(super) fn call(&self) {
        let early = std::mem::take(&mut *self.0.lock());
        for call in early {
            call();
        }
    }
}
