//! The record of one manager, in the words of its status and back.
//!
//! Lossless: what is written is read again as it was. What is not the manager's is not read: a status can
//! be written by whoever was given the right to. For the operator, which decides by it, and for the
//! command line, which explains it.

use jiff::Timestamp;
use tokenwright_core::{
    Asked, Attempt, DestinationVersion, Duty, Ended, Held, Identity, Inputs, Marker, Obstacle,
    OpenRevoke, Past, Pause, Proven, Record, Repair, Repaired, Retiring, Revision, TokenId,
    TokenRef,
};

use crate::status::{self, ApiTokenStatus};

/// A status that this version cannot read.
#[derive(Debug, thiserror::Error)]
#[error("status.{field} cannot be read: {found:?}")]
pub struct Unreadable {
    /// The field.
    pub field: &'static str,
    /// What stands there.
    pub found: String,
}

/// What a status remembers of the tokens whose markers `owns` knows.
///
/// # Errors
///
/// If a field does not have the form that this operator writes.
pub fn read(status: &ApiTokenStatus, owns: impl Fn(&Marker) -> bool) -> Result<Record, Unreadable> {
    let current = status.current.as_ref().map(held).transpose()?;
    let retiring = status
        .retiring
        .iter()
        .map(retiring)
        .collect::<Result<Vec<_>, _>>()?;
    let failures = status.failures.as_ref();
    let mut record = Record {
        current: current.filter(|held| owns(&held.token.marker)),
        retiring: retiring
            .into_iter()
            .filter(|retiring| owns(&retiring.token.marker))
            .collect(),
        attempts: status
            .attempts
            .iter()
            .map(attempt)
            .collect::<Result<_, _>>()?,
        revokes: revokes(status, &owns)?,
        past: status.past.iter().map(past).collect::<Result<_, _>>()?,
        last_revision: status.last_revision,
        failures: failures.map_or(0, |failures| failures.count),
        unreadable: failures.map_or(0, |failures| failures.unreadable),
        retry_at: failures.and_then(|failures| failures.retry_at),
        retry_basis: failures.and_then(|failures| failures.retry_basis.clone()),
        pauses: status.pauses.iter().map(pause).collect::<Result<_, _>>()?,
        repaired: status.last_repair.as_ref().map(repaired),
        suspects: status.suspects,
        identity: status.identity.clone().map(Identity::new),
        account: status.account.iter().map(Identity::new).collect(),
        handled_trigger: status.last_handled_trigger.clone(),
        tried_trigger: status.last_tried_trigger.clone(),
    };
    // What was attempted or minted was counted, whoever has changed the count since.
    record.last_revision = revisions(&record).max().unwrap_or_default();
    Ok(record)
}

/// Each revision that a record knows of.
fn revisions(record: &Record) -> impl Iterator<Item = Revision> {
    let attempts = record.attempts.iter().map(|attempt| attempt.revision);
    let retiring = record.retiring.iter().map(|old| &old.token);
    let tokens = record.current.iter().map(|held| &held.token);
    let minted = tokens.chain(retiring).map(|token| token.marker.revision);
    attempts.chain(minted).chain([record.last_revision])
}

/// The status that remembers `record`; conditions, digest and what is only shown are as they were.
pub fn write(
    record: &Record,
    before: &ApiTokenStatus,
    secret_name: &str,
    now: Timestamp,
) -> ApiTokenStatus {
    ApiTokenStatus {
        current: record
            .current
            .as_ref()
            .map(|held| show_held(held, secret_name)),
        retiring: record.retiring.iter().map(show_retiring).collect(),
        attempts: record.attempts.iter().map(show_attempt).collect(),
        revokes: record
            .revokes
            .iter()
            .filter(|open| !is_claim(record, open))
            .map(show_revoke)
            .collect(),
        past: record.past.iter().map(show_past).collect(),
        failures: show_failures(record, before, now),
        pauses: record.pauses.iter().map(show_pause).collect(),
        last_repair: record.repaired.map(show_repaired),
        suspects: record.suspects,
        identity: record.identity.as_ref().map(ToString::to_string),
        account: record.account.iter().map(ToString::to_string).collect(),
        last_handled_trigger: record.handled_trigger.clone(),
        last_tried_trigger: record.tried_trigger.clone(),
        last_revision: record.last_revision,
        ..before.clone()
    }
}

fn parse<T: std::str::FromStr>(field: &'static str, text: &str) -> Result<T, Unreadable> {
    text.parse().map_err(|_| Unreadable {
        field,
        found: text.to_owned(),
    })
}

fn inputs(shown: &status::Inputs) -> Result<Inputs, Unreadable> {
    Ok(Inputs {
        name: shown.name.clone(),
        scopes: shown.scopes.iter().cloned().collect(),
        parameters: shown.parameters.clone(),
        lifetime: parse("inputs.lifetime", &shown.lifetime)?,
    })
}

fn show_inputs(inputs: &Inputs) -> status::Inputs {
    status::Inputs {
        name: inputs.name.clone(),
        scopes: inputs.scopes.iter().cloned().collect(),
        parameters: inputs.parameters.clone(),
        lifetime: inputs.lifetime.to_string(),
    }
}

fn held(shown: &status::CurrentToken) -> Result<Held, Unreadable> {
    Ok(Held {
        token: TokenRef {
            id: TokenId::new(&shown.token_id),
            marker: parse("current.marker", &shown.marker)?,
            parameters: shown.inputs.parameters.clone(),
            endpoint: shown.issuer.clone(),
            identity: shown.identity.clone().map(Identity::new),
        },
        inputs: inputs(&shown.inputs)?,
        created_at: shown.created_at,
        expires_at: shown.expires_at,
        wished_end: shown.wished_end,
        proven: match shown.proven.as_deref() {
            None | Some("Yes") => Proven::Yes,
            Some("No") => Proven::No,
            Some(_) => Proven::NotYet,
        },
        disabled_by_us: shown.disabled_by_us,
    })
}

fn show_held(held: &Held, secret_name: &str) -> status::CurrentToken {
    let proven = match held.proven {
        Proven::Yes => "Yes",
        Proven::NotYet => "NotYet",
        Proven::No => "No",
    };
    status::CurrentToken {
        revision: held.token.marker.revision,
        token_id: held.token.id.to_string(),
        marker: held.token.marker.to_string(),
        issuer: held.token.endpoint.clone(),
        secret_name: secret_name.to_owned(),
        created_at: held.created_at,
        expires_at: held.expires_at,
        wished_end: held.wished_end,
        renew_at: None,
        inputs: show_inputs(&held.inputs),
        identity: held.token.identity.as_ref().map(ToString::to_string),
        proven: Some(proven.to_owned()),
        disabled_by_us: held.disabled_by_us,
    }
}

fn retiring(shown: &status::RetiringToken) -> Result<Retiring, Unreadable> {
    Ok(Retiring {
        token: TokenRef {
            id: TokenId::new(&shown.token_id),
            marker: parse("retiring.marker", &shown.marker)?,
            parameters: shown.parameters.clone(),
            endpoint: shown.issuer.clone(),
            identity: shown.identity.clone().map(Identity::new),
        },
        not_before: shown.not_before,
        expires_at: shown.expires_at,
    })
}

fn show_retiring(retiring: &Retiring) -> status::RetiringToken {
    status::RetiringToken {
        token_id: retiring.token.id.to_string(),
        marker: retiring.token.marker.to_string(),
        issuer: retiring.token.endpoint.clone(),
        identity: retiring.token.identity.as_ref().map(ToString::to_string),
        parameters: retiring.token.parameters.clone(),
        not_before: retiring.not_before,
        expires_at: retiring.expires_at,
    }
}

fn attempt(shown: &status::Attempt) -> Result<Attempt, Unreadable> {
    Ok(Attempt {
        nonce: parse("attempts.nonce", &shown.nonce)?,
        revision: shown.revision,
        inputs: inputs(&shown.inputs)?,
        began_at: shown.began_at,
        deadline: shown.deadline,
        destination: match (&shown.secret_uid, &shown.secret_resource_version) {
            (Some(uid), Some(resource_version)) => DestinationVersion::Present {
                uid: uid.clone(),
                resource_version: resource_version.clone(),
            },
            _ => DestinationVersion::Absent,
        },
        trigger: shown.trigger.clone(),
        identity: shown.identity.clone().map(Identity::new),
        repairs: shown.repairs.as_deref().map(repair),
    })
}

fn show_attempt(attempt: &Attempt) -> status::Attempt {
    let (secret_uid, secret_resource_version) = match &attempt.destination {
        DestinationVersion::Absent => (None, None),
        DestinationVersion::Present {
            uid,
            resource_version,
        } => (Some(uid.clone()), Some(resource_version.clone())),
    };
    status::Attempt {
        nonce: attempt.nonce.to_string(),
        revision: attempt.revision,
        began_at: attempt.began_at,
        deadline: attempt.deadline,
        inputs: show_inputs(&attempt.inputs),
        secret_uid,
        secret_resource_version,
        trigger: attempt.trigger.clone(),
        identity: attempt.identity.as_ref().map(ToString::to_string),
        repairs: attempt.repairs.map(show_repair),
    }
}

/// The kind whose next repair waits longest stands for a word of a later version.
fn repair(word: &str) -> Repair {
    match word {
        "Loss" => Repair::Loss,
        _ => Repair::Value,
    }
}

fn show_repair(repair: Repair) -> String {
    let word = match repair {
        Repair::Loss => "Loss",
        Repair::Value => "Value",
    };
    word.to_owned()
}

fn repaired(shown: &status::LastRepair) -> Repaired {
    Repaired {
        what: repair(&shown.what),
        at: shown.at,
    }
}

fn show_repaired(repaired: Repaired) -> status::LastRepair {
    status::LastRepair {
        what: show_repair(repaired.what),
        at: repaired.at,
    }
}

const DUTIES: [(Duty, &str); 3] = [
    (Duty::Prove, "Prove"),
    (Duty::Update, "Update"),
    (Duty::Switch, "Switch"),
];

fn pause(shown: &status::Pause) -> Result<Pause, Unreadable> {
    let duty = DUTIES.iter().find(|(_, name)| *name == shown.duty);
    let (duty, _) = duty.ok_or_else(|| Unreadable {
        field: "pauses.duty",
        found: shown.duty.clone(),
    })?;
    Ok(Pause {
        duty: *duty,
        failures: shown.failures,
        retry_at: shown.retry_at,
        unsure: shown.unsure,
    })
}

fn show_pause(pause: &Pause) -> status::Pause {
    let duty = DUTIES.iter().find(|(duty, _)| *duty == pause.duty);
    status::Pause {
        duty: duty.map_or("", |(_, name)| name).to_owned(),
        failures: pause.failures,
        retry_at: pause.retry_at,
        unsure: pause.unsure,
    }
}

const OBSTACLES: [(Obstacle, &str); 5] = [
    (Obstacle::Failed, "Failed"),
    (Obstacle::InUse, "InUse"),
    (Obstacle::NotProven, "NotProven"),
    (Obstacle::StillAlive, "StillAlive"),
    (Obstacle::NotSeen, "NotSeen"),
];

/// Whether a revoke of a token on record was sent and nothing is known of it yet. That is not worth a
/// write: whoever forgets it looks for the token again, and finds it gone.
pub fn is_claim(record: &Record, open: &OpenRevoke) -> bool {
    open.obstacle.is_none() && record.references(&open.token.id, &open.token.marker)
}

fn revokes(
    status: &ApiTokenStatus,
    owns: impl Fn(&Marker) -> bool,
) -> Result<Vec<OpenRevoke>, Unreadable> {
    let all = status.revokes.iter().map(open_revoke);
    let ours = |open: &Result<OpenRevoke, _>| match open {
        Ok(open) => owns(&open.token.marker),
        Err(_) => true,
    };
    all.filter(ours).collect()
}

fn open_revoke(shown: &status::OpenRevoke) -> Result<OpenRevoke, Unreadable> {
    let obstacle = shown.obstacle.as_ref();
    Ok(OpenRevoke {
        token: TokenRef {
            id: TokenId::new(&shown.token_id),
            marker: parse("revokes.marker", &shown.marker)?,
            parameters: shown.parameters.clone(),
            endpoint: shown.issuer.clone(),
            identity: shown.identity.clone().map(Identity::new),
        },
        sent_at: shown.sent_at,
        tries: shown.tries,
        retry_at: shown.retry_at,
        // A word of a later version is only told to people.
        obstacle: obstacle
            .and_then(|word| OBSTACLES.iter().find(|(_, w)| w == word))
            .map(|(o, _)| *o),
        said: shown.said.clone(),
    })
}

fn show_revoke(open: &OpenRevoke) -> status::OpenRevoke {
    let word = |obstacle| OBSTACLES.iter().find(|(o, _)| *o == obstacle);
    status::OpenRevoke {
        token_id: open.token.id.to_string(),
        marker: open.token.marker.to_string(),
        issuer: open.token.endpoint.clone(),
        identity: open.token.identity.as_ref().map(ToString::to_string),
        parameters: open.token.parameters.clone(),
        sent_at: open.sent_at,
        tries: open.tries,
        retry_at: open.retry_at,
        obstacle: open
            .obstacle
            .and_then(word)
            .map(|(_, word)| (*word).to_owned()),
        said: open.said.clone(),
    }
}

const ENDS: [(Ended, &str); 6] = [
    (Ended::Revoked, "Revoked"),
    (Ended::Expired, "Expired"),
    (Ended::Refused, "Refused"),
    (Ended::Lost, "Lost"),
    (Ended::Suspect, "Suspect"),
    (Ended::Gone, "Gone"),
];

fn past(shown: &status::PastToken) -> Result<Past, Unreadable> {
    let ended = ENDS
        .iter()
        .find(|(_, name)| *name == shown.ended)
        .ok_or_else(|| Unreadable {
            field: "past.ended",
            found: shown.ended.clone(),
        })?;
    Ok(Past {
        nonce: parse("past.nonce", &shown.nonce)?,
        revision: shown.revision,
        id: shown.token_id.as_ref().map(TokenId::new),
        ended: ended.0,
        ended_at: shown.ended_at,
        undelivered: shown.undelivered,
        asked: shown.deadline.map(|deadline| Asked {
            deadline,
            wished_end: shown.wished_end,
        }),
    })
}

fn show_past(past: &Past) -> status::PastToken {
    let ended = ENDS.iter().find(|(ended, _)| *ended == past.ended);
    status::PastToken {
        nonce: past.nonce.to_string(),
        revision: past.revision,
        token_id: past.id.as_ref().map(ToString::to_string),
        ended: ended.map_or("", |(_, name)| name).to_owned(),
        ended_at: past.ended_at,
        undelivered: past.undelivered,
        deadline: past.asked.map(|asked| asked.deadline),
        wished_end: past.asked.and_then(|asked| asked.wished_end),
    }
}

fn show_failures(
    record: &Record,
    before: &ApiTokenStatus,
    now: Timestamp,
) -> Option<status::Failures> {
    if record.failures == 0 && record.unreadable == 0 && record.retry_at.is_none() {
        return None;
    }
    let known = before.failures.as_ref();
    let same = known.filter(|failures| failures.count == record.failures);
    Some(status::Failures {
        count: record.failures,
        unreadable: record.unreadable,
        last_at: same.map_or(now, |failures| failures.last_at),
        retry_at: record.retry_at,
        retry_basis: record.retry_basis.clone(),
        reason: known.and_then(|failures| failures.reason.clone()),
        message: known.and_then(|failures| failures.message.clone()),
    })
}

#[cfg(test)]
mod tests;
