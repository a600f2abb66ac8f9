//! A person, a browser, and a key that only a web page gives: made there, put into a Secret, and
//! delivered, followed and let go by the operator under exactly the permissions of the chart.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::events::v1::Event;
use kube::api::{ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokenwright_testbed::browser::Browser;
use tokenwright_testbed::chart;
use tokenwright_testbed::programs::{System, wait_for};
use tokenwright_testbed::quickstart::TEAM_NAMESPACE;

use super::cluster::{Cluster, root};

const SYSTEM: &str = "seenode";
pub(crate) const EXAMPLE: &str = "examples/kubernetes/adopt.yaml";
const SOURCE: &str = "seenode-key-of-ci";
const SECRET: &str = "seenode-token";
const TOKEN: &str = "seenode-ci";

/// Far longer than the operator needs on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);

/// A person who uses the vendor's console in a browser, and the cluster.
struct Person {
    browser: Browser,
    console: String,
    client: Client,
}

impl Person {
    async fn at(system: &System, client: Client) -> Self {
        let mut browser = Browser::start().await;
        let rights = json!({
            "origin": system.endpoint,
            "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"],
        });
        browser.ask("Browser.grantPermissions", rights).await;
        Self {
            browser,
            console: system.console.clone(),
            client,
        }
    }

    /// Makes a key and takes it with the button beside the box that shows it once.
    async fn makes_a_key(&mut self, name: &str) -> String {
        let browser = &mut self.browser;
        browser.open(&self.console).await;
        browser.follow("Create new secret").await;
        browser.write("Name", name).await;
        browser.follow("Create new secret").await;
        browser.press("Copy API key").await;
        let said = "document.getElementById('said').textContent";
        while browser.text(said).await.is_empty() {}
        let copied = browser.text("navigator.clipboard.readText()").await;
        browser.follow("Done").await;
        copied
    }

    async fn deletes_the_key(&mut self, name: &str) {
        self.browser.open(&self.console).await;
        self.browser.follow(&format!("Delete {name}")).await;
        self.browser.follow("Delete").await;
    }

    fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), TEAM_NAMESPACE)
    }

    fn tokens(&self) -> Api<DynamicObject> {
        self.objects("ApiToken")
    }

    fn objects(&self, kind: &str) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk("tokenwright.dev", "v1alpha1", kind);
        Api::namespaced_with(
            self.client.clone(),
            TEAM_NAMESPACE,
            &ApiResource::from_gvk(&kind),
        )
    }

    /// Creates what the example shows, with `value` in its Secret and the sandbox in the vendor's place; the
    /// `ApiToken` once its issuer is known, so that all that is written of it is counted alike.
    async fn follows_the_example(&self, system: &System, value: &str) -> Result<()> {
        let text = std::fs::read_to_string(root().join(EXAMPLE))?;
        let mut documents = chart::documents(&text)?;
        for document in &mut documents {
            match document["kind"].as_str() {
                Some("Secret") => document["stringData"]["key"] = json!(value),
                Some("TokenIssuer") => document["spec"]["endpoint"] = json!(system.endpoint),
                _ => {}
            }
        }
        let (token, others): (Vec<_>, Vec<_>) = documents
            .into_iter()
            .partition(|document| document["kind"] == "ApiToken");
        chart::create_all(&self.client, &others, TEAM_NAMESPACE).await?;
        let issuers = self.objects("TokenIssuer");
        says(&issuers, SYSTEM, ("Ready", "True", "Ready")).await?;
        chart::create_all(&self.client, &token, TEAM_NAMESPACE).await
    }

    /// Puts another value into the Secret of the example, as an editor does: with a line end.
    async fn pastes(&self, value: &str) -> Result<()> {
        let change = Patch::Merge(json!({ "stringData": { "key": format!("{value}\n") } }));
        let patch = PatchParams::default();
        self.secrets().patch(SOURCE, &patch, &change).await?;
        Ok(())
    }

    async fn delivered(&self) -> Result<Option<String>> {
        let secret = self.secrets().get_opt(SECRET).await?;
        let data = secret.and_then(|secret| secret.data).unwrap_or_default();
        let value = data.get("key").map(|bytes| bytes.0.clone());
        Ok(value.map(String::from_utf8).transpose()?)
    }

    async fn sees_delivered(&self, value: &str) -> Result<()> {
        wait_for("the delivered value", PATIENCE, || async {
            let delivered = self.delivered().await?;
            Ok(delivered.filter(|delivered| delivered == value).map(drop))
        })
        .await
    }

    /// Waits until a condition of the example's ApiToken says this.
    async fn sees(&self, type_: &str, status: &str, reason: &str) -> Result<()> {
        self.sees_of(TOKEN, (type_, status, reason)).await
    }

    /// The same of any ApiToken.
    async fn sees_of(&self, token: &str, said: (&str, &str, &str)) -> Result<()> {
        says(&self.tokens(), token, said).await
    }

    /// Everything that people without the right to read Secrets can see.
    async fn everything_shown(&self) -> Result<String> {
        let mut shown = Vec::new();
        for token in self.tokens().list(&Default::default()).await? {
            shown.push(serde_json::to_value(token)?);
        }
        for secret in self.secrets().list(&Default::default()).await? {
            shown.push(serde_json::to_value(secret.metadata)?);
        }
        let events: Api<Event> = Api::namespaced(self.client.clone(), TEAM_NAMESPACE);
        for event in events.list(&Default::default()).await? {
            shown.push(serde_json::to_value(event)?);
        }
        Ok(Value::from(shown).to_string())
    }
}

/// Waits until a condition of one of these objects says this.
async fn says(objects: &Api<DynamicObject>, name: &str, said: (&str, &str, &str)) -> Result<()> {
    let (type_, status, reason) = said;
    let what = format!("{name} to say {type_}={status}, {reason}");
    wait_for(&what, PATIENCE, || async {
        let object = objects.get(name).await?;
        let conditions = object.data["status"]["conditions"].as_array().cloned();
        let said = conditions.unwrap_or_default().into_iter().any(|condition| {
            condition["type"] == type_
                && condition["status"] == status
                && condition["reason"] == reason
        });
        Ok(said.then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_key_that_a_person_makes_in_the_console_is_delivered_and_followed() -> Result<()> {
    let cluster = Cluster::playing(SYSTEM).await?;
    let seenode = cluster.sandbox.system(SYSTEM)?;
    let mut person = Person::at(seenode, cluster.control_plane.admin().await?).await;
    let operator = cluster.operator().await?;

    let first = person.makes_a_key("ci").await;
    person.follows_the_example(seenode, &first).await?;
    person.sees_delivered(&first).await?;
    person.sees("Ready", "True", "Ready").await?;
    person.sees("Proven", "True", "ValueProven").await?;
    ensure!(cluster.sandbox.authenticates(seenode, &first).await?);
    let rendered = person.secrets().get(SECRET).await?.data.unwrap_or_default();
    let env = rendered.get("seenode.env").context("nothing is rendered")?;
    ensure!(env.0 == format!("SEENODE_TOKEN={first}\n").into_bytes());
    let writes = writes(&cluster)?;
    ensure!(writes.len() <= 4, "{} writes: {writes:#?}", writes.len());

    // The next key: the former one is gone at the vendor before the Secret says so.
    person.deletes_the_key("ci").await;
    ensure!(!cluster.sandbox.authenticates(seenode, &first).await?);
    let second = person.makes_a_key("ci again").await;
    person.pastes(&second).await?;
    person.sees_delivered(&second).await?;
    person.sees("Ready", "True", "Ready").await?;

    // A slip of the clipboard replaces nothing.
    let slip = "what-was-copied-before-the-key";
    person.pastes(slip).await?;
    person.sees("Accepted", "False", "ValueRefused").await?;
    person.sees("Ready", "True", "Ready").await?;
    ensure!(person.delivered().await?.as_ref() == Some(&second));
    person.pastes(&second).await?;
    person.sees("Accepted", "True", "ValueAccepted").await?;

    let once = DeleteParams::default();
    person.tokens().delete(TOKEN, &once).await?;
    wait_for("the end of the ApiToken", PATIENCE, || async {
        let token = person.tokens().get_opt(TOKEN).await?;
        Ok(token.is_none().then_some(()))
    })
    .await?;
    ensure!(person.delivered().await?.is_none(), "the Secret stays");
    ensure!(
        cluster.sandbox.authenticates(seenode, &second).await?,
        "what a person made is a person's to end"
    );
    wait_for("the source to be given back", PATIENCE, || async {
        let source = person.secrets().get(SOURCE).await?.metadata;
        Ok(source.finalizers.is_none().then_some(()))
    })
    .await?;

    let (shown, log) = (person.everything_shown().await?, cluster.log()?);
    ensure!(shown.contains("LeftBehind"), "nobody was told: {shown}");
    for value in [first.as_str(), &second, slip] {
        ensure!(!shown.contains(value), "a value is shown");
        ensure!(!log.contains(value), "a value is logged");
    }
    let requests = cluster.requests()?.into_iter();
    let refused: Vec<_> = requests.filter(|request| request.code == 403).collect();
    ensure!(
        refused.is_empty(),
        "the chart grants too little: {refused:#?}"
    );
    person.browser.close().await;
    operator.kill().await
}

#[tokio::test]
async fn a_system_that_must_be_told_a_parameter_is_asked_with_it_and_trusted_without() -> Result<()>
{
    let cluster = Cluster::playing("transiyzi").await?;
    let transiyzi = cluster.sandbox.system("transiyzi")?;
    let mut person = Person::at(transiyzi, cluster.control_plane.admin().await?).await;
    let operator = cluster.operator().await?;
    let browser = &mut person.browser;
    browser.open(&person.console).await;
    browser.follow("Generate Token").await;
    browser.write("Name", "ci").await;
    browser.press("read (download translations)").await;
    browser.follow("Generate Token").await;
    let value = browser.text("document.getElementById('value').value").await;

    let kind = |kind: &str, name: &str, spec: Value| {
        json!({
            "apiVersion": "tokenwright.dev/v1alpha1", "kind": kind,
            "metadata": { "name": name }, "spec": spec,
        })
    };
    let adopting = |name: &str, parameters: &Value| {
        let source = json!({ "secretRef": { "name": "from-the-profile" } });
        let adopt = json!({ "valueFrom": source, "parameters": parameters });
        let secret = json!({ "name": format!("{name}-token") });
        let issuer = json!({ "name": "transiyzi" });
        kind(
            "ApiToken",
            name,
            json!({ "issuerRef": issuer, "adopt": adopt, "secret": secret }),
        )
    };
    let issuer = json!({ "profile": "transiyzi", "endpoint": transiyzi.endpoint });
    let documents = [
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "from-the-profile" },
            "stringData": { "token": value },
        }),
        kind("TokenIssuer", "transiyzi", issuer),
        adopting("trusted", &json!({})),
        adopting("asked", &json!(transiyzi.parameters)),
        adopting("misspelt", &json!({ "projectid": "1" })),
    ];
    chart::create_all(&person.client, &documents, TEAM_NAMESPACE).await?;
    let ready = ("Ready", "True", "Ready");
    person.sees_of("trusted", ready).await?;
    person
        .sees_of("trusted", ("Proven", "Unknown", "CannotBeChecked"))
        .await?;
    person.sees_of("asked", ready).await?;
    person
        .sees_of("asked", ("Proven", "True", "ValueProven"))
        .await?;
    person
        .sees_of("misspelt", ("Stalled", "True", "InvalidSpec"))
        .await?;
    person.browser.close().await;
    operator.kill().await
}

/// What the operator wrote to the ApiToken and to both Secrets.
fn writes(cluster: &Cluster) -> Result<Vec<tokenwright_testbed::control_plane::Request>> {
    let mut writes = cluster.requests()?;
    writes.retain(|request| {
        let changes = ["create", "update", "patch", "delete"].contains(&request.verb.as_str());
        let object = ["apitokens", "secrets"].contains(&request.resource.as_str());
        changes && object && request.namespace == TEAM_NAMESPACE
    });
    Ok(writes)
}
