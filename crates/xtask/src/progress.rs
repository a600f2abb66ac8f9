//! Words for the person who waits: plain lines, and long commands with the seconds they have taken.
//!
//! What a long command prints goes to a log file, of which the end is shown only when it fails.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How often a running command is looked at; short enough that a build that is cached feels instant.
const POLL: Duration = Duration::from_millis(100);

/// Without a terminal nothing can be overwritten, so a line is printed this seldom.
const SECONDS_BETWEEN_LINES: u64 = 60;

/// How much of a failed command's output is shown: a linker or proxy error and what led to it.
const TAIL_LINES: usize = 20;

/// Prints one line to standard error, where everything goes that is not the command's result.
pub fn say(line: impl AsRef<str>) {
    // A closed terminal is no reason to stop a build.
    let _ = writeln!(io::stderr().lock(), "{}", line.as_ref());
}

/// Prints one line to standard output: a result that people or programs read.
pub fn print(line: impl AsRef<str>) {
    let _ = writeln!(io::stdout().lock(), "{}", line.as_ref());
}

/// Runs `command` to its end, appends what it prints to `log`, and shows `label` with the elapsed
/// seconds meanwhile.
///
/// # Errors
///
/// When it cannot be started, or does not succeed; then the error carries the end of the log.
pub fn watch(label: &str, command: &mut Command, log: &Path) -> Result<()> {
    let output = OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("cannot write the log {}", log.display()))?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(output.try_clone().context("cannot share the log")?)
        .stderr(output)
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;

    let mut ticker = Ticker::new(label);
    let status = loop {
        if let Some(status) = child.try_wait().context("cannot wait for a command")? {
            break status;
        }
        ticker.tick();
        thread::sleep(POLL);
    };
    ticker.clear();
    if status.success() {
        return Ok(());
    }
    bail!(
        "{} failed ({status}); the end of what it printed:\n{}",
        command_line(command),
        tail(log)
    )
}

/// The command as a person would type it, without the folder of its program.
pub fn command_line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let mut line = name.to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

/// The last lines of a log file, indented.
fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.len().saturating_sub(TAIL_LINES);
    lines
        .iter()
        .skip(start)
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Shows that something long still runs.
struct Ticker<'a> {
    label: &'a str,
    started: Instant,
    shown: u64,
    overwrite: bool,
}

impl<'a> Ticker<'a> {
    fn new(label: &'a str) -> Self {
        Self {
            label,
            started: Instant::now(),
            shown: 0,
            overwrite: io::stderr().is_terminal(),
        }
    }

    fn tick(&mut self) {
        let seconds = self.started.elapsed().as_secs();
        let due = if self.overwrite {
            seconds > self.shown
        } else {
            seconds >= self.shown + SECONDS_BETWEEN_LINES
        };
        if !due {
            return;
        }
        self.shown = seconds;
        if self.overwrite {
            let mut stderr = io::stderr().lock();
            let _ = write!(stderr, "\r\x1b[2K  {} … {seconds} s", self.label);
            let _ = stderr.flush();
        } else {
            say(format!("  {} … {seconds} s", self.label));
        }
    }

    fn clear(&self) {
        if self.overwrite && self.shown > 0 {
            let _ = write!(io::stderr().lock(), "\r\x1b[2K");
        }
    }
}
