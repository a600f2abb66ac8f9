//! `tokenwright-sandbox`: plays token systems until it is told to end.
//!
//! It prints one line of JSON for each system on standard output, then nothing more; its log goes
//! to standard error.

use std::io::{IsTerminal, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use tokenwright_sandbox::{Options, Sandbox, Settings, SystemName};
use tokio::signal::unix::{SignalKind, signal};

/// Plays token systems on this machine, quirks included.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    /// A system to play; may be repeated
    #[arg(long = "system", value_name = "NAME", required = true)]
    systems: Vec<SystemName>,
    /// Where it listens (loopback only); once for each system, or once with port 0 for all
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: Vec<SocketAddr>,
    /// Where the admin API listens (loopback only)
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    admin: SocketAddr,
    /// Keeps accounts, tokens and ledger in this file; in memory without
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// How many seconds a day lasts in systems that count whole days
    #[arg(long, value_name = "N", default_value_t = Settings::default().seconds_per_day)]
    seconds_per_day: f64,
    /// Switches, as the JSON that the admin API takes at /settings
    #[arg(long, value_name = "JSON", default_value = "{}")]
    settings: String,
    /// Ends when standard input, a pipe, is closed
    #[arg(long)]
    exit_with_stdin: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into()),
        )
        .init();
    // Before the first line is printed: whoever reads it may send a signal at once.
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    let changes = serde_json::from_str(&arguments.settings).context("cannot read --settings")?;
    let settings = Settings {
        seconds_per_day: arguments.seconds_per_day,
        ..Settings::default()
    }
    .changed(changes)
    .context("cannot use --settings")?;
    let sandbox = Sandbox::start(Options {
        systems: arguments.systems,
        listen: arguments.listen,
        admin: arguments.admin,
        data: arguments.data,
        settings,
    })
    .await
    .context("cannot start the sandbox")?;
    print(&sandbox).context("cannot print where the systems listen")?;
    let follow_stdin = arguments.exit_with_stdin && !std::io::stdin().is_terminal();
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = closed_stdin(), if follow_stdin => {}
    }
    sandbox.stop().await;
    Ok(())
}

fn print(sandbox: &Sandbox) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for played in sandbox.played() {
        writeln!(out, "{}", serde_json::to_string(played)?)?;
    }
    Ok(out.flush()?)
}

/// Returns when standard input ends; the thread that reads it dies with the process.
async fn closed_stdin() {
    let (ended, end) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        let mut buffer = [0_u8; 256];
        while std::io::stdin()
            .read(&mut buffer)
            .is_ok_and(|read| read > 0)
        {}
        drop(ended);
    });
    // The sender only ever goes away: that is the message.
    let _ = end.await;
}
