//! The kinds alone on a real kube-apiserver: as they are today, and as others would have them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::ListParams;
use kube::{Api, Client};
use serde_json::Value;
use tokenwright_testbed::chart;
use tokenwright_testbed::control_plane::ControlPlane;
use tokenwright_testbed::programs::{OWN_NAMESPACE, wait_for};
use tokenwright_testbed::quickstart::{Team, namespaces};
use tokenwright_testbed::tools::Tools;
use tokio::sync::OnceCell;

use super::cluster::root;
use super::installed::Written;
use super::older::NEW;

const PATIENCE: Duration = Duration::from_secs(40);

/// A control plane with the kinds alone, as they are given.
pub(crate) async fn with_kinds(change: impl Fn(&mut Value)) -> Result<(ControlPlane, Team)> {
    let control_plane = ControlPlane::start(&Tools::find()?).await?;
    let client = control_plane.admin().await?;
    namespaces(&client).await?;
    let mut kinds = kinds()?;
    kinds.iter_mut().for_each(change);
    chart::create_all(&client, &kinds, OWN_NAMESPACE).await?;
    let team = Team::new(client);
    wait_for("the kinds", PATIENCE, || async {
        let listed = team.tokens().list(&ListParams::default()).await;
        Ok(listed.ok().map(drop))
    })
    .await?;
    Ok((control_plane, team))
}

/// The kinds of today and no operator: one control plane for all tests of this process that keep to the
/// namespace that they get, and to names of their own in the cluster.
pub(crate) async fn served() -> Result<(&'static ControlPlane, Client, String)> {
    static SERVED: OnceCell<ControlPlane> = OnceCell::const_new();
    let start = || async { Ok::<_, anyhow::Error>(with_kinds(|_| {}).await?.0) };
    let control_plane = SERVED.get_or_try_init(start).await?;
    let client = control_plane.admin().await?;
    Ok((control_plane, client, control_plane.namespace().await?))
}

pub(crate) fn kinds() -> Result<Vec<Value>> {
    let mut documents = chart::render(&root(), OWN_NAMESPACE, &[])?;
    documents.retain(|document| document["kind"] == "CustomResourceDefinition");
    Ok(documents)
}

/// Writes these kinds over those that a control plane has, as a person upgrades them.
pub(crate) async fn upgrade_kinds(control_plane: &ControlPlane, kinds: &[Value]) -> Result<()> {
    let apply = ["apply", "--server-side", "--force-conflicts"];
    Written::new(kinds)?.kubectl(control_plane, &apply).await?;
    Ok(())
}

/// That an upgrade has brought what the version before did not have.
pub(crate) async fn the_kinds_are_of_today(control_plane: &ControlPlane) -> Result<()> {
    let api: Api<CustomResourceDefinition> = Api::all(control_plane.admin().await?);
    for kind in kinds()? {
        let name = kind["metadata"]["name"].as_str().context("no name")?;
        let served = serde_json::to_value(api.get(name).await?)?;
        let [served, ours] = [&served, &kind].map(|kind| &kind["spec"]["versions"][0]);
        ensure!(
            served["selectableFields"] == ours["selectableFields"],
            "{name}"
        );
        let [served, ours] = [served, ours].map(|version| {
            let parts = &version["schema"]["openAPIV3Schema"]["properties"];
            [
                &parts["status"]["default"],
                &parts["spec"]["properties"][NEW],
            ]
        });
        ensure!(served == ours && !ours[0].is_null(), "{name}: {served:?}");
    }
    Ok(())
}
