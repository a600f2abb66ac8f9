//! A script's world, whose end asserts what each script promises.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};

use serde_json::Value;
use tokenwright_sandbox::SystemName;

use super::{held, living};
use crate::encrypted::{IDENTITY, decrypted};
use crate::support::{Ran, World};

/// It ends by `ends` or one like it, or its test fails.
pub(super) struct Script {
    world: World,
    ended: Cell<bool>,
    /// Whether no consumer has a value, for a reason that its script tells.
    unconsumed: Cell<bool>,
}

impl Deref for Script {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Script {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let forgotten = !self.ended.get() && !std::thread::panicking();
        assert!(!forgotten, "a script ends by what its end asserts");
    }
}

impl Script {
    pub(super) async fn new(seconds_per_day: f64, resource: &str) -> Self {
        Self::of(SystemName::Seeme, seconds_per_day, resource).await
    }

    pub(super) async fn of(system: SystemName, seconds_per_day: f64, resource: &str) -> Self {
        Self {
            world: World::of(system, seconds_per_day, resource).await,
            ended: Cell::new(false),
            unconsumed: Cell::new(false),
        }
    }

    /// The value that a consumer has, or whoever can decrypt it, is the current one and works; a destroy plans the end of all that the
    /// state names, and nothing else; then the value is refused, and the ledger shows nothing that lives.
    pub(super) async fn ends(&self) -> Ran {
        self.ends_beside(&[]).await
    }

    /// The same where these tokens are nobody's, or another's.
    pub(super) async fn ends_beside(&self, left: &[String]) -> Ran {
        let state = self.state().await;
        let value = self.consumers(&state);
        assert_eq!(value, state["value"]);
        let value = match value.is_null() {
            true => decrypted(&self.world, IDENTITY).await.unwrap().into(),
            false => value,
        };
        assert!(self.works(&value).await, "{state}");
        self.ends_with(Some(&value), left).await
    }

    /// The same where the current value is this one, whether it works or not.
    pub(super) async fn ends_with(&self, value: Option<&Value>, left: &[String]) -> Ran {
        let named = self.named();
        let ran = self.destroy().await;
        let planned = ran.planned();
        assert!(planned.keys().eq(&named), "{planned:?}, {named:?}");
        assert!(planned.values().all(|of| of == "delete"), "{planned:?}");
        self.is_over(value, left).await;
        ran
    }

    /// The last word of a script whose end is its own; the value is the one that its consumer had.
    pub(super) async fn ended(&self, value: Option<&Value>) {
        self.is_over(value, &[]).await;
    }

    async fn is_over(&self, value: Option<&Value>, left: &[String]) {
        self.ended.set(true);
        if let Some(value) = value {
            assert!(!self.works(value).await, "{:#?}", self.lives());
        }
        let living: Vec<_> = living(self).into_iter().map(|life| life.id).collect();
        assert_eq!(living, left);
    }

    /// For a script that cannot have a consumer: the value that its state has is asked with at its end.
    pub(super) fn without_consumer(self) -> Self {
        self.unconsumed.set(true);
        self
    }

    /// What the consumer holds; there must be one, or a word that there is none.
    fn consumers(&self, state: &Value) -> Value {
        match self.unconsumed.get() {
            true => state["value"].clone(),
            false => held(self),
        }
    }
}
