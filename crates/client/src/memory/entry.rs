//! One token in the books of a memory issuer.

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokenwright_core::{Marker, Parameters};

use crate::issuer::Token;

/// One token in the books. What it was called first stays its marker for the ledger.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) serial: usize,
    pub(super) token: Token,
    pub(super) marker: Option<Marker>,
    pub(super) parameters: Parameters,
    pub(super) idempotency_key: String,
    pub(super) minted_at: Timestamp,
    pub(super) revoked_at: Option<Timestamp>,
    pub(super) born_dead: bool,
}

impl Entry {
    /// The text of one part: drawn from the serial, so that tests are the same at every run.
    pub(super) fn secret(&self, part: &str) -> String {
        let digest = Sha256::digest(format!("{}/{part}", self.serial));
        let hex: String = digest.iter().take(12).map(|b| format!("{b:02x}")).collect();
        format!("memory-secret-{hex}")
    }

    /// The id of a token whose id is a secret, as it is shown.
    pub(super) fn secret_id(serial: usize) -> String {
        let digest = Sha256::digest(format!("{serial}/id"));
        digest.iter().take(16).map(|b| format!("{b:02x}")).collect()
    }

    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.token.expires_at.is_none_or(|at| now < at)
    }

    pub(super) fn authenticates(&self, now: Timestamp) -> bool {
        self.is_live(now) && !self.born_dead && self.token.enabled != Some(false)
    }
}
