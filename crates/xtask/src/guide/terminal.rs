//! One terminal: what a block leaves behind (its folder, variables, programs in the background) is there
//! for the next, and everything that was started in it ends with it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};

use super::follow::Folder;

/// A shell that somebody types into.
#[derive(Debug)]
pub(super) struct Terminal {
    shell: Child,
    keys: ChildStdin,
    // Says how each block ended, and in which folder; what the block prints goes to a file.
    ends: BufReader<ChildStdout>,
    home: PathBuf,
    typed: u32,
}

impl Terminal {
    /// Opens it.
    pub(super) fn open(folder: &Folder) -> Result<Self> {
        let mut command = Command::new("bash");
        command
            .args(["--noprofile", "--norc", "-s"])
            .current_dir(&folder.start)
            .env("HOME", &folder.home)
            .envs(folder.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Its programs in the background belong to its group, by which they are ended.
            .process_group(0);
        let mut shell = command.spawn().context("cannot start bash")?;
        let keys = shell.stdin.take().context("bash has no input")?;
        let ends = shell.stdout.take().context("bash has no output")?;
        Ok(Self {
            shell,
            keys,
            ends: BufReader::new(ends),
            home: folder.home.clone(),
            typed: 0,
        })
    }

    /// Types commands, and waits for their end; gives the folder that they leave the terminal in.
    pub(super) fn type_in(&mut self, text: &str) -> Result<PathBuf> {
        self.typed += 1;
        let script = self.home.join(format!(".typed-{}", self.typed));
        let said = self.home.join(format!(".said-{}", self.typed));
        fs::write(&script, format!("set -eo pipefail\n{text}\n"))
            .context("cannot write a block")?;
        // With `set -e` a command that fails ends the shell, and no line comes back.
        let line = format!(
            "source {} < /dev/null > {} 2>&1; set +e; pwd\n",
            quoted(&script),
            quoted(&said)
        );
        let typed = self.keys.write_all(line.as_bytes());
        typed.and_then(|()| self.keys.flush()).ok();
        let mut place = String::new();
        self.ends
            .read_line(&mut place)
            .context("cannot read what bash says")?;
        if place.is_empty() {
            let status = self.shell.wait().context("cannot wait for bash")?;
            let said = fs::read_to_string(&said).unwrap_or_default();
            bail!("{text}\nended with {status}: {said}");
        }
        Ok(PathBuf::from(place.trim_end()))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let group = format!("-{}", self.shell.id());
        // Nobody is left to be told that a program has ended by itself.
        let _ended = Command::new("kill")
            .args(["-TERM", "--", &group])
            .stderr(Stdio::null())
            .status();
        let _waited = self.shell.wait();
    }
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Folder, Terminal};

    #[test]
    fn folders_variables_and_programs_outlive_a_block_and_end_with_the_terminal() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder {
            home: home.path().to_owned(),
            start: home.path().to_owned(),
            variables: Vec::new(),
            stands_for: Vec::new(),
            long: false,
            cluster: false,
        };
        let mut terminal = Terminal::open(&folder).unwrap();
        terminal
            .type_in("mkdir below\ncd below\nexport COLOUR=green\nsleep 600 &\necho $! > id")
            .unwrap();
        let place = terminal
            .type_in("test \"$COLOUR\" = green\nkill -0 %1")
            .unwrap();
        assert!(place.ends_with("below"), "{place:?}");
        let id = std::fs::read_to_string(home.path().join("below/id")).unwrap();
        let failed = terminal.type_in("echo before\nfalse\necho after");
        let failed = format!("{:#}", failed.unwrap_err());
        assert!(
            failed.contains("before") && !failed.contains("\nafter"),
            "{failed}"
        );
        drop(terminal);
        let gone = || {
            let status = std::fs::read_to_string(format!("/proc/{}/status", id.trim()));
            status.map_or(true, |status| status.contains("Z (zombie)"))
        };
        // A signal takes its time on a busy machine.
        let gone = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            gone()
        });
        assert!(gone, "what was started in the background lives on");
    }
}
