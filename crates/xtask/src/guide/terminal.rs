//! One terminal: what a block leaves behind (its folder, variables, programs in the background) is there
//! for the next, and everything that was started in it ends with it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Where somebody begins.
#[derive(Debug)]
pub struct Folder {
    /// The home folder.
    pub home: PathBuf,
    /// The folder that the terminal opens in.
    pub start: PathBuf,
    /// Further variables of the environment.
    pub variables: Vec<(String, String)>,
    /// What stands for a text of the page here, such as a folder that only root may make.
    pub stands_for: Vec<(String, String)>,
    /// Whether there are minutes.
    pub long: bool,
    /// Whether `kubectl` reaches a cluster.
    pub cluster: bool,
}

/// The place of `cutime`, which `cstime` follows, after the name in `/proc/PID/stat`.
const CHILDREN: usize = 13;
/// Milliseconds: Linux counts a hundred to the second for programs, whatever it does itself.
const TICK: u64 = 10;

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
        let said = self.said();
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

    /// What the last commands have printed.
    pub(super) fn printed(&self) -> Result<String> {
        fs::read_to_string(self.said()).context("nothing was typed yet")
    }

    fn said(&self) -> PathBuf {
        self.home.join(format!(".said-{}", self.typed))
    }

    /// What the programs that have ended here took of the processors; nothing where the system does not
    /// tell.
    pub(super) fn processors(&self) -> Option<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.shell.id())).ok()?;
        // The name of the program stands in parentheses, and may hold blanks.
        let (_, fields) = stat.rsplit_once(") ")?;
        let ticks: u64 = fields
            .split(' ')
            .skip(CHILDREN)
            .take(2)
            .map(|ticks| ticks.parse::<u64>().ok())
            .sum::<Option<u64>>()?;
        Some(Duration::from_millis(ticks.saturating_mul(TICK)))
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
    use std::path::Path;
    use std::time::Duration;

    use super::{Folder, Terminal};

    fn folder(home: &Path) -> Folder {
        Folder {
            home: home.to_owned(),
            start: home.to_owned(),
            variables: Vec::new(),
            stands_for: Vec::new(),
            long: false,
            cluster: false,
        }
    }

    #[test]
    fn what_a_block_takes_of_the_processors_is_told_apart_from_how_long_it_waits() {
        let home = tempfile::tempdir().unwrap();
        let mut terminal = Terminal::open(&folder(home.path())).unwrap();
        let before = terminal.processors().unwrap();
        terminal.type_in("sleep 0.2").unwrap();
        let waited = terminal.processors().unwrap();
        assert!(waited - before < Duration::from_millis(150), "{waited:?}");
        terminal
            .type_in("timeout 60 bash -c 'for i in {1..200000}; do :; done'")
            .unwrap();
        let worked = terminal.processors().unwrap();
        assert!(worked > waited, "{waited:?} {worked:?}");
    }

    #[test]
    fn folders_variables_and_programs_outlive_a_block_and_end_with_the_terminal() {
        let home = tempfile::tempdir().unwrap();
        let mut terminal = Terminal::open(&folder(home.path())).unwrap();
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
