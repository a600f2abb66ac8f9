//! The Kubernetes half: mint, two rotations, a kill between mint and publish, healing, deletion.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ApiResource, DeleteParams, DynamicObject, GroupVersionKind};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::cluster::{Cluster, TEAM_NAMESPACE};
use super::programs::{Operator, Sandbox, System, wait_for};
use super::stage::Stage;
use super::timeline::Timeline;
use crate::chart;

const EXAMPLE: &str = "examples/kubernetes/quickstart.yaml";
const SYSTEM: &str = "scaleway";
pub(crate) const TOKEN: &str = "ci";
pub(crate) const SECRET: &str = "ci-token";
/// The check of the token that is about to be lost takes this long, so that the kill comes before it ends.
const DELAY: Duration = Duration::from_millis(1_500);
/// Longer than a rotation takes to fall due.
const PATIENCE: Duration = Duration::from_secs(40);

pub(super) async fn show(
    stage: &Stage,
    cluster: &Cluster,
    sandbox: &Sandbox,
    timeline: &mut Timeline,
) -> Result<()> {
    stage.act("Kubernetes: a token that lives 30 seconds, rotated every 12");
    let scaleway = sandbox.system(SYSTEM)?;
    let team = Team {
        client: cluster.client.clone(),
    };
    let host = scaleway.endpoint.trim_start_matches("http://").to_owned();
    let log = log_file(cluster)?;
    let start = || Operator::start(&cluster.operator_kubeconfig, &host, &log);

    let operator = start().await?;
    chart::create_all(&cluster.client, &example(scaleway)?, TEAM_NAMESPACE).await?;
    stage.done(&format!("The operator runs; {EXAMPLE} is applied"));

    let first = team.secret_after(None).await?;
    team.ready()
        .await
        .with_context(|| format!("the operator's log is in {}", log.display()))?;
    timeline.holds(SYSTEM, &first.id);
    ensure!(
        sandbox.authenticates(scaleway, &first.value).await?,
        "the delivered value does not authenticate"
    );
    stage.done(&format!(
        "ApiToken {TOKEN} is Ready; Secret {SECRET} holds {} and its value authenticates",
        first.describe()
    ));

    stage.doing("The token falls due …");
    let second = team.secret_after(Some(&first)).await?;
    timeline.holds(SYSTEM, &second.id);
    ensure!(
        sandbox.authenticates(scaleway, &second.value).await?,
        "the rotated value does not authenticate"
    );
    ensure!(
        sandbox.authenticates(scaleway, &first.value).await?,
        "the previous value ended before its overlap"
    );
    stage.done(&format!(
        "Rotated to {}; the previous value is alive in its overlap",
        second.describe()
    ));

    sandbox.delay_next_check(SYSTEM, DELAY).await?;
    stage.doing("The next rotation will be killed between mint and publish …");
    let minted = sandbox.ledger().await?.minted(SYSTEM);
    let lost = wait_for("the mint of the next token", PATIENCE, || async {
        let ledger = sandbox.ledger().await?;
        let newest = ledger.tokens.iter().rfind(|life| life.system == SYSTEM);
        Ok(newest
            .filter(|_| ledger.minted(SYSTEM) > minted)
            .map(|life| life.id.clone()))
    });
    let lost = lost.await?;
    operator.kill().await?;
    ensure!(
        team.secret()
            .await?
            .is_some_and(|held| held.id == second.id),
        "the kill came too late: the token was published"
    );
    timeline.killed();
    stage.done(&format!(
        "SIGKILL: {lost} is minted, and its value is lost; the Secret still holds {}",
        second.describe()
    ));
    sandbox.clear_faults().await?;
    let ended = sandbox
        .ledger()
        .await?
        .tokens
        .iter()
        .any(|life| life.id == first.id && life.ended_at.is_some());
    ensure!(ended, "the first token outlived its overlap");

    let operator = start().await?;
    let third = team.secret_after(Some(&second)).await?;
    timeline.holds(SYSTEM, &third.id);
    ensure!(
        third.id != lost,
        "the Secret names the token whose value is lost"
    );
    ensure!(
        sandbox.authenticates(scaleway, &third.value).await?,
        "the healed value does not authenticate"
    );
    wait_for("the revoke of the lost token", PATIENCE, || async {
        let ledger = sandbox.ledger().await?;
        Ok(ledger
            .tokens
            .iter()
            .any(|life| life.id == lost && life.revoked_at.is_some())
            .then_some(()))
    })
    .await?;
    stage.done(&format!(
        "A new operator healed it: {} is delivered, and {lost} was found by its marker and revoked",
        third.describe()
    ));

    stage.doing("kubectl delete apitoken: waits until no lost answer can surface any more …");
    team.delete().await?;
    timeline.holds_nothing(SYSTEM);
    ensure!(
        team.secret().await?.is_none(),
        "the Secret outlived its ApiToken"
    );
    for value in [&first.value, &second.value, &third.value] {
        ensure!(
            !sandbox.authenticates(scaleway, value).await?,
            "a value outlived its ApiToken"
        );
    }
    let ledger = sandbox.ledger().await?;
    ensure!(
        ledger.live(SYSTEM).is_empty(),
        "the ledger shows tokens that live on"
    );
    stage.done("Deleted: every token is revoked, the Secret is gone, the finalizer dropped");
    operator.kill().await
}

/// The example, with the sandbox in place of the real service.
pub(crate) fn example(scaleway: &System) -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(EXAMPLE)
        .with_context(|| format!("{EXAMPLE} is not here: run the demo from the checkout"))?;
    let mut documents = chart::documents(&text)?;
    for document in &mut documents {
        match document["kind"].as_str() {
            Some("Secret") => {
                let data = document["stringData"]
                    .as_object_mut()
                    .context("the example's Secret has no stringData")?;
                data.values_mut()
                    .for_each(|value| *value = json!(scaleway.credential));
            }
            Some("TokenIssuer") => document["spec"]["endpoint"] = json!(scaleway.endpoint),
            Some("ApiToken") => {
                let id = scaleway
                    .parameters
                    .get("application_id")
                    .context("the sandbox names no application")?;
                document["spec"]["token"]["parameters"]["application_id"] = json!(id);
            }
            _ => {}
        }
    }
    Ok(documents)
}

fn log_file(cluster: &Cluster) -> Result<PathBuf> {
    let folder = Path::new("target/demo");
    std::fs::create_dir_all(folder).or_else(|_| std::fs::create_dir_all(cluster.folder.path()))?;
    let log = folder.join("operator.log");
    std::fs::write(&log, "").with_context(|| format!("cannot write {}", log.display()))?;
    Ok(log)
}

/// What the team sees of its token.
pub(crate) struct Team {
    client: Client,
}

/// What the Secret holds.
#[derive(Debug, Clone)]
pub(crate) struct Delivered {
    id: String,
    revision: String,
    value: String,
}

impl Delivered {
    fn describe(&self) -> String {
        format!("{} (revision {})", self.id, self.revision)
    }
}

impl Team {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    fn tokens(&self) -> Api<DynamicObject> {
        let kind = ApiResource::from_gvk(&GroupVersionKind::gvk(
            "tokenwright.dev",
            "v1alpha1",
            "ApiToken",
        ));
        Api::namespaced_with(self.client.clone(), TEAM_NAMESPACE, &kind)
    }

    async fn secret(&self) -> Result<Option<Delivered>> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), TEAM_NAMESPACE);
        let Some(secret) = api
            .get_opt(SECRET)
            .await
            .context("cannot read the Secret")?
        else {
            return Ok(None);
        };
        let annotations = secret.metadata.annotations.unwrap_or_default();
        let annotation = |name: &str| annotations.get(&format!("tokenwright.dev/{name}")).cloned();
        let value = secret
            .data
            .unwrap_or_default()
            .remove("secret_key")
            .map(|bytes| bytes.0);
        let (Some(id), Some(revision), Some(value)) =
            (annotation("token-id"), annotation("revision"), value)
        else {
            return Ok(None);
        };
        Ok(Some(Delivered {
            id,
            revision,
            value: String::from_utf8(value)?,
        }))
    }

    /// The Secret once it holds another token than `before`.
    pub(crate) async fn secret_after(&self, before: Option<&Delivered>) -> Result<Delivered> {
        wait_for("the next value in the Secret", PATIENCE, || async {
            let held = self.secret().await?;
            Ok(held.filter(|held| before.is_none_or(|before| before.id != held.id)))
        })
        .await
    }

    pub(crate) async fn ready(&self) -> Result<()> {
        wait_for("the ApiToken to be Ready", PATIENCE, || async {
            let token = self
                .tokens()
                .get(TOKEN)
                .await
                .context("cannot read the ApiToken")?;
            let conditions = token.data["status"]["conditions"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let ready = conditions
                .iter()
                .any(|c| c["type"] == "Ready" && c["status"] == "True");
            Ok(ready.then_some(()))
        })
        .await
    }

    async fn delete(&self) -> Result<()> {
        self.tokens()
            .delete(TOKEN, &DeleteParams::default())
            .await
            .context("cannot delete the ApiToken")?;
        wait_for("the ApiToken to be gone", PATIENCE, || async {
            let token = self
                .tokens()
                .get_opt(TOKEN)
                .await
                .context("cannot read the ApiToken")?;
            Ok(token.is_none().then_some(()))
        })
        .await
    }
}
