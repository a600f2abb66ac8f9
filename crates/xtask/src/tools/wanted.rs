//! Which version of each tool is built where none is found, and which will do.

use std::fmt;

use super::{KubernetesVersion, Tool, Version};

/// A tool in the version that is built where none is found, and the versions that will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Which tool.
    pub tool: Tool,
    /// What is built, and the key of the cache.
    pub version: Version,
    /// Which versions found elsewhere will do.
    pub accept: Accept,
}

/// Which versions of a tool will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    /// This one or any newer.
    AtLeast(Version),
    /// Any patch of this minor version: somebody asked for it.
    MinorOf(Version),
}

impl Accept {
    /// Whether `version` will do.
    pub fn takes(self, version: Version) -> bool {
        match self {
            Accept::AtLeast(least) => version >= least,
            Accept::MinorOf(asked) => (version.major, version.minor) == (asked.major, asked.minor),
        }
    }
}

impl Wanted {
    /// What the tests want of `tool`; `kubernetes` is what somebody asked for by name.
    pub fn of(tool: Tool, kubernetes: Option<KubernetesVersion>) -> Self {
        let (version, accept) = match tool {
            // Kubernetes 1.33 wants etcd 3.5.21 at least, for a watch fix.
            Tool::Etcd => (
                Version::new(3, 6, 16),
                Accept::AtLeast(Version::new(3, 5, 21)),
            ),
            Tool::KubeApiserver | Tool::KubeControllerManager => match kubernetes {
                Some(asked) => (asked.version(), Accept::MinorOf(asked.version())),
                // 1.33 is the oldest Kubernetes that the operator supports.
                None => (
                    KubernetesVersion::DEFAULT.version(),
                    Accept::AtLeast(Version::new(1, 33, 0)),
                ),
            },
            // What Debian 12 has; the least that reads what our alerts are written in.
            Tool::Promtool => (
                Version::new(2, 42, 0),
                Accept::AtLeast(Version::new(2, 42, 0)),
            ),
            // Helm 3 renders some values in another order than Helm 4.
            Tool::Helm => (
                Version::new(4, 3, 1),
                Accept::AtLeast(Version::new(4, 0, 0)),
            ),
            // The first that completes the arguments of plugins is older still.
            Tool::Kubectl => (
                KubernetesVersion::DEFAULT.version(),
                Accept::AtLeast(Version::new(1, 30, 0)),
            ),
            // The one of Argo CD 2.13 to 3.
            Tool::GopherLua => same_minor(Version::new(1, 1, 1)),
            // deny.toml is written for the keys of this minor version.
            Tool::CargoDeny => (
                Version::new(0, 20, 2),
                Accept::AtLeast(Version::new(0, 20, 0)),
            ),
            // 1.11 is the first with write-only attributes.
            Tool::Terraform => (
                Version::new(1, 11, 4),
                Accept::AtLeast(Version::new(1, 11, 0)),
            ),
            // The newest that is published as a module, and the first whose actions see an end.
            Tool::NewTerraform => (
                Version::new(1, 16, 0),
                Accept::AtLeast(Version::new(1, 16, 0)),
            ),
            // 1.11 is the first with ephemeral resources and write-only attributes.
            Tool::Tofu => (
                Version::new(1, 12, 6),
                Accept::AtLeast(Version::new(1, 11, 0)),
            ),
            // The examples beside the profiles were recorded from these minor versions.
            Tool::JupyterHub => same_minor(Version::new(6, 1, 1)),
            Tool::Devpi => same_minor(Version::new(6, 20, 3)),
            Tool::Gitea => same_minor(Version::new(1, 26, 0)),
            Tool::Verdaccio => same_minor(Version::new(6, 10, 4)),
            Tool::Keystone => same_minor(Version::new(28, 1, 0)),
            Tool::Zenml => same_minor(Version::new(0, 98, 0)),
            Tool::Miniflux => same_minor(Version::new(2, 3, 5)),
            Tool::Headscale => same_minor(Version::new(0, 26, 1)),
            Tool::Hydra => same_minor(Version::new(2, 3, 0)),
            Tool::Unleash => same_minor(Version::new(7, 4, 1)),
            Tool::Keycloak => same_minor(Version::new(26, 0, 8)),
            Tool::Synapse => same_minor(Version::new(1, 163, 2)),
            // The sandbox promises this one and no other.
            Tool::SeemeClient => same_minor(Version::new(0, 43, 2)),
            // The last that is one module; the modules that a later one is made of are published nowhere.
            Tool::ExternalSecrets => same_minor(Version::new(0, 16, 2)),
            // The newest that Go 1.26 builds.
            Tool::KustomizeController => same_minor(Version::new(1, 9, 6)),
            // The last whose engine is a module of its own; that of a later one is published nowhere.
            Tool::ArgoCd => same_minor(Version::new(3, 2, 11)),
            // 112 is the first whose headless mode is the real browser.
            Tool::Chromium => (
                Version::new(112, 0, 0),
                Accept::AtLeast(Version::new(112, 0, 0)),
            ),
        };
        Self {
            tool,
            version,
            accept,
        }
    }

    /// The name of the tool's folder in the cache.
    pub(crate) fn key(&self) -> String {
        format!("{}-{}", self.tool.name(), self.version)
    }
}

const fn same_minor(version: Version) -> (Version, Accept) {
    (version, Accept::MinorOf(version))
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.tool.name(), self.version)
    }
}
