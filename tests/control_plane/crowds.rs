//! A crowd of ApiTokens of one tenant, each as large as the API server takes one: after a start, when all of them come
//! at once, the operator stays within what its chart gives it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kube::Client;
use serde_json::{Value, json};
use tokenwright_api::names::annotation;
use tokenwright_testbed::chart;
use tokenwright_testbed::programs::wait_for;
use tokenwright_testbed::quickstart::{example, namespace};

use super::cluster::{Cluster, SYSTEM, root};
use super::weapons::most_memory;

const HOSTILE: &str = "hostile";
const CROWD: usize = 120;
/// So many of the longest texts fill a Secret.
const TEXTS: usize = 31;
const PATIENCE: Duration = Duration::from_secs(90);
/// How much more than without them: of the 128 MiB that the chart gives, it takes 30 with up to a thousand others.
const MOST_KIB: u64 = 64 * 1024;

/// A text in which nothing repeats.
fn noise(seed: u64, length: usize) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let letters = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    let mut letter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(letters[(state >> 58) as usize])
    };
    (0..length).map(|_| letter()).collect()
}

/// A hostile tenant's namespace; what its issuer is made of, and one of its ApiTokens.
async fn hostile(cluster: &Cluster) -> Result<(Client, Vec<Value>, Value)> {
    let client = cluster.control_plane.admin().await?;
    namespace(&client, HOSTILE).await?;
    let mut objects = example(&root(), cluster.sandbox.system(SYSTEM)?)?;
    let token = objects.pop().context("no ApiToken")?;
    Ok((client, objects, token))
}

/// One of a crowd, whose Secret is filled by these texts.
fn large(token: &Value, number: usize, text: impl Fn(usize) -> String) -> Value {
    let mut token = token.clone();
    let name = format!("large-{number}");
    let texts = (0..TEXTS).map(|n| (format!("key-{n}"), json!(text(n))));
    token["metadata"]["name"] = json!(name);
    token["spec"]["token"]["lifetime"] = json!("9000d");
    token["spec"]["secret"] = json!({ "name": name, "data": texts.collect::<Value>() });
    token
}

#[tokio::test]
async fn a_crowd_of_the_largest_apitokens_fits_into_the_memory_that_the_chart_gives() -> Result<()>
{
    let mut cluster = Cluster::start().await?;
    let operator = cluster.operator().await?;
    cluster.delivered().await?;
    let before = most_memory(&operator)?;
    let (client, objects, token) = hostile(&cluster).await?;
    chart::create_all(&client, &objects, HOSTILE).await?;
    for number in 0..CROWD {
        let text = |n: usize| noise((number * TEXTS + n) as u64, 32_000);
        chart::create_all(&client, &[large(&token, number, text)], HOSTILE).await?;
    }
    let created = most_memory(&operator)?;
    operator.kill().await?;
    let streamed = begun_anew(&cluster).await?;
    // As servers before Kubernetes 1.34 have it.
    let flag = ["--feature-gates=WatchList=false"];
    cluster.control_plane.with_flags(&flag).await?;
    let in_pages = begun_anew(&cluster).await?;
    let all = [created, streamed, in_pages];
    let most = all.into_iter().max().unwrap_or_default();
    ensure!(
        most < before + MOST_KIB,
        "{before} KiB before, then {all:?}"
    );
    Ok(())
}

/// How many mints of one issuer are under way at once, and how long each of them waits.
const AT_ONCE: usize = 64;
const WAITS: Duration = Duration::from_secs(40);

/// A hostile tenant's namespace whose issuer takes its time for each mint; one of its ApiTokens.
async fn hanging(cluster: &Cluster) -> Result<(Client, Value)> {
    let (client, mut objects, token) = hostile(cluster).await?;
    for issuer in objects
        .iter_mut()
        .filter(|one| one["kind"] == "TokenIssuer")
    {
        issuer["spec"]["requestTimeout"] = json!("10m");
        issuer["spec"]["rate"] = json!({ "perMinute": 60_000, "concurrency": AT_ONCE });
    }
    chart::create_all(&client, &objects, HOSTILE).await?;
    let mints = json!({ "system": SYSTEM, "operation": "mint", "count": AT_ONCE });
    let late = json!({ "latency_ms": u64::try_from(WAITS.as_millis())? });
    cluster.sandbox.fault(&mints, &late).await?;
    Ok((client, token))
}

#[tokio::test]
async fn a_crowd_of_the_largest_apitokens_whose_issuer_hangs_fits_into_that_memory() -> Result<()> {
    let cluster = Cluster::start().await?;
    let operator = cluster.operator().await?;
    cluster.delivered().await?;
    let before = most_memory(&operator)?;
    let (client, token) = hanging(&cluster).await?;
    for number in 0..AT_ONCE {
        // What repeats itself takes no room where it is kept, and as much as all else where it is worked on.
        let text = |_| "x".repeat(32_000);
        chart::create_all(&client, &[large(&token, number, text)], HOSTILE).await?;
    }
    tokio::time::sleep(WAITS).await;
    let most = most_memory(&operator)?;
    ensure!(most < before + MOST_KIB, "{before} KiB before, then {most}");
    Ok(())
}

#[tokio::test]
async fn a_crowd_of_the_largest_secrets_over_which_tokens_of_such_an_issuer_come_fits_into_it()
-> Result<()> {
    let cluster = Cluster::start().await?;
    let operator = cluster.operator().await?;
    cluster.delivered().await?;
    let before = most_memory(&operator)?;
    let (client, token) = hanging(&cluster).await?;
    for number in 0..AT_ONCE {
        let name = format!("offered-{number}");
        let offered = json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": { "name": name, "annotations": { annotation::ALLOW_TAKEOVER_BY: name } },
            "stringData": { "large": noise(number as u64, 1_000_000) },
        });
        let mut token = token.clone();
        token["metadata"]["name"] = json!(name);
        token["spec"]["secret"] = json!({ "name": name, "keepPrevious": number % 2 == 0 });
        chart::create_all(&client, &[offered, token], HOSTILE).await?;
    }
    tokio::time::sleep(WAITS).await;
    let wait = cluster.sandbox.faults_met().await?;
    ensure!(wait > 40, "only {wait} of them wait for their issuer");
    let most = most_memory(&operator)?;
    ensure!(most < before + MOST_KIB, "{before} KiB before, then {most}");
    Ok(())
}

/// The most memory of an operator that begins and looks at all of them.
async fn begun_anew(cluster: &Cluster) -> Result<u64> {
    let operator = cluster.operator().await?;
    wait_for("the operator to be ready", PATIENCE, || async {
        // Until it says where it listens, the log has the address of the one before.
        let told = cluster.readyz().await.unwrap_or_default();
        Ok(told.starts_with("ready").then_some(()))
    })
    .await?;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let most = most_memory(&operator)?;
    operator.kill().await?;
    Ok(most)
}
