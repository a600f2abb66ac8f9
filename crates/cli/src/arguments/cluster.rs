//! What is asked of a cluster.

use std::path::PathBuf;

use clap::Args;
use jiff::SignedDuration;
use tokenwright_core::duration;

use super::Format;

/// Which cluster.
#[derive(Debug, Args, Clone, Default)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct Cluster {
    /// The kubeconfig [default: as kubectl finds it]
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context in the kubeconfig [default: the current one]
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
}

/// Show the ApiTokens and issuers of all namespaces, or of one: expiry, next rotation, trouble
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  all is as it should be
  1  something is not, or the cluster did not answer
  2  refused before anything was sent")]
pub(crate) struct Status {
    /// One namespace [default: all]
    #[arg(long, short)]
    pub(crate) namespace: Option<String>,
    /// Show only what is in trouble
    #[arg(long)]
    pub(crate) trouble: bool,
    /// For people or for programs
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) cluster: Cluster,
}

/// One ApiToken.
#[derive(Debug, Args)]
pub(crate) struct Object {
    /// Its namespace [default: that of the context]
    #[arg(long, short)]
    pub(crate) namespace: Option<String>,
    /// Its name
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) cluster: Cluster,
}

/// Explain what happens next to an ApiToken: the rules that were asked, the one that won, and when
///
/// Read from the object and its Secret's annotations; no issuer is asked and no value is read.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  explained
  1  the cluster did not answer, or has no such ApiToken
  2  refused before anything was sent")]
pub(crate) struct Why {
    /// For people or for programs
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) object: Object,
}

/// Show the events of an ApiToken, the latest last
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  told
  1  the cluster did not answer, or has no such ApiToken
  2  refused before anything was sent")]
pub(crate) struct Events {
    /// For people or for programs
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) object: Object,
}

/// Rotate an ApiToken now: the next revision is minted, and the previous one lives on through its overlap
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  asked for, or delivered with --wait
  1  the cluster did not answer, has no such ApiToken, or it was not delivered in time
  2  refused: it is suspended, deleted, or adopts what a person made")]
pub(crate) struct Rotate {
    /// Wait until the next revision is delivered
    #[arg(long)]
    pub(crate) wait: bool,
    /// Wait no longer
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration::parse)]
    pub(crate) timeout: SignedDuration,
    /// For people or for programs
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) object: Object,
}

/// See whether this machine, its rights and the cluster are fit: version, kinds, rights, clock, proxy, operator, issuers
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  all is as it should be
  1  something is not, or the cluster did not answer
  2  refused before anything was sent")]
pub(crate) struct Doctor {
    /// For people or for programs
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) cluster: Cluster,
}
