//! The Kubernetes quickstart, as tests and the demo use it: the file with the sandbox in place of the
//! real service, and what a team sees of its token.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{
    ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ObjectMeta, PostParams,
};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::chart;
use crate::programs::{OWN_NAMESPACE, System, wait_for};

/// The example, from the root of the checkout.
pub const EXAMPLE: &str = "examples/kubernetes/quickstart.yaml";
/// Where the team lives.
pub const TEAM_NAMESPACE: &str = "team-a";
/// The ApiToken of the example.
pub const TOKEN: &str = "ci";
/// The Secret that it is delivered to.
pub const SECRET: &str = "ci-token";
/// Longer than a rotation of the example takes to fall due.
const PATIENCE: Duration = Duration::from_secs(40);

/// Creates the namespaces of operator and team.
///
/// # Errors
///
/// When the API server refuses one.
pub async fn namespaces(client: &Client) -> Result<()> {
    for name in [OWN_NAMESPACE, TEAM_NAMESPACE] {
        namespace(client, name).await?;
    }
    Ok(())
}

/// Creates a namespace.
///
/// # Errors
///
/// When the API server refuses it.
pub async fn namespace(client: &Client, name: &str) -> Result<()> {
    let metadata = ObjectMeta {
        name: Some(name.to_owned()),
        ..ObjectMeta::default()
    };
    let namespace = Namespace {
        metadata,
        ..Namespace::default()
    };
    let api: Api<Namespace> = Api::all(client.clone());
    let made = api.create(&PostParams::default(), &namespace).await;
    made.with_context(|| format!("cannot create namespace {name}"))?;
    Ok(())
}

/// The example, with the sandbox in place of the real service.
///
/// # Errors
///
/// When the example is not there, or not of the shape that this expects.
pub fn example(root: &Path, scaleway: &System) -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(root.join(EXAMPLE))
        .with_context(|| format!("{EXAMPLE} is not in the checkout"))?;
    let mut documents = chart::documents(&text)?;
    for document in &mut documents {
        match document["kind"].as_str() {
            Some("Secret") => {
                let data = document["stringData"]
                    .as_object_mut()
                    .context("the example's Secret has no stringData")?;
                data.values_mut()
                    .for_each(|value| *value = json!(scaleway.credential));
            }
            Some("TokenIssuer") => document["spec"]["endpoint"] = json!(scaleway.endpoint),
            Some("ApiToken") => {
                let id = scaleway
                    .parameters
                    .get("application_id")
                    .context("the sandbox names no application")?;
                document["spec"]["token"]["parameters"]["application_id"] = json!(id);
            }
            _ => {}
        }
    }
    Ok(documents)
}

/// What the team sees of its token.
#[derive(Clone)]
pub struct Team {
    client: Client,
}

impl std::fmt::Debug for Team {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Team")
    }
}

/// What the Secret holds; the value is the sandbox's and no secret.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// The token's id at the issuer.
    pub id: String,
    /// Its revision.
    pub revision: String,
    /// What authenticates.
    pub value: String,
}

impl Delivered {
    /// What a Secret holds, where that is a token.
    ///
    /// # Errors
    ///
    /// When the value is no text.
    pub fn of(secret: Secret) -> Result<Option<Self>> {
        let annotations = secret.metadata.annotations.unwrap_or_default();
        let annotation = |name: &str| annotations.get(&format!("tokenwright.dev/{name}")).cloned();
        let value = secret
            .data
            .unwrap_or_default()
            .remove("secret_key")
            .map(|bytes| bytes.0);
        let (Some(id), Some(revision), Some(value)) =
            (annotation("token-id"), annotation("revision"), value)
        else {
            return Ok(None);
        };
        Ok(Some(Self {
            id,
            revision,
            value: String::from_utf8(value)?,
        }))
    }

    /// For people.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{} (revision {})", self.id, self.revision)
    }
}

impl Team {
    /// The team, as somebody who may read everything.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// The ApiTokens of the team.
    #[must_use]
    pub fn tokens(&self) -> Api<DynamicObject> {
        let kind = ApiResource::from_gvk(&GroupVersionKind::gvk(
            "tokenwright.dev",
            "v1alpha1",
            "ApiToken",
        ));
        Api::namespaced_with(self.client.clone(), TEAM_NAMESPACE, &kind)
    }

    /// What the Secret holds now.
    ///
    /// # Errors
    ///
    /// When the API server gives no answer, or the wait is in vain.
    pub async fn secret(&self) -> Result<Option<Delivered>> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), TEAM_NAMESPACE);
        let Some(secret) = api
            .get_opt(SECRET)
            .await
            .context("cannot read the Secret")?
        else {
            return Ok(None);
        };
        Delivered::of(secret)
    }

    /// The Secret once it holds another token than `before`.
    ///
    /// # Errors
    ///
    /// When the API server gives no answer, or the wait is in vain.
    pub async fn secret_after(&self, before: Option<&Delivered>) -> Result<Delivered> {
        wait_for("the next value in the Secret", PATIENCE, || async {
            let held = self.secret().await?;
            Ok(held.filter(|held| before.is_none_or(|before| before.id != held.id)))
        })
        .await
    }

    /// Waits until the ApiToken is Ready.
    ///
    /// # Errors
    ///
    /// When the API server gives no answer, or the wait is in vain.
    pub async fn ready(&self) -> Result<()> {
        wait_for("the ApiToken to be Ready", PATIENCE, || async {
            let token = self
                .tokens()
                .get(TOKEN)
                .await
                .context("cannot read the ApiToken")?;
            let conditions = token.data["status"]["conditions"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let ready = conditions
                .iter()
                .any(|c| c["type"] == "Ready" && c["status"] == "True");
            Ok(ready.then_some(()))
        })
        .await
    }

    /// Deletes the ApiToken and waits until it is gone.
    ///
    /// # Errors
    ///
    /// When the API server gives no answer, or the wait is in vain.
    pub async fn delete(&self) -> Result<()> {
        self.tokens()
            .delete(TOKEN, &DeleteParams::default())
            .await
            .context("cannot delete the ApiToken")?;
        wait_for("the ApiToken to be gone", PATIENCE, || async {
            let token = self
                .tokens()
                .get_opt(TOKEN)
                .await
                .context("cannot read the ApiToken")?;
            Ok(token.is_none().then_some(()))
        })
        .await
    }
}
