//! What is known of an adopted token, in the words of its status and back.
//!
//! Times alone are no reason to write a status: what was checked and found as before stays in memory,
//! and a restart checks once more.

use tokenwright_api::adopt::{AdoptedToken, OfferedValue};
use tokenwright_core::Liveness;
use tokenwright_core::adopt::{AdoptRecord, AdoptSpec, Fingerprint, Tried};

use crate::secret::parts::{DigestKey, Parts};

/// A value, and what tells it from others.
#[derive(Debug, Clone)]
pub(crate) struct Recognised {
    pub(super) fingerprint: Fingerprint,
    pub(super) parts: Parts,
}

/// What one process knows of one adopted token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct AdoptedRecord {
    /// What the lifecycle remembers.
    pub(crate) record: AdoptRecord,
    /// Counts the values that were accepted.
    pub(crate) revision: u32,
    /// The endpoint that the accepted one was taken up at. It is compared with the issuer's, and never asked.
    pub(crate) issuer: Option<String>,
    /// Whether it was the operator who wrote that down: what else a status says is told to nobody.
    pub(crate) sealed: bool,
    /// Whether the event about what stays alive was reported.
    pub(crate) told: bool,
}

/// What is known, and the status that it goes beyond; with another one it is worth nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Remembered {
    pub(crate) base: Option<AdoptedToken>,
    pub(crate) known: AdoptedRecord,
    /// The value of a Secret that was removed, whatever the status says.
    pub(crate) kept: Option<Recognised>,
}

impl AdoptedRecord {
    /// What a status says that somebody else wrote: where a value was taken up, this process knows itself.
    pub(crate) fn beside(self, before: &Self) -> Self {
        let accepted = |known: &Self| {
            let accepted = known.record.accepted.as_ref();
            accepted.map(|tried| tried.fingerprint.clone())
        };
        if accepted(&self) != accepted(before) || before.issuer.is_none() {
            return self;
        }
        let (issuer, sealed) = (before.issuer.clone(), before.sealed);
        Self {
            issuer,
            sealed,
            ..self
        }
    }

    /// The same, where it was the operator who found out where the value belongs.
    pub(crate) fn own_seal(&self, manager: &str, key: &DigestKey) -> Option<String> {
        self.seal(manager, key).filter(|_| self.sealed)
    }

    /// What only the operator can write of an accepted value and the endpoint that it belongs to.
    pub(crate) fn seal(&self, manager: &str, key: &DigestKey) -> Option<String> {
        let accepted = self.record.accepted.as_ref()?;
        let print = accepted.fingerprint.as_str();
        Some(key.seal_of_adopted(manager, print, self.issuer.as_ref()?))
    }
}

const LIVENESS: [(Liveness, &str); 3] = [
    (Liveness::Alive, "Alive"),
    (Liveness::Dead, "Dead"),
    (Liveness::Unknown, "Unknown"),
];

fn liveness(name: &str) -> Liveness {
    let known = LIVENESS.iter().find(|(_, is)| *is == name);
    known.map_or(Liveness::Unknown, |(liveness, _)| *liveness)
}

fn name(liveness: Liveness) -> String {
    let known = LIVENESS.iter().find(|(is, _)| *is == liveness);
    known.map_or("", |(_, name)| name).to_owned()
}

/// What a status remembers.
pub(crate) fn read(status: Option<&AdoptedToken>) -> AdoptedRecord {
    let Some(status) = status else {
        return AdoptedRecord::default();
    };
    let accepted = status.fingerprint.as_ref().map(|fingerprint| Tried {
        fingerprint: Fingerprint::new(fingerprint),
        liveness: status
            .liveness
            .as_deref()
            .map_or(Liveness::Unknown, liveness),
        asked_at: status.checked_at,
        alive_at: status.verified_at,
        failures: status.failures,
    });
    let offered = status.offered.as_ref().map(|offered| Tried {
        fingerprint: Fingerprint::new(&offered.fingerprint),
        liveness: liveness(&offered.liveness),
        asked_at: Some(offered.checked_at),
        alive_at: None,
        failures: offered.failures,
    });
    AdoptedRecord {
        record: AdoptRecord {
            accepted,
            offered,
            ended: false,
            revoke: None,
        },
        revision: status.revision.unwrap_or_default(),
        issuer: status.issuer.clone(),
        ..AdoptedRecord::default()
    }
}

/// The status that remembers it.
pub(crate) fn write(known: &AdoptedRecord, spec: &AdoptSpec, source: &str) -> AdoptedToken {
    let accepted = known.record.accepted.as_ref();
    let offered = known.record.offered.as_ref();
    AdoptedToken {
        fingerprint: accepted.map(|tried| tried.fingerprint.to_string()),
        issuer: accepted.and(known.issuer.clone()),
        liveness: accepted.map(|tried| name(tried.liveness)),
        checked_at: accepted.and_then(|tried| tried.asked_at),
        verified_at: accepted.and_then(|tried| tried.alive_at),
        failures: accepted.map_or(0, |tried| tried.failures),
        source: source.to_owned(),
        token_id: spec.token_id.as_ref().map(ToString::to_string),
        revision: accepted.map(|_| known.revision),
        expires_at: spec.expires_at,
        warn_at: spec.warn_at(),
        offered: offered.and_then(|tried| {
            Some(OfferedValue {
                fingerprint: tried.fingerprint.to_string(),
                liveness: name(tried.liveness),
                checked_at: tried.asked_at?,
                failures: tried.failures,
            })
        }),
    }
}

/// What stands in the status already, with where its value was taken up. Kinds of the version before do not keep
/// that; what is sent in the same words is not sent again then.
pub(crate) fn with_issuer(before: &AdoptedToken, issuer: Option<&String>) -> AdoptedToken {
    AdoptedToken {
        issuer: issuer.cloned(),
        ..before.clone()
    }
}

/// Whether two say the same, times of checks apart.
pub(crate) fn same(one: Option<&AdoptedToken>, other: Option<&AdoptedToken>) -> bool {
    let timeless = |status: &AdoptedToken| AdoptedToken {
        checked_at: None,
        verified_at: None,
        ..status.clone()
    };
    one.map(timeless) == other.map(timeless)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn tried(fingerprint: &str, liveness: Liveness) -> Tried {
        Tried {
            fingerprint: Fingerprint::new(fingerprint),
            liveness,
            asked_at: Some(Timestamp::UNIX_EPOCH),
            alive_at: (liveness == Liveness::Alive).then_some(Timestamp::UNIX_EPOCH),
            failures: u32::from(liveness != Liveness::Alive),
        }
    }

    fn spec() -> AdoptSpec {
        AdoptSpec {
            token_id: None,
            expires_at: None,
            warn_before: tokenwright_core::adopt::WARN_BEFORE,
            recheck: jiff::SignedDuration::from_mins(10),
            suspend: false,
            deletion: tokenwright_core::Deletion {
                policy: tokenwright_core::DeletionPolicy::Revoke,
                since: None,
                timeout: jiff::SignedDuration::from_hours(24),
            },
        }
    }

    #[test]
    fn what_is_written_is_read_again_as_it_was() {
        for accepted in [Liveness::Alive, Liveness::Dead, Liveness::Unknown] {
            for offered in [None, Some(Liveness::Dead), Some(Liveness::Unknown)] {
                let known = AdoptedRecord {
                    record: AdoptRecord {
                        accepted: Some(tried("00ff", accepted)),
                        offered: offered.map(|liveness| tried("11ee", liveness)),
                        ended: false,
                        revoke: None,
                    },
                    revision: 3,
                    issuer: Some("https://issuer".to_owned()),
                    ..AdoptedRecord::default()
                };
                let status = write(&known, &spec(), "source");
                assert_eq!(read(Some(&status)), known);
            }
        }
        assert_eq!(read(None), AdoptedRecord::default());
    }

    #[test]
    fn times_of_checks_alone_are_no_news() {
        let known = AdoptedRecord {
            record: AdoptRecord {
                accepted: Some(tried("00ff", Liveness::Alive)),
                ..AdoptRecord::default()
            },
            revision: 1,
            ..AdoptedRecord::default()
        };
        let status = write(&known, &spec(), "source");
        let later = AdoptedToken {
            checked_at: Some(Timestamp::MAX),
            verified_at: Some(Timestamp::MAX),
            ..status.clone()
        };
        assert!(same(Some(&status), Some(&later)));
        let failed = AdoptedToken {
            failures: 1,
            ..later
        };
        assert!(!same(Some(&status), Some(&failed)));
    }
}
