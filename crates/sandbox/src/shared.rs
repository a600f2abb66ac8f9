//! What all systems of one sandbox share, and its owner turns.

use std::sync::{PoisonError, RwLock};

use crate::faults::Faults;
use crate::settings::Settings;
use crate::store::Store;

/// What all systems of one sandbox share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) faults: Faults,
    pub(crate) settings: RwLock<Settings>,
}

impl Shared {
    pub(crate) fn settings(&self) -> Settings {
        self.settings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
