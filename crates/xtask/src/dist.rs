//! The files of a release, packed from programs that were built before.
//!
//! It compiles nothing and finds nothing: what it is given is all that it knows, so that a test packs the
//! programs of a debug build as `cargo xtask dist` packs those that are shipped.

mod chart;
mod cli;
mod platform;
mod provider;
mod recipes;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::archive::{Contents, Effort, Item, sha256};

pub use cli::{Companions, companions};
pub use platform::Platform;

/// The variable that names a folder whose programs are measured in place of those built beside the running one.
pub const PROGRAMS: &str = "TOKENWRIGHT_PROGRAMS";

/// What a release is made of.
#[derive(Debug)]
pub struct Release<'a> {
    /// Its version, without a `v`.
    pub version: &'a str,
    /// The programs of each platform.
    pub programs: &'a [Programs],
    /// What comes with the command line.
    pub companions: &'a Companions,
    /// The checkout, for what is not compiled.
    pub sources: &'a Path,
    /// How hard to compress.
    pub effort: Effort,
}

/// The programs of one platform, as they were built.
#[derive(Debug, Clone)]
pub struct Programs {
    /// What they run on.
    pub platform: Platform,
    /// The Terraform provider.
    pub provider: PathBuf,
    /// The command line.
    pub cli: PathBuf,
}

/// Writes all files of a release into an empty folder, and gives their paths in it.
///
/// # Errors
///
/// When a program cannot be read, or a file cannot be written.
pub fn pack(release: &Release<'_>, folder: &Path) -> Result<Vec<String>> {
    let mut files = provider::files(release)?;
    let archives = cli::archives(release)?;
    files.extend(recipes::files(release, &archives));
    files.extend(archives.into_iter().map(|(_, archive)| archive));
    files.extend(chart::files(release)?);
    let name = format!("tokenwright_{}_SHA256SUMS", release.version);
    let sums = sums(files.iter().filter(|file| !file.path.contains('/')));
    files.push(ReleaseFile::new(name, sums.into_bytes()));
    for file in &files {
        file.write(folder)?;
    }
    Ok(files.into_iter().map(|file| file.path).collect())
}

/// One file of a release.
#[derive(Debug, Clone)]
struct ReleaseFile {
    path: String,
    bytes: Vec<u8>,
}

impl ReleaseFile {
    const fn new(path: String, bytes: Vec<u8>) -> Self {
        Self { path, bytes }
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(&self.path);
        let failed = || format!("cannot write {}", path.display());
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(failed)?;
        }
        fs::write(&path, &self.bytes).with_context(failed)
    }
}

/// The lines that `sha256sum --check` reads, sorted by name.
fn sums<'a>(files: impl Iterator<Item = &'a ReleaseFile>) -> String {
    let mut files: Vec<_> = files.collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let lines = files
        .into_iter()
        .map(|file| format!("{}  {}\n", sha256(&file.bytes), file.path));
    lines.collect()
}

/// The licence, which goes into every archive.
fn licence(release: &Release<'_>) -> Result<Item> {
    let bytes = fs::read(release.sources.join("LICENSE")).context("cannot read LICENSE")?;
    Ok(Item::File(bytes))
}

fn program(path: &Path) -> Result<Item> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Item::Program(bytes))
}

/// Everything below a folder, as files.
fn folder(root: &Path) -> Result<Contents> {
    let mut contents = Contents::default();
    let listed = fs::read_dir(root).with_context(|| format!("cannot list {}", root.display()))?;
    for entry in listed {
        let path = entry.context("cannot list a folder")?.path();
        let name = path.file_name().context("a file has no name")?;
        let name = name.to_str().context("a file's name is no text")?;
        if path.is_dir() {
            contents.merge(folder(&path)?.below(name));
        } else {
            let bytes =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            contents.put(name, Item::File(bytes));
        }
    }
    Ok(contents)
}
