//! The end of an `ApiToken`: what was asked for, and how the object is let go.

use jiff::Timestamp;
use kube::ResourceExt as _;
use tokenwright_api::ApiToken;
use tokenwright_api::names::finalizer;
use tokenwright_api::token;
use tokenwright_core::{Deletion, DeletionPolicy, duration, schedule};

use crate::cluster::calls::CallError;
use crate::cluster::context::Context;
use crate::cluster::finalizers;

/// What deletion of `object` does.
pub(crate) fn wanted(object: &ApiToken) -> Deletion {
    let wanted = &object.spec.deletion;
    Deletion {
        policy: match wanted.policy {
            token::DeletionPolicy::Revoke => DeletionPolicy::Revoke,
            token::DeletionPolicy::Retain => DeletionPolicy::Retain,
        },
        since: asked_at(object),
        // A timeout that cannot be read must not end a deletion at once.
        timeout: duration::parse(wanted.timeout.as_str()).unwrap_or(schedule::OVERLAP),
    }
}

/// When the deletion of an object was asked for.
pub(crate) fn asked_at(object: &ApiToken) -> Option<Timestamp> {
    let metadata = &object.metadata;
    metadata.deletion_timestamp.as_ref().map(|time| time.0)
}

/// When the deletion of an object gives up.
pub(crate) fn deadline(object: &ApiToken) -> Option<Timestamp> {
    let since = asked_at(object)?;
    since.checked_add(wanted(object).timeout).ok()
}

/// Nothing of the object is left to do: it may go.
pub(crate) async fn let_go(context: &Context, object: &ApiToken) -> Result<(), CallError> {
    finalizers::release(&context.calls, object, finalizer::API_TOKEN).await?;
    context.objects.forget(&object.uid().unwrap_or_default());
    Ok(())
}
