//! A host: it starts the provider, makes a certificate, and connects.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tfplugin::proto::tfplugin6::{self as proto, provider_client::ProviderClient};
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;

use crate::support::demo;

pub(crate) const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// A certificate with its key, as a host makes one. (A real host's is P-521: see the Terraform test.)
pub(crate) struct Identity {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: Vec<u8>,
    pub(crate) pem: String,
}

pub(crate) fn identity() -> Identity {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    Identity {
        certificate: made.cert.der().clone(),
        key: made.signing_key.serialize_der(),
        pem: made.cert.pem(),
    }
}

/// A started provider; ended on drop.
pub(crate) struct Plugin {
    pub(crate) process: Child,
    pub(crate) socket: PathBuf,
    pub(crate) certificate: Option<Vec<u8>>,
    /// A killed process leaves its socket behind: here, where it is swept.
    _folder: tempfile::TempDir,
}

impl Drop for Plugin {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Plugin {
    pub(crate) fn start(client: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(demo());
        command
            .env("TMPDIR", folder.path())
            .env("TF_PLUGIN_MAGIC_COOKIE", COOKIE)
            .env("PLUGIN_PROTOCOL_VERSIONS", "6,5")
            .stdout(Stdio::piped());
        if let Some(pem) = client {
            command.env("PLUGIN_CLIENT_CERT", pem);
        }
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let fields: Vec<_> = line.trim_end().split('|').collect();
        assert_eq!(fields[..3], ["1", "6", "unix"], "{line}");
        assert_eq!(fields[4], "grpc");
        Self {
            process,
            _folder: folder,
            socket: PathBuf::from(fields[3]),
            certificate: (!fields[5].is_empty())
                .then(|| STANDARD_NO_PAD.decode(fields[5]).unwrap()),
        }
    }
}

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The connection of a client; dropping it cuts the socket at once, whoever still holds a sender.
pub(crate) struct Link(std::os::unix::net::UnixStream);

impl Drop for Link {
    fn drop(&mut self) {
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }
}

/// A connected socket, and what cuts it.
pub(crate) fn dial(path: &Path) -> std::io::Result<(UnixStream, Link)> {
    let socket = std::os::unix::net::UnixStream::connect(path)?;
    let link = Link(socket.try_clone()?);
    socket.set_nonblocking(true)?;
    Ok((UnixStream::from_std(socket)?, link))
}

macro_rules! client {
    ($client:ident, $sender:expr) => {{
        let sender = $sender.clone();
        let service = tower::service_fn(move |request: http::Request<tonic::body::Body>| {
            let mut sender = sender.clone();
            async move { sender.send_request(request).await }
        });
        $client::with_origin(service, http::Uri::from_static("https://localhost"))
    }};
}

pub(crate) type Sender = hyper::client::conn::http2::SendRequest<tonic::body::Body>;

pub(crate) async fn connect(
    plugin: &Plugin,
    identity: Option<&Identity>,
) -> Result<(Sender, Link), Failure> {
    let (socket, link) = dial(&plugin.socket)?;
    let Some(pinned) = &plugin.certificate else {
        return Ok((http2(socket).await?, link));
    };
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from(pinned.clone()))?;
    let crypto = rustls::crypto::ring::default_provider();
    let keys = crypto.key_provider;
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(crypto))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let key = PrivateKeyDer::try_from(identity.key.clone())?;
            let key = keys.load_private_key(key)?;
            // Does not check that they belong together, so that a thief can be played.
            let pair = rustls::sign::CertifiedKey::new(vec![identity.certificate.clone()], key);
            builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(pair)))
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let name = ServerName::try_from("localhost")?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, socket)
        .await?;
    Ok((http2(stream).await?, link))
}

pub(crate) async fn http2<S>(stream: S) -> Result<Sender, Failure>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(sender)
}

/// Asks for the schema; how long that took, too.
pub(crate) async fn schema(
    sender: &Sender,
) -> Result<(proto::get_provider_schema::Response, Duration), tonic::Status> {
    let mut client = client!(ProviderClient, sender);
    let start = Instant::now();
    let answer = client
        .get_provider_schema(proto::get_provider_schema::Request {})
        .await?;
    Ok((answer.into_inner(), start.elapsed()))
}
