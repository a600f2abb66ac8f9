//! The in-memory API over loopback HTTP/1.1, for other processes: an operator, kubectl.
//! A client's label is the bearer token that it sends, so each kubeconfig can name its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use http::header;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};
use tower::ServiceExt as _;

use super::Memory;
use super::service::Service;

/// A running listener; dropping it closes the port and every connection.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    task: AbortHandle,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Listener {
    pub(super) async fn start(memory: Memory) -> std::io::Result<Self> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = socket.local_addr()?;
        let task = tokio::spawn(accept(socket, memory)).abort_handle();
        Ok(Self { address, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Writes a kubeconfig for this listener; requests made with it carry the label `who`.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn kubeconfig(&self, path: &Path, who: &str) -> std::io::Result<()> {
        let config = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "memory",
            "clusters": [{ "name": "memory",
                "cluster": { "server": format!("http://{}", self.address) } }],
            "users": [{ "name": who, "user": { "token": who } }],
            "contexts": [{ "name": "memory",
                "context": { "cluster": "memory", "user": who, "namespace": "default" } }],
        });
        // JSON is YAML.
        std::fs::write(path, config.to_string())
    }
}

async fn accept(socket: TcpListener, memory: Memory) {
    // Owned here, so that every connection ends with the listener.
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = socket.accept().await else {
            continue;
        };
        while connections.try_join_next().is_some() {}
        let shared = memory.shared.clone();
        let service = tower::service_fn(move |request: http::Request<Incoming>| {
            let who = label(&request);
            Service {
                shared: shared.clone(),
                who,
            }
            .oneshot(request)
        });
        connections.spawn(async move {
            // An error is the client's leaving or a reply that a fault has lost: both as meant.
            let _ = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
                .await;
        });
    }
}

fn label(request: &http::Request<Incoming>) -> String {
    let text = |name| {
        request
            .headers()
            .get(name)
            .and_then(|value: &http::HeaderValue| value.to_str().ok())
    };
    let token = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    let agent = text(header::USER_AGENT).and_then(|value| value.split('/').next());
    token.or(agent).unwrap_or("http").to_owned()
}
