//! An issuer that is asked outside of the slots of reconciles.
//!
//! A reconcile takes a slot, since so many at once are enough to keep the API server busy. An issuer may
//! hang for minutes; whoever waits for it gives the slot back, so that no issuer holds up the objects of
//! all others. How many wait for one issuer at once, its scheduler says.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use parking_lot::Mutex;
use tokenwright_client::account::sent::counted;
use tokenwright_client::revoke::Proof;
use tokenwright_client::{
    About, Error, ErrorKind, Filter, Issuer, MintRequest, Minted, Operation, SecretValue, Token,
};
use tokenwright_core::{Change, Identity, Liveness, Parameters, Switch, TokenId};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::cluster::metrics::Metrics;
use crate::cluster::traces;
use crate::issuer::slots::without_slot;

/// An issuer whose answers are awaited without a slot, and measured.
#[derive(Debug)]
pub(crate) struct Outside {
    pub(crate) issuer: Arc<dyn Issuer>,
    pub(crate) metrics: Metrics,
    /// Its name in metrics.
    pub(crate) name: String,
    /// Nothing is changed at it.
    pub(crate) observe_only: bool,
    /// What its listings tell of it.
    pub(crate) listings: Listings,
}

/// Why the latest listing could not be read, if it could not: what stands between the issuer and us, such as the
/// login page of a gateway, answers each question with success, and so does who lists more than there is room for.
pub(crate) struct Listings {
    pub(crate) misread: Arc<Mutex<Option<ErrorKind>>>,
    /// Has the issuer looked at again.
    pub(crate) changed: Arc<dyn Fn() + Send + Sync>,
}

impl std::fmt::Debug for Listings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Listings").field(&self.misread).finish()
    }
}

impl Listings {
    /// Takes note of one; what was no answer at all tells nothing of shapes.
    fn saw<T>(&self, answer: &Result<T, Error>) {
        let misread = match answer {
            Ok(_) => None,
            Err(error) => match error.kind {
                kind @ (ErrorKind::AnswerNotUnderstood | ErrorKind::NoRoom) => Some(kind),
                _ => return,
            },
        };
        let before = std::mem::replace(&mut *self.misread.lock(), misread);
        if before != misread {
            (self.changed)();
        }
    }
}

impl Outside {
    /// Nobody should ask for a change while only looking; whoever does is refused, and nothing is sent.
    fn may_ask(&self, operation: Operation) -> Result<(), Error> {
        let changes = matches!(
            operation,
            Operation::Mint
                | Operation::Update
                | Operation::Enable
                | Operation::Disable
                | Operation::Revoke
        );
        match self.observe_only && changes {
            true => Err(Error::new(
                ErrorKind::Forbidden,
                self.issuer.profile(),
                operation,
            )),
            false => Ok(()),
        }
    }

    async fn ask<T>(
        &self,
        operation: Operation,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.may_ask(operation)?;
        let begun = Instant::now();
        let span = traces::request(&self.name, operation.name());
        let answer = without_slot(counted(answer)).instrument(span.clone());
        let (answer, sent) = answer.await;
        let kind = answer
            .as_ref()
            .map_or_else(|error| error.kind.name(), |_| OK);
        traces::ended(&span, kind, answer.is_ok());
        let told = (operation.name(), kind);
        let took = (sent, begun.elapsed());
        self.metrics.asked(&self.name, told, took);
        answer
    }
}

/// How an answer is told that is no error.
const OK: &str = "Ok";

#[async_trait]
impl Issuer for Outside {
    tokenwright_client::passes_on!(self => &*self.issuer);

    async fn identity(&self) -> Result<Option<Identity>, Error> {
        self.ask(Operation::Identity, self.issuer.identity()).await
    }

    async fn prove(&self, value: &SecretValue, about: About<'_>) -> Result<Liveness, Error> {
        self.ask(Operation::Check, self.issuer.prove(value, about))
            .await
    }

    async fn mint(&self, request: &MintRequest) -> Result<Minted, Error> {
        self.ask(Operation::Mint, self.issuer.mint(request)).await
    }

    async fn get(&self, id: &TokenId, parameters: &Parameters) -> Result<Option<Token>, Error> {
        self.ask(Operation::Get, self.issuer.get(id, parameters))
            .await
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Token>, Error> {
        // Thousands are kept in memory, and nothing else of them is read here.
        let brief = Filter {
            brief: true,
            ..filter.clone()
        };
        let listing = self.ask(Operation::List, self.issuer.list(&brief)).await;
        self.listings.saw(&listing);
        listing
    }

    async fn update(
        &self,
        id: &TokenId,
        remote_name: &str,
        change: &Change,
        at: Timestamp,
    ) -> Result<Token, Error> {
        self.ask(
            Operation::Update,
            self.issuer.update(id, remote_name, change, at),
        )
        .await
    }

    async fn set_enabled(
        &self,
        id: &TokenId,
        parameters: &Parameters,
        switch: Switch,
    ) -> Result<(), Error> {
        let operation = match switch {
            Switch::Enable => Operation::Enable,
            Switch::Disable => Operation::Disable,
        };
        let answer = self.issuer.set_enabled(id, parameters, switch);
        self.ask(operation, answer).await
    }

    async fn revoke(&self, proof: Proof<'_>) -> Result<(), Error> {
        self.ask(Operation::Revoke, self.issuer.revoke(proof)).await
    }
}
