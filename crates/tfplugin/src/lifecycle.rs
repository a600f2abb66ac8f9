//! When the process ends: connections that are open, work that is detached, and the host.
//!
//! Nothing here waits without a bound.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A host reconnects at once or never; this is long enough for the former.
const RECONNECT: Duration = Duration::from_secs(2);

/// go-plugin gives up on a plugin that nobody could connect to after one minute.
const FIRST_CONNECTION: Duration = Duration::from_secs(60);

/// How often to look whether the parent process is still the one that started us.
const PARENT_CHECK: Duration = Duration::from_millis(500);

/// Shared by the transport, the services and the server.
#[derive(Debug, Clone)]
pub(crate) struct Lifecycle {
    shutdown: CancellationToken,
    work: TaskTracker,
    connections: Arc<watch::Sender<Connections>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Connections {
    open: usize,
    ever: bool,
}

/// Counts as an open connection until dropped.
#[derive(Debug)]
pub(crate) struct OpenConnection {
    lifecycle: Lifecycle,
    pub(crate) closed: CancellationToken,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.closed.cancel();
        self.lifecycle
            .connections
            .send_modify(|c| c.open = c.open.saturating_sub(1));
    }
}

impl Lifecycle {
    pub(crate) fn new() -> Self {
        Self {
            shutdown: CancellationToken::new(),
            work: TaskTracker::new(),
            connections: Arc::new(watch::Sender::default()),
        }
    }

    pub(crate) fn opened(&self) -> OpenConnection {
        self.connections.send_modify(|c| {
            c.open = c.open.saturating_add(1);
            c.ever = true;
        });
        OpenConnection {
            lifecycle: self.clone(),
            closed: CancellationToken::new(),
        }
    }

    /// Runs work that outlives the call that asked for it.
    pub(crate) fn detach<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.work.spawn(work)
    }

    pub(crate) fn shut_down(&self) {
        self.shutdown.cancel();
    }

    pub(crate) fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Ends when the detached work has ended, or at the limit.
    pub(crate) async fn work_done(&self, limit: Duration) {
        self.work.close();
        if tokio::time::timeout(limit, self.work.wait()).await.is_err() {
            tracing::warn!(
                tasks = self.work.len(),
                "work was still running at the time limit and is lost"
            );
        }
    }

    /// Ends when the host that started us is gone: another parent, or no connection any more.
    pub(crate) async fn host_gone(&self) {
        tokio::select! {
            () = parent_gone() => tracing::debug!("the host process ended"),
            () = self.deserted() => tracing::debug!("the host closed its connections"),
        }
    }

    async fn deserted(&self) {
        let mut connections = self.connections.subscribe();
        let first = connections.wait_for(|c| c.ever);
        if tokio::time::timeout(FIRST_CONNECTION, first).await.is_err() {
            return;
        }
        loop {
            if connections.wait_for(|c| c.open == 0).await.is_err() {
                return;
            }
            let back = connections.wait_for(|c| c.open > 0);
            if tokio::time::timeout(RECONNECT, back).await.is_err() {
                return;
            }
        }
    }
}

async fn parent_gone() {
    let parent = std::os::unix::process::parent_id();
    let mut ticks = tokio::time::interval(PARENT_CHECK);
    loop {
        ticks.tick().await;
        if std::os::unix::process::parent_id() != parent {
            return;
        }
    }
}
