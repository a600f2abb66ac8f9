//! The provider: from start to handshake line, the schema, and its size.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tfplugin::proto::tfplugin6 as proto;
use tokio::net::UnixStream;

use super::plain::Plain;
use super::{resident, row, spread};
use crate::tools::product_binary;

/// What Terraform sets in the environment of every provider.
const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
/// Enough for a steady median.
const RUNS: usize = 40;
/// After the handshake line a provider still starts what waits for the host.
const SETTLED: Duration = Duration::from_millis(100);

pub(super) async fn measure() -> Result<()> {
    let identity = rcgen::generate_simple_self_signed(["localhost".to_owned()])
        .context("cannot make a certificate")?;
    let certificate = identity.cert.pem();
    let ours = product_binary("terraform-provider-tokenwright")?;
    let plain = Plain::build()?;
    let targets = ["under 5 ms median", "under 15 MB", "under 2 ms"];
    of("provider", &ours, &certificate, targets).await?;
    let none = ["ours: a tenth of it", "ours: a third of it", "–"];
    of(
        "a plain provider in Go",
        &plain.program(),
        &certificate,
        none,
    )
    .await
}

async fn of(
    who: &str,
    program: &Path,
    certificate: &str,
    [start, size, schemas]: [&str; 3],
) -> Result<()> {
    let mut starts = Vec::new();
    let mut resides = String::new();
    for _ in 0..RUNS {
        let plugin = Plugin::start(program, Some(certificate))?;
        starts.push(plugin.took);
        std::thread::sleep(SETTLED);
        resides = resident(plugin.process.id())?;
    }
    row(
        &format!("{who}: start to handshake line, AutoMTLS"),
        &spread(starts),
        start,
    );
    row(
        &format!("{who}: resident after the handshake line"),
        &resides,
        size,
    );

    let plugin = Plugin::start(program, None)?;
    let mut calls = Vec::new();
    for _ in 0..RUNS {
        calls.push(schema(&plugin).await?);
    }
    row(
        &format!("{who}: GetProviderSchema"),
        &spread(calls),
        schemas,
    );
    row(
        &format!("{who}: resident after the schema"),
        &resident(plugin.process.id())?,
        size,
    );
    Ok(())
}

/// A started provider; dropping it ends it.
struct Plugin {
    process: Child,
    socket: PathBuf,
    took: Duration,
    _folder: TempDir,
}

impl Drop for Plugin {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Plugin {
    fn start(program: &Path, certificate: Option<&str>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(program);
        command
            .env("TMPDIR", folder.path())
            .env("TF_PLUGIN_MAGIC_COOKIE", COOKIE);
        command
            .env("PLUGIN_PROTOCOL_VERSIONS", "6")
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if let Some(pem) = certificate {
            command.env("PLUGIN_CLIENT_CERT", pem);
        }
        let begun = Instant::now();
        let mut process = command.spawn().context("cannot start the provider")?;
        let mut line = String::new();
        let output = process
            .stdout
            .as_mut()
            .context("the provider has no output")?;
        BufReader::new(output)
            .read_line(&mut line)
            .context("the provider printed no line")?;
        let took = begun.elapsed();
        let socket = line
            .split('|')
            .nth(3)
            .context("the handshake line names no socket")?
            .into();
        Ok(Self {
            process,
            socket,
            took,
            _folder: folder,
        })
    }
}

async fn schema(plugin: &Plugin) -> Result<Duration> {
    let socket = UnixStream::connect(&plugin.socket)
        .await
        .context("cannot connect to the provider")?;
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket)).await?;
    let task = tokio::spawn(connection);
    let service = tower::service_fn(move |request: http::Request<tonic::body::Body>| {
        let mut sender = sender.clone();
        async move { sender.send_request(request).await }
    });
    let origin = http::Uri::from_static("http://localhost");
    let mut client = proto::provider_client::ProviderClient::with_origin(service, origin);
    let begun = Instant::now();
    client
        .get_provider_schema(proto::get_provider_schema::Request {})
        .await?;
    let took = begun.elapsed();
    drop(client);
    task.abort();
    Ok(took)
}
