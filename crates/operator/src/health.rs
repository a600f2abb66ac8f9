//! What the kubelet asks: is the process alive, and is it ready.
//!
//! Ready means that the first lists of all watches are in. A token system that does not answer
//! does not make the operator unready: it would not help to restart it. What a person should know
//! beside that stands in further lines of the answer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

use crate::cluster::cause;
use crate::cluster::metrics::Metrics;
use crate::cluster::troubles::Troubles;
use crate::cluster::unreadable::Unreadable;

/// How the operator is; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Health {
    ready: Arc<AtomicBool>,
    /// Objects that this version cannot read.
    pub(crate) unreadable: Unreadable,
    /// What does not work now.
    pub(crate) troubles: Troubles,
    /// What is measured.
    pub(crate) metrics: Metrics,
}

impl Health {
    /// Says that the operator is ready.
    pub fn ready(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }

    /// Whether it is.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// A line, and one for everything that a person should know beside it.
    fn told(&self, first: &str) -> String {
        let mut lines = vec![first.to_owned()];
        lines.extend(self.troubles.sentences());
        match self.unreadable.count() {
            0 => {}
            1 => lines.push("1 object cannot be read; the log names it".to_owned()),
            many => lines.push(format!("{many} objects cannot be read; the log names them")),
        }
        lines.into_iter().map(|line| line + "\n").collect()
    }

    /// The endpoint `/metrics`.
    pub fn metrics(&self) -> Router {
        self.metrics.router()
    }

    /// The endpoints `/livez` and `/readyz`.
    pub fn router(&self) -> Router {
        let health = self.clone();
        let ready = move || {
            let health = health.clone();
            async move {
                let (status, first) = if health.is_ready() {
                    (StatusCode::OK, "ready")
                } else {
                    let waits = "waiting for the first lists";
                    (StatusCode::SERVICE_UNAVAILABLE, waits)
                };
                (status, health.told(first))
            }
        };
        Router::new()
            .route("/livez", get(|| async { "alive\n" }))
            .route("/readyz", get(ready))
    }
}

/// Listens for what the kubelet asks. `[::]` takes both families, whatever the system's default is, and
/// falls back to `0.0.0.0` where there is no IPv6.
///
/// # Errors
///
/// If the address cannot be listened on.
pub async fn listen(at: SocketAddr) -> std::io::Result<TcpListener> {
    let every = at.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    if !every {
        return TcpListener::bind(at).await;
    }
    match both_families(at) {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Err(error),
        Err(error) => {
            let error = cause::chain(&error);
            tracing::info!(
                error,
                "there is no IPv6 here; health checks are answered on IPv4"
            );
            TcpListener::bind(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), at.port())).await
        }
    }
}

fn both_families(at: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV6, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_only_v6(false)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&at.into())?;
    socket.listen(1024)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt as _;

    use super::*;

    async fn status(health: &Health, path: &str) -> StatusCode {
        let request = Request::get(path).body(Body::empty()).unwrap();
        health.router().oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn it_is_alive_from_the_start_and_ready_once_the_lists_are_in() {
        let health = Health::default();
        assert_eq!(status(&health, "/livez").await, StatusCode::OK);
        assert_eq!(
            status(&health, "/readyz").await,
            StatusCode::SERVICE_UNAVAILABLE
        );
        health.ready();
        assert_eq!(status(&health, "/readyz").await, StatusCode::OK);
    }

    #[tokio::test]
    async fn every_address_means_both_families() {
        let listener = listen("[::]:0".parse().unwrap()).await.unwrap();
        let at = listener.local_addr().unwrap();
        let over_v4 = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), at.port());
        tokio::net::TcpStream::connect(over_v4).await.unwrap();
        if at.is_ipv6() {
            let over_v6 = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), at.port());
            tokio::net::TcpStream::connect(over_v6).await.unwrap();
        }
    }
}
