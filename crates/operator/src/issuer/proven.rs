//! Whether the issuer accepts a credential, and what is said where it does not.

use std::sync::Arc;

use tokenwright_api::names::reason;
use tokenwright_client::{Error, ErrorKind};

use crate::cluster::{cause, logs};
use crate::issuer::obstacle::Obstacle;
use crate::issuer::registry::{Handle, IssuerState, Issuers, Key};
use crate::issuer::status::paused;

/// How the issuer stands with this handle: one whose credential is not accepted yet leaves the former
/// one in its place, and is a trouble.
pub(super) async fn proven(
    issuers: &Issuers,
    key: Key<'_>,
    handle: &Arc<Handle>,
) -> (IssuerState, Option<Obstacle>) {
    let Err(error) = handle.account.identity().await else {
        return (IssuerState::Ready(Arc::clone(handle)), None);
    };
    let obstacle = obstacle(handle, &error);
    logs::because(obstacle.reason);
    tracing::warn!(
        error = cause::chain(&error),
        "the issuer does not say who the credential is"
    );
    let state = match issuers.get(key) {
        Some(IssuerState::Ready(former)) if former.endpoint == handle.endpoint => {
            *former.outlasts.lock() = true;
            let trouble = not_taken_up(handle, &error, obstacle);
            return (IssuerState::Ready(former), Some(trouble));
        }
        // Nothing was asked: what the last answer said stands.
        Some(IssuerState::NotReady(former)) if stands(&former, &obstacle, &error) => Obstacle {
            again: obstacle.again,
            ..former
        },
        Some(_) | None => obstacle,
    };
    (IssuerState::NotReady(state), None)
}

/// Whether a pause is that which follows what an issuer answered before.
fn stands(former: &Obstacle, pause: &Obstacle, error: &Error) -> bool {
    let refused = |obstacle: &Obstacle| obstacle.reason == reason::CREDENTIAL_REFUSED;
    matches!(error.kind, ErrorKind::Paused { .. })
        && former.again.is_some()
        && refused(former) == refused(pause)
}

/// What is new is not accepted, and what was there before serves on.
fn not_taken_up(handle: &Handle, error: &Error, obstacle: Obstacle) -> Obstacle {
    let pause = handle.account.gate.pause();
    let why = pause.map_or_else(|| error.kind.to_string(), |pause| pause.why.to_string());
    let refused = obstacle.reason == reason::CREDENTIAL_REFUSED;
    let (reason, what) = match refused {
        true => (
            reason::NEW_CREDENTIAL_REFUSED,
            "The credential that the Secret holds now is",
        ),
        false => (
            obstacle.reason,
            "The latest credential and specification are",
        ),
    };
    Obstacle {
        reason,
        message: format!("{what} not taken up: {why}. The former one serves the ApiTokens on."),
        stalled: obstacle.stalled,
        again: pause.map(|pause| pause.until),
    }
}

fn obstacle(handle: &Handle, error: &Error) -> Obstacle {
    let pause = handle.account.gate.pause();
    if let Some(pause) = pause
        && matches!(
            error.kind,
            ErrorKind::Paused { .. } | ErrorKind::RateLimited { .. }
        )
    {
        return Obstacle {
            message: format!("No request is sent now: {}.", pause.why),
            again: Some(pause.until),
            ..paused(&pause)
        };
    }
    let refused = matches!(
        error.kind,
        ErrorKind::Unauthenticated | ErrorKind::Forbidden
    );
    Obstacle {
        reason: match refused {
            true => reason::CREDENTIAL_REFUSED,
            false => reason::ISSUER_NOT_READY,
        },
        message: format!("{} ({}).", error.kind, error.kind.name()),
        stalled: !error.kind.is_transient(),
        again: pause.map(|pause| pause.until),
    }
}
