//! External Secrets Operator, measured after ours: on the same API server, with as many objects, and behind it the same
//! sandboxes.
//!
//! Its generator for Grafana mints, as it is the one that ends tokens again: that before the former, once the next one
//! is minted and a while has passed, and all of an object that is gone. The former one lives on.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use kube::api::DynamicObject;
use serde_json::{Value, json};
use tokio::process::Command;

use super::super::{row, say};
use super::phases::{Phases, REST, STARTED};
use super::shown::{Shown, Token, is_ready};
use super::world::{Place, SYSTEM_BESIDE as SYSTEM, Side, World, kind, name};
use crate::{chart, tools};

/// The account that is there from the beginning.
const ACCOUNT: &str = "automation";

const USER: &str = "external-secrets";
const GROUP: &str = "external-secrets.io";
const OBJECT: &str = "ExternalSecret";
const GENERATORS: &str = "generators.external-secrets.io";
const GENERATOR: &str = "Grafana";

/// As quick as it gets, and without what an ExternalSecret of a generator does not need.
const TUNED: [&str; 9] = [
    "--concurrent=20",
    "--client-qps=10000",
    "--client-burst=10000",
    "--enable-cluster-store-reconciler=false",
    "--enable-cluster-external-secret-reconciler=false",
    "--enable-push-secret-reconciler=false",
    "--enable-cluster-push-secret-reconciler=false",
    // As long as the overlap of our tokens.
    "--generator-gc-grace-period=10s",
    "--metrics-addr=127.0.0.1:0",
];

/// Its program.
pub(super) struct Peer(PathBuf);

impl Peer {
    pub(super) fn find() -> Result<Self> {
        tools::kube_controller_manager()?;
        Ok(Self(tools::external_secrets()?))
    }

    /// Its phases, as those of ours.
    pub(super) async fn phases(
        &self,
        world: &mut World,
        tokens: usize,
        patience: Duration,
    ) -> Result<Phases> {
        self.move_in(world).await?;
        let shown = world.watch();
        let states = kind(GENERATORS, "v1alpha1", "GeneratorState");
        let states = Shown::watch(&world.client, &states, state);

        let begun = world.begin().await?;
        self.run(world)?;
        tokio::time::sleep(STARTED).await;
        let start = world.end("start, empty", begun, 1).await?;

        let begun = world.begin().await?;
        world.create(tokens).await?;
        let ready = |all: &[Token]| all.len() == tokens && all.iter().all(|t| t.ready);
        shown.until("all to be Ready", patience, ready).await?;
        let create = world.end("cold create", begun, tokens).await?;

        let begun = world.begin().await?;
        tokio::time::sleep(REST).await;
        world.end("rest, 30 s", begun, tokens).await?;

        world.kill_operator(0).await?;
        let begun = world.begin().await?;
        self.run(world)?;
        tokio::time::sleep(STARTED).await;
        world.end("restart", begun, tokens).await?;

        let begun = world.begin().await?;
        let renewed = renewed(&shown.now());
        let label = json!({ "metadata": { "labels": { "seen": "yes" } } });
        world.patch(tokens, &label).await?;
        shown.until("all to be labelled", patience, renewed).await?;
        world.end("a label on each", begun, tokens).await?;

        let begun = world.begin().await?;
        let renewed = self::renewed(&shown.now());
        let trigger = json!({ "metadata": { "annotations": { "force-sync": "now" } } });
        world.patch(tokens, &trigger).await?;
        shown.until("all to be rotated", patience, renewed).await?;
        let took = begun.at.elapsed().as_secs_f64();
        row(
            &format!(
                "{}the rotations, without the ends of tokens",
                world.side.called
            ),
            &format!("{took:.1} s"),
            "–",
        );
        let ended = |all: &[Token]| all.iter().all(|state| state.retiring == 0);
        states.until("all ends of tokens", patience, ended).await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let rotation = world.end("rotation of all", begun, tokens).await?;

        // What it keeps of the tokens it minted goes with its object, and the collector of Kubernetes takes it along.
        let _collector = world
            .control_plane
            .controllers(&["garbage-collector-controller"])?;
        tokio::time::sleep(STARTED).await;
        let begun = world.begin().await?;
        world.delete(tokens).await?;
        let gone = <[Token]>::is_empty;
        shown.until("all to be gone", patience, gone).await?;
        states
            .until("all states to be gone", patience, gone)
            .await?;
        world.end("deletion of all", begun, tokens).await?;
        row(
            &format!("{}tokens that live on at the issuers", world.side.called),
            &world.live().await?.len().to_string(),
            "–",
        );
        Ok(Phases {
            start,
            create,
            rotation,
        })
    }

    /// Its kinds, and an issuer in each namespace.
    async fn move_in(&self, world: &mut World) -> Result<()> {
        say(&format!("beside it, {}", self.0.display()));
        let folder = self.0.parent().context("a program without a folder")?;
        let folder = folder.join("config/crds/bases");
        let listed = std::fs::read_dir(&folder);
        for file in listed.with_context(|| format!("cannot list {}", folder.display()))? {
            let text = std::fs::read_to_string(file?.path())?;
            let mut documents = chart::documents(&text)?;
            documents.retain(|document| document["kind"] == "CustomResourceDefinition");
            chart::create_all(&world.client, &documents, "").await?;
        }
        for place in &world.places {
            chart::create_all(&world.client, &issuer(place)?, &place.namespace).await?;
        }
        world.side = Side {
            called: "External Secrets Operator: ",
            user: USER.to_owned(),
            kubeconfig: world.control_plane.kubeconfig(USER, &["system:masters"])?,
            system: SYSTEM,
            kind: kind(GROUP, "v1", OBJECT),
            spec: json!({
                // Ninety days, as the tokens of ours.
                "refreshInterval": "2160h",
                "dataFrom": [{ "sourceRef": { "generatorRef": {
                    "apiVersion": format!("{GENERATORS}/v1alpha1"), "kind": GENERATOR, "name": SYSTEM,
                } } }],
            }),
            object: external_secret,
            told: external_secret_shows,
        };
        Ok(())
    }

    fn run(&self, world: &mut World) -> Result<()> {
        world.run(Command::new(&self.0).args(TUNED))
    }
}

/// Whether all were minted anew since.
fn renewed(before: &[Token]) -> impl Fn(&[Token]) -> bool + use<> {
    let before: HashSet<_> = before.iter().map(|token| token.current.clone()).collect();
    move |all| all.iter().all(|t| t.ready && !before.contains(&t.current))
}

/// What an ExternalSecret shows: the version of it that was minted for stands for its token.
fn external_secret_shows(object: &DynamicObject) -> Token {
    let version = object.data["status"]["syncedResourceVersion"].as_str();
    Token {
        ready: is_ready(object),
        current: version.map(str::to_owned),
        revision: 0,
        retiring: 0,
    }
}

/// What it keeps of a token shows whether that one is about to be ended.
fn state(object: &DynamicObject) -> Token {
    let ends = !object.data["spec"]["garbageCollectionDeadline"].is_null();
    Token {
        ready: true,
        current: None,
        revision: 0,
        retiring: usize::from(ends),
    }
}

fn issuer(place: &Place) -> Result<Vec<Value>> {
    let system = place.sandbox.system(SYSTEM)?;
    Ok(vec![
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": SYSTEM },
            "stringData": { "token": system.credential },
        }),
        json!({
            "apiVersion": format!("{GENERATORS}/v1alpha1"), "kind": GENERATOR,
            "metadata": { "name": SYSTEM },
            "spec": {
                "url": system.endpoint,
                "serviceAccount": { "name": ACCOUNT, "role": "Viewer" },
                "auth": { "token": { "name": SYSTEM, "key": "token" } },
            },
        }),
    ])
}

fn external_secret(_: &Place, number: usize, spec: &Value) -> Result<Value> {
    Ok(json!({
        "apiVersion": format!("{GROUP}/v1"), "kind": OBJECT,
        "metadata": { "name": name(number) }, "spec": spec,
    }))
}
