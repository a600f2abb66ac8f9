//! The conformance suite on the in-memory API, directly and over its loopback listener; on a real
//! kube-apiserver it runs in the workspace's end-to-end tests.

use anyhow::Result;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokenwright_testbed::conformance;
use tokenwright_testbed::memory::Memory;

#[tokio::test]
async fn the_in_memory_api_conforms() -> Result<()> {
    let checked = conformance::run(Memory::new().client("test")).await?;
    assert_eq!(checked, conformance::all().len());
    Ok(())
}

#[tokio::test]
async fn the_in_memory_api_conforms_over_http() -> Result<()> {
    let memory = Memory::new();
    let listener = memory.serve().await?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("kubeconfig");
    listener.kubeconfig(&path, "child")?;
    let config = Config::from_custom_kubeconfig(
        Kubeconfig::read_from(&path)?,
        &KubeConfigOptions::default(),
    )
    .await?;
    conformance::run(Client::try_from(config)?).await?;
    let requests = memory.requests();
    assert!(requests.iter().all(|record| record.seen.who == "child"));
    assert!(!requests.is_empty());
    Ok(())
}
