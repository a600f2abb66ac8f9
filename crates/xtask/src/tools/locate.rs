//! Looks for tools that are there already: never builds, never downloads.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Tool, Version, Wanted};

/// Where to look, read from the environment once.
#[derive(Debug, Clone)]
pub struct Places {
    /// Executables that a person, or `cargo xtask test`, has named outright.
    pub named: Vec<(Tool, PathBuf)>,
    /// The folder that Kubernetes' own test tools use.
    pub assets: Option<PathBuf>,
    /// The folders of `PATH`.
    pub path: Vec<PathBuf>,
    /// Our own folder, outside every checkout.
    pub cache: PathBuf,
}

impl Places {
    /// The places that this process' environment names.
    ///
    /// # Errors
    ///
    /// When there is no folder for the cache: neither a home nor a variable that names one.
    pub fn from_env() -> Result<Self> {
        let named = Tool::ALL
            .into_iter()
            .filter_map(|tool| Some((tool, PathBuf::from(env::var_os(tool.env_var())?))))
            .collect();
        Ok(Self {
            named,
            assets: folder("KUBEBUILDER_ASSETS"),
            path: env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect(),
            cache: cache()?,
        })
    }

    /// Where the cache keeps the tool.
    pub fn cached(&self, wanted: &Wanted) -> PathBuf {
        self.cache.join(wanted.key()).join(wanted.tool.name())
    }
}

fn cache() -> Result<PathBuf> {
    if let Some(named) = folder("TOKENWRIGHT_TOOLS") {
        return Ok(named);
    }
    let caches = match folder("XDG_CACHE_HOME") {
        Some(caches) => caches,
        None => folder("HOME")
            .context("no folder to keep tools in: set TOKENWRIGHT_TOOLS, XDG_CACHE_HOME or HOME")?
            .join(".cache"),
    };
    Ok(caches.join("tokenwright").join("tools"))
}

fn folder(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// Which kind of place a tool was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Named by the tool's own environment variable.
    Named,
    /// In `KUBEBUILDER_ASSETS`.
    Assets,
    /// On `PATH`.
    Path,
    /// In our cache.
    Cache,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Place::Named => "named",
            Place::Assets => "KUBEBUILDER_ASSETS",
            Place::Path => "PATH",
            Place::Cache => "cache",
        })
    }
}

/// A tool that will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The executable.
    pub path: PathBuf,
    /// What it says its version is; unknown for one that a person named outright.
    pub version: Option<Version>,
    /// Where it was.
    pub place: Place,
}

/// The outcome of a search.
#[derive(Debug, Clone, Default)]
pub struct Located {
    /// The tool, if one will do.
    pub found: Option<Found>,
    /// Sentences about those that will not do, and why.
    pub passed_over: Vec<String>,
}

/// Looks for a tool: the one named outright, then `KUBEBUILDER_ASSETS`, `PATH` and the cache.
///
/// # Errors
///
/// When the tool's own variable names something that is not there: then nothing else is tried, since
/// somebody meant exactly that one.
pub fn locate(wanted: &Wanted, places: &Places) -> Result<Located> {
    let named = places.named.iter().find(|(tool, _)| *tool == wanted.tool);
    if let Some((tool, path)) = named {
        if !path.is_file() {
            bail!(
                "{} names {}, which is not there",
                tool.env_var(),
                path.display()
            );
        }
        return Ok(Located {
            found: Some(Found {
                path: path.clone(),
                version: None,
                place: Place::Named,
            }),
            passed_over: Vec::new(),
        });
    }

    let name = wanted.tool.name();
    let assets = places
        .assets
        .iter()
        .map(|folder| (Place::Assets, folder.join(name)));
    let path = places
        .path
        .iter()
        .filter(|_| wanted.tool.is_sought_on_path())
        .map(|folder| (Place::Path, folder.join(name)));
    let cache = std::iter::once((Place::Cache, places.cached(wanted)));
    let mut located = Located::default();
    for (place, path) in assets.chain(path).chain(cache) {
        if !path.is_file() {
            continue;
        }
        match version_of(wanted.tool, &path) {
            Ok(version) if wanted.accept.takes(version) => {
                located.found = Some(Found {
                    path,
                    version: Some(version),
                    place,
                });
                break;
            }
            Ok(version) => located.passed_over.push(format!(
                "{} is version {version}, which will not do for {wanted}",
                path.display()
            )),
            Err(error) => located.passed_over.push(format!("{error:#}")),
        }
    }
    Ok(located)
}

/// Asks the executable which version it is, or Go which version it was built of.
pub(super) fn version_of(tool: Tool, path: &Path) -> Result<Version> {
    let (program, file) = match tool {
        Tool::ExternalSecrets | Tool::KustomizeController => (Path::new("go"), Some(path)),
        _ => (path, None),
    };
    let output = Command::new(program)
        .args(tool.version_arguments())
        .args(file)
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    Version::find_in(&String::from_utf8_lossy(&output.stdout))
        .with_context(|| format!("{} does not say its version", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;
    use crate::tools::KubernetesVersion;

    /// Folders with pretended tools that print a version.
    struct Machine {
        root: TempDir,
        places: Places,
    }

    fn machine() -> Machine {
        let root = tempfile::tempdir().unwrap();
        let places = Places {
            named: Vec::new(),
            assets: Some(root.path().join("assets")),
            path: vec![root.path().join("bin"), root.path().join("sbin")],
            cache: root.path().join("cache"),
        };
        Machine { root, places }
    }

    impl Machine {
        fn with(self, path: &str, prints: &str) -> Self {
            let path = self.root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, format!("#!/bin/sh\necho '{prints}'\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            self
        }

        #[track_caller]
        fn finds(&self, kubernetes: Option<&str>, expected: Option<(&str, Place)>) {
            let kubernetes = kubernetes.map(|text| text.parse::<KubernetesVersion>().unwrap());
            let wanted = Wanted::of(Tool::KubeApiserver, kubernetes);
            let found = locate(&wanted, &self.places).unwrap().found;
            let expected = expected.map(|(path, place)| (self.root.path().join(path), place));
            assert_eq!(found.map(|found| (found.path, found.place)), expected);
        }
    }

    #[test]
    fn assets_win_over_path_and_path_over_the_cache() {
        let machine = machine();
        machine.finds(None, None);
        let machine = machine.with(
            "cache/kube-apiserver-1.37.2/kube-apiserver",
            "Kubernetes v1.37.2",
        );
        machine.finds(
            None,
            Some(("cache/kube-apiserver-1.37.2/kube-apiserver", Place::Cache)),
        );
        let machine = machine.with("sbin/kube-apiserver", "Kubernetes v1.34.0");
        machine.finds(None, Some(("sbin/kube-apiserver", Place::Path)));
        let machine = machine.with("assets/kube-apiserver", "Kubernetes v1.35.0");
        machine.finds(None, Some(("assets/kube-apiserver", Place::Assets)));
    }

    #[test]
    fn one_that_is_too_old_or_mute_is_passed_over_with_a_sentence() {
        let machine = machine()
            .with("assets/kube-apiserver", "Kubernetes v1.32.9")
            .with("bin/kube-apiserver", "hello")
            .with("sbin/kube-apiserver", "Kubernetes v1.33.0");
        machine.finds(None, Some(("sbin/kube-apiserver", Place::Path)));
        let wanted = Wanted::of(Tool::KubeApiserver, None);
        let said = locate(&wanted, &machine.places).unwrap().passed_over;
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].contains("is version 1.32.9"), "{said:?}");
        assert!(said[1].contains("does not say its version"), "{said:?}");
    }

    #[test]
    fn a_version_that_was_asked_for_is_not_answered_with_a_newer_one() {
        let machine = machine().with("bin/kube-apiserver", "Kubernetes v1.37.2");
        machine.finds(Some("1.33"), None);
        let cached = "cache/kube-apiserver-1.33.13/kube-apiserver";
        let machine = machine.with(cached, "Kubernetes v1.33.13");
        machine.finds(Some("1.33"), Some((cached, Place::Cache)));
    }

    #[test]
    fn a_server_that_does_not_tell_of_its_plugin_is_taken_from_the_cache_alone() {
        let wanted = Wanted::of(Tool::Devpi, None);
        let machine = machine().with("bin/devpi-server", "6.20.3");
        assert_eq!(locate(&wanted, &machine.places).unwrap().found, None);
        let machine = machine.with("cache/devpi-server-6.20.3/devpi-server", "6.20.3");
        let found = locate(&wanted, &machine.places).unwrap().found;
        assert_eq!(found.map(|found| found.place), Some(Place::Cache));
    }

    #[test]
    fn a_named_tool_is_taken_as_it_is_and_a_wrong_name_is_an_error() {
        let mut machine = machine().with("elsewhere/kas", "anything");
        let path = machine.root.path().join("elsewhere/kas");
        machine.places.named.push((Tool::KubeApiserver, path));
        machine.finds(Some("1.33"), Some(("elsewhere/kas", Place::Named)));

        machine.places.named[0].1 = machine.root.path().join("absent");
        let wanted = Wanted::of(Tool::KubeApiserver, None);
        let error = locate(&wanted, &machine.places).unwrap_err().to_string();
        assert!(
            error.starts_with("TOKENWRIGHT_KUBE_APISERVER names "),
            "{error}"
        );
    }
}
