//! The status of an `ApiToken`, as it is written: durably before an effect, and not in a race with another
//! writer.

use std::mem;

use jiff::Timestamp;
use kube::ResourceExt as _;
use tokenwright_api::{ApiToken, ApiTokenStatus};

use crate::cluster::calls::CallError;
use crate::cluster::contest::{Digest, rival};
use crate::cluster::context::Context;
use crate::cluster::events::{Event, send};
use crate::cluster::token::version_of;

/// Why a record that was sent does not stand.
const NOT_KEPT: &str = "what the API server keeps of it is not what was sent, so that nothing is begun that has to stand there first; a mutating webhook or policy of the cluster changes the status of ApiTokens, or their CRD is far older than this operator: exempt it there, or apply the CRDs of this version";

/// Writes a status, and gives the object as it is then; `None` where only its words differ from what
/// another writer made of them, and they are written later.
///
/// # Errors
///
/// If the object has changed meanwhile, the API server does not answer clearly or keeps another record than
/// was sent, or another writer undoes what was recorded, again and again.
pub(crate) async fn say(
    context: &Context,
    object: &ApiToken,
    mut status: ApiTokenStatus,
) -> Result<Option<ApiToken>, CallError> {
    let uid = object.uid().unwrap_or_default();
    let generation = object.metadata.generation;
    let now = context.clock.now();
    let nothing = ApiTokenStatus::default();
    let before = object.status.as_ref().unwrap_or(&nothing);
    let known = context
        .objects
        .known(&uid, |known| Some(known.told.clone()));
    let known = known.unwrap_or_default();
    let is = || digests(&mut before.clone()).whole;
    let sent = digests(&mut status);
    if known.sent_last(sent.whole) && !known.undone(is()) {
        return Ok(Some(object.clone()));
    }
    // The same record, or other words for the record that stands there.
    let only_words = || same_record(before, &status);
    let undone = !known.said_at(version_of(object)) && known.undone(is());
    let undone = undone && (only_words() || known.recorded(sent.record));
    match known.contest.waits(generation, now).filter(|_| undone) {
        Some(_) if only_words() => return Ok(None),
        Some(again) => {
            let what = "writing the status";
            return Err(CallError::Contested { what, again });
        }
        None => {}
    }
    let mut written = context.calls.record(object, &status).await?;
    let rival = rival(&written.metadata, Some("status"));
    // Who wrote what is as large as the object, and told already.
    written.metadata.managed_fields = None;
    context.wrote(&written);
    let kept = written.status.as_ref().unwrap_or(&nothing);
    let as_sent = *kept == status;
    let said = match as_sent {
        true => sent.whole,
        false => digests(&mut kept.clone()).whole,
    };
    let is_kept = as_sent || lasting(kept) == lasting(&status);
    let begins = context.objects.change(&uid, |known| {
        known.told.said(said, Some(sent.record));
        known
            .told
            .sent(is_kept.then_some(sent.whole), version_of(&written));
        undone && known.told.contest.written(generation, rival, now)
    });
    if begins == Some(true) {
        tell(context, &written, &uid, now).await;
    }
    if !is_kept {
        return Err(CallError::Refused {
            what: "writing the status",
            message: NOT_KEPT.to_owned(),
        });
    }
    Ok(Some(written))
}

async fn tell(context: &Context, object: &ApiToken, uid: &str, now: Timestamp) {
    let told = context
        .objects
        .known(uid, |known| known.told.contest.about_status(now));
    if let Some(told) = told {
        let event = Event::warning(told.reason, "Record", told.message);
        send(context, object, &event).await;
    }
}

/// A status, and what it records.
struct Digests {
    whole: Digest,
    record: Digest,
}

/// Those of a status, which is left as it was: its text is made once.
fn digests(status: &mut ApiTokenStatus) -> Digests {
    let words = (
        mem::take(&mut status.conditions),
        mem::take(&mut status.seals),
        status.observed_generation.take(),
    );
    let record = Digest::of(&*status);
    let whole = record.and(&words);
    (status.conditions, status.seals, status.observed_generation) = words;
    Digests { whole, record }
}

/// Whether two statuses record the same, in whatever words; the seals say who recorded it.
pub(crate) fn same_record(one: &ApiTokenStatus, other: &ApiTokenStatus) -> bool {
    let ApiTokenStatus {
        observed_generation: _,
        conditions: _,
        seals: _,
        current,
        adopted,
        retiring,
        attempts,
        revokes,
        failures,
        pauses,
        past,
        last_repair,
        suspects,
        identity,
        account,
        digest,
        secret_version,
        last_handled_trigger,
        last_tried_trigger,
        last_revision,
    } = one;
    *current == other.current
        && *adopted == other.adopted
        && *retiring == other.retiring
        && *attempts == other.attempts
        && *revokes == other.revokes
        && *failures == other.failures
        && *pauses == other.pauses
        && *past == other.past
        && *last_repair == other.last_repair
        && *suspects == other.suspects
        && *identity == other.identity
        && *account == other.account
        && *digest == other.digest
        && *secret_version == other.secret_version
        && *last_handled_trigger == other.last_handled_trigger
        && *last_tried_trigger == other.last_tried_trigger
        && *last_revision == other.last_revision
}

/// What of a record nothing may begin without. The rest, which came later, is not kept where the kinds of the
/// cluster are those of the version before, and costs only haste or patience where it is missing.
fn lasting(status: &ApiTokenStatus) -> ApiTokenStatus {
    let mut status = ApiTokenStatus {
        observed_generation: None,
        conditions: Vec::new(),
        seals: Vec::new(),
        account: Vec::new(),
        revokes: Vec::new(),
        secret_version: None,
        ..status.clone()
    };
    for attempt in &mut status.attempts {
        (attempt.began_at, attempt.identity, attempt.repairs) = (None, None, None);
    }
    for pause in &mut status.pauses {
        pause.unsure = false;
    }
    if let Some(current) = &mut status.current {
        current.wished_end = None;
    }
    if let Some(failures) = &mut status.failures {
        (failures.reason, failures.message) = (None, None);
    }
    if let Some(adopted) = &mut status.adopted {
        adopted.issuer = None;
    }
    for past in &mut status.past {
        (past.ended_at, past.undelivered) = (None, false);
        (past.deadline, past.wished_end) = (None, None);
    }
    status
}
