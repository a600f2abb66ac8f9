//! `cargo xtask fuzz`: looks for profiles, expressions, answers and credentials that break a promise of the client.
//!
//! The compiler counts which code each input reaches, and libFuzzer changes those that reach new code.
//! That needs a build of everything of its own, minutes long; so it is no part of `cargo xtask test`,
//! which replays the committed corpora and draws texts at random.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;
use xtask::progress::{command_line, say};

use super::cargo::{cargo, root, workspace};

/// What is fuzzed, by the folder of its corpus, and the most bytes of an input: enough for whatever is
/// committed, and short enough to be quick.
const TARGETS: [(&str, &str); 4] = [
    ("profiles", "-max_len=16384"),
    ("expressions", "-max_len=600"),
    ("answers", "-max_len=4096"),
    ("credentials", "-max_len=4096"),
];

/// What makes a stable compiler count reached code, as libFuzzer reads it.
const COUNTING: [&str; 6] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Look for inputs that break the client: profiles, expressions, answers, credentials (needs a C++ compiler)
///
/// Begins with the inputs of crates/client/corpora. One that breaks a promise is kept, and its file is
/// named; mend the client, then add the file to the corpora, so that every test run replays it.
#[derive(Debug, Args)]
pub(crate) struct Fuzz {
    /// How many inputs are tried for each kind
    #[arg(long, default_value_t = 10_000)]
    runs: u64,
}

impl Fuzz {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let target = PathBuf::from(workspace()?.target_directory).join("fuzz");
        let fuzzer = build(&target)?;
        let mut found = Vec::new();
        for (name, longest) in TARGETS {
            say(format!("\n== {name}: {} inputs", self.runs));
            let (seen, broken) = (
                target.join("seen").join(name),
                target.join("found").join(name),
            );
            for folder in [&seen, &broken] {
                let made = fs::create_dir_all(folder);
                made.with_context(|| format!("cannot make {}", folder.display()))?;
            }
            let mut fuzz = Command::new(&fuzzer);
            fuzz.env("TOKENWRIGHT_FUZZ", name)
                // New inputs are kept in the first folder; the second is read.
                .args([&seen, &corpora().join(name)])
                .arg(format!("-runs={}", self.runs))
                .arg(longest)
                // So many seconds for one input, and so many megabytes, are a failure.
                .args([
                    "-timeout=20",
                    "-rss_limit_mb=1024",
                    "-verbosity=0",
                    "-print_funcs=0",
                ])
                .arg(format!("-artifact_prefix={}/", broken.display()));
            let status = fuzz
                .status()
                .with_context(|| format!("cannot start {}", command_line(&fuzz)))?;
            if !status.success() {
                found.push(broken);
            }
        }
        if found.is_empty() {
            say("\nNothing was found.");
            return Ok(ExitCode::SUCCESS);
        }
        for folder in found {
            say(format!(
                "error: inputs that break the client are in {}",
                folder.display()
            ));
        }
        Ok(ExitCode::FAILURE)
    }
}

fn package() -> PathBuf {
    root().join("crates").join("client").join("fuzz")
}

fn corpora() -> PathBuf {
    root().join("crates").join("client").join("corpora")
}

/// Builds the fuzzer into a folder of its own: nothing of it fits the other builds.
fn build(target: &Path) -> Result<PathBuf> {
    // What the product is locked to; cargo adds what the fuzzer alone needs.
    let lock = package().join("Cargo.lock");
    fs::copy(root().join("Cargo.lock"), &lock)
        .with_context(|| format!("cannot write {}", lock.display()))?;
    let host = host()?;
    let mut build = cargo(&["build", "--release", "--target", &host, "--target-dir"]);
    build
        .arg(target)
        .current_dir(package())
        // With the target named, they do not reach build scripts and macros.
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", COUNTING.join(" "));
    let built = build.status().context("cannot start cargo")?;
    if !built.success() {
        bail!("the fuzzer does not build; the compiler's message above says why");
    }
    Ok(target
        .join(host)
        .join("release")
        .join("tokenwright-client-fuzz"))
}

/// The triple of this machine.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output();
    let output = output.context("cannot ask rustc for its version")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not name its host")?.to_owned())
}
