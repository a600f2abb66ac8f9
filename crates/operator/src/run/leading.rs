//! Who leads, where several replicas share a Lease, and how one takes over that stood by.

use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::begin::key_in;
use super::error::{DIGEST_KEY, RunError};
use crate::cluster::cause;
use crate::cluster::context::Context;
use crate::cluster::lease::{Lease, LeaseLost};
use crate::cluster::metrics::Metrics;
use crate::secret::parts::DigestKey;

/// Who works, as work sees it.
#[derive(Debug, Clone, Default)]
pub(super) struct Election {
    /// Cancelled once this replica is the one that works.
    pub(super) elected: CancellationToken,
    /// Cancelled once another one may.
    pub(super) lost: CancellationToken,
}

/// Works, and is elected only while it holds the Lease: whoever stands by watches, and does no more. Without it
/// nothing new is begun. What is minted already is delivered or withdrawn, since the commit is the fence: its
/// value is known here and nowhere else.
pub(super) async fn lead(
    (lease, metrics): (Lease, Metrics),
    Election { elected, lost }: Election,
    work: impl Future<Output = Result<(), RunError>>,
) -> Result<(), RunError> {
    // A task of its own: no work, however long, puts off a renewal. Dropping the set ends it.
    let mut kept = JoinSet::new();
    let done = CancellationToken::new();
    kept.spawn(keep((lease, metrics), elected, done.clone()));
    let mut work = pin!(work);
    tokio::select! {
        result = &mut work => {
            done.cancel();
            kept.join_all().await;
            result
        }
        Some(kept) = kept.join_next() => {
            lost.cancel();
            let ended = work.await;
            match kept {
                Ok(Err(why)) => Err(RunError::LeaseLost(why)),
                Ok(Ok(())) => ended,
                Err(error) => resume_unwind(error.into_panic()),
            }
        }
    }
}

/// Gets the Lease and says so, keeps it until the work is done, and gives it up then.
async fn keep(
    (lease, metrics): (Lease, Metrics),
    elected: CancellationToken,
    done: CancellationToken,
) -> Result<(), LeaseLost> {
    let mut held = tokio::select! {
        held = lease.acquire() => held,
        () = done.cancelled() => return Ok(()),
    };
    if held.follows {
        metrics.took_over();
    }
    elected.cancel();
    tokio::select! {
        lost = lease.keep(&mut held) => Err(lost),
        () = done.cancelled() => {
            lease.give_up(held).await;
            Ok(())
        }
    }
}

/// Waits for the Lease. Whoever stood by looks then whether the key of the digests is still the known one.
pub(super) async fn take_over(
    elected: CancellationToken,
    context: Arc<Context>,
    known: Option<DigestKey>,
) -> Result<(), RunError> {
    elected.cancelled().await;
    let Some(known) = known else { return Ok(()) };
    let home = &context.home;
    loop {
        match context.calls.secret(home, DIGEST_KEY).await {
            Ok(Some(secret)) if key_in(&secret, home)? != known => {
                return Err(RunError::OtherDigestKey(home.clone()));
            }
            // Without it, too, what is sealed with the known one is read by that.
            Ok(_) => return Ok(()),
            Err(error) => {
                tracing::warn!(
                    error = cause::chain(&error),
                    "the operator cannot take over yet"
                );
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
