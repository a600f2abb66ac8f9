//! The processes of a running Terraform, and how they end before their time.

use tokio::process::Child;

use super::record::PROVIDER;

/// The processes that this one started, and those that they started.
fn children(parent: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let of = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let after = stat.rsplit_once(')')?.1;
        after.split_whitespace().nth(1)?.parse::<u32>().ok()
    };
    let direct: Vec<u32> = pids.filter(|pid| of(pid) == Some(parent)).collect();
    let deeper: Vec<u32> = direct.iter().flat_map(|pid| children(*pid)).collect();
    [direct, deeper].concat()
}

pub(crate) fn kill(pid: u32) {
    signal("-KILL", pid);
}

pub(crate) fn signal(name: &str, pid: u32) {
    send(name, &pid.to_string());
}

/// To each process of a group, as a terminal does; the group has the id of its first.
pub(crate) fn signal_all(name: &str, group: u32) {
    send(name, &format!("-{group}"));
}

fn send(name: &str, to: &str) {
    let mut kill = std::process::Command::new("kill");
    let status = kill.args([name, "--", to]).status();
    assert!(status.unwrap().success());
}

/// Whether a process of the provider still runs; one that ended and was not waited for has no program.
pub(crate) fn runs(pid: u32) -> bool {
    std::fs::read_link(format!("/proc/{pid}/exe")).is_ok()
}

/// The providers of a running Terraform, without what stands between.
pub(crate) fn providers(terraform: &Child) -> Vec<u32> {
    let provider = std::fs::canonicalize(PROVIDER).unwrap();
    let all = children(terraform.id().unwrap()).into_iter();
    let providers: Vec<_> = all
        .filter(|pid| {
            let program = std::fs::read_link(format!("/proc/{pid}/exe"));
            program.is_ok_and(|program| program == provider)
        })
        .collect();
    assert!(!providers.is_empty(), "no provider runs");
    providers
}

/// Kills the provider of a running Terraform.
pub(crate) fn kill_provider(terraform: &Child) {
    providers(terraform).into_iter().for_each(kill);
}
