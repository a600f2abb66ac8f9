//! The archive of the command line, unpacked over an empty prefix.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tokenwright_testbed::tools;

use super::packed::{Packed, VERSION, platform, run};

/// A prefix such as `~/.local` with nothing in it but what the archive brought.
struct Prefix {
    folder: TempDir,
}

impl Prefix {
    fn unpacked() -> Self {
        let packed = Packed::new();
        let archive = packed.path(&format!("tokenwright_{VERSION}_{}.tar.gz", platform()));
        let folder = tempfile::tempdir().unwrap();
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(archive);
        run(tar.args(["--strip-components=1", "-C"]).arg(folder.path()));
        Self { folder }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// A program in an empty folder, with the prefix first on its `PATH`.
    fn command(&self, program: impl AsRef<Path>, empty: &TempDir) -> Command {
        let path = env::var_os("PATH").unwrap_or_default();
        let path = [self.path("bin")]
            .into_iter()
            .chain(env::split_paths(&path));
        let mut command = Command::new(program.as_ref());
        command
            .env("PATH", env::join_paths(path).unwrap())
            .current_dir(empty.path());
        command
    }
}

#[test]
fn the_unpacked_command_line_runs_by_its_name_and_as_a_plugin_of_kubectl() {
    let prefix = Prefix::unpacked();
    let empty = tempfile::tempdir().unwrap();
    let version = run(prefix.command("tokenwright", &empty).arg("--version"));
    assert_eq!(version, format!("tokenwright {VERSION}\n"));
    let listed = run(prefix
        .command("tokenwright", &empty)
        .args(["profile", "list"]));
    assert!(listed.contains("scaleway"), "{listed}");

    let kubectl = tools::kubectl().unwrap();
    let help = run(prefix
        .command(&kubectl, &empty)
        .args(["tokenwright", "--help"]));
    assert!(help.contains("Usage: kubectl tokenwright "), "{help}");
    let through = run(prefix
        .command(&kubectl, &empty)
        .args(["tokenwright", "profile", "list"]));
    assert_eq!(through, listed);
}

#[test]
fn bash_takes_the_completions_and_completes_with_them() {
    let prefix = Prefix::unpacked();
    let script = prefix.path("share/bash-completion/completions/tokenwright");
    run(Command::new("bash").arg("-n").arg(&script));
    // What bash does when somebody presses the tabulator after `tokenwright prof`.
    let press = "source \"$1\"; COMP_WORDS=(tokenwright prof); COMP_CWORD=1; \
                 _tokenwright tokenwright prof tokenwright; echo \"${COMPREPLY[@]}\"";
    let completed = run(Command::new("bash").args(["-c", press, "bash"]).arg(script));
    assert_eq!(completed, "profile\n");
    for script in [
        "share/zsh/site-functions/_tokenwright",
        "share/fish/vendor_completions.d/tokenwright.fish",
    ] {
        let text = std::fs::read_to_string(prefix.path(script)).unwrap();
        assert!(text.contains("profile"), "{script} knows no commands");
    }
}

#[test]
fn every_command_has_a_man_page() {
    let prefix = Prefix::unpacked();
    for (page, says) in [
        ("tokenwright", "API tokens as code"),
        ("tokenwright-profile", "tokenwright\\-profile\\-try(1)"),
        ("tokenwright-profile-try", "\\-\\-endpoint"),
    ] {
        let path = prefix.path(&format!("share/man/man1/{page}.1"));
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.starts_with(".ie") || text.contains(".TH"), "{text}");
        assert!(text.contains(says), "{page} does not say {says}: {text}");
    }
}
