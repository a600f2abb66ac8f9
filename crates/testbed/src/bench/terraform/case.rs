//! What is measured under a real Terraform.

use std::path::PathBuf;

use anyhow::Result;

use crate::tools::{terraform, tofu};

/// So many tokens, among so many others, at an issuer that answers so slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Case {
    pub(super) tokens: u32,
    pub(super) others: u32,
    pub(super) latency: u32,
    pub(super) parallelism: u32,
    pub(super) tofu: bool,
}

impl Case {
    pub(super) const fn of(tokens: u32, latency: u32, parallelism: u32) -> Self {
        Self {
            tokens,
            others: 0,
            latency,
            parallelism,
            tofu: false,
        }
    }

    /// How many resources are worked on at once.
    pub(super) fn at_once(self) -> u32 {
        self.parallelism.min(self.tokens)
    }

    /// Itself, for a table.
    pub(super) fn told(self, what: &str) -> String {
        let among = match self.others {
            0 => String::new(),
            others => format!(" among {others} others"),
        };
        format!(
            "{what} {}{among}, answers after {} ms, parallelism {}",
            self.tokens, self.latency, self.parallelism
        )
    }

    pub(super) const fn core(self) -> &'static str {
        if self.tofu { "OpenTofu" } else { "Terraform" }
    }

    pub(super) fn program(self) -> Result<PathBuf> {
        if self.tofu { tofu() } else { terraform() }
    }
}
