//! The cluster, the issuers and the operator, and what people do with many ApiTokens at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use futures::{StreamExt as _, TryStreamExt as _};
use jiff::SignedDuration;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{
    ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams,
};
use kube::{Api, Client};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use super::super::{cpu_seconds, kibibytes, say};
use super::shown::{Shown, Token};
use super::size::Scale;
use super::usage::{Begun, Usage};
use crate::chart;
use crate::control_plane::ControlPlane;
use crate::programs::{More, OWN_NAMESPACE, Operator, Sandbox, host};
use crate::quickstart;
use crate::tools::Tools;

const SYSTEM: &str = "scaleway";
/// Where the other operator mints, behind the same sandboxes.
pub(super) const SYSTEM_BESIDE: &str = "grafana";
/// All that the operator says.
const LOG: &str = "log";
/// As many requests as a person's tools send at once.
const AT_ONCE: usize = 32;

/// Where the tokens of one issuer are.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) namespace: String,
    pub(super) sandbox: Sandbox,
}

/// Whose turn it is: as whom it works, and on which objects.
pub(super) struct Side {
    /// What its phases are called by, before their names.
    pub(super) called: &'static str,
    pub(super) user: String,
    pub(super) kubeconfig: PathBuf,
    /// Which of the systems that the sandboxes play it is about.
    pub(super) system: &'static str,
    pub(super) kind: ApiResource,
    /// What all objects have in common.
    pub(super) spec: Value,
    /// The object of this number.
    pub(super) object: fn(&Place, usize, &Value) -> Result<Value>,
    /// What one of them shows.
    pub(super) told: fn(&DynamicObject) -> Token,
}

pub(super) struct World {
    pub(super) client: Client,
    pub(super) places: Vec<Place>,
    pub(super) side: Side,
    pub(super) control_plane: ControlPlane,
    /// Those that run, by the number of the replica.
    operators: BTreeMap<usize, Operator>,
    folder: TempDir,
    /// To which place the audit log was read.
    read: u64,
}

impl World {
    /// Everything but the operator.
    pub(super) async fn start(scale: &Scale, spec: &Value) -> Result<Self> {
        let control_plane = ControlPlane::options()
            .with_audit_log()
            .start(&Tools::find()?)
            .await?;
        let client = control_plane.admin().await?;
        quickstart::namespace(&client, OWN_NAMESPACE).await?;
        let documents = chart::render(Path::new("."), OWN_NAMESPACE, &[])?;
        chart::install_without_deployment(&client, &documents, OWN_NAMESPACE).await?;
        let (user, groups) = chart::service_account(&documents, OWN_NAMESPACE)?;
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        let mut places = Vec::new();
        for number in 0..scale.issuers.max(1) {
            let namespace = format!("bench-{number}");
            quickstart::namespace(&client, &namespace).await?;
            let sandbox = Sandbox::in_earnest(&[SYSTEM, SYSTEM_BESIDE]).await?;
            // A hundred keys of an organization would be too few to measure with.
            let roomy = json!({ "scaleway": { "keys_max": 100_000 } });
            sandbox.switch(&roomy).await?;
            let issuer = issuer(&sandbox, scale)?;
            chart::create_all(&client, &issuer, &namespace).await?;
            places.push(Place { namespace, sandbox });
        }
        let side = Side {
            called: "",
            kubeconfig: control_plane.kubeconfig(&user, &groups)?,
            user,
            system: SYSTEM,
            kind: kind("tokenwright.dev", "v1alpha1", "ApiToken"),
            spec: spec.clone(),
            object: Place::token,
            told: Token::of,
        };
        Ok(Self {
            client,
            places,
            side,
            control_plane,
            operators: BTreeMap::new(),
            folder: tempfile::tempdir()?,
            read: 0,
        })
    }

    /// Starts an operator, with all its output in a file; a former one of this number must have ended.
    pub(super) async fn run_operator(&mut self, replica: usize) -> Result<()> {
        let hosts: Result<Vec<&str>> = self.places.iter().map(Place::host).collect();
        let hosts = hosts?.join(",");
        let name = format!("bench-{replica}");
        let (kubeconfig, log) = (&self.side.kubeconfig, self.log());
        let started = Operator::start_with(&name, kubeconfig, &hosts, &log, More::default());
        self.operators.insert(replica, started.await?);
        Ok(())
    }

    /// Starts another program in its place.
    pub(super) fn run(&mut self, command: &mut Command) -> Result<()> {
        command.env("KUBECONFIG", &self.side.kubeconfig);
        let started = Operator::spawn(command, &self.log())?;
        self.operators.insert(0, started);
        Ok(())
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join(LOG)
    }

    /// Begins to watch what the objects show.
    pub(super) fn watch(&self) -> Shown {
        Shown::watch(&self.client, &self.side.kind, self.side.told)
    }

    /// Ends one without a chance to tidy up.
    pub(super) async fn kill_operator(&mut self, replica: usize) -> Result<()> {
        match self.operators.remove(&replica) {
            Some(operator) => operator.kill().await,
            None => Ok(()),
        }
    }

    /// Sends a signal to one.
    pub(super) async fn signal(&self, replica: usize, signal: &str) -> Result<()> {
        let operator = self.operators.get(&replica);
        operator.context("no such operator")?.signal(signal).await
    }

    /// Begins a phase.
    pub(super) async fn begin(&mut self) -> Result<Begun> {
        let (_, read) = self.control_plane.requests_from(self.read)?;
        self.read = read;
        let cpu = match self.process() {
            Some(process) => cpu_seconds(process)?,
            None => 0.0,
        };
        Ok(Begun {
            minted: self.minted().await?,
            at: Instant::now(),
            cpu,
        })
    }

    /// Ends a phase that so many objects shared, and says what it came to.
    pub(super) async fn end(&mut self, phase: &str, begun: Begun, each: usize) -> Result<Usage> {
        let wall = begun.at.elapsed().as_secs_f64();
        let process = self.process().context("the operator does not run")?;
        let (requests, read) = self.control_plane.requests_from(self.read)?;
        self.read = read;
        let ours = requests
            .into_iter()
            .filter(|request| request.user == self.side.user && request.resource != "leases");
        let usage = Usage {
            wall,
            cpu: cpu_seconds(process)? - begun.cpu,
            minted: self.minted().await?.saturating_sub(begun.minted),
            kibibytes: kibibytes(process).with_context(|| self.last_words())?,
            requests: ours.collect(),
        };
        say(&usage.line(&format!("{}{phase}", self.side.called), each));
        Ok(usage)
    }

    /// The longest time that the operator let go by between two renewals of its Lease.
    pub(super) fn longest_between_renewals(&self) -> Result<SignedDuration> {
        let mut requests = self.control_plane.requests()?;
        requests.retain(|request| {
            request.user == self.side.user
                && request.resource == "leases"
                && request.verb == "update"
        });
        let pairs = requests.windows(2);
        let between = pairs.filter_map(|pair| match pair {
            [before, after] => Some(after.at.duration_since(before.at)),
            _ => None,
        });
        Ok(between.max().unwrap_or_default())
    }

    /// What an operator that has ended said of it.
    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let why = log.lines().rev().find(|line| line.starts_with("Error"));
        let why = why.or_else(|| log.lines().last()).unwrap_or_default();
        format!("the operator has ended: {why}")
    }

    fn process(&self) -> Option<u32> {
        self.operators.values().next().and_then(Operator::id)
    }

    async fn minted(&self) -> Result<usize> {
        let mut minted: usize = 0;
        for place in &self.places {
            minted = minted.saturating_add(place.sandbox.ledger().await?.summary.minted);
        }
        Ok(minted)
    }

    /// The ids of the tokens that live at all issuers.
    pub(super) async fn live(&self) -> Result<BTreeSet<String>> {
        let mut live = BTreeSet::new();
        for place in &self.places {
            let ledger = place.sandbox.ledger().await?;
            live.extend(
                ledger
                    .live(self.side.system)
                    .into_iter()
                    .map(|token| token.id.clone()),
            );
        }
        Ok(live)
    }

    pub(super) async fn foreign_secrets(&self, count: usize) -> Result<()> {
        self.all_at_once(count, |place, number| {
            let secret = json!({ "metadata": { "name": format!("foreign-{number}") }, "stringData": { "password": "x".repeat(100) } });
            let api: Api<Secret> = Api::namespaced(self.client.clone(), &place.namespace);
            async move {
                let secret: Secret = serde_json::from_value(secret)?;
                api.create(&PostParams::default(), &secret).await?;
                Ok(())
            }
        })
        .await
    }

    pub(super) async fn create(&self, count: usize) -> Result<()> {
        self.all_at_once(count, |place, number| {
            let api = self.objects(place);
            let object = (self.side.object)(place, number, &self.side.spec);
            async move {
                let object: DynamicObject = serde_json::from_value(object?)?;
                api.create(&PostParams::default(), &object).await?;
                Ok(())
            }
        })
        .await
    }

    pub(super) async fn patch(&self, count: usize, change: &Value) -> Result<()> {
        self.all_at_once(count, |place, number| {
            let (api, change) = (self.objects(place), Patch::Merge(change.clone()));
            async move {
                api.patch(&name(number), &PatchParams::default(), &change)
                    .await?;
                Ok(())
            }
        })
        .await
    }

    pub(super) async fn delete(&self, count: usize) -> Result<()> {
        self.all_at_once(count, |place, number| {
            let api = self.objects(place);
            async move {
                api.delete(&name(number), &DeleteParams::default()).await?;
                Ok(())
            }
        })
        .await
    }

    fn objects(&self, place: &Place) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &place.namespace, &self.side.kind)
    }

    async fn all_at_once<'a, F>(
        &'a self,
        count: usize,
        each: impl Fn(&'a Place, usize) -> F,
    ) -> Result<()>
    where
        F: Future<Output = Result<()>>,
    {
        let numbers = (0..count).zip(self.places.iter().cycle());
        let work = numbers.map(|(number, place)| each(place, number));
        futures::stream::iter(work)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }
}

impl Place {
    fn host(&self) -> Result<&str> {
        Ok(host(&self.sandbox.system(SYSTEM)?.endpoint))
    }

    fn token(&self, number: usize, spec: &Value) -> Result<Value> {
        let parameters = &self.sandbox.system(SYSTEM)?.parameters;
        Ok(json!({
            "apiVersion": "tokenwright.dev/v1alpha1", "kind": "ApiToken",
            "metadata": { "name": name(number) },
            "spec": {
                "issuerRef": { "name": "issuer" },
                "token": { "name": name(number), "lifetime": spec["lifetime"], "parameters": {
                    "application_id": parameters.get("application_id"),
                } },
                "rotation": { "overlap": spec["overlap"], "renewBefore": spec["renewBefore"] },
                "secret": { "name": name(number) },
            },
        }))
    }

    /// Whether the value that a Secret holds authenticates.
    pub(super) async fn authenticates(&self, value: &str) -> Result<bool> {
        let system = self.sandbox.system(SYSTEM)?;
        self.sandbox.authenticates(system, value).await
    }
}

pub(super) fn kind(group: &str, version: &str, kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

pub(super) fn name(number: usize) -> String {
    format!("token-{number}")
}

fn issuer(sandbox: &Sandbox, scale: &Scale) -> Result<Vec<Value>> {
    let system = sandbox.system(SYSTEM)?;
    Ok(vec![
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "credential" },
            "stringData": { "secret_key": system.credential },
        }),
        json!({
            "apiVersion": "tokenwright.dev/v1alpha1", "kind": "TokenIssuer",
            "metadata": { "name": "issuer" },
            "spec": {
                "profile": SYSTEM, "endpoint": system.endpoint,
                "credential": { "secretRef": { "name": "credential" } },
                "rate": { "perMinute": scale.per_minute, "concurrency": scale.concurrency },
            },
        }),
    ])
}
