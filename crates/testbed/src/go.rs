//! Programs in Go that stand beside ours, on HashiCorp's own libraries.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Builds one of them with the Go of this machine, whose cache has its modules.
///
/// # Errors
///
/// When there is no Go, or the program does not build.
pub fn build(package: &str, program: &Path) -> Result<()> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tfplugin/tests/go");
    let built = Command::new("go")
        .args(["build", "-trimpath", "-ldflags=-s -w", "-o"])
        .arg(program)
        .arg(package)
        .current_dir(sources)
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .env("GOFLAGS", "-mod=readonly -buildvcs=false")
        .status()
        .context("cannot start go: https://go.dev/dl")?;
    ensure!(built.success(), "{package} does not build");
    Ok(())
}
