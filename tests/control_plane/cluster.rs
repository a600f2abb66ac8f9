//! A cluster on a real kube-apiserver, with the operator as a process under exactly the permissions of the chart.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tokenwright_testbed::chart;
use tokenwright_testbed::control_plane::{ControlPlane, Request};
use tokenwright_testbed::programs::{More, OWN_NAMESPACE, Operator, Sandbox, host, wait_for};
use tokenwright_testbed::quickstart::{
    Delivered, SECRET, TEAM_NAMESPACE, TOKEN, Team, example, namespaces,
};
use tokenwright_testbed::tools::Tools;

pub(crate) const SYSTEM: &str = "scaleway";

/// Whether an argument of the chart says where an operator listens: those of other tests do, too.
pub(crate) fn listens(argument: &str) -> bool {
    let names = ["--listen", "--metrics-bind-address"];
    names.iter().any(|name| argument.starts_with(name))
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A cluster with the chart's CRDs and permissions, a sandbox, and the operator's kubeconfig.
pub(crate) struct Cluster {
    pub(crate) control_plane: ControlPlane,
    pub(crate) sandbox: Sandbox,
    pub(crate) team: Team,
    pub(crate) kubeconfig: PathBuf,
    user: String,
    pub(crate) folder: TempDir,
    system: &'static str,
}

impl Cluster {
    pub(crate) async fn start() -> Result<Self> {
        Self::playing(SYSTEM).await
    }

    pub(crate) async fn playing(system: &'static str) -> Result<Self> {
        Self::arranged(system, &[]).await
    }

    /// The same with values for the chart.
    pub(crate) async fn arranged(system: &'static str, values: &[&str]) -> Result<Self> {
        Self::changed(system, values, |_| Ok(())).await
    }

    /// The same with another chart than that of this tree.
    pub(crate) async fn changed(
        system: &'static str,
        values: &[&str],
        change: impl Fn(&mut Value) -> Result<()>,
    ) -> Result<Self> {
        let tools = Tools::find()?;
        let control_plane = ControlPlane::options()
            .with_audit_log()
            .start(&tools)
            .await?;
        let client = control_plane.admin().await?;
        namespaces(&client).await?;
        let mut documents = chart::render(&root(), OWN_NAMESPACE, values)?;
        documents.iter_mut().try_for_each(change)?;
        chart::install_without_deployment(&client, &documents, OWN_NAMESPACE).await?;
        let (user, groups) = chart::service_account(&documents, OWN_NAMESPACE)?;
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        Ok(Self {
            kubeconfig: control_plane.kubeconfig(&user, &groups)?,
            sandbox: Sandbox::start(&[system]).await?,
            team: Team::new(client),
            control_plane,
            user,
            folder: tempfile::tempdir()?,
            system,
        })
    }

    pub(crate) async fn operator(&self) -> Result<Operator> {
        self.replica("operator").await
    }

    /// Applies the quickstart, and waits until its token is delivered and all is well.
    pub(crate) async fn delivered(&self) -> Result<Delivered> {
        self.delivered_after(|_| {}).await
    }

    /// The same after a change to each of its documents.
    pub(crate) async fn delivered_after(&self, change: impl Fn(&mut Value)) -> Result<Delivered> {
        let client = self.control_plane.admin().await?;
        let mut documents = example(&root(), self.sandbox.system(SYSTEM)?)?;
        documents.iter_mut().for_each(change);
        chart::create_all(&client, &documents, TEAM_NAMESPACE).await?;
        let held = self.team.secret_after(None).await?;
        self.team.ready().await?;
        Ok(held)
    }

    /// That no token is left at the issuer.
    pub(crate) async fn nothing_lives(&self) -> Result<()> {
        let ledger = self.sandbox.ledger().await?;
        ensure!(
            ledger.live(SYSTEM).is_empty(),
            "tokens live on: {ledger:#?}"
        );
        Ok(())
    }

    /// One of several operators, which share the Lease.
    pub(crate) async fn replica(&self, name: &str) -> Result<Operator> {
        self.launch(name, More::default()).await
    }

    /// The same with more.
    pub(crate) async fn launch(&self, name: &str, more: More) -> Result<Operator> {
        let host = host(&self.sandbox.system(self.system)?.endpoint);
        let log = self.folder.path().join("log");
        Operator::start_with(name, &self.kubeconfig, host, &log, more).await
    }

    /// What the operator logged.
    pub(crate) fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.folder.path().join("log"))?)
    }

    /// Waits until the operator logs this text.
    pub(crate) async fn logged(&self, text: &str) -> Result<()> {
        let patience = Duration::from_secs(20);
        let look = || async { Ok(self.log()?.contains(text).then_some(())) };
        let found = wait_for(&format!("the log to say {text:?}"), patience, look).await;
        found.with_context(|| self.log().unwrap_or_default())
    }

    /// What the operator answers to whoever asks how it is.
    pub(crate) async fn readyz(&self) -> Result<String> {
        self.served("readyz").await
    }

    /// Where it answers whoever asks how it is.
    pub(crate) async fn address(&self) -> Result<String> {
        self.logged("health checks are answered").await?;
        let log = self.log()?;
        let lines = log.lines().rev();
        let mut lines = lines.filter(|line| line.contains("health checks are answered"));
        let line: Value = serde_json::from_str(lines.next().unwrap_or_default())?;
        let address = line["fields"]["address"].as_str().context("no address")?;
        Ok(address.to_owned())
    }

    /// What it serves at this path.
    pub(crate) async fn served(&self, path: &str) -> Result<String> {
        let address = self.address().await?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let answer = http.get(format!("http://{address}/{path}")).send().await?;
        Ok(answer.text().await?)
    }

    /// What the operator asked of the API server.
    pub(crate) fn requests(&self) -> Result<Vec<Request>> {
        let mut requests = self.control_plane.requests()?;
        requests.retain(|request| request.user == self.user);
        Ok(requests)
    }

    /// Writes to the ApiToken and its Secret that changed something, events apart.
    pub(crate) fn writes(&self) -> Result<Vec<Request>> {
        let mut writes = self.requests()?;
        writes.retain(|request| {
            let changes = ["create", "update", "patch", "delete"].contains(&request.verb.as_str());
            let object = (request.resource == "apitokens" && request.name == TOKEN)
                || (request.resource == "secrets" && [SECRET, ""].contains(&request.name.as_str()));
            let of_team = request.namespace == TEAM_NAMESPACE;
            changes && object && of_team && !request.uri.contains("dryRun")
        });
        Ok(writes)
    }
}
