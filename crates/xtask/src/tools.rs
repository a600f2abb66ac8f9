//! The programs that tests and the demo need beside cargo: which, in which version, and found how.
//!
//! This is the one place that names them, their versions and the environment variables through which
//! a test is told where they are. Nothing here runs a test or starts a server.

use std::fmt;
use std::time::Duration;

use clap::ValueEnum;

mod debian;
mod go;
mod install;
mod locate;
mod made;
mod maven;
mod node;
mod python;
mod version;
mod wanted;

pub use install::{provide, spoken};
pub use locate::{Found, Located, Place, Places, locate};
pub use version::{KubernetesVersion, Version};
pub use wanted::{Accept, Wanted};

/// A program that is not part of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// The store of the control plane.
    Etcd,
    /// The control plane itself.
    KubeApiserver,
    /// The real controllers, for what follows a deletion.
    KubeControllerManager,
    /// Renders the chart.
    Helm,
    /// What people ask a cluster with; it runs our command line as its plugin.
    Kubectl,
    /// Runs Lua as Argo CD does: it is the library that Argo CD has inside.
    GopherLua,
    /// Reads alerts as Prometheus does, and tries them.
    Promtool,
    /// Checks licences, bans and sources.
    CargoDeny,
    /// Drives the provider; it must be there.
    Terraform,
    /// A newer one, that knows identities of resources, lists and actions: built from its module for tests, which run it and
    /// nothing else. Its licence (BUSL 1.1) is about what people do with it; nothing here ships or contains it.
    NewTerraform,
    /// Another core that runs the provider, built from its module.
    Tofu,
    /// A token system that is not ours, for tests of its profile.
    JupyterHub,
    /// Another, with the plugin that gives it tokens.
    Devpi,
    /// Another.
    Gitea,
    /// An npm registry.
    Verdaccio,
    /// OpenStack's identity service, for `cargo xtask test --servers`, as all that follow: Python that has it.
    Keystone,
    /// Python that has ZenML's server.
    Zenml,
    /// A reader of feeds.
    Miniflux,
    /// A control server for Tailscale's clients.
    Headscale,
    /// Feature flags.
    Unleash,
    /// OAuth 2.0.
    Hydra,
    /// Identities.
    Keycloak,
    /// Python that has Synapse, a server of Matrix.
    Synapse,
    /// Python with the client that SeeMe.ai itself ships, to hold the sandbox against.
    SeemeClient,
    /// Another operator that mints tokens, for `cargo xtask bench operator --external-secrets`.
    ExternalSecrets,
    /// The controller of Flux that applies, waits and prunes, for `cargo xtask test --gitops`.
    KustomizeController,
    /// Argo CD's application controller and repository server in one program, for the same.
    ArgoCd,
    /// Looks at web pages; it must be there.
    Chromium,
}

/// What tools are there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Group {
    /// A real control plane, and what is installed on it.
    Kubernetes,
    /// The provider's tests.
    Terraform,
    /// Checks of the source itself.
    Checks,
    /// Real token systems.
    Servers,
    /// More of them, which `cargo xtask test --servers` runs, and nothing else builds.
    MoreServers,
    /// Programs of others that do what ours do, for measurements beside them; nothing else builds them.
    Peers,
    /// Flux and Argo CD, which `cargo xtask test --gitops` runs, and nothing else builds.
    Gitops,
    /// What tests need beside: the vendors' own clients, a browser, kubectl, the controllers of Kubernetes.
    Clients,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_possible_value() {
            Some(name) => f.write_str(name.get_name()),
            None => Ok(()),
        }
    }
}

impl Group {
    /// Whether these are wanted where nobody names a group.
    pub const fn is_usual(self) -> bool {
        !matches!(self, Group::MoreServers | Group::Peers | Group::Gitops)
    }
}

impl Tool {
    /// Every tool, in the order in which they are provided: what must be there already, a quick one
    /// that shows whether the machine can build at all, what the demo needs, and then what a single
    /// profile needs.
    pub const ALL: [Tool; 28] = [
        Tool::Terraform,
        Tool::Chromium,
        Tool::CargoDeny,
        Tool::Etcd,
        Tool::KubeApiserver,
        Tool::KubeControllerManager,
        Tool::Helm,
        Tool::Kubectl,
        Tool::GopherLua,
        Tool::Promtool,
        Tool::Devpi,
        Tool::SeemeClient,
        Tool::JupyterHub,
        Tool::Verdaccio,
        Tool::Gitea,
        Tool::Tofu,
        Tool::NewTerraform,
        Tool::Keystone,
        Tool::Zenml,
        Tool::Miniflux,
        Tool::Headscale,
        Tool::Hydra,
        Tool::Unleash,
        Tool::Keycloak,
        Tool::Synapse,
        Tool::ExternalSecrets,
        Tool::KustomizeController,
        Tool::ArgoCd,
    ];

    /// The name of the executable.
    pub const fn name(self) -> &'static str {
        match self {
            Tool::Etcd => "etcd",
            Tool::KubeApiserver => "kube-apiserver",
            Tool::KubeControllerManager => "kube-controller-manager",
            Tool::Promtool => "promtool",
            Tool::Helm => "helm",
            Tool::Kubectl => "kubectl",
            Tool::GopherLua => "glua",
            Tool::CargoDeny => "cargo-deny",
            Tool::Terraform => "terraform",
            Tool::NewTerraform => "new-terraform",
            Tool::Tofu => "tofu",
            Tool::JupyterHub => "jupyterhub",
            Tool::Devpi => "devpi-server",
            Tool::Gitea => "gitea",
            Tool::Verdaccio => "verdaccio",
            Tool::Keystone => "keystone-python",
            Tool::Zenml => "zenml-python",
            Tool::Miniflux => "miniflux",
            Tool::Headscale => "headscale",
            Tool::Hydra => "hydra",
            Tool::Unleash => "unleash",
            Tool::Keycloak => "keycloak",
            Tool::Synapse => "synapse-python",
            Tool::SeemeClient => "seeme-python",
            Tool::ExternalSecrets => "external-secrets",
            Tool::KustomizeController => "kustomize-controller",
            Tool::ArgoCd => "argo-cd",
            Tool::Chromium => "chromium",
        }
    }

    /// The environment variable that names the executable; it wins over every other place.
    pub const fn env_var(self) -> &'static str {
        match self {
            Tool::Etcd => "TOKENWRIGHT_ETCD",
            Tool::KubeApiserver => "TOKENWRIGHT_KUBE_APISERVER",
            Tool::KubeControllerManager => "TOKENWRIGHT_KUBE_CONTROLLER_MANAGER",
            Tool::Promtool => "TOKENWRIGHT_PROMTOOL",
            Tool::Helm => "TOKENWRIGHT_HELM",
            Tool::Kubectl => "TOKENWRIGHT_KUBECTL",
            Tool::GopherLua => "TOKENWRIGHT_GOPHER_LUA",
            Tool::CargoDeny => "TOKENWRIGHT_CARGO_DENY",
            Tool::Terraform => "TOKENWRIGHT_TERRAFORM",
            Tool::NewTerraform => "TOKENWRIGHT_NEW_TERRAFORM",
            Tool::Tofu => "TOKENWRIGHT_TOFU",
            Tool::JupyterHub => "TOKENWRIGHT_JUPYTERHUB",
            Tool::Devpi => "TOKENWRIGHT_DEVPI_SERVER",
            Tool::Gitea => "TOKENWRIGHT_GITEA",
            Tool::Verdaccio => "TOKENWRIGHT_VERDACCIO",
            Tool::Keystone => "TOKENWRIGHT_KEYSTONE_PYTHON",
            Tool::Zenml => "TOKENWRIGHT_ZENML_PYTHON",
            Tool::Miniflux => "TOKENWRIGHT_MINIFLUX",
            Tool::Headscale => "TOKENWRIGHT_HEADSCALE",
            Tool::Hydra => "TOKENWRIGHT_HYDRA",
            Tool::Unleash => "TOKENWRIGHT_UNLEASH",
            Tool::Keycloak => "TOKENWRIGHT_KEYCLOAK",
            Tool::Synapse => "TOKENWRIGHT_SYNAPSE_PYTHON",
            Tool::SeemeClient => "TOKENWRIGHT_SEEME_PYTHON",
            Tool::ExternalSecrets => "TOKENWRIGHT_EXTERNAL_SECRETS",
            Tool::KustomizeController => "TOKENWRIGHT_KUSTOMIZE_CONTROLLER",
            Tool::ArgoCd => "TOKENWRIGHT_ARGO_CD",
            Tool::Chromium => "TOKENWRIGHT_CHROMIUM",
        }
    }

    /// What it is there for.
    pub const fn group(self) -> Group {
        match self {
            Tool::Etcd | Tool::KubeApiserver | Tool::Helm => Group::Kubernetes,
            Tool::Terraform | Tool::NewTerraform | Tool::Tofu => Group::Terraform,
            Tool::CargoDeny => Group::Checks,
            Tool::JupyterHub | Tool::Devpi | Tool::Gitea | Tool::Verdaccio => Group::Servers,
            Tool::Keystone
            | Tool::Zenml
            | Tool::Miniflux
            | Tool::Headscale
            | Tool::Hydra
            | Tool::Unleash
            | Tool::Keycloak
            | Tool::Synapse => Group::MoreServers,
            Tool::ExternalSecrets => Group::Peers,
            Tool::KustomizeController | Tool::ArgoCd => Group::Gitops,
            Tool::Kubectl
            | Tool::KubeControllerManager
            | Tool::GopherLua
            | Tool::Promtool
            | Tool::SeemeClient
            | Tool::Chromium => Group::Clients,
        }
    }

    /// How a person gets it, in a few words.
    pub const fn how(self) -> &'static str {
        match self {
            Tool::Etcd
            | Tool::KubeApiserver
            | Tool::KubeControllerManager
            | Tool::Helm
            | Tool::Kubectl
            | Tool::GopherLua
            | Tool::Promtool
            | Tool::CargoDeny
            | Tool::JupyterHub
            | Tool::Devpi
            | Tool::Gitea
            | Tool::NewTerraform
            | Tool::Tofu
            | Tool::Verdaccio
            | Tool::SeemeClient => "get it with `cargo xtask tools`",
            Tool::Keystone
            | Tool::Zenml
            | Tool::Miniflux
            | Tool::Headscale
            | Tool::Hydra
            | Tool::Unleash
            | Tool::Keycloak
            | Tool::Synapse => "get it with `cargo xtask tools more-servers`",
            Tool::ExternalSecrets => "get it with `cargo xtask tools peers`",
            Tool::KustomizeController | Tool::ArgoCd => "get it with `cargo xtask tools gitops`",
            Tool::Terraform => {
                "install Terraform 1.11 or newer (https://developer.hashicorp.com/terraform/install)"
            }
            Tool::Chromium => "install it (Debian: apt-get install chromium)",
        }
    }

    /// How long providing it takes where nothing is cached, on two cores; nothing where a person must
    /// install it.
    pub const fn takes(self) -> Option<Duration> {
        let minutes = match self {
            Tool::Terraform | Tool::Chromium => return None,
            Tool::CargoDeny
            | Tool::GopherLua
            | Tool::Promtool
            | Tool::Devpi
            | Tool::SeemeClient
            | Tool::JupyterHub
            | Tool::Verdaccio
            | Tool::Keystone
            | Tool::Zenml
            | Tool::Synapse
            | Tool::Unleash => return Some(Duration::from_secs(30)),
            Tool::Etcd | Tool::Miniflux => 1,
            Tool::Keycloak | Tool::Hydra => 2,
            Tool::Kubectl
            | Tool::Headscale
            | Tool::NewTerraform
            | Tool::KustomizeController
            | Tool::ArgoCd => 3,
            Tool::KubeApiserver => 7,
            Tool::KubeControllerManager | Tool::Helm | Tool::Gitea | Tool::Tofu => 5,
            Tool::ExternalSecrets => 10,
        };
        Some(Duration::from_secs(minutes * 60))
    }

    /// True for the programs that only a test on a real control plane starts.
    pub const fn is_control_plane(self) -> bool {
        matches!(
            self,
            Tool::Etcd | Tool::KubeApiserver | Tool::KubeControllerManager
        )
    }

    /// Whether one on `PATH` will do. A devpi-server says the same with and without its plugin, and
    /// a Python says nothing of the packages it has;
    /// the Lua that a release of Argo CD has inside is of one version; what External Secrets Operator, Flux and Argo CD have
    /// of kinds lies beside what is built here.
    pub(crate) const fn is_sought_on_path(self) -> bool {
        !matches!(
            self,
            Tool::Devpi
                | Tool::SeemeClient
                | Tool::GopherLua
                | Tool::Keystone
                | Tool::Zenml
                | Tool::Synapse
                | Tool::Keycloak
                | Tool::ExternalSecrets
                | Tool::KustomizeController
                | Tool::ArgoCd
        )
    }

    /// The arguments that make the program print its version.
    pub(crate) const fn version_arguments(self) -> &'static [&'static str] {
        match self {
            Tool::Helm => &["version", "--short"],
            Tool::Kubectl => &["version", "--client"],
            // Its own name for its version is the same in every release, so that its place in the cache tells
            // it; here it is asked whether it runs.
            Tool::GopherLua => &["-e", "print('1.1.1')"],
            Tool::SeemeClient => &[
                "-c",
                "from importlib.metadata import version; print(version('seeme'))",
            ],
            Tool::Keystone => &[
                "-c",
                "from importlib.metadata import version; print(version('keystone'))",
            ],
            Tool::Zenml => &[
                "-c",
                "from importlib.metadata import version; print(version('zenml'))",
            ],
            Tool::Synapse => &[
                "-c",
                "from importlib.metadata import version; print(version('matrix-synapse'))",
            ],
            // Of Go, which is asked in their place: they say nothing of themselves.
            Tool::ExternalSecrets | Tool::KustomizeController => &["version", "-m"],
            Tool::Miniflux => &["-version"],
            Tool::Headscale | Tool::Hydra | Tool::ArgoCd => &["version"],
            Tool::Etcd
            | Tool::KubeApiserver
            | Tool::KubeControllerManager
            | Tool::Promtool
            | Tool::CargoDeny
            | Tool::Terraform
            | Tool::NewTerraform
            | Tool::JupyterHub
            | Tool::Unleash
            | Tool::Keycloak
            | Tool::Devpi
            | Tool::Gitea
            | Tool::Tofu
            | Tool::Verdaccio
            | Tool::Chromium => &["--version"],
        }
    }
}
