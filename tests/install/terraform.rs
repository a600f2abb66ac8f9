//! The mirror of the provider, and the real Terraform and OpenTofu that install from it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tokenwright_testbed::programs::{Sandbox, System};
use tokenwright_testbed::tools;
use tokio::process::Command;

use super::packed::{Packed, VERSION, platform};

/// A folder of a user who was given a mirror and nothing else.
struct Folder {
    core: PathBuf,
    folder: TempDir,
}

impl Folder {
    fn new(core: PathBuf, mirror: &Path, seeme: &System) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let rc = format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path = {mirror:?}\n  }}\n}}\n"
        );
        fs::write(folder.path().join("terraformrc"), rc)?;
        let main = format!(
            r#"
            terraform {{
              required_providers {{
                tokenwright = {{ source = "tokenwright/tokenwright", version = "{VERSION}" }}
              }}
            }}
            provider "tokenwright" {{
              manager = "install"
              issuers = {{ seeme = {{ profile = "seeme", endpoint = {endpoint:?} }} }}
            }}
            resource "tokenwright_api_token" "ci" {{
              name     = "ci"
              scopes   = ["models:read"]
              lifetime = "3000d"
            }}
            "#,
            endpoint = seeme.endpoint
        );
        fs::write(folder.path().join("main.tf"), main)?;
        Ok(Self { core, folder })
    }

    async fn ran(&self, seeme: &System, arguments: &[&str]) -> Result<String> {
        let output = Command::new(&self.core)
            .args(arguments)
            .args(["-input=false", "-no-color"])
            .current_dir(self.folder.path())
            .env("TF_CLI_CONFIG_FILE", self.folder.path().join("terraformrc"))
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1")
            .env_remove("TF_PLUGIN_CACHE_DIR")
            .env("SEEME_API_KEY", &seeme.credential)
            .output()
            .await
            .with_context(|| format!("cannot start {}", self.core.display()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?} failed: {said}");
        Ok(String::from_utf8(output.stdout)?)
    }
}

#[tokio::test]
async fn terraform_installs_the_provider_from_the_mirror_and_mints_with_it() -> Result<()> {
    installs_and_mints(tools::terraform()?, "registry.terraform.io").await
}

#[tokio::test]
async fn opentofu_installs_the_provider_from_the_mirror_and_mints_with_it() -> Result<()> {
    installs_and_mints(tools::tofu()?, "registry.opentofu.org").await
}

async fn installs_and_mints(core: PathBuf, registry: &str) -> Result<()> {
    tokenwright_testbed::crypto();
    let packed = Packed::new();
    let sandbox = Sandbox::start(&["seeme"]).await?;
    let seeme = sandbox.system("seeme")?;
    let folder = Folder::new(core, &packed.path("mirror"), seeme)?;

    let said = folder.ran(seeme, &["init"]).await?;
    let installed = format!("Installed tokenwright/tokenwright v{VERSION}");
    ensure!(said.contains(&installed), "{said}");
    let place = format!(
        ".terraform/providers/{registry}/tokenwright/tokenwright/{VERSION}/{}",
        platform()
    );
    let unpacked = folder.folder.path().join(place).exists();
    ensure!(unpacked, "nothing was unpacked");

    folder.ran(seeme, &["apply", "-auto-approve"]).await?;
    ensure!(sandbox.ledger().await?.summary.live == 1);
    folder.ran(seeme, &["destroy", "-auto-approve"]).await?;
    ensure!(sandbox.ledger().await?.summary.live == 0);
    Ok(())
}
