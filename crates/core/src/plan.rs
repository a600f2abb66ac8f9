//! All steps ahead: `decide` folded over predicted outcomes until quiet. Terraform's plan.

use jiff::Timestamp;

use crate::decide::{Action, AtDestination, AtIssuer, Decision, Flow, Note, Switch, View, decide};
use crate::evolve::evolve;
use crate::flow::{Answer, Ask, MintFlow, MintPlan};
use crate::instant::after;
use crate::marker::{ManagerId, Nonce, Origin};
use crate::observed::{Checked, Destination, Intact, Liveness, Observed};
use crate::outcome::Outcome;
use crate::reason::Reason;
use crate::record::{Ended, Record};
use crate::spec::Inputs;
use crate::token::{TokenId, TokenStatus};

/// A plan longer than this has a loop in it; no manager has as many tokens.
const MAX_STEPS: usize = 64;

/// The steps that an apply would perform, in order, each with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steps {
    /// What is done, and why.
    pub steps: Vec<(Action, Reason)>,
    /// Why nothing more is done after them.
    pub then: Reason,
    /// The record that the steps lead to if all goes well. The id of a token that is yet to be minted
    /// is empty in it, and its instants are predictions.
    pub record: Record,
}

/// All steps that `decide` would ask for at this instant, if each goes well.
#[must_use]
pub fn plan(view: &View<'_>, now: Timestamp) -> Steps {
    let mut record = view.record.clone();
    let mut observed = view.observed.clone();
    let mut steps = Vec::new();
    loop {
        let here = View {
            record: &record,
            observed: &observed,
            ..*view
        };
        let Decision { action, reason, .. } = decide(&here, now);
        let Some(action) = action.filter(|_| steps.len() < MAX_STEPS) else {
            return Steps {
                steps,
                then: reason,
                record,
            };
        };
        let outcome = predicted(&here, &action, now);
        see(&mut observed, &action, now);
        if let Some(outcome) = outcome {
            record = evolve(record, outcome, now);
        }
        steps.push((action, reason));
    }
}

/// What is seen after a step went well.
fn see(observed: &mut Observed, action: &Action, now: Timestamp) {
    match action {
        Action::Flow(_) => {
            observed.status = TokenStatus::Active;
            // It holds the new value then; its version is nobody's guess.
            observed.destination = Destination::NotLooked;
        }
        Action::Issuer(AtIssuer::SetEnabled(_, Switch::Enable)) => {
            observed.status = TokenStatus::Active;
        }
        Action::Issuer(AtIssuer::SetEnabled(_, Switch::Disable)) => {
            observed.status = TokenStatus::Disabled;
        }
        Action::Issuer(AtIssuer::Revoke(token) | AtIssuer::MakeRoom(token))
        | Action::Record(Note::RevokeClosed { token, .. }) => {
            if let Some(survey) = &mut observed.survey {
                survey.ours.retain(|sighting| sighting.id != token.id);
            }
        }
        Action::Issuer(AtIssuer::Check(_)) => {
            observed.doubt.checked = Some(Checked {
                liveness: Liveness::Alive,
                at: now,
            });
        }
        Action::Destination(AtDestination::Trust(_)) => {
            if let Destination::Present { intact, .. } = &mut observed.destination {
                *intact = Intact::Yes;
            }
        }
        Action::Issuer(AtIssuer::Update(..) | AtIssuer::Prove(_)) | Action::Record(_) => {}
        Action::Destination(AtDestination::Remove | AtDestination::Release) | Action::Finish => {}
    }
}

/// What comes of a step if it goes well; nothing where it leaves the record as it is.
fn predicted(view: &View<'_>, action: &Action, now: Timestamp) -> Option<Outcome> {
    match action {
        Action::Flow(flow) => Some(predicted_flow(view, flow, now)),
        Action::Issuer(AtIssuer::Revoke(token) | AtIssuer::MakeRoom(token)) => {
            Some(Outcome::Ended {
                token: token.clone(),
                ended: Ended::Revoked,
            })
        }
        Action::Issuer(AtIssuer::SetEnabled(_, switch)) => Some(Outcome::Switched(*switch)),
        Action::Issuer(AtIssuer::Update(_, change)) => {
            let held = view.record.current.as_ref();
            let lifetime = change.inputs.lifetime.duration();
            Some(Outcome::Updated {
                inputs: change.inputs.clone(),
                expires_at: lifetime.and_then(|d| held.map(|held| after(held.created_at, d))),
            })
        }
        Action::Issuer(AtIssuer::Prove(_)) => Some(Outcome::Proved(Liveness::Alive)),
        Action::Record(note) => Some(note.clone().into()),
        Action::Issuer(AtIssuer::Check(_)) | Action::Destination(_) | Action::Finish => None,
    }
}

fn predicted_flow(view: &View<'_>, flow: &Flow, now: Timestamp) -> Outcome {
    match flow {
        Flow::Mint { revision } => {
            let nonce = Nonce::from_bytes([0; 5]);
            let plan = MintPlan {
                durable: false,
                ..MintPlan::new(view, who(view), *revision, nonce, now)
            };
            predicted_mint(MintFlow::new(plan, now), &view.spec.inputs, now)
        }
        Flow::Replay(attempt) => {
            let marker = (attempt.revision, attempt.nonce.clone());
            let plan = MintPlan::new(view, who(view), marker.0, marker.1, now);
            let flow = MintFlow::replay(plan, (**attempt).clone(), now);
            predicted_mint(flow, &attempt.inputs, now)
        }
    }
}

/// Whose the marker is, as what is on record or listed says. Where neither says anything, origin and
/// manager play no part in a prediction but in the jitter, which only moves instants.
fn who(view: &View<'_>) -> (Origin, ManagerId) {
    let recorded = view.record.referenced().map(|token| &token.marker);
    let listed = view.observed.survey.iter().flat_map(|survey| &survey.ours);
    let mut known = recorded.chain(listed.map(|sighting| &sighting.marker));
    match known.next() {
        Some(marker) => (marker.origin.clone(), marker.manager.clone()),
        None => (Origin::of(""), ManagerId::of("")),
    }
}

fn predicted_mint(mut flow: MintFlow, inputs: &Inputs, now: Timestamp) -> Outcome {
    let expires_at = inputs
        .lifetime
        .duration()
        .map(|lifetime| after(now, lifetime));
    let mut ask = flow.next(Answer::Start, now);
    loop {
        ask = match ask {
            Ask::Done(outcome) => return outcome,
            Ask::Mint { .. } => flow.next(
                Answer::Minted {
                    id: TokenId::new(""),
                    expires_at,
                    marked: None,
                },
                now,
            ),
            Ask::Prove { .. } => flow.next(Answer::Proved(Liveness::Alive), now),
            Ask::Publish { .. } => flow.next(Answer::Committed, now),
            Ask::Rehearse | Ask::WriteAttempt(_) => flow.next(Answer::AttemptWritten, now),
            Ask::Withdraw { .. } => flow.next(Answer::Withdrawn, now),
        };
    }
}

#[cfg(test)]
mod tests;
