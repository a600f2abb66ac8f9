//! A real control plane without containers: etcd and kube-apiserver on free loopback ports.
//!
//! It has RBAC and admission, but no controllers unless a test starts some: owner references are inert,
//! and a namespace that is deleted stays `Terminating`. The ServiceAccount admission plugin is off, and nothing schedules.

mod audit;
mod authority;
mod controllers;
mod rewind;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ObjectMeta, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::OnceCell;

pub use self::audit::Request;
use self::audit::Stage;
use self::authority::Authority;
pub use self::controllers::Controllers;
pub use self::rewind::Snapshot;
use crate::component::{self, ATTEMPTS, Component, free_port, is_healthy, is_port_taken};
use crate::crypto;
use crate::tools::Tools;

/// The user and group of a cluster administrator.
const ADMIN: (&str, &[&str]) = ("tokenwright-admin", &["system:masters"]);

/// How often a component is asked whether it is ready: it takes about three seconds in all.
const POLL: Duration = Duration::from_millis(50);

/// Numbers the throw-away namespaces of this process.
static NAMESPACES: AtomicU32 = AtomicU32::new(1);

/// A running control plane; dropping it ends its processes and removes its folder.
///
/// # Guarantees
///
/// The processes also end, and the folder also goes, when the process that started them dies in
/// whatever way: each runs under a shell that waits for a pipe to close.
#[derive(Debug)]
pub struct ControlPlane {
    authority: Authority,
    address: String,
    audit_log: Option<PathBuf>,
    tools: Tools,
    etcd_port: u16,
    /// The flags of the API server.
    arguments: Vec<String>,
    // Dropped in this order: the API server before its store, and both before their folder.
    kube_apiserver: Component,
    etcd: Component,
    folder: TempDir,
}

/// How a control plane is to be started; made by [`ControlPlane::options`].
#[derive(Debug, Default, Clone)]
pub struct Options {
    audit: bool,
}

impl Options {
    /// Keeps a log of every request, with its user, verb and answer, but without bodies.
    #[must_use]
    pub fn with_audit_log(mut self) -> Self {
        self.audit = true;
        self
    }

    /// Starts the control plane and waits until it answers.
    ///
    /// # Errors
    ///
    /// When a component ends or does not get ready; the error carries the end of its log.
    pub async fn start(self, tools: &Tools) -> Result<ControlPlane> {
        crypto();
        let mut attempt = 1;
        loop {
            match self.start_once(tools).await {
                Err(error) if attempt < ATTEMPTS && is_port_taken(&error) => attempt += 1,
                outcome => return outcome,
            }
        }
    }

    async fn start_once(&self, tools: &Tools) -> Result<ControlPlane> {
        let folder = tempfile::Builder::new()
            .prefix("tokenwright-control-plane-")
            .tempdir()
            .context("cannot make a folder for the control plane")?;
        let authority = Authority::new()?;
        authority.write_to(folder.path())?;

        let client_port = free_port()?;
        let etcd = etcd(tools, folder.path(), client_port).await?;

        let port = free_port()?;
        let audit_log = self.audit.then(|| folder.path().join("audit.log"));
        let mut arguments = kube_apiserver_flags(folder.path(), client_port, port);
        if let Some(log) = &audit_log {
            arguments.extend(audit::flags(folder.path(), log)?);
        }
        let kube_apiserver = Component::start(
            "kube-apiserver",
            &tools.kube_apiserver,
            &arguments,
            folder.path(),
        )?;
        let control_plane = ControlPlane {
            authority,
            address: format!("https://127.0.0.1:{port}"),
            audit_log,
            tools: tools.clone(),
            etcd_port: client_port,
            arguments,
            kube_apiserver,
            etcd,
            folder,
        };
        control_plane.until_serving().await?;
        Ok(control_plane)
    }
}

/// Starts a store and waits until it answers.
async fn etcd(tools: &Tools, folder: &Path, client_port: u16) -> Result<Component> {
    let etcd = start_etcd(tools, folder, client_port)?;
    let health = format!("http://127.0.0.1:{client_port}/health");
    let http = component::http()?;
    etcd.until_ready(POLL, || is_healthy(&http, &health))
        .await?;
    Ok(etcd)
}

impl ControlPlane {
    /// Starts a control plane with everything at its default, and waits until it answers.
    ///
    /// # Errors
    ///
    /// As [`Options::start`].
    pub async fn start(tools: &Tools) -> Result<Self> {
        Self::options().start(tools).await
    }

    /// What can be chosen before the start.
    pub fn options() -> Options {
        Options::default()
    }

    /// One control plane for all tests of this process, started by the first that asks.
    ///
    /// For tests that keep to a [`namespace`](Self::namespace) of their own. It ends with the process.
    ///
    /// # Errors
    ///
    /// As [`Options::start`].
    pub async fn shared(tools: &Tools) -> Result<&'static Self> {
        static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();
        SHARED.get_or_try_init(|| Self::start(tools)).await
    }

    /// The API server's address, `https://127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A client that may do everything.
    ///
    /// # Errors
    ///
    /// When the client cannot be built.
    pub async fn admin(&self) -> Result<Client> {
        self.client_for(ADMIN.0, ADMIN.1).await
    }

    /// A client that is `user`, a member of `groups`, by client certificate.
    ///
    /// A ServiceAccount `NAME` in `NS` is the user `system:serviceaccount:NS:NAME` in the groups
    /// `system:serviceaccounts` and `system:serviceaccounts:NS`. Everybody is in
    /// `system:authenticated`, named or not.
    ///
    /// The client belongs to the runtime that calls this: a test makes its own.
    ///
    /// # Errors
    ///
    /// With more than two groups besides `system:authenticated`.
    pub async fn client_for(&self, user: &str, groups: &[&str]) -> Result<Client> {
        let config = self.config(user, groups).await?;
        Client::try_from(config).context("cannot make a client")
    }

    /// As [`client_for`](Self::client_for), before the client is made of it: for other timeouts and
    /// retries, or layers of one's own.
    ///
    /// # Errors
    ///
    /// As [`client_for`](Self::client_for).
    pub async fn config(&self, user: &str, groups: &[&str]) -> Result<Config> {
        crypto();
        let text = self.kubeconfig_text(user, groups)?;
        let kubeconfig = Kubeconfig::from_yaml(&text).context("cannot read our own kubeconfig")?;
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .context("cannot use our own kubeconfig")
    }

    /// Writes a kubeconfig with embedded certificates, for kubectl, helm or an operator process.
    ///
    /// It lies in the control plane's folder and goes with it.
    ///
    /// # Errors
    ///
    /// As [`client_for`](Self::client_for), or when it cannot be written.
    pub fn kubeconfig(&self, user: &str, groups: &[&str]) -> Result<PathBuf> {
        let name = user.replace([':', '/'], "-");
        let path = self.folder.path().join(format!("{name}.kubeconfig"));
        let text = self.kubeconfig_text(user, groups)?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// The kubeconfig of a cluster administrator.
    ///
    /// # Errors
    ///
    /// As [`kubeconfig`](Self::kubeconfig).
    pub fn admin_kubeconfig(&self) -> Result<PathBuf> {
        self.kubeconfig(ADMIN.0, ADMIN.1)
    }

    /// Makes a namespace that no other test of this process has.
    ///
    /// # Errors
    ///
    /// When the API server refuses it.
    pub async fn namespace(&self) -> Result<String> {
        let name = format!("test-{}", NAMESPACES.fetch_add(1, Ordering::Relaxed));
        let namespace = Namespace {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        };
        Api::<Namespace>::all(self.admin().await?)
            .create(&PostParams::default(), &namespace)
            .await
            .with_context(|| format!("cannot create the namespace {name}"))?;
        Ok(name)
    }

    /// The file of the audit log, one JSON event a line, if it was asked for.
    pub fn audit_log(&self) -> Option<&Path> {
        self.audit_log.as_deref()
    }

    /// Every answered request so far, in the order in which they were answered.
    ///
    /// # Errors
    ///
    /// Without [`Options::with_audit_log`], or when the log cannot be read.
    pub fn requests(&self) -> Result<Vec<Request>> {
        Ok(self.requests_from(0)?.0)
    }

    /// The requests that were answered since the log was read to this place, and the place to which it is
    /// read now.
    ///
    /// # Errors
    ///
    /// As [`requests`](Self::requests).
    pub fn requests_from(&self, place: u64) -> Result<(Vec<Request>, u64)> {
        self.logged(place, Stage::Answered)
    }

    /// Every request for Secrets that came in so far, answered or not.
    ///
    /// # Errors
    ///
    /// As [`requests`](Self::requests).
    pub fn requests_for_secrets(&self) -> Result<Vec<Request>> {
        Ok(self.logged(0, Stage::Received)?.0)
    }

    fn logged(&self, place: u64, stage: Stage) -> Result<(Vec<Request>, u64)> {
        let log = self
            .audit_log()
            .context("the control plane was started without an audit log")?;
        audit::read(log, place, stage)
    }

    async fn until_serving(&self) -> Result<()> {
        // The default client repeats refused requests for minutes; a probe must not.
        let mut config = self.config(ADMIN.0, ADMIN.1).await?;
        config.default_retry = false;
        let client = Client::try_from(config).context("cannot make a client")?;
        self.kube_apiserver
            .until_ready(POLL, || is_serving(&client))
            .await
    }

    fn kubeconfig_text(&self, user: &str, groups: &[&str]) -> Result<String> {
        let identity = self.authority.client(user, groups)?;
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{ "name": "test", "cluster": {
                "server": self.address,
                "certificate-authority-data": authority::base64(&self.authority.certificate),
            }}],
            "users": [{ "name": user, "user": {
                "client-certificate-data": authority::base64(&identity.certificate),
                "client-key-data": authority::base64(&identity.key),
            }}],
            "contexts": [{ "name": "test", "context": { "cluster": "test", "user": user } }],
        });
        // JSON is YAML.
        serde_json::to_string_pretty(&config).context("cannot write a kubeconfig")
    }
}

fn start_etcd(tools: &Tools, folder: &Path, client_port: u16) -> Result<Component> {
    let client = format!("http://127.0.0.1:{client_port}");
    let arguments = [
        format!("--data-dir={}", folder.join("etcd").display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls=http://127.0.0.1:{}", free_port()?),
        // The data is thrown away; waiting for the disk would be most of every write.
        "--unsafe-no-fsync=true".to_owned(),
    ];
    Component::start("etcd", &tools.etcd, &arguments, folder)
}

/// The flags of Kubernetes' own test harness.
fn kube_apiserver_flags(folder: &Path, etcd_port: u16, port: u16) -> Vec<String> {
    let file = |name: &str| folder.join(name).display().to_string();
    vec![
        format!("--etcd-servers=http://127.0.0.1:{etcd_port}"),
        format!("--cert-dir={}", file("generated")),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        format!("--tls-cert-file={}", file(authority::SERVING_CERTIFICATE)),
        format!("--tls-private-key-file={}", file(authority::SERVING_KEY)),
        format!("--client-ca-file={}", file(authority::CA_CERTIFICATE)),
        "--authorization-mode=RBAC".to_owned(),
        // Without a controller there is no account `default` that Pods could be given.
        "--disable-admission-plugins=ServiceAccount".to_owned(),
        "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
        "--allow-privileged=true".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!(
            "--service-account-key-file={}",
            file(authority::SERVICE_ACCOUNT_PUBLIC_KEY)
        ),
        format!(
            "--service-account-signing-key-file={}",
            file(authority::SERVICE_ACCOUNT_KEY)
        ),
    ]
}

/// Whether the API server is ready, and has made the namespace that everybody expects.
async fn is_serving(client: &Client) -> bool {
    let Ok(request) = http::Request::get("/readyz").body(Vec::new()) else {
        return false;
    };
    let ready = client.request_text(request).await.is_ok();
    let namespaces: Api<Namespace> = Api::all(client.clone());
    ready && matches!(namespaces.get_opt("default").await, Ok(Some(_)))
}
