//! Argo CD's application controller on the Application that we ship, with the health that we ship.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokenwright_testbed::chart;
use tokenwright_testbed::programs::{Operator, wait_for};
use tokenwright_testbed::quickstart::{self, TEAM_NAMESPACE, TOKEN};
use tokenwright_testbed::tools;
use tokio::process::Command;
use tokio::time::{Duration, sleep};

use super::world::{PATIENCE, SHARED, World};
use crate::cluster::{SYSTEM, root};

const NAMESPACE: &str = "argocd";
const USER: &str = "system:serviceaccount:argocd:argocd-application-controller";

/// The name of the Application that we ship.
const NAME: &str = "tokens-of-team-a";

const WAVE: &str = "argocd.argoproj.io/sync-wave";

/// What comes when the Secrets are there, as a workload would.
const WORKLOAD: &str = "workload";

/// Longer than Argo CD waits before it heals what somebody edited.
const HEALED: Duration = Duration::from_secs(8);

/// How Argo CD applies and compares.
#[derive(Debug, Clone, Copy)]
struct Way {
    sync_options: &'static [&'static str],
    compare_options: &'static str,
}

/// As the Application that we ship has it.
const SHIPPED: Way = Way {
    sync_options: &["ServerSideApply=true"],
    compare_options: "",
};

/// Argo CD, and a repository with what stands in Git.
struct ArgoCd {
    applications: Api<DynamicObject>,
    git: TempDir,
    log: PathBuf,
    _process: Operator,
}

/// What stands in Git, in waves: a workload comes when the tokens are there.
fn in_waves(mut objects: Vec<Value>) -> Vec<Value> {
    for object in &mut objects {
        let wave = if object["kind"] == "ApiToken" {
            "1"
        } else {
            "0"
        };
        object["metadata"]["annotations"] = json!({ WAVE: wave });
    }
    objects.push(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": WORKLOAD,
            "namespace": TEAM_NAMESPACE,
            "annotations": { WAVE: "2" },
        },
    }));
    objects
}

async fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.com"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .output()
        .await
        .context("git is not on PATH")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "git {arguments:?}: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(said.trim().to_owned())
}

/// What Argo CD's own installation has beside its programs.
fn installation() -> Result<Vec<Value>> {
    let labels = json!({ "app.kubernetes.io/part-of": "argocd" });
    let settings = std::fs::read_to_string(root().join("deploy/argocd/argocd-cm.yaml"))?;
    let mut objects = chart::documents(&settings)?;
    objects.push(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": "argocd-secret", "namespace": NAMESPACE },
        "stringData": { "server.secretkey": "of a test" },
    }));
    for object in &mut objects {
        object["metadata"]["labels"] = labels.clone();
    }
    objects.push(json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": { "name": "default", "namespace": NAMESPACE },
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{ "namespace": "*", "server": "*" }],
            "clusterResourceWhitelist": [{ "group": "*", "kind": "*" }],
        },
    }));
    Ok(objects)
}

impl ArgoCd {
    /// Starts it with the Application that we ship, on a repository that has nothing yet.
    async fn start(world: &World, way: Way) -> Result<Self> {
        let client: Client = world.client.clone();
        let program = tools::argo_cd()?;
        let kinds = program.with_file_name("crds");
        quickstart::namespace(&client, NAMESPACE).await?;
        for kind in ["application", "appproject", "applicationset"] {
            let text = std::fs::read_to_string(kinds.join(format!("{kind}-crd.yaml")))?;
            chart::create_all(&client, &chart::documents(&text)?, NAMESPACE).await?;
        }
        chart::create_all(&client, &installation()?, NAMESPACE).await?;

        let git_folder = tempfile::tempdir()?;
        git(
            git_folder.path(),
            &["init", "--quiet", "--initial-branch=main"],
        )
        .await?;
        let groups = ["system:masters"];
        let kubeconfig = world.cluster.control_plane.kubeconfig(USER, &groups)?;
        let log = world.cluster.folder.path().join("argo-cd");
        let mut command = Command::new(program);
        command
            .arg(NAMESPACE)
            .env("KUBECONFIG", kubeconfig)
            // What it keeps on disk goes with the test, too.
            .env("TMPDIR", world.cluster.folder.path())
            .env("ARGOCD_FAKE_IN_CLUSTER", "true")
            .env("ARGOCD_GPG_ENABLED", "false");
        let kind = GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Application");
        let argo_cd = Self {
            applications: Api::namespaced_with(
                client.clone(),
                NAMESPACE,
                &ApiResource::from_gvk(&kind),
            ),
            _process: Operator::spawn(&mut command, &log)?,
            git: git_folder,
            log,
        };
        argo_cd.write(&[])?;
        argo_cd.commit().await?;

        let shipped = root().join("examples/kubernetes/argocd/application.yaml");
        let mut objects = chart::documents(&std::fs::read_to_string(shipped)?)?;
        ensure!(objects[0]["spec"]["syncPolicy"]["syncOptions"] == json!(SHIPPED.sync_options));
        let application = &mut objects[0];
        application["spec"]["source"]["repoURL"] =
            json!(format!("file://{}", argo_cd.git.path().display()));
        application["spec"]["source"]["path"] = json!("tokens");
        application["spec"]["syncPolicy"]["syncOptions"] = json!(way.sync_options);
        application["metadata"]["annotations"] =
            json!({ "argocd.argoproj.io/compare-options": way.compare_options });
        chart::create_all(&client, &objects, NAMESPACE).await?;
        Ok(argo_cd)
    }

    fn write(&self, objects: &[Value]) -> Result<()> {
        let folder = self.git.path().join("tokens");
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("README.md"), "What stands in Git.\n")?;
        for (number, object) in objects.iter().enumerate() {
            std::fs::write(folder.join(format!("{number}.json")), object.to_string())?;
        }
        Ok(())
    }

    async fn commit(&self) -> Result<String> {
        git(self.git.path(), &["add", "--all"]).await?;
        git(self.git.path(), &["commit", "--quiet", "--message=Next"]).await?;
        git(self.git.path(), &["rev-parse", "HEAD"]).await
    }

    async fn patched(&self, patch: Value) -> Result<()> {
        let (patch, default) = (Patch::Merge(patch), PatchParams::default());
        self.applications.patch(NAME, &default, &patch).await?;
        Ok(())
    }

    /// Waits until the Application's status is as it is to be.
    async fn until(&self, what: &str, is: impl Fn(&Value) -> bool) -> Result<Value> {
        let looked = wait_for(what, PATIENCE, || async {
            let object = self.applications.get(NAME).await?;
            let status = &object.data["status"];
            Ok(is(status).then(|| status.clone()))
        });
        match looked.await {
            Ok(status) => Ok(status),
            Err(error) => {
                let object = self.applications.get(NAME).await?;
                let status = serde_json::to_string_pretty(&object.data["status"])?;
                Err(error.context(format!("{status}\n{}", self.tail())))
            }
        }
    }

    /// Has it look at Git and the cluster once more, past all caches, as `argocd app get --hard-refresh` does.
    async fn looks_again(&self) -> Result<()> {
        const REFRESH: &str = "argocd.argoproj.io/refresh";
        self.patched(json!({ "metadata": { "annotations": { REFRESH: "hard" } } }))
            .await?;
        wait_for("Argo CD to look again", PATIENCE, || async {
            let object = self.applications.get(NAME).await?;
            let annotations = object.metadata.annotations.unwrap_or_default();
            Ok((!annotations.contains_key(REFRESH)).then_some(()))
        })
        .await
        .with_context(|| self.tail())
    }

    /// Commits, and waits until all is applied and healthy.
    async fn delivers(&self, objects: &[Value]) -> Result<Value> {
        self.write(objects)?;
        let revision = self.commit().await?;
        self.looks_again().await?;
        self.until(&format!("{revision} to be healthy"), |status| {
            let operation = &status["operationState"];
            status["sync"]["revision"] == revision
                && operation["syncResult"]["revision"] == revision
                && operation["phase"] != "Running"
                && status["health"]["status"] == "Healthy"
                && status["sync"]["status"] == "Synced"
        })
        .await
    }

    /// The end of what it logged.
    fn tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

/// How often it has synced everything.
fn syncs(status: &Value) -> usize {
    status["history"].as_array().map_or(0, Vec::len)
}

async fn applies_once(way: Way) -> Result<()> {
    let world = World::start().await?;
    let argo_cd = ArgoCd::start(&world, way).await?;
    let delivered = argo_cd.delivers(&in_waves(world.in_git()?)).await?;
    ensure!(world.cluster.sandbox.ledger().await?.minted(SYSTEM) == 2);
    // The wave of the workload waited for the tokens.
    let ledger = world.cluster.sandbox.ledger().await?;
    let minted = ledger.tokens.iter().map(|life| life.minted_at).max();
    let requests = world.cluster.control_plane.requests()?;
    let mut applied = requests.iter().filter(|request| {
        let writes = ["create", "patch"].contains(&request.verb.as_str());
        let real = !request.uri.contains("dryRun");
        request.user == USER && request.resource == "configmaps" && writes && real
    });
    let applied = applied.next().map(|request| request.at);
    ensure!(minted < applied, "{minted:?}, and then {applied:?}");

    let (place, versions) = (world.place()?, world.versions().await?);
    ensure!(versions.len() == 5, "{versions:#?}");
    argo_cd.looks_again().await?;
    sleep(HEALED).await;
    let now = world.versions().await?;
    ensure!(now == versions, "{versions:#?} became {now:#?}");

    let rotated = world.rotated().await?;
    argo_cd.looks_again().await?;
    sleep(HEALED).await;
    world.keeps(&rotated).await?;
    let writes = world.writes(USER, place)?;
    ensure!(writes.is_empty(), "{writes:#?}");
    let now = argo_cd
        .until("all to be healthy", |status| {
            status["health"]["status"] == "Healthy"
        })
        .await?;
    ensure!(now["sync"]["status"] == "Synced", "{now:#}");
    ensure!(syncs(&now) == syncs(&delivered), "{now:#}");

    // What somebody edits is set back, and nothing is minted for it.
    let edit = json!({ "spec": { "rotation": { "overlap": "1h" } } });
    let tokens = world.cluster.team.tokens();
    let patch = PatchParams::default();
    tokens.patch(TOKEN, &patch, &Patch::Merge(edit)).await?;
    wait_for("the edit to be set back", PATIENCE, || async {
        let token = tokens.get(TOKEN).await?;
        Ok((token.data["spec"]["rotation"]["overlap"] == "24h").then_some(()))
    })
    .await
    .with_context(|| argo_cd.tail())?;
    sleep(HEALED).await;
    let writes = world.writes(USER, place)?;
    ensure!(writes.len() == 1, "{writes:#?}");
    world.keeps(&rotated).await
}

#[tokio::test]
async fn argo_cd_applies_the_tokens_of_git_once_in_waves_and_heals_what_somebody_edits()
-> Result<()> {
    applies_once(SHIPPED).await
}

#[tokio::test]
async fn argo_cd_that_applies_on_the_client_does_the_same() -> Result<()> {
    applies_once(Way {
        sync_options: &[],
        ..SHIPPED
    })
    .await
}

#[tokio::test]
async fn argo_cd_that_compares_on_the_server_does_the_same() -> Result<()> {
    applies_once(Way {
        compare_options: "ServerSideDiff=true",
        ..SHIPPED
    })
    .await
}

#[tokio::test]
async fn argo_cd_shows_a_token_that_needs_a_person_as_degraded_with_our_message() -> Result<()> {
    let world = World::start().await?;
    let argo_cd = ArgoCd::start(&world, SHIPPED).await?;
    argo_cd.delivers(&in_waves(world.in_git()?)).await?;
    argo_cd.write(&in_waves(world.stalled_in_git()?))?;
    let revision = argo_cd.commit().await?;
    argo_cd.looks_again().await?;
    // Its operation tries again for minutes; what it shows, it shows at once.
    let status = argo_cd
        .until("Argo CD to show it", |status| {
            status["sync"]["revision"] == revision && status["health"]["status"] == "Degraded"
        })
        .await?;
    let resources = status["resources"].as_array().context("no resources")?;
    let shared = resources
        .iter()
        .find(|resource| resource["kind"] == "ApiToken" && resource["name"] == SHARED);
    let health = &shared.context("the ApiToken is not there")?["health"];
    let message = health["message"].as_str().unwrap_or_default();
    ensure!(
        health["status"] == "Degraded" && message.contains("lifetime"),
        "{health:#}"
    );
    let ledger = world.cluster.sandbox.ledger().await?;
    ensure!(ledger.live(SYSTEM).len() == 2, "{ledger:#?}");
    Ok(())
}

#[tokio::test]
async fn argo_cd_revokes_what_it_prunes_where_that_is_on_and_all_once_its_application_goes()
-> Result<()> {
    let world = World::start().await?;
    let argo_cd = ArgoCd::start(&world, SHIPPED).await?;
    let mut objects = in_waves(world.in_git()?);
    argo_cd.delivers(&objects).await?;

    // A file is lost. As we ship the Application, that revokes nothing.
    objects.retain(|object| object["metadata"]["name"] != SHARED);
    argo_cd.write(&objects)?;
    let revision = argo_cd.commit().await?;
    argo_cd.looks_again().await?;
    argo_cd
        .until("Argo CD to see the difference", |status| {
            status["sync"]["revision"] == revision && status["sync"]["status"] == "OutOfSync"
        })
        .await?;
    sleep(HEALED).await;
    let live = |count: usize| {
        let cluster = &world.cluster;
        async move {
            let ledger = cluster.sandbox.ledger().await?;
            anyhow::Ok((ledger.live(SYSTEM).len() == count).then_some(()))
        }
    };
    live(2).await?.context("a token was revoked")?;

    argo_cd
        .patched(json!({ "spec": { "syncPolicy": { "automated": { "prune": true } } } }))
        .await?;
    argo_cd.looks_again().await?;
    wait_for("the token to be revoked", PATIENCE, || live(1))
        .await
        .with_context(|| argo_cd.tail())?;
    argo_cd
        .until("all to be applied", |status| {
            status["sync"]["status"] == "Synced" && status["health"]["status"] == "Healthy"
        })
        .await?;

    argo_cd
        .applications
        .delete(NAME, &DeleteParams::default())
        .await?;
    let namespaces: Api<Namespace> = Api::all(world.client.clone());
    wait_for("all to be gone", PATIENCE, || async {
        let application = argo_cd.applications.get_opt(NAME).await?;
        let namespace = namespaces.get_opt(TEAM_NAMESPACE).await?;
        Ok((application.is_none() && namespace.is_none()).then_some(()))
    })
    .await
    .with_context(|| argo_cd.tail())?;
    world.revoked().await
}
