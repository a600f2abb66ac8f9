//! Restores the Secret where somebody changed what is not the value, and renders it anew where the
//! user wants it to look different. Mints nothing.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use tokenwright_api::names::{event, reason};
use tokenwright_core::instant::after;
use tokenwright_core::{Carried, Destination, Intact, InvalidSpec, Retiring, schedule};

use crate::cluster::calls::CallError;
use crate::cluster::conditions::Trouble;
use crate::cluster::events::{Event, send};
use crate::cluster::logs;
use crate::minted::managed::Managed;
use crate::minted::observe::Look;
use crate::secret::contested;
use crate::secret::delivery::{Delivery, Token, carried, same_object, saying};
use crate::secret::on_the_way::marked;
use crate::secret::parts::Parts;

/// Brings the Secret that `look` shows into its wanted form, if it is ours and holds our value. What is in the way of
/// that holds up nothing else.
///
/// # Errors
///
/// If the API server does not answer clearly. What the specification makes impossible is put into
/// `managed.invalid`, and what the Secret lacks into `managed.unformed`.
pub(crate) async fn restore(managed: &mut Managed, look: Look) -> Result<Look, CallError> {
    // What was refused or taken off just now would be again.
    if managed.unformed.is_some() {
        managed.doubt_form();
        return Ok(look);
    }
    let secret = look.secret.as_ref();
    let Some(secret) = secret.filter(|secret| may_restore(managed, secret, &look.destination))
    else {
        return Ok(look);
    };
    let Some(wanted) = wanted_form(managed, secret, look.destination.carried()).await else {
        return Ok(look);
    };
    if says_the_same(managed, secret, &wanted) && same_object(secret, &wanted) {
        formed(managed);
        return Ok(look);
    }
    if contested::waits(&managed.context, &managed.object, secret).is_some() {
        // What is not done yet must be seen again.
        managed.remember(|seen| seen.doubted = true);
        return Ok(look);
    }
    let Some(written) = write_form(managed, secret, &wanted).await? else {
        return Ok(look);
    };
    contested::written(&managed.context, &managed.object, (secret, &written)).await;
    if lies(managed, secret) && !lies(managed, &written) {
        tell(managed).await;
    }
    let destination = managed.judge(Some(&written));
    managed.saw(Some(&written), &destination);
    formed(managed);
    managed.doubt_form();
    Ok(Look {
        secret: Some(written),
        destination,
    })
}

/// It is as it is wanted, unless something of that does not stay: what was refused before counts no more.
fn formed(managed: &Managed) {
    if managed.unformed.is_none() {
        managed.remember(|seen| seen.unformed = 0);
    }
}

/// Whether a Secret is ours, holds our value, and nobody may be publishing to it just now.
fn may_restore(managed: &Managed, secret: &Secret, destination: &Destination) -> bool {
    let Destination::Present {
        carried: says,
        intact: Intact::Yes,
        ..
    } = destination
    else {
        return false;
    };
    let Some(current) = &managed.record.current else {
        return false;
    };
    // What a lost attempt left may stay unknown for months.
    let now = managed.context.clock.now();
    let settle = managed.can().settle;
    let mut attempts = managed.record.attempts.iter();
    let may_publish = attempts.any(|attempt| now < after(attempt.deadline, settle));
    let settled = !may_publish && managed.spec.deletion.since.is_none();
    let ours = says
        .as_ref()
        .is_none_or(|says| says.current.token == current.token);
    // A Secret that is only about to be taken over holds nothing of ours yet.
    settled && ours && managed.holds_the_recorded(&managed.parts_in(secret))
}

/// The form that is wanted of a Secret, as far as it can be had.
async fn wanted_form(
    managed: &mut Managed,
    secret: &Secret,
    says: Option<&Carried>,
) -> Option<Secret> {
    let current = managed.record.current.as_ref()?;
    // An overlap that was lowered is shown before anything is ended by it.
    let lowered = |old: &Retiring| Retiring {
        not_before: schedule::lowered(&managed.spec, managed.can(), Some(current), old),
        ..old.clone()
    };
    let shown = says.map(|says| says.retiring.as_slice());
    let shown = shown.filter(|_| !managed.is_of_a_clock_ahead());
    let retiring = retiring(shown.unwrap_or_default(), &managed.record.retiring);
    let retiring: &Vec<_> = &retiring.iter().map(lowered).collect();
    let named = retiring.iter().map(|old| &old.token);
    let seals = managed.seals(named.chain([&current.token]));
    let delivery = Delivery {
        manager: &managed.manager,
        template: &managed.object.spec.secret,
        token: Token::Minted {
            current,
            retiring,
            seals: &seals,
        },
        parts: &managed.parts_in(secret),
        previous: &Parts::previous_in(secret),
        key: &managed.key,
    };
    let error = match delivery.build(Some(secret)).await {
        Ok(wanted) => return Some(wanted),
        Err(error) => error,
    };
    // What it says of its tokens is put right all the same: an overlap may have to end now.
    let wanted = delivery.with_data_of(secret).await;
    let handle = &managed.handle;
    let next = Parts::placeholder(handle.issuer.value_parts(), &handle.public_parts);
    let next = Delivery {
        parts: &next,
        ..delivery
    };
    let never = next.build(Some(secret)).await.is_err();
    match (error.as_invalid(), never) {
        (invalid, true) => managed.cannot(invalid),
        // What is wanted can be had, though not with this value.
        (invalid, false) => managed.lacks(by_the_next(&invalid)),
    }
    wanted.ok()
}

/// Writes a Secret in its wanted form; where the API server does not take that, what it says of its tokens alone.
/// Nothing where none was written.
async fn write_form(
    managed: &mut Managed,
    secret: &Secret,
    wanted: &Secret,
) -> Result<Option<Secret>, CallError> {
    let context = Arc::clone(&managed.context);
    let name = &managed.object.spec.secret.name;
    tracing::info!(secret = name, "the Secret is brought into its wanted form");
    let refused = match context.calls.deliver(wanted, false).await {
        Ok(written) => {
            if let Err(error) = marked(wanted, &written) {
                tell_unformed(managed, &error).await;
            }
            return Ok(Some(written));
        }
        Err(error) if is_no(managed, &error) => error,
        Err(error) => return Err(error),
    };
    tell_unformed(managed, &refused).await;
    if says_the_same(managed, secret, wanted) {
        return Ok(None);
    }
    match context.calls.deliver(&saying(secret, wanted), false).await {
        Ok(written) => Ok(Some(written)),
        Err(error) if is_no(managed, &error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the API server does not take a write. A webhook that cannot be reached gives no clear answer, for as long
/// as that lasts.
fn is_no(managed: &Managed, error: &CallError) -> bool {
    match error {
        CallError::Refused { .. } => true,
        CallError::Unclear { .. } => {
            managed.remember(|seen| seen.unformed > 0)
                || managed.context.fails_for_long(&managed.manager.uid)
        }
        _ => false,
    }
}

fn says_the_same(managed: &Managed, is: &Secret, wanted: &Secret) -> bool {
    carried(is, &managed.manager) == carried(wanted, &managed.manager)
}

/// Says, once in an event, that the Secret is not as it is wanted. All else goes on: what it holds works, and what is
/// to end is no safer for it.
async fn tell_unformed(managed: &mut Managed, error: &CallError) {
    let why = Trouble::of_form(error);
    if !managed.says(&why) {
        let event = Event::warning(reason::SECRET_REFUSED, "Restore", why.message.clone());
        send(&managed.context, &managed.object, &event).await;
    }
    logs::because(reason::SECRET_REFUSED);
    tracing::warn!("the Secret stays as it is: {}", why.message);
    managed.lacks(why);
}

/// That the Secret looks as it is wanted once it holds the next value, and not before.
fn by_the_next(invalid: &InvalidSpec) -> Trouble {
    let message = format!(
        "{} That is about the value in the Secret, which works; the next one can be written so. It comes with the next rotation, or at once where spec.rotation.trigger is set anew.",
        invalid.message
    );
    Trouble::new(reason::INVALID_SPEC, message)
}

/// What a Secret says of superseded tokens, which may be longer than the record, since it is not written
/// anew for each that ends; what the record knows and it does not say was taken away.
fn retiring(shown: &[Retiring], recorded: &[Retiring]) -> Vec<Retiring> {
    let of = |known: &Retiring| {
        recorded
            .iter()
            .find(|old| old.token == known.token)
            .cloned()
    };
    let later = |known: &Retiring| match of(known) {
        Some(recorded) if recorded.not_before > known.not_before => recorded,
        _ => known.clone(),
    };
    let missing = |old: &&Retiring| !shown.iter().any(|known| known.token == old.token);
    let missing = recorded.iter().filter(missing).cloned();
    shown.iter().map(later).chain(missing).collect()
}

/// Whether a Secret denies what the record knows: our own changes name the same tokens.
fn lies(managed: &Managed, secret: &Secret) -> bool {
    let Some(says) = carried(secret, &managed.manager) else {
        return true;
    };
    let record = &managed.record;
    let current = record.current.as_ref();
    let named = |old: &Retiring| says.retiring.iter().any(|known| known.token == old.token);
    current.is_some_and(|current| says.current.token != current.token)
        || !record.retiring.iter().all(named)
}

/// Says that somebody changed what the Secret says of its tokens.
async fn tell(managed: &Managed) {
    let name = &managed.object.spec.secret.name;
    let note = format!(
        "Somebody else changed what the Secret {name} says of its tokens; it says again what is recorded."
    );
    let event = Event::warning(event::RESTORED, "Restore", note);
    send(&managed.context, &managed.object, &event).await;
}
