//! An upgrade, from the kinds of the version before to those of this one: what works under the former, what goes
//! on while they are replaced, and what is taken on of all that was under way.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokenwright_api::names::annotation::{REVISION, REVOKE_PREVIOUS, ROTATE, TOKEN_ID};
use tokenwright_testbed::chart;
use tokenwright_testbed::programs::{Sandbox, wait_for};
use tokenwright_testbed::quickstart::{SECRET, TEAM_NAMESPACE, TOKEN, example};

use super::cluster::{Cluster, SYSTEM, root};
use super::kinds::{kinds, upgrade_kinds};
use super::older;

const PATIENCE: Duration = Duration::from_secs(30);

/// Far longer than this takes.
const NEVER_MS: u32 = 3_600_000;

/// The quickstart's ApiToken and others like it; none of them falls due by itself.
fn wishes(cluster: &Cluster) -> Result<(Vec<Value>, Value)> {
    let mut all = example(&root(), cluster.sandbox.system(SYSTEM)?)?;
    let mut token = all.pop().context("no ApiToken")?;
    token["spec"]["token"]["lifetime"] = json!("90d");
    token["spec"]["rotation"] = json!({ "renewBefore": "30d", "overlap": "1h" });
    let named = |name: &str| named(&token, name);
    let mut rotating = named(TOKEN);
    rotating["spec"]["rotation"]["overlap"] = json!("2s");
    all.extend([
        rotating,
        named("published"),
        named("overlapping"),
        named("deleting"),
    ]);
    Ok((all, named("minting")))
}

fn named(token: &Value, name: &str) -> Value {
    let mut token = token.clone();
    token["metadata"]["name"] = json!(name);
    token["spec"]["token"]["name"] = json!(name);
    token["spec"]["secret"]["name"] = json!(secret(name));
    token
}

fn secret(name: &str) -> String {
    match name {
        TOKEN => SECRET.to_owned(),
        name => name.to_owned(),
    }
}

/// The id in the Secret of an ApiToken, once it has this revision.
async fn revision(cluster: &Cluster, name: &str, revision: &str) -> Result<String> {
    let client = cluster.control_plane.admin().await?;
    let secrets: Api<Secret> = Api::namespaced(client, TEAM_NAMESPACE);
    let what = format!("revision {revision} of {name}");
    let found = wait_for(&what, PATIENCE, || async {
        let found = secrets.get_opt(&secret(name)).await?;
        let mut said = found
            .and_then(|it| it.metadata.annotations)
            .unwrap_or_default();
        let is_it = said.get(REVISION).is_some_and(|it| it == revision);
        Ok(said.remove(TOKEN_ID).filter(|_| is_it))
    });
    found
        .await
        .with_context(|| cluster.log().unwrap_or_default())
}

async fn annotate(cluster: &Cluster, name: &str, key: &str, text: &str) -> Result<()> {
    let change = Patch::Merge(json!({ "metadata": { "annotations": { key: text } } }));
    let tokens = cluster.team.tokens();
    tokens.patch(name, &PatchParams::default(), &change).await?;
    Ok(())
}

/// Waits until these tokens live and no others.
async fn alone_live(cluster: &Cluster, ids: &[&String]) -> Result<()> {
    let mut wanted = ids.to_vec();
    wanted.sort();
    let live = wait_for("these tokens alone to live", PATIENCE, || async {
        let ledger = cluster.sandbox.ledger().await?;
        let mut live: Vec<_> = ledger.live(SYSTEM).iter().map(|life| &life.id).collect();
        live.sort();
        Ok((live == wanted).then_some(()))
    });
    if let Err(error) = live.await {
        let objects = cluster.team.tokens().list(&ListParams::default()).await?;
        let all = objects.into_iter();
        let stand: Vec<_> = all.map(|it| it.data["status"].to_string()).collect();
        let stand = stand.join("\n");
        return Err(error.context(format!("{}\n{stand}", cluster.log()?)));
    }
    Ok(())
}

/// Where a request of the next kind waits for ever: the process ends before it does.
async fn hangs(cluster: &Cluster, operation: &str, effect: &str) -> Result<()> {
    let matching = json!({ "operation": operation, "count": 1 });
    let effect = json!({ effect: NEVER_MS });
    cluster.sandbox.fault(&matching, &effect).await
}

#[tokio::test]
async fn under_the_kinds_of_the_version_before_all_works_and_an_upgrade_in_any_phase_loses_nothing()
-> Result<()> {
    let change = |document: &mut Value| match document["kind"].as_str() {
        Some("CustomResourceDefinition") => older::kind(document),
        _ => Ok(()),
    };
    let mut cluster = Cluster::changed(SYSTEM, &[], change).await?;
    cluster.sandbox = Sandbox::in_earnest(&[SYSTEM]).await?;
    let client = cluster.control_plane.admin().await?;
    let tokens = cluster.team.tokens();
    let before = cluster.replica("before").await?;
    cluster.logged("is of an older version (0.0.9)").await?;

    // Delivered, rotated, and revoked, with the writes that the usual kinds take.
    let (wishes, minting) = wishes(&cluster)?;
    chart::create_all(&client, &wishes, TEAM_NAMESPACE).await?;
    let published = revision(&cluster, "published", "1").await?;
    let former = revision(&cluster, "overlapping", "1").await?;
    let deleting = revision(&cluster, "deleting", "1").await?;
    revision(&cluster, TOKEN, "1").await?;
    cluster.team.ready().await?;
    let delivering = cluster.writes()?.len();
    annotate(&cluster, TOKEN, ROTATE, "once").await?;
    annotate(&cluster, "overlapping", ROTATE, "once").await?;
    let rotated = revision(&cluster, TOKEN, "2").await?;
    let current = revision(&cluster, "overlapping", "2").await?;
    alone_live(
        &cluster,
        &[&published, &former, &current, &deleting, &rotated],
    )
    .await?;
    // A writer that is not content with what was kept would write on.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let writes = cluster.writes()?;
    ensure!(writes.len() <= delivering + 5, "{writes:#?}");

    // One mint without an answer, one revoke that did nothing yet; then the kinds are replaced.
    hangs(&cluster, "mint", "latency_ms").await?;
    hangs(&cluster, "revoke", "effect_after_timeout").await?;
    chart::create_all(&client, &[minting], TEAM_NAMESPACE).await?;
    tokens.delete("deleting", &DeleteParams::default()).await?;
    wait_for("both to hang", PATIENCE, || async {
        Ok((cluster.sandbox.faults_met().await? == 2).then_some(()))
    })
    .await?;
    upgrade_kinds(&cluster.control_plane, &kinds()?).await?;
    annotate(&cluster, TOKEN, ROTATE, "twice").await?;
    let last = revision(&cluster, TOKEN, "3").await?;
    before.kill().await?;

    let after = cluster.replica("after").await?;
    let minted = revision(&cluster, "minting", "2").await?;
    alone_live(&cluster, &[&published, &former, &current, &last, &minted]).await?;
    wait_for("the deletion", PATIENCE, || async {
        let there = tokens.get_opt("deleting").await?;
        Ok(there.is_none().then_some(()))
    })
    .await?;
    annotate(&cluster, "overlapping", REVOKE_PREVIOUS, "1").await?;
    alone_live(&cluster, &[&published, &current, &last, &minted]).await?;
    ensure!(cluster.sandbox.ledger().await?.minted(SYSTEM) == 9);
    // A deletion of the fourth waits for the answer that was lost, for as long as one may be on its way.
    for name in [TOKEN, "published", "overlapping"] {
        tokens.delete(name, &DeleteParams::default()).await?;
    }
    alone_live(&cluster, &[&minted]).await?;
    after.kill().await
}
