//! The operator as a program in a company's network: behind a proxy, with a private certificate authority.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokenwright_testbed::chart;
use tokenwright_testbed::network::{Proxy, TlsFront};
use tokenwright_testbed::programs::More;
use tokenwright_testbed::quickstart::{TEAM_NAMESPACE, example};

use super::cluster::{Cluster, root};

const SYSTEM: &str = "scaleway";

/// A name that only the company's proxy knows.
const NAME: &str = "tokens.company.test";

#[tokio::test]
async fn behind_a_proxy_and_a_private_authority_everything_is_reached_as_the_environment_says()
-> Result<()> {
    let cluster = Cluster::playing(SYSTEM).await?;
    let scaleway = cluster.sandbox.system(SYSTEM)?;
    let endpoint = scaleway.endpoint.trim_start_matches("http://");
    let (behind, path) = endpoint.split_once('/').unwrap_or((endpoint, ""));
    let behind: SocketAddr = behind.parse()?;
    let front = TlsFront::start(NAME, behind).await?;
    let authority = cluster.folder.path().join("company.pem");
    std::fs::write(&authority, &front.authority)?;
    let target = format!("{NAME}:443");
    let names = BTreeMap::from([(target.clone(), front.address)]);

    // The API server stands inside of the network and is left out; then it does not.
    for no_proxy in ["127.0.0.1,localhost", "elsewhere.test"] {
        let proxy = Proxy::start(names.clone()).await?;
        let environment = [
            ("HTTPS_PROXY", proxy.url.as_str()),
            ("NO_PROXY", no_proxy),
            ("SSL_CERT_FILE", authority.to_str().context("no path")?),
        ];
        let owned = |(name, text): (&str, &str)| (name.to_owned(), text.to_owned());
        let more = More {
            arguments: vec![format!("--allow-host={NAME}")],
            environment: environment.into_iter().map(owned).collect(),
            ..More::default()
        };
        let operator = cluster.launch("operator", more).await?;
        let client = cluster.control_plane.admin().await?;
        let mut documents = example(&root(), scaleway)?;
        for document in &mut documents {
            if document["kind"] == "TokenIssuer" {
                document["spec"]["endpoint"] = json!(format!("https://{NAME}/{path}"));
            }
        }
        if cluster.team.secret().await?.is_none() && proxy.asked().is_empty() {
            // Its Secret and issuer stay for the second round.
            documents
                .retain(|document| no_proxy.starts_with("127") || document["kind"] == "ApiToken");
            chart::create_all(&client, &documents, TEAM_NAMESPACE).await?;
        }
        let held = cluster.team.secret_after(None).await;
        let held = held.with_context(|| cluster.log().unwrap_or_default())?;
        ensure!(cluster.sandbox.authenticates(scaleway, &held.value).await?);
        cluster.logged(&format!("proxy {}", proxy.url)).await?;
        cluster.team.delete().await?;
        operator.kill().await?;
        let asked = proxy.asked();
        ensure!(asked.contains(&target), "{asked:?}");
        let others = asked.iter().any(|asked| *asked != target);
        ensure!(
            others != no_proxy.starts_with("127"),
            "with NO_PROXY={no_proxy} these were asked for: {asked:?}"
        );
    }
    ensure!(cluster.sandbox.ledger().await?.live(SYSTEM).is_empty());
    Ok(())
}
