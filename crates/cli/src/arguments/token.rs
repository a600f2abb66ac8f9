//! `token`: the inventory of an issuer.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::SignedDuration;
use tokenwright_core::duration;

use super::{Cluster, Format, Reach};

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// List the tokens of an account, and who manages each
    List(ListTokens),
    /// Find live tokens that Tokenwright minted and that no record claims; revoke them on request
    Orphans(Orphans),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  listed
  1  the issuer did not answer
  2  refused before anything was sent")]
pub(crate) struct ListTokens {
    /// For people or for programs
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) reach: Reach,
    #[command(flatten)]
    pub(crate) records: Records,
}

/// Find live tokens that Tokenwright minted and that no record claims; revoke them on request
///
/// A token is an orphan if it carries the marker of Tokenwright, and neither the states nor the cluster
/// that are given know of it. Tokens of other states and clusters are never touched.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  there are no orphans, or all of them were revoked
  1  the issuer did not answer, or did not do it
  2  refused before anything was sent
  3  orphans are alive, and a person must look")]
pub(crate) struct Orphans {
    /// Revoke them, once you confirm it
    #[arg(long)]
    pub(crate) revoke: bool,
    /// Do not ask
    #[arg(long, short, requires = "revoke")]
    pub(crate) yes: bool,
    /// Leave younger ones alone: an apply may be under way that records them in a moment
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration::parse)]
    pub(crate) older_than: SignedDuration,
    /// For people or for programs
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) reach: Reach,
    #[command(flatten)]
    pub(crate) records: Records,
}

/// Who claims tokens.
#[derive(Debug, Args, Clone)]
#[command(next_help_heading = "Records")]
pub(crate) struct Records {
    /// A Terraform state, or `-` for standard input (`terraform state pull | …`); may be repeated
    #[arg(long = "state", value_name = "FILE")]
    pub(crate) states: Vec<PathBuf>,
    /// The `manager` of a provider block of which all states are given: its other tokens are orphans;
    /// may be repeated
    #[arg(long = "manager", value_name = "NAME")]
    pub(crate) managers: Vec<String>,
    /// The ApiTokens of the cluster, in all namespaces: its other tokens are orphans
    #[arg(long)]
    pub(crate) cluster: bool,
    #[command(flatten)]
    pub(crate) reach: Cluster,
}
