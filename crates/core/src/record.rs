//! What one manager remembers of its tokens: plain data, stored in a status or a Terraform state.
//!
//! A record never proves anything: it *nominates* tokens.
//! What is revoked must first be shown, with its whole marker, by the issuer itself.

mod as_of;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::instant::can_have_happened;
use crate::marker::{Marker, Nonce, Revision};
use crate::reason::Reason;
use crate::spec::{Inputs, Parameters};
use crate::token::{Identity, TokenId};

pub use self::as_of::Longest;

/// The most open attempts of one manager; at that many nothing more is tried.
pub const MAX_ATTEMPTS: usize = 8;
/// The most closed attempts and ended tokens that are remembered.
pub const MAX_PAST: usize = 32;
/// The most former credentials of the account that are remembered.
pub const MAX_CREDENTIALS: usize = 8;

/// One token, named so that it can be found, compared and revoked later.
///
/// Endpoint and identity are compared with the issuer's, never used to reach it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenRef {
    /// The id at the issuer.
    pub id: TokenId,
    /// The marker that it was minted with.
    pub marker: Marker,
    /// The parameters that it was minted with.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub parameters: Parameters,
    /// The issuer's endpoint at the mint.
    pub endpoint: String,
    /// Whose credential minted it, where the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
}

impl TokenRef {
    /// Whether both name the same token: by id and marker, whoever's credential it was seen with.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.id == other.id && self.marker == other.marker
    }

    /// Whether this one took the place of another: the issuer knows one token by an id, whatever we call it,
    /// so that nothing is left of the other one that could be ended, and to end it would end this one.
    /// One that a plan only foresees has no id yet.
    #[must_use]
    pub fn took_the_place_of(&self, other: &Self) -> bool {
        !self.id.as_str().is_empty()
            && self.id == other.id
            && self.marker != other.marker
            && self.endpoint == other.endpoint
            && self.parameters == other.parameters
    }
}

/// The current token: the one whose value the destination holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// Which token.
    pub token: TokenRef,
    /// What was asked for; what an update changed since is already in it.
    pub inputs: Inputs,
    /// When it was minted.
    pub created_at: Timestamp,
    /// The *issued* expiry; `None` is never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it would end by what was asked for, counted by our clock; `None` in old records, where no end
    /// was asked for, and where the system makes nothing of the wish.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wished_end: Option<Timestamp>,
    /// Whether its value was shown to authenticate.
    #[serde(default)]
    pub proven: Proven,
    /// Whether we disabled it; only then do we enable it again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled_by_us: bool,
}

impl Held {
    /// Since when it is there, as the clock of now can tell. What was minted in what is the future now was minted
    /// before the clock was set back, and so before all that is of now.
    #[must_use]
    pub fn there_since(&self, now: Timestamp) -> Timestamp {
        match self.was_minted_ahead_of(now) {
            true => Timestamp::MIN,
            false => self.created_at,
        }
    }

    /// Whether the clock that it was minted by was ahead of the one of now.
    #[must_use]
    pub fn was_minted_ahead_of(&self, now: Timestamp) -> bool {
        !can_have_happened(self.created_at, now)
    }

    /// Until when it is relied on: by what was issued or by what was asked for, whichever is earlier. An
    /// expiry that was read hours too late, such as one without its time zone, lets no token die.
    #[must_use]
    pub fn relied_on_until(&self) -> Option<Timestamp> {
        self.expires_at.into_iter().chain(self.wished_end).min()
    }
}

/// Whether a value was shown to authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Proven {
    /// It authenticated, or the system has no check and the mint's answer is the proof.
    #[default]
    Yes,
    /// No check gave a clear answer yet.
    NotYet,
    /// It was refused.
    No,
}

/// A superseded token that waits for the end of its overlap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retiring {
    /// Which token.
    pub token: TokenRef,
    /// Not revoked before this instant.
    pub not_before: Timestamp,
    /// Its own expiry; after it nothing needs to be revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// The durable intent, written before a mint and cleared by its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Drawn for this attempt alone.
    pub nonce: Nonce,
    /// The revision that it mints; a lost number is not used again.
    pub revision: Revision,
    /// What it asks for.
    pub inputs: Inputs,
    /// When it began, by which its requests count: a replay is the very same request. `None` in old records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began_at: Option<Timestamp>,
    /// After this instant no request of this attempt is sent.
    pub deadline: Timestamp,
    /// What the destination was when the attempt was written.
    pub destination: DestinationVersion,
    /// The trigger that its success handles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// Whose credential mints it, where that is known; `None` in old records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// What its success repairs; `None` in old records, and where it was planned or asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repairs: Option<Repair>,
}

/// What a mint repairs that nobody planned or asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Repair {
    /// The token or its destination was lost.
    Loss,
    /// Somebody edited the value at the destination.
    Value,
}

/// The latest repair that was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Repaired {
    /// What it repaired.
    pub what: Repair,
    /// When its token was minted.
    pub at: Timestamp,
}

/// The version of the destination that a publish is conditional on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DestinationVersion {
    /// There was none.
    Absent,
    /// This object at this version.
    #[serde(rename_all = "camelCase")]
    Present {
        /// The object's UID.
        uid: String,
        /// Its resourceVersion.
        resource_version: String,
    },
}

/// A closed attempt or an ended token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Past {
    /// The nonce of its marker.
    pub nonce: Nonce,
    /// Its revision.
    pub revision: Revision,
    /// Its id, where one was ever known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<TokenId>,
    /// How it ended.
    pub ended: Ended,
    /// When that was written down; `None` in old records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Whether it was a token whose value was never delivered: withdrawn after its mint, or found after a
    /// lost answer. `false` in old records, which do not tell.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undelivered: bool,
    /// Of a suspect: when it was asked for; `None` in old records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
}

/// What is known of a token that may exist and that nobody can find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// Nothing was sent for it after this instant.
    pub deadline: Timestamp,
    /// When it ends by what was asked for; `None` where no end was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wished_end: Option<Timestamp>,
}

impl Past {
    /// Whether it was a token that somebody may have relied on.
    #[must_use]
    pub fn was_delivered(&self) -> bool {
        self.id.is_some() && !self.undelivered
    }
}

/// How an attempt or a token ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ended {
    /// We revoked it.
    Revoked,
    /// It expired, and the issuer shows it no more.
    Expired,
    /// The issuer refused the mint, or nothing was sent.
    Refused,
    /// Its answer was lost, and no complete inventory after its deadline showed it.
    Lost,
    /// Its answer was lost, and nothing can tell whether a token exists.
    Suspect,
    /// It was revoked or removed outside.
    Gone,
}

/// A duty towards the current token that waits for its next try. None keeps another waiting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// Which one.
    pub duty: Duty,
    /// How often in a row it was refused.
    pub failures: u32,
    /// Not tried before this instant.
    pub retry_at: Timestamp,
    /// Whether something of it may have been done all the same; `false` in old records, which do not tell.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsure: bool,
}

/// What is done to the current token beside replacing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Duty {
    /// Ask whether its value authenticates.
    Prove,
    /// Change its inputs in place.
    Update,
    /// Disable or enable it.
    Switch,
}

/// A revoke that was begun and is not seen to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenRevoke {
    /// Which token.
    pub token: TokenRef,
    /// When the issuer last said that it did it; its word is a claim until the token is seen no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// How often it was tried without coming to its end.
    pub tries: u32,
    /// Not tried again before this instant.
    pub retry_at: Timestamp,
    /// What stands in its way; `None` while it was sent once and is not looked at yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<Obstacle>,
    /// What the issuer said, by kind, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

/// What stands in the way of a revoke, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Obstacle {
    /// The issuer refused it, or could not be asked.
    Failed,
    /// Something depends on the token, so that nothing was sent.
    InUse,
    /// The issuer shows the id without our marker, so nothing was sent.
    NotProven,
    /// Its value let in after the issuer had told of its end, and nobody may have it any more to ask again: that it
    /// is shown no more is no end then.
    StillAlive,
    /// The issuer said that it did it, and the token is still there.
    NotSeen,
}

impl Obstacle {
    /// As a decision says it.
    #[must_use]
    pub fn reason(self) -> Reason {
        match self {
            Self::Failed => Reason::RevokeFailed,
            Self::InUse => Reason::RevokeInUse,
            Self::NotProven => Reason::RevokeNotProven,
            Self::StillAlive | Self::NotSeen => Reason::RevokeNotSeen,
        }
    }
}

/// Everything one manager remembers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Record {
    /// The token whose value the destination holds.
    pub current: Option<Held>,
    /// Superseded tokens that wait for the end of their overlap.
    pub retiring: Vec<Retiring>,
    /// Mints whose outcome is not known yet.
    pub attempts: Vec<Attempt>,
    /// Closed attempts and ended tokens, oldest first.
    pub past: Vec<Past>,
    /// Revokes that were begun and are not seen to be done.
    pub revokes: Vec<OpenRevoke>,
    /// The highest revision ever attempted.
    pub last_revision: Revision,
    /// Mints that failed since the last one that worked.
    pub failures: u32,
    /// Mints in a row whose answer could not be read.
    pub unreadable: u32,
    /// No new attempt before this instant.
    pub retry_at: Option<Timestamp>,
    /// What was wanted, and of which credential, when that wait began; `None` in old records.
    pub retry_basis: Option<String>,
    /// Duties towards the current token that were refused, each with its own wait.
    pub pauses: Vec<Pause>,
    /// The latest repair; `None` in old records, which do not tell one from a rotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repaired: Option<Repaired>,
    /// Tokens that may exist after lost answers and cannot be found.
    pub suspects: u32,
    /// Another credential that was recognised as one of the account of the tokens on record.
    pub identity: Option<Identity>,
    /// The credentials that are known to be of the account of the current token; none in old records.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub account: Vec<Identity>,
    /// The trigger that was last acted on with success.
    pub handled_trigger: Option<String>,
    /// The trigger of the last attempt; a new one lifts the stop after unreadable answers.
    pub tried_trigger: Option<String>,
}

impl Record {
    /// Whether a publish of ours may have put this marker at the destination without a word of it here: it
    /// is of an open attempt, or of one that was closed without a token. Anything else that names another
    /// token than this record does was written by somebody else.
    #[must_use]
    pub fn expects(&self, marker: &Marker) -> bool {
        self.attempt(&marker.nonce).is_some() || self.landed_late(marker)
    }

    fn landed_late(&self, marker: &Marker) -> bool {
        let newer = self
            .current
            .as_ref()
            .is_none_or(|held| held.token.marker.revision < marker.revision);
        let mut same = self.past.iter().filter(|p| p.nonce == marker.nonce);
        let known = same.clone().next().is_some();
        newer && known && same.all(|p| p.id.is_none() && p.revision == marker.revision)
    }

    /// How a closed attempt or ended token with this nonce ended.
    #[must_use]
    pub fn ended(&self, nonce: &Nonce) -> Option<Ended> {
        self.past
            .iter()
            .rev()
            .find(|p| &p.nonce == nonce)
            .map(|p| p.ended)
    }

    /// Until when a duty waits, if it does.
    #[must_use]
    pub fn paused(&self, duty: Duty, now: Timestamp) -> Option<Timestamp> {
        let pause = self.pauses.iter().find(|pause| pause.duty == duty);
        pause.map(|pause| pause.retry_at).filter(|at| *at > now)
    }

    /// Whether a change of the current token in place was begun of which nobody knows what became.
    #[must_use]
    pub fn doubts_inputs(&self) -> bool {
        let mut pauses = self.pauses.iter();
        pauses.any(|pause| pause.duty == Duty::Update && pause.unsure)
    }

    /// The open attempt with this nonce.
    #[must_use]
    pub fn attempt(&self, nonce: &Nonce) -> Option<&Attempt> {
        self.attempts.iter().find(|a| &a.nonce == nonce)
    }

    /// The open revoke of this very token.
    #[must_use]
    pub fn open_revoke(&self, id: &TokenId, marker: &Marker) -> Option<&OpenRevoke> {
        let mut revokes = self.revokes.iter();
        revokes.find(|open| &open.token.id == id && &open.token.marker == marker)
    }

    /// Whether the record names this very token as current or retiring.
    #[must_use]
    pub fn references(&self, id: &TokenId, marker: &Marker) -> bool {
        self.referenced()
            .any(|t| &t.id == id && &t.marker == marker)
    }

    /// Whether this credential is known to be of the account of the current token: it minted that one, or
    /// one before it in the same account, or was recognised. Old records say it by their tokens alone.
    #[must_use]
    pub fn knows(&self, credential: &Identity) -> bool {
        let tokens = match self.account.is_empty() {
            true => self.retiring.as_slice(),
            false => &[],
        };
        let tokens = tokens.iter().map(|retiring| &retiring.token);
        let tokens = tokens.chain(self.current.iter().map(|held| &held.token));
        let known = tokens.filter_map(|token| token.identity.as_ref());
        let mut known = known.chain(&self.identity).chain(&self.account);
        known.any(|known| known == credential)
    }

    /// Whether a token may be of the account of the current one: one that had ended before a token was
    /// minted in the account that there is now is of another.
    #[must_use]
    pub fn may_be_beside_current(&self, token: &TokenRef) -> bool {
        let known = |minted_by: &Identity| self.knows(minted_by);
        token.identity.as_ref().is_none_or(known)
    }

    /// The tokens that the record names as current or retiring.
    pub fn referenced(&self) -> impl Iterator<Item = &TokenRef> {
        let current = self.current.iter().map(|held| &held.token);
        current.chain(self.retiring.iter().map(|r| &r.token))
    }
}
