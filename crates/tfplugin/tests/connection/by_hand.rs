//! The provider started by a person.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};

use crate::support::demo;

#[test]
fn a_person_who_starts_it_by_hand_reads_a_sentence() {
    for cookie in [None, Some("biscuit")] {
        let mut command = Command::new(demo());
        command.env_remove("TF_PLUGIN_MAGIC_COOKIE");
        if let Some(cookie) = cookie {
            command.env("TF_PLUGIN_MAGIC_COOKIE", cookie);
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(
            text.starts_with("This program is a Terraform provider."),
            "{text}"
        );
    }
}

#[test]
fn debug_mode_prints_what_to_export_and_runs_until_interrupted() {
    let mut process = Command::new(demo())
        .arg("-debug")
        .env_remove("TF_PLUGIN_MAGIC_COOKIE")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert!(
        line.starts_with("TF_REATTACH_PROVIDERS='{\"")
            && line.contains("\"registry.terraform.io/tfplugin/demo\":"),
        "{line}"
    );
    send(&process, Signal::INT);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "nothing else may be written to stdout");
    assert!(process.wait().unwrap().success());
}

#[test]
fn a_signal_in_the_instant_of_the_line_ends_it_and_leaves_no_socket_behind() {
    for signal in [Signal::INT, Signal::TERM].repeat(20) {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(demo())
            .arg("-debug")
            .env_remove("TF_PLUGIN_MAGIC_COOKIE")
            .env("TMPDIR", folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = process.stdout.take().unwrap();
        stdout.read_exact(&mut [0]).unwrap();
        send(&process, signal);
        assert!(ended(&mut process).success(), "{signal:?}");
        assert_eq!(folder.path().read_dir().unwrap().count(), 0, "{signal:?}");
    }
}

fn ended(process: &mut Child) -> ExitStatus {
    for _ in 0..1000 {
        if let Some(status) = process.try_wait().unwrap() {
            return status;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    process.kill().unwrap();
    panic!("it went on after the signal");
}

pub(crate) fn send(process: &Child, signal: Signal) {
    rustix::process::kill_process(Pid::from_child(process), signal).unwrap();
}
