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

use super::budget::{Budget, SCHEMA, SIZE, SIZE_BESIDE, START, START_BESIDE, Verdict};
use super::plain::Plain;
use super::{megabytes, milliseconds, resident, row, spread};
use crate::tools::product_binary;

/// What Terraform sets in the environment of every provider.
const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
/// Enough for a steady median.
const RUNS: usize = 40;
/// After the handshake line a provider still starts what waits for the host.
const SETTLED: Duration = Duration::from_millis(100);

pub(super) async fn measure(verdict: &mut Verdict) -> Result<()> {
    let identity = rcgen::generate_simple_self_signed(["localhost".to_owned()])
        .context("cannot make a certificate")?;
    let certificate = identity.cert.pem();
    let program = product_binary("terraform-provider-tokenwright")?;
    let ours = of("provider", &program, &certificate, [START, SIZE, SCHEMA]).await?;
    let plain = Plain::build()?;
    let program = plain.program();
    let beside = [START_BESIDE, SIZE_BESIDE];
    let plain = of("a plain provider in Go", &program, &certificate, beside).await?;
    verdict.judge(START, "", ours.started);
    verdict.judge(SIZE, "", ours.size);
    verdict.judge(SCHEMA, "", ours.schema);
    verdict.judge(START_BESIDE, "", ours.started / plain.started);
    verdict.judge(SIZE_BESIDE, "", ours.size / plain.size);
    Ok(())
}

/// Milliseconds and megabytes of one provider.
struct Measured {
    started: f64,
    size: f64,
    schema: f64,
}

async fn of<const N: usize>(
    who: &str,
    program: &Path,
    certificate: &str,
    budgets: [Budget; N],
) -> Result<Measured> {
    let target = |at: usize| budgets.get(at).map_or("–".to_owned(), |one| one.target());
    let mut starts = Vec::new();
    let mut size = 0.0;
    for _ in 0..RUNS {
        let plugin = Plugin::start(program, Some(certificate))?;
        starts.push(plugin.took);
        std::thread::sleep(SETTLED);
        size = megabytes(plugin.process.id())?;
    }
    let started = spread(starts);
    row(
        &format!("{who}: start to handshake line, AutoMTLS"),
        &milliseconds(started),
        &target(0),
    );
    row(
        &format!("{who}: resident after the handshake line"),
        &format!("{size:.1} MB"),
        &target(1),
    );

    let plugin = Plugin::start(program, None)?;
    let mut calls = Vec::new();
    for _ in 0..RUNS {
        calls.push(schema(&plugin).await?);
    }
    let schema = spread(calls);
    row(
        &format!("{who}: GetProviderSchema"),
        &milliseconds(schema),
        &target(2),
    );
    row(
        &format!("{who}: resident after the schema"),
        &resident(plugin.process.id())?,
        &target(1),
    );
    let ([started, _], [schema, _]) = (started, schema);
    Ok(Measured {
        started,
        size,
        schema,
    })
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
