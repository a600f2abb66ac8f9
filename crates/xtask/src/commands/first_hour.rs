//! `cargo xtask first-hour`: follows the pages that a newcomer reads, and says how long each step took.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use xtask::guide::{Block, Folder, Page, Took, When, follow};
use xtask::progress::{print, say};

use super::cargo::root;

/// The pages, from the root of the checkout; each is followed in a folder of its own.
const PAGES: [&str; 2] = ["README.md", "docs/install.md"];

/// Follow the pages of a newcomer to the letter, and measure each step
///
/// Every page is followed in an empty home folder; the repository's address leads to this checkout as it
/// is committed. Compiling takes minutes; what needs a cluster, a registry or root is left out and told.
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
                true => page
                    .0
                    .iter()
                    .map(|block| Took {
                        block: block.clone(),
                        time: None,
                    })
                    .collect(),
                false => {
                    let home = tempfile::tempdir().context("cannot make a temporary folder")?;
                    follow(&page, &folder(home.path())?)?
                }
            };
            took.iter().for_each(|took| print(line(took)));
            let whole: Duration = took.iter().filter_map(|took| took.time).sum();
            say(format!("{name}: {} s", whole.as_secs()));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// An empty home, in which the tools of this machine are found and git knows where the repository is.
fn folder(home: &Path) -> Result<Folder> {
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
    Ok(Folder {
        home: home.to_owned(),
        start,
        variables: vec![
            theirs("CARGO_HOME", ".cargo")?,
            theirs("RUSTUP_HOME", ".rustup")?,
            theirs("TOKENWRIGHT_TOOLS", ".cache/tokenwright/tools")?,
            ("PATH".to_owned(), format!("{}:{path}", local.display())),
        ],
        stands_for: vec![(
            "/opt/tokenwright".to_owned(),
            home.join("work/tokenwright/target/packages")
                .display()
                .to_string(),
        )],
        long: true,
    })
}

fn line(took: &Took) -> String {
    let Block {
        heading,
        line,
        when,
        ..
    } = &took.block;
    let what = match (took.time, when) {
        (Some(time), _) => format!("{:7.1} s", time.as_secs_f64()),
        (None, When::Elsewhere(why)) => format!("not here: {why}"),
        (None, When::Long) => "takes minutes".to_owned(),
        (None, When::Always) => "at once".to_owned(),
    };
    format!("  {line:4}  {heading}: {what}")
}
