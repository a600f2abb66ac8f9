//! `cargo xtask tools`: provides the programs that tests need, or shows what is there.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use xtask::progress::{print, say};
use xtask::tools::{Found, KubernetesVersion, Places, Tool, Wanted, locate, provide};

/// Find the tools that tests need, and build the ones that are missing
///
/// A tool is taken from its own variable (TOKENWRIGHT_ETCD, TOKENWRIGHT_KUBE_APISERVER,
/// TOKENWRIGHT_HELM, TOKENWRIGHT_CARGO_DENY, TOKENWRIGHT_TERRAFORM, TOKENWRIGHT_JUPYTERHUB,
/// TOKENWRIGHT_DEVPI_SERVER, TOKENWRIGHT_GITEA, TOKENWRIGHT_VERDACCIO, TOKENWRIGHT_SEEME_PYTHON,
/// TOKENWRIGHT_CHROMIUM), from KUBEBUILDER_ASSETS, from PATH if it is new enough, or from the cache; else
/// it is built into the cache, once.
///
/// Building etcd, helm and kube-apiserver needs Go 1.24 or newer and takes about 13 minutes on two
/// cores; Gitea takes 5 more, and a C compiler. cargo-deny, JupyterHub, devpi-server and the seeme client
/// are Python packages, as is the Node that Verdaccio is installed with: they need Python 3.11 or newer
/// with venv, and take about a minute. Terraform 1.11 or newer and Chromium must be there.
///
/// The cache is TOKENWRIGHT_TOOLS, or else ~/.cache/tokenwright/tools; it may be deleted at any time.
#[derive(Debug, Args)]
pub(crate) struct Tools {
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
        let mut rows = vec![["tool", "for", "wanted", "found", "where"].map(str::to_owned)];
        let mut missing = 0;
        for tool in Tool::ALL {
            let wanted = Wanted::of(tool, self.kubernetes);
            let found = if self.list {
                look(&wanted, &places)?
            } else {
                // One that cannot be had must not keep the others from being built.
                provide(&wanted, &places)
                    .inspect_err(|error| say(format!("error: {error:#}")))
                    .ok()
            };
            missing += usize::from(found.is_none());
            rows.push(self.row(&wanted, found.as_ref()));
        }
        table(&rows);
        Ok(if self.list || missing == 0 {
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
            None if !self.list => ("missing".to_owned(), "see the error above".to_owned()),
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
