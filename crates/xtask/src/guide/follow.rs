//! Acts on the blocks of a page, one after the other, as a person at a terminal does: the folder that one
//! block has changed into is where the next begins.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::page::{Action, Block, Page, When};

/// Where somebody begins.
#[derive(Debug)]
pub struct Folder {
    /// The home folder.
    pub home: PathBuf,
    /// The folder that the terminal opens in.
    pub start: PathBuf,
    /// Further variables of the environment.
    pub variables: Vec<(String, String)>,
    /// What stands for a text of the page here, such as a folder that only root may make.
    pub stands_for: Vec<(String, String)>,
    /// Whether there are minutes.
    pub long: bool,
}

/// A block, and how long it took; nothing where it was left out.
#[derive(Debug)]
pub struct Took {
    /// The block.
    pub block: Block,
    /// How long.
    pub time: Option<Duration>,
}

/// Follows a page to its end.
///
/// # Errors
///
/// At the first block that fails; the error has its line and what was printed.
pub fn follow(page: &Page, folder: &Folder) -> Result<Vec<Took>> {
    let mut place = folder.start.clone();
    let mut took = Vec::new();
    for block in &page.0 {
        let acted = match &block.when {
            When::Always => true,
            When::Long => folder.long,
            When::Elsewhere(_) => false,
        };
        let started = Instant::now();
        if acted {
            act(block, folder, &mut place)
                .with_context(|| format!("{:?}, line {}", block.heading, block.line))?;
        }
        took.push(Took {
            block: block.clone(),
            time: acted.then(|| started.elapsed()),
        });
    }
    Ok(took)
}

fn act(block: &Block, folder: &Folder, place: &mut PathBuf) -> Result<()> {
    let here = |text: &str| {
        let pairs = folder.stands_for.iter();
        pairs.fold(text.to_owned(), |text, (theirs, ours)| {
            text.replace(theirs, ours)
        })
    };
    match &block.action {
        Action::Save(name, text) => {
            let path = match name.strip_prefix("~/") {
                Some(below) => folder.home.join(below),
                None => place.join(name),
            };
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)
                    .with_context(|| format!("cannot make {}", folder.display()))?;
            }
            fs::write(&path, here(text)).with_context(|| format!("cannot write {}", path.display()))
        }
        Action::Type(text) => type_in(&here(text), folder, place),
    }
}

fn type_in(text: &str, folder: &Folder, place: &mut PathBuf) -> Result<()> {
    let after = folder.home.join(".last-folder");
    let script = format!(
        "trap 'pwd > \"{}\"' EXIT\nset -eo pipefail\n{text}\n",
        after.display()
    );
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(&*place)
        .env("HOME", &folder.home)
        .envs(folder.variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .output()
        .context("cannot start bash")?;
    if !output.status.success() {
        bail!(
            "{text}\nended with {}: {}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let last = fs::read_to_string(&after).context("the shell says not where it ended")?;
    *place = Path::new(last.trim_end()).to_owned();
    Ok(())
}
