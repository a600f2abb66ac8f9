//! The operator's image on a real API server, with what a kubelet brings into a pod and nothing else.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use kube::api::PostParams;
use kube::config::Kubeconfig;
use tokenwright_testbed::chart::{self, RELEASE};
use tokenwright_testbed::programs::OWN_NAMESPACE;
use tokenwright_testbed::quickstart::TEAM_NAMESPACE;
use tokio::process::Command;

use super::cluster::{Cluster, SYSTEM, listens, root};
use super::network::{Company, NAME};
use crate::container::{Container, as_entering};

/// Longer than an operator takes to give up its Lease.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where a pod finds who it is.
const ACCOUNT: &str = "var/run/secrets/kubernetes.io/serviceaccount";

/// Puts into the container what a kubelet mounts there: the ServiceAccount's token, and whom to trust.
async fn mount_account(cluster: &Cluster, container: &Container) -> Result<()> {
    let client = cluster.control_plane.admin().await?;
    let accounts: Api<ServiceAccount> = Api::namespaced(client, OWN_NAMESPACE);
    let post = PostParams::default();
    let request = TokenRequest::default();
    let granted = accounts
        .create_token_request(RELEASE, &post, &request)
        .await?;
    let token = granted.status.context("no token")?.token;
    let trusted = Kubeconfig::read_from(cluster.control_plane.admin_kubeconfig()?)?;
    let trusted = trusted
        .clusters
        .into_iter()
        .next()
        .and_then(|named| named.cluster);
    let trusted = trusted.and_then(|cluster| cluster.certificate_authority_data);
    let trusted = STANDARD.decode(trusted.context("no authority")?)?;
    let folder = container.root.path().join(ACCOUNT);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("token"), token)?;
    fs::write(folder.join("ca.crt"), trusted)?;
    fs::write(folder.join("namespace"), OWN_NAMESPACE)?;
    Ok(())
}

#[tokio::test]
async fn the_image_delivers_a_token_and_ends_well_as_its_own_user_where_nothing_can_be_written()
-> Result<()> {
    let cluster = Cluster::start().await?;
    let container = Container::unpacked();
    mount_account(&cluster, &container).await?;
    let scaleway = cluster.sandbox.system(SYSTEM)?;
    let company = Company::around(scaleway).await?;
    let proxy = company.proxy().await?;
    // The image's own authorities know nothing of the company's.
    fs::write(
        container.root.path().join("company.pem"),
        company.authority(),
    )?;
    let documents = chart::render(&root(), OWN_NAMESPACE, &[])?;
    let deployment = documents
        .iter()
        .find(|document| document["kind"] == "Deployment");
    let pod = &deployment.context("no Deployment")?["spec"]["template"]["spec"];
    let arguments = pod["containers"][0]["args"]
        .as_array()
        .context("no arguments")?;
    let mut arguments: Vec<_> = arguments.iter().filter_map(|it| it.as_str()).collect();
    arguments.retain(|argument| !listens(argument));
    let address = cluster
        .control_plane
        .address()
        .trim_start_matches("https://");
    let (at, port) = address.split_once(':').context("no port")?;
    let log = fs::File::create(cluster.folder.path().join("log"))?;
    let mut operator = Command::from(container.command())
        .args(arguments)
        .arg("--listen=127.0.0.1:0")
        .args(["--allow-host", NAME])
        .envs([
            ("KUBERNETES_SERVICE_HOST", at),
            ("KUBERNETES_SERVICE_PORT", port),
            ("POD_NAMESPACE", OWN_NAMESPACE),
            ("POD_NAME", "of-the-image"),
            ("RUST_LOG", "info"),
            ("HTTPS_PROXY", &proxy.url),
            ("NO_PROXY", at),
            ("SSL_CERT_FILE", "/company.pem"),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .context("cannot start the image")?;

    let said = || cluster.log().unwrap_or_default();
    let client = cluster.control_plane.admin().await?;
    chart::create_all(&client, &company.example(scaleway)?, TEAM_NAMESPACE).await?;
    let held = cluster.team.secret_after(None).await.with_context(said)?;
    cluster.team.ready().await.with_context(said)?;
    ensure!(cluster.sandbox.authenticates(scaleway, &held.value).await?);
    cluster.team.delete().await.with_context(said)?;
    cluster.nothing_lives().await?;
    let id = operator.id().context("it has ended")?.to_string();
    let mut kill = Command::from(as_entering("kill"));
    kill.args(["-TERM", &id]).status().await?;
    let ended = tokio::time::timeout(PATIENCE, operator.wait()).await;
    let ended = ended.context("it does not end")??;
    ensure!(ended.success(), "{ended}: {}", said());
    Ok(())
}
