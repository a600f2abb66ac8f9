//! Builds tools from their Go modules, each in a small module of its own: their dependencies'
//! versions collide.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Version;
use crate::progress::{self, command_line, say};

/// `go get -tool` came with Go 1.24; a newer Go that a module asks for is fetched by Go itself.
const OLDEST_GO: Version = Version::new(1, 24, 0);

/// One program of a Go module.
#[derive(Debug)]
pub(super) struct GoProgram {
    name: &'static str,
    module: &'static str,
    package: &'static str,
    version: Version,
    /// What the linker is told beside leaving out symbols.
    linked: Vec<String>,
    /// The version of the modules that this one requires as `v0.0.0`, since its own repository
    /// replaces them by folders, and such replacements do not travel.
    staging: Option<Version>,
    /// Minutes that a cold build took on two cores.
    minutes: u32,
}

pub(super) fn etcd(version: Version) -> GoProgram {
    GoProgram {
        name: "etcd",
        module: "go.etcd.io/etcd/server/v3",
        package: "go.etcd.io/etcd/server/v3",
        version,
        linked: Vec::new(),
        staging: None,
        minutes: 1,
    }
}

pub(super) fn kube_apiserver(version: Version) -> GoProgram {
    let variable = "k8s.io/component-base/version";
    GoProgram {
        name: "kube-apiserver",
        module: "k8s.io/kubernetes",
        package: "k8s.io/kubernetes/cmd/kube-apiserver",
        version,
        // Clients look at the version, and an unset one is v0.0.0.
        linked: vec![
            format!("{variable}.gitVersion=v{version}"),
            format!("{variable}.gitMajor={}", version.major),
            format!("{variable}.gitMinor={}", version.minor),
        ],
        staging: Some(Version::new(0, version.minor, version.patch)),
        minutes: 7,
    }
}

pub(super) fn helm(version: Version) -> GoProgram {
    GoProgram {
        name: "helm",
        module: "helm.sh/helm/v4",
        package: "helm.sh/helm/v4/cmd/helm",
        version,
        linked: vec![format!(
            "helm.sh/helm/v4/internal/version.version=v{version}"
        )],
        staging: None,
        minutes: 5,
    }
}

/// Builds the program inside `workshop` and returns the executable.
pub(super) fn build(program: &GoProgram, workshop: &Path) -> Result<PathBuf> {
    check_go(program)?;
    let wrapper = workshop.join("module");
    fs::create_dir_all(&wrapper).with_context(|| format!("cannot make {}", wrapper.display()))?;
    fs::write(
        wrapper.join("go.mod"),
        "module tokenwright.dev/tools\n\ngo 1.24\n",
    )
    .context("cannot write go.mod")?;
    let log = workshop.join("log");
    let name = format!("{} {}", program.name, program.version);
    say(format!(
        "  {name}: building it once from its Go module; that takes {} min or so on two cores",
        program.minutes
    ));

    if let Some(staging) = program.staging {
        let mut replace = go(&wrapper, &["mod", "edit"]);
        replace.args(replacements(&requirements(program, &wrapper)?, staging));
        progress::watch(&format!("{name}: pinning its parts"), &mut replace, &log)?;
    }
    let package = format!("{}@v{}", program.package, program.version);
    let mut get = go(&wrapper, &["get", "-tool", &package]);
    progress::watch(&format!("{name}: downloading"), &mut get, &log).context(
        "the Go module proxy may be out of reach: check the network and `go env GOPROXY`",
    )?;

    let executable = workshop.join(program.name);
    let mut linker = String::from("-ldflags=-s -w");
    for variable in &program.linked {
        linker.push_str(" -X ");
        linker.push_str(variable);
    }
    let mut compile = go(&wrapper, &["build", "-trimpath", &linker, "-o"]);
    compile.arg(&executable).arg(program.package);
    progress::watch(&format!("{name}: compiling"), &mut compile, &log)?;
    Ok(executable)
}

fn go(wrapper: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("go");
    command
        .current_dir(wrapper)
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .env("GOFLAGS", "")
        .args(arguments);
    command
}

fn check_go(program: &GoProgram) -> Result<()> {
    let how = format!(
        "install Go {}.{} or newer (https://go.dev/dl), or put {} on PATH",
        OLDEST_GO.major, OLDEST_GO.minor, program.name
    );
    let output = Command::new("go")
        .args(["env", "GOVERSION"])
        .output()
        .with_context(|| format!("go is not on PATH: {how}"))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let number = printed.trim().trim_start_matches("go");
    // A development build says something else; it is new enough more often than not.
    let version = Version::find_in(number).or_else(|| Version::find_in(&format!("{number}.0")));
    match version {
        Some(version) if version < OLDEST_GO => bail!("Go {version} is too old: {how}"),
        _ => Ok(()),
    }
}

/// The `require` lines of the program's own go.mod.
fn requirements(program: &GoProgram, wrapper: &Path) -> Result<Value> {
    let module = format!("{}@v{}", program.module, program.version);
    let downloaded = json(&mut go(wrapper, &["mod", "download", "-json", &module]))?;
    let file = downloaded
        .get("GoMod")
        .and_then(Value::as_str)
        .with_context(|| format!("the Go module proxy gave no go.mod of {module}"))?;
    json(&mut go(wrapper, &["mod", "edit", "-json", file]))
}

/// The arguments of `go mod edit` that point every `v0.0.0` requirement at a published version.
fn replacements(requirements: &Value, staging: Version) -> Vec<String> {
    let required = requirements.get("Require").and_then(Value::as_array);
    required
        .into_iter()
        .flatten()
        // Exactly v0.0.0: `k8s.io/utils v0.0.0-2026…` is a published version of its own.
        .filter(|line| line.get("Version").and_then(Value::as_str) == Some("v0.0.0"))
        .filter_map(|line| line.get("Path")?.as_str())
        .map(|path| format!("-replace={path}={path}@v{staging}"))
        .collect()
}

/// Runs a command that prints JSON; what it says on standard error is part of the error.
fn json(command: &mut Command) -> Result<Value> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", command_line(command)))?;
    if !output.status.success() {
        bail!(
            "{} failed: {} {}",
            command_line(command),
            String::from_utf8_lossy(&output.stdout).trim(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("{} did not print JSON", command_line(command)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_requirements_without_a_version_are_replaced() {
        let requirements = json!({ "Require": [
            { "Path": "k8s.io/api", "Version": "v0.0.0" },
            { "Path": "k8s.io/utils", "Version": "v0.0.0-20260626114624-be93311217bd" },
            { "Path": "k8s.io/klog/v2", "Version": "v2.140.0" },
            { "Path": "k8s.io/apiserver", "Version": "v0.0.0", "Indirect": true },
        ]});
        assert_eq!(
            replacements(&requirements, Version::new(0, 37, 2)),
            [
                "-replace=k8s.io/api=k8s.io/api@v0.37.2",
                "-replace=k8s.io/apiserver=k8s.io/apiserver@v0.37.2",
            ]
        );
    }

    #[test]
    fn the_parts_of_kubernetes_have_the_minor_and_patch_of_the_whole() {
        let program = kube_apiserver(Version::new(1, 33, 6));
        assert_eq!(program.staging, Some(Version::new(0, 33, 6)));
    }
}
