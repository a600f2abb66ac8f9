//! What kstatus, the library of Flux, Helm, kpt and others, computes of objects: its own Go code is asked, as
//! it is released.

use std::env;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// What kstatus computes of each object: `Current`, `InProgress`, `Failed` or `Terminating`.
///
/// # Errors
///
/// When the program cannot be built, or reads no object in one of them.
pub fn computed(objects: &[Value]) -> Result<Vec<String>> {
    let mut asked = Command::new(program()?)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start the program around kstatus")?;
    let lines: String = objects.iter().map(|object| format!("{object}\n")).collect();
    let mut input = asked.stdin.take().context("it has no input")?;
    // It answers line by line: who wrote all before reading could wait for ever.
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = asked.wait_with_output()?;
    if let Ok(written) = writer.join() {
        written.context("kstatus does not read on")?;
    }
    ensure!(output.status.success(), "kstatus reads no object");
    let answers = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
    let computed: Result<Vec<_>> = answers
        .map(|answer| Ok(answer?["status"].as_str().context("no status")?.to_owned()))
        .collect();
    let computed = computed?;
    ensure!(computed.len() == objects.len(), "answers are missing");
    Ok(computed)
}

/// The program, built once by each test program with the Go of this machine, whose modules Go itself caches.
fn program() -> Result<&'static Path> {
    static BUILT: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    match built {
        Ok(program) => Ok(program),
        Err(why) => bail!("{why}"),
    }
}

fn build() -> Result<PathBuf> {
    let built = env::current_exe()?.with_extension("kstatus");
    let status = Command::new("go")
        .args(["build", "-o"])
        .arg(&built)
        .arg(".")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("kstatus"))
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .env("GOFLAGS", "-mod=readonly -buildvcs=false")
        .status()
        .context("kstatus needs Go: https://go.dev/dl")?;
    ensure!(
        status.success(),
        "the program around kstatus does not build"
    );
    Ok(built)
}
