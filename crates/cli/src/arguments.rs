//! What can be written on the command line. No secret can: it would stand in the process list.

mod cluster;
mod explain;
mod migrate;
mod reach;
mod report;
mod run;
mod token;

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use jiff::SignedDuration;
use tokenwright_core::{Lifetime, duration};

pub(crate) use cluster::{Cluster, Doctor, Events, Object, Rotate, Status, Why};
pub(crate) use explain::ExplainWord;
pub(crate) use migrate::Migrate;
pub(crate) use reach::Reach;
pub(crate) use report::Report;
pub(crate) use run::Run;
pub(crate) use token::{ListTokens, Orphans, Records, TokenCommand};

/// The name of the program.
pub(crate) const NAME: &str = "tokenwright";
/// The name under which `kubectl` finds it.
const KUBECTL_PLUGIN: &str = "kubectl-tokenwright";

/// Where somebody begins who only calls the program by its name.
const BEGIN: &str = concat!(
    "\
Begin with:
  tokenwright profile list               what each built-in token system can do
  tokenwright token list --profile NAME  every token of an account, and who manages it
  tokenwright run --profile NAME -- CMD  a token for one command, revoked when it ends
  tokenwright status                     the ApiTokens of a cluster: expiry, next rotation, trouble
  tokenwright explain REASON             what a word in a message means

Exit codes:
  0  done
  1  something failed, or is not as it should be
  2  refused as it is written; nothing was sent
  3  a token may be alive at an issuer; a person must look

The guide: ",
    env!("CARGO_PKG_REPOSITORY"),
    "/blob/main/docs/cli.md"
);

/// API tokens as code: the command line.
#[derive(Debug, Parser)]
#[command(name = NAME, version, max_term_width = 100, after_help = BEGIN)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl CommandLine {
    /// Reads what was written, and speaks of the program as it was called: `kubectl tokenwright`, too.
    pub(crate) fn read() -> Self {
        let called = std::env::args_os().next().map(PathBuf::from);
        let called = called.as_deref().and_then(Path::file_name);
        let name = match called {
            Some(called) if called == KUBECTL_PLUGIN => "kubectl tokenwright",
            Some(_) | None => NAME,
        };
        let matches = Self::command().bin_name(name).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Token systems: what is built in, and whether a file of one's own is right
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Tokens at an issuer: the inventory, and what nobody manages any more
    #[command(subcommand)]
    Token(TokenCommand),
    Run(Run),
    Report(Report),
    Migrate(Migrate),
    Status(Status),
    Why(Why),
    Events(Events),
    Rotate(Rotate),
    Doctor(Doctor),
    Explain(ExplainWord),
    /// Print the completions for a shell
    Completion(Completion),
    /// Write the man pages into a folder
    Man(Man),
}

#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Where to; it is made where it is missing
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProfileCommand {
    /// List the built-in token systems and what each can and cannot do
    List(List),
    /// Print a built-in profile, to read or to start one's own from
    Show(Show),
    /// Begin a profile of one's own from a few questions
    New(New),
    /// Say in sentences what is done for each operation of a profile; sends nothing
    Explain(Explain),
    /// Validate a profile and replay its examples; sends nothing
    Check(Check),
    /// Mint, use and revoke one token at a real issuer, one line per step
    Try(Try),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// For people or for programs
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table
    Table,
    /// JSON
    Json,
    /// YAML
    Yaml,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The name of a built-in profile
    pub(crate) name: String,
    /// Print its examples
    #[arg(long)]
    pub(crate) examples: bool,
}

#[derive(Debug, Args)]
pub(crate) struct New {
    /// Its name, in lower-case letters, digits and hyphens
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// A profile, or the name of a built-in one
    pub(crate) profile: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  the profile is right, and its examples replay
  1  something is wrong: it is told with its line")]
pub(crate) struct Check {
    /// The profile
    pub(crate) file: PathBuf,
    /// Its examples [default: NAME.examples.yaml beside it]
    #[arg(long, value_name = "FILE")]
    pub(crate) examples: Option<PathBuf>,
    /// For people or for programs
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
}

/// Exit codes: 0 all steps passed; 1 a step failed, and nothing is left alive; 2 refused before
/// anything was sent; 3 a token may be alive, and a person must look; 129, 130, 143 ended early by
/// SIGHUP, SIGINT, SIGTERM, and nothing is left alive.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0              all steps passed
  1              a step failed; nothing is left alive
  2              refused before anything was sent
  3              a token may be alive at the issuer; a person must look
  129, 130, 143  ended early by SIGHUP, SIGINT or SIGTERM; nothing is left alive")]
pub(crate) struct Try {
    /// A profile's file, or the name of a built-in one
    #[arg(value_name = "FILE|NAME")]
    pub(crate) profile: String,
    /// Where the issuer is: the credential is sent there and nowhere else
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: String,
    /// A parameter of the system; may be repeated
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) parameters: Vec<(String, String)>,
    /// A scope of the token; may be repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    /// How long the token may live if even the revoke fails, or `never`
    #[arg(long, value_name = "DURATION", default_value = "1d")]
    pub(crate) lifetime: Lifetime,
    /// The token's name, before the marker
    #[arg(long, default_value = "try")]
    pub(crate) name: String,
    /// Read a part of the credential from a file; may be repeated [default: the profile's
    /// environment variables]
    #[arg(long = "credential-file", value_name = "PART=PATH", value_parser = pair)]
    pub(crate) credential_files: Vec<(String, String)>,
    /// No request takes longer
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::parse)]
    pub(crate) request_timeout: SignedDuration,
    /// Write what happened to a new file, as examples of the profile; something else stands in the
    /// place of each secret
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
}

/// `NAME=VALUE`. The message does not repeat the text: somebody may have written a secret.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        Some(_) | None => Err("is not of the form NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _};

    use super::CommandLine;

    /// What only prints: it ends with 0, or with 2 as everything does.
    const PRINT: [&str; 6] = ["list", "show", "new", "explain", "completion", "man"];

    fn leaves<'a>(command: &'a Command, path: &str, found: &mut Vec<(String, &'a Command)>) {
        let path = format!("{path} {}", command.get_name());
        match command.has_subcommands() {
            true => command
                .get_subcommands()
                .for_each(|below| leaves(below, &path, found)),
            false => found.push((path.trim().to_owned(), command)),
        }
    }

    /// The codes of a table whose lines begin with them.
    fn codes(text: &str) -> Vec<&str> {
        let lines = text
            .lines()
            .skip_while(|line| !line.starts_with("Exit codes"));
        lines
            .skip(1)
            .filter_map(|line| line.trim().split("  ").next())
            .flat_map(|codes| codes.split(", "))
            .filter(|code| code.chars().all(|c| c.is_ascii_digit()) && !code.is_empty())
            .collect()
    }

    /// What stands under each heading of a help; every other option stands under none.
    const HEADINGS: [(&str, &[&str]); 3] = [
        (
            "Issuer",
            &[
                "profile",
                "profiles",
                "endpoint",
                "parameters",
                "credential_files",
                "request_timeout",
            ],
        ),
        ("Records", &["states", "managers", "cluster"]),
        ("Cluster", &["kubeconfig", "context"]),
    ];

    #[test]
    fn an_option_stands_under_the_heading_of_what_it_is_about_and_under_no_other() {
        let program = CommandLine::command();
        let mut commands = Vec::new();
        leaves(&program, "", &mut commands);
        for (path, command) in commands {
            for option in command.get_arguments() {
                let Some(heading) = option.get_help_heading() else {
                    continue;
                };
                let under = HEADINGS.iter().find(|(name, _)| *name == heading);
                let (_, under) = under.unwrap();
                let id = option.get_id().as_str();
                assert!(under.contains(&id), "{path}: {id} under {heading}");
            }
        }
    }

    /// What prints no table: a file, the report of steps while they are done, or what another program reads.
    const NO_TABLE: [&str; 9] = [
        "tokenwright profile show",
        "tokenwright profile new",
        "tokenwright profile explain",
        "tokenwright profile try",
        "tokenwright run",
        "tokenwright report",
        "tokenwright migrate",
        "tokenwright completion",
        "tokenwright man",
    ];

    #[test]
    fn every_command_that_shows_a_table_gives_the_same_to_programs() {
        let program = CommandLine::command();
        let mut commands = Vec::new();
        leaves(&program, "", &mut commands);
        for (path, command) in commands {
            let gives = command.get_opts().any(|option| option.get_id() == "output");
            assert_eq!(gives, !NO_TABLE.contains(&path.as_str()), "{path}");
        }
    }

    #[test]
    fn every_command_that_can_fail_says_with_which_exit_codes_and_each_is_in_the_guide() {
        let program = CommandLine::command();
        let mut commands = Vec::new();
        leaves(&program, "", &mut commands);
        assert!(commands.len() > 12, "{commands:?}");
        let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md");
        let guide = std::fs::read_to_string(guide).unwrap();
        for (path, command) in commands {
            let only_prints = PRINT.contains(&command.get_name());
            let prints = only_prints && !path.contains("token ") && path != "tokenwright explain";
            let help = command.get_after_help().map(ToString::to_string);
            let told = help.unwrap_or_default();
            let codes = codes(&told);
            assert!(
                prints || codes.len() > 1,
                "{path} says no exit codes: {told}"
            );
            for code in codes {
                let rows = [
                    format!("| {code} |"),
                    format!("| {code}, "),
                    format!(", {code}"),
                ];
                let there = rows.iter().any(|row| guide.contains(row));
                assert!(there, "{path}: docs/cli.md has no row of {code}");
            }
        }
    }
}
