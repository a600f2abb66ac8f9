//! `run`: a token for one command.

use std::ffi::OsString;

use clap::Args;
use tokenwright_core::Lifetime;

use super::{Reach, pair};

/// Run a command with a short-lived token, and revoke the token when the command ends
///
/// The token's parts are handed over in variables: by default in those that the system's own users know.
/// The command never sees the credential that minted it.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  as the command's own, or 128 and the number of the signal that ended it
  125  the token was not minted or does not work, so the command did not run; or the command went well,
       and its token may be alive
  126  the command cannot be started
  127  there is no such command")]
pub(crate) struct Run {
    /// How long the token may live if even the revoke fails
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    pub(crate) lifetime: Lifetime,
    /// A scope of the token; may be repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    /// The token's name, before the marker
    #[arg(long, default_value = "run")]
    pub(crate) name: String,
    /// Hand this part over in this variable; may be repeated
    #[arg(long = "env", value_name = "PART=VARIABLE", value_parser = pair)]
    pub(crate) variables: Vec<(String, String)>,
    /// Hand this part over in a file that nobody else can read, whose path is in this variable; may be
    /// repeated
    #[arg(long = "file", value_name = "PART=VARIABLE", value_parser = pair)]
    pub(crate) files: Vec<(String, String)>,
    /// Say only what goes wrong
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
    #[command(flatten)]
    pub(crate) reach: Reach,
}
