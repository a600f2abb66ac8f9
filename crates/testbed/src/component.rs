//! One process of a real server, and the certainty that it ends.
//!
//! It runs under a shell that ends it, and removes the folder, as soon as a pipe closes: when the
//! component is dropped, but also when the process that holds the pipe is killed.

use std::fs::{self, File};
use std::future::Future;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// `$1` is the folder to remove, the rest is the command.
///
/// A subshell waits for the end of standard input and then signals this shell, since a shell that
/// waits for its child can be woken by nothing else. KILL, because all that is lost is thrown away.
const WATCHDOG: &str = r#"
folder=$1
shift
trap 'kill -9 "$component"; wait "$component"; rm -rf "$folder"; exit 0' USR1
exec 3<&0
"$@" </dev/null 3<&- &
component=$!
echo "$component" > "$folder/$0.pid"
(read -r _ <&3; kill -USR1 $$) >/dev/null 2>&1 &
reader=$!
wait "$component"
code=$?
kill "$reader"
exit "$code"
"#;

/// It takes three seconds on an idle machine; a build beside it may take all the rest.
const PATIENCE: Duration = Duration::from_secs(120);

/// How much of the log an error carries: the reason comes last, and glog's lines are long.
const TAIL_LINES: usize = 15;

/// Ports are chosen free and then given up for the component to take; another program may be quicker.
pub(crate) const ATTEMPTS: u32 = 3;

/// A port on loopback that is free just now.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no port is free on loopback")?;
    let address = listener.local_addr().context("a listener has no address")?;
    match address.port() {
        0 => bail!("no port is free on loopback"),
        port => Ok(port),
    }
}

/// Whether a component ended since another program took its port.
pub(crate) fn is_port_taken(error: &anyhow::Error) -> bool {
    let text = format!("{error:#}").to_lowercase();
    text.contains("address already in use")
}

/// A client for probes of servers on loopback.
pub(crate) fn http() -> Result<reqwest::Client> {
    crate::crypto();
    reqwest::Client::builder()
        // Whatever proxy the environment names, it does not lead to this machine's loopback.
        .no_proxy()
        .build()
        .context("cannot make an HTTP client")
}

/// Whether a server answers that all is well.
pub(crate) async fn is_healthy(http: &reqwest::Client, address: &str) -> bool {
    let answer = http.get(address).send().await;
    answer.is_ok_and(|answer| answer.status().is_success())
}

/// A running process under its watchdog.
#[derive(Debug)]
pub(crate) struct Component {
    name: &'static str,
    log: PathBuf,
    // Behind a lock, since asking whether a child has ended needs it mutable.
    watchdog: Mutex<Child>,
    lifeline: Option<ChildStdin>,
}

impl Component {
    /// Starts `program`; it writes to `NAME.log` in `folder`, which goes when it ends.
    pub(crate) fn start(
        name: &'static str,
        program: &Path,
        arguments: &[String],
        folder: &Path,
    ) -> Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let output =
            File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, name])
            .arg(folder)
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(output.try_clone().context("cannot share the log")?)
            .stderr(output)
            // Ctrl-C must reach us alone: a watchdog that it kills could not clean up.
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name} ({})", program.display()))?;
        Ok(Self {
            name,
            log,
            lifeline: watchdog.stdin.take(),
            watchdog: Mutex::new(watchdog),
        })
    }

    /// Asks `probe` until it says yes.
    ///
    /// # Errors
    ///
    /// When the process ends, or says nothing for too long; with the end of its log.
    pub(crate) async fn until_ready<F: Future<Output = bool>>(
        &self,
        poll: Duration,
        probe: impl Fn() -> F,
    ) -> Result<()> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.ended()? {
                bail!("{} ended ({status}):\n{}", self.name, self.log_tail());
            }
            // A probe may hang on a half-open connection; its time is bounded as well.
            if tokio::time::timeout(PATIENCE, probe()).await == Ok(true) {
                return Ok(());
            }
            if started.elapsed() > PATIENCE {
                let seconds = PATIENCE.as_secs();
                bail!(
                    "{} was not ready after {seconds} s:\n{}",
                    self.name,
                    self.log_tail()
                );
            }
            tokio::time::sleep(poll).await;
        }
    }

    /// Ends the process as a power cut would, and keeps its folder.
    ///
    /// # Errors
    ///
    /// When it cannot be found or ended.
    pub(crate) async fn kill(&self) -> Result<()> {
        self.signal("KILL")?;
        let started = Instant::now();
        while self.ended()?.is_none() {
            if started.elapsed() > PATIENCE {
                bail!("{} does not end", self.name);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Sends the process a signal by its name.
    ///
    /// # Errors
    ///
    /// When it cannot be found.
    pub(crate) fn signal(&self, name: &str) -> Result<()> {
        let file = self.log.with_file_name(format!("{}.pid", self.name));
        let pid = fs::read_to_string(&file).with_context(|| format!("{} has no pid", self.name))?;
        let sent = Command::new("kill").args(["-s", name, pid.trim()]).status();
        sent.with_context(|| format!("{} takes no signal {name}", self.name))?;
        Ok(())
    }

    fn ended(&self) -> Result<Option<ExitStatus>> {
        let Ok(mut watchdog) = self.watchdog.lock() else {
            bail!("another thread panicked while it looked at {}", self.name);
        };
        watchdog
            .try_wait()
            .with_context(|| format!("cannot tell whether {} runs", self.name))
    }

    /// The end of what the process has printed.
    fn log_tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let start = lines.len().saturating_sub(TAIL_LINES);
        lines.get(start..).unwrap_or_default().join("\n")
    }
}

impl Drop for Component {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        if let Ok(watchdog) = self.watchdog.get_mut() {
            // The watchdog ends right after the kill; waiting for it is what frees the port.
            let _ = watchdog.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_component_printed_last_is_in_the_error() {
        let folder = tempfile::tempdir().unwrap();
        let arguments = ["-c", "echo the disk is full >&2; exit 3"].map(str::to_owned);
        let component =
            Component::start("etcd", Path::new("/bin/sh"), &arguments, folder.path()).unwrap();
        let never = || std::future::ready(false);
        let error = component
            .until_ready(Duration::from_millis(5), never)
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains("etcd ended"), "{text}");
        assert!(text.contains("the disk is full"), "{text}");
        assert!(folder.path().exists(), "the log must outlive the component");
    }

    #[tokio::test]
    async fn a_dropped_component_has_ended_and_its_folder_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let pid_file = folder.path().join("pid");
        let script = format!("echo $$ > {}; exec sleep 1000", pid_file.display());
        let arguments = ["-c".to_owned(), script];
        let component =
            Component::start("etcd", Path::new("/bin/sh"), &arguments, folder.path()).unwrap();
        let written = || {
            std::future::ready(fs::read_to_string(&pid_file).is_ok_and(|pid| pid.ends_with('\n')))
        };
        component
            .until_ready(Duration::from_millis(5), written)
            .await
            .unwrap();
        let pid = fs::read_to_string(&pid_file).unwrap();
        let process = Path::new("/proc").join(pid.trim());
        assert!(process.exists(), "it runs");

        drop(component);
        assert!(!process.exists(), "it must have ended");
        assert!(!folder.path().exists(), "its folder must be gone");
    }
}
