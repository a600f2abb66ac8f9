//! When: renewals, overlaps, safe moments and back-off. Arithmetic on instants, nothing else.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

pub use crate::backoff::{LONGEST_BACKOFF, backoff, can_wait_until, wait};
use crate::bounds;
use crate::capabilities::Capabilities;
use crate::instant::{after, before, part, percent};
use crate::marker::ManagerId;
use crate::record::{Held, Proven, Retiring};
use crate::spec::{DefaultOverlap, RenewBefore, Spec};

/// How long a system may lag, unless its profile says otherwise.
pub const SETTLE: SignedDuration = SignedDuration::from_secs(10);
/// The operator's overlap, and the one of tokens that would otherwise never end.
pub const OVERLAP: SignedDuration = SignedDuration::from_hours(24);
/// Jitter takes at most this part (1/50 = 2 %) of the issued lifetime.
const JITTER_PART: i32 = 50;

/// The longest that one request may take.
#[must_use]
pub fn request_timeout(spec: &Spec) -> SignedDuration {
    bounds::REQUEST_TIMEOUT.clamp(spec.request_timeout)
}

/// How long an attempt may take: the mint, the time in which the system may not yet know its own value,
/// and one more request.
#[must_use]
pub fn attempt_length(spec: &Spec, can: &Capabilities) -> SignedDuration {
    attempt_within(request_timeout(spec), can)
}

/// The same, where one request may take so long.
#[must_use]
pub fn attempt_within(request_timeout: SignedDuration, can: &Capabilities) -> SignedDuration {
    request_timeout.saturating_mul(2).saturating_add(can.settle)
}

/// Until when a mint may be sent: the whole request, and the time until the system knows its own value,
/// still fit before the deadline.
#[must_use]
pub fn mint_by(
    deadline: Timestamp,
    request_timeout: SignedDuration,
    can: &Capabilities,
) -> Timestamp {
    before(before(deadline, request_timeout), can.settle)
}

/// When the current token is rotated on schedule; `None` where there is no schedule.
///
/// It goes by what is relied on: an issuer that lets a token live longer than was asked is not waited for.
#[must_use]
pub fn renew_at(spec: &Spec, held: &Held) -> Option<Timestamp> {
    let rotation = spec.rotation?;
    let by_expiry = held.relied_on_until().map(|ends_at| {
        let issued = ends_at.duration_since(held.created_at);
        let renew_before = renew_before(spec, held, issued);
        // Never so much that a renewal wanted soon after the mint would be due at once.
        let jitter = jitter(&held.token.marker.manager, issued)
            .min(part(issued.saturating_sub(renew_before), 2))
            .max(SignedDuration::ZERO);
        before(before(ends_at, renew_before), jitter)
    });
    let by_age = rotation
        .every
        .map(|every| bounds::BETWEEN_ROTATIONS.clamp(every))
        .map(|every| every.saturating_sub(jitter(&held.token.marker.manager, every)))
        .map(|age| after(held.created_at, age));
    by_expiry
        .into_iter()
        .chain(by_age)
        .min()
        .map(|at| at.max(held.created_at))
}

/// When a scheduled rotation goes ahead, its windows regarded; `None` where there is no schedule.
#[must_use]
pub fn rotates_at(
    spec: &Spec,
    can: &Capabilities,
    held: &Held,
    now: Timestamp,
) -> Option<Timestamp> {
    renew_at(spec, held).map(|due| in_window(spec, can, held, Wait { due, now }))
}

/// A rotation that is due from one instant on, as it looks at another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wait {
    pub(crate) due: Timestamp,
    pub(crate) now: Timestamp,
}

/// When a rotation goes ahead that is due from `wait.due` on: in the first window from then on. No window
/// holds a rotation back for longer than the token can wait; where the next one opens too late, waiting
/// would gain nothing.
pub(crate) fn in_window(spec: &Spec, can: &Capabilities, held: &Held, wait: Wait) -> Timestamp {
    let from = wait.due.max(wait.now);
    let opens = spec.windows.iter().filter_map(|window| window.next(from));
    let Some(opens) = opens.map(|open| open.from.max(from)).min() else {
        return wait.due;
    };
    let patience = patience(spec, can, held);
    match patience.is_some_and(|at| opens > at) {
        true => wait.due,
        false if opens == from => wait.due,
        false => opens,
    }
}

/// Until when a window may hold a rotation back: the mint, and the overlap in which consumers take the
/// new value up, still fit before the expiry. Of what is left when the rotation is due, a long overlap
/// takes one half.
fn patience(spec: &Spec, can: &Capabilities, held: &Held) -> Option<Timestamp> {
    let ends_at = held.relied_on_until()?;
    let renew_at = renew_at(spec, held)?;
    let wanted = spec.overlap.unwrap_or(match spec.default_overlap {
        DefaultOverlap::For(overlap) => overlap,
        DefaultOverlap::UntilExpiryOrRenewal => OVERLAP,
    });
    let half = part(ends_at.duration_since(renew_at), 2);
    let needed = attempt_length(spec, can).saturating_add(wanted.min(half));
    Some(before(ends_at, needed))
}

/// When the windows close that a rotation is due in: what was held up until then waits for the next ones.
pub(crate) fn windows_close(spec: &Spec, held: &Held, now: Timestamp) -> Option<Timestamp> {
    renew_at(spec, held).filter(|due| *due <= now)?;
    let open = spec.windows.iter().filter_map(|window| window.next(now));
    open.filter(|open| open.from <= now)
        .map(|open| open.to)
        .max()
}

/// How long before the issued expiry a rotation is due.
fn renew_before(spec: &Spec, held: &Held, issued: SignedDuration) -> SignedDuration {
    let third = part(issued, 3);
    match spec.rotation.and_then(|rotation| rotation.renew_before) {
        Some(RenewBefore::Percent(share)) if share < 100 => percent(issued, share),
        Some(RenewBefore::Duration(wanted)) if !too_long(wanted, held, issued) => wanted,
        // The issuer cut the lifetime: one third of it, so that no mint loop follows.
        Some(RenewBefore::Duration(_) | RenewBefore::Percent(_)) | None => third,
    }
}

/// Whether this `renew_before` leaves nothing of the issued lifetime, or, where the issuer cut it,
/// less than a hundredth: the least that a percentage can leave.
fn too_long(wanted: SignedDuration, held: &Held, issued: SignedDuration) -> bool {
    let asked = held.inputs.lifetime.duration();
    let cut = asked.is_none_or(|asked| issued < asked);
    let leaves = issued.saturating_sub(wanted);
    leaves <= SignedDuration::ZERO || (cut && leaves < part(issued, 100))
}

/// Whether the issuer gave so short a lifetime that `renew_before` could not be kept.
#[must_use]
pub fn lifetime_shortened(spec: &Spec, held: &Held) -> bool {
    let wanted = spec.rotation.and_then(|rotation| rotation.renew_before);
    match (wanted, held.relied_on_until()) {
        (Some(RenewBefore::Duration(wanted)), Some(ends_at)) => {
            too_long(wanted, held, ends_at.duration_since(held.created_at))
        }
        _ => false,
    }
}

/// The same for the same manager at every restart; only ever earlier.
fn jitter(manager: &ManagerId, lifetime: SignedDuration) -> SignedDuration {
    let digest = Sha256::digest(manager.as_str());
    let share = i32::from(digest[0]);
    part(part(lifetime.max(SignedDuration::ZERO), JITTER_PART), 256).saturating_mul(share)
}

/// The last instant at which a new mint can still replace this token before it expires.
#[must_use]
pub fn last_safe_moment(spec: &Spec, can: &Capabilities, held: &Held) -> Option<Timestamp> {
    held.relied_on_until()
        .map(|ends_at| before(ends_at, attempt_length(spec, can)))
}

/// Until when the previous revision stays valid once `next` is published, proven: no longer where a person asked
/// for its end.
#[must_use]
pub fn not_before(spec: &Spec, previous: &Held, next: &Held, now: Timestamp) -> Timestamp {
    if spec.revoke_previous == Some(previous.token.marker.revision) {
        return now;
    }
    let end = match (spec.overlap, spec.default_overlap) {
        (Some(overlap), _) => after(now, overlap),
        (None, DefaultOverlap::For(overlap)) => earliest(after(now, overlap), renew_at(spec, next)),
        (None, DefaultOverlap::UntilExpiryOrRenewal) => {
            let natural = previous
                .expires_at
                .into_iter()
                .chain(renew_at(spec, next))
                .min();
            natural.unwrap_or_else(|| after(now, OVERLAP))
        }
    };
    earliest(end, previous.expires_at).max(now)
}

/// Until when a superseded token stays, where a person ends it early, or the overlap was lowered since: an
/// explicit overlap counts from
/// the mint of the current token. What a publish may take is no lowering, and nothing is ended earlier for
/// the sake of a token that is not proven.
#[must_use]
pub fn lowered(
    spec: &Spec,
    can: &Capabilities,
    current: Option<&Held>,
    retiring: &Retiring,
) -> Timestamp {
    let proven = current.filter(|held| held.proven == Proven::Yes);
    if let Some(current) = proven
        && spec.revoke_previous == Some(retiring.token.marker.revision)
    {
        return retiring.not_before.min(current.created_at);
    }
    let (Some(overlap), Some(current)) = (spec.overlap, proven) else {
        return retiring.not_before;
    };
    let end = after(current.created_at, overlap);
    let published_by = after(after(end, attempt_length(spec, can)), can.settle);
    match retiring.not_before > published_by {
        true => end,
        false => retiring.not_before,
    }
}

fn earliest(instant: Timestamp, other: Option<Timestamp>) -> Timestamp {
    other.map_or(instant, |other| instant.min(other))
}

/// Until when a scheduled rotation waits for running overlaps: the latest not-before that lies ahead.
#[must_use]
pub fn overlap_ends(retiring: &[Retiring], now: Timestamp) -> Option<Timestamp> {
    retiring
        .iter()
        .map(|r| r.not_before)
        .filter(|at| *at > now)
        .max()
}

#[cfg(test)]
mod tests;
