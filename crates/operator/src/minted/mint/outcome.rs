//! What came of a mint: written down, and told.

use std::time::Duration;

use kube::ResourceExt as _;
use tokenwright_api::names::event;
use tokenwright_core::{Carried, Destination, Intact, Obstacle, Outcome, Reason, schedule};

use crate::cluster::calls::CallError;
use crate::cluster::cause;
use crate::cluster::conditions::Trouble;
use crate::cluster::events::{Event, send};
use crate::minted::managed::Beside;
use crate::minted::mint::task::Mint;
use crate::secret::contested;
use crate::secret::delivery::{carried, names, version};
use crate::secret::parts::Parts;

/// How often the outcome is written before it is left to the next reconcile, which finds it at the
/// destination.
const RECORD_TRIES: u32 = 8;

/// The wait before the second try; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(200);

impl Mint {
    pub(super) async fn record(&mut self, outcome: &Outcome) {
        if matches!(
            outcome,
            Outcome::Failed {
                reason: Reason::AttemptConflict,
                ..
            }
        ) {
            // It is decided from anew after a pause, which grows while that leads here again.
            let met = || Box::new(CallError::Conflict("rehearsing the write to the Secret"));
            self.managed.remember(|seen| {
                seen.unwritten.get_or_insert_with(met);
            });
            return;
        }
        let mut wait = FIRST_WAIT;
        // What is wanted of the Secret may have changed since it was written.
        let form = self.managed.form();
        for _ in 0..RECORD_TRIES {
            match self.try_record(outcome, form).await {
                Ok(()) => return,
                Err(error) => tracing::warn!(
                    error = cause::chain(&error),
                    "the outcome was not recorded yet"
                ),
            }
            tokio::time::sleep(wait).await;
            wait = wait.saturating_mul(2);
            let manager = &self.managed.manager;
            let live = self
                .managed
                .context
                .calls
                .token(&manager.namespace, &manager.name)
                .await;
            match live {
                Ok(Some(object)) if object.uid().as_ref() == Some(&manager.uid) => {
                    if self.managed.at(object).is_err() {
                        return;
                    }
                    let nonce = &self.flow.plan().marker.nonce;
                    // Somebody closed the attempt, or the write was made after all.
                    if self.attempted.is_some() && self.managed.record.attempt(nonce).is_none() {
                        return;
                    }
                }
                Ok(_) => return,
                Err(_) => {}
            }
        }
    }

    async fn try_record(&mut self, outcome: &Outcome, form: u64) -> Result<(), CallError> {
        let record = self.managed.evolve(outcome.clone(), self.now());
        let mut beside = Beside {
            trouble: self.trouble.clone(),
            ..Beside::default()
        };
        let destination = match (outcome, &self.delivered) {
            (Outcome::Published(publication), Some(secret)) => {
                beside.trouble = None;
                let sealed = |(_, parts, _): &(_, Parts, _)| parts.sealed(&self.managed.key);
                beside.digest = self.value.as_ref().map(sealed);
                // A webhook may have changed what was written.
                let held = Parts::held_by(secret);
                let intact = beside.digest.as_ref().map_or(Intact::Yes, |sealed| {
                    held.compare(sealed, &self.managed.key)
                });
                let destination = Destination::Present {
                    version: version(Some(secret)),
                    carried: Some(Box::new(Carried {
                        current: publication.current.clone(),
                        retiring: publication.retiring.clone(),
                    })),
                    intact,
                };
                self.managed.saw_in(form, Some(secret), &destination);
                contested::delivered(&self.managed.context, &self.managed.object, secret);
                // So it may have what the Secret says; that is looked at, and told.
                let says = carried(secret, &self.managed.manager);
                if !names(says.as_ref(), &publication.current.token) {
                    self.managed.remember(|seen| seen.doubted = true);
                }
                destination
            }
            _ => {
                if beside.trouble.is_none() {
                    beside.trouble = trouble_of(outcome);
                }
                let known = self.managed.remember(|seen| seen.secret.clone());
                known.map_or(Destination::NotLooked, |known| {
                    self.managed.seen_again(known)
                })
            }
        };
        self.managed.write(record, destination, &beside).await
    }

    pub(super) async fn tell(&self, outcome: &Outcome) {
        let name = &self.managed.object.spec.secret.name;
        let news = match outcome {
            Outcome::Published(publication) => {
                let held = &publication.current;
                let expiry = held.expires_at.map_or_else(
                    || "never expires".to_owned(),
                    |at| format!("expires at {at}"),
                );
                let (revision, id) = (held.token.marker.revision, &held.token.id);
                let note = format!(
                    "Revision {revision}, token {id}, is delivered to the Secret {name}; it {expiry}."
                );
                Event::normal(event::PUBLISHED, "Mint", note)
            }
            Outcome::Failed {
                reason: Reason::AttemptConflict,
                ..
            } => return,
            Outcome::Failed { .. }
            | Outcome::Lost { .. }
            | Outcome::Closed { .. }
            | Outcome::NotWithdrawn(_) => {
                match self.trouble.clone().or_else(|| trouble_of(outcome)) {
                    Some(trouble) => Event::warning(trouble.reason, "Mint", trouble.message),
                    None => return,
                }
            }
            _ => return,
        };
        send(&self.managed.context, &self.managed.object, &news).await;
        if let Outcome::Published(publication) = outcome
            && schedule::lifetime_shortened(&self.managed.spec, &publication.current)
        {
            let note = "The issuer gave a shorter lifetime than renewBefore: the token is rotated after two thirds of it.";
            let news = Event::warning(event::LIFETIME_SHORTENED, "Mint", note);
            send(&self.managed.context, &self.managed.object, &news).await;
        }
    }
}

fn trouble_of(outcome: &Outcome) -> Option<Trouble> {
    let reason = match outcome {
        Outcome::Failed { reason, .. } => *reason,
        Outcome::Lost { .. } | Outcome::Closed { .. } => Reason::OutcomeUnknown,
        Outcome::NotWithdrawn(_) => Obstacle::Failed.reason(),
        _ => return None,
    };
    Some(Trouble::new(reason.name(), reason.sentence()))
}
