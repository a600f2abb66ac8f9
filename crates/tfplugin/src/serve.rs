//! From the start of the process to its end.
//!
//! Managed mode: a host started us, speaks to us alone, and ends us. Debug mode (`-debug`): a
//! person started us and attaches Terraform by an environment variable, until Ctrl-C.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::num::NonZero;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::runtime::Runtime;
use tonic::transport::Server;

use crate::builtin::Builtin;
use crate::handshake::{self, Address, Host};
use crate::lifecycle::Lifecycle;
use crate::logging;
use crate::proto::health::health_server::HealthServer;
use crate::proto::plugin::grpc_broker_server::GrpcBrokerServer;
use crate::proto::plugin::grpc_controller_server::GrpcControllerServer;
use crate::proto::plugin::grpc_stdio_server::GrpcStdioServer;
use crate::proto::tfplugin6::provider_server::ProviderServer;
use crate::provider::Provider;
use crate::service::Service;
use crate::signals::Signals;
use crate::tls::{self, TlsError};
use crate::transport::{self, Socket, Transport};

/// What every other implementation of the protocol allows; tonic's own limit is 4 MiB.
const LARGEST_MESSAGE: usize = 256 << 20;

/// Long enough to flush the answer to Shutdown; the host kills after two seconds.
const FLUSH: Duration = Duration::from_millis(500);

/// Of the runtime's threads, besides those of blocking calls.
const MOST_THREADS: usize = 4;

/// How to serve.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// `registry.terraform.io/NAMESPACE/NAME`, as users name it in `required_providers`.
    pub address: String,
    /// How long detached work may go on after the host is gone or asked us to end.
    pub detached_limit: Duration,
    /// What the host connects to.
    pub transport: Transport,
    /// Names of log fields whose values are written as `***`, such as those of attributes that hold secrets.
    /// A text is masked wherever it stands by [`logging::mask`].
    pub masked_fields: BTreeSet<String>,
}

impl ServeOptions {
    /// With a limit of 30 seconds for detached work, and nothing masked.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            detached_limit: Duration::from_secs(30),
            transport: Transport::default(),
            masked_fields: BTreeSet::new(),
        }
    }
}

/// Why the provider could not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// No socket.
    #[error("bind a socket")]
    Bind(#[source] io::Error),
    /// No mutual TLS.
    #[error("set up mutual TLS")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Nobody reads what we say.
    #[error("write the handshake line")]
    Announce(#[source] io::Error),
    /// No signal handler or no runtime.
    #[error("set up the process")]
    Process(#[source] io::Error),
    /// The server itself failed.
    #[error("serve")]
    Transport(#[source] tonic::transport::Error),
}

impl From<TlsError> for ServeError {
    fn from(error: TlsError) -> Self {
        Self::Tls(Box::new(error))
    }
}

/// The whole `main` of a provider: logging, handshake, serving, and an end within bounds.
///
/// Started by hand without `-debug`, it says so on stderr and fails. `provider` is called after
/// that check, so that it costs nothing then. Leave the work of [`Provider::configure`] out of it.
pub fn run<P: Provider>(options: ServeOptions, provider: impl FnOnce() -> P) -> ExitCode {
    let debug = std::env::args()
        .skip(1)
        .any(|arg| arg == "-debug" || arg == "--debug");
    let host = handshake::read(|name| std::env::var(name).ok());
    let mode = match (debug, host) {
        (true, _) => Mode::Debug,
        (false, Some(host)) => Mode::Managed(host),
        (false, None) => {
            complain(handshake::NOT_A_PROGRAM);
            return ExitCode::FAILURE;
        }
    };
    logging::init(debug, &options.address, &options.masked_fields);
    let outcome = listen(&options, &mode).and_then(|listening| {
        let runtime = runtime().map_err(ServeError::Process)?;
        let outcome = runtime.block_on(serve(options, mode, listening, Box::new(provider())));
        // A blocking call, such as a slow name lookup, must not keep the process.
        runtime.shutdown_background();
        outcome
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&chain(&error));
            ExitCode::FAILURE
        }
    }
}

enum Mode {
    Managed(Host),
    Debug,
}

/// What a host may connect to already.
struct Listening {
    signals: Signals,
    socket: Socket,
    tls: Option<Arc<ServerConfig>>,
}

/// Binds and says so, before anything else is made: who connects meanwhile waits in the socket's queue.
fn listen(options: &ServeOptions, mode: &Mode) -> Result<Listening, ServeError> {
    let host = match mode {
        Mode::Managed(host) => Some(host),
        Mode::Debug => None,
    };
    let pem = host.and_then(|host| host.client_certificate.as_deref());
    let tls = pem.map(tls::mutual).transpose()?;
    let socket = match options.transport {
        Transport::Unix => {
            transport::bind_unix(host.and_then(|host| host.socket_directory.as_deref()))
        }
        Transport::Tcp => transport::bind_tcp(host.map_or(0..=0, |host| host.ports.clone())),
    };
    let socket = socket.map_err(ServeError::Bind)?;
    let announcement = match mode {
        Mode::Managed(_) => {
            let certificate = tls.as_ref().map(|tls| tls.certificate.as_ref());
            handshake::line(&socket.address, certificate)
        }
        Mode::Debug => handshake::reattach(&options.address, &socket.address),
    };
    let signals = Signals::new().map_err(ServeError::Process)?;
    announce(&announcement).map_err(ServeError::Announce)?;
    Ok(Listening {
        signals,
        socket,
        tls: tls.map(|tls| tls.config),
    })
}

/// A few threads wait for answers as well as many do, on a machine with many processors, too.
fn runtime() -> io::Result<Runtime> {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(processors.min(MOST_THREADS))
        .enable_all()
        .build()
}

async fn serve(
    options: ServeOptions,
    mode: Mode,
    Listening {
        signals,
        socket,
        tls,
    }: Listening,
    provider: Box<dyn Provider>,
) -> Result<(), ServeError> {
    if let Mode::Managed(host) = &mode
        && !host.speaks_our_protocol
    {
        tracing::warn!("the host does not speak plugin protocol 6");
    }

    let Address { network, place } = &socket.address;
    tracing::debug!(network, address = place, "plugin address");

    let lifecycle = Lifecycle::new();
    let listener = socket.listener.listen().map_err(ServeError::Bind)?;
    let peers = transport::accept(listener, tls, lifecycle.clone());
    let builtin = Builtin(lifecycle.clone());
    let provider = ProviderServer::new(Service::new(provider, lifecycle.clone()))
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE);
    let server = Server::builder()
        .add_service(provider)
        .add_service(GrpcControllerServer::new(builtin.clone()))
        .add_service(GrpcStdioServer::new(builtin.clone()))
        .add_service(GrpcBrokerServer::new(builtin.clone()))
        .add_service(HealthServer::new(builtin))
        .serve_with_incoming_shutdown(peers, lifecycle.shutdown().cancelled_owned());

    let mut server = tokio::spawn(server);
    tokio::select! {
        () = lifecycle.shutdown().cancelled_owned() => {}
        left = until_left_alone(&mode, &lifecycle, signals) => left.map_err(ServeError::Process)?,
        ended = &mut server => return finished(ended),
    }
    lifecycle.shut_down();
    lifecycle.work_done(options.detached_limit).await;
    // An open connection is the host's business; the directory goes now, whatever it does.
    let outcome = tokio::time::timeout(FLUSH, &mut server).await;
    server.abort();
    drop(socket.directory);
    outcome.map_or(Ok(()), finished)
}

fn finished(
    ended: Result<Result<(), tonic::transport::Error>, tokio::task::JoinError>,
) -> Result<(), ServeError> {
    match ended {
        Ok(outcome) => outcome.map_err(ServeError::Transport),
        Err(error) => Err(ServeError::Process(io::Error::other(error))),
    }
}

async fn until_left_alone(
    mode: &Mode,
    lifecycle: &Lifecycle,
    Signals {
        interrupt,
        terminate,
    }: Signals,
) -> io::Result<()> {
    match mode {
        // Ctrl-C reaches the whole process group; the host tells us by StopProvider instead.
        Mode::Managed(_) => tokio::select! {
            () = lifecycle.host_gone() => Ok(()),
            came = terminate.came() => came,
        },
        Mode::Debug => tokio::select! {
            came = interrupt.came() => came,
            came = terminate.came() => came,
        },
    }
}

fn announce(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes())?;
    stdout.flush()
}

fn complain(sentence: &str) {
    // Nothing is left to do if even stderr is closed.
    let _ = writeln!(io::stderr(), "{sentence}");
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
