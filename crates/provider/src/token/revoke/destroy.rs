//! The end of a resource: what its state names is revoked, and tokens of lost answers by their marker.
//!
//! By `core`'s deletion, with the lost mint as an open attempt. Never a sweep: what else carries our
//! marker is another writer's and is left alone.

use jiff::{SignedDuration, Timestamp};
use tfplugin::Diagnostics;
use tokenwright_client::{RevokeError, SecretValue, survey};
use tokenwright_core::instant::before;
use tokenwright_core::{
    Action, AtIssuer, Attempt, Decision, Deletion, DeletionPolicy, DestinationVersion, Ended,
    LostAnswer, Nonce, Note, Outcome, Past, Reason, Sighting, Standing, Survey, TokenRef,
    TokenStatus, View, decide_deletion, evolve_beside,
};

use super::Ending;
use crate::diagnostics;
use crate::session::Session;
use crate::token::owner::{account, same_endpoint};
use crate::token::state::Stored;
use crate::token::state::name;
use crate::token::wanted::Wanted;

/// Longer than any deletion; an instant that far away can still be written.
const NEVER: SignedDuration = SignedDuration::from_hours(24 * 365);
/// A deletion longer than this has a loop in it.
const MAX_STEPS: usize = 256;

/// Ends the tokens of a state. `true` when nothing is left to be done.
pub(in crate::token) async fn destroy(
    session: &Session,
    stored: &mut Stored,
    wanted: &Wanted,
    value: Option<&SecretValue>,
    diags: &mut Diagnostics,
) -> bool {
    if !same_endpoint(session, stored, diags) {
        return false;
    }
    let lost_until = stored.lost_until;
    if !spares_the_credential(session, stored, (wanted, value), diags) {
        return false;
    }
    // Decided before this process began: one listing of this run serves all that it destroys.
    let since = session.connected.planned_at();
    let mut spec = wanted.spec.clone();
    spec.deletion = Deletion {
        since: Some(since),
        // The deadline is ours to say; what is left then stays in the state.
        timeout: NEVER,
        ..spec.deletion
    };
    // Where names are shown, one listing tells of what a killed run minted; elsewhere nothing would ever tell.
    if lost_until.is_some()
        || session.connected.issuer.capabilities().lost_answer == LostAnswer::FindByMarker
    {
        open_attempt(stored, wanted, since);
    }
    // Another token is no answer to the end of one: what only the same request would get again is as good as lost.
    let mut can = session.connected.issuer.capabilities().clone();
    if can.lost_answer == LostAnswer::Replay {
        can.lost_answer = LostAnswer::CannotList;
    }
    let mut observed = stored.observed(
        &session.connected.origin,
        session.connected.issuer.endpoint(),
        since,
    );
    observed.survey = None;
    observed.status = TokenStatus::Unknown;
    for _ in 0..MAX_STEPS {
        let view = View {
            spec: &spec,
            record: &stored.record,
            observed: &observed,
            can: &can,
        };
        let Decision {
            action,
            reason,
            check_again,
            inventory,
            awaited: _,
        } = decide_deletion(&view, session.now());
        if let Some(instant) = inventory.or_else(|| first_look(session, &view, lost_until)) {
            let Some(survey) = list(session, stored, wanted, instant, diags).await else {
                return false;
            };
            observed.survey = Some(survey);
            continue;
        }
        match action {
            Some(Action::Issuer(AtIssuer::Revoke(token))) => {
                let survey = observed.survey.as_ref();
                end(session, stored, (&token, value, survey), diags).await;
                // A lost answer may yet land; what is gone is looked for no more.
                if let Some(survey) = &mut observed.survey {
                    survey.ours.retain(|sighting| sighting.id != token.id);
                }
            }
            Some(Action::Record(Note::AttemptClosed { attempt, suspect })) => {
                let outcome = Outcome::Closed { attempt, suspect };
                close(session, stored, (outcome, observed.survey.as_ref()));
                if suspect {
                    warn_of_suspect(session, diags);
                }
            }
            Some(Action::Finish) => {
                leave(session, stored, wanted, diags);
                return true;
            }
            Some(
                Action::Flow(_) | Action::Issuer(_) | Action::Record(_) | Action::Destination(_),
            ) => return stuck(session, stored, (reason, foreign(&view)), diags),
            // Retained tokens end by themselves; nobody will run an apply for them.
            None if reason == Reason::WaitingForOverlaps => {
                leave(session, stored, wanted, diags);
                return true;
            }
            // Each of them was told of already; what could be ended without them is ended.
            None if !stored.record.revokes.is_empty() => return false,
            None => match check_again.filter(|at| *at <= session.deadline && !session.stopped()) {
                Some(at) if waits_for_lost(reason) => session.sleep_until(at).await,
                Some(_) | None => {
                    return stuck(session, stored, (reason, foreign(&view)), diags);
                }
            },
        }
    }
    let unending = (Reason::DeletionTimedOut, String::new());
    stuck(session, stored, unending, diags)
}

/// Whether none of the tokens that this ends authenticates the requests of this very run.
fn spares_the_credential(
    session: &Session,
    stored: &Stored,
    (wanted, value): (&Wanted, Option<&SecretValue>),
    diags: &mut Diagnostics,
) -> bool {
    let retained = wanted.spec.deletion.policy == DeletionPolicy::Retain;
    let current = stored.record.current.as_ref().map(|held| &held.token.id);
    let mut own = stored.credentials(&session.connected, value).into_iter();
    let Some(id) = own.find(|id| !retained || current != Some(id)) else {
        return true;
    };
    diags.error(
        "The token is this run's own credential",
        format!(
            "Token {id} authenticates the requests of this very run. Give issuer {:?} another credential, then destroy it.",
            session.connected.name
        ),
    );
    false
}

/// Whether what is waited for shows whether a lost mint left a token.
fn waits_for_lost(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::WaitingForAttempts | Reason::WaitingForInventory
    )
}

/// The tokens of another writer, which hold up every revoke.
fn foreign(view: &View<'_>) -> String {
    let seen = view.observed.survey.iter().flat_map(|survey| &survey.ours);
    let foreign = seen.filter(|sighting| sighting.standing(view.record) == Standing::Foreign);
    let ids: Vec<_> = foreign.map(|sighting| sighting.id.to_string()).collect();
    ids.join(", ")
}

/// The next mint's nonce as an attempt: a token that carries it is a lost answer of ours.
fn open_attempt(stored: &mut Stored, wanted: &Wanted, since: Timestamp) {
    let Some(nonce) = stored.next_nonce.clone() else {
        return;
    };
    let revision = stored.record.last_revision.saturating_add(1);
    stored.record.last_revision = revision;
    stored.record.attempts.push(Attempt {
        nonce,
        revision,
        inputs: wanted.spec.inputs.clone(),
        began_at: None,
        // Long ago, unless a mint of the last minutes is known to have lost its answer.
        deadline: stored
            .lost_until
            .unwrap_or(before(since, SignedDuration::from_hours(1))),
        destination: DestinationVersion::Absent,
        trigger: None,
        identity: None,
        repairs: None,
    });
}

/// Where a listing can show markers, nothing is ended before one was made. It looks for what an earlier
/// run may have left, so that one of this run serves all, unless a mint was lost just before.
fn first_look(
    session: &Session,
    view: &View<'_>,
    lost_until: Option<Timestamp>,
) -> Option<Timestamp> {
    let listable = view.can.lost_answer == LostAnswer::FindByMarker;
    let since = session.connected.planned_at();
    let since = lost_until.map_or(since, |lost| since.max(lost.min(session.now())));
    (listable && view.observed.survey.is_none()).then_some(since)
}

async fn list(
    session: &Session,
    stored: &mut Stored,
    wanted: &Wanted,
    since: Timestamp,
    diags: &mut Diagnostics,
) -> Option<Survey> {
    let parameters = &wanted.spec.inputs.parameters;
    let inventory = &session.connected.inventory;
    match session
        .patiently(|| inventory.since(parameters, since))
        .await
    {
        Ok(listing) => {
            let manager = stored.manager();
            let seen = survey(&listing, &session.connected.origin, &manager, session.now());
            follow_chain(stored, &seen);
            own_twins(stored, &seen, session.now());
            Some(seen)
        }
        Err(error) => {
            let summary = format!("Issuer {:?} did not answer", session.connected.name);
            let next = format!("{} was not revoked and stays in the state.", name(stored));
            diagnostics::issuer_error(diags, &summary, &error, &next);
            None
        }
    }
}

/// Closes the open attempt. Where no mint is known to be lost it is a guess, for which one listing is enough.
fn close(session: &Session, stored: &mut Stored, (closed, survey): (Outcome, Option<&Survey>)) {
    let settle = session.connected.issuer.capabilities().settle;
    let enough = survey.map(|survey| before(survey.started_at, settle));
    let closed_at = enough.filter(|_| stored.lost_until.is_none());
    let record = std::mem::take(&mut stored.record);
    let closed_at = closed_at.unwrap_or_else(|| session.now());
    stored.record = evolve_beside(record, closed, survey, closed_at);
}

/// Several lost answers in a row: each nonce of the chain that a token carries is one of our attempts.
fn follow_chain(stored: &mut Stored, seen: &Survey) {
    loop {
        let Some(last) = stored.record.attempts.last().cloned() else {
            return;
        };
        let shown = |nonce: &Nonce| seen.ours.iter().find(|s| s.marker.nonce == *nonce);
        let Some(sighting) = shown(&last.nonce) else {
            return;
        };
        // A lost answer keeps the revision that it was minted with, whatever we counted since.
        let revision = sighting.marker.revision;
        if let Some(attempt) = stored.record.attempts.last_mut() {
            attempt.revision = revision;
        }
        let next = stored.nonce_after(&last.nonce);
        if shown(&next).is_none() {
            stored.record.last_revision = stored.record.last_revision.max(revision);
            return;
        }
        stored.record.last_revision = stored.record.last_revision.max(revision).saturating_add(1);
        stored.record.attempts.push(Attempt {
            nonce: next,
            ..last
        });
    }
}

/// A run that was killed, and the next one after it, minted with the same nonce of the state: another token
/// under the marker of one on record is one of ours, too, and nobody has its value.
fn own_twins(stored: &mut Stored, seen: &Survey, now: Timestamp) {
    let twin = |shown: &&Sighting| shown.standing(&stored.record) == Standing::Twin;
    let twins = seen.ours.iter().filter(twin).map(|shown| Past {
        nonce: shown.marker.nonce.clone(),
        revision: shown.marker.revision,
        id: None,
        ended: Ended::Lost,
        ended_at: Some(now),
        undelivered: false,
    });
    let twins: Vec<_> = twins.collect();
    stored.record.past.extend(twins);
}

async fn end(
    session: &Session,
    stored: &mut Stored,
    (token, value, survey): (&TokenRef, Option<&SecretValue>, Option<&Survey>),
    diags: &mut Diagnostics,
) {
    let current = stored
        .record
        .current
        .as_ref()
        .filter(|held| held.token == *token);
    let retiring = stored.retiring_as(token);
    let minted_at = current.map(|held| held.created_at);
    let expires_at = match (current, retiring) {
        (Some(held), _) => held.expires_at,
        (None, Some(retiring)) => retiring.expires_at,
        (None, None) => None,
    };
    let ending = Ending {
        token,
        decided_at: session.connected.planned_at(),
        minted_at,
        expires_at,
        listed: survey.is_some(),
        account: account(session, stored),
        value: value.filter(|_| current.is_some()),
    };
    let token = token.clone();
    let outcome = match session.end(ending).await {
        Ok(ended) => Outcome::Ended { token, ended },
        Err(error) => {
            let next = what_helps(&error);
            let summary = format!("Token {} was not revoked", token.id);
            diags.error(
                summary,
                format!("{} {next}", diagnostics::not_revoked(&error)),
            );
            Outcome::NotRevoked {
                token,
                obstacle: error.obstacle(),
                said: None,
                retry_after: None,
            }
        }
    };
    let record = std::mem::take(&mut stored.record);
    stored.record = evolve_beside(record, outcome, survey, session.now());
}

/// What a person does about a token that a destroy could not end.
fn what_helps(error: &RevokeError) -> &'static str {
    match error {
        RevokeError::NotProven(_) => {
            "Revoke it at the issuer, then destroy again; or remove the resource from the state."
        }
        RevokeError::NotSeen(_) => {
            "It stays in the state; destroy again, or revoke it at the issuer."
        }
        RevokeError::Issuer(error) if error.kind.is_transient() => {
            "It stays in the state; destroy again."
        }
        RevokeError::Issuer(_) => {
            "It stays in the state; destroy again once the issuer allows it, or revoke it there."
        }
    }
}

/// What lives on, as it is wanted or because the system cannot end it, is named.
fn leave(session: &Session, stored: &Stored, wanted: &Wanted, diags: &mut Diagnostics) {
    let left: Vec<_> = stored
        .record
        .referenced()
        .map(|token| token.id.to_string())
        .collect();
    if left.is_empty() {
        return;
    }
    let why = match wanted.spec.deletion.policy {
        DeletionPolicy::Retain => "on_destroy is \"retain\".".to_owned(),
        DeletionPolicy::Revoke => {
            let manual = session
                .connected
                .issuer
                .manual()
                .unwrap_or("This system cannot revoke tokens.");
            manual.to_owned()
        }
    };
    diags.warning(
        "Tokens stay alive",
        format!(
            "{why} Nobody manages these tokens of issuer {:?} any more: {}.",
            session.connected.name,
            left.join(", ")
        ),
    );
}

fn warn_of_suspect(session: &Session, diags: &mut Diagnostics) {
    let manual = session.connected.issuer.manual().unwrap_or_default();
    diags.warning(
        "A token may exist that nothing can find",
        format!("The answer to a mint was lost, and issuer {:?} cannot tell whose its tokens are. {manual}", session.connected.name),
    );
}

fn stuck(
    session: &Session,
    stored: &Stored,
    (reason, foreign): (Reason, String),
    diags: &mut Diagnostics,
) -> bool {
    let summary = format!("{} was not revoked", name(stored));
    let detail = match reason {
        Reason::RevokesHeld | Reason::ForeignActivity => {
            format!(
                "{} Tokens with its marker exist that this state did not mint ({}). Revoke them if nobody needs them, then destroy again; \
                 or remove the resource from the state.",
                Reason::ForeignActivity.sentence(),
                foreign
            )
        }
        reason if waits_for_lost(reason) => format!(
            "The answer to a mint was lost, and its token may yet appear at issuer {:?}. Destroy again in a minute.",
            session.connected.name
        ),
        reason => format!(
            "{} It stays in the state; destroy again.",
            reason.sentence()
        ),
    };
    diags.error(summary, detail);
    false
}
