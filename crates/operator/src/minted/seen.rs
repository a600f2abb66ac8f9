//! What one process has seen of one `ApiToken`, between two reconciles.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokenwright_client::SecretValue;
use tokenwright_core::schedule::can_wait_until;
use tokenwright_core::{
    Checked, Destination, InvalidSpec, Nonce, Obstacle, OpenRevoke, Record, TokenId,
};

use crate::cluster::calls::CallError;
use crate::cluster::conditions::Trouble;
use crate::issuer::registry::Handle;

/// What was seen of one manager, and runs for it. There are thousands: what few have stands apart.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The mint flow that runs for it.
    pub(crate) running: Option<Nonce>,
    /// Its Secret when it was last read.
    pub(crate) secret: Option<SecretSeen>,
    /// What was to follow from that did not succeed: it must be read again, whatever watch and status say.
    pub(crate) doubted: bool,
    /// How often in a row its Secret could not be brought into its wanted form.
    pub(crate) unformed: u8,
    /// What refuses that its Secret goes.
    pub(crate) refusal: Option<Box<Refusal>>,
    /// Whose its Secret is, where that is somebody else.
    pub(crate) foreign: Option<Box<str>>,
    /// When this process last changed its token at the issuer; older listings say nothing about it.
    pub(crate) touched_at: Option<Timestamp>,
    /// What its Secret was found not to be able to look like.
    pub(crate) impossible: Option<Box<Impossible>>,
    /// What the issuer said last of the value in its Secret.
    pub(crate) said: Option<Box<Said>>,
    /// The current token that listings do not show, and when the first of them was started.
    pub(crate) unlisted: Option<Box<(TokenId, Timestamp)>>,
    /// Whether a listing is awaited for it.
    pub(crate) listing: bool,
    /// Why the latest listing for it could not be read, where the issuer answered.
    pub(crate) unread: Option<Box<Trouble>>,
    /// How many listings in a row failed for it.
    pub(crate) listings_failed: u32,
    /// No listing is asked for before this instant, since one failed.
    pub(crate) list_again_at: Option<Timestamp>,
    /// Revokes that were begun: no status tells of one that was sent and not looked at yet, and none of any
    /// where the kinds are those of the version before.
    pub(crate) revokes: Vec<Begun>,
    /// What shows which tokens were named by us, where the issuer shows no names and no status says it yet.
    pub(crate) seals: Option<Box<Seals>>,
    /// What came of the latest change of its token in place, where it was not made.
    pub(crate) unchanged: Option<Box<Unchanged>>,
    /// Why a mint did not come to its attempt; the next reconcile fails with it.
    pub(crate) unwritten: Option<Box<CallError>>,
    /// Since when it waits for a turn or a listing without having said so.
    pub(crate) waits_since: Option<Timestamp>,
    /// The value of the current token, from the removal of its Secret until the token is seen to end.
    pub(crate) kept: Option<Arc<SecretValue>>,
}

/// A change of a token in place that was not made.
#[derive(Debug, Default)]
pub(crate) struct Unchanged {
    /// Why, where a person should know.
    pub(crate) why: Option<Trouble>,
    /// The name that it was given, where nobody knows whether it has it.
    pub(crate) sent: Option<Box<str>>,
}

/// A revoke that was begun, without what the record says of its token.
#[derive(Debug, Clone)]
pub(crate) struct Begun {
    nonce: Nonce,
    id: TokenId,
    sent_at: Option<Timestamp>,
    retry_at: Timestamp,
    tries: u32,
    obstacle: Option<Obstacle>,
    said: Option<Box<str>>,
}

impl Begun {
    /// This one.
    pub(crate) fn of(open: &OpenRevoke) -> Self {
        Self {
            nonce: open.token.marker.nonce.clone(),
            id: open.token.id.clone(),
            sent_at: open.sent_at,
            retry_at: open.retry_at,
            tries: open.tries,
            obstacle: open.obstacle,
            said: open.said.as_deref().map(Box::from),
        }
    }

    /// The revoke, where the record names its token and knows nothing of it.
    pub(crate) fn unknown_to(self, record: &Record) -> Option<OpenRevoke> {
        let mut named = record.referenced();
        let token = named.find(|token| token.marker.nonce == self.nonce && token.id == self.id)?;
        if record.open_revoke(&token.id, &token.marker).is_some() {
            return None;
        }
        Some(OpenRevoke {
            token: token.clone(),
            sent_at: self.sent_at,
            tries: self.tries,
            retry_at: self.retry_at,
            obstacle: self.obstacle,
            said: self.said.map(String::from),
        })
    }
}

/// What a Secret was found not to be able to look like, and for what that was found.
#[derive(Debug, Clone)]
pub(crate) struct Impossible {
    /// What was asked for.
    pub(crate) generation: Option<i64>,
    /// What a value of the issuer consists of; where its profile is corrected, that may be more.
    pub(crate) parts: BTreeMap<String, usize>,
    /// What cannot be.
    pub(crate) invalid: InvalidSpec,
}

impl Impossible {
    /// What cannot be, where nothing has changed since.
    pub(crate) fn still(self, generation: Option<i64>, handle: &Handle) -> Option<InvalidSpec> {
        let same = self.generation == generation && self.parts == handle.parts();
        same.then_some(self.invalid)
    }
}

/// Seals, the newest last.
#[derive(Debug, Default)]
pub(crate) struct Seals(pub(crate) Vec<String>);

/// That the Secret of a deleted object goes was refused.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    /// How often in a row.
    pub(crate) times: u32,
    /// When it is tried again.
    pub(crate) until: Timestamp,
    /// What refused it.
    pub(crate) why: Trouble,
}

impl Refusal {
    /// The destination, as far as it lets be done to it what the deletion wants.
    pub(crate) fn stands_before(&self, destination: Destination, now: Timestamp) -> Destination {
        let until = self.until;
        match destination {
            Destination::Present { carried, .. } if until > now && can_wait_until(until, now) => {
                Destination::Refuses { until, carried }
            }
            other => other,
        }
    }
}

/// What the issuer said of a value.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    /// What, and when.
    pub(crate) checked: Checked,
    /// The version of the Secret that held the value.
    pub(crate) of: Option<String>,
}

/// A Secret as it was read.
#[derive(Debug, Clone)]
pub(crate) struct SecretSeen {
    /// Its version; `None` where there was none.
    pub(crate) version: Option<String>,
    /// What it is to its manager; without what it says once the watch shows that, too: there are thousands.
    pub(crate) destination: Destination,
    /// Whether what it says of its token is believed.
    pub(crate) says: bool,
    /// What the Secret was wanted to look like then, as a digest; another form makes it look different.
    pub(crate) form: u64,
}

impl SecretSeen {
    /// The watch shows what it says.
    pub(crate) fn is_shown(&mut self) {
        if let Destination::Present { carried, .. } = &mut self.destination {
            *carried = None;
        }
    }

    /// Whether it is newer than what the watch shows, which lags then. Versions of one API server are numbers
    /// that grow; where none is shown, it may be gone.
    pub(crate) fn is_newer_than(&self, shown: Option<&String>) -> bool {
        let number = |version: Option<&String>| version?.parse::<u64>().ok();
        match (number(self.version.as_ref()), number(shown)) {
            (Some(known), Some(shown)) => known > shown,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_of_each_of_thousands_is_small() {
        let size = size_of::<Seen>();
        assert!(size <= 320, "{size} bytes");
        let size = size_of::<Begun>();
        assert!(size <= 128, "{size} bytes");
    }
}
