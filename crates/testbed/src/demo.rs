//! The demo: Terraform rotates a token in place, then an operator does, is killed, and heals.
//!
//! Nothing is simulated but the token systems, which the sandbox plays: terraform, kube-apiserver,
//! provider and operator are the real programs. Every sentence with a tick was checked; any check
//! that fails ends the demo with a non-zero exit code.

mod cluster;
mod kubernetes;
mod stage;
mod svg;
mod terraform;
mod timeline;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Parser;

use self::cluster::Cluster;
use self::stage::Stage;
use self::timeline::Timeline;
use crate::programs::{Ledger, Sandbox};
use crate::tools;

/// Where the timeline of the last demo lies, below the folder that the demo is run in.
const TIMELINE: &str = "target/demo/timeline.svg";

/// Show the main job: tokens minted, proven, delivered, rotated, healed and revoked.
#[derive(Debug, Parser)]
#[command(name = "demo")]
pub struct Arguments {
    /// Use the in-memory Kubernetes API even where a real control plane is built
    #[arg(long)]
    embedded: bool,
}

/// Runs the demo; the exit code says whether every check held.
pub async fn run(arguments: Arguments) -> ExitCode {
    crate::crypto();
    let stage = Stage::begin();
    match perform(&stage, arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            stage.failed(&error);
            ExitCode::FAILURE
        }
    }
}

async fn perform(stage: &Stage, arguments: Arguments) -> Result<()> {
    let cluster = tokio::spawn(Cluster::start(arguments.embedded));
    let sandbox = Sandbox::start(&["seeme", "scaleway"]).await?;
    stage.done(
        "The sandbox plays SeeMe.ai and Scaleway on this machine; a SeeMe day lasts one second",
    );

    let mut timeline = Timeline::default();
    let has_terraform = match tools::terraform() {
        Ok(program) => {
            terraform::show(stage, &program, &sandbox, &mut timeline).await?;
            true
        }
        Err(error) => {
            stage.skipped(&format!("{error}; the Terraform half is not shown"));
            false
        }
    };

    let cluster = cluster.await.context("the control plane's task died")??;
    stage.done(&cluster.describe());
    kubernetes::show(stage, &cluster, &sandbox, &mut timeline).await?;

    let ledger = sandbox.ledger().await?;
    timeline.tokens(&ledger);
    timeline.print();
    svg::write(&timeline, Path::new(TIMELINE))?;
    stage.done(&format!("The timeline is in {TIMELINE}"));
    conclude(stage, &ledger, has_terraform)
}

/// The last line, and whether it is the right one.
fn conclude(stage: &Stage, ledger: &Ledger, has_terraform: bool) -> Result<()> {
    let summary = &ledger.summary;
    let expired = match summary.expired {
        0 => String::new(),
        n => format!(" ({n} expired)"),
    };
    // At the end nobody holds a token any more: one that still lives is an orphan.
    let orphans = summary.live;
    stage.line(&format!(
        "minted {}, revoked {}{expired}, live {}, orphans {orphans}",
        summary.minted, summary.revoked, summary.live
    ));
    ensure!(
        summary.minted > 0 && summary.live == 0,
        "tokens are left alive"
    );
    ensure!(
        has_terraform,
        "terraform was not found, so only the Kubernetes half was shown"
    );
    Ok(())
}
