//! Builds tools from their Go modules, each in a small module of its own: their dependencies'
//! versions collide.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Version;
use super::made::Made;
use crate::files::copy_folder;
use crate::progress::{self, command_line, say};

/// `go get -tool` came with Go 1.24; a newer Go that a module asks for is fetched by Go itself.
const OLDEST_GO: Version = Version::new(1, 24, 0);

/// A test's server is started more often than it works: C that is built at once beats C that is fast
/// (SQLite takes a minute otherwise, and seconds like this).
const QUICK_C: &str = "-O0 -g0";

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
    /// What stands, after its line `package`, for each module that its repository keeps in a folder of its own and
    /// publishes nowhere.
    instead: Option<&'static str>,
    /// Build tags, divided by commas.
    tags: &'static str,
    /// Whether it has parts in C.
    native: bool,
    /// Folders of the module that it reads when it runs.
    beside: &'static [&'static str],
    /// The source of a program of our own around the module, where there is none that will do.
    around: Option<&'static str>,
}

impl GoProgram {
    /// A program that is its module, and no more.
    const fn of(name: &'static str, module: &'static str, version: Version) -> Self {
        Self {
            name,
            module,
            package: module,
            version,
            linked: Vec::new(),
            staging: None,
            instead: None,
            tags: "",
            native: false,
            beside: &[],
            around: None,
        }
    }
}

pub(super) fn etcd(version: Version) -> GoProgram {
    GoProgram::of("etcd", "go.etcd.io/etcd/server/v3", version)
}

pub(super) fn kube_apiserver(version: Version) -> GoProgram {
    let variable = "k8s.io/component-base/version";
    GoProgram {
        package: "k8s.io/kubernetes/cmd/kube-apiserver",
        // Clients look at the version, and an unset one is v0.0.0.
        linked: vec![
            format!("{variable}.gitVersion=v{version}"),
            format!("{variable}.gitMajor={}", version.major),
            format!("{variable}.gitMinor={}", version.minor),
        ],
        staging: Some(Version::new(0, version.minor, version.patch)),
        ..GoProgram::of("kube-apiserver", "k8s.io/kubernetes", version)
    }
}

pub(super) fn kubectl(version: Version) -> GoProgram {
    GoProgram {
        name: "kubectl",
        package: "k8s.io/kubernetes/cmd/kubectl",
        ..kube_apiserver(version)
    }
}

pub(super) fn kube_controller_manager(version: Version) -> GoProgram {
    GoProgram {
        name: "kube-controller-manager",
        package: "k8s.io/kubernetes/cmd/kube-controller-manager",
        ..kube_apiserver(version)
    }
}

pub(super) fn gopher_lua(version: Version) -> GoProgram {
    GoProgram {
        package: "github.com/yuin/gopher-lua/cmd/glua",
        ..GoProgram::of("glua", "github.com/yuin/gopher-lua", version)
    }
}

pub(super) fn helm(version: Version) -> GoProgram {
    GoProgram {
        package: "helm.sh/helm/v4/cmd/helm",
        linked: vec![format!(
            "helm.sh/helm/v4/internal/version.version=v{version}"
        )],
        ..GoProgram::of("helm", "helm.sh/helm/v4", version)
    }
}

pub(super) fn gitea(version: Version) -> GoProgram {
    GoProgram {
        linked: vec![format!("main.Version={version}")],
        // The last two keep all but SQLite from being compiled anew with C.
        tags: "sqlite,sqlite_unlock_notify,netgo,osusergo",
        native: true,
        // The pages are compiled as it starts, though nobody looks at them.
        beside: &["options", "templates"],
        ..GoProgram::of("gitea", "code.gitea.io/gitea", version)
    }
}

pub(super) fn tofu(version: Version) -> GoProgram {
    GoProgram {
        package: "github.com/opentofu/opentofu/cmd/tofu",
        // It calls itself a development build otherwise.
        linked: vec!["github.com/opentofu/opentofu/version.dev=no".to_owned()],
        ..GoProgram::of("tofu", "github.com/opentofu/opentofu", version)
    }
}

pub(super) fn new_terraform(version: Version) -> GoProgram {
    GoProgram {
        // It calls itself a development build otherwise.
        linked: vec!["github.com/hashicorp/terraform/version.dev=no".to_owned()],
        // The clouds that it can keep states in: each is a module of its own, and needs most of what all need.
        instead: Some(
            "import \"github.com/hashicorp/terraform/internal/backend\"\n\n\
             func New() backend.Backend { panic(\"this build keeps states in files and on servers alone\") }\n",
        ),
        ..GoProgram::of("new-terraform", "github.com/hashicorp/terraform", version)
    }
}

pub(super) fn miniflux(version: Version) -> GoProgram {
    GoProgram {
        linked: vec![format!(
            "miniflux.app/v2/internal/version.Version={version}"
        )],
        ..GoProgram::of("miniflux", "miniflux.app/v2", version)
    }
}

pub(super) fn hydra(version: Version) -> GoProgram {
    GoProgram {
        linked: vec![format!(
            "github.com/ory/hydra/v2/driver/config.Version=v{version}"
        )],
        tags: "sqlite,netgo,osusergo",
        native: true,
        ..GoProgram::of("hydra", "github.com/ory/hydra/v2", version)
    }
}

pub(super) fn headscale(version: Version) -> GoProgram {
    GoProgram {
        package: "github.com/juanfont/headscale/cmd/headscale",
        linked: vec![format!(
            "github.com/juanfont/headscale/hscontrol/types.Version={version}"
        )],
        ..GoProgram::of("headscale", "github.com/juanfont/headscale", version)
    }
}

pub(super) fn external_secrets(version: Version) -> GoProgram {
    let module = "github.com/external-secrets/external-secrets";
    GoProgram {
        // Its kinds.
        beside: &["config"],
        ..GoProgram::of("external-secrets", module, version)
    }
}

pub(super) fn kustomize_controller(version: Version) -> GoProgram {
    let module = "github.com/fluxcd/kustomize-controller";
    GoProgram {
        // Its kinds.
        beside: &["config/crd/bases"],
        ..GoProgram::of("kustomize-controller", module, version)
    }
}

pub(super) fn argo_cd(version: Version) -> GoProgram {
    GoProgram {
        // Its kinds.
        beside: &["manifests/crds"],
        around: Some(include_str!("packages/argo_cd.go")),
        ..GoProgram::of("argo-cd", "github.com/argoproj/argo-cd/v3", version)
    }
}

/// Builds the program inside `workshop`.
pub(super) fn build(program: &GoProgram, workshop: &Path) -> Result<Made> {
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
    say(format!("  {name}: building it once from its Go module"));

    let module = Module::download(program, &wrapper)?;
    let mut replaced = module.replacements(program.staging);
    if let Some(code) = program.instead {
        replaced.extend(stand_ins(&module.told, code, &wrapper)?);
    }
    if !replaced.is_empty() {
        let mut replace = go(&wrapper, &["mod", "edit"]);
        replace.args(replaced);
        progress::watch(&format!("{name}: pinning its parts"), &mut replace, &log)?;
    }
    let package = format!("{}@v{}", program.package, program.version);
    let mut get = match program.around {
        Some(source) => {
            fs::write(wrapper.join("main.go"), source).context("cannot write main.go")?;
            go(&wrapper, &["get", &package])
        }
        None => go(&wrapper, &["get", "-tool", &package]),
    };
    progress::watch(&format!("{name}: downloading"), &mut get, &log).context(
        "the Go module proxy may be out of reach: check the network and `go env GOPROXY`",
    )?;

    let executable = workshop.join(program.name);
    let mut linker = String::from("-ldflags=-s -w");
    for variable in &program.linked {
        linker.push_str(" -X ");
        linker.push_str(variable);
    }
    let mut compile = go(&wrapper, &["build", "-trimpath", &linker]);
    if program.native {
        compile.env("CGO_ENABLED", "1").env("CGO_CFLAGS", QUICK_C);
    }
    compile.args(["-tags", program.tags, "-o"]).arg(&executable);
    match program.around {
        // What it needs beside the module is found as it is built.
        Some(_) => compile.args(["-mod=mod", "."]),
        None => compile.arg(program.package),
    };
    progress::watch(&format!("{name}: compiling"), &mut compile, &log)?;
    let beside = program.beside.iter().map(|folder| {
        let copy = workshop.join(folder);
        copy_folder(&module.folder.join(folder), &copy).map(|()| copy)
    });
    Ok(Made {
        executable,
        beside: beside.collect::<Result<_>>()?,
    })
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

/// What the proxy has of a module.
#[derive(Debug)]
struct Module {
    /// Its go.mod.
    told: Value,
    /// Where its files are.
    folder: PathBuf,
}

impl Module {
    fn download(program: &GoProgram, wrapper: &Path) -> Result<Self> {
        let module = format!("{}@v{}", program.module, program.version);
        let downloaded = json(&mut go(wrapper, &["mod", "download", "-json", &module]))?;
        let path = |key: &str| {
            let path = downloaded.get(key).and_then(Value::as_str);
            path.with_context(|| format!("the Go module proxy gave no {key} of {module}"))
        };
        let told = json(&mut go(wrapper, &["mod", "edit", "-json", path("GoMod")?]))?;
        Ok(Self {
            told,
            folder: path("Dir")?.into(),
        })
    }

    /// The arguments of `go mod edit` that make its dependencies what its authors test with: where
    /// it is required by another module, none of its own replacements count.
    fn replacements(&self, staging: Option<Version>) -> Vec<String> {
        let mut all = published(&self.told);
        all.extend(staging.into_iter().flat_map(|s| staged(&self.told, s)));
        all
    }
}

/// Every replacement by another published version. One by a folder has no version.
fn published(told: &Value) -> Vec<String> {
    let side = |line: &Value, side: &str| {
        let side = line.get(side)?;
        let text = |key: &str| side.get(key).and_then(Value::as_str);
        Some((text("Path")?.to_owned(), text("Version").map(str::to_owned)))
    };
    let replaced = told.get("Replace").and_then(Value::as_array);
    let argument = |line: &Value| {
        let ((old, at), (new, version)) = (side(line, "Old")?, side(line, "New")?);
        let at = at.map(|at| format!("@{at}")).unwrap_or_default();
        Some(format!("-replace={old}{at}={new}@{}", version?))
    };
    replaced
        .into_iter()
        .flatten()
        .filter_map(argument)
        .collect()
}

/// A published version for every `v0.0.0` requirement.
fn staged(told: &Value, staging: Version) -> Vec<String> {
    let required = told.get("Require").and_then(Value::as_array);
    required
        .into_iter()
        .flatten()
        // Exactly v0.0.0: `k8s.io/utils v0.0.0-2026…` is a published version of its own.
        .filter(|line| line.get("Version").and_then(Value::as_str) == Some("v0.0.0"))
        .filter_map(|line| line.get("Path")?.as_str())
        .map(|path| format!("-replace={path}={path}@v{staging}"))
        .collect()
}

/// Writes a module for every replacement by a folder, and replaces it by that.
fn stand_ins(told: &Value, code: &str, wrapper: &Path) -> Result<Vec<String>> {
    let replaced = told.get("Replace").and_then(Value::as_array);
    let by_folder = |line: &&Value| line["New"].get("Version").is_none();
    let paths = replaced
        .into_iter()
        .flatten()
        .filter(by_folder)
        .filter_map(|line| line["Old"]["Path"].as_str());
    let write = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let folder = wrapper.join(name);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("go.mod"), format!("module {path}\n\ngo 1.24\n"))?;
        fs::write(
            folder.join("stand_in.go"),
            format!("package {name}\n\n{code}"),
        )?;
        Ok(format!("-replace={path}=./{name}"))
    };
    let all: std::io::Result<_> = paths.map(write).collect();
    all.context("cannot write what stands for a part")
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
            staged(&requirements, Version::new(0, 37, 2)),
            [
                "-replace=k8s.io/api=k8s.io/api@v0.37.2",
                "-replace=k8s.io/apiserver=k8s.io/apiserver@v0.37.2",
            ]
        );
    }

    #[test]
    fn a_replacement_by_a_version_is_taken_over_and_one_by_a_folder_is_not() {
        let told = json!({ "Replace": [
            { "Old": { "Path": "a.example/one" }, "New": { "Path": "b.example/fork", "Version": "v1.2.3" } },
            { "Old": { "Path": "a.example/two", "Version": "v1.0.0" }, "New": { "Path": "a.example/two", "Version": "v1.0.1" } },
            { "Old": { "Path": "a.example/part" }, "New": { "Path": "./part" } },
        ]});
        assert_eq!(
            published(&told),
            [
                "-replace=a.example/one=b.example/fork@v1.2.3",
                "-replace=a.example/two@v1.0.0=a.example/two@v1.0.1",
            ]
        );
        assert_eq!(published(&json!({})), [""; 0]);
    }

    #[test]
    fn a_part_that_is_published_nowhere_is_stood_for_by_what_it_must_have() {
        let told = json!({ "Replace": [
            { "Old": { "Path": "a.example/one" }, "New": { "Path": "b.example/fork", "Version": "v1.2.3" } },
            { "Old": { "Path": "a.example/all/part" }, "New": { "Path": "./part" } },
        ]});
        let wrapper = tempfile::tempdir().unwrap();
        assert_eq!(
            stand_ins(&told, "func New() {}\n", wrapper.path()).unwrap(),
            ["-replace=a.example/all/part=./part"]
        );
        let text = |name: &str| fs::read_to_string(wrapper.path().join("part").join(name)).unwrap();
        assert_eq!(text("go.mod"), "module a.example/all/part\n\ngo 1.24\n");
        assert_eq!(text("stand_in.go"), "package part\n\nfunc New() {}\n");
    }

    #[test]
    fn the_parts_of_kubernetes_have_the_minor_and_patch_of_the_whole() {
        let program = kube_apiserver(Version::new(1, 33, 6));
        assert_eq!(program.staging, Some(Version::new(0, 33, 6)));
    }
}
