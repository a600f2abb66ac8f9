//! The pages of a newcomer who has a cluster, followed to the letter.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use tokenwright_testbed::chart::RELEASE;
use tokenwright_testbed::control_plane::ControlPlane;
use tokenwright_testbed::newcomer::Newcomer;
use tokenwright_testbed::programs::{OWN_NAMESPACE, Operator, Sandbox, wait_for};
use tokenwright_testbed::tools::Tools;
use xtask::guide::{Took, When};

use super::operator::root;

/// Of the blocks that need a cluster, so many must have been acted on.
fn on_cluster(took: &[Took], least: usize) -> Result<()> {
    let on_cluster = took.iter().filter(|took| took.block.when == When::Cluster);
    let acted = on_cluster.filter(|took| took.time.is_some()).count();
    ensure!(acted >= least, "{took:#?}");
    Ok(())
}

#[tokio::test]
async fn both_quick_starts_can_be_followed_to_the_letter() -> Result<()> {
    let control_plane = ControlPlane::start(&Tools::find()?).await?;
    let newcomer = Newcomer::new(&root())?.with_cluster(control_plane.admin_kubeconfig()?);
    let followed = tokio::task::spawn_blocking(move || newcomer.follow("README.md"));
    on_cluster(&followed.await??, 4)
}

#[tokio::test]
async fn the_guide_to_a_first_token_on_a_cluster_can_be_followed_to_the_letter() -> Result<()> {
    let control_plane = ControlPlane::start(&Tools::find()?).await?;
    let kubeconfig = control_plane.admin_kubeconfig()?;
    let sandbox = Sandbox::start(&["seeme"]).await?;
    let seeme = sandbox.system("seeme")?;
    // Nothing runs pods here: the operator waits beside the cluster for what helm installs, and the
    // issuer is where the sandbox plays it.
    let client = control_plane.admin().await?;
    let newcomer = Newcomer::new(&root())?
        .with_cluster(kubeconfig.clone())
        .with_account("SEEME_API_KEY", &seeme.credential)
        // A day of the sandbox lasts a second, and the schedule is read by the clock.
        .where_stands("lifetime: 90d", "lifetime: 9000d")
        .where_stands("renewBefore: 30d", "renewBefore: 10m")
        .where_stands(
            "profile: seeme\n",
            format!("profile: seeme\n  endpoint: {}\n", seeme.endpoint),
        );
    let followed =
        tokio::task::spawn_blocking(move || newcomer.follow("docs/guides/first-token-cluster.md"));
    let installed = wait_for("helm to install", Duration::from_secs(60), || async {
        let api: Api<Deployment> = Api::namespaced(client.clone(), OWN_NAMESPACE);
        Ok(api.get_opt(RELEASE).await?)
    });
    installed.await?;
    let host = seeme.endpoint.trim_start_matches("http://");
    let host = host.split('/').next().unwrap_or_default();
    let log = tempfile::NamedTempFile::new()?;
    let operator = Operator::start("beside", &kubeconfig, host, log.path()).await?;
    let took = followed.await?;
    let took = took.with_context(|| std::fs::read_to_string(log.path()).unwrap_or_default())?;
    on_cluster(&took, 6)?;
    operator.kill().await?;
    let ledger = sandbox.ledger().await?;
    ensure!(ledger.minted("seeme") == 2 && ledger.live("seeme").is_empty());
    Ok(())
}
