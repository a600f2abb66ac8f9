//! One issuer, used with one credential, as everybody shares it: both front ends and the command line.
//!
//! [`gate`] is what every request passes: one slot each ([`limiter`]), of which none of many who share it
//! keeps all ([`seats`]), and one pause for all operations.
//! What one operation sends is counted there ([`sent`]).
//! [`inventory`] lists for all managers together, [`identity`] says who the credential is.
//!
//! Decides nothing: who goes first is the front end's, what an answer means is `core`'s.

use std::sync::Arc;

use jiff::SignedDuration;
use tokenwright_core::{Identity, IssuerSeen};

pub mod gate;
pub mod identity;
pub mod inventory;
pub mod limiter;
pub mod seats;
pub mod sent;

pub use gate::{Gate, Pause, Why};
pub use identity::{SecretDigests, is_of_credential};
pub use inventory::{Inventory, RECHECK, survey};
pub use limiter::{LONGEST_ASKED, Limiter, Rate};
pub use seats::Seats;

use crate::clock::Clock;
use crate::error::Error;
use crate::issuer::Issuer;

/// An issuer with its credential, its listings and its gate.
#[derive(Debug)]
pub struct Account {
    /// Who is asked. Its requests pass the gate.
    pub issuer: Arc<dyn Issuer>,
    /// Where, as references record it.
    pub endpoint: String,
    /// What it shows.
    pub inventory: Inventory,
    /// What every request passes.
    pub gate: Arc<Gate>,
    /// Stands for the account where the issuer does not say whose the credential is.
    stand_in: Option<Identity>,
    identity: tokio::sync::OnceCell<Option<Identity>>,
}

impl Account {
    /// An account that nobody asked anything of yet. The issuer must be one behind this gate.
    #[must_use]
    pub fn new(
        issuer: Arc<dyn Issuer>,
        gate: Arc<Gate>,
        recheck: SignedDuration,
        clock: Clock,
    ) -> Self {
        Self {
            endpoint: issuer.endpoint().to_owned(),
            inventory: Inventory::new(Arc::clone(&issuer), recheck, clock),
            issuer,
            gate,
            stand_in: None,
            identity: tokio::sync::OnceCell::new(),
        }
    }

    /// With what stands for the account where the issuer does not say whose the credential is.
    #[must_use]
    pub fn with_stand_in(mut self, identity: Identity) -> Self {
        self.stand_in = Some(identity);
        self
    }

    /// Who the credential is, in the issuer's own words; asked once. `None` where it cannot tell.
    ///
    /// # Errors
    /// What the issuer answered. Then it is asked again the next time.
    pub async fn named_identity(&self) -> Result<Option<Identity>, Error> {
        let asked = self.identity.get_or_try_init(|| self.issuer.identity());
        asked.await.cloned()
    }

    /// Who the credential is: the issuer's word, else the digest of the credential.
    ///
    /// # Errors
    /// What the issuer answered. Then it is asked again the next time.
    pub async fn identity(&self) -> Result<Option<Identity>, Error> {
        let named = self.named_identity().await?;
        Ok(named.or_else(|| self.stand_in.clone()))
    }

    /// Asks something that tells of the issuer itself, where what somebody was answered is doubted; the gate takes
    /// note of what comes of it, for all. That is whose the credential is, or else a listing with words that were
    /// answered before, or with none. Where neither can be asked the doubt is believed.
    pub async fn ask_for_all(&self) {
        let _identity = self.issuer.identity().await;
        if self.gate.doubted() {
            tokio::select! {
                _listing = self.inventory.again() => {}
                // Its first page is enough.
                () = self.gate.undoubted() => {}
            }
        }
        self.gate.believe();
    }

    /// The issuer as references are compared with it, as far as it was asked.
    #[must_use]
    pub fn seen(&self) -> IssuerSeen {
        let named = self.identity.get().cloned().flatten();
        IssuerSeen {
            credential: None,
            endpoint: self.endpoint.clone(),
            identity: named.or_else(|| self.stand_in.clone()),
        }
    }
}
