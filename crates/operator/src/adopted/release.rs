//! The sources that nobody names any more: each is given back, whoever held it and however that ended.
//!
//! It looks at what the watches show, not at who did what: an `ApiToken` that is deleted, changed, or
//! lost its finalizer by force, and a restart in between, all end the same.

use std::sync::Arc;
use std::time::Duration;

use kube::runtime::controller::Action as Next;

use crate::adopted::source::release;
use crate::cluster::calls::CallError;
use crate::cluster::context::Context;
use crate::cluster::finalizers::give_back;
use crate::cluster::token::Brief;

/// A change that no event told of is found this much later.
const LOOK_AGAIN: Duration = Duration::from_secs(600);

/// The Secrets that an `ApiToken` took its value from and does not need now that it looks like this, or is gone.
pub(crate) fn left_by(token: &Brief, gone: bool) -> impl Iterator<Item = &str> {
    let before = token.adopted_from.as_deref();
    let now = token.adopts_from.as_deref();
    let last = now.filter(|_| gone);
    let moved = before.filter(|name| Some(*name) != now);
    last.into_iter().chain(moved)
}

/// Gives one source back, if it is not `needed`.
pub(crate) async fn reconcile(
    (namespace, name): (String, String),
    context: Arc<Context>,
    needed: bool,
) -> Result<Next, CallError> {
    if needed {
        return Ok(Next::requeue(LOOK_AGAIN));
    }
    let why = "nobody adopts from this Secret any more";
    give_back(&context.calls, (&namespace, &name), release, why).await?;
    Ok(Next::await_change())
}
