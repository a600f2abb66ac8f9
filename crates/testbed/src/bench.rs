//! Figures, not tests: how quick and how small the release build is on this machine.
//!
//! Every figure stands beside its target, and what misses a budget is named at the end. A machine under load misses
//! some, so that fails only where it is asked for.

mod budget;
mod operator;
mod plain;
mod provider;
mod scale;
mod terraform;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use budget::Verdict;
use clap::{Parser, Subcommand};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

/// Measures the programs and prints tables in Markdown.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
struct CommandLine {
    /// Fail where a budget is missed.
    #[arg(long, global = true)]
    strict: bool,
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
    let mut verdict = Verdict::default();
    let outcome = match line.what {
        None => small(&mut verdict).await,
        Some(What::Operator(scale)) => scale.measure(&mut verdict).await,
        Some(What::Terraform(cases)) => {
            head();
            cases.measure(&mut verdict).await
        }
        Some(What::Noted(provider)) => provider.run(),
    };
    for line in verdict.lines() {
        say(&line);
    }
    match outcome {
        Ok(()) if line.strict && !verdict.is_kept() => ExitCode::FAILURE,
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn small(verdict: &mut Verdict) -> Result<()> {
    head();
    provider::measure(verdict).await?;
    terraform::measure(verdict).await?;
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
    Ok(format!("{:.1} MB", megabytes(process)?))
}

fn megabytes(process: u32) -> Result<f64> {
    Ok(kibibytes(process)? * 1024.0 / 1e6)
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

/// The middle of some durations in milliseconds, and the one that 19 of 20 do not exceed.
fn spread(mut all: Vec<Duration>) -> [f64; 2] {
    all.sort();
    let at = |part: f64| {
        all.get(((all.len().saturating_sub(1)) as f64 * part) as usize)
            .copied()
            .unwrap_or_default()
    };
    [at(0.5), at(0.95)].map(|duration| duration.as_secs_f64() * 1e3)
}

fn milliseconds([middle, most]: [f64; 2]) -> String {
    format!("{middle:.2} ms (p95 {most:.2} ms)")
}
