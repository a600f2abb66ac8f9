//! The status of an `ApiToken`, as it is written: durably before an effect, and not in a race with another
//! writer.

use jiff::Timestamp;
use kube::ResourceExt as _;
use tokenwright_api::{ApiToken, ApiTokenStatus};

use crate::cluster::calls::CallError;
use crate::cluster::contest::{Digest, rival};
use crate::cluster::context::Context;
use crate::cluster::events::{Event, send};

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
    status: ApiTokenStatus,
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
    let (is, sent) = (Digest::of(before), Digest::of(&status));
    if known.stands(is, sent) {
        return Ok(Some(object.clone()));
    }
    let record = Digest::of(&recorded(&status));
    // The same record, or other words for the record that stands there.
    let only_words = || recorded(before) == recorded(&status);
    let undone = known.undone(is) && (only_words() || known.recorded(record));
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
        true => sent,
        false => Digest::of(kept),
    };
    let is_kept = as_sent || lasting(kept) == lasting(&status);
    let begins = context.objects.change(&uid, |known| {
        known.told.said(said, Some(record));
        known.told.sent(is_kept.then_some(sent));
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

/// What a status records, without what it only says.
pub(crate) fn recorded(status: &ApiTokenStatus) -> ApiTokenStatus {
    ApiTokenStatus {
        conditions: Vec::new(),
        observed_generation: None,
        ..status.clone()
    }
}

/// What of a record nothing may begin without. The rest, which came later, is not kept where the kinds of the
/// cluster are those of the version before, and costs only haste or patience where it is missing.
fn lasting(status: &ApiTokenStatus) -> ApiTokenStatus {
    let mut status = ApiTokenStatus {
        account: Vec::new(),
        revokes: Vec::new(),
        secret_version: None,
        ..recorded(status)
    };
    for attempt in &mut status.attempts {
        (attempt.identity, attempt.repairs) = (None, None);
    }
    if let Some(current) = &mut status.current {
        current.wished_end = None;
    }
    if let Some(failures) = &mut status.failures {
        (failures.reason, failures.message) = (None, None);
    }
    for past in &mut status.past {
        (past.ended_at, past.undelivered) = (None, false);
    }
    status
}
