//! The operator as a program in a company's network: behind a proxy, with a private certificate authority.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokenwright_testbed::chart;
use tokenwright_testbed::network::{Proxy, TlsFront};
use tokenwright_testbed::programs::{More, System};
use tokenwright_testbed::quickstart::{TEAM_NAMESPACE, example};

use super::cluster::{Cluster, root};

const SYSTEM: &str = "scaleway";

/// A name that only the company's proxy knows.
pub(crate) const NAME: &str = "tokens.company.test";

/// What the proxy is asked for then.
pub(crate) const TARGET: &str = "tokens.company.test:443";

/// A company's network: the issuer is reached through its proxy alone, with a certificate of its own authority.
pub(crate) struct Company {
    front: TlsFront,
    path: String,
}

impl Company {
    /// Stands before the issuer.
    pub(crate) async fn around(issuer: &System) -> Result<Self> {
        let endpoint = issuer.endpoint.trim_start_matches("http://");
        let (behind, path) = endpoint.split_once('/').unwrap_or((endpoint, ""));
        let behind: SocketAddr = behind.parse()?;
        Ok(Self {
            front: TlsFront::start(NAME, behind).await?,
            path: path.to_owned(),
        })
    }

    /// Another proxy, which has been asked for nothing yet.
    pub(crate) async fn proxy(&self) -> Result<Proxy> {
        let names = [(TARGET.to_owned(), self.front.address)];
        Proxy::start(BTreeMap::from(names)).await
    }

    /// Whom to trust, as PEM.
    pub(crate) fn authority(&self) -> &str {
        &self.front.authority
    }

    /// The quickstart with the issuer as the company knows it.
    pub(crate) fn example(&self, issuer: &System) -> Result<Vec<Value>> {
        let mut objects = example(&root(), issuer)?;
        for object in &mut objects {
            if object["kind"] == "TokenIssuer" {
                object["spec"]["endpoint"] = json!(format!("https://{NAME}/{}", self.path));
            }
        }
        Ok(objects)
    }
}

#[tokio::test]
async fn behind_a_proxy_and_a_private_authority_everything_is_reached_as_the_environment_says()
-> Result<()> {
    let cluster = Cluster::playing(SYSTEM).await?;
    let scaleway = cluster.sandbox.system(SYSTEM)?;
    let company = Company::around(scaleway).await?;
    let authority = cluster.folder.path().join("company.pem");
    std::fs::write(&authority, company.authority())?;

    // The API server stands inside of the network and is left out; then it does not.
    for no_proxy in ["127.0.0.1,localhost", "elsewhere.test"] {
        let proxy = company.proxy().await?;
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
        let mut documents = company.example(scaleway)?;
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
        ensure!(asked.iter().any(|asked| asked == TARGET), "{asked:?}");
        let others = asked.iter().any(|asked| asked != TARGET);
        ensure!(
            others != no_proxy.starts_with("127"),
            "with NO_PROXY={no_proxy} these were asked for: {asked:?}"
        );
    }
    ensure!(cluster.sandbox.ledger().await?.live(SYSTEM).is_empty());
    Ok(())
}
