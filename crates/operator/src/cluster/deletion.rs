//! The end of an `ApiToken`: what was asked for, and how the object is let go.

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;
use kube::runtime::reflector::ObjectRef;
use tokenwright_api::ApiToken;
use tokenwright_api::names::finalizer;
use tokenwright_api::wanted::{deleted_at, deletion};
use tokenwright_core::instant::after;

use crate::cluster::calls::CallError;
use crate::cluster::context::Context;
use crate::cluster::finalizers;

/// When the deletion of an object gives up.
pub(crate) fn deadline(object: &ApiToken) -> Option<Timestamp> {
    let since = deleted_at(object)?;
    since.checked_add(deletion(object).timeout).ok()
}

/// Takes a deletion for one that began so much later.
pub(crate) fn begun_later(object: &mut ApiToken, later: SignedDuration) {
    if let Some(since) = &mut object.metadata.deletion_timestamp {
        since.0 = after(since.0, later);
    }
}

/// Nothing of the object is left to do: it may go.
pub(crate) async fn let_go(context: &Context, object: &ApiToken) -> Result<(), CallError> {
    let uid = object.uid().unwrap_or_default();
    // Before it goes: the watch may tell that it is gone sooner than the answer comes.
    let before = context.let_go(&uid);
    context.calls.history().goes(&ObjectRef::from_obj(object));
    let released = finalizers::release(&context.calls, object, finalizer::API_TOKEN).await;
    if released.is_err() {
        context.stays(&uid, before);
    }
    released
}
