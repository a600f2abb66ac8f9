//! Every plan that Terraform asked for, as a recorder between it and the provider saw it.
//!
//! Terraform asks for each plan twice, once to show it and once before it applies it. What was known the first
//! time must be the same the second time, in any two runs that ask for the same.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::Deserialize;
use tempfile::TempDir;

use super::go::built;

/// The provider of this build.
pub(crate) const PROVIDER: &str = env!("CARGO_BIN_EXE_terraform-provider-tokenwright");

/// What the recorder writes to; it holds values, and goes with its test.
pub(crate) struct Record {
    folder: TempDir,
}

/// One plan of one resource instance.
#[derive(Debug, Deserialize)]
struct Planned {
    resource: String,
    asked: String,
    /// Whether anything else is planned than what was before.
    changes: bool,
    /// A digest of what was planned of each attribute, or that it is unknown.
    planned: BTreeMap<String, String>,
}

impl Record {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// What Terraform takes for the provider.
    pub(crate) fn provider(&self) -> &'static Path {
        static BUILT: OnceLock<PathBuf> = OnceLock::new();
        BUILT.get_or_init(|| built("./recorder", "recorder/terraform-provider-tokenwright"))
    }

    pub(crate) fn environment(&self) -> [(&'static str, OsString); 2] {
        let file = self.folder.path().join("plans");
        [("PROVIDER", PROVIDER.into()), ("RECORD", file.into())]
    }

    /// How many plans that change a minted token were asked for again.
    pub(crate) fn repeats(&self) -> usize {
        let plans = self.plans();
        let token = |plan: &&Planned| plan.changes && plan.resource == "tokenwright_api_token";
        let plans: Vec<_> = plans.iter().filter(token).collect();
        let asked: BTreeSet<_> = plans.iter().map(|plan| &plan.asked).collect();
        plans.len() - asked.len()
    }

    /// Whoever asks the same again gets the same answer, and what was not known may be.
    pub(crate) fn agrees(&self) {
        let mut before: BTreeMap<String, Planned> = BTreeMap::new();
        for plan in self.plans() {
            for (name, first) in before
                .get(&plan.asked)
                .map(|b| &b.planned)
                .into_iter()
                .flatten()
            {
                let same = first == "unknown" || plan.planned.get(name) == Some(first);
                assert!(same, "two plans of a {} differ in {name}", plan.resource);
            }
            before.insert(plan.asked.clone(), plan);
        }
    }

    fn plans(&self) -> Vec<Planned> {
        let text = std::fs::read_to_string(self.folder.path().join("plans"));
        let text = text.unwrap_or_default();
        // A recorder that was killed may have left half a line.
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        lines.collect()
    }
}
