//! A Secret that another controller took: it says nothing of its former manager once that goes.

use k8s_openapi::api::core::v1::Secret;

use crate::cluster::calls::CallError;
use crate::cluster::cause;
use crate::cluster::context::Context;
use crate::secret::delivery::{Ownership, disown, ownership};
use crate::secret::manager::Manager;

/// Takes off a Secret that is somebody else's what it still says of this manager and its tokens. Nobody has to let
/// us: where that is refused, the Secret stays as it is, and the manager goes all the same.
pub(crate) async fn disowned(
    context: &Context,
    manager: &Manager,
    secret: &Secret,
) -> Result<(), CallError> {
    if ownership(secret, manager) != Ownership::Ours {
        return Ok(());
    }
    match context.calls.patch_secret(secret, disown()).await {
        Err(error @ CallError::Refused { .. }) => {
            tracing::warn!(
                error = cause::chain(&error),
                "the Secret still names its manager"
            );
            Ok(())
        }
        done => done.map(drop),
    }
}
