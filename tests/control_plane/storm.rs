//! A short storm on a real kube-apiserver: two replicas are killed again and again, answers of the issuer get lost,
//! and every token rotates. `cargo xtask bench operator --faults` is the long one.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::json;
use tokenwright_testbed::chart;
use tokenwright_testbed::programs::wait_for;
use tokenwright_testbed::quickstart::{TEAM_NAMESPACE, example};

use super::cluster::{Cluster, SYSTEM, root};

const TOKENS: usize = 8;
/// Each ends with a kill, of one replica and of the other in turn.
const ROUNDS: usize = 8;
const ROUND: Duration = Duration::from_secs(3);
/// More requests than the issuer gets meanwhile.
const REQUESTS: u32 = 2_000;
/// Afterwards nobody helps, and all is as it should be within this.
const CALM: Duration = Duration::from_secs(180);

struct Storm {
    cluster: Cluster,
    tokens: Api<DynamicObject>,
    secrets: Api<Secret>,
}

impl Storm {
    /// ApiTokens that end long after the storm, so that no slow machine ends one.
    async fn begin() -> Result<Self> {
        let cluster = Cluster::start().await?;
        cluster
            .sandbox
            .switch(&json!({ "seconds_per_day": 86_400.0 }))
            .await?;
        let client = cluster.control_plane.admin().await?;
        let documents = example(&root(), cluster.sandbox.system(SYSTEM)?)?;
        let (tokens, issuer): (Vec<_>, Vec<_>) = documents
            .into_iter()
            .partition(|document| document["kind"] == "ApiToken");
        let mut token = tokens.into_iter().next().context("no ApiToken")?;
        token["spec"]["token"]["lifetime"] = json!("90d");
        token["spec"]["rotation"] = json!({ "overlap": "4s" });
        let named = |number: usize| {
            let mut token = token.clone();
            let name = format!("token-{number}");
            token["metadata"]["name"] = json!(name);
            token["spec"]["token"]["name"] = json!(name);
            token["spec"]["secret"] = json!({ "name": name });
            token
        };
        let all: Vec<_> = issuer.into_iter().chain((0..TOKENS).map(named)).collect();
        chart::create_all(&client, &all, TEAM_NAMESPACE).await?;
        Ok(Self {
            tokens: chart::api(&client, "ApiToken", TEAM_NAMESPACE),
            secrets: Api::namespaced(client, TEAM_NAMESPACE),
            cluster,
        })
    }

    /// The ids that the status names, where each ApiToken is Ready and has nothing that is to end.
    async fn settled(&self) -> Result<Option<BTreeSet<String>>> {
        let all = self.tokens.list(&ListParams::default()).await?.items;
        let settled = |token: &DynamicObject| {
            let status = &token.data["status"];
            let mut conditions = status["conditions"].as_array().into_iter().flatten();
            let ready = conditions.any(|one| one["type"] == "Ready" && one["status"] == "True");
            let asked = &token.data["spec"]["rotation"]["trigger"];
            let none = |list: &str| status[list].as_array().is_none_or(Vec::is_empty);
            let calm = ready && status["lastHandledTrigger"] == *asked;
            let calm = calm && none("retiring") && none("attempts") && none("revokes");
            calm.then(|| status["current"]["tokenID"].as_str().map(str::to_owned))?
        };
        Ok(all.iter().map(settled).collect())
    }

    async fn rotate_all(&self, round: usize) -> Result<()> {
        let trigger = format!("round-{round}");
        let change = Patch::Merge(json!({ "spec": { "rotation": { "trigger": trigger } } }));
        for number in 0..TOKENS {
            let name = format!("token-{number}");
            self.tokens
                .patch(&name, &PatchParams::default(), &change)
                .await?;
        }
        Ok(())
    }

    /// That the value in a Secret, read anew, authenticates.
    async fn works(&self, number: usize) -> Result<()> {
        let secret = self.secrets.get(&format!("token-{number}")).await?;
        let name = secret.name_any();
        let value = secret.data.as_ref().and_then(|data| data.get("secret_key"));
        let value = value.with_context(|| format!("{name} has no value"))?;
        let value = String::from_utf8(value.0.clone())?;
        let (sandbox, scaleway) = (&self.cluster.sandbox, self.cluster.sandbox.system(SYSTEM)?);
        let lives = sandbox.authenticates(scaleway, &value).await?;
        ensure!(lives, "{name} holds a value that does not authenticate");
        Ok(())
    }
}

#[tokio::test]
async fn a_storm_of_kills_and_lost_answers_leaks_no_token_and_shows_nobody_a_dead_value()
-> Result<()> {
    let storm = Storm::begin().await?;
    let cluster = &storm.cluster;
    let names = ["first", "second"];
    let mut replicas = [
        Some(cluster.replica(names[0]).await?),
        Some(cluster.replica(names[1]).await?),
    ];
    let ready = wait_for("all to be Ready", CALM, || storm.settled());
    ensure!(ready.await?.len() == TOKENS);

    cluster.sandbox.lose_one_in_twenty(REQUESTS).await?;
    let mut sampled = 0;
    for round in 0..ROUNDS {
        storm.rotate_all(round).await?;
        let until = Instant::now() + ROUND;
        while Instant::now() < until {
            storm.works(sampled % TOKENS).await?;
            sampled += 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let killed = round % replicas.len();
        if let Some(replica) = replicas[killed].take() {
            replica.kill().await?;
        }
        replicas[killed] = Some(cluster.replica(names[killed]).await?);
    }
    let lost = cluster.sandbox.faults_met().await?;
    ensure!(lost > 0, "no answer was lost");
    cluster.sandbox.clear_faults().await?;

    wait_for("no token but those that are delivered", CALM, || async {
        let Some(named) = storm.settled().await? else {
            return Ok(None);
        };
        let ledger = cluster.sandbox.ledger().await?;
        let live = ledger.live(SYSTEM).into_iter().map(|life| life.id.clone());
        let live: BTreeSet<String> = live.collect();
        Ok((live == named && named.len() == TOKENS).then_some(()))
    })
    .await?;
    for number in 0..TOKENS {
        storm.works(number).await?;
    }
    for replica in replicas.into_iter().flatten() {
        replica.kill().await?;
    }
    Ok(())
}
