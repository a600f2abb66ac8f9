//! Flux's kustomize-controller on the Kustomization that we ship.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokenwright_testbed::chart;
use tokenwright_testbed::programs::{Operator, wait_for};
use tokenwright_testbed::quickstart::{self, TEAM_NAMESPACE, TOKEN};
use tokenwright_testbed::tools;
use tokio::process::Command;
use tokio::time::Instant;

use super::world::{PATIENCE, SHARED, World, condition};
use crate::cluster::{SYSTEM, root};

const NAMESPACE: &str = "flux-system";
const USER: &str = "system:serviceaccount:flux-system:kustomize-controller";

/// The name of the Kustomization that we ship, and of its source.
const NAME: &str = "tokens";

type Archives = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// kustomize-controller, and what source-controller does for it: archives of what stands in Git.
struct Flux {
    client: Client,
    archives: Archives,
    address: String,
    revisions: u32,
    log: PathBuf,
    _process: Operator,
}

/// An object of Flux's.
fn api(client: &Client, group: &str, kind: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk(&format!("{group}.toolkit.fluxcd.io"), "v1", kind);
    Api::namespaced_with(client.clone(), NAMESPACE, &ApiResource::from_gvk(&kind))
}

/// A kind of source-controller's, as far as the API server needs it.
fn source(kind: &str, plural: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.source.toolkit.fluxcd.io") },
        "spec": {
            "group": "source.toolkit.fluxcd.io",
            "names": { "kind": kind, "listKind": format!("{kind}List"), "plural": plural },
            "scope": "Namespaced",
            "versions": [{
                "name": "v1",
                "served": true,
                "storage": true,
                "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": {
                    "type": "object",
                    "x-kubernetes-preserve-unknown-fields": true,
                } },
            }],
        },
    })
}

async fn archive(
    State(archives): State<Archives>,
    Path(name): Path<String>,
) -> Result<Vec<u8>, StatusCode> {
    let archives = archives.lock().unwrap();
    archives.get(&name).cloned().ok_or(StatusCode::NOT_FOUND)
}

/// Objects as the files of the folder `tokens`.
fn packed(objects: &[Value]) -> Result<Vec<u8>> {
    let gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let mut archive = tar::Builder::new(gzip);
    for (number, object) in objects.iter().enumerate() {
        let text = object.to_string();
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(text.len())?);
        header.set_mode(0o644);
        archive.append_data(
            &mut header,
            format!("tokens/{number}.yaml"),
            text.as_bytes(),
        )?;
    }
    Ok(archive.into_inner()?.finish()?)
}

impl Flux {
    /// Starts it with the Kustomization that we ship.
    async fn start(world: &World) -> Result<Self> {
        Self::changed(world, |_| {}).await
    }

    /// The same after a change to the Kustomization.
    async fn changed(world: &World, change: impl Fn(&mut Value)) -> Result<Self> {
        let client = world.client.clone();
        let program = tools::kustomize_controller()?;
        let kinds = program.with_file_name("bases");
        let kinds = kinds.join("kustomize.toolkit.fluxcd.io_kustomizations.yaml");
        let mut documents = chart::documents(&std::fs::read_to_string(kinds)?)?;
        documents.extend([
            source("GitRepository", "gitrepositories"),
            source("OCIRepository", "ocirepositories"),
            source("Bucket", "buckets"),
            source("ExternalArtifact", "externalartifacts"),
        ]);
        chart::create_all(&client, &documents, NAMESPACE).await?;
        quickstart::namespace(&client, NAMESPACE).await?;

        let archives = Archives::default();
        let routes = Router::new()
            .route("/{name}", get(archive))
            .with_state(Arc::clone(&archives));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, routes).await });

        let kustomization = std::fs::read_to_string(root().join("deploy/flux/kustomization.yaml"))?;
        let mut objects = chart::documents(&kustomization)?;
        ensure!(objects[0]["spec"]["sourceRef"]["name"] == NAME);
        change(&mut objects[0]);
        objects.push(json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": { "name": NAME },
        }));
        chart::create_all(&client, &objects, NAMESPACE).await?;

        let groups = ["system:masters"];
        let kubeconfig = world.cluster.control_plane.kubeconfig(USER, &groups)?;
        let log = world.cluster.folder.path().join("flux");
        let mut command = Command::new(program);
        command
            .args(["--metrics-addr=0", "--health-addr=0", "--log-level=debug"])
            .env("KUBECONFIG", kubeconfig)
            .env("RUNTIME_NAMESPACE", NAMESPACE)
            // What it keeps on disk goes with the test, too.
            .env("TMPDIR", world.cluster.folder.path());
        Ok(Self {
            _process: Operator::spawn(&mut command, &log)?,
            client,
            archives,
            address,
            revisions: 0,
            log,
        })
    }

    /// Another revision of what stands in Git.
    async fn commit(&mut self, objects: &[Value]) -> Result<String> {
        self.revisions += 1;
        let archive = packed(objects)?;
        let name = format!("{}.tar.gz", self.revisions);
        let revision = format!("main@sha1:{:040x}", self.revisions);
        let digest: String = Sha256::digest(&archive)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let status = json!({ "status": { "artifact": {
            "path": name,
            "url": format!("{}/{name}", self.address),
            "revision": revision,
            "digest": format!("sha256:{digest}"),
            "size": archive.len(),
            "lastUpdateTime": "2026-11-30T12:00:00Z",
        } } });
        self.archives.lock().unwrap().insert(name, archive);
        let repository = api(&self.client, "source", "GitRepository");
        let patch = PatchParams::default();
        repository
            .patch_status(NAME, &patch, &Patch::Merge(status))
            .await?;
        Ok(revision)
    }

    /// Waits until the Kustomization is through with something; gives what it says then.
    async fn settled(&self, is_through: impl Fn(&Value) -> bool) -> Result<String> {
        let kustomizations = api(&self.client, "kustomize", "Kustomization");
        let said = wait_for("Flux to be through", PATIENCE, || async {
            let object = kustomizations.get(NAME).await?;
            let ready = condition(&object, "Ready").unwrap_or_default();
            let settled = ready.starts_with("True") || ready.starts_with("False");
            Ok((settled && is_through(&object.data["status"])).then_some(ready))
        });
        said.await.with_context(|| self.tail())
    }

    /// The same for a revision.
    async fn of(&self, revision: &str) -> Result<String> {
        self.settled(|status| status["lastAttemptedRevision"] == revision)
            .await
    }

    /// Commits, and waits until all is healthy.
    async fn delivers(&mut self, objects: &[Value]) -> Result<()> {
        let revision = self.commit(objects).await?;
        let said = self.of(&revision).await?;
        ensure!(said.starts_with("True ReconciliationSucceeded"), "{said}");
        Ok(())
    }

    /// Has Flux look at everything once more, as `flux reconcile` does.
    async fn looks_again(&self, when: &str) -> Result<()> {
        let wish =
            json!({ "metadata": { "annotations": { "reconcile.fluxcd.io/requestedAt": when } } });
        let kustomizations = api(&self.client, "kustomize", "Kustomization");
        let patch = PatchParams::default();
        kustomizations
            .patch(NAME, &patch, &Patch::Merge(wish))
            .await?;
        let said = self
            .settled(|status| status["lastHandledReconcileAt"] == when)
            .await?;
        ensure!(said.starts_with("True ReconciliationSucceeded"), "{said}");
        Ok(())
    }

    /// The end of what it logged.
    fn tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

#[tokio::test]
async fn flux_waits_for_the_tokens_of_git_and_then_writes_nothing_until_somebody_edits_them()
-> Result<()> {
    let world = World::start().await?;
    let mut flux = Flux::start(&world).await?;
    flux.delivers(&world.in_git()?).await?;
    // It was through once all were delivered, and not before.
    let tokens = world.cluster.team.tokens();
    for name in [TOKEN, SHARED] {
        let ready = condition(&tokens.get(name).await?, "Ready").unwrap_or_default();
        ensure!(ready.starts_with("True"), "{name}: {ready}");
    }
    ensure!(world.cluster.sandbox.ledger().await?.minted(SYSTEM) == 2);

    let (place, versions) = (world.place()?, world.versions().await?);
    ensure!(versions.len() == 5, "{versions:#?}");
    flux.looks_again("first").await?;
    let writes = world.writes(USER, place)?;
    ensure!(writes.is_empty(), "{writes:#?}");
    let now = world.versions().await?;
    ensure!(now == versions, "{versions:#?} became {now:#?}");

    let rotated = world.rotated().await?;
    flux.looks_again("second").await?;
    world.keeps(&rotated).await?;
    let writes = world.writes(USER, place)?;
    ensure!(writes.is_empty(), "{writes:#?}");

    // What somebody edits is set back, and nothing is minted for it.
    let edit = json!({ "spec": { "rotation": { "overlap": "1h" } } });
    let patch = PatchParams::default();
    tokens.patch(TOKEN, &patch, &Patch::Merge(edit)).await?;
    flux.looks_again("third").await?;
    let token = tokens.get(TOKEN).await?;
    ensure!(token.data["spec"]["rotation"]["overlap"] == "24h");
    let writes = world.writes(USER, place)?;
    ensure!(writes.len() == 1, "{writes:#?}");
    world.keeps(&rotated).await
}

async fn ends_its_wait_at_once(change: impl Fn(&mut Value)) -> Result<()> {
    let world = World::start().await?;
    let mut flux = Flux::changed(&world, change).await?;
    flux.delivers(&world.in_git()?).await?;
    let before = Instant::now();
    let revision = flux.commit(&world.stalled_in_git()?).await?;
    let said = flux.of(&revision).await?;
    ensure!(
        said.starts_with("False HealthCheckFailed") && said.contains("ApiToken/team-a/shared"),
        "{said}"
    );
    // The Kustomization would wait for five minutes.
    let took = before.elapsed();
    ensure!(took < Duration::from_secs(30), "it took {took:?}");
    let ledger = world.cluster.sandbox.ledger().await?;
    ensure!(ledger.live(SYSTEM).len() == 2, "{ledger:#?}");
    flux.delivers(&world.in_git()?).await?;
    let ledger = world.cluster.sandbox.ledger().await?;
    ensure!(ledger.minted(SYSTEM) == 2, "{ledger:#?}");
    Ok(())
}

#[tokio::test]
async fn flux_ends_its_wait_at_once_where_a_token_needs_a_person_and_goes_on_once_it_is_mended()
-> Result<()> {
    ends_its_wait_at_once(|_| {}).await
}

#[tokio::test]
async fn flux_without_the_expressions_ends_its_wait_as_well() -> Result<()> {
    ends_its_wait_at_once(|kustomization| {
        kustomization["spec"]["healthCheckExprs"].take();
    })
    .await
}

#[tokio::test]
async fn flux_that_prunes_a_team_revokes_its_tokens_and_the_namespace_ends() -> Result<()> {
    let world = World::start().await?;
    let mut flux = Flux::start(&world).await?;
    flux.delivers(&world.in_git()?).await?;
    // Another object of theirs stands in Git now, and no more of ours.
    let other = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": "theirs", "namespace": NAMESPACE },
    });
    flux.delivers(&[other]).await?;
    world.revoked().await?;
    let namespaces: Api<Namespace> = Api::all(world.client.clone());
    wait_for("the namespace to be gone", PATIENCE, || async {
        let there = namespaces.get_opt(TEAM_NAMESPACE).await?;
        Ok(there.is_none().then_some(()))
    })
    .await?;
    wait_for("everything of ours to be gone", PATIENCE, || async {
        let left = world.versions().await?;
        Ok(left.is_empty().then_some(()))
    })
    .await
}
