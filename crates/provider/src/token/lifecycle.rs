//! Create, update and delete: the request read, the work done, the new state written.
//!
//! What is wanted is what was planned. The configuration can say otherwise where `ignore_changes` hides it
//! from the plan: nothing is done here that nobody was shown.

use tfplugin::{Apply, ApplyResult, Diagnostics, Value};
use tokenwright_core::TokenId;

use super::apply::{Work, draw_instance, random};
use super::orphans::name_left;
use super::output::DELIVERED;
use super::owner::same_account;
use super::present::Present;
use super::revoke::destroy;
use super::state::FirstMint;
use super::state::Stored;
use super::steps::{Ahead, changed};
use super::wanted::{Wanted, configured};
use super::{ApiToken, Private, present, value_of};
use crate::connect::run_of;
use crate::private_state::PrivateState as _;
use crate::schema::names::*;
use crate::session::ready;
use crate::values::instant;

impl ApiToken {
    pub(super) async fn create(&self, request: &Apply, diags: &mut Diagnostics) -> ApplyResult {
        let nothing = ApplyResult {
            state: Value::Null,
            private: Vec::new(),
        };
        let Some(connected) = ready(self.connected(&request.planned, diags), diags) else {
            return nothing;
        };
        let wanted = Wanted::read(&request.planned, connected.request_timeout);
        let wanted = wanted.settled(None, connected.now());
        wanted.check_at(&request.planned, &*connected.issuer, diags);
        if diags.has_errors() {
            return nothing;
        }
        let mut begins = [0; 3];
        let instance = draw_instance(diags).filter(|_| random(&mut begins, diags));
        let Some(instance) = instance else {
            return nothing;
        };
        let session = self
            .sessions
            .open(&connected, request.connection.clone(), wanted.create);
        let nonce = connected.claims.first_nonce(begins);
        let run = run_of(&nonce).to_owned();
        let stored = Stored {
            instance,
            first_mint: Some(FirstMint {
                at: session.now(),
                run,
            }),
            next_nonce: Some(nonce),
            until: wanted.until.clone(),
            ..Stored::default()
        };
        let mut work = Work::new(&session, &wanted, stored);
        let at = (&*connected.issuer, &connected.origin);
        let now = Present::of(&connected);
        let ahead = Ahead::of(&Stored::default(), &wanted, at, now, true);
        let done = work.perform(&ahead.steps, diags).await;
        let lost = !done && work.minted.is_none() && work.stored.lost_until.is_some();
        let left = lost || !work.stored.record.retiring.is_empty();
        // Also where nobody waits any more: no state will name it.
        if lost {
            work.look_for_lost(diags).await;
        }
        if request.connection.is_gone() {
            nobody_waits(&work.take_back().await, diags);
            return nothing;
        }
        if !done && work.minted.is_none() && !left {
            return nothing;
        }
        self.applied(request, &work, done)
    }

    pub(super) async fn update(&self, request: &Apply, diags: &mut Diagnostics) -> ApplyResult {
        let unchanged = ApplyResult {
            state: request.prior.clone(),
            private: request.private.clone(),
        };
        let Some(connected) = ready(self.connected(&request.planned, diags), diags) else {
            return unchanged;
        };
        let wanted = Wanted::read(&request.planned, connected.request_timeout);
        let private = Private::read(&request.private);
        let Some(mut stored) = private.beside(&request.prior, diags) else {
            return unchanged;
        };
        let present = present(&private, &stored);
        let current = stored.record.current.as_ref();
        let wanted = wanted.settled(current, present.at);
        let wanted = wanted.agreed(stored.until.as_ref(), current, &*connected.issuer);
        let mut moved = stored.clone();
        moved.move_ends(&request.prior, &wanted.spec);
        let ahead = Ahead::of(
            &moved,
            &wanted,
            (&*connected.issuer, &connected.origin),
            present,
            changed(&request.prior, &request.planned),
        );
        stored.until.clone_from(&wanted.until);
        let session = self
            .sessions
            .open(&connected, request.connection.clone(), wanted.update);
        if !ahead.steps.is_empty() && !same_account(&session, &stored, diags).await {
            return unchanged;
        }
        let mut work = Work {
            old_value: value_of(&request.prior, &connected),
            ..Work::new(&session, &wanted, stored)
        };
        let done = work.perform(&ahead.steps, diags).await;
        if request.connection.is_gone() {
            nobody_waits(&work.take_back().await, diags);
            return unchanged;
        }
        self.applied(request, &work, done)
    }

    /// The state after an apply: what was planned with its unknowns filled, or, after an error, what was
    /// before with what was done.
    fn applied(&self, request: &Apply, work: &Work<'_>, done: bool) -> ApplyResult {
        let mut written = request.planned.clone();
        let keeps_wishes = done || work.minted.is_some() || request.prior.is_null();
        let now = work.session.now();
        let lost_until = work.stored.lost_until;
        // A mint that worked says nothing of one that was lost before it and may yet land.
        let mut stored = Stored {
            shown_end: instant(&request.planned, EXPIRES_AT),
            lost_until: lost_until.filter(|until| work.minted.is_none() || *until > now),
            ..work.stored.clone()
        };
        // An overlap that is wanted still is moved by the apply that grants the wish, and once.
        if keeps_wishes {
            stored.move_ends(&request.prior, &work.wanted.spec);
        }
        stored.write(&mut written, &work.wanted.spec);
        let delivered = work.minted.as_ref().unwrap_or(&request.prior);
        for name in DELIVERED {
            written.insert(name, delivered.get(name).clone());
        }
        if written.get(ENABLED).is_unknown() {
            written.set(ENABLED, work.stored.enabled());
        }
        if keeps_wishes {
            // Only what the plan left open: everything else is promised.
            let mut state = request.planned.clone();
            state.fill(&written);
            written = state;
        } else {
            // What was not done is still wanted: the next plan shows it again.
            for name in configured() {
                written.insert(name, request.prior.get(name).clone());
            }
            // A name that it has got is no wish any more.
            if let Some(held) = &work.stored.record.current {
                written.set(NAME, held.inputs.name.as_str());
            }
            // The end that was wanted before, or what came of a lifetime: a wish that was not granted is none.
            if work.wanted.until.is_some() || request.prior.get(LIFETIME).is_null() {
                written.set(EXPIRES_AT, request.prior.get(EXPIRES_AT).clone());
            }
        }
        let known = Private::read(&request.private);
        let now = Present::after(&work.session.connected, known.ahead);
        // A change that leaves the record as it is writes nothing of it into the state.
        let private = Private {
            lost_until: known.lost_until.filter(|_| work.minted.is_none()),
            ..Private::at(now)
        };
        ApplyResult {
            state: written,
            private: private.write(),
        }
    }

    pub(super) async fn delete(&self, request: &Apply, diags: &mut Diagnostics) -> ApplyResult {
        let kept = |state: Value| ApplyResult {
            state,
            private: request.private.clone(),
        };
        let Some(connected) = ready(self.minted_at(&request.prior, diags).await, diags) else {
            return kept(request.prior.clone());
        };
        let wanted = Wanted::read(&request.prior, connected.request_timeout);
        let private = Private::read(&request.private);
        let Some(mut stored) = private.beside(&request.prior, diags) else {
            return kept(request.prior.clone());
        };
        let session = self
            .sessions
            .open(&connected, request.connection.clone(), wanted.delete);
        let value = value_of(&request.prior, &connected);
        if destroy(&session, &mut stored, &wanted, value.as_ref(), diags).await {
            name_left(&stored, &wanted.spec.inputs.name, diags);
            return kept(Value::Null);
        }
        let mut state = request.prior.clone();
        stored.write(&mut state, &wanted.spec);
        kept(state)
    }
}

/// For the log: whoever asked is gone, and these could not be revoked again.
fn nobody_waits(left: &[TokenId], diags: &mut Diagnostics) {
    let left: Vec<_> = left.iter().map(TokenId::as_str).collect();
    let minted = match left.is_empty() {
        true => "What was minted in it is revoked again.".to_owned(),
        false => format!(
            "What was minted in it could not be revoked again, and no state names it. Revoke it at the issuer: {}.",
            left.join(", ")
        ),
    };
    let detail = format!("It ended before this apply did. {minted}");
    diags.error("Terraform is gone", detail);
}
