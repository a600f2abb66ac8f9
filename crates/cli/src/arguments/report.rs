//! `report`: a page for people.

use std::path::PathBuf;

use clap::Args;

/// Write one self-contained HTML page of inventories: every token, its life, who manages it, what needs a look
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  written
  2  refused: a file is no inventory, or cannot be read or written")]
pub(crate) struct Report {
    /// Inventories as `tokenwright token list -o json` prints them, or `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) inventories: Vec<PathBuf>,
    /// Where to [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}
