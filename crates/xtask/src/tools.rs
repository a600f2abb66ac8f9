//! The programs that tests and the demo need beside cargo: which, in which version, and found how.
//!
//! This is the one place that names them, their versions and the environment variables through which
//! a test is told where they are. Nothing here runs a test or starts a server.

mod go;
mod install;
mod locate;
mod version;
mod wheel;

pub use install::provide;
pub use locate::{Found, Located, Place, Places, locate};
pub use version::{KubernetesVersion, Version};

/// A program that is not part of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// The store of the control plane.
    Etcd,
    /// The control plane itself.
    KubeApiserver,
    /// Renders the chart.
    Helm,
    /// Checks licences, bans and sources.
    CargoDeny,
    /// Drives the provider; it cannot be built from its module, so it must be there.
    Terraform,
}

impl Tool {
    /// Every tool, in the order in which they are provided: the slow build comes when the quick ones
    /// have shown that the machine can build at all.
    pub const ALL: [Tool; 5] = [
        Tool::Terraform,
        Tool::CargoDeny,
        Tool::Etcd,
        Tool::Helm,
        Tool::KubeApiserver,
    ];

    /// The name of the executable.
    pub const fn name(self) -> &'static str {
        match self {
            Tool::Etcd => "etcd",
            Tool::KubeApiserver => "kube-apiserver",
            Tool::Helm => "helm",
            Tool::CargoDeny => "cargo-deny",
            Tool::Terraform => "terraform",
        }
    }

    /// The environment variable that names the executable; it wins over every other place.
    pub const fn env_var(self) -> &'static str {
        match self {
            Tool::Etcd => "TOKENWRIGHT_ETCD",
            Tool::KubeApiserver => "TOKENWRIGHT_KUBE_APISERVER",
            Tool::Helm => "TOKENWRIGHT_HELM",
            Tool::CargoDeny => "TOKENWRIGHT_CARGO_DENY",
            Tool::Terraform => "TOKENWRIGHT_TERRAFORM",
        }
    }

    /// True for the programs that only a test on a real control plane starts.
    pub const fn is_control_plane(self) -> bool {
        matches!(self, Tool::Etcd | Tool::KubeApiserver)
    }

    /// The arguments that make the program print its version.
    pub(crate) const fn version_arguments(self) -> &'static [&'static str] {
        match self {
            Tool::Helm => &["version", "--short"],
            Tool::Etcd | Tool::KubeApiserver | Tool::CargoDeny | Tool::Terraform => &["--version"],
        }
    }
}

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
            Tool::KubeApiserver => match kubernetes {
                Some(asked) => (asked.version(), Accept::MinorOf(asked.version())),
                // 1.33 is the oldest Kubernetes that the operator supports.
                None => (
                    KubernetesVersion::DEFAULT.version(),
                    Accept::AtLeast(Version::new(1, 33, 0)),
                ),
            },
            // Helm 3 renders some values in another order than Helm 4.
            Tool::Helm => (
                Version::new(4, 3, 1),
                Accept::AtLeast(Version::new(4, 0, 0)),
            ),
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

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.tool.name(), self.version)
    }
}
