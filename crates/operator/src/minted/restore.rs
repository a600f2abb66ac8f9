//! Restores the Secret where somebody changed what is not the value, and renders it anew where the
//! user wants it to look different. Mints nothing.

use tokenwright_api::names::{event, reason};
use tokenwright_core::instant::after;
use tokenwright_core::{Carried, Destination, Intact, InvalidSpec, Record, Retiring, schedule};

use crate::cluster::calls::CallError;
use crate::cluster::conditions::Trouble;
use crate::cluster::events::{Event, send};
use crate::minted::managed::Managed;
use crate::minted::observe::Look;
use crate::secret::contested;
use crate::secret::delivery::{Delivery, Token, carried, same_object};
use crate::secret::on_the_way::marked;
use crate::secret::parts::Parts;

/// Brings the Secret that `look` shows into its wanted form, if it is ours and holds our value.
///
/// # Errors
///
/// If the API server does not answer clearly. What the specification makes impossible is put into
/// `managed.invalid`.
pub(crate) async fn restore(managed: &mut Managed, look: Look) -> Result<Look, CallError> {
    // What was taken off on its way just now would be again.
    if managed.unmarked.is_some() {
        managed.doubt_marks();
        return Ok(look);
    }
    let (Some(secret), Some(current)) = (&look.secret, &managed.record.current) else {
        return Ok(look);
    };
    let Destination::Present {
        carried: says,
        intact: Intact::Yes,
        ..
    } = &look.destination
    else {
        return Ok(look);
    };
    // Until then somebody may be publishing just now; what a lost attempt left may stay unknown for months.
    let now = managed.context.clock.now();
    let settle = managed.can().settle;
    let mut attempts = managed.record.attempts.iter();
    let may_publish = attempts.any(|attempt| now < after(attempt.deadline, settle));
    let settled = !may_publish && managed.spec.deletion.since.is_none();
    let ours = says
        .as_ref()
        .is_none_or(|says| says.current.token == current.token);
    let parts = managed.parts_in(secret);
    // A Secret that is only about to be taken over holds nothing of ours yet.
    if !settled || !ours || !managed.holds_the_recorded(&parts) {
        return Ok(look);
    }
    // An overlap that was lowered is shown before anything is ended by it.
    let lowered = |old: &Retiring| Retiring {
        not_before: schedule::lowered(&managed.spec, managed.can(), Some(current), old),
        ..old.clone()
    };
    let shown = says.as_ref().map(|says| says.retiring.as_slice());
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
        parts: &parts,
        previous: &Parts::previous_in(secret),
        key: &managed.key,
    };
    let (wanted, impossible) = match delivery.build(Some(secret)).await {
        Ok(wanted) => (Ok(wanted), None),
        // What it says of its tokens is put right all the same: an overlap may have to end now.
        Err(error) => (delivery.with_data_of(secret).await, Some(error)),
    };
    if let Some(error) = impossible {
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
            (invalid, false) => managed.unmarked = Some(by_the_next(&invalid)),
        }
        managed.doubt_marks();
    }
    let Ok(wanted) = wanted else {
        return Ok(look);
    };
    let says_the_same = carried(secret, &managed.manager) == carried(&wanted, &managed.manager);
    if says_the_same && same_object(secret, &wanted) {
        return Ok(look);
    }
    let context = &managed.context;
    if contested::waits(context, &managed.object, secret).is_some() {
        // What is not done yet must be seen again.
        managed.remember(|seen| seen.doubted = true);
        return Ok(look);
    }
    let name = &managed.object.spec.secret.name;
    tracing::info!(secret = name, "the Secret is brought into its wanted form");
    let lied = carried(secret, &managed.manager).is_none_or(|says| lies(&says, &managed.record));
    let written = context.calls.deliver(&wanted, false).await?;
    contested::written(context, &managed.object, (secret, &written)).await;
    let taken_off = marked(&wanted, &written);
    let secret = written;
    if lied && taken_off.is_ok() {
        tell(managed).await;
    }
    let destination = managed.judge(Some(&secret));
    managed.saw(Some(&secret), &destination);
    managed.doubt_marks();
    if let Err(error) = taken_off {
        tell_unmarked(managed, &error).await;
    }
    Ok(Look {
        secret: Some(secret),
        destination,
    })
}

/// Says, once in an event, that the Secret does not keep a mark of ours. All else goes on: what it holds works, and
/// what is to end is no safer for it.
async fn tell_unmarked(managed: &mut Managed, error: &CallError) {
    let refused = Trouble::of_form(error);
    if !managed.says(&refused) {
        let event = Event::warning(reason::SECRET_REFUSED, "Restore", refused.message.clone());
        send(&managed.context, &managed.object, &event).await;
    }
    managed.unmarked = Some(refused);
    managed.doubt_marks();
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
fn lies(says: &Carried, record: &Record) -> bool {
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
