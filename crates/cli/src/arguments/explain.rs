//! `explain`: the words that messages carry.

use clap::Args;

use super::Format;

/// Say what a reason or a message means, what a person does next, and where the page about it is
///
/// Takes the word that a condition, an event or a diagnostic carries, such as CredentialRefused, the first line of
/// what Terraform says, or the whole message with one of them or such a sentence in it. Without one it lists all.
/// Asks nobody.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  explained
  1  nothing of it is known here")]
pub(crate) struct ExplainWord {
    /// A reason, or a message
    #[arg(value_name = "REASON|MESSAGE")]
    pub(crate) words: Vec<String>,
    /// For people or for programs
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
}
