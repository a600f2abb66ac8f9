//! An installation, as those see it who installed it: with kubectl, and with the operator's own check.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokenwright_testbed::chart::RELEASE;
use tokenwright_testbed::control_plane::ControlPlane;
use tokenwright_testbed::programs::OWN_NAMESPACE;
use tokenwright_testbed::tools::{self, Tools, product_binary};
use tokio::process::Command;

use super::cluster::{Cluster, root};
use super::guide::Kustomized;

/// How a program ended, and what it said.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) said: String,
}

impl Ran {
    pub(crate) fn succeeded(self, what: &str) -> Result<String> {
        ensure!(
            self.code == 0,
            "{what} ended with {}: {}",
            self.code,
            self.said
        );
        Ok(self.said)
    }
}

async fn ran(command: &mut Command) -> Result<Ran> {
    let output = command.output().await.context("cannot start a program")?;
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    let code = output.status.code().unwrap_or(-1);
    Ok(Ran { code, said })
}

/// The real kubectl, as an administrator.
pub(crate) async fn kubectl(control_plane: &ControlPlane, arguments: &[&str]) -> Result<Ran> {
    let mut command = Command::new(tools::kubectl()?);
    command
        .env("KUBECONFIG", control_plane.admin_kubeconfig()?)
        .args(arguments);
    ran(&mut command).await
}

/// The operator's Deployment, as the API server has it.
pub(crate) async fn deployment(control_plane: &ControlPlane) -> Result<Value> {
    let get = [
        "get",
        "deployment",
        "--namespace",
        OWN_NAMESPACE,
        RELEASE,
        "--output=json",
    ];
    let text = kubectl(control_plane, &get).await?.succeeded("get")?;
    serde_json::from_str(&text).context("kubectl says no JSON")
}

/// Objects in a file, for those commands of kubectl that take one.
pub(crate) struct Written(tempfile::NamedTempFile);

impl Written {
    pub(crate) fn new(objects: &[Value]) -> Result<Self> {
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
        let file = tempfile::Builder::new().suffix(".json").tempfile()?;
        std::fs::write(file.path(), list.to_string())?;
        Ok(Self(file))
    }

    /// What an administrator's `kubectl COMMAND --filename FILE` says, which is to succeed.
    pub(crate) async fn kubectl(
        &self,
        control_plane: &ControlPlane,
        command: &[&str],
    ) -> Result<String> {
        let file = self.0.path().to_str().context("no text")?;
        let whole = [command, &["--filename", file]].concat();
        let ran = kubectl(control_plane, &whole).await?;
        ran.succeeded(&command.join(" "))
    }
}

async fn check(kubeconfig: &Path, wait: &str) -> Result<Ran> {
    let mut command = Command::new(product_binary("tokenwright-operator")?);
    command
        .env("KUBECONFIG", kubeconfig)
        .args(["--namespace", OWN_NAMESPACE, "--lease", "tokenwright"])
        .args(["check", "--wait", wait]);
    ran(&mut command).await
}

#[tokio::test]
async fn the_check_says_whether_the_kinds_are_there_and_a_replica_works() -> Result<()> {
    let empty = ControlPlane::shared(&Tools::find()?).await?;
    let nothing = check(&empty.admin_kubeconfig()?, "1").await?;
    ensure!(nothing.code == 1, "{}", nothing.said);
    ensure!(
        nothing.said.contains("cannot list ApiTokens"),
        "{}",
        nothing.said
    );

    let cluster = Cluster::playing("scaleway").await?;
    let idle = check(&cluster.kubeconfig, "1").await?;
    ensure!(idle.code == 1, "{}", idle.said);
    ensure!(
        idle.said
            .contains("no replica has renewed the Lease tokenwright")
    );

    let _operator = cluster.operator().await?;
    let working = check(&cluster.kubeconfig, "25").await?;
    let said = working.succeeded("the check")?;
    ensure!(said.contains("the replica operator works"), "{said}");
    Ok(())
}

/// The pod of a Deployment's template.
fn pod(deployment: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "of-the-template", "namespace": OWN_NAMESPACE },
        "spec": deployment["spec"]["template"]["spec"],
    })
}

#[tokio::test]
async fn the_guide_to_kustomize_upgrades_an_operator_with_a_living_token_and_the_base_is_applied_twice_without_a_difference()
-> Result<()> {
    let control_plane = ControlPlane::start(&Tools::find()?).await?;
    let upgraded = Kustomized::upgraded(&control_plane).await?;
    let base = root().join("deploy/kustomize");
    let base = base.to_str().context("no text")?;
    for way in [
        &["--server-side=false"][..],
        &["--server-side", "--force-conflicts"],
    ] {
        let apply = [&["apply", "-k", base], way].concat();
        let first = kubectl(&control_plane, &apply).await?.succeeded("apply")?;
        ensure!(!first.contains("unrecognized"), "{first}");
        let again = kubectl(&control_plane, &apply).await?.succeeded("apply")?;
        ensure!(
            !again.contains("configured") && !again.contains("created"),
            "{again}"
        );
        let diff = [&["diff", "-k", base], way].concat();
        let difference = kubectl(&control_plane, &diff).await?.succeeded("diff")?;
        ensure!(difference.is_empty(), "{way:?}: {difference}");
    }

    upgraded.works_on().await?;

    let deployment = deployment(&control_plane).await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("pod.json");
    let create = [
        "create",
        "--dry-run=server",
        "-f",
        file.to_str().context("no text")?,
    ];
    let mut pod = pod(&deployment);
    std::fs::write(&file, pod.to_string())?;
    kubectl(&control_plane, &create)
        .await?
        .succeeded("create")?;
    // That the standard is held at all: the same without what it asks for.
    pod["spec"]["containers"][0]["securityContext"] = Value::Null;
    std::fs::write(&file, pod.to_string())?;
    let refused = kubectl(&control_plane, &create).await?;
    ensure!(
        refused.said.contains("violates PodSecurity"),
        "{}",
        refused.said
    );
    Ok(())
}
