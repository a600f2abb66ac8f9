//! Figures, not tests: how quick and how small the release build is on this machine.
//!
//! Every figure stands beside its target. A machine under load misses targets, so nothing here fails.

mod operator;
mod plain;
mod provider;
mod scale;
mod terraform;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

/// Measures the programs and prints tables in Markdown.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
struct CommandLine {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Measure the operator with many tokens on a real kube-apiserver.
    Operator(scale::Scale),
    /// Measure the provider with many tokens under Terraform, beside a plain one in Go.
    Terraform(terraform::Cases),
    /// Run a provider, and note what it took.
    #[command(hide = true)]
    Noted(terraform::Noted),
}

/// Measures what the command line asks for, by default the figures of one token.
pub async fn run() -> ExitCode {
    crate::crypto();
    let line = CommandLine::parse();
    if cfg!(debug_assertions) && !matches!(line.what, Some(What::Noted(_))) {
        say("note: this is a debug build; `cargo xtask bench` measures the release build");
    }
    let outcome = match line.what {
        None => small().await,
        Some(What::Operator(scale)) => scale.measure().await,
        Some(What::Terraform(cases)) => {
            head();
            cases.measure().await
        }
        Some(What::Noted(provider)) => provider.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn small() -> Result<()> {
    head();
    provider::measure().await?;
    terraform::measure().await?;
    operator::measure().await
}

fn head() {
    say("| what | measured | target |");
    say("|---|---|---|");
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
    Ok(format!("{:.1} MB", kibibytes(process)? * 1024.0 / 1e6))
}

/// What a process holds in memory.
fn kibibytes(process: u32) -> Result<f64> {
    let path = format!("/proc/{process}/status");
    let status = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line
        .and_then(|line| line.split_whitespace().next())
        .context("no VmRSS")?;
    Ok(kibibytes.parse()?)
}

/// The seconds that a process has worked.
fn cpu_seconds(process: u32) -> Result<f64> {
    let path = format!("/proc/{process}/stat");
    let stat = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    // The name, in parentheses, may have blanks in it.
    let (_, after) = stat.rsplit_once(')').context("no name of a process")?;
    let mut fields = after.split_whitespace().skip(11);
    let mut ticks = || -> Result<f64> { Ok(fields.next().context("no times")?.parse()?) };
    // Linux counts a hundred ticks a second wherever user programs look.
    Ok((ticks()? + ticks()?) / 100.0)
}

/// The seconds that the programs which this one started, and which ended, have worked, and the kibibytes that
/// the largest of them held.
fn children() -> Result<(f64, i64)> {
    let taken = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let times = [taken.user_time(), taken.system_time()];
    let microseconds = times.iter().map(|time| time.num_microseconds() as f64);
    Ok((microseconds.sum::<f64>() / 1e6, taken.max_rss()))
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
