//! The server itself: under which name it is played, and what it signs with.

use std::sync::OnceLock;

use super::jwt::Secrets;
use super::kind::Kind;
use crate::store::StoreError;

/// The server, under one of its names.
#[derive(Debug)]
pub(crate) struct Terrakube {
    pub(super) kind: Kind,
    /// Drawn at each start: what the store keeps must not suffice to sign.
    secrets: OnceLock<Secrets>,
}

impl Terrakube {
    pub(crate) fn playing(kind: Kind) -> Self {
        Self {
            kind,
            secrets: OnceLock::new(),
        }
    }

    pub(super) fn secrets(&self) -> Result<&Secrets, StoreError> {
        if let Some(secrets) = self.secrets.get() {
            return Ok(secrets);
        }
        let drawn = Secrets::draw()?;
        Ok(self.secrets.get_or_init(|| drawn))
    }
}
