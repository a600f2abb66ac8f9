//! What the administrator says on the command line.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use clap::{ArgAction, Args, Parser, Subcommand};

use crate::cluster::name::is_name;
use crate::issuer::hosts::AllowedHost;
use crate::secret::limits::{REFUSED_METADATA, REFUSED_TYPES};

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "tokenwright-operator",
    version,
    about = "Mints, delivers, rotates and revokes API tokens that ApiTokens ask for"
)]
pub struct CommandLine {
    /// What to do instead of running.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// How to run.
    #[command(flatten)]
    pub options: Options,
}

/// What the program does beside running.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the definitions of the kinds as YAML.
    Crd,
    /// Say whether the kinds can be read and a replica renews the Lease, with the permissions of whoever asks.
    Check {
        /// How many seconds to wait for the renewal: longer than a takeover after a kill lasts.
        #[arg(long, value_name = "SECONDS", default_value_t = 25)]
        wait: u64,
    },
}

/// How the operator runs.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Serve only this namespace; may be given several times. Default: all namespaces.
    #[arg(
        long = "watch-namespaces",
        value_name = "NAMESPACE",
        value_delimiter = ',',
        value_parser = namespace
    )]
    pub watch_namespaces: Vec<String>,

    /// A host that TokenIssuers may name as endpoint beside the profiles' own, as HOST or HOST:PORT; may be given several times. Plain http is possible on loopback only.
    #[arg(long = "allow-host", value_name = "HOST", value_delimiter = ',')]
    pub allow_hosts: Vec<AllowedHost>,

    /// A type of Secrets that ApiTokens may not ask for, and that no credential or adopted value is read from, or with a slash at its end all that begin so; may be given several times, and replaces the list of the program for what ApiTokens may ask for.
    #[arg(long = "refuse-secret-type", value_name = "TYPE", value_delimiter = ',', default_values = REFUSED_TYPES)]
    pub refuse_secret_types: Vec<String>,

    /// Beginnings of labels and annotations that ApiTokens may not put on a Secret; may be given several times, and replaces the list of the program.
    #[arg(long = "refuse-secret-metadata", value_name = "PREFIX/", value_delimiter = ',', default_values = REFUSED_METADATA)]
    pub refuse_secret_metadata: Vec<String>,

    /// Only look, and say in the conditions what would be done: nothing is minted, revoked or written to issuers and Secrets. For a cluster that is a copy of another, or that was restored.
    #[arg(long)]
    pub observe_only: bool,

    /// Where the health endpoint listens.
    #[arg(long, value_name = "ADDRESS", default_value_t = default_listen())]
    pub listen: SocketAddr,

    /// Where metrics are served, if not beside the health endpoint.
    #[arg(long, value_name = "ADDRESS")]
    pub metrics_bind_address: Option<SocketAddr>,

    /// Whether there are metrics of each ApiToken: when it ends and when it is rotated. A cluster with very many of them may leave them out.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set)]
    pub metrics_per_token: bool,

    /// How many bytes of memory this process may take: what issuers answer stays within a part of it. Default: as much as they send.
    #[arg(long, value_name = "BYTES", env = "TOKENWRIGHT_MEMORY_LIMIT")]
    pub memory_limit: Option<usize>,

    /// The namespace that the operator keeps its own key in.
    #[arg(
        long,
        value_name = "NAMESPACE",
        env = "POD_NAMESPACE",
        default_value = "default"
    )]
    pub namespace: String,

    /// Work only while this Lease of the operator's own namespace is held: for more than one replica.
    #[arg(long, value_name = "NAME")]
    pub lease: Option<String>,

    /// The name under which events are reported and the Lease is held; one process at a time may have it.
    #[arg(
        long,
        value_name = "NAME",
        env = "POD_NAME",
        default_value = "tokenwright-operator"
    )]
    pub instance: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            watch_namespaces: Vec::new(),
            allow_hosts: Vec::new(),
            refuse_secret_types: owned(REFUSED_TYPES),
            refuse_secret_metadata: owned(REFUSED_METADATA),
            observe_only: false,
            listen: default_listen(),
            metrics_bind_address: None,
            metrics_per_token: true,
            memory_limit: None,
            namespace: "default".to_owned(),
            lease: None,
            instance: "tokenwright-operator".to_owned(),
        }
    }
}

/// The name of a namespace. An empty one would stand for all: a comma too many, or a variable that is not set, must
/// not widen what is served.
fn namespace(text: &str) -> Result<String, String> {
    match is_name(text) && !text.contains('.') {
        true => Ok(text.to_owned()),
        false => Err(format!("{text:?} is no name of a namespace")),
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// Loopback: what listens to the network says so explicitly, as the chart does.
fn default_listen() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn what_is_no_namespace_is_refused_and_an_empty_one_does_not_stand_for_all() {
        for text in ["", "a,", "a,,b", "A", "a.b", "a/b"] {
            let argument = format!("--watch-namespaces={text}");
            let refused = CommandLine::try_parse_from(["tokenwright-operator", &argument]);
            let told = refused.unwrap_err().to_string();
            assert!(
                told.contains("is no name of a namespace"),
                "{text:?}: {told}"
            );
        }
    }

    #[test]
    fn namespaces_and_hosts_can_be_given_several_times() {
        let line = CommandLine::parse_from([
            "tokenwright-operator",
            "--watch-namespaces=a,b",
            "--watch-namespaces=c",
            "--allow-host=tokens.example.com",
            "--allow-host=127.0.0.1:8080",
        ]);
        assert_eq!(line.options.watch_namespaces, ["a", "b", "c"]);
        assert_eq!(line.options.allow_hosts.len(), 2);
    }
}
