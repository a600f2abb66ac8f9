//! The command line with its completions and man pages, laid out so that the archive is unpacked over
//! `/usr/local` or `~/.local` and everything is where shells and `man` look.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Platform, Release, ReleaseFile, folder, licence, program};
use crate::archive::{Contents, Item};

/// The name under which `kubectl` finds the command line: `kubectl tokenwright`.
const KUBECTL_PLUGIN: &str = "kubectl-tokenwright";

/// Where each shell looks for completions of a program.
const COMPLETIONS: [[&str; 2]; 3] = [
    ["bash", "share/bash-completion/completions/tokenwright"],
    ["zsh", "share/zsh/site-functions/_tokenwright"],
    ["fish", "share/fish/vendor_completions.d/tokenwright.fish"],
];

/// Completions and man pages, which are the same on every platform.
#[derive(Debug, Clone)]
pub struct Companions(Contents);

/// Asks a command line that runs on this machine for its completions and man pages.
///
/// # Errors
///
/// When it does not run, or refuses.
pub fn companions(cli: &Path) -> Result<Companions> {
    let mut contents = Contents::default();
    for [shell, path] in COMPLETIONS {
        let text = ask(Command::new(cli).args(["completion", shell]))?;
        contents.put(path, Item::File(text));
    }
    let pages = tempfile::tempdir().context("cannot make a temporary folder")?;
    ask(Command::new(cli).arg("man").arg(pages.path()))?;
    contents.merge(folder(pages.path())?.below("share/man/man1"));
    Ok(Companions(contents))
}

fn ask(command: &mut Command) -> Result<Vec<u8>> {
    let program = command.get_program().display().to_string();
    let output = command
        .output()
        .with_context(|| format!("cannot start {program}"))?;
    if !output.status.success() {
        bail!(
            "{program} failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(output.stdout)
}

/// The archive of each platform.
pub(super) fn archives(release: &Release<'_>) -> Result<Vec<(Platform, ReleaseFile)>> {
    let packed = release.programs.iter().map(|programs| {
        let mut contents = release.companions.0.clone();
        contents.put("bin/tokenwright", program(&programs.cli)?);
        let plugin = Item::Link("tokenwright".to_owned());
        contents.put(format!("bin/{KUBECTL_PLUGIN}"), plugin);
        contents.put("share/doc/tokenwright/LICENSE", licence(release)?);
        let name = format!("tokenwright_{}_{}", release.version, programs.platform);
        let archive = contents.below(&name).tar_gz(release.effort)?;
        let archive = ReleaseFile::new(format!("{name}.tar.gz"), archive);
        Ok((programs.platform, archive))
    });
    packed.collect()
}
