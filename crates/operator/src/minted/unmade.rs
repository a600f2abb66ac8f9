//! Changes of a token that are not made: what is told and recorded of them.

use jiff::SignedDuration;
use tokenwright_core::{Outcome, TokenRef};

use crate::cluster::calls::CallError;
use crate::cluster::cause;
use crate::minted::after::After;
use crate::minted::managed::{Beside, Managed};
use crate::minted::observe::Look;

/// Records that a token is not touched that a record without our seal names.
///
/// # Errors
///
/// If it could not be recorded.
pub(crate) async fn not_vouched(
    managed: &mut Managed,
    token: &TokenRef,
    outcome: Outcome,
    look: Look,
) -> Result<After, CallError> {
    tracing::warn!(token = %token.id, "a token is not changed that a record without our seal names");
    let now = managed.context.clock.now();
    let record = managed.evolve(outcome, now);
    managed
        .write(record, look.destination, &Beside::default())
        .await?;
    Ok(After::Again)
}

/// Logs it, and says how long the issuer asks to wait.
pub(crate) fn refused(error: &tokenwright_client::Error) -> Option<SignedDuration> {
    tracing::warn!(
        error = cause::chain(error),
        "the issuer refused a change of the token"
    );
    error.kind.retry_after()
}
