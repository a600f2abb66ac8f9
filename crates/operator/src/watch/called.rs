//! Who is called to be looked at again: those who wait for their turn.

use kube::Resource;
use kube::runtime::reflector::{ObjectRef, Store};
use tokio::sync::mpsc::UnboundedSender;

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
    let (shown, object) = (shown.clone(), object.clone());
    move || {
        let reference = ObjectRef::from_obj(&object);
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
