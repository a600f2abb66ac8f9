//! Programs in Go that stand beside the plugin server, on HashiCorp's own libraries.

use std::path::{Path, PathBuf};

pub(crate) fn tfplugin() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tfplugin")
}

/// One of them, built from its sources by the Go of this machine; its modules are cached by Go itself.
pub(crate) fn built(package: &str, name: &str) -> PathBuf {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let status = std::process::Command::new("go")
        .args(["build", "-o"])
        .arg(&built)
        .arg(package)
        .current_dir(tfplugin().join("tests/go"))
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .env("GOFLAGS", "-mod=readonly -buildvcs=false")
        .status()
        .expect("this test needs Go: https://go.dev/dl");
    assert!(status.success(), "{package} does not build");
    built
}
