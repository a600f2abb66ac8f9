//! An issuer that is asked outside of the slots of reconciles.
//!
//! A reconcile takes a slot, since so many at once are enough to keep the API server busy. An issuer may
//! hang for minutes; whoever waits for it gives the slot back, so that no issuer holds up the objects of
//! all others. How many wait for one issuer at once, its scheduler says.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use tokenwright_client::revoke::Proof;
use tokenwright_client::{Error, Filter, Issuer, MintRequest, Minted, SecretValue, Token};
use tokenwright_core::{
    Capabilities, Change, Identity, Inputs, InvalidSpec, Liveness, Parameters, Switch, TokenId,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

tokio::task_local! {
    /// The slot of the reconcile that runs; nothing while it waits for an issuer.
    static SLOT: RefCell<Option<OwnedSemaphorePermit>>;
}

/// How many reconciles are at work at once.
#[derive(Debug, Clone)]
pub(crate) struct Slots(Arc<Semaphore>);

impl Slots {
    pub(crate) fn new(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count)))
    }

    /// Does some work in a slot, once there is one.
    pub(crate) async fn within<F: Future>(&self, work: F) -> F::Output {
        let slot = Arc::clone(&self.0).acquire_owned().await.ok();
        SLOT.scope(RefCell::new(slot), work).await
    }
}

/// Waits for something without a slot, where the caller has one, and takes another one afterwards.
async fn without_slot<F: Future>(wait: F) -> F::Output {
    let slot = SLOT.try_with(RefCell::take).ok().flatten();
    let slots = slot.as_ref().map(|slot| Arc::clone(slot.semaphore()));
    drop(slot);
    let answer = wait.await;
    if let Some(slots) = slots {
        let slot = slots.acquire_owned().await.ok();
        let _outlived = SLOT.try_with(|place| place.replace(slot));
    }
    answer
}

/// An issuer whose answers are awaited without a slot.
#[derive(Debug)]
pub(crate) struct Outside(pub(crate) Arc<dyn Issuer>);

#[async_trait]
impl Issuer for Outside {
    fn profile(&self) -> &str {
        self.0.profile()
    }

    fn endpoint(&self) -> &str {
        self.0.endpoint()
    }

    fn capabilities(&self) -> &Capabilities {
        self.0.capabilities()
    }

    fn value_parts(&self) -> &BTreeMap<String, usize> {
        self.0.value_parts()
    }

    fn manual(&self) -> Option<&str> {
        self.0.manual()
    }

    fn validate(&self, inputs: &Inputs) -> Result<(), InvalidSpec> {
        self.0.validate(inputs)
    }

    fn validate_adopted(&self, parameters: &Parameters) -> Result<(), InvalidSpec> {
        self.0.validate_adopted(parameters)
    }

    fn can_check(&self, parameters: &Parameters) -> bool {
        self.0.can_check(parameters)
    }

    fn own_id(&self, value: &SecretValue) -> Option<TokenId> {
        self.0.own_id(value)
    }

    async fn identity(&self) -> Result<Option<Identity>, Error> {
        without_slot(self.0.identity()).await
    }

    async fn prove(&self, value: &SecretValue, parameters: &Parameters) -> Result<Liveness, Error> {
        without_slot(self.0.prove(value, parameters)).await
    }

    async fn mint(&self, request: &MintRequest) -> Result<Minted, Error> {
        without_slot(self.0.mint(request)).await
    }

    async fn get(&self, id: &TokenId, parameters: &Parameters) -> Result<Option<Token>, Error> {
        without_slot(self.0.get(id, parameters)).await
    }

    fn list_parameters(&self, parameters: &Parameters) -> Parameters {
        self.0.list_parameters(parameters)
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Token>, Error> {
        without_slot(self.0.list(filter)).await
    }

    async fn update(
        &self,
        id: &TokenId,
        remote_name: &str,
        change: &Change,
        at: Timestamp,
    ) -> Result<Token, Error> {
        without_slot(self.0.update(id, remote_name, change, at)).await
    }

    async fn set_enabled(
        &self,
        id: &TokenId,
        parameters: &Parameters,
        switch: Switch,
    ) -> Result<(), Error> {
        without_slot(self.0.set_enabled(id, parameters, switch)).await
    }

    async fn revoke(&self, proof: Proof<'_>) -> Result<(), Error> {
        without_slot(self.0.revoke(proof)).await
    }
}
