//! Who claims a token: what the records of Terraform and of a cluster say of each marker.
//!
//! A record claims by the whole marker. A marker of a manager that is on record, or of an origin of which
//! all records are given, and that nobody claims, is an orphan's; of every other marker nothing is known,
//! and whoever carries it is somebody else's.

mod cluster;
mod terraform;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use serde::Serialize;
use tokenwright_core::{ManagerId, Marker, Nonce, Origin, Revision};

use crate::arguments;
use crate::cluster::Cluster;
use crate::random::OwnCommand;
use crate::reach::runtime;

/// What all given records say together.
#[derive(Debug, Default)]
pub(crate) struct Records {
    claims: BTreeMap<Marker, String>,
    managers: BTreeMap<ManagerId, Manager>,
    /// Origins of which all records are given, and their names.
    whole: BTreeMap<Origin, String>,
    /// Origins of which some records are given.
    seen: BTreeSet<Origin>,
    /// The latest revision that is on record of each manager.
    latest: BTreeMap<ManagerId, Revision>,
}

/// A manager that is on record.
#[derive(Debug)]
struct Manager {
    name: String,
    /// The nonces of mints by which it finds a token of its own whose answer was lost.
    pending: BTreeSet<Nonce>,
}

/// What a token is to the records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "is", content = "of")]
pub(crate) enum Standing {
    /// A record has it.
    Managed(String),
    /// Its manager lost the answer of the mint, and takes care of it by itself.
    LostAnswer(String),
    /// A run of Terraform minted it for itself: it ends with the run, or by itself soon after.
    Ephemeral,
    /// It was minted after the given record of its manager was written, so that another record may have it.
    Newer(String),
    /// Nobody on record has it.
    Orphan(String),
    /// Its origin is on record, its manager is not, and other records may have it.
    Unclaimed,
    /// It was minted from elsewhere.
    Elsewhere,
    /// It carries no marker: a person or another program made it.
    Unmarked,
}

impl Records {
    /// Reads what is given.
    pub(crate) fn read(asked: &arguments::Records) -> anyhow::Result<Self> {
        let mut records = Self::default();
        for state in &asked.states {
            terraform::read(state, &mut records)?;
        }
        for name in &asked.managers {
            if name.is_empty() {
                bail!("--manager: must be the text of `manager` in the provider block");
            }
            records.whole.insert(Origin::of(name), format!("{name:?}"));
        }
        let named = &asked.reach;
        if asked.cluster {
            runtime()?.block_on(async {
                let reached = Cluster::reach(named).await?;
                cluster::read(&reached, &mut records).await
            })?;
        } else if named.kubeconfig.is_some() || named.context.is_some() {
            bail!("--kubeconfig and --context say which cluster: give --cluster with them");
        }
        Ok(records)
    }

    /// Whether anybody could be an orphan by them.
    pub(crate) fn tell_orphans(&self) -> bool {
        !self.managers.is_empty() || !self.whole.is_empty()
    }

    /// What a token with this marker is.
    pub(crate) fn standing(&self, marker: Option<&Marker>) -> Standing {
        let Some(marker) = marker else {
            return Standing::Unmarked;
        };
        if let Some(name) = self.claims.get(marker) {
            return Standing::Managed(name.clone());
        }
        if let Some(manager) = self.managers.get(&marker.manager) {
            let name = manager.name.clone();
            let latest = self.latest.get(&marker.manager);
            let newer = latest.is_some_and(|latest| marker.revision > *latest);
            return match (manager.pending.contains(&marker.nonce), newer) {
                (true, _) => Standing::LostAnswer(name),
                (false, true) => Standing::Newer(name),
                (false, false) => Standing::Orphan(format!("{name} does not know it")),
            };
        }
        if marker.manager == ManagerId::of(ManagerId::EPHEMERAL) {
            return Standing::Ephemeral;
        }
        if let Some(name) = self.whole.get(&marker.origin) {
            return Standing::Orphan(format!("nothing of {name} knows it"));
        }
        match self.seen.contains(&marker.origin) {
            true => Standing::Unclaimed,
            false => Standing::Elsewhere,
        }
    }

    fn claim(&mut self, marker: Marker, name: &str) {
        // Providers without a `manager` share one origin: it says nothing of where a token is from.
        if marker.origin != Origin::of("") {
            self.seen.insert(marker.origin.clone());
        }
        self.reached(&marker.manager, marker.revision);
        self.claims.insert(marker, name.to_owned());
    }

    /// A record knows of this revision.
    fn reached(&mut self, manager: &ManagerId, revision: Revision) {
        let latest = self.latest.entry(manager.clone()).or_default();
        *latest = revision.max(*latest);
    }
}

/// The command of ours that minted a token for itself, if one did: no record has it.
pub(crate) fn own_command(marker: &Marker) -> Option<&'static str> {
    let mut origins = OwnCommand::ALL.into_iter().map(OwnCommand::origin);
    origins.find(|origin| marker.origin == Origin::of(origin))
}

#[cfg(test)]
mod tests;
