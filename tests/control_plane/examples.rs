//! Every example for Kubernetes, on a real kube-apiserver: applied, Ready, and gone without a trace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use serde_json::{Value, json};
use tokenwright_testbed::chart;
use tokenwright_testbed::control_plane::ControlPlane;
use tokenwright_testbed::programs::{More, OWN_NAMESPACE, Operator, Sandbox, System, host};
use tokenwright_testbed::quickstart::{self, TEAM_NAMESPACE, namespaces};
use tokenwright_testbed::servers::{Gitea, Verdaccio};
use tokenwright_testbed::tools::{Tools, kubectl as kubectl_program, terraform};
use tokio::process::Command;

use super::cluster::root;
use super::installed::{Written, kubectl};
use super::{adopt, self_rotating, shared};

pub(crate) const EXAMPLES: &str = "examples/kubernetes";
const SYSTEMS: [&str; 7] = [
    "online-net",
    "scaleway",
    "seeme",
    "seenode",
    "terrakube-team",
    "terrakube-user",
    "transiyzi",
];
const NPMRC: &str = "examples/kubernetes/npmrc.yaml";
const REGISTRY: &str = "examples/kubernetes/docker-registry.yaml";
const APPLICATION: &str = "examples/kubernetes/argocd/application.yaml";
const OF_APPLICATION: &str = "examples/kubernetes/argocd/tokens/token.yaml";
/// What Terraform writes into a cluster.
const OF_TERRAFORM: &str = "examples/terraform/apitoken/main.tf";

/// A user of Gitea's, as the example has it.
const PULLER: &str = "puller";

/// A cluster with an operator that may reach these hosts.
struct World {
    control_plane: ControlPlane,
    client: Client,
    operator: Operator,
    folder: tempfile::TempDir,
}

impl World {
    async fn reaching(endpoints: &[&str]) -> Result<Self> {
        let control_plane = ControlPlane::start(&Tools::find()?).await?;
        let client = control_plane.admin().await?;
        namespaces(&client).await?;
        let documents = chart::render(&root(), OWN_NAMESPACE, &[])?;
        chart::install_without_deployment(&client, &documents, OWN_NAMESPACE).await?;
        let (user, groups) = chart::service_account(&documents, OWN_NAMESPACE)?;
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        let kubeconfig = control_plane.kubeconfig(&user, &groups)?;
        let folder = tempfile::tempdir()?;
        let mut hosts = endpoints.iter().map(|endpoint| host(endpoint));
        let first = hosts.next().context("no host")?;
        let more = More {
            arguments: hosts
                .flat_map(|host| ["--allow-host".to_owned(), host.to_owned()])
                .collect(),
            ..More::default()
        };
        let log = folder.path().join("log");
        let operator = Operator::start_with("operator", &kubeconfig, first, &log, more).await?;
        Ok(Self {
            control_plane,
            client,
            operator,
            folder,
        })
    }

    /// What kubectl says; with the operator's log where it does not succeed.
    async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        let all = [&["--namespace", TEAM_NAMESPACE], arguments].concat();
        let ran = kubectl(&self.control_plane, &all).await?;
        self.explained(ran.succeeded(&arguments.join(" ")))
    }

    fn explained<T>(&self, done: Result<T>) -> Result<T> {
        done.with_context(|| {
            std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
        })
    }

    /// Applies documents, as `kubectl apply` does.
    async fn apply(&self, documents: &[Value]) -> Result<()> {
        let apply = ["apply", "--server-side", "--namespace", TEAM_NAMESPACE];
        let written = Written::new(documents)?;
        self.explained(written.kubectl(&self.control_plane, &apply).await)?;
        Ok(())
    }

    async fn ready(&self) -> Result<()> {
        let wait = ["wait", "apitokens", "--all", "--for=condition=Ready"];
        self.kubectl(&[&wait[..], &["--timeout=120s"]].concat())
            .await?;
        Ok(())
    }

    /// Deletes all ApiTokens, and waits until they are gone.
    async fn let_go(&self) -> Result<()> {
        let delete = ["delete", "apitokens", "--all", "--timeout=120s"];
        self.kubectl(&delete).await?;
        Ok(())
    }

    async fn secret(&self, name: &str) -> Result<BTreeMap<String, String>> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), TEAM_NAMESPACE);
        let data = secrets.get(name).await?.data.unwrap_or_default();
        data.into_iter()
            .map(|(key, bytes)| Ok((key, String::from_utf8(bytes.0)?)))
            .collect()
    }
}

pub(crate) fn documents(example: &str) -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(root().join(example));
    chart::documents(&text.with_context(|| format!("cannot read {example}"))?)
}

/// A text in place of every text of a Secret.
fn fill(secret: &mut Value, text: &str) {
    for value in secret["stringData"].as_object_mut().into_iter().flatten() {
        *value.1 = json!(text);
    }
}

/// The objects of an example, with the sandbox in place of the vendor.
fn played(example: &str, system: &System) -> Result<Vec<Value>> {
    let mut documents = documents(example)?;
    for document in &mut documents {
        match document["kind"].as_str() {
            Some("Secret") => fill(document, &system.credential),
            Some("TokenIssuer") => document["spec"]["endpoint"] = json!(system.endpoint),
            Some("ApiToken") => {
                for of in ["/spec/token/parameters", "/spec/adopt/parameters"] {
                    let parameters = document.pointer_mut(of).and_then(Value::as_object_mut);
                    for (name, value) in parameters.into_iter().flatten() {
                        let ours = system.parameters.get(name);
                        *value = json!(ours.with_context(|| format!("no parameter {name}"))?);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(documents)
}

fn of_system(name: &str) -> String {
    format!("{EXAMPLES}/systems/{name}.yaml")
}

/// Every file below a folder.
pub(crate) fn files(folder: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path: PathBuf = entry?.path();
            match path.is_dir() {
                true => open.push(path),
                false => {
                    found.insert(path.strip_prefix(root())?.display().to_string());
                }
            }
        }
    }
    Ok(found)
}

#[test]
fn every_file_of_the_examples_for_kubernetes_is_run_by_a_test() -> Result<()> {
    let run = [
        quickstart::EXAMPLE,
        adopt::EXAMPLE,
        self_rotating::EXAMPLE,
        shared::SHARED,
        shared::PROFILE,
        NPMRC,
        REGISTRY,
        APPLICATION,
        OF_APPLICATION,
    ];
    let run = run.into_iter().map(str::to_owned);
    let run: BTreeSet<_> = run.chain(SYSTEMS.map(of_system)).collect();
    ensure!(files(&root().join(EXAMPLES))? == run, "{run:#?}");
    Ok(())
}

#[tokio::test]
async fn the_examples_of_the_seed_systems_of_argo_cd_and_of_terraform_deliver_and_leave_nothing()
-> Result<()> {
    tokenwright_testbed::crypto();
    let sandbox = Sandbox::in_earnest(&SYSTEMS).await?;
    let systems: Vec<&System> = SYSTEMS
        .iter()
        .map(|name| sandbox.system(name))
        .collect::<Result<_>>()?;
    let endpoints: Vec<&str> = systems.iter().map(|s| s.endpoint.as_str()).collect();
    let world = World::reaching(&endpoints).await?;
    let before = sandbox.ledger().await?.summary.live;
    for system in &systems {
        world
            .apply(&played(&of_system(&system.system), system)?)
            .await?;
    }
    // What Argo CD does: it applies the folder that the Application names.
    let application = documents(APPLICATION)?;
    let path = application[0]["spec"]["source"]["path"].as_str();
    let path = root().join(path.context("no path")?);
    let kept = files(&path)?;
    ensure!(
        kept == BTreeSet::from([OF_APPLICATION.to_owned()]),
        "{kept:?}"
    );
    world
        .apply(&played(OF_APPLICATION, sandbox.system("seeme")?)?)
        .await?;
    world.ready().await?;
    let value = world.secret("seeme-token").await?;
    let value = value.get("key").context("no value")?;
    ensure!(
        sandbox
            .authenticates(sandbox.system("seeme")?, value)
            .await?
    );

    let configuration = tempfile::tempdir()?;
    std::fs::copy(
        root().join(OF_TERRAFORM),
        configuration.path().join("main.tf"),
    )?;
    for step in ["init", "apply", "destroy"] {
        of_terraform(&world, configuration.path(), step).await?;
    }
    world.let_go().await?;
    let after = sandbox.ledger().await?;
    ensure!(after.summary.live == before, "{after:#?}");
    world.operator.kill().await
}

/// One step of Terraform with the kubectl that reaches the cluster.
async fn of_terraform(world: &World, folder: &Path, step: &str) -> Result<()> {
    let kubectl = kubectl_program()?;
    let beside = kubectl.parent().context("no folder")?;
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(terraform()?);
    command
        .arg(step)
        .args(["-input=false", "-no-color"])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", beside.display()))
        .env("KUBECONFIG", world.control_plane.admin_kubeconfig()?)
        .env("CHECKPOINT_DISABLE", "1")
        .env_remove("TF_CLI_CONFIG_FILE");
    if step != "init" {
        command.arg("-auto-approve");
    }
    let output = command.output().await.context("cannot start terraform")?;
    ensure!(
        output.status.success(),
        "{step}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

#[tokio::test]
async fn the_examples_for_npm_and_for_images_deliver_what_their_programs_read() -> Result<()> {
    let (npm, gitea) = (Verdaccio::start().await?, Gitea::start().await?);
    let by_hand = npm.user("ada", "password-of-ada").await?;
    gitea.user(PULLER, "password-of-puller").await?;
    let world = World::reaching(&[npm.endpoint(), gitea.endpoint()]).await?;

    let mut objects = documents(NPMRC)?;
    objects.extend(documents(REGISTRY)?);
    for object in &mut objects {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        match name {
            "npm-by-hand" => fill(object, &by_hand),
            "gitea-credential" => {
                object["stringData"] =
                    json!({ "username": Gitea::USER, "password": Gitea::PASSWORD });
            }
            "npm" if object["kind"] == "TokenIssuer" => {
                object["spec"]["endpoint"] = json!(npm.endpoint());
            }
            "gitea" => object["spec"]["endpoint"] = json!(gitea.endpoint()),
            _ => {}
        }
    }
    world.apply(&objects).await?;
    world.ready().await?;

    let npmrc = world.secret("npmrc").await?;
    let expected = format!("//registry.npmjs.org/:_authToken={by_hand}\n");
    ensure!(npmrc.get(".npmrc") == Some(&expected), "no .npmrc");
    let pull = world.secret("pull-images").await?;
    let config: Value = serde_json::from_str(pull.get(".dockerconfigjson").context("no key")?)?;
    let login = &config["auths"]["gitea.example.com"];
    ensure!(login["username"] == PULLER, "another user");
    let password = login["password"].as_str().context("no password")?;
    let http = reqwest::Client::builder().no_proxy().build()?;
    let me = || {
        let asked = http.get(format!("{}/user", gitea.endpoint()));
        asked.basic_auth(PULLER, Some(password)).send()
    };
    ensure!(me().await?.status() == 200, "the token does not log in");
    world.let_go().await?;
    ensure!(me().await?.status() == 401, "the token lives on");
    world.operator.kill().await
}
