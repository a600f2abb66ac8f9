//! Connections on a Unix socket that only our user can reach, with or without TLS.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener as BoundListener;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

use crate::lifecycle::{Lifecycle, OpenConnection};

/// The kernel's limit for a socket path is 108 bytes; the part below the directory needs 30.
const LONGEST_PARENT: usize = 75;

/// A bound socket in a private directory; both vanish on drop.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) listener: BoundListener,
    pub(crate) path: PathBuf,
    pub(crate) directory: TempDir,
}

/// Binds in `parent`, or in the temporary directory; only our user may enter.
pub(crate) fn bind(parent: Option<&Path>) -> io::Result<Socket> {
    let mut parent = parent.map_or_else(std::env::temp_dir, Path::to_path_buf);
    if parent.as_os_str().len() > LONGEST_PARENT {
        parent = PathBuf::from("/tmp");
    }
    let directory = tempfile::Builder::new()
        .prefix("tfplugin-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(parent)?;
    let path = directory.path().join("socket");
    let listener = BoundListener::bind(&path)?;
    listener.set_nonblocking(true)?;
    Ok(Socket {
        listener,
        path,
        directory,
    })
}

/// Accepts until the receiver is dropped. A handshake that fails costs that connection alone.
pub(crate) fn accept(
    listener: UnixListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    lifecycle: Lifecycle,
) -> impl Stream<Item = io::Result<Peer>> {
    let (peers, incoming) = mpsc::channel(16);
    let tls = tls.map(TlsAcceptor::from);
    tokio::spawn(async move {
        loop {
            let stream = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        // Out of descriptors, most likely: do not spin.
                        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                        continue;
                    }
                },
                () = peers.closed() => return,
            };
            let (tls, lifecycle, peers) = (tls.clone(), lifecycle.clone(), peers.clone());
            tokio::spawn(async move {
                let io = match tls {
                    None => Io::Plain(stream),
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => Io::Tls(Box::new(stream)),
                        Err(error) => {
                            tracing::warn!(%error, "a connection was refused");
                            return;
                        }
                    },
                };
                let open = lifecycle.opened();
                // Fails only while shutting down.
                let _ = peers.send(Ok(Peer { io, open })).await;
            });
        }
    });
    tokio_stream::wrappers::ReceiverStream::new(incoming)
}

/// One accepted connection.
#[derive(Debug)]
pub(crate) struct Peer {
    io: Io,
    open: OpenConnection,
}

#[derive(Debug)]
enum Io {
    Plain(UnixStream),
    Tls(Box<TlsStream<UnixStream>>),
}

/// Travels with each request: cancelled when the connection it came over is closed.
#[derive(Debug, Clone)]
pub(crate) struct PeerClosed(pub(crate) CancellationToken);

impl Connected for Peer {
    type ConnectInfo = PeerClosed;

    fn connect_info(&self) -> PeerClosed {
        PeerClosed(self.open.closed.clone())
    }
}

impl AsyncRead for Peer {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_read(cx, buf),
            Io::Tls(io) => Pin::new(io).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Peer {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_write(cx, buf),
            Io::Tls(io) => Pin::new(io).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_flush(cx),
            Io::Tls(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_shutdown(cx),
            Io::Tls(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
}
