//! The uninstall of the documentation, followed to the letter: nothing is held afterwards, no token lives, and every
//! namespace can be deleted though no operator runs any more.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::DeleteParams;
use tokenwright_testbed::chart::RELEASE;
use tokenwright_testbed::control_plane::ControlPlane;
use tokenwright_testbed::newcomer::Newcomer;
use tokenwright_testbed::programs::{OWN_NAMESPACE, Operator, Sandbox, host, wait_for};
use tokenwright_testbed::quickstart::TEAM_NAMESPACE;
use tokenwright_testbed::tools::Tools;

use super::cluster::{SYSTEM, root};
use super::helm_test::install;
use super::installed::kubectl;
use super::reinstalled::arranged;

const PAGE: &str = "docs/install.md";

const PATIENCE: Duration = Duration::from_secs(60);

/// Uninstalls by what stands below a heading; the operator works with the rights of an installation.
async fn uninstalled(control_plane: &ControlPlane, heading: &'static str) -> Result<()> {
    let sandbox = Sandbox::in_earnest(&[SYSTEM]).await?;
    let client = control_plane.admin().await?;
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("log");
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    let account = format!("system:serviceaccount:{OWN_NAMESPACE}:{RELEASE}");
    let group = format!("system:serviceaccounts:{OWN_NAMESPACE}");
    let kubeconfig = control_plane.kubeconfig(&account, &["system:serviceaccounts", &group])?;
    let host = host(&sandbox.system(SYSTEM)?.endpoint);
    let operator = Operator::start("operator", &kubeconfig, host, &log).await?;
    arranged(&client, &sandbox).await.with_context(said)?;
    ensure!(sandbox.ledger().await?.live(SYSTEM).len() == 2);

    let newcomer = Newcomer::new(&root())?
        .with_cluster(control_plane.admin_kubeconfig()?)
        .where_stands("-k overlay", "-k deploy/kustomize");
    let (newcomer, followed) = tokio::task::spawn_blocking(move || {
        let followed = newcomer.follow_below(PAGE, "### Uninstall");
        (newcomer, followed)
    })
    .await?;
    ensure!(followed.with_context(said)?.len() == 1);
    // Whatever it does not do before the commands end is never done.
    operator.kill().await?;
    let followed =
        tokio::task::spawn_blocking(move || newcomer.follow_below(PAGE, heading)).await?;
    ensure!(followed?.len() == 1);

    let ledger = sandbox.ledger().await?;
    ensure!(ledger.live(SYSTEM).is_empty(), "{ledger:#?}");
    let namespaces: Api<Namespace> = Api::all(client.clone());
    for name in [OWN_NAMESPACE, TEAM_NAMESPACE] {
        let there = namespaces.get(name).await?;
        ensure!(there.metadata.deletion_timestamp.is_none());
        namespaces.delete(name, &DeleteParams::default()).await?;
    }
    wait_for("the namespaces to be gone", PATIENCE, || async {
        let own = namespaces.get_opt(OWN_NAMESPACE).await?;
        let team = namespaces.get_opt(TEAM_NAMESPACE).await?;
        Ok((own.is_none() && team.is_none()).then_some(()))
    })
    .await?;
    let kinds = [
        "get",
        "customresourcedefinitions",
        "--selector=app.kubernetes.io/component=kinds",
        "--output=name",
    ];
    let kinds = kubectl(control_plane, &kinds).await?.succeeded("get")?;
    ensure!(kinds.lines().count() == 4, "{kinds}");
    let left = [
        "get",
        "deployments,serviceaccounts,clusterroles,clusterrolebindings,roles,rolebindings,validatingadmissionpolicies",
        "--all-namespaces",
        "--selector=app.kubernetes.io/name=tokenwright",
    ];
    let left = kubectl(control_plane, &left).await?.succeeded("get")?;
    ensure!(left.contains("No resources found"), "{left}");
    Ok(())
}

#[tokio::test]
async fn after_the_uninstall_with_helm_no_token_lives_and_every_namespace_can_go() -> Result<()> {
    let control_plane = ControlPlane::start(&Tools::find()?).await?;
    let _controllers =
        control_plane.controllers(&["namespace-controller", "garbage-collector-controller"])?;
    install(&control_plane, OWN_NAMESPACE, &[]).await?;
    uninstalled(&control_plane, "#### What helm installed").await
}

#[tokio::test]
async fn after_the_uninstall_with_kubectl_no_token_lives_and_every_namespace_can_go() -> Result<()>
{
    let control_plane = ControlPlane::start(&Tools::find()?).await?;
    let _controllers =
        control_plane.controllers(&["namespace-controller", "garbage-collector-controller"])?;
    let base = root().join("deploy/kustomize");
    let base = base.to_str().context("no text")?;
    let apply = ["apply", "--server-side", "-k", base];
    kubectl(&control_plane, &apply).await?.succeeded("apply")?;
    uninstalled(&control_plane, "#### What kubectl installed").await
}
