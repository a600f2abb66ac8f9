//! All steps ahead: `decide` folded over predicted outcomes until quiet. Terraform's plan.

use jiff::Timestamp;

use crate::decide::{Action, Decision, View, decide};
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
        let outcomes = predicted(&here, &action, now);
        see(&mut observed, &action, now);
        for outcome in outcomes {
            record = evolve(record, outcome, now);
        }
        steps.push((action, reason));
    }
}

/// What is seen after a step went well.
fn see(observed: &mut Observed, action: &Action, now: Timestamp) {
    match action {
        Action::Mint { .. } | Action::Replay(_) => {
            observed.status = TokenStatus::Active;
            // It holds the new value then; its version is nobody's guess.
            observed.destination = Destination::NotLooked;
        }
        Action::SetEnabled(_, crate::Switch::Enable) => observed.status = TokenStatus::Active,
        Action::SetEnabled(_, crate::Switch::Disable) => observed.status = TokenStatus::Disabled,
        Action::Revoke(token) | Action::CloseRevoke { token, .. } => {
            if let Some(survey) = &mut observed.survey {
                survey.ours.retain(|sighting| sighting.id != token.id);
            }
        }
        Action::TrustValue(_) => {
            if let Destination::Present { intact, .. } = &mut observed.destination {
                *intact = Intact::Yes;
            }
        }
        Action::Check(_) => {
            observed.doubt.checked = Some(Checked {
                liveness: Liveness::Alive,
                at: now,
            });
        }
        Action::Record(_) | Action::Update(..) | Action::Prove(_) | Action::CloseAttempt { .. } => {
        }
        Action::WithdrawIntent(_) | Action::Recognise(_) => {}
        Action::RemoveDestination | Action::ReleaseDestination | Action::Finish => {}
    }
}

fn predicted(view: &View<'_>, action: &Action, now: Timestamp) -> Vec<Outcome> {
    match action {
        Action::Mint { revision } => {
            let nonce = Nonce::from_bytes([0; 5]);
            let plan = MintPlan {
                durable: false,
                ..MintPlan::new(view, who(view), *revision, nonce, now)
            };
            vec![predicted_mint(
                MintFlow::new(plan, now),
                &view.spec.inputs,
                now,
            )]
        }
        Action::Replay(attempt) => {
            let marker = (attempt.revision, attempt.nonce.clone());
            let plan = MintPlan::new(view, who(view), marker.0, marker.1, now);
            let flow = MintFlow::replay(plan, attempt.clone(), now);
            vec![predicted_mint(flow, &attempt.inputs, now)]
        }
        Action::Record(carried) => vec![Outcome::Recorded(carried.clone())],
        Action::Revoke(token) => vec![Outcome::Ended {
            token: token.clone(),
            ended: Ended::Revoked,
        }],
        Action::CloseRevoke { token, ended } => vec![Outcome::Ended {
            token: token.clone(),
            ended: *ended,
        }],
        Action::SetEnabled(_, switch) => vec![Outcome::Switched(*switch)],
        Action::Update(_, change) => {
            let held = view.record.current.as_ref();
            let expires_at = change
                .inputs
                .lifetime
                .duration()
                .and_then(|d| held.map(|held| after(held.created_at, d)));
            vec![Outcome::Updated {
                inputs: change.inputs.clone(),
                expires_at,
            }]
        }
        Action::Prove(_) => vec![Outcome::Proved(Liveness::Alive)],
        Action::CloseAttempt { attempt, suspect } => {
            vec![Outcome::Closed {
                attempt: attempt.clone(),
                suspect: *suspect,
            }]
        }
        Action::WithdrawIntent(_) => vec![Outcome::IntentWithdrawn],
        Action::Recognise(identity) => vec![Outcome::Recognised(identity.clone())],
        Action::Check(_) | Action::TrustValue(_) => Vec::new(),
        Action::RemoveDestination | Action::ReleaseDestination | Action::Finish => Vec::new(),
    }
}

/// Origin and manager play no part in a prediction but in the jitter, which only moves instants.
fn who(view: &View<'_>) -> (Origin, ManagerId) {
    match view.record.referenced().next() {
        Some(token) => (token.marker.origin.clone(), token.marker.manager.clone()),
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
            Ask::Mint(_) => flow.next(
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
