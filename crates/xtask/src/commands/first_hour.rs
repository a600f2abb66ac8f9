//! `cargo xtask first-hour`: follows the pages that a newcomer reads, and says how long each step took.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use xtask::guide::{Block, Folder, Page, Took, When, follow};
use xtask::progress::{print, say};
use xtask::tools::{Places, Tool, Wanted, locate};

use super::cargo::{cargo, root, workspace};

/// The pages that need no account, from the root of the checkout; each is followed in a folder of its own.
const PAGES: [&str; 2] = ["README.md", "docs/install.md"];

/// Follow the pages of a newcomer to the letter, and measure each step
///
/// Prints how long each block took, and how long its programs worked on all processors together, which other
/// work on the machine does not change.
/// Every page is followed in an empty home folder; the repository's address leads to this checkout as it
/// is committed. Compiling takes minutes. The cluster is a real kube-apiserver, where `cargo xtask tools`
/// has one. What needs a container engine, a registry or root is left out and told.
#[derive(Debug, Args)]
pub(crate) struct FirstHour {
    /// Only these pages, from the root of the checkout [default: README.md and docs/install.md]
    pages: Vec<String>,

    /// Say what would be done, and do nothing
    #[arg(long)]
    list: bool,
}

impl FirstHour {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let pages = match self.pages.is_empty() {
            true => PAGES.map(str::to_owned).to_vec(),
            false => self.pages,
        };
        for name in &pages {
            let text = fs::read_to_string(root().join(name));
            let page = Page::read(&text.with_context(|| format!("cannot read {name}"))?);
            print(format!("{name}:"));
            let took = match self.list {
                true => listed(&page),
                false => {
                    let home = tempfile::tempdir().context("cannot make a temporary folder")?;
                    let cluster = match page.0.iter().any(|block| block.when == When::Cluster) {
                        true => Cluster::start()?,
                        false => None,
                    };
                    let folder = folder(home.path(), cluster.as_ref())?;
                    follow(&page, &folder, |took| print(line(took)))?
                }
            };
            let whole: Duration = took.iter().filter_map(|took| took.time).sum();
            let worked: Duration = took.iter().filter_map(|took| took.worked).sum();
            say(format!(
                "{name}: {} s, {} s of the processors",
                whole.as_secs(),
                worked.as_secs()
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What would be done, told as it is.
fn listed(page: &Page) -> Vec<Took> {
    let blocks = page.0.iter().map(|block| Took {
        block: block.clone(),
        time: None,
        worked: None,
    });
    blocks.inspect(|took| print(line(took))).collect()
}

/// An empty cluster, a program of the testbed that ends with this one.
struct Cluster {
    kubeconfig: String,
    kubectl: PathBuf,
    program: Child,
}

impl Cluster {
    /// Starts one, where there are the tools for it.
    fn start() -> Result<Option<Self>> {
        let places = Places::from_env()?;
        let found = |tool| -> Result<Option<PathBuf>> {
            let located = locate(&Wanted::of(tool, None), &places)?;
            Ok(located.found.map(|found| found.path))
        };
        let (Some(_), Some(_), Some(kubectl)) = (
            found(Tool::Etcd)?,
            found(Tool::KubeApiserver)?,
            found(Tool::Kubectl)?,
        ) else {
            say("no cluster: `cargo xtask tools kubernetes` makes one possible");
            return Ok(None);
        };
        let built = cargo(&["build", "--workspace", "--bins"]).status();
        if !built.context("cannot start cargo")?.success() {
            bail!("the programs do not build; the compiler's message above says why");
        }
        let program = workspace()?.target_directory.join("debug/cluster");
        let mut program = Command::new(&program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let output = program.stdout.take().context("the cluster has no output")?;
        let mut kubeconfig = String::new();
        BufReader::new(output).read_line(&mut kubeconfig)?;
        if kubeconfig.is_empty() {
            bail!("the cluster did not start; its message above says why");
        }
        Ok(Some(Self {
            kubeconfig: kubeconfig.trim_end().to_owned(),
            kubectl,
            program,
        }))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.program.stdin.take());
        let _ended = self.program.wait();
    }
}

/// An empty home, in which the tools of this machine are found and git knows where the repository is.
fn folder(home: &Path, cluster: Option<&Cluster>) -> Result<Folder> {
    let start = home.join("work");
    fs::create_dir(&start).context("cannot make a folder")?;
    let here = root().canonicalize().context("cannot find the checkout")?;
    let address = env!("CARGO_PKG_REPOSITORY");
    let git = format!(
        "[url \"file://{}\"]\n\tinsteadOf = {address}\n",
        here.display()
    );
    fs::write(home.join(".gitconfig"), git).context("cannot write .gitconfig")?;
    let theirs = |variable: &str, folder: &str| -> Result<(String, String)> {
        let path = match env::var_os(variable) {
            Some(path) => PathBuf::from(path),
            None => env::home_dir()
                .context("there is no home folder")?
                .join(folder),
        };
        Ok((variable.to_owned(), path.display().to_string()))
    };
    let path = env::var("PATH").unwrap_or_default();
    let local = home.join(".local/bin");
    let mut path = format!("{}:{path}", local.display());
    let mut variables = vec![
        theirs("CARGO_HOME", ".cargo")?,
        theirs("RUSTUP_HOME", ".rustup")?,
        theirs("TOKENWRIGHT_TOOLS", ".cache/tokenwright/tools")?,
    ];
    if let Some(cluster) = cluster {
        variables.push(("KUBECONFIG".to_owned(), cluster.kubeconfig.clone()));
        let beside = cluster.kubectl.parent().unwrap_or(Path::new("."));
        path = format!("{}:{path}", beside.display());
    }
    variables.push(("PATH".to_owned(), path));
    Ok(Folder {
        home: home.to_owned(),
        start,
        variables,
        stands_for: vec![(
            "/opt/tokenwright".to_owned(),
            home.join("work/tokenwright/target/packages")
                .display()
                .to_string(),
        )],
        long: true,
        cluster: cluster.is_some(),
    })
}

fn line(took: &Took) -> String {
    let Block {
        heading,
        line,
        when,
        ..
    } = &took.block;
    let worked = took.worked.unwrap_or_default().as_secs_f64();
    let what = match (took.time, when) {
        (Some(time), _) => format!(
            "{:7.1} s, {worked:7.1} s of the processors",
            time.as_secs_f64()
        ),
        (None, When::Elsewhere(why)) => format!("not here: {why}"),
        (None, When::Long) => "takes minutes".to_owned(),
        (None, When::Cluster) => "needs a cluster".to_owned(),
        (None, When::Always) => "at once".to_owned(),
    };
    format!("  {line:4}  {heading}: {what}")
}
