//! A change of the current token in place.
//!
//! That it was begun is written down first: whatever becomes of the answer, and whatever is wanted by then, the record
//! never says for certain what nobody knows.

use jiff::{SignedDuration, Timestamp};
use tokenwright_client::{ChangeError, change as change_in_place, change::look as look_at};
use tokenwright_core::instant::after;
use tokenwright_core::{
    Change, Duty, Held, Inputs, Lifetime, Outcome, Reason, Record, TokenRef, UpdateKind,
};

use crate::cluster::calls::CallError;
use crate::cluster::conditions::Trouble;
use crate::minted::after::After;
use crate::minted::managed::{Beside, Managed};
use crate::minted::observe::Look;
use crate::minted::seen::Unchanged;
use crate::minted::unmade::{not_vouched, refused};

/// Ends that are no farther apart are the same one, told at another time or in another unit.
const SAME_END: SignedDuration = SignedDuration::from_mins(1);

/// Changes it, or finds out what became of the change before.
///
/// # Errors
///
/// If what came of it could not be recorded.
pub(crate) async fn update(
    managed: &mut Managed,
    token: &TokenRef,
    change: Change,
    look: Look,
) -> Result<After, CallError> {
    let duty = Duty::Update;
    let doubted = managed.record.doubts_inputs();
    if !managed.vouches(token) {
        let outcome = Outcome::Refused {
            duty,
            unsure: doubted,
            retry_after: None,
        };
        return not_vouched(managed, token, outcome, look).await;
    }
    let Some(held) = managed.record.current.clone() else {
        return Ok(After::Again);
    };
    let now = managed.context.clock.now();
    let begun = managed.evolve(Outcome::Updating, now);
    managed
        .write_between(begun, look.destination.clone())
        .await?;
    let former = managed.remember(|seen| seen.unchanged.take());
    let sent = former.and_then(|former| former.sent);
    let account = &managed.handle.account;
    let changed = match change.kinds.is_empty() {
        true => look_at(account, &held, now).await,
        false => change_in_place(account, (&held, sent.as_deref()), &change).await,
    };
    managed.remember(|seen| seen.touched_at = Some(now));
    let outcome = match changed {
        Ok(shown) => done(managed, &held, change.inputs, shown.expires_at, doubted),
        Err(error) => {
            let unsure = error.is_unsure();
            let told = !matches!(error, ChangeError::Issuer(_));
            let error = error.into_error();
            let why = || Trouble::new(Reason::MarkerNotKept.name(), error.sentence());
            let name = || held.token.marker.remote_name(&change.inputs.name).into();
            let unchanged = Unchanged {
                why: told.then(why),
                sent: unsure.then(name).or(sent),
            };
            managed.remember(|seen| seen.unchanged = Some(Box::new(unchanged)));
            let retry_after = refused(&error);
            Outcome::Refused {
                duty,
                unsure: unsure || doubted,
                retry_after,
            }
        }
    };
    let record: Record = managed.evolve(outcome, now);
    managed
        .write(record, look.destination, &Beside::default())
        .await?;
    Ok(After::Again)
}

/// What is known of it after an answer; `doubted` says whether that answer is the first after a doubt.
fn done(
    managed: &Managed,
    held: &Held,
    inputs: Inputs,
    expires_at: Option<Timestamp>,
    doubted: bool,
) -> Outcome {
    let inputs = match doubted {
        true => by_its_end(managed, held, inputs, expires_at),
        false => inputs,
    };
    match doubted && inputs != managed.spec.inputs {
        true => Outcome::FoundOut { inputs, expires_at },
        false => Outcome::Updated { inputs, expires_at },
    }
}

/// The inputs of a token that may have been given another lifetime: the end that it shows tells which.
fn by_its_end(managed: &Managed, held: &Held, inputs: Inputs, end: Option<Timestamp>) -> Inputs {
    let same = |other: Option<Timestamp>| match (end, other) {
        (Some(end), Some(other)) => end.duration_since(other).abs() <= SAME_END,
        (end, other) => end == other,
    };
    let moves = managed.can().update.iter().any(UpdateKind::moves_the_end);
    if !moves || same(held.expires_at) {
        return inputs;
    }
    let wanted = managed.spec.inputs.lifetime;
    let given = |lifetime| after(held.created_at, managed.handle.issuer.rounded(lifetime));
    let lifetime = match end.map(|end| end.duration_since(held.created_at)) {
        _ if same(wanted.duration().map(given)) => wanted,
        Some(left) => Lifetime::For(SignedDuration::from_secs(left.as_secs())),
        None => Lifetime::Never,
    };
    Inputs { lifetime, ..inputs }
}
