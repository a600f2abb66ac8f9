//! The Terraform half: create, rotate in place with both values alive, destroy.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use super::stage::Stage;
use super::timeline::Timeline;
use crate::programs::{Sandbox, System, output, sleep_until};
use crate::tools::product_binary;

const EXAMPLE: &str = "examples/terraform/quickstart";
const SYSTEM: &str = "seeme";
/// The version that the mirror says the provider has; any will do.
const VERSION: &str = "0.1.0";

pub(super) async fn show(
    stage: &Stage,
    program: &Path,
    sandbox: &Sandbox,
    timeline: &mut Timeline,
) -> Result<()> {
    stage.act("Terraform: a token that lives 20 days, of one second each");
    let seeme = sandbox.system(SYSTEM)?;
    let folder = Folder::prepare(program, seeme)?;

    folder.terraform(&["init", "-input=false"]).await?;
    stage.done("terraform init found the provider in a local mirror");
    folder
        .terraform(&["apply", "-input=false", "-auto-approve"])
        .await?;
    let first = folder.token().await?;
    ensure!(
        sandbox.authenticates(seeme, &first.value).await?,
        "the new value does not authenticate"
    );
    timeline.holds(SYSTEM, &first.id);
    stage.done(&format!(
        "terraform apply minted {}; an HTTP request shows that its value authenticates",
        first.name
    ));

    let due = first.renew_at.context("the token has no renew_at")?;
    stage.doing("The token falls due …");
    sleep_until(due + jiff::SignedDuration::from_millis(200)).await;
    folder
        .terraform(&["apply", "-input=false", "-auto-approve"])
        .await?;
    let second = folder.token().await?;
    timeline.holds(SYSTEM, &second.id);
    ensure!(
        second.id != first.id,
        "the second apply did not rotate the token"
    );
    ensure!(
        sandbox.authenticates(seeme, &second.value).await?,
        "the rotated value does not authenticate"
    );
    ensure!(
        sandbox.authenticates(seeme, &first.value).await?,
        "the previous value ended before its overlap"
    );
    stage.done(&format!(
        "terraform apply rotated it in place to {}; both values are alive in the overlap",
        second.name
    ));

    folder
        .terraform(&["destroy", "-input=false", "-auto-approve"])
        .await?;
    timeline.holds_nothing(SYSTEM);
    for value in [&first.value, &second.value] {
        ensure!(
            !sandbox.authenticates(seeme, value).await?,
            "a value outlived terraform destroy"
        );
    }
    let ledger = sandbox.ledger().await?;
    ensure!(
        ledger.minted(SYSTEM) == 2 && ledger.live(SYSTEM).is_empty(),
        "the ledger shows a leak"
    );
    stage.done("terraform destroy revoked both; nothing of it lives");
    Ok(())
}

/// A copy of the example, with a mirror that holds the provider.
struct Folder {
    folder: TempDir,
    program: PathBuf,
    variables: Vec<(String, String)>,
}

/// What the state says of the token.
struct Token {
    id: String,
    name: String,
    value: String,
    renew_at: Option<Timestamp>,
}

impl Folder {
    fn prepare(program: &Path, seeme: &System) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("tokenwright-demo-")
            .tempdir()?;
        let path = folder.path();
        for file in std::fs::read_dir(EXAMPLE)
            .with_context(|| format!("{EXAMPLE} is not here: run the demo from the checkout"))?
        {
            let file = file?;
            if file.path().extension().is_some_and(|ending| ending == "tf") {
                std::fs::copy(file.path(), path.join(file.file_name()))?;
            }
        }
        let mirror = path.join("mirror");
        let arch = if cfg!(target_arch = "aarch64") {
            "arm64"
        } else {
            "amd64"
        };
        let os = if cfg!(target_os = "macos") {
            "darwin"
        } else {
            "linux"
        };
        let place = mirror.join(format!(
            "registry.terraform.io/tokenwright/tokenwright/{VERSION}/{os}_{arch}"
        ));
        std::fs::create_dir_all(&place)?;
        let provider = product_binary("terraform-provider-tokenwright")?;
        std::fs::copy(
            provider,
            place.join(format!("terraform-provider-tokenwright_v{VERSION}")),
        )?;
        let config = format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path = {:?}\n  }}\n}}\n",
            mirror.display().to_string()
        );
        std::fs::write(path.join("cli.tfrc"), config)?;
        let variables = vec![
            (
                "TF_CLI_CONFIG_FILE".to_owned(),
                path.join("cli.tfrc").display().to_string(),
            ),
            ("TF_VAR_endpoint".to_owned(), seeme.endpoint.clone()),
            ("TF_VAR_request_timeout".to_owned(), "2s".to_owned()),
            ("SEEME_API_KEY".to_owned(), seeme.credential.clone()),
            ("TF_IN_AUTOMATION".to_owned(), "1".to_owned()),
            ("CHECKPOINT_DISABLE".to_owned(), "1".to_owned()),
        ];
        Ok(Self {
            program: program.to_owned(),
            folder,
            variables,
        })
    }

    async fn terraform(&self, arguments: &[&str]) -> Result<Value> {
        let mut command = Command::new(&self.program);
        command
            .current_dir(self.folder.path())
            .args(arguments)
            .arg("-no-color");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        output(&mut command)
            .await
            .with_context(|| format!("terraform {}", arguments.join(" ")))
    }

    async fn token(&self) -> Result<Token> {
        let state = self.terraform(&["show", "-json"]).await?;
        let resources = state["values"]["root_module"]["resources"].as_array();
        let token = resources
            .into_iter()
            .flatten()
            .find(|resource| resource["type"] == "tokenwright_api_token");
        let values = &token.context("the state has no tokenwright_api_token")?["values"];
        let text = |name: &str| {
            values[name]
                .as_str()
                .map(str::to_owned)
                .with_context(|| format!("the state has no {name}"))
        };
        Ok(Token {
            id: text("token_id")?,
            name: text("remote_name")?,
            value: text("value")?,
            renew_at: values["renew_at"].as_str().map(str::parse).transpose()?,
        })
    }
}
