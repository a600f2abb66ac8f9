//! `helm test` of an installation. Nothing runs pods here: the test is the node that runs what the pod says.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::json;
use tokenwright_testbed::chart::RELEASE;
use tokenwright_testbed::control_plane::ControlPlane;
use tokenwright_testbed::programs::{OWN_NAMESPACE, Operator, wait_for};
use tokenwright_testbed::tools::{Tools, helm, product_binary};
use tokio::process::Command;

use super::cluster::root;

/// The check waits for a renewal of the Lease by itself.
const PATIENCE: Duration = Duration::from_secs(60);

fn command(control_plane: &ControlPlane, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(helm()?);
    command
        .env("KUBECONFIG", control_plane.admin_kubeconfig()?)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}

/// Installs the chart as a page says it, and gives the kubeconfig of its ServiceAccount.
pub(crate) async fn install(
    control_plane: &ControlPlane,
    namespace: &str,
    more: &[&str],
) -> Result<PathBuf> {
    let chart = root().join("charts/tokenwright");
    let chart = chart.to_str().context("no text")?;
    let install = ["install", RELEASE, chart, "--create-namespace"];
    let image = "--set=image.repository=registry.example/tokenwright-operator";
    let mut install = command(control_plane, &install)?;
    install.args(["--namespace", namespace, image]).args(more);
    let installed = install.output().await?;
    let said = String::from_utf8_lossy(&installed.stderr);
    ensure!(installed.status.success(), "{said}");
    let account = format!("system:serviceaccount:{namespace}:{RELEASE}");
    let group = format!("system:serviceaccounts:{namespace}");
    let groups = ["system:authenticated", "system:serviceaccounts", &group];
    control_plane.kubeconfig(&account, &groups)
}

/// Runs the one pod that asks to be run, and says how that ended.
async fn node(pods: &Api<Pod>, kubeconfig: &Path) -> Result<()> {
    let pod = wait_for("the pod of the test", PATIENCE, || async {
        let all = pods.list(&ListParams::default()).await?.items;
        let open = |pod: &Pod| {
            let phase = pod.status.as_ref().and_then(|status| status.phase.clone());
            pod.annotations().contains_key("helm.sh/hook") && phase.as_deref() == Some("Pending")
        };
        Ok(all.into_iter().find(open))
    })
    .await?;
    let container = pod.spec.as_ref().and_then(|spec| spec.containers.first());
    let arguments = container.and_then(|container| container.args.clone());
    let ran = Command::new(product_binary("tokenwright-operator")?)
        .args(arguments.context("the pod runs nothing")?)
        .env("KUBECONFIG", kubeconfig)
        .env("POD_NAMESPACE", OWN_NAMESPACE)
        .status()
        .await?;
    let phase = if ran.success() { "Succeeded" } else { "Failed" };
    let ended = Patch::Merge(json!({ "status": { "phase": phase } }));
    pods.patch_status(&pod.name_any(), &PatchParams::default(), &ended)
        .await?;
    Ok(())
}

#[tokio::test]
async fn helm_test_says_whether_an_installed_operator_works() -> Result<()> {
    let control_plane = ControlPlane::start(&Tools::find()?).await?;
    let kubeconfig = install(&control_plane, OWN_NAMESPACE, &[]).await?;
    let pods: Api<Pod> = Api::namespaced(control_plane.admin().await?, OWN_NAMESPACE);
    let tested = async || -> Result<bool> {
        let test = [
            "test",
            RELEASE,
            "--timeout=90s",
            "--namespace",
            OWN_NAMESPACE,
        ];
        let mut test = command(&control_plane, &test)?;
        let (ended, ran) = tokio::join!(test.output(), node(&pods, &kubeconfig));
        ran?;
        Ok(ended?.status.success())
    };
    ensure!(!tested().await?, "nothing runs, and all is said to be well");
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("log");
    let operator = Operator::start("installed", &kubeconfig, "127.0.0.1", &log).await?;
    ensure!(tested().await?, "it runs, and the test fails");
    operator.kill().await
}
