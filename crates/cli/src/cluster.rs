//! What a cluster says of its ApiTokens and issuers. Nothing here reads the data of a Secret.
//!
//! `status` and `trouble` show all objects, `why` explains one, `rotate` asks for the next revision,
//! `events` and `doctor` tell what happened and what is missing.

pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod rotate;
pub(crate) mod status;
mod trouble;
pub(crate) mod why;

use std::io::ErrorKind;

use anyhow::{Context as _, anyhow};
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Api, Client, Config};
use tokenwright_api::ApiToken;
use tokenwright_api::names::{GROUP, VERSION};

use crate::arguments;
use crate::exit::Exit;
use crate::output::{chain, complain};

/// A cluster that can be asked.
pub(crate) struct Cluster {
    pub(crate) client: Client,
    /// Of the context.
    pub(crate) namespace: String,
    pub(crate) server: String,
    pub(crate) proxy: Option<String>,
}

impl Cluster {
    /// The cluster of a kubeconfig; nothing is asked yet, unless the kubeconfig calls a program.
    pub(crate) async fn reach(asked: &arguments::Cluster) -> anyhow::Result<Self> {
        // One provider is built in; two calls are no harm.
        let _chosen = rustls::crypto::ring::default_provider().install_default();
        let options = KubeConfigOptions {
            context: asked.context.clone(),
            ..KubeConfigOptions::default()
        };
        let config = match (&asked.kubeconfig, &asked.context) {
            (Some(path), _) => {
                let file = Kubeconfig::read_from(path)
                    .with_context(|| format!("reading {}", path.display()))?;
                Config::from_custom_kubeconfig(file, &options).await?
            }
            (None, Some(_)) => Config::from_kubeconfig(&options).await?,
            (None, None) => match Config::from_kubeconfig(&options).await {
                Ok(config) => config,
                // In a pod there is none.
                Err(error) => Config::incluster().map_err(|_| unfound(error))?,
            },
        };
        Ok(Self {
            namespace: config.default_namespace.clone(),
            server: config.cluster_url.to_string(),
            proxy: config.proxy_url.as_ref().map(ToString::to_string),
            client: Client::try_from(config).context("the kubeconfig cannot be used")?,
        })
    }

    /// The objects of one of our kinds; of a namespace, or of all.
    pub(crate) fn objects(&self, kind: &str, namespace: Option<&str>) -> Api<DynamicObject> {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(GROUP, VERSION, kind));
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }

    /// All of them; page by page.
    pub(crate) async fn all(
        &self,
        kind: &str,
        namespace: Option<&str>,
    ) -> Result<Vec<DynamicObject>, kube::Error> {
        let api = self.objects(kind, namespace);
        let mut found = Vec::new();
        let mut page = ListParams::default().limit(500);
        loop {
            let list = api.list(&page).await?;
            found.extend(list.items);
            match list.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(&token),
                None => return Ok(found),
            }
        }
    }

    /// One ApiToken.
    pub(crate) async fn token(&self, asked: &arguments::Object) -> Result<ApiToken, Refusal> {
        let namespace = asked.namespace.as_deref().unwrap_or(&self.namespace);
        let api: Api<ApiToken> = Api::namespaced(self.client.clone(), namespace);
        api.get(&asked.name).await.map_err(Refusal)
    }
}

/// Why no cluster is known. That this is no pod is seldom worth a word.
fn unfound(error: KubeconfigError) -> anyhow::Error {
    match error {
        KubeconfigError::ReadConfig(io, path) if io.kind() == ErrorKind::NotFound => anyhow!(
            "no kubeconfig: {} is not there; set KUBECONFIG, or give --kubeconfig FILE",
            path.display()
        ),
        kubeconfig => anyhow::Error::new(kubeconfig)
            .context("the kubeconfig cannot be used: see KUBECONFIG, or give --kubeconfig FILE"),
    }
}

/// What kept the cluster from answering.
#[derive(Debug)]
pub(crate) struct Refusal(kube::Error);

impl From<kube::Error> for Refusal {
    fn from(error: kube::Error) -> Self {
        Self(error)
    }
}

impl Refusal {
    /// Tells it, with what a person does next.
    pub(crate) fn told(&self, doing: &str) -> Exit {
        complain(&format!("error: {doing}: {}", self.words()));
        Exit::Failed
    }

    /// What it is, and what a person does next.
    pub(crate) fn words(&self) -> String {
        match &self.0 {
            kube::Error::Api(status) if status.code == 403 => format!(
                "{}: ask whoever administers the cluster for that right",
                status.message
            ),
            kube::Error::Api(status) if status.code == 401 => {
                "the cluster does not accept the credential of the kubeconfig: log in again"
                    .to_owned()
            }
            kube::Error::Api(status) if status.code == 404 && status.message.is_empty() => {
                "it is not there: see whether the kinds are installed with `tokenwright doctor`"
                    .to_owned()
            }
            kube::Error::Api(status) if status.code == 404 => {
                format!(
                    "{}: see -n and --context, and `tokenwright doctor`",
                    status.message
                )
            }
            kube::Error::Api(status) => status.message.clone(),
            error => format!(
                "{}: see whether the cluster can be reached from here, and KUBECONFIG and --context",
                chain(error)
            ),
        }
    }
}

/// The object as its commands name it.
pub(crate) fn named(namespace: &str, name: &str) -> String {
    match namespace.is_empty() {
        true => name.to_owned(),
        false => format!("{namespace}/{name}"),
    }
}

/// An object of one of our kinds, where this version can read it.
pub(crate) fn read(object: &DynamicObject) -> anyhow::Result<ApiToken> {
    let value = serde_json::to_value(object)?;
    serde_json::from_value(value).map_err(|error| anyhow!("this version cannot read it: {error}"))
}
