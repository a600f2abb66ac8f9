//! `migrate`: what is to be moved.

use std::path::PathBuf;

use clap::Args;

/// Print what to write and to do to move tokens here from something else; changes nothing
///
/// Takes Terraform states with the token resources of other providers, objects of External Secrets with
/// their generators, and those of the Vault Secrets Operator, as `kubectl get -o yaml` prints them. Values are
/// never read.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  all that was found can be moved
  1  something cannot, or there is nothing: standard error says what
  2  refused: a file cannot be read")]
pub(crate) struct Migrate {
    /// A Terraform state or YAML of a cluster, `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}
