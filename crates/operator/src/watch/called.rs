//! Who is called to be looked at again: those who wait for their turn.

use kube::Resource;
use kube::runtime::reflector::{ObjectRef, Store};
use tokio::sync::mpsc::UnboundedSender;

/// Has an object looked at again, where it is still shown.
pub(super) fn calling<K>(
    shown: &Store<K>,
    due: &UnboundedSender<ObjectRef<K>>,
    object: &K,
) -> impl FnOnce() -> bool + Send + use<K>
where
    K: Resource<DynamicType = ()> + Clone + Send + Sync + 'static,
{
    let (shown, due, object) = (shown.clone(), due.clone(), object.clone());
    move || {
        let reference = ObjectRef::from_obj(&object);
        let there = shown.get(&reference).is_some();
        let _ended = due.send(reference);
        there
    }
}
