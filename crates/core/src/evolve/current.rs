//! What is known of the current token once it was checked, changed or switched.

use jiff::{SignedDuration, Timestamp};

use crate::decide::Switch;
use crate::instant::after;
use crate::observed::Liveness;
use crate::record::{Duty, Pause, Proven, Record};
use crate::schedule;
use crate::spec::Inputs;

pub(super) fn proved(record: &mut Record, liveness: Liveness, now: Timestamp) {
    let proven = match liveness {
        Liveness::Alive => Proven::Yes,
        Liveness::Dead => Proven::No,
        Liveness::Unknown => return pause(record, (Duty::Prove, false), None, now),
    };
    if let Some(held) = &mut record.current {
        held.proven = proven;
    }
    resume(record, Duty::Prove);
}

/// What may be done of it must not be forgotten with its answer, whatever is wanted by then.
pub(super) fn updating(record: &mut Record, now: Timestamp) {
    begin(record, (Duty::Update, true), now);
}

pub(super) fn updated(record: &mut Record, inputs: Inputs, expires_at: Option<Timestamp>) {
    found_out(record, inputs, expires_at);
    resume(record, Duty::Update);
}

/// Nothing was done for what is wanted, so the count of the failures goes on.
pub(super) fn found_out(record: &mut Record, inputs: Inputs, expires_at: Option<Timestamp>) {
    if let Some(held) = &mut record.current {
        if held.inputs.lifetime != inputs.lifetime {
            let lifetime = inputs.lifetime.duration();
            held.wished_end = lifetime.map(|lifetime| after(held.created_at, lifetime));
        }
        held.inputs = inputs;
        held.expires_at = expires_at;
    }
    let mut pauses = record.pauses.iter_mut();
    if let Some(pause) = pauses.find(|pause| pause.duty == Duty::Update) {
        pause.unsure = false;
    }
}

/// The intent comes first: what we disabled must never look like a person's doing after a crash. A switch is tried
/// again as long as nothing tells that it was done.
pub(super) fn switching(record: &mut Record, switch: Switch, now: Timestamp) {
    if let (Some(held), Switch::Disable) = (&mut record.current, switch) {
        held.disabled_by_us = true;
    }
    begin(record, (Duty::Switch, false), now);
}

/// A duty is about to be done: a pause that is over at once tells of it as long as nothing else does.
fn begin(record: &mut Record, (duty, unsure): (Duty, bool), now: Timestamp) {
    let mut pauses = record.pauses.iter_mut();
    match pauses.find(|pause| pause.duty == duty) {
        Some(pause) => pause.unsure |= unsure,
        None => record.pauses.push(Pause {
            duty,
            failures: 0,
            retry_at: now,
            unsure,
        }),
    }
}

pub(super) fn switched(record: &mut Record, switch: Switch) {
    if let Some(held) = &mut record.current {
        held.disabled_by_us = switch == Switch::Disable;
    }
    resume(record, Duty::Switch);
}

pub(super) fn not_switched(
    record: &mut Record,
    (switch, definite): (Switch, bool),
    retry_after: Option<SignedDuration>,
    now: Timestamp,
) {
    // What was certainly not disabled must not pass for our doing later. What was not enabled stays our doing.
    if switch == Switch::Disable && definite {
        not_by_us(record);
    }
    pause(record, (Duty::Switch, false), retry_after, now);
}

pub(super) fn withdrawn(record: &mut Record) {
    not_by_us(record);
    resume(record, Duty::Switch);
}

fn not_by_us(record: &mut Record) {
    if let Some(held) = &mut record.current {
        held.disabled_by_us = false;
    }
}

/// A duty failed; its next try waits, and keeps no other waiting.
pub(super) fn pause(
    record: &mut Record,
    (duty, unsure): (Duty, bool),
    retry_after: Option<SignedDuration>,
    now: Timestamp,
) {
    let known = record.pauses.iter().find(|pause| pause.duty == duty);
    let failures = known.map_or(1, |pause| pause.failures.saturating_add(1));
    let wait = schedule::wait(failures, retry_after);
    resume(record, duty);
    record.pauses.push(Pause {
        duty,
        failures,
        retry_at: after(now, wait),
        unsure,
    });
}

fn resume(record: &mut Record, duty: Duty) {
    record.pauses.retain(|pause| pause.duty != duty);
}
