//! What both work on: a cluster with the operator, and the examples as they stand in Git.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kube::Client;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokenwright_testbed::chart;
use tokenwright_testbed::control_plane::{Controllers, Request};
use tokenwright_testbed::programs::{OWN_NAMESPACE, Operator, Sandbox, wait_for};
use tokenwright_testbed::quickstart::{self, Delivered, TEAM_NAMESPACE, TOKEN};

use crate::cluster::{Cluster, SYSTEM, root};

/// The longest that something may take that ends by itself.
pub(super) const PATIENCE: Duration = Duration::from_secs(90);

/// The ApiToken that asks the shared issuer.
pub(super) const SHARED: &str = "shared";

const ROTATE: &str = "tokenwright.dev/rotate";

const KINDS: [(&str, bool); 4] = [
    ("ApiToken", true),
    ("TokenIssuer", true),
    ("ClusterTokenIssuer", false),
    ("TokenProfile", false),
];

/// A cluster with the operator at work. A day lasts as long as outside: nothing is rotated by itself.
pub(super) struct World {
    pub(super) cluster: Cluster,
    pub(super) client: Client,
    _operator: Operator,
    _controllers: Controllers,
}

impl World {
    pub(super) async fn start() -> Result<Self> {
        let mut cluster = Cluster::start().await?;
        cluster.sandbox = Sandbox::in_earnest(&[SYSTEM]).await?;
        let client = cluster.control_plane.admin().await?;
        let world = Self {
            _operator: cluster.operator().await?,
            // The second one lets go of what Argo CD deletes, which waits for what an object owns.
            _controllers: cluster
                .control_plane
                .controllers(&["namespace-controller", "garbage-collector-controller"])?,
            client,
            cluster,
        };
        // The credentials do not stand in Git.
        let mut credentials = world.examples()?;
        credentials.retain(|object| object["kind"] == "Secret");
        ensure!(credentials.len() == 2, "{credentials:#?}");
        chart::create_all(&world.client, &credentials, TEAM_NAMESPACE).await?;
        Ok(world)
    }

    /// The quickstart and the shared issuer, with the sandbox in place of the real service, and a profile.
    fn examples(&self) -> Result<Vec<Value>> {
        let scaleway = self.cluster.sandbox.system(SYSTEM)?;
        let id = scaleway.parameters.get("application_id");
        let id = id.context("the sandbox names no application")?;
        let read = |file: &str| {
            let file = root().join("examples/kubernetes").join(file);
            chart::documents(&std::fs::read_to_string(file)?)
        };
        let mut objects = quickstart::example(&root(), scaleway)?;
        for object in &mut objects {
            object["metadata"]["namespace"] = json!(TEAM_NAMESPACE);
            if object["kind"] == "ApiToken" {
                // As the example says of what is in earnest.
                object["spec"]["token"]["lifetime"] = json!("90d");
                object["spec"]["rotation"] = json!({ "renewBefore": "30d", "overlap": "24h" });
            }
        }
        for mut object in read("shared-issuer.yaml")? {
            match object["kind"].as_str() {
                Some("Secret") => {
                    ensure!(object["metadata"]["namespace"] == OWN_NAMESPACE);
                    object["stringData"]["secret_key"] = json!(scaleway.credential);
                }
                Some("ClusterTokenIssuer") => {
                    object["spec"]["endpoint"] = json!(scaleway.endpoint);
                    object["spec"]["allow"][0]["parameters"]["application_id"] = json!([id]);
                }
                _ => {
                    object["metadata"]["name"] = json!(SHARED);
                    object["spec"]["token"]["parameters"]["application_id"] = json!(id);
                    object["spec"]["secret"]["name"] = json!("shared-token");
                }
            }
            objects.push(object);
        }
        let mut profile = read("token-profile.yaml")?;
        profile.truncate(1);
        objects.extend(profile);
        Ok(objects)
    }

    /// What stands in Git, the namespace of the team among it.
    pub(super) fn in_git(&self) -> Result<Vec<Value>> {
        let mut objects = vec![json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": TEAM_NAMESPACE,
                "labels": { "tokenwright.example.com/scaleway": "true" },
            },
        })];
        objects.extend(self.examples()?);
        objects.retain(|object| object["kind"] != "Secret");
        ensure!(objects.len() == 6, "{objects:#?}");
        Ok(objects)
    }

    /// The same with a wish that no grant of the shared issuer allows.
    pub(super) fn stalled_in_git(&self) -> Result<Vec<Value>> {
        let mut objects = self.in_git()?;
        let shared = objects
            .iter_mut()
            .find(|object| object["kind"] == "ApiToken" && object["metadata"]["name"] == SHARED);
        let shared = shared.context("no ApiToken")?;
        shared["spec"]["token"]["lifetime"] = json!("120d");
        Ok(objects)
    }

    /// What a user wrote to objects of ours since the log was read to this place.
    pub(super) fn writes(&self, user: &str, place: u64) -> Result<Vec<Request>> {
        let (mut writes, _) = self.cluster.control_plane.requests_from(place)?;
        writes.retain(|request| {
            let changes = ["create", "update", "patch", "delete"].contains(&request.verb.as_str());
            let ours = request.uri.starts_with("/apis/tokenwright.dev/");
            request.user == user && changes && ours && !request.uri.contains("dryRun")
        });
        Ok(writes)
    }

    /// To where the log of the API server goes now.
    pub(super) fn place(&self) -> Result<u64> {
        Ok(self.cluster.control_plane.requests_from(0)?.1)
    }

    /// All objects of ours, each as it was last written.
    pub(super) async fn versions(&self) -> Result<Vec<String>> {
        let mut versions = Vec::new();
        for (kind, in_namespace) in KINDS {
            let api = match in_namespace {
                true => chart::api(&self.client, kind, TEAM_NAMESPACE),
                false => chart::cluster_api(&self.client, kind),
            };
            for object in api.list(&ListParams::default()).await? {
                let DynamicObject { metadata, .. } = object;
                versions.push(format!(
                    "{kind} {:?}: generation {:?}, version {:?}",
                    metadata.name, metadata.generation, metadata.resource_version
                ));
            }
        }
        Ok(versions)
    }

    /// A person rotates the token of the quickstart, as the guide says; gives the next one.
    pub(super) async fn rotated(&self) -> Result<Delivered> {
        let before = self.cluster.team.secret().await?.context("no Secret")?;
        let wish = json!({ "metadata": { "annotations": { ROTATE: "2026-11-30T12:00:00Z" } } });
        let tokens = self.cluster.team.tokens();
        let patch = PatchParams::default();
        tokens.patch(TOKEN, &patch, &Patch::Merge(wish)).await?;
        let next = self.cluster.team.secret_after(Some(&before)).await?;
        self.cluster.team.ready().await?;
        Ok(next)
    }

    /// That the annotation is still there, and the token that it brought is the last one.
    pub(super) async fn keeps(&self, rotated: &Delivered) -> Result<()> {
        let token = self.cluster.team.tokens().get(TOKEN).await?;
        let annotations = token.metadata.annotations.unwrap_or_default();
        ensure!(annotations.contains_key(ROTATE), "{annotations:?}");
        let held = self.cluster.team.secret().await?.context("no Secret")?;
        ensure!(held.id == rotated.id, "it was rotated once more");
        Ok(())
    }

    /// Waits until no ApiToken of the team is left, and says that no token lives.
    pub(super) async fn revoked(&self) -> Result<()> {
        let tokens = self.cluster.team.tokens();
        wait_for("the ApiTokens to be gone", PATIENCE, || async {
            let left = tokens.list(&ListParams::default()).await?;
            Ok(left.items.is_empty().then_some(()))
        })
        .await?;
        let ledger = self.cluster.sandbox.ledger().await?;
        ensure!(ledger.minted(SYSTEM) >= 2, "{ledger:#?}");
        self.cluster.nothing_lives().await
    }
}

/// A condition of an object, as `STATUS REASON: MESSAGE`.
pub(super) fn condition(object: &DynamicObject, kind: &str) -> Option<String> {
    let conditions = object.data["status"]["conditions"].as_array()?;
    let found = conditions.iter().find(|found| found["type"] == kind)?;
    let text = |key: &str| found[key].as_str().unwrap_or_default();
    Some(format!(
        "{} {}: {}",
        text("status"),
        text("reason"),
        text("message")
    ))
}
