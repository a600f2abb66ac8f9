//! `tokenwright-operator check`: whether an installation works, asked with the operator's own permissions.
//!
//! The chart's test runs it in a pod of its own; a person may run it from anywhere.

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::ListParams;
use kube::{Api, Client};
use tokenwright_api::{ApiToken, TokenIssuer};
use tokenwright_operator::Options;
use tokio::time::{Instant, sleep};

/// How often the Lease is looked at meanwhile.
const LOOK: Duration = Duration::from_secs(1);

/// Says what works, a line each, and ends with the first that does not.
pub(crate) async fn run(client: Client, options: &Options, wait: u64) -> Result<()> {
    match options.watch_namespaces.as_slice() {
        [] => readable(Api::all(client.clone()), Api::all(client.clone())).await?,
        namespaces => {
            for name in namespaces {
                let tokens = Api::namespaced(client.clone(), name);
                let issuers = Api::namespaced(client.clone(), name);
                readable(tokens, issuers)
                    .await
                    .with_context(|| format!("in namespace {name}"))?;
            }
        }
    }
    say("the kinds are installed and can be read");
    if let Some(name) = &options.lease {
        let leases: Api<Lease> = Api::namespaced(client, &options.namespace);
        let holder = renewed(&leases, name, Duration::from_secs(wait)).await?;
        say(&format!(
            "the replica {holder} works: it renews the Lease {name}"
        ));
    }
    Ok(())
}

async fn readable(tokens: Api<ApiToken>, issuers: Api<TokenIssuer>) -> Result<()> {
    let one = ListParams::default().limit(1);
    tokens.list(&one).await.context("cannot list ApiTokens")?;
    issuers
        .list(&one)
        .await
        .context("cannot list TokenIssuers")?;
    Ok(())
}

/// The holder of the Lease, once it was seen to write it. No clock but our own is asked.
async fn renewed(leases: &Api<Lease>, name: &str, patience: Duration) -> Result<String> {
    let until = Instant::now() + patience;
    let mut first = None;
    loop {
        let lease = leases
            .get_opt(name)
            .await
            .with_context(|| format!("cannot read the Lease {name}"))?;
        let (version, holder) = match lease {
            Some(lease) => (
                lease.metadata.resource_version,
                lease.spec.and_then(|spec| spec.holder_identity),
            ),
            None => (None, None),
        };
        let first = first.get_or_insert_with(|| version.clone());
        match holder {
            Some(holder) if !holder.is_empty() && *first != version => return Ok(holder),
            _ if Instant::now() >= until => bail!(
                "no replica has renewed the Lease {name} for {} s: look at the operator's log",
                patience.as_secs()
            ),
            _ => sleep(LOOK).await,
        }
    }
}

fn say(line: &str) {
    // Nobody has to listen.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
