//! The pages of a newcomer who has a cluster, followed to the letter.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;
use tempfile::NamedTempFile;
use tokenwright_api::names::annotation;
use tokenwright_testbed::chart::{self, RELEASE};
use tokenwright_testbed::control_plane::ControlPlane;
use tokenwright_testbed::newcomer::Newcomer;
use tokenwright_testbed::programs::{LOOK, OWN_NAMESPACE, Operator, Sandbox, host, wait_for};
use tokenwright_testbed::quickstart::{Delivered, TEAM_NAMESPACE, TOKEN, Team, example, namespace};
use tokenwright_testbed::tools::{Tools, product_binary};
use tokio::process::Command;
use tokio::task::JoinHandle;
use xtask::guide::{Took, When};

use super::cluster::{listens, root};
use super::installed::deployment;
use super::kinds::the_kinds_are_of_today;
use super::older::{self, NUMBERS, OF_BEFORE};

/// Of the blocks that need a cluster, so many must have been acted on.
fn on_cluster(took: &[Took], least: usize) -> Result<()> {
    let on_cluster = took.iter().filter(|took| took.block.when == When::Cluster);
    let acted = on_cluster.filter(|took| took.time.is_some()).count();
    ensure!(acted >= least, "{took:#?}");
    Ok(())
}

/// Follows a page that installs the operator with helm. Nothing runs pods here: the operator waits beside the
/// cluster for what helm installs.
async fn beside(
    control_plane: &ControlPlane,
    issuer: &str,
    follow: impl FnOnce() -> Result<Vec<Took>> + Send + 'static,
) -> Result<Vec<Took>> {
    let client = control_plane.admin().await?;
    let followed = tokio::task::spawn_blocking(follow);
    let installed = wait_for("helm to install", Duration::from_secs(60), || async {
        let api: Api<Deployment> = Api::namespaced(client.clone(), OWN_NAMESPACE);
        Ok(api.get_opt(RELEASE).await?)
    });
    installed.await?;
    let host = host(issuer);
    let log = tempfile::NamedTempFile::new()?;
    let kubeconfig = control_plane.admin_kubeconfig()?;
    let operator = Operator::start("beside", &kubeconfig, host, log.path()).await?;
    let took = followed.await?;
    let took = took.with_context(|| std::fs::read_to_string(log.path()).unwrap_or_default())?;
    operator.kill().await?;
    Ok(took)
}

#[tokio::test]
async fn both_quick_starts_can_be_followed_to_the_letter() -> Result<()> {
    let control_plane = ControlPlane::start(&Tools::find()?).await?;
    let newcomer = Newcomer::new(&root())?.with_cluster(control_plane.admin_kubeconfig()?);
    let followed = tokio::task::spawn_blocking(move || newcomer.follow("README.md"));
    on_cluster(&followed.await??, 4)
}

#[tokio::test]
async fn the_guide_to_a_first_token_on_a_cluster_can_be_followed_to_the_letter() -> Result<()> {
    let control_plane = ControlPlane::start(&Tools::find()?).await?;
    let kubeconfig = control_plane.admin_kubeconfig()?;
    let sandbox = Sandbox::start(&["seeme"]).await?;
    let seeme = sandbox.system("seeme")?;
    let newcomer = Newcomer::new(&root())?
        // The issuer is where the sandbox plays it.
        .with_cluster(kubeconfig)
        .with_account("SEEME_API_KEY", &seeme.credential)
        // A day of the sandbox lasts a second, and the schedule is read by the clock.
        .where_stands("lifetime: 90d", "lifetime: 9000d")
        .where_stands("renewBefore: 30d", "renewBefore: 10m")
        .where_stands(
            "profile: seeme\n",
            format!("profile: seeme\n  endpoint: {}\n", seeme.endpoint),
        );
    let took = beside(&control_plane, &seeme.endpoint, move || {
        newcomer.follow("docs/guides/first-token-cluster.md")
    });
    on_cluster(&took.await?, 6)?;
    let ledger = sandbox.ledger().await?;
    ensure!(ledger.minted("seeme") == 2 && ledger.live("seeme").is_empty());
    Ok(())
}

#[tokio::test]
async fn the_guide_to_everything_an_apitoken_can_can_be_followed_to_the_letter() -> Result<()> {
    let control_plane = ControlPlane::start(&Tools::find()?).await?;
    let sandbox = Sandbox::start(&["scaleway"]).await?;
    let scaleway = sandbox.system("scaleway")?;
    let application = scaleway.parameters.get("application_id");
    let application = application.context("the sandbox names an application")?;
    let newcomer = Newcomer::new(&root())?
        .with_cluster(control_plane.admin_kubeconfig()?)
        // What a person made at a system without an API for keys.
        .with_account("SEENODE_KEY", "a-key-of-seenode")
        .where_stands(
            "secret_key: \"…\"",
            format!("secret_key: {}", scaleway.credential),
        )
        .where_stands("7f3c0a52-0000-0000-0000-000000000000", application.as_str())
        .where_stands("lifetime: 90d", "lifetime: 9000d")
        .where_stands("renewBefore: 30d", "renewBefore: 10m")
        .where_stands(
            "profile: scaleway\n",
            format!("profile: scaleway\n  endpoint: {}\n", scaleway.endpoint),
        );
    let took = beside(&control_plane, &scaleway.endpoint, move || {
        newcomer.follow("docs/guides/kubernetes.md")
    });
    on_cluster(&took.await?, 7)?;
    let ledger = sandbox.ledger().await?;
    ensure!(ledger.minted("scaleway") >= 1 && ledger.live("scaleway").is_empty());
    Ok(())
}

/// How long the chart lets a pod end by itself.
const GRACE: Duration = Duration::from_secs(60);

/// What a node does: it runs what the Deployment asks for, and starts it anew where that changes.
struct Node {
    client: Client,
    kubeconfig: PathBuf,
    host: String,
    log: PathBuf,
}

impl Node {
    /// One that gives the operator the permissions that were installed for it, and no others.
    async fn beside(control_plane: &ControlPlane, issuer: &str, log: &Path) -> Result<Self> {
        let account = format!("system:serviceaccount:{OWN_NAMESPACE}:{RELEASE}");
        let group = format!("system:serviceaccounts:{OWN_NAMESPACE}");
        let host = host(issuer);
        Ok(Self {
            client: control_plane.admin().await?,
            kubeconfig: control_plane.kubeconfig(&account, &["system:serviceaccounts", &group])?,
            host: host.to_owned(),
            log: log.to_owned(),
        })
    }

    /// The template's arguments and its version; nothing while nothing is installed. The address is that of a pod,
    /// and what only the version before knows this program does not.
    async fn asked(&self) -> Result<Option<(Vec<String>, Option<String>)>> {
        let api: Api<Deployment> = Api::namespaced(self.client.clone(), OWN_NAMESPACE);
        let deployment = api.get_opt(RELEASE).await?.and_then(|found| found.spec);
        let Some(template) = deployment.map(|spec| spec.template) else {
            return Ok(None);
        };
        let labels = template.metadata.and_then(|metadata| metadata.labels);
        let version = labels.and_then(|mut labels| labels.remove("app.kubernetes.io/version"));
        let containers = template.spec.map(|pod| pod.containers).unwrap_or_default();
        let arguments = containers.into_iter().next().and_then(|it| it.args);
        Ok(arguments.map(|mut arguments| {
            let here = |argument: &str| !listens(argument) && argument != OF_BEFORE;
            arguments.retain(|argument| here(argument));
            (arguments, version)
        }))
    }

    async fn runs(self) -> Result<()> {
        let mut running: Option<(_, Operator)> = None;
        loop {
            if let Some(asked) = self.asked().await?
                && running.as_ref().is_none_or(|(runs, _)| *runs != asked)
            {
                if let Some((_, former)) = running.take() {
                    former.signal("TERM").await?;
                    ensure!(former.ended(GRACE).await?, "it does not end well");
                }
                let mut command = Command::new(product_binary("tokenwright-operator")?);
                command
                    .args(&asked.0)
                    .args(["--listen", "127.0.0.1:0", "--namespace", OWN_NAMESPACE])
                    .args(["--instance", "beside", "--allow-host", &self.host])
                    .env("KUBECONFIG", &self.kubeconfig)
                    .envs(chart::ENVIRONMENT)
                    .env("RUST_LOG", "info");
                running = Some((asked, Operator::spawn(&mut command, &self.log)?));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// The operator has the permissions of the chart and no others.
///
/// What is installed first is the chart of a version before, with kinds that lack what this one has; the program
/// is of this version already: an older one would have to be compiled in each run. `cargo xtask test --older
/// REVISION` compiles one, and upgrades from it with its kinds.
#[tokio::test]
async fn the_guide_of_a_platform_team_can_be_followed_to_the_letter() -> Result<()> {
    let control_plane = ControlPlane::start(&Tools::find()?).await?;
    let sandbox = Sandbox::in_earnest(&["scaleway"]).await?;
    let scaleway = sandbox.system("scaleway")?;
    let application = scaleway
        .parameters
        .get("application_id")
        .context("the sandbox names no application")?;
    let log = tempfile::NamedTempFile::new()?;
    let node = Node::beside(&control_plane, &scaleway.endpoint, log.path()).await?;
    let node = tokio::spawn(node.runs());
    let [this, before] = NUMBERS;
    let newcomer = Newcomer::new(&root())?
        .with_cluster(control_plane.admin_kubeconfig()?)
        .with_account("SCW_SECRET_KEY", &scaleway.credential)
        .where_stands(
            "helm install tokenwright charts/tokenwright",
            "helm install tokenwright older",
        )
        // The upgrade came from the version before. Of the cluster that is restored, neither the release nor its
        // Deployment came back.
        .where_stands(
            "helm upgrade --install tokenwright",
            format!(
                "helm history {RELEASE} --namespace {OWN_NAMESPACE} | grep -F {RELEASE}-{before}\n\
                 helm history {RELEASE} --namespace {OWN_NAMESPACE} | grep -F {RELEASE}-{this}\n\
                 kubectl delete secret --namespace {OWN_NAMESPACE} --selector owner=helm\n\
                 kubectl delete deployment {RELEASE} --namespace {OWN_NAMESPACE}\n\
                 helm upgrade --install tokenwright"
            ),
        )
        .where_stands("11111111-1111-1111-1111-111111111111", application)
        .where_stands(
            "profile: scaleway\n",
            format!("profile: scaleway\n  endpoint: {}\n", scaleway.endpoint),
        );
    older::chart(&newcomer.checkout().join("older"))?;
    let followed =
        tokio::task::spawn_blocking(move || newcomer.follow("docs/guides/platform.md")).await?;
    let took = followed.with_context(|| std::fs::read_to_string(log.path()).unwrap_or_default())?;
    on_cluster(&took, 13)?;
    node.abort();
    the_kinds_are_of_today(&control_plane).await?;
    let ledger = sandbox.ledger().await?;
    ensure!(
        ledger.minted("scaleway") == 2 && ledger.live("scaleway").is_empty(),
        "{ledger:#?}"
    );
    Ok(())
}

/// Where the guide takes the base from, up to the number of the version.
const REMOTE_BASE: &str = "https://github.com/tokenwright/tokenwright//deploy/kustomize?ref=v";

/// Nothing is upgraded before there is something to lose.
const ONCE_DELIVERED: &str =
    "until kubectl get secret ci-token --namespace team-a; do sleep 0.2; done\nsed -i";

/// An installation by Kustomize with a token in it, and the operator that runs as its Deployment says.
pub(crate) struct Kustomized {
    sandbox: Sandbox,
    team: Team,
    held: Delivered,
    node: JoinHandle<Result<()>>,
    log: NamedTempFile,
}

impl Kustomized {
    /// Follows the guide to Kustomize from the base of the version before to that of this one, at the end of
    /// which the operator only observes. The token of before works all the time.
    pub(crate) async fn upgraded(control_plane: &ControlPlane) -> Result<Self> {
        let sandbox = Sandbox::in_earnest(&["scaleway"]).await?;
        let scaleway = sandbox.system("scaleway")?;
        let log = NamedTempFile::new()?;
        let node = Node::beside(control_plane, &scaleway.endpoint, log.path()).await?;
        let client = node.client.clone();
        let node = tokio::spawn(node.runs());
        let newcomer = Newcomer::new(&root())?
            .with_cluster(control_plane.admin_kubeconfig()?)
            .where_stands("sed -i", ONCE_DELIVERED)
            .where_stands(REMOTE_BASE, "../base-");
        let checkout = newcomer.checkout();
        older::base(&checkout.join("base-0.1.0"))?;
        symlink(root().join("deploy/kustomize"), checkout.join("base-0.2.0"))?;
        let follow = move || newcomer.follow("docs/guides/kustomize.md");
        let follow = tokio::task::spawn_blocking(follow);

        namespace(&client, TEAM_NAMESPACE).await?;
        let mut wishes = example(&root(), scaleway)?;
        let token = wishes.last_mut().context("no ApiToken")?;
        token["spec"]["token"]["lifetime"] = json!("90d");
        token["spec"]["rotation"]["renewBefore"] = json!("30d");
        chart::create_all(&client, &wishes, TEAM_NAMESPACE).await?;
        let team = Team::new(client);
        let said = || std::fs::read_to_string(log.path()).unwrap_or_default();
        let held = team.secret_after(None).await.with_context(said)?;
        let works = async {
            loop {
                let now = team.secret().await?.context("the Secret is gone")?;
                ensure!(now.id == held.id, "an upgrade minted: {}", said());
                ensure!(sandbox.authenticates(scaleway, &now.value).await?);
                tokio::time::sleep(LOOK).await;
            }
        };
        let took = tokio::select! {
            took = follow => took??,
            ended = works => return ended,
        };
        on_cluster(&took, 3)?;
        the_kinds_are_of_today(control_plane).await?;
        let upgraded = deployment(control_plane).await?.to_string();
        let this = format!(r#""app.kubernetes.io/version":"{}""#, older::NUMBERS[0]);
        for (text, there) in [
            ("tokenwright-operator:0.2.0", true),
            ("--observe-only", true),
            (this.as_str(), true),
            // What the version before had and this one has not.
            (OF_BEFORE, false),
        ] {
            ensure!(upgraded.contains(text) == there, "{text}: {upgraded}");
        }
        Ok(Self {
            sandbox,
            team,
            held,
            node,
            log,
        })
    }

    /// Once nothing tells it to observe alone any more, the operator rotates the token and ends it.
    pub(crate) async fn works_on(self) -> Result<()> {
        let said = || std::fs::read_to_string(self.log.path()).unwrap_or_default();
        let rotate = json!({ "metadata": { "annotations": { annotation::ROTATE: "now" } } });
        let (tokens, patch) = (self.team.tokens(), PatchParams::default());
        tokens.patch(TOKEN, &patch, &Patch::Merge(rotate)).await?;
        let next = self.team.secret_after(Some(&self.held)).await;
        let next = next.with_context(said)?;
        let scaleway = self.sandbox.system("scaleway")?;
        ensure!(self.sandbox.authenticates(scaleway, &next.value).await?);
        self.team.delete().await.with_context(said)?;
        let ledger = self.sandbox.ledger().await?;
        let minted = ledger.minted("scaleway");
        ensure!(minted == 2 && ledger.live("scaleway").is_empty());
        self.node.abort();
        Ok(())
    }
}
