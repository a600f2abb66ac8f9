//! The cores that run the provider.

use std::path::{Path, PathBuf};

use xtask::tools::{Places, Tool, Wanted, locate};

/// The one that most tests run: `terraform` on the PATH, or what the environment names, such as `tofu`.
pub(crate) fn usual() -> PathBuf {
    let named = std::env::var_os(Tool::Terraform.env_var());
    named.unwrap_or_else(|| "terraform".into()).into()
}

/// One that knows the identities of resources: OpenTofu as it is, and of Terraform a newer one.
pub(crate) fn with_identities() -> PathBuf {
    let usual = usual();
    match is_tofu(&usual) {
        true => usual,
        false => new_terraform(),
    }
}

/// Terraform in a newer version than the usual one.
pub(crate) fn new_terraform() -> PathBuf {
    let tool = Tool::NewTerraform;
    let places = Places::from_env().unwrap();
    let located = locate(&Wanted::of(tool, None), &places).unwrap();
    let found = located.found;
    found
        .unwrap_or_else(|| panic!("{} was not found: {}", tool.name(), tool.how()))
        .path
}

/// Whether a core is OpenTofu.
pub(crate) fn is_tofu(core: &Path) -> bool {
    core.file_name().is_some_and(|name| name == "tofu")
}

/// What a test says that cannot start its core.
pub(crate) fn needed(core: &Path) -> String {
    format!("this test needs the program {core:?}: Terraform 1.11 or OpenTofu 1.11, or later")
}
