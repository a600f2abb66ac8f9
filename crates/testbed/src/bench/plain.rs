//! The provider that ours is measured beside: of the plainest kind, on HashiCorp's framework, in Go.

use std::path::PathBuf;

use anyhow::Result;
use tempfile::TempDir;

use crate::go;

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
        go::build("./plain", &plain.program())?;
        Ok(plain)
    }

    pub(super) fn program(&self) -> PathBuf {
        self.folder.path().join("terraform-provider-plain")
    }
}
