//! What the operator may do: what it says of that at its start, and what becomes of objects whose namespace
//! takes its rights away first.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::rbac::v1::{ClusterRole, RoleBinding};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;
use tokenwright_testbed::chart;
use tokenwright_testbed::programs::{More, OWN_NAMESPACE, Operator, wait_for};
use tokenwright_testbed::quickstart::{TEAM_NAMESPACE, TOKEN};

use super::cluster::{Cluster, root};
use super::installed::kubectl;

const SYSTEM: &str = "scaleway";

/// Far longer than the operator needs on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);

#[tokio::test]
async fn at_its_start_the_operator_says_what_it_finds_and_ends_where_nothing_can_work() -> Result<()>
{
    let cluster = Cluster::playing(SYSTEM).await?;
    let operator = cluster.operator().await?;
    for sentence in [
        "the operator begins and watches all namespaces",
        "found apitokens.tokenwright.dev at v1alpha1, written by version",
        "found tokenissuers.tokenwright.dev at v1alpha1, written by version",
        "the operator may do all that it needs in all namespaces",
        "the API server is reached",
        "issuers are reached",
    ] {
        cluster.logged(sentence).await?;
    }
    operator.kill().await?;

    // Somebody forgot the permissions.
    let nobody = cluster.control_plane.kubeconfig("nobody", &[])?;
    let log = cluster.folder.path().join("nobody");
    let operator = Operator::start("nobody", &nobody, "127.0.0.1", &log).await?;
    ensure!(
        !operator.ended(PATIENCE).await?,
        "it ends as if all were well"
    );
    let said = std::fs::read_to_string(&log)?;
    ensure!(
        said.contains("the operator cannot work: the operator may not list and watch ApiTokens"),
        "{said}"
    );
    Ok(())
}

#[tokio::test]
async fn what_a_namespace_without_rights_holds_ends_once_the_chart_gives_rights_to_clean_up()
-> Result<()> {
    let watched = ["--set", "watchNamespaces={team-a}"];
    let cluster = Cluster::arranged(SYSTEM, &watched).await?;
    let more = More {
        arguments: vec![format!("--watch-namespaces={TEAM_NAMESPACE}")],
        ..More::default()
    };
    let operator = cluster.launch("operator", more).await?;
    cluster.delivered().await?;
    let client = cluster.control_plane.admin().await?;

    let bindings: Api<RoleBinding> = Api::namespaced(client.clone(), TEAM_NAMESPACE);
    bindings
        .delete(chart::RELEASE, &DeleteParams::default())
        .await?;
    // What was allowed may be remembered for a moment.
    tokio::time::sleep(Duration::from_secs(1)).await;
    cluster
        .team
        .tokens()
        .delete(TOKEN, &DeleteParams::default())
        .await?;
    wait_for("the refusal to be told", PATIENCE, || async {
        let told = cluster.readyz().await?;
        Ok(told
            .contains("the work in the namespace team-a is refused")
            .then_some(()))
    })
    .await?;
    ensure!(cluster.team.tokens().get_opt(TOKEN).await?.is_some());

    let values = [&watched[..], &["--set", "cleanUp=true"]].concat();
    let documents = chart::render(&root(), OWN_NAMESPACE, &values)?;
    let mut roles = documents.into_iter().filter(|d| d["kind"] == "ClusterRole");
    let role = roles.next().context("no ClusterRole")?;
    let change = Patch::Merge(json!({ "rules": role["rules"] }));
    let roles: Api<ClusterRole> = Api::all(client);
    roles
        .patch(chart::RELEASE, &PatchParams::default(), &change)
        .await?;
    wait_for("the ApiToken to be gone", PATIENCE, || async {
        let token = cluster.team.tokens().get_opt(TOKEN).await?;
        Ok(token.is_none().then_some(()))
    })
    .await?;
    cluster.nothing_lives().await?;
    operator.kill().await
}

/// Whether a member of the team may do this, as the API server says.
async fn may(cluster: &Cluster, group: &str, what: &[&str]) -> Result<bool> {
    let who = [
        "auth",
        "can-i",
        "--as=alice",
        "--as-group",
        group,
        "--namespace",
        TEAM_NAMESPACE,
    ];
    let ran = kubectl(&cluster.control_plane, &[&who[..], what].concat()).await?;
    Ok(ran.said.lines().any(|line| line == "yes"))
}

#[tokio::test]
async fn people_of_a_team_may_ask_for_tokens_and_neither_write_a_status_nor_see_more() -> Result<()>
{
    let cluster = Cluster::playing(SYSTEM).await?;
    let control_plane = &cluster.control_plane;
    // What adds the chart's roles to those of Kubernetes.
    let _controllers = control_plane.controllers(&["clusterrole-aggregation-controller"])?;
    for (group, role) in [
        ("editors", "edit"),
        ("viewers", "view"),
        ("tokens", "tokenwright-edit"),
    ] {
        let (role, to) = (format!("--clusterrole={role}"), format!("--group={group}"));
        let bind = [
            "create",
            "rolebinding",
            group,
            "--namespace",
            TEAM_NAMESPACE,
        ];
        kubectl(control_plane, &[&bind[..], &[&role, &to]].concat())
            .await?
            .succeeded("create rolebinding")?;
    }
    wait_for("the roles to be added", PATIENCE, || async {
        let view = may(&cluster, "viewers", &["list", "apitokens"]).await?;
        let edit = may(&cluster, "editors", &["create", "apitokens"]).await?;
        Ok((view && edit).then_some(()))
    })
    .await?;
    for group in ["editors", "tokens"] {
        for verb in ["get", "create", "patch", "delete"] {
            for kind in ["apitokens", "tokenissuers"] {
                ensure!(
                    may(&cluster, group, &[verb, kind]).await?,
                    "{group} {verb} {kind}"
                );
            }
        }
    }
    for (group, what) in [
        ("viewers", &["create", "apitokens"][..]),
        ("viewers", &["get", "secrets"]),
        ("tokens", &["get", "secrets"]),
        ("editors", &["patch", "apitokens", "--subresource=status"]),
        ("tokens", &["patch", "apitokens", "--subresource=status"]),
        ("editors", &["create", "clustertokenissuers"]),
        ("editors", &["create", "tokenprofiles"]),
        ("editors", &["get", "secrets", "--namespace", OWN_NAMESPACE]),
    ] {
        ensure!(!may(&cluster, group, what).await?, "{group} may {what:?}");
    }
    Ok(())
}
