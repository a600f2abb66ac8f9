//! Connections that the host on this machine opens, over a Unix socket or over TCP, with or without TLS.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

use crate::handshake::Address;
use crate::lifecycle::{Lifecycle, OpenConnection};

/// The kernel's limit for a socket path is 108 bytes; the part below the directory needs 30.
const LONGEST_PARENT: usize = 75;

/// How a host reaches the provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Transport {
    /// A socket in a directory that only our user can enter.
    #[default]
    Unix,
    /// A port of the loopback interface, in the range that the host names.
    ///
    /// Every user of the machine reaches it: mutual TLS refuses them, but a host may ask for none, and `-debug`
    /// has none.
    Tcp,
}

/// What a host may connect to already.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) listener: Bound,
    pub(crate) address: Address,
    /// Where a Unix socket is; both vanish on drop.
    pub(crate) directory: Option<TempDir>,
}

/// A listener before there is a runtime.
#[derive(Debug)]
pub(crate) enum Bound {
    Unix(std::os::unix::net::UnixListener),
    Tcp(std::net::TcpListener),
}

/// The same within the runtime.
#[derive(Debug)]
pub(crate) enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// Binds a socket in `parent`, or in the temporary directory; only our user may enter.
pub(crate) fn bind_unix(parent: Option<&Path>) -> io::Result<Socket> {
    use std::os::unix::fs::PermissionsExt as _;

    let mut parent = parent.map_or_else(std::env::temp_dir, Path::to_path_buf);
    if parent.as_os_str().len() > LONGEST_PARENT {
        parent = "/tmp".into();
    }
    let directory = tempfile::Builder::new()
        .prefix("tfplugin-")
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir_in(parent)?;
    let path = directory.path().join("socket");
    let listener = std::os::unix::net::UnixListener::bind(&path)?;
    listener.set_nonblocking(true)?;
    Ok(Socket {
        listener: Bound::Unix(listener),
        address: Address {
            network: "unix",
            place: path.display().to_string(),
        },
        directory: Some(directory),
    })
}

/// Binds the first of these ports that is free; port 0 is any.
pub(crate) fn bind_tcp(ports: RangeInclusive<u16>) -> io::Result<Socket> {
    let places = ports.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let listener = std::net::TcpListener::bind(places.collect::<Vec<_>>().as_slice())?;
    listener.set_nonblocking(true)?;
    Ok(Socket {
        address: Address {
            network: "tcp",
            place: listener.local_addr()?.to_string(),
        },
        listener: Bound::Tcp(listener),
        directory: None,
    })
}

impl Bound {
    /// For the runtime that is entered.
    pub(crate) fn listen(self) -> io::Result<Listener> {
        Ok(match self {
            Self::Unix(listener) => Listener::Unix(UnixListener::from_std(listener)?),
            Self::Tcp(listener) => Listener::Tcp(TcpListener::from_std(listener)?),
        })
    }
}

impl Listener {
    async fn accept(&self) -> io::Result<Box<dyn Wire>> {
        Ok(match self {
            Self::Unix(listener) => Box::new(listener.accept().await?.0),
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
        })
    }
}

/// Bytes in both directions, whatever carries them.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Accepts until the receiver is dropped. A handshake that fails costs that connection alone.
pub(crate) fn accept(
    listener: Listener,
    tls: Option<Arc<rustls::ServerConfig>>,
    lifecycle: Lifecycle,
) -> impl Stream<Item = io::Result<Peer>> {
    let (peers, incoming) = mpsc::channel(16);
    let tls = tls.map(TlsAcceptor::from);
    tokio::spawn(async move {
        loop {
            let stream = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok(stream) => stream,
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
                let io: Box<dyn Wire> = match tls {
                    None => stream,
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => Box::new(stream),
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
pub(crate) struct Peer {
    io: Box<dyn Wire>,
    open: OpenConnection,
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
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Peer {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(socket: &Socket) -> SocketAddr {
        socket.address.place.parse().unwrap()
    }

    #[test]
    fn the_first_free_port_of_the_range_is_taken_on_the_loopback_interface() {
        let first = bind_tcp(0..=0).unwrap();
        let taken = place(&first).port();
        assert!(place(&first).ip().is_loopback());
        assert!(bind_tcp(taken..=taken).is_err());
        let next = bind_tcp(taken..=taken.saturating_add(50)).unwrap();
        assert!((taken..=taken.saturating_add(50)).contains(&place(&next).port()));
        assert_ne!(place(&next).port(), taken);
    }
}
