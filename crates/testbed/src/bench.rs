//! Figures, not tests: how quick and how small the release build is on this machine.
//!
//! Every figure stands beside its target. A machine under load misses targets, so nothing here fails.

mod operator;
mod provider;
mod terraform;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};

/// Measures everything and prints a table in Markdown.
pub async fn run() -> ExitCode {
    crate::crypto();
    if cfg!(debug_assertions) {
        say("note: this is a debug build; `cargo xtask bench` measures the release build");
    }
    say("| what | measured | target |");
    say("|---|---|---|");
    for outcome in [
        provider::measure().await,
        terraform::measure().await,
        operator::measure().await,
    ] {
        if let Err(error) = outcome {
            say(&format!("error: {error:#}"));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn row(what: &str, measured: &str, target: &str) {
    say(&format!("| {what} | {measured} | {target} |"));
}

fn say(line: &str) {
    // A closed terminal is no reason to stop measuring.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// What a process holds in memory, in MB of a million bytes.
fn resident(process: u32) -> Result<String> {
    let path = format!("/proc/{process}/status");
    let status = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line
        .and_then(|line| line.split_whitespace().next())
        .context("no VmRSS")?;
    let bytes = kibibytes.parse::<f64>()? * 1024.0;
    Ok(format!("{:.1} MB", bytes / 1e6))
}

/// The middle of some durations, and the one that 19 of 20 do not exceed.
fn spread(mut all: Vec<Duration>) -> String {
    all.sort();
    let at = |part: f64| {
        all.get(((all.len().saturating_sub(1)) as f64 * part) as usize)
            .copied()
            .unwrap_or_default()
    };
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1e3;
    format!(
        "{:.2} ms (p95 {:.2} ms)",
        milliseconds(at(0.5)),
        milliseconds(at(0.95))
    )
}
