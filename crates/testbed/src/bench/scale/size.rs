//! How many tokens a measurement has, and how they are spread.

use clap::Args;

/// Many tokens on a real kube-apiserver: create, rest, restart, rotate, delete
#[derive(Debug, Clone, Args)]
pub(in crate::bench) struct Scale {
    /// How many ApiTokens; 1000 where nothing is said, and 100 under faults
    #[arg(long, value_name = "N")]
    pub(super) tokens: Option<usize>,

    /// How many TokenIssuers they are spread over
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(super) issuers: usize,

    /// How many Secrets of other people there are in the same namespaces
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) foreign_secrets: usize,

    /// How often each issuer may be asked in a minute
    #[arg(long, value_name = "N", default_value_t = 60_000)]
    pub(super) per_minute: u32,

    /// How many requests each issuer may have under way at once; four where an issuer says nothing
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub(super) concurrency: u32,

    /// Measure External Secrets Operator afterwards, too, on the same API server; `cargo xtask tools peers` builds it
    #[arg(long, conflicts_with = "faults")]
    pub(super) external_secrets: bool,

    /// Kill an operator every three to five seconds and lose one answer of the issuers in twenty; count what leaks
    #[arg(long)]
    pub(super) faults: bool,

    /// How many operators there are then; with two or more one stands still now and then, for longer than its Lease lasts
    #[arg(long, value_name = "N", default_value_t = 1, requires = "faults")]
    pub(super) replicas: usize,

    /// How long that lasts
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(super) minutes: u64,
}
