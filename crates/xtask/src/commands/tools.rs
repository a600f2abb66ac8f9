//! `cargo xtask tools`: provides the programs that tests need, or shows what is there.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use xtask::progress::{print, say};
use xtask::tools::{
    Found, Group, KubernetesVersion, Places, Tool, Wanted, locate, provide, spoken,
};

/// Find the tools that tests need, and build the ones that are missing
///
/// A tool is taken from its own variable (TOKENWRIGHT_ETCD, TOKENWRIGHT_KUBE_APISERVER,
/// TOKENWRIGHT_KUBE_CONTROLLER_MANAGER, TOKENWRIGHT_HELM, TOKENWRIGHT_KUBECTL, TOKENWRIGHT_GOPHER_LUA, TOKENWRIGHT_PROMTOOL, TOKENWRIGHT_CARGO_DENY,
/// TOKENWRIGHT_TERRAFORM, TOKENWRIGHT_NEW_TERRAFORM, TOKENWRIGHT_TOFU, TOKENWRIGHT_JUPYTERHUB, TOKENWRIGHT_DEVPI_SERVER, TOKENWRIGHT_GITEA, TOKENWRIGHT_VERDACCIO, TOKENWRIGHT_SEEME_PYTHON,
/// TOKENWRIGHT_EXTERNAL_SECRETS, TOKENWRIGHT_KUSTOMIZE_CONTROLLER, TOKENWRIGHT_ARGO_CD, TOKENWRIGHT_CHROMIUM), from KUBEBUILDER_ASSETS, from PATH if it is new enough, or from the cache; else
/// it is built into the cache, once.
///
/// `cargo xtask tools kubernetes` is all that the demo needs beside cargo, and takes about 13 minutes on
/// two cores the first time; everything takes about 30. It needs Go 1.24 or newer, for Gitea a C
/// compiler, and for what comes as Python or npm packages Python 3.11 or newer with venv. Terraform 1.11
/// or newer and Chromium are not built here: where they are missing, the table says how to get them.
///
/// `cargo xtask tools more-servers` builds what `cargo xtask test --servers` runs: about ten minutes more. It
/// needs Maven, Java 17 or newer and PostgreSQL besides.
///
/// `cargo xtask tools peers` builds External Secrets Operator, which `cargo xtask bench operator --external-secrets`
/// measures beside ours: about ten minutes, and hundreds of modules.
///
/// `cargo xtask tools gitops` builds Flux's kustomize-controller and Argo CD's application controller with its
/// repository server, which `cargo xtask test --gitops` runs: about six minutes, and hundreds of modules.
///
/// The newer Terraform (`new-terraform`) is under the Business Source License 1.1: it is built from its public
/// module for tests, which run it, and nothing of it is in what this project ships.
///
/// Ends with 0 unless something that was asked for by its group, or that can be built here, is missing.
///
/// The cache is TOKENWRIGHT_TOOLS, or else ~/.cache/tokenwright/tools; it may be deleted at any time.
#[derive(Debug, Args)]
pub(crate) struct Tools {
    /// Only what these are for; all but `more-servers`, `peers` and `gitops` where none is named
    groups: Vec<Group>,

    /// Show which tools are wanted and where they were found; build nothing
    #[arg(long)]
    list: bool,

    /// The Kubernetes to provide: `1.33`, or `1.33.6` in full
    #[arg(long, value_name = "VERSION")]
    kubernetes: Option<KubernetesVersion>,
}

impl Tools {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let places = Places::from_env()?;
        let wanted: Vec<_> = Tool::ALL
            .into_iter()
            .filter(|tool| match self.groups.is_empty() {
                true => tool.group().is_usual(),
                false => self.groups.contains(&tool.group()),
            })
            .map(|tool| Wanted::of(tool, self.kubernetes))
            .collect();
        if !self.list {
            announce(&wanted, &places)?;
        }
        let mut rows = vec![["tool", "for", "wanted", "found", "where"].map(str::to_owned)];
        let mut failed = false;
        for wanted in &wanted {
            let buildable = wanted.tool.takes().is_some();
            let found = if self.list || !buildable {
                look(wanted, &places)?
            } else {
                // One that cannot be had must not keep the others from being built.
                provide(wanted, &places)
                    .inspect_err(|error| say(format!("error: {error:#}")))
                    .ok()
            };
            failed |= found.is_none() && (buildable || !self.groups.is_empty());
            rows.push(self.row(wanted, found.as_ref()));
        }
        table(&rows);
        Ok(if self.list || !failed {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn row(&self, wanted: &Wanted, found: Option<&Found>) -> [String; 5] {
        let (version, place) = match found {
            Some(Found {
                path,
                version,
                place,
            }) => (
                version.map_or_else(|| "as named".to_owned(), |version| version.to_string()),
                format!("{} ({place})", path.display()),
            ),
            None if !self.list && wanted.tool.takes().is_some() => {
                ("missing".to_owned(), "see the error above".to_owned())
            }
            None => ("missing".to_owned(), wanted.tool.how().to_owned()),
        };
        [
            wanted.tool.name().to_owned(),
            wanted.tool.group().to_string(),
            wanted.version.to_string(),
            version,
            place,
        ]
    }
}

/// Says how long the whole will take, before the first of it begins.
fn announce(wanted: &[Wanted], places: &Places) -> Result<()> {
    let mut time = Duration::ZERO;
    let mut missing = Vec::new();
    for wanted in wanted {
        let Some(takes) = wanted.tool.takes() else {
            continue;
        };
        if locate(wanted, places)?.found.is_none() {
            time += takes;
            missing.push(wanted.tool.name());
        }
    }
    if !missing.is_empty() {
        say(format!(
            "to be built once: {}; about {} on two cores",
            missing.join(", "),
            spoken(time)
        ));
    }
    Ok(())
}

fn look(wanted: &Wanted, places: &Places) -> Result<Option<Found>> {
    let located = locate(wanted, places)?;
    for sentence in located.passed_over {
        say(sentence);
    }
    Ok(located.found)
}

fn table(rows: &[[String; 5]]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(String::len).max().unwrap_or_default()
    };
    let (tool, group, wanted, found) = (width(0), width(1), width(2), width(3));
    for [a, b, c, d, e] in rows {
        print(format!(
            "{a:tool$}  {b:group$}  {c:wanted$}  {d:found$}  {e}"
        ));
    }
}
