//! One mint, by `core`'s flow. The value stays here until it is published: in the state that apply returns.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tfplugin::Value;
use tokenwright_client::{About, Error, ErrorKind, MintRequest, SecretValue, Token};
use tokenwright_core::{
    Answer, Ask, Attempt, Liveness, ManagerId, Marker, MintFlow, MintPlan, Nonce, Outcome,
    Parameters, Revision, TokenRef, View, schedule,
};

use super::output::delivered;
use crate::age::Envelope;
use crate::session::Session;

/// So often a withdrawal is tried in any case.
const ENOUGH: u32 = 5;

/// What came of a mint.
#[derive(Debug)]
pub(super) struct Minting {
    pub(super) outcome: Outcome,
    /// What was minted, also where it was taken back.
    pub(super) product: Option<Product>,
    /// Why it failed, where the issuer said so.
    pub(super) error: Option<Error>,
}

/// A minted token with its value.
#[derive(Debug)]
pub(super) struct Product {
    pub(super) token: Token,
    pub(super) value: SecretValue,
    pub(super) public: BTreeMap<String, String>,
    /// Its value as the state will have it, once it is published.
    pub(super) published: Value,
}

impl Product {
    /// Puts the value into the form that the state shall have.
    fn publish(&mut self, envelope: Option<&Envelope>) -> Answer {
        match delivered(&self.value, envelope) {
            Ok(forms) => {
                self.published = forms;
                Answer::Committed
            }
            Err(error) => {
                tracing::error!(token = %self.token.id, "the value was not encrypted: {error}");
                Answer::Changed
            }
        }
    }
}

/// Which token is minted.
#[derive(Debug)]
pub(super) struct Which {
    pub(super) manager: ManagerId,
    pub(super) revision: Revision,
    pub(super) nonce: Nonce,
    /// What its value is put in, where the state shall not have it as it is.
    pub(super) envelope: Option<Envelope>,
}

impl Session {
    /// Mints; tries again, under the same marker, what was definitely not done.
    pub(super) async fn mint(&self, view: &View<'_>, which: &Which) -> Minting {
        let mut failures = 0_u32;
        loop {
            let minting = self.mint_once(view, which, self.now()).await;
            let refused = matches!(&minting.outcome, Outcome::Failed { token: None, .. });
            let kind = minting.error.as_ref().map(|error| error.kind);
            let again = kind
                .filter(|_| refused)
                .and_then(|kind| self.patience(kind, failures));
            match again {
                Some(at) => self.sleep_until(at).await,
                None => return minting,
            }
            failures = failures.saturating_add(1);
        }
    }

    async fn mint_once(&self, view: &View<'_>, which: &Which, now: Timestamp) -> Minting {
        let who = (self.connected.origin.clone(), which.manager.clone());
        let plan = MintPlan {
            durable: false,
            ..MintPlan::new(view, who, which.revision, which.nonce.clone(), now)
        };
        let remote_name = plan.marker.remote_name(&plan.spec.inputs.name);
        let mut flow = MintFlow::new(plan, now);
        let (mut product, mut error) = (None, None);
        let mut withdrawals = 0_u32;
        let mut ask = flow.next(Answer::Start, now);
        loop {
            let answer = match ask {
                Ask::Done(outcome) => {
                    return Minting {
                        outcome,
                        product,
                        error,
                    };
                }
                Ask::Mint { .. } if self.stopped() => Answer::NotMinted {
                    sent: false,
                    retry_after: None,
                },
                Ask::Mint { attempt, at } => {
                    let minted = self.ask_issuer(&attempt, at, &remote_name).await;
                    let marker = &flow.plan().marker;
                    answer_of(minted, marker, &mut product, &mut error)
                }
                Ask::Prove { at } => {
                    tokio::select! {
                        () = self.pause_until(at) => {}
                        () = self.connection.gone() => {}
                    }
                    self.prove(product.as_ref(), &view.spec.inputs.parameters)
                        .await
                }
                // The state is the destination: what apply returns is published, if anybody takes it.
                Ask::Publish { .. } if self.connection.is_gone() => Answer::Changed,
                Ask::Publish { .. } => match &mut product {
                    Some(product) => product.publish(which.envelope.as_ref()),
                    None => Answer::Changed,
                },
                // Where only its id finds it, it is tried for minutes; its id is kept where that is too long.
                Ask::Withdraw { .. } if withdrawals >= ENOUGH && self.is_over() => {
                    Answer::WithdrawFailed
                }
                Ask::Withdraw { at, token } => {
                    withdrawals = withdrawals.saturating_add(1);
                    self.pause_until(at).await;
                    self.withdraw(&token, product.as_ref()).await
                }
                // A state cannot refuse, and knows no attempts.
                Ask::Rehearse | Ask::WriteAttempt(_) => Answer::AttemptWritten,
            };
            ask = flow.next(answer, self.now());
        }
    }

    async fn ask_issuer(
        &self,
        attempt: &Attempt,
        at: Timestamp,
        remote_name: &str,
    ) -> Result<tokenwright_client::Minted, Error> {
        let request = MintRequest {
            remote_name: remote_name.to_owned(),
            inputs: attempt.inputs.clone(),
            at,
            idempotency_key: attempt.nonce.to_string(),
            send_by: Some(schedule::mint_by(
                attempt.deadline,
                self.connected.request_timeout,
                self.connected.issuer.capabilities(),
            )),
        };
        let minted = self.connected.issuer.mint(&request).await;
        self.connected.minted(&attempt.inputs.parameters);
        minted
    }

    async fn prove(&self, product: Option<&Product>, parameters: &Parameters) -> Answer {
        // Nobody waits for the value any more: the token is taken back.
        if self.connection.is_gone() {
            return Answer::Changed;
        }
        match product {
            Some(product) => {
                let issuer = &self.connected.issuer;
                let about = About::token(&product.token.id, parameters);
                let about = about.beside(&product.public);
                Answer::Proved(issuer.check_with(&product.value, about).await)
            }
            None => Answer::Proved(Liveness::Unknown),
        }
    }

    async fn withdraw(&self, token: &TokenRef, product: Option<&Product>) -> Answer {
        let value = product.map(|product| &product.value);
        match self.take_back(token, value).await {
            Ok(_) => Answer::Withdrawn,
            Err(error) => {
                tracing::warn!(token = %token.id, "{}", crate::diagnostics::not_revoked(&error));
                Answer::WithdrawFailed
            }
        }
    }

    /// Whether the run was interrupted, or took longer than it may.
    fn is_over(&self) -> bool {
        self.stopped() || self.now() >= self.deadline
    }

    /// Sleeps also where the run is interrupted: what was minted is taken back in any case.
    async fn pause_until(&self, at: Timestamp) {
        if let Ok(wait) = at.duration_since(self.now()).try_into() {
            tokio::time::sleep(wait).await;
        }
    }
}

fn answer_of(
    minted: Result<tokenwright_client::Minted, Error>,
    marker: &Marker,
    product: &mut Option<Product>,
    error: &mut Option<Error>,
) -> Answer {
    match minted {
        Ok(minted) => {
            let (id, expires_at) = (minted.token.id.clone(), minted.token.expires_at);
            let marked = minted.token.carries(marker);
            *product = Some(Product {
                token: minted.token,
                value: minted.value,
                public: minted.public,
                published: Value::empty(),
            });
            Answer::Minted {
                id,
                expires_at,
                marked,
            }
        }
        Err(refusal) => {
            let kind = refusal.kind;
            *error = Some(refusal);
            match kind {
                ErrorKind::OutcomeUnknown => Answer::MintUnknown,
                kind => Answer::NotMinted {
                    sent: !matches!(kind, ErrorKind::Unavailable | ErrorKind::Paused { .. }),
                    retry_after: kind.retry_after(),
                },
            }
        }
    }
}
