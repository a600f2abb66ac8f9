//! What a decision asks for, done once: everything but a mint.
//!
//! No policy is added here. A step that fails is an error, and the next reconcile decides again.

use jiff::Timestamp;
use kube::ResourceExt as _;
use tokenwright_api::names::event;
use tokenwright_client::{ErrorKind, Evidence, Nomination, NotProven, RevokeError, revoke};
use tokenwright_core::{
    Action, Change, DeletionPolicy, Destination, Duty, Ended, Outcome, Reason, Record, Switch,
    TokenRef,
};

use crate::cluster::calls::CallError;
use crate::cluster::deletion;
use crate::cluster::events::{Event, send};
use crate::cluster::finalizers::is_credential;
use crate::minted::doubt;
use crate::minted::managed::{Beside, Managed};
use crate::minted::observe::Look;
use crate::secret::delivery::{carried, let_go};
use crate::secret::parts::Parts;

/// Why a step was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    /// The API server.
    #[error(transparent)]
    Call(#[from] CallError),

    /// A token was not revoked.
    #[error("revoking token {id}")]
    Revoke {
        /// Which one.
        id: String,
        /// Why.
        source: RevokeError,
    },

    /// A token must not be revoked: the request would authenticate by it.
    #[error("token {0} is not revoked: it is the credential of its own issuer")]
    OwnCredential(String),

    /// A Secret must not be removed: an issuer would lose its credential.
    #[error(
        "the Secret {0} is not removed: it is the credential of a TokenIssuer; name another Secret in its spec.credential.secretRef"
    )]
    StillCredential(String),

    /// A token must not be revoked: the Secret still names it.
    #[error("token {0} is not revoked: the Secret names it as valid")]
    StillNamed(String),
}

/// What is left to do after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// Look and decide again.
    Again,
    /// The object is gone.
    Gone,
}

/// Does one step and records it.
///
/// # Errors
///
/// If it was not done, or could not be recorded.
pub(crate) async fn perform(
    managed: &mut Managed,
    action: Action,
    reason: Reason,
    look: Look,
) -> Result<After, StepError> {
    let now = managed.context.clock.now();
    match action {
        // These are for the mint flow.
        Action::Mint { .. } | Action::Replay(_) => Ok(After::Again),
        Action::Record(says) => {
            let digest = look
                .secret
                .as_ref()
                .map(|secret| Parts::held_by(secret).sealed(&managed.key));
            let record = managed.evolve(Outcome::Recorded(says), now);
            let beside = Beside {
                digest,
                ..Beside::default()
            };
            write(managed, record, look.destination, &beside).await
        }
        Action::Revoke(token) => end(managed, token, reason).await,
        Action::SetEnabled(token, switch) => switch_token(managed, &token, switch, look).await,
        Action::Update(token, change) => update(managed, &token, change, look).await,
        Action::Prove(_) => prove(managed).await,
        Action::Check(_) => {
            doubt::check(managed).await?;
            Ok(After::Again)
        }
        Action::WithdrawIntent(_) => {
            let record = managed.evolve(Outcome::IntentWithdrawn, now);
            write(managed, record, look.destination, &Beside::default()).await
        }
        Action::TrustValue(_) => {
            doubt::trust(managed).await?;
            Ok(After::Again)
        }
        Action::CloseAttempt { attempt, suspect } => {
            let record = managed.evolve(Outcome::Closed { attempt, suspect }, now);
            write(managed, record, look.destination, &Beside::default()).await
        }
        Action::RemoveDestination => {
            match &look.secret {
                // An issuer authenticates with it: it goes when that has got another credential.
                Some(secret) if is_credential(secret) => {
                    return Err(StepError::StillCredential(secret.name_any()));
                }
                Some(secret) => managed.context.calls.remove_secret(secret).await?,
                None => {}
            }
            Ok(After::Again)
        }
        Action::ReleaseDestination => release(managed, &look).await,
        Action::Finish => finish(managed, reason).await,
    }
}

async fn write(
    managed: &mut Managed,
    record: Record,
    destination: Destination,
    beside: &Beside,
) -> Result<After, StepError> {
    managed.write(record, destination, beside).await?;
    Ok(After::Again)
}

/// The only place of the operator that revokes, beside the mint's own withdrawal.
async fn end(managed: &mut Managed, token: TokenRef, reason: Reason) -> Result<After, StepError> {
    let handle = &managed.handle;
    if handle.authenticates_by.as_ref() == Some(&token.id) && handle.endpoint == token.endpoint {
        return Err(StepError::OwnCredential(token.id.to_string()));
    }
    let decided_at = managed.context.clock.now();
    let look = live_enough(managed, &token).await?;
    let retiring = managed
        .record
        .retiring
        .iter()
        .find(|retiring| retiring.token == token);
    let current = managed
        .record
        .current
        .as_ref()
        .filter(|held| held.token == token);
    let nomination = Nomination {
        token: &token,
        minted_at: current.map(|held| held.created_at),
        expires_at: retiring
            .and_then(|old| old.expires_at)
            .or(current.and_then(|held| held.expires_at)),
        decided_at,
    };
    let now = managed.context.clock.now();
    let revoked = revoke(
        managed.handle.issuer.as_ref(),
        nomination,
        Evidence::Look,
        now,
    )
    .await;
    if let Err(RevokeError::NotProven(why @ NotProven::OtherMarker { .. })) = &revoked {
        return Ok(not_ours(managed, &token, why, now).await);
    }
    let ended = revoked.map_err(|source| StepError::Revoke {
        id: token.id.to_string(),
        source,
    })?;
    let note = match ended {
        Ended::Expired => format!("Token {} has expired. {}", token.id, reason.sentence()),
        Ended::Gone => format!("Token {} was gone already. {}", token.id, reason.sentence()),
        Ended::Revoked | Ended::Refused | Ended::Lost | Ended::Suspect => {
            format!("Token {} is revoked. {}", token.id, reason.sentence())
        }
    };
    if !managed.record.references(&token.id, &token.marker) {
        // Only a listing knew it, and that one still shows it: the next must decide what is left.
        managed.handle.inventory.forget(&token.parameters);
    }
    let record = managed.evolve(Outcome::Ended { token, ended }, now);
    managed
        .write(record, look.destination, &Beside::default())
        .await?;
    send(
        &managed.context,
        &managed.object,
        &Event::normal(event::REVOKED, "Revoke", note),
    )
    .await;
    Ok(After::Again)
}

/// Nothing was sent: a person must look at that token, and what else there is to do goes on.
async fn not_ours(
    managed: &mut Managed,
    token: &TokenRef,
    why: &NotProven,
    now: Timestamp,
) -> After {
    managed.remember(|seen| {
        seen.not_proven.push((token.id.clone(), now));
    });
    let note = format!("Nothing is revoked: {why}. Look at it by hand.");
    let news = Event::warning(event::NOT_PROVEN, "Revoke", note);
    send(&managed.context, &managed.object, &news).await;
    After::Again
}

/// Object and Secret as they are now, if they allow the end of `token`.
async fn live_enough(managed: &Managed, token: &TokenRef) -> Result<Look, StepError> {
    let manager = &managed.manager;
    let live = managed
        .context
        .calls
        .token(&manager.namespace, &manager.name)
        .await?;
    let same =
        live.is_some_and(|live| live.resource_version() == managed.object.resource_version());
    if !same {
        return Err(CallError::Conflict("comparing the ApiToken").into());
    }
    let look = managed.look_now().await?;
    let says = look
        .secret
        .as_ref()
        .and_then(|secret| carried(secret, manager));
    let now = managed.context.clock.now();
    let named = says.is_some_and(|says| {
        let retiring = says
            .retiring
            .iter()
            .any(|old| old.token.id == token.id && old.not_before > now);
        says.current.token.id == token.id || retiring
    });
    if named {
        return Err(StepError::StillNamed(token.id.to_string()));
    }
    Ok(look)
}

async fn switch_token(
    managed: &mut Managed,
    token: &TokenRef,
    switch: Switch,
    look: Look,
) -> Result<After, StepError> {
    // The intent comes first: what we disabled must never look like a person's doing after a crash.
    if switch == Switch::Disable {
        let now = managed.context.clock.now();
        let record = managed.evolve(Outcome::Switched(switch), now);
        write(
            managed,
            record,
            look.destination.clone(),
            &Beside::default(),
        )
        .await?;
    }
    let switched = managed
        .handle
        .issuer
        .set_enabled(&token.id, &token.parameters, switch)
        .await;
    let now = managed.context.clock.now();
    managed.remember(|seen| seen.touched_at = Some(now));
    let outcome = match switched {
        Ok(()) => Outcome::Switched(switch),
        Err(error) => refused(Duty::Switch, &error),
    };
    let record = managed.evolve(outcome, now);
    write(managed, record, look.destination, &Beside::default()).await
}

async fn update(
    managed: &mut Managed,
    token: &TokenRef,
    change: Change,
    look: Look,
) -> Result<After, StepError> {
    let name = token.marker.remote_name(&change.inputs.name);
    let now = managed.context.clock.now();
    let changed = managed
        .handle
        .issuer
        .update(&token.id, &name, &change, now)
        .await;
    managed.remember(|seen| seen.touched_at = Some(now));
    let outcome = match changed {
        Ok(shown) => Outcome::Updated {
            inputs: change.inputs,
            expires_at: shown.expires_at,
        },
        Err(error) => refused(Duty::Update, &error),
    };
    let record = managed.evolve(outcome, now);
    write(managed, record, look.destination, &Beside::default()).await
}

fn refused(duty: Duty, error: &tokenwright_client::Error) -> Outcome {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "the issuer refused a change of the token"
    );
    let unsure = matches!(
        error.kind,
        ErrorKind::OutcomeUnknown | ErrorKind::AnswerNotUnderstood
    );
    Outcome::Refused {
        duty,
        definite: !unsure,
        retry_after: error.kind.retry_after(),
    }
}

async fn prove(managed: &mut Managed) -> Result<After, StepError> {
    let look = managed.look_now().await?;
    let liveness = doubt::ask(managed, &look).await;
    let now = managed.context.clock.now();
    let record = managed.evolve(Outcome::Proved(liveness), now);
    write(managed, record, look.destination, &Beside::default()).await
}

/// Takes our metadata off the Secret, which stays with its value.
async fn release(managed: &mut Managed, look: &Look) -> Result<After, StepError> {
    if let Some(secret) = &look.secret {
        managed.context.calls.patch_secret(secret, let_go()).await?;
    }
    Ok(After::Again)
}

/// Says what stays alive and lets the object go.
async fn finish(managed: &mut Managed, reason: Reason) -> Result<After, StepError> {
    let ids = |tokens: &mut dyn Iterator<Item = &TokenRef>| {
        tokens
            .map(|token| token.id.to_string())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let timed_out = reason == Reason::DeletionTimedOut;
    let left = ids(&mut managed.record.referenced());
    if timed_out {
        let note = format!(
            "{} Tokens: {left}. Open attempts: {}.",
            reason.sentence(),
            managed.record.attempts.len()
        );
        send(
            &managed.context,
            &managed.object,
            &Event::warning(event::DELETION_TIMED_OUT, "Delete", note),
        )
        .await;
    } else if managed.spec.deletion.policy == DeletionPolicy::Retain && !left.is_empty() {
        let note = format!("Token {left} stays alive, as the deletion policy Retain says.");
        send(
            &managed.context,
            &managed.object,
            &Event::normal(event::LEFT_BEHIND, "Delete", note),
        )
        .await;
    }
    deletion::let_go(&managed.context, &managed.object).await?;
    managed.handle.scheduler.forget(&managed.manager.uid);
    managed.handle.losses.forget(&managed.manager.uid);
    managed.forget();
    Ok(After::Gone)
}
