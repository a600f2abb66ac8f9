//! `cargo xtask book`: the documentation as a book that can be searched.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;
use xtask::book::stage;
use xtask::progress::{say, watch};

use super::cargo::{cargo, root};

/// The mdBook that is compiled where none is found.
const VERSION: &str = "0.5.4";

/// Make a book of docs/, with search, in target/book/html
///
/// mdBook is taken from PATH, or else compiled once into target/book/tools, which takes some minutes.
#[derive(Debug, Args)]
pub(crate) struct Book {
    /// Write the pages for mdBook, and do not call it
    #[arg(long)]
    pages_only: bool,
}

impl Book {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let place = root().join("target/book");
        let pages = place.join("src");
        if pages.exists() {
            fs::remove_dir_all(&pages).context("cannot remove the former pages")?;
        }
        let count = stage(&root(), &pages)?.len();
        say(format!("{count} pages in {}", pages.display()));
        if self.pages_only {
            return Ok(ExitCode::SUCCESS);
        }
        let status = Command::new(mdbook()?)
            .arg("build")
            .current_dir(root())
            .status()
            .context("cannot start mdbook")?;
        if !status.success() {
            bail!("mdbook did not make the book; its message above says why");
        }
        say(format!(
            "the book begins at {}",
            place.join("html/index.html").display()
        ));
        Ok(ExitCode::SUCCESS)
    }
}

/// The program: somebody's own, or one of our version.
fn mdbook() -> Result<PathBuf> {
    let own = Command::new("mdbook").arg("--version").output();
    if own.is_ok_and(|output| output.status.success()) {
        return Ok(PathBuf::from("mdbook"));
    }
    let folder = root().join("target/book/tools");
    let program = folder.join("bin/mdbook");
    if !program.is_file() {
        fs::create_dir_all(&folder).context("cannot make a folder")?;
        let log = folder.join("log");
        let mut install = cargo(&["install", "mdbook", "--locked", "--version", VERSION]);
        install.args(["--no-default-features", "--features", "search", "--root"]);
        install.arg(&folder);
        watch("compiling mdbook", &mut install, &log)?;
    }
    Ok(program)
}
