//! Every example for Terraform and OpenTofu, from its first apply to its destroy.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tokenwright_client::profile;
use tokenwright_testbed::programs::{Sandbox, System};
use tokenwright_testbed::tools::{product_binary, terraform, tofu};
use tokio::process::Command;

use super::packed::root;

const EXAMPLES: &str = "examples/terraform";
/// Needs a cluster: `tests/control_plane/examples.rs` runs it.
const ON_A_CLUSTER: &str = "apitoken";
/// Speaks to OpenTofu alone.
const OF_TOFU: &str = "opentofu";

/// Every system that an example may use.
const SYSTEMS: [&str; 7] = [
    "online-net",
    "scaleway",
    "seeme",
    "seenode",
    "terrakube-team",
    "terrakube-user",
    "transiyzi",
];

/// The folders below `examples/terraform` that hold a configuration.
fn folders() -> Result<BTreeSet<String>> {
    let top = root().join(EXAMPLES);
    let mut found = BTreeSet::new();
    let mut open = vec![top.clone()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            ensure!(
                path.ends_with("main.tf"),
                "{} is run by no test",
                path.display()
            );
            let name = folder.strip_prefix(&top)?.display().to_string();
            found.insert(name);
        }
    }
    Ok(found)
}

/// A copy of an example with all that its comment asks for.
struct Copied {
    folder: TempDir,
    program: PathBuf,
    variables: BTreeMap<String, String>,
}

impl Copied {
    fn of(name: &str, system: &System) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let from = root().join(EXAMPLES).join(name).join("main.tf");
        fs::copy(from, folder.path().join("main.tf"))?;
        let provider = product_binary("terraform-provider-tokenwright")?;
        let beside = provider.parent().context("no folder")?;
        let rc = format!(
            "provider_installation {{\n  dev_overrides {{\n    \"tokenwright/tokenwright\" = {beside:?}\n  }}\n  direct {{}}\n}}\n"
        );
        fs::write(folder.path().join("terraform.rc"), rc)?;
        let bin = folder.path().join("bin");
        fs::create_dir(&bin)?;
        // The command line of GitHub, as far as an example uses it.
        let gh = bin.join("gh");
        fs::write(&gh, "#!/bin/sh\ncat > \"${0%/*}/../$3.secret\"\n")?;
        fs::set_permissions(&gh, fs::Permissions::from_mode(0o755))?;

        let path = std::env::var("PATH").unwrap_or_default();
        let mut variables = BTreeMap::from([
            ("PATH".to_owned(), format!("{}:{path}", bin.display())),
            (
                "TF_CLI_CONFIG_FILE".to_owned(),
                folder.path().join("terraform.rc").display().to_string(),
            ),
            ("CHECKPOINT_DISABLE".to_owned(), "1".to_owned()),
            ("TF_VAR_endpoint".to_owned(), system.endpoint.clone()),
            ("TF_VAR_value".to_owned(), system.credential.clone()),
            ("TF_VAR_seenode_key".to_owned(), system.credential.clone()),
            (
                "TF_VAR_passphrase".to_owned(),
                "correct horse battery".to_owned(),
            ),
        ]);
        for (name, value) in &system.parameters {
            variables.insert(format!("TF_VAR_{name}"), value.clone());
        }
        let profile = profile::builtin(&system.system).context("no such profile")?;
        for part in profile.credential().values() {
            if let Some(variable) = &part.env {
                variables.insert(variable.clone(), system.credential.clone());
            }
        }
        let program = match name {
            OF_TOFU => tofu()?,
            _ => terraform()?,
        };
        Ok(Self {
            folder,
            program,
            variables,
        })
    }

    async fn run(&self, arguments: &[&str]) -> Result<()> {
        let output = Command::new(&self.program)
            .args(arguments)
            .args(["-input=false", "-no-color"])
            .current_dir(self.folder.path())
            .envs(&self.variables)
            .output()
            .await
            .context("cannot start terraform")?;
        ensure!(
            output.status.success(),
            "{arguments:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    fn read(&self, name: &str) -> Result<String> {
        let path = self.folder.path().join(name);
        fs::read_to_string(path).with_context(|| format!("there is no {name}"))
    }
}

/// The one profile that a configuration names.
fn profile_of(name: &str) -> Result<String> {
    let text = fs::read_to_string(root().join(EXAMPLES).join(name).join("main.tf"))?;
    let named = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("profile "));
    let mut named = named.filter_map(|rest| rest.split('"').nth(1));
    let profile = named.next().context("it names no profile")?;
    Ok(profile.to_owned())
}

async fn live(name: &str, sandbox: &Sandbox, system: &System) -> Result<()> {
    let copied = Copied::of(name, system)?;
    copied.run(&["apply", "-auto-approve"]).await?;
    if name == "github-actions" {
        let delivered = copied.read("SEEME_API_KEY.secret")?;
        ensure!(sandbox.authenticates(system, &delivered).await?);
    }
    if name == OF_TOFU {
        let state = copied.read("terraform.tfstate")?;
        ensure!(state.contains("encrypted_data"), "the state is readable");
    }
    copied.run(&["plan", "-detailed-exitcode"]).await?;
    copied.run(&["destroy", "-auto-approve"]).await
}

#[tokio::test]
async fn every_example_for_terraform_is_applied_settles_and_leaves_nothing() -> Result<()> {
    tokenwright_testbed::crypto();
    let sandbox = Sandbox::in_earnest(&SYSTEMS).await?;
    let before = sandbox.ledger().await?.summary.live;
    let folders = folders()?;
    for name in folders.iter().filter(|name| *name != ON_A_CLUSTER) {
        let system = sandbox.system(&profile_of(name)?)?;
        let lived = live(name, &sandbox, system).await;
        lived.with_context(|| format!("{EXAMPLES}/{name}"))?;
        let after = sandbox.ledger().await?;
        ensure!(after.summary.live == before, "{name}: {after:#?}");
    }
    Ok(())
}

#[test]
fn examples_are_in_folders_whose_files_a_test_runs() -> Result<()> {
    let names: BTreeSet<_> = fs::read_dir(root().join("examples"))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    // The files of each are listed by the test that runs them; those in the layout of Terraform's registry
    // by the provider's own.
    let known = [
        "actions",
        "data-sources",
        "ephemeral-resources",
        "functions",
        "kubernetes",
        "list-resources",
        "provider",
        "resources",
        "terraform",
    ];
    ensure!(
        names == BTreeSet::from(known.map(str::to_owned)),
        "{names:?}"
    );
    ensure!(
        Path::new(&root())
            .join(EXAMPLES)
            .join(ON_A_CLUSTER)
            .is_dir()
    );
    Ok(())
}
