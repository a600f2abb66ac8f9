//! `cargo xtask dist`: builds what is shipped, and packs it.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use xtask::archive::Effort;
use xtask::dist::{Platform, Programs, Release, companions, pack};
use xtask::progress::{print, say};

use super::cargo::{root, version, workspace};
use super::shipped::Shipped;

/// Make the files of a release: provider archives and a mirror of them, the command line, the chart
///
/// Writes into target/packages, which it empties first. Everything is compiled with musl, so that nothing
/// is linked from the system. What this machine cannot compile for is left out and told; for all platforms
/// it needs `rustup target add x86_64-unknown-linux-musl aarch64-unknown-linux-musl` and, on Debian,
/// `apt-get install musl-tools gcc-aarch64-linux-gnu`.
#[derive(Debug, Args)]
pub(crate) struct Dist {
    #[command(flatten)]
    shipped: Shipped,
}

impl Dist {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let built = self
            .shipped
            .build(&["terraform-provider-tokenwright", "tokenwright"])?;
        let programs: Vec<Programs> = built
            .into_iter()
            .map(|built| Programs {
                platform: built.platform,
                provider: built.folder.join("terraform-provider-tokenwright"),
                cli: built.folder.join("tokenwright"),
            })
            .collect();
        let here = programs
            .iter()
            .find(|programs| Some(programs.platform) == Platform::host());
        let here = here.context(
            "completions and man pages are asked of the command line itself, and none was built for \
             this machine: build for its own platform, too",
        )?;
        let folder = workspace()?.target_directory.join("packages");
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot clear {folder}"))?;
        }
        let files = pack(
            &Release {
                version: &version()?,
                programs: &programs,
                companions: &companions(&here.cli)?,
                sources: &root(),
                effort: Effort::Small,
            },
            folder.as_std_path(),
        )?;
        say(format!("{folder}:"));
        files.iter().for_each(print);
        Ok(ExitCode::SUCCESS)
    }
}
