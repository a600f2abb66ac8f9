//! The cluster that the operator of the demo works in: a real control plane where one is built, else
//! the in-memory API.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use kube::Client;
use tempfile::TempDir;

use crate::chart;
use crate::control_plane::ControlPlane;
use crate::memory::{Listener, Memory};
use crate::programs::OWN_NAMESPACE;
use crate::quickstart::namespaces;
use crate::tools::{self, Tools};

/// A running cluster.
pub(super) struct Cluster {
    kind: Kind,
    pub(super) client: Client,
    pub(super) operator_kubeconfig: PathBuf,
    pub(super) folder: TempDir,
}

enum Kind {
    Real { _control_plane: Box<ControlPlane> },
    Embedded { _listener: Listener, why: String },
}

impl Cluster {
    pub(super) async fn start(embedded: bool) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("tokenwright-demo-")
            .tempdir()?;
        let found = Tools::find().and_then(|found| tools::helm().map(|_| found));
        match found {
            Ok(found) if !embedded => Self::real(&found, folder).await,
            Ok(_) => Self::embedded(folder, "as --embedded asks".to_owned()).await,
            Err(error) => Self::embedded(folder, format!("{error:#}")).await,
        }
    }

    async fn real(found: &Tools, folder: TempDir) -> Result<Self> {
        let control_plane = ControlPlane::start(found).await?;
        let client = control_plane.admin().await?;
        namespaces(&client).await?;
        let documents = chart::render(Path::new("."), OWN_NAMESPACE, &[])?;
        chart::install_without_deployment(&client, &documents, OWN_NAMESPACE).await?;
        let (user, groups) = chart::service_account(&documents, OWN_NAMESPACE)?;
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        let operator_kubeconfig = control_plane.kubeconfig(&user, &groups)?;
        let kind = Kind::Real {
            _control_plane: Box::new(control_plane),
        };
        Ok(Self {
            kind,
            client,
            operator_kubeconfig,
            folder,
        })
    }

    async fn embedded(folder: TempDir, why: String) -> Result<Self> {
        let memory = Memory::new();
        let client = memory.client("demo");
        namespaces(&client).await?;
        let crds = std::process::Command::new(tools::product_binary("tokenwright-operator")?)
            .arg("crd")
            .output();
        let crds = String::from_utf8(crds.context("cannot start the operator")?.stdout)?;
        chart::create_all(&client, &chart::documents(&crds)?, OWN_NAMESPACE).await?;
        let listener = memory
            .serve()
            .await
            .context("cannot serve the in-memory API")?;
        let operator_kubeconfig = folder.path().join("operator.kubeconfig");
        listener.kubeconfig(&operator_kubeconfig, "operator")?;
        Ok(Self {
            kind: Kind::Embedded {
                _listener: listener,
                why,
            },
            client,
            operator_kubeconfig,
            folder,
        })
    }

    pub(super) fn describe(&self) -> String {
        match &self.kind {
            Kind::Real { .. } => {
                "A real kube-apiserver is up, with the CRDs and the chart's own RBAC for the operator".to_owned()
            }
            Kind::Embedded { why, .. } => format!(
                "The embedded Kubernetes API is up, without helm and RBAC ({why}); `cargo xtask tools` builds a real control plane"
            ),
        }
    }
}
