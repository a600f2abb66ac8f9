//! The operator as a program: the command line, the clients, the health endpoint and the signals.

mod check;
mod telemetry;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;
use kube::{Client, Config};
use tokenwright_client::Clock;
use tokenwright_client::http::Proxies;
use tokenwright_client::room;
use tokenwright_operator::health::{self, Health};
use tokenwright_operator::options::{Command, CommandLine};
use tokenwright_operator::{Clients, Options, Profiles, crds, run, served};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use crate::telemetry::Telemetry;

/// The allocators of the C libraries keep what a storm of rotations took, and that of musl, with which the
/// image is linked, is slow where several threads use it. How this one is built, `.cargo/config.toml` says.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A connection that takes longer will not come.
const CONNECT: Duration = Duration::from_secs(5);

/// One thread has all the work: it waits for answers most of its time, and two of them would wake each other
/// for every one. What may take long, such as the texts of tenants, has threads of its own.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let line = CommandLine::parse();
    match line.command {
        Some(Command::Crd) => Ok(crds::print()?),
        Some(Command::Check { wait }) => {
            let _chosen = rustls::crypto::ring::default_provider().install_default();
            check::run(clients().await?.calls, &line.options, wait).await
        }
        None => operate(line.options).await,
    }
}

async fn operate(options: Options) -> anyhow::Result<()> {
    // An error means that a provider is chosen already.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    let telemetry = Telemetry::begin();
    if let Some(memory) = options.memory_limit {
        room::within(memory);
    }
    let clients = clients().await?;
    let health = Health::default();
    let listener = health::listen(options.listen)
        .await
        .with_context(|| format!("listening on {} for health checks", options.listen))?;
    tracing::info!(address = %listener.local_addr()?, "health checks are answered");
    let mut servers = JoinSet::new();
    let mut router = health.router();
    match options.metrics_bind_address {
        None => router = router.merge(health.metrics()),
        Some(at) => {
            let listener = health::listen(at).await;
            let listener = listener.with_context(|| format!("listening on {at} for metrics"))?;
            tracing::info!(address = %listener.local_addr()?, "metrics are served");
            servers.spawn(served::serve(listener, health.metrics()));
        }
    }
    servers.spawn(served::serve(listener, router));
    let (mut term, mut int) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let shutdown = async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    };
    let result = run(
        clients,
        options,
        Arc::new(Profiles),
        (Clock::system(), health),
        shutdown,
    )
    .await;
    servers.abort_all();
    telemetry.end().await;
    Ok(result?)
}

async fn clients() -> anyhow::Result<Clients> {
    let mut config = Config::infer().await.context("finding the API server")?;
    config.connect_timeout = Some(CONNECT);
    let proxies = Proxies::from_env();
    tracing::info!(network = %proxies, "issuers are reached");
    if let Err(error) = proxies.usable() {
        tracing::error!(%error, "issuers cannot be reached");
    }
    through_proxy(&mut config, &proxies);
    let watches = Client::try_from(config.clone()).context("making the client for watches")?;
    // A call that is tried again by itself for minutes would hide what the operator must know.
    config.default_retry = false;
    let calls = Client::try_from(config).context("making the client for calls")?;
    Ok(Clients { watches, calls })
}

/// The API server is reached as everything else is: kube takes the proxy from the environment, and with it
/// must leave out what is to be left out. A proxy that a kubeconfig names stays.
fn through_proxy(config: &mut Config, proxies: &Proxies) {
    let of_env = ["HTTPS_PROXY", "https_proxy"].iter().any(|name| {
        let proxy = std::env::var(name).ok().and_then(|text| text.parse().ok());
        proxy.is_some() && proxy == config.proxy_url
    });
    if of_env && !proxies.covers(&config.cluster_url) {
        config.proxy_url = None;
    }
    let proxy = config.proxy_url.as_ref().and_then(|proxy| proxy.host());
    let authorities = match config.root_cert {
        Some(_) => "of the kubeconfig or the ServiceAccount",
        None => "of the system",
    };
    tracing::info!(
        address = %config.cluster_url,
        proxy = proxy.unwrap_or("none"),
        authorities,
        "the API server is reached"
    );
}
