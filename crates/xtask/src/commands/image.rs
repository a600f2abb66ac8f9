//! `cargo xtask image`: the operator's image, made without a container engine.

use std::fs;
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;
use xtask::archive::Effort;
use xtask::dist::Platform;
use xtask::image::{Image, Machine, archive, filesystem};
use xtask::progress::{command_line, print, say};

use super::cargo::{cargo, version, workspace};
use super::shipped::{Built, Shipped};

const OPERATOR: &str = "tokenwright-operator";

/// Make the operator's container image as an OCI archive; no container engine is needed
///
/// Writes target/image/tokenwright-operator_VERSION_oci.tar, for `docker load`, `podman load` or `skopeo
/// copy oci-archive:…`. The operator is compiled with musl and needs no shared library; certificate
/// authorities and time zones are copied from this machine.
#[derive(Debug, Args)]
pub(crate) struct MakeImage {
    #[command(flatten)]
    shipped: Shipped,

    /// The name of the image, without its tag, which is the version
    #[arg(long, default_value = "ghcr.io/tokenwright/tokenwright-operator")]
    repository: String,

    /// Certificate authorities to put into the image, as a PEM file [default: those of this machine]
    #[arg(long, value_name = "FILE")]
    certificates: Option<std::path::PathBuf>,

    /// Compile for this machine alone, as cargo does by itself, and copy the shared libraries that the
    /// operator needs: for a machine without musl
    #[arg(long, conflicts_with = "platform")]
    from_this_machine: bool,
}

impl MakeImage {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let built = match self.from_this_machine {
            true => vec![self.here()?],
            false => self.shipped.build(&[OPERATOR])?,
        };
        let mut machine = Machine::default();
        if let Some(certificates) = self.certificates {
            machine.certificates = certificates;
        }
        let platforms = built.iter().map(|built| {
            let contents = filesystem(&built.folder.join(OPERATOR), built.platform, &machine)?;
            Ok((built.platform, contents))
        });
        let version = version()?;
        let image = archive(&Image {
            repository: &self.repository,
            version: &version,
            program: OPERATOR,
            platforms: platforms.collect::<Result<_>>()?,
            effort: Effort::Small,
        })?;
        let folder = workspace()?.target_directory.join("image");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {folder}"))?;
        let path = folder.join(format!("{OPERATOR}_{version}_oci.tar"));
        fs::write(&path, image).with_context(|| format!("cannot write {path}"))?;
        say(format!("{}:{version}", self.repository));
        print(path);
        Ok(ExitCode::SUCCESS)
    }

    fn here(&self) -> Result<Built> {
        let platform = Platform::host().context("no image is made for this machine")?;
        let profile = self.shipped.profile();
        let mut build = cargo(&["build", "--profile", profile, "--package", OPERATOR]);
        say(format!("{platform}: {}", command_line(&build)));
        let status = build
            .stdin(Stdio::null())
            .status()
            .context("cannot start cargo")?;
        if !status.success() {
            bail!("the operator does not build; the compiler's message above says why");
        }
        let folder = workspace()?.target_directory.join(self.shipped.folder());
        Ok(Built {
            platform,
            folder: folder.into(),
        })
    }
}
