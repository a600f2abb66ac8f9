//! The provider that ours is measured beside: of the plainest kind, on HashiCorp's framework, in Go.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

/// The built program, until it is dropped.
#[derive(Debug)]
pub(super) struct Plain {
    folder: TempDir,
}

impl Plain {
    /// Builds it with the Go of this machine, whose cache has its modules.
    pub(super) fn build() -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("tokenwright-bench-")
            .tempdir()?;
        let plain = Self { folder };
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tfplugin/tests/go");
        let built = Command::new("go")
            .args(["build", "-trimpath", "-ldflags=-s -w", "-o"])
            .arg(plain.program())
            .arg("./plain")
            .current_dir(sources)
            .env("CGO_ENABLED", "0")
            .env("GOWORK", "off")
            .env("GOFLAGS", "-mod=readonly -buildvcs=false")
            .status()
            .context("cannot start go, which builds the provider to measure beside")?;
        if !built.success() {
            bail!("the provider to measure beside does not build");
        }
        Ok(plain)
    }

    pub(super) fn program(&self) -> PathBuf {
        self.folder.path().join("terraform-provider-plain")
    }
}
