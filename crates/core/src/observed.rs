//! What was seen of the world, by a performer, just before a decision.

use jiff::{SignedDuration, Timestamp};

use crate::capabilities::{Capabilities, Look};
use crate::instant::after;
use crate::marker::{Marker, Nonce, Revision};
use crate::record::{DestinationVersion, Ended, Held, Past, Record, Retiring, TokenRef};
use crate::token::{Identity, TokenId, TokenStatus};

/// Everything that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The nonce of the mint flow that runs for this manager in this process.
    pub running: Option<Nonce>,
    /// The issuer as it is now.
    pub issuer: IssuerSeen,
    /// The place that the value is published to.
    pub destination: Destination,
    /// What the issuer says of the current token.
    pub status: TokenStatus,
    /// The newest complete inventory, as far as it shows this manager's marker.
    pub survey: Option<Survey>,
    /// Whether revokes of this issuer are held: another manager's foreign activity, a start without
    /// its first inventory, a mass disappearance, `--observe-only`.
    pub hold_revokes: bool,
    /// How far the clock here is ahead of the issuer's; zero where they agree, and where nothing tells.
    pub clock_ahead: SignedDuration,
    /// Whether so many of the issuer's current tokens vanished at once that no loss is believed
    /// without the word of its value.
    pub suspect: bool,
    /// What speaks for or against the current token.
    pub doubt: Doubt,
    /// The open attempts that ask for what may not be asked for: none of them is sent again.
    pub not_granted: Vec<Nonce>,
}

/// The issuer as it is now, to be compared with what the record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerSeen {
    /// Its endpoint.
    pub endpoint: String,
    /// Which credential it has, as far as a front end can tell one from the next; a new one ends a wait.
    pub credential: Option<String>,
    /// Whose credential it has; `None` where that is not known.
    pub identity: Option<Identity>,
}

/// The place that the value is published to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// It was not looked at, or cannot be lost (a Terraform state).
    NotLooked,
    /// It is not there.
    Absent,
    /// It is there and ours, and refuses to be removed or released.
    Refuses {
        /// When that is asked of it again.
        until: Timestamp,
        /// What its metadata says it holds.
        carried: Option<Box<Carried>>,
    },
    /// It is there and ours.
    Present {
        /// Its version.
        version: DestinationVersion,
        /// The token that it says its value belongs to; `None` where it carries none yet.
        carried: Option<Box<Carried>>,
        /// Whether the value is the one that we published.
        intact: Intact,
    },
    /// It belongs to somebody else.
    Foreign,
}

impl Destination {
    /// What its metadata says it holds, where it is ours.
    #[must_use]
    pub fn carried(&self) -> Option<&Carried> {
        match self {
            Self::Present { carried, .. } | Self::Refuses { carried, .. } => carried.as_deref(),
            Self::NotLooked | Self::Absent | Self::Foreign => None,
        }
    }

    /// When it is asked again to go.
    #[must_use]
    pub fn asked_again(&self) -> Option<Timestamp> {
        match self {
            Self::Refuses { until, .. } => Some(*until),
            Self::NotLooked | Self::Absent | Self::Present { .. } | Self::Foreign => None,
        }
    }
}

/// Whether a value is the one that we published, as far as digests tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Intact {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// The digest at hand was made with a key that is gone. Missing evidence is no counter-evidence:
    /// the issuer is asked.
    Unknown,
}

/// What the issuer's `check` said of the value at the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// What it said.
    pub liveness: Liveness,
    /// When it was asked.
    pub at: Timestamp,
}

/// What speaks for or against a token that a complete listing does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Doubt {
    /// Whether the value can be asked about: it is at hand, and the system has a check.
    pub can_check: bool,
    /// What was said of the value when it was last asked about.
    pub checked: Option<Checked>,
    /// When the first of the listings in a row that do not show it was started.
    pub unlisted_since: Option<Timestamp>,
}

/// What a destination says of itself: the truth about what is current.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// The token whose value it holds.
    pub current: Held,
    /// The superseded tokens that it names.
    pub retiring: Vec<Retiring>,
}

/// Whether a value authenticates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Liveness {
    /// It does.
    Alive,
    /// It does not.
    Dead,
    /// The answer says neither.
    Unknown,
}

/// A complete inventory, as far as it shows this manager's marker on live tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// When the listing was started; what was minted later may be missing in it.
    pub started_at: Timestamp,
    /// The live, unexpired tokens that carry this manager's whole marker.
    pub ours: Vec<Sighting>,
}

/// A token with this manager's marker, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Its id.
    pub id: TokenId,
    /// Its whole marker.
    pub marker: Marker,
    /// Its expiry.
    pub expires_at: Option<Timestamp>,
    /// Whether it is enabled, where the system tells.
    pub enabled: Option<bool>,
}

/// How a sighted token stands to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The record names it as current or retiring.
    Referenced,
    /// It came of an attempt that is still open.
    Attempted,
    /// It came of an attempt that was closed, or its revoke is not done: nobody has its value.
    Orphan,
    /// It was ended already; soft deletes and lagging lists show such tokens.
    Ended,
    /// Nothing in the record explains it: another writer.
    Foreign,
    /// Another id with the whole marker of a token that the record names: the record decides, and this
    /// one is only reported.
    Twin,
    /// A revision that no writer of ours can have come to: forged, and only reported.
    Impossible,
}

/// More revisions ahead of the record than any other writer can be.
const MOST_AHEAD: Revision = 1_000;

impl Sighting {
    /// How this token stands to the record.
    #[must_use]
    pub fn standing(&self, record: &Record) -> Standing {
        let nonce = &self.marker.nonce;
        if record.references(&self.id, &self.marker) {
            return Standing::Referenced;
        }
        // Ended already, even where its attempt is still open or was closed since: a lagging list.
        if self.ends(record).any(|past| past.ended != Ended::Gone) {
            return Standing::Ended;
        }
        // Nobody can use it, and its revoke is not done.
        if record.open_revoke(&self.id, &self.marker).is_some() {
            return Standing::Orphan;
        }
        if self.marker.revision > record.last_revision.saturating_add(MOST_AHEAD) {
            return Standing::Impossible;
        }
        if self.marker.revision > record.last_revision {
            return Standing::Foreign;
        }
        if let Some(attempt) = record.attempt(nonce) {
            return match attempt.revision == self.marker.revision {
                true => Standing::Attempted,
                false => Standing::Foreign,
            };
        }
        let same = record.past.iter().filter(|past| &past.nonce == nonce);
        let one_mint = |past: &&Past| past.revision == self.marker.revision;
        // Of a lost answer nobody knows the id.
        let may_be = |past: &&Past| past.id.as_ref().is_none_or(|id| *id == self.id);
        match same.clone().next() {
            Some(_) if same.clone().filter(one_mint).any(|past| may_be(&past)) => Standing::Orphan,
            // The mint's own token is known and has ended: this is another one under its name.
            Some(past) if one_mint(&past) => Standing::Twin,
            Some(_) => Standing::Foreign,
            // The mint was applied twice, or somebody copied the name: nothing here can tell.
            None if record.referenced().any(|t| t.marker == self.marker) => Standing::Twin,
            None => Standing::Foreign,
        }
    }

    /// What the record says of the end of this very token.
    fn ends<'a>(&'a self, record: &'a Record) -> impl Iterator<Item = &'a Past> {
        let past = record.past.iter();
        past.filter(|past| past.nonce == self.marker.nonce && past.id.as_ref() == Some(&self.id))
    }
}

impl Survey {
    /// Whether the listing must show everything that reached the issuer before `instant`.
    #[must_use]
    pub fn covers(&self, instant: Timestamp, settle: SignedDuration) -> bool {
        self.started_at >= after(instant, settle)
    }

    /// How a token that the listing shows stands to the record.
    ///
    /// Where a listing is what shows that a revoke is done, one that began `settle` after that was written
    /// down and shows the token again says that the former was wrong: it lives, and nobody has its value.
    #[must_use]
    pub fn standing(&self, shown: &Sighting, record: &Record, can: &Capabilities) -> Standing {
        match shown.standing(record) {
            Standing::Ended if can.look == Look::Listing => {
                let ends = shown.ends(record).map(|past| past.ended_at);
                let since = ends.max().flatten();
                match since.is_some_and(|ended| self.covers(ended, can.settle)) {
                    true => Standing::Orphan,
                    false => Standing::Ended,
                }
            }
            other => other,
        }
    }

    /// Whether the listing shows this very token.
    #[must_use]
    pub fn shows(&self, token: &TokenRef) -> bool {
        let mut ours = self.ours.iter();
        ours.any(|s| s.id == token.id && s.marker == token.marker)
    }
}

impl Doubt {
    /// What the check said since `instant`.
    #[must_use]
    pub fn since(&self, instant: Timestamp) -> Option<Checked> {
        self.checked.filter(|checked| checked.at >= instant)
    }

    /// Whether a token that `survey` does not show is lost.
    fn confirms(&self, survey: &Survey, settle: SignedDuration) -> bool {
        if self.can_check {
            let said = self.since(survey.started_at);
            return said.is_some_and(|said| said.liveness == Liveness::Dead);
        }
        let first = self.unlisted_since;
        first.is_some_and(|first| survey.covers(first, settle) && survey.started_at > first)
    }
}

/// Whether so many of an issuer's current tokens vanished at once that the issuer, or what stands
/// between it and us, is to be suspected: more than three, and more than one in twenty.
#[must_use]
pub fn suspect(current: usize, vanished: usize) -> bool {
    vanished > 3 && vanished.saturating_mul(20) > current
}

impl TokenStatus {
    /// What a complete inventory says of the current token, and what speaks for or against it.
    ///
    /// *Missing* is concluded only from a listing that started `settle` after the mint, and never from
    /// one alone: the value is dead by its check, or, where nothing can be asked about it, a second
    /// listing `settle` later does not show the token either.
    #[must_use]
    pub fn from_survey(
        survey: &Survey,
        current: &Held,
        doubt: &Doubt,
        settle: SignedDuration,
        now: Timestamp,
    ) -> Self {
        let seen = survey
            .ours
            .iter()
            .find(|s| s.id == current.token.id && s.marker == current.token.marker);
        match seen {
            Some(sighting) if sighting.enabled == Some(false) => Self::Disabled,
            Some(_) => Self::Active,
            None if !survey.covers(current.there_since(now), settle) => Self::Unknown,
            None if doubt.confirms(survey, settle) => Self::Missing,
            None => Self::Unlisted,
        }
    }
}
