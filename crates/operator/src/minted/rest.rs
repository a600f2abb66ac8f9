//! What is said, and when to look again, where a step leaves nothing to do now.

use jiff::Timestamp;
use tokenwright_client::account::Pause;
use tokenwright_core::instant::after;
use tokenwright_core::{Destination, Reason};

use crate::cluster::calls::CallError;
use crate::cluster::conditions::Trouble;
use crate::cluster::events::{Event, send};
use crate::cluster::pace::{self, UNTOLD};
use crate::issuer::load;
use crate::issuer::scheduler::ASK_AGAIN;
use crate::issuer::status::paused;
use crate::minted::managed::{Beside, Managed};
use crate::minted::only_observed;
use crate::minted::step::{Found, ReconcileError, Step};

/// Says what would be done, where nothing is done but to look.
pub(super) async fn only_told(managed: &mut Managed, found: Found) -> Result<Step, ReconcileError> {
    let look = &found.look;
    let unsaid = matches!(look.destination, Destination::Present { carried: None, .. });
    if unsaid && look.secret.is_none() {
        // Whose it is, a Secret says itself.
        return Ok(Step::LookNow);
    }
    if let Some(action) = &found.decision.action {
        let over = (look.secret.as_ref(), &managed.manager);
        let would = only_observed::would(action, found.decision.reason, over, found.now);
        say(managed, found.look.destination, &would).await?;
    }
    // An instant that has passed asks for what is not done.
    let later = found.decision.check_again.filter(|at| *at > found.now);
    let again = [later, found.inventory, Some(after(found.now, UNTOLD))];
    Ok(Step::Rest(pace::at_first(again, found.now)))
}

/// All is as it is wanted, or waits for something else than its turn.
pub(super) async fn nothing_to_do(
    managed: &mut Managed,
    found: Found,
) -> Result<Step, ReconcileError> {
    managed.handle.scheduler.forget(&managed.manager.uid);
    let untold = found.decision.reason == Reason::DestinationForeign || managed.invalid.is_some();
    let beside = Beside::default();
    // Where it ends in a moment, nobody reads what it waits for.
    let tell_at = match managed.spec.deletion.since {
        Some(_) => {
            let when = (managed.tells_wait_at(found.now), found.now);
            managed
                .write_wait(found.look.destination, beside, when)
                .await?
        }
        None => {
            say(managed, found.look.destination, &beside).await?;
            managed.remember(|seen| seen.waits_since = None);
            None
        }
    };
    let again = [
        found.decision.check_again,
        found.inventory,
        untold.then(|| after(found.now, UNTOLD)),
        managed.formed_again_at(found.now),
        tell_at,
    ];
    Ok(Step::Rest(pace::at_first(again, found.now)))
}

/// Others go first at the issuer.
pub(super) async fn until_its_turn(
    managed: &mut Managed,
    found: Found,
) -> Result<Step, ReconcileError> {
    // Who waits must not wait in vain, for a Secret of somebody else.
    let unread = managed.remember(|seen| seen.secret.is_none());
    let waits = load::queued(&managed.handle);
    let tell_at = match waits {
        // A person can do something about that.
        Some(_) => managed.tells_wait_at(found.now),
        None => managed.tells_queue_at(found.now),
    };
    if unread && tell_at <= found.now {
        return Ok(Step::LookNow);
    }
    let beside = Beside {
        waits,
        ..Beside::default()
    };
    let tell_at = managed
        .write_wait(found.look.destination, beside, (tell_at, found.now))
        .await?;
    // A deadline comes at its instant, whoever goes first at the issuer.
    let again = [
        Some(after(found.now, ASK_AGAIN)),
        found.decision.check_again,
        managed.formed_again_at(found.now),
        tell_at,
    ];
    Ok(Step::Rest(pace::at_first(again, found.now)))
}

/// Nothing is sent to the issuer for a while.
pub(super) async fn until_the_pause_ends(
    managed: &mut Managed,
    found: Found,
    pause: &Pause,
) -> Result<Step, ReconcileError> {
    let obstacle = paused(pause);
    let beside = Beside {
        waits: Some(Trouble::new(obstacle.reason, obstacle.message)),
        ..Beside::default()
    };
    say(managed, found.look.destination, &beside).await?;
    // A deadline comes at its instant, and what works until then is said to work no longer.
    let formed = managed.formed_again_at(found.now);
    let again = [Some(pause.until), found.decision.check_again, formed];
    Ok(Step::Rest(pace::at_first(again, found.now)))
}

/// Something else must change first: said in the status, and once in an event.
pub(super) async fn held(
    managed: &mut Managed,
    shown: Destination,
    why: Trouble,
    again: [Option<Timestamp>; 2],
    now: Timestamp,
) -> Result<Step, ReconcileError> {
    let event = Event::warning(why.reason.clone(), "Delete", why.message.clone());
    let first = !managed.says(&why);
    let beside = Beside {
        waits: Some(why),
        ..Beside::default()
    };
    say(managed, shown, &beside).await?;
    if first {
        send(&managed.context, &managed.object, &event).await;
    }
    let again = again.into_iter().chain([Some(after(now, UNTOLD))]);
    Ok(Step::Rest(pace::at_first(again, now)))
}

/// The same record, in other words.
async fn say(managed: &mut Managed, shown: Destination, beside: &Beside) -> Result<(), CallError> {
    let record = managed.record.clone();
    managed.write(record, shown, beside).await
}
