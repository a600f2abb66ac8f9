//! A core that attaches to a provider which a person started for a debugger.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::support::processes::signal;
use crate::support::record::PROVIDER;
use crate::support::{CI, World, ran};

#[tokio::test(flavor = "multi_thread")]
async fn a_core_attaches_without_init_to_a_provider_that_runs_for_a_debugger() {
    let world = World::new(86_400.0, CI).await;
    // Nothing but the printed line says where the provider is.
    std::fs::write(world.path("terraformrc"), "").unwrap();
    let mut provider = Command::new(PROVIDER)
        .arg("-debug")
        .env("TMPDIR", world.folder.path())
        .envs(world.credential())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut printed = BufReader::new(provider.stdout.take().unwrap()).lines();
    let line = printed.next_line().await.unwrap().unwrap();
    let (variable, quoted) = line.split_once('=').unwrap();
    let attach = quoted.trim_matches('\'');
    let run = async |args: &[&str]| {
        let output = world.command(args).env(variable, attach).output().await;
        ran(output.unwrap()).succeeded()
    };

    run(&["apply", "-auto-approve", "-json"]).await;
    assert_eq!(world.summary().live, 1);
    run(&["plan", "-json", "-detailed-exitcode"]).await;
    run(&["destroy", "-auto-approve", "-json"]).await;
    world.nothing_lives();

    let pid = provider.id().expect("no core ended the provider");
    signal("-INT", pid);
    assert!(provider.wait().await.unwrap().success());
}
