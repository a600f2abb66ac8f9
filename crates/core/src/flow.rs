//! How a token is minted: rehearse, attempt, mint, prove, publish, record.
//!
//! A sans-I/O machine: [`MintFlow::next`] takes the answer to the last question and says what to ask
//! next. Operator, provider, model and simulation run this same machine; the secret value stays with
//! whoever performs the asks. A flow that is dropped at any point leaves an open attempt, which
//! [`decide`](crate::decide()) heals.

mod words;

use jiff::{SignedDuration, Timestamp};

pub use self::words::{Answer, Ask, MintPlan};
use crate::capabilities::LostAnswer;
use crate::instant::{after, before, part};
use crate::issued::refused_expiry;
use crate::marker::Nonce;
use crate::observed::Liveness;
use crate::outcome::{Outcome, Publication};
use crate::reason::Reason;
use crate::record::{Attempt, DestinationVersion, Held, Proven, Retiring, TokenRef};
use crate::schedule;
use crate::token::TokenId;

/// The first wait between two questions of the same kind; it doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: SignedDuration = SignedDuration::from_millis(200);
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(5);
/// A withdrawal that fails this often is left to the sweep, which finds the token by its marker.
const MAX_WITHDRAWALS: u32 = 5;
/// Where no sweep would find it: the id is known here and nowhere else, so it is tried for minutes.
const MAX_BLIND_WITHDRAWALS: u32 = 50;

/// The mint of one token.
#[derive(Debug, Clone)]
pub struct MintFlow {
    plan: MintPlan,
    attempt: Attempt,
    minted: Option<Held>,
    minted_at: Timestamp,
    tries: u32,
    published: Option<Publication>,
    /// Whether the mint was asked for: once is all.
    sent: bool,
    /// Why the minted token is being withdrawn, once it is.
    withdrawn_for: Option<Reason>,
    replayed: bool,
}

impl MintFlow {
    /// A flow that has asked nothing yet.
    #[must_use]
    pub fn new(plan: MintPlan, now: Timestamp) -> Self {
        let attempt = Attempt {
            nonce: plan.marker.nonce.clone(),
            revision: plan.marker.revision,
            inputs: plan.spec.inputs.clone(),
            began_at: Some(now),
            deadline: after(now, schedule::attempt_length(&plan.spec, &plan.can)),
            destination: DestinationVersion::Absent,
            trigger: plan.spec.trigger.clone(),
            identity: plan.issuer.identity.clone(),
            repairs: plan.repairs,
        };
        Self {
            plan,
            attempt,
            minted: None,
            minted_at: now,
            tries: 0,
            published: None,
            sent: false,
            withdrawn_for: None,
            replayed: false,
        }
    }

    /// A flow that sends an attempt again whose answer was lost; the plan must carry its marker.
    ///
    /// The attempt is durable already. A refusal says nothing of the first request, which may have left a token.
    #[must_use]
    pub fn replay(plan: MintPlan, attempt: Attempt, now: Timestamp) -> Self {
        let length = schedule::attempt_length(&plan.spec, &plan.can);
        let by_deadline = before(attempt.deadline, length);
        let attempt = Attempt {
            began_at: attempt.began_at.or(Some(by_deadline)),
            deadline: after(now, length),
            ..attempt
        };
        let plan = MintPlan {
            durable: false,
            ..plan
        };
        Self {
            attempt,
            replayed: true,
            ..Self::new(plan, now)
        }
    }

    /// What the flow was started with.
    #[must_use]
    pub fn plan(&self) -> &MintPlan {
        &self.plan
    }

    /// Takes the answer to the last ask, and says what to ask next.
    pub fn next(&mut self, answer: Answer, now: Timestamp) -> Ask {
        if self.out_of_turn(&answer) {
            return self.lost();
        }
        match answer {
            Answer::Start if self.plan.durable => Ask::Rehearse,
            Answer::Start | Answer::AttemptWritten => self.mint(now),
            // It was not lost: another process publishes it just now, and the record does not say so yet.
            Answer::Rehearsed { current, .. } if self.took_for_lost(current.as_ref()) => {
                self.failed(Reason::AttemptConflict, None)
            }
            Answer::Rehearsed { version, .. } => {
                self.attempt.destination = version;
                self.attempt.began_at = Some(now);
                self.attempt.deadline = after(
                    now,
                    schedule::attempt_length(&self.plan.spec, &self.plan.can),
                );
                Ask::WriteAttempt(self.attempt.clone())
            }
            Answer::RehearsalRefused => self.failed(Reason::RehearsalRefused, None),
            Answer::AttemptConflict => self.failed(Reason::AttemptConflict, None),
            Answer::Minted {
                id,
                expires_at,
                marked,
            } => {
                let refused = self.refused(expires_at, marked, now);
                self.minted(id, expires_at, refused, now)
            }
            // Whether the first request of a replayed attempt arrived stays unknown.
            Answer::NotMinted { sent, retry_after }
                if self.replayed && (!sent || retry_after.is_some()) =>
            {
                self.not_known(false)
            }
            // It may have, and no replay will tell: whoever waits gets another token, and a person is told.
            Answer::NotMinted { .. } if self.replayed => Ask::Done(Outcome::Closed {
                attempt: self.attempt.clone(),
                suspect: true,
            }),
            // It said nothing of the request, which may get its token yet.
            Answer::NotNow { .. } if self.replayed => self.not_known(false),
            Answer::NotNow { retry_after }
            | Answer::NotMinted {
                sent: true,
                retry_after,
            } => self.failed(Reason::MintRefused, retry_after),
            Answer::NotMinted {
                sent: false,
                retry_after,
            } => self.failed(Reason::MintNotSent, retry_after),
            Answer::MintUnknown => self.lost(),
            Answer::Proved(liveness) => self.proved(liveness, now),
            Answer::Committed => self.committed(),
            // Published after all, by a write whose answer was lost, or by another leader that replayed
            // the attempt: what the destination says is recorded next.
            Answer::InUse => self.lost(),
            Answer::Moved(version) => {
                self.attempt.destination = version;
                self.publish_again(now)
            }
            Answer::Changed => self.withdraw(Reason::DestinationChanged, now),
            Answer::PublishFailed => self.publish_again(now),
            Answer::Withdrawn => match self.withdrawn_for {
                Some(reason) => self.failed(reason, None),
                None => self.lost(),
            },
            Answer::WithdrawFailed => self.withdraw_again(now),
        }
    }

    /// An answer that fits no question asked so far. It never mints again, and never closes the attempt.
    fn out_of_turn(&self, answer: &Answer) -> bool {
        match answer {
            Answer::Start
            | Answer::Rehearsed { .. }
            | Answer::RehearsalRefused
            | Answer::AttemptWritten
            | Answer::AttemptConflict => self.sent,
            Answer::Minted { .. }
            | Answer::NotMinted { .. }
            | Answer::NotNow { .. }
            | Answer::MintUnknown => !self.sent || self.minted.is_some(),
            // A token that is being withdrawn is neither proven nor published any more.
            Answer::Proved(_)
            | Answer::Committed
            | Answer::Moved(_)
            | Answer::Changed
            | Answer::PublishFailed => self.minted.is_none() || self.withdrawn_for.is_some(),
            Answer::Withdrawn | Answer::WithdrawFailed | Answer::InUse => {
                self.withdrawn_for.is_none()
            }
        }
    }

    fn took_for_lost(&self, current: Option<&Nonce>) -> bool {
        current.is_some_and(|nonce| self.plan.lost.contains(nonce))
    }

    /// Only while there is time for the whole request, and for the system to know its value afterwards.
    fn mint(&mut self, now: Timestamp) -> Ask {
        let request = schedule::request_timeout(&self.plan.spec);
        let latest = schedule::mint_by(self.attempt.deadline, request, &self.plan.can);
        if now > latest && !self.replayed {
            return self.failed(Reason::MintNotSent, None);
        }
        self.sent = true;
        Ask::Mint {
            attempt: self.attempt.clone(),
            at: self.began(now),
        }
    }

    fn began(&self, now: Timestamp) -> Timestamp {
        self.attempt.began_at.unwrap_or(now)
    }

    /// Why a fresh token cannot be kept, by what its own answer says of it; nothing where it can.
    fn refused(
        &self,
        expires_at: Option<Timestamp>,
        marked: Option<bool>,
        now: Timestamp,
    ) -> Option<Reason> {
        // What could never be proven to be ours could never be revoked either, but now.
        if self.plan.can.lost_answer == LostAnswer::FindByMarker && marked == Some(false) {
            return Some(Reason::MarkerNotKept);
        }
        let wanted = self.attempt.inputs.lifetime;
        refused_expiry(wanted, expires_at, &self.plan.can, now)
    }

    fn minted(
        &mut self,
        id: TokenId,
        expires_at: Option<Timestamp>,
        refused: Option<Reason>,
        now: Timestamp,
    ) -> Ask {
        let token = TokenRef {
            id,
            marker: self.plan.marker.clone(),
            parameters: self.attempt.inputs.parameters.clone(),
            endpoint: self.plan.issuer.endpoint.clone(),
            identity: self.plan.issuer.identity.clone(),
        };
        let inputs = self.attempt.inputs.clone();
        let proven = Proven::Yes;
        let wished = inputs.lifetime.duration();
        let wished = wished.filter(|_| !self.plan.can.lifetime_ignored);
        let created_at = match self.replayed {
            true => self.began(now),
            false => now,
        };
        self.minted = Some(Held {
            token,
            inputs,
            created_at,
            expires_at,
            wished_end: wished.map(|lifetime| after(created_at, lifetime)),
            proven,
            disabled_by_us: false,
        });
        self.minted_at = now;
        if let Some(reason) = refused {
            return self.withdraw(reason, now);
        }
        match self.plan.can.check {
            true => Ask::Prove { at: now },
            false => self.publish(Proven::Yes, now),
        }
    }

    fn proved(&mut self, liveness: Liveness, now: Timestamp) -> Ask {
        let at = self.wait(now);
        match liveness {
            Liveness::Alive => self.publish(Proven::Yes, now),
            Liveness::Dead if now < after(self.minted_at, self.plan.can.settle) => {
                Ask::Prove { at }
            }
            Liveness::Dead => self.withdraw(Reason::MintedValueRefused, now),
            Liveness::Unknown if at < self.attempt.deadline => Ask::Prove { at },
            Liveness::Unknown if self.current_can_wait(now) => {
                self.withdraw(Reason::ValueNotProven, now)
            }
            Liveness::Unknown => self.publish(Proven::NotYet, now),
        }
    }

    /// Whether a current token works and its last safe moment lies ahead.
    fn current_can_wait(&self, now: Timestamp) -> bool {
        let MintPlan {
            spec,
            can,
            current,
            current_works,
            ..
        } = &self.plan;
        let safe = |held| schedule::last_safe_moment(spec, can, held).is_none_or(|at| now < at);
        *current_works && current.as_ref().is_some_and(safe)
    }

    fn publish(&mut self, proven: Proven, now: Timestamp) -> Ask {
        self.tries = 0;
        if let Some(held) = &mut self.minted {
            held.proven = proven;
        }
        self.ask_publish(now, now)
    }

    fn publish_again(&mut self, now: Timestamp) -> Ask {
        let at = self.wait(now);
        self.ask_publish(at, now)
    }

    /// A publish must not land after a sweep may already have ended its token.
    fn ask_publish(&mut self, at: Timestamp, now: Timestamp) -> Ask {
        if at > after(self.attempt.deadline, part(self.plan.can.settle, 2)) {
            // Only a destination that was asked can have refused.
            let reason = match self.tries {
                0 => Reason::ValueNotProven,
                _ => Reason::PublishRefused,
            };
            return self.withdraw(reason, now);
        }
        let Some(current) = self.minted.clone() else {
            return self.lost();
        };
        let retiring = self.retiring(&current, now);
        let publication = Publication {
            current,
            retiring,
            destination: self.attempt.destination.clone(),
            trigger: self.attempt.trigger.clone(),
            repairs: self.attempt.repairs,
        };
        self.published = Some(publication.clone());
        Ask::Publish {
            at,
            publication: Box::new(publication),
        }
    }

    /// What waits for its end once `next` is published: at most one token whose not-before lies ahead.
    fn retiring(&self, next: &Held, now: Timestamp) -> Vec<Retiring> {
        let MintPlan {
            spec,
            current,
            retiring,
            current_works,
            ..
        } = &self.plan;
        let proven = next.proven == Proven::Yes;
        // Where nothing can be revoked, a token ends with its own expiry, and is then named no longer.
        let named = |retiring: &&Retiring| {
            self.plan.can.revoke || retiring.expires_at.is_none_or(|at| at > now)
        };
        let older = retiring.iter().filter(named).cloned().map(|mut retiring| {
            if proven {
                retiring.not_before = retiring.not_before.min(now);
            }
            retiring
        });
        let superseded = current.iter().map(|previous| Retiring {
            token: previous.token.clone(),
            expires_at: previous.expires_at,
            not_before: match (current_works, proven) {
                (false, _) if self.value_is_lost_at_issuer(now) => now,
                (_, true) => schedule::not_before(spec, previous, next, now),
                // Unproven: the previous one is kept as long as it lives.
                (_, false) => previous
                    .expires_at
                    .unwrap_or_else(|| after(now, schedule::OVERLAP)),
            },
        });
        // What the new token took the place of has nothing left that could be ended.
        let apart = |retiring: &Retiring| !next.token.took_the_place_of(&retiring.token);
        older.chain(superseded).filter(apart).collect()
    }

    /// An expired token needs no overlap; one that only looked dead keeps it.
    fn value_is_lost_at_issuer(&self, now: Timestamp) -> bool {
        let expires_at = self.plan.current.as_ref().and_then(|held| held.expires_at);
        expires_at.is_some_and(|at| at <= now)
    }

    fn withdraw(&mut self, reason: Reason, now: Timestamp) -> Ask {
        // To revoke it would end a token that people use.
        if self.took_a_place() {
            self.minted = None;
            return self.failed(Reason::IdNotNew, None);
        }
        self.withdrawn_for = Some(reason);
        self.tries = 0;
        match &self.minted {
            Some(held) if self.plan.can.revoke => Ask::Withdraw {
                at: now,
                token: held.token.clone(),
            },
            Some(_) | None => self.lost(),
        }
    }

    /// Whether the issuer gave the new token the id of one on record.
    #[must_use]
    pub fn took_a_place(&self) -> bool {
        let on_record = || {
            let current = self.plan.current.iter().map(|held| &held.token);
            current.chain(self.plan.retiring.iter().map(|r| &r.token))
        };
        let minted = self.minted.as_ref();
        minted.is_some_and(|held| on_record().any(|token| held.token.took_the_place_of(token)))
    }

    fn withdraw_again(&mut self, now: Timestamp) -> Ask {
        let at = self.wait(now);
        match &self.minted {
            Some(held) if self.tries < self.most_withdrawals() => Ask::Withdraw {
                at,
                token: held.token.clone(),
            },
            // Nobody else finds it by anything but its id.
            Some(held) if self.is_blind() => Ask::Done(Outcome::NotWithdrawn(held.token.clone())),
            Some(_) | None => self.lost(),
        }
    }

    fn most_withdrawals(&self) -> u32 {
        match self.is_blind() {
            true => MAX_BLIND_WITHDRAWALS,
            false => MAX_WITHDRAWALS,
        }
    }

    fn is_blind(&self) -> bool {
        match self.plan.can.lost_answer {
            LostAnswer::Replay | LostAnswer::FindByMarker => false,
            LostAnswer::CannotAttribute | LostAnswer::CannotList => true,
        }
    }

    fn committed(&mut self) -> Ask {
        match self.published.take() {
            Some(publication) => Ask::Done(Outcome::Published(Box::new(publication))),
            None => self.lost(),
        }
    }

    fn failed(&self, reason: Reason, retry_after: Option<SignedDuration>) -> Ask {
        let token = self.minted.as_ref().map(|held| held.token.clone());
        Ask::Done(Outcome::Failed {
            marker: self.plan.marker.clone(),
            token,
            reason,
            retry_after,
        })
    }

    fn lost(&self) -> Ask {
        self.not_known(self.minted.is_none())
    }

    fn not_known(&self, unreadable: bool) -> Ask {
        Ask::Done(Outcome::Lost {
            nonce: self.attempt.nonce.clone(),
            unreadable,
        })
    }

    fn wait(&mut self, now: Timestamp) -> Timestamp {
        let doublings = self.tries.min(10);
        self.tries = self.tries.saturating_add(1);
        let wait = FIRST_WAIT
            .checked_mul(1 << doublings)
            .unwrap_or(LONGEST_WAIT);
        after(now, wait.min(LONGEST_WAIT))
    }
}

#[cfg(test)]
mod tests;
