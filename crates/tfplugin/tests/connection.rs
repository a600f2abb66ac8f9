//! The provider process as a host sees it, without Terraform in between.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use support::{demo, runs, started, within};
use tfplugin::proto::health::{HealthCheckRequest, health_client::HealthClient};
use tfplugin::proto::plugin::{Empty, grpc_controller_client::GrpcControllerClient};
use tfplugin::proto::tfplugin6::{self as proto, provider_client::ProviderClient};
use tfplugin::{Type, Value};
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;
use tonic::Code;

const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// A certificate with its key, as a host makes one. (A real host's is P-521: see the Terraform test.)
struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
    pem: String,
}

fn identity() -> Identity {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    Identity {
        certificate: made.cert.der().clone(),
        key: made.signing_key.serialize_der(),
        pem: made.cert.pem(),
    }
}

/// A started provider; ended on drop.
struct Plugin {
    process: Child,
    socket: PathBuf,
    certificate: Option<Vec<u8>>,
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
    fn start(client: Option<&str>) -> Self {
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

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The connection of a client; dropping it cuts the socket at once, whoever still holds a sender.
struct Link(std::os::unix::net::UnixStream);

impl Drop for Link {
    fn drop(&mut self) {
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }
}

/// A connected socket, and what cuts it.
fn dial(path: &Path) -> std::io::Result<(UnixStream, Link)> {
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

type Sender = hyper::client::conn::http2::SendRequest<tonic::body::Body>;

async fn connect(plugin: &Plugin, identity: Option<&Identity>) -> Result<(Sender, Link), Failure> {
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

async fn http2<S>(stream: S) -> Result<Sender, Failure>
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
async fn schema(
    sender: &Sender,
) -> Result<(proto::get_provider_schema::Response, Duration), tonic::Status> {
    let mut client = client!(ProviderClient, sender);
    let start = Instant::now();
    let answer = client
        .get_provider_schema(proto::get_provider_schema::Request {})
        .await?;
    Ok((answer.into_inner(), start.elapsed()))
}

#[tokio::test]
async fn the_owner_of_the_certificate_is_served() {
    let host = identity();
    let plugin = Plugin::start(Some(&host.pem));
    let (sender, _link) = connect(&plugin, Some(&host)).await.unwrap();
    let (answer, _) = schema(&sender).await.unwrap();
    assert!(answer.resource_schemas.contains_key("demo_thing"));
    let capabilities = answer.server_capabilities.unwrap();
    assert!(capabilities.plan_destroy && capabilities.get_provider_schema_optional);
    let mut fastest = Duration::MAX;
    for _ in 0..20 {
        fastest = fastest.min(schema(&sender).await.unwrap().1);
    }
    println!("GetProviderSchema: {fastest:?}");
    assert!(
        fastest < Duration::from_millis(20),
        "{fastest:?} is far from 2 ms, even unoptimised"
    );
}

#[tokio::test]
async fn nobody_else_is_served() {
    let host = identity();
    let plugin = Plugin::start(Some(&host.pem));
    let stranger = identity();
    // A certificate is no secret: the right one with another key must not do.
    let thief = Identity {
        certificate: host.certificate.clone(),
        key: stranger.key.clone(),
        pem: host.pem.clone(),
    };
    for (who, identity) in [
        ("nobody", None),
        ("a stranger", Some(&stranger)),
        ("a thief", Some(&thief)),
    ] {
        // TLS 1.3 tells the client only with its first read.
        let served = match connect(&plugin, identity).await {
            Ok((sender, _link)) => schema(&sender).await.is_ok(),
            Err(_) => false,
        };
        assert!(!served, "{who} was served");
    }
    let (socket, _link) = dial(&plugin.socket).unwrap();
    let plain = match http2(socket).await {
        Ok(sender) => schema(&sender).await.is_ok(),
        Err(_) => false,
    };
    assert!(!plain, "plain text was served");
    let (sender, _link) = connect(&plugin, Some(&host)).await.unwrap();
    assert!(
        schema(&sender).await.is_ok(),
        "the owner is served after all that"
    );
}

#[tokio::test]
async fn the_services_of_go_plugin_answer_and_shutdown_ends_the_process() {
    let mut plugin = Plugin::start(None);
    assert!(plugin.certificate.is_none());
    let (sender, _link) = connect(&plugin, None).await.unwrap();
    let service = "plugin".to_owned();
    let health = client!(HealthClient, sender)
        .check(HealthCheckRequest { service })
        .await;
    assert_eq!(health.unwrap().into_inner().status, 1);
    let unwritten = client!(ProviderClient, sender)
        .get_resource_identity_schemas(proto::get_resource_identity_schemas::Request {})
        .await;
    assert_eq!(unwritten.unwrap_err().code(), Code::Unimplemented);

    let directory = plugin.socket.parent().unwrap().to_owned();
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&directory.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o700);
    // The client keeps its connection open, as some hosts do.
    client!(GrpcControllerClient, sender)
        .shutdown(Empty {})
        .await
        .unwrap();
    let start = Instant::now();
    let status = tokio::task::spawn_blocking(move || plugin.process.wait().map(|s| (s, plugin)))
        .await
        .unwrap();
    assert!(status.unwrap().0.success());
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "the host would have killed it by now"
    );
    assert!(!directory.exists(), "the socket directory stayed behind");
}

/// Starts an apply that takes a while and writes a journal.
/// A configuration of the thing, with these attributes.
async fn thing(
    sender: &Sender,
    given: &[(&str, Value)],
) -> Result<proto::DynamicValue, tonic::Status> {
    let (answer, _) = schema(sender).await?;
    let block = answer.resource_schemas["demo_thing"].block.clone().unwrap();
    let names = block.attributes.into_iter().map(|attribute| attribute.name);
    let mut thing = Value::object(names.map(|name| (name, Value::Null)));
    for (name, value) in given {
        thing.set(*name, value.clone());
    }
    // Types matter to the writer only where there is a value.
    let types = thing
        .as_map()
        .unwrap()
        .iter()
        .map(|(name, value)| match value {
            Value::Number(_) => (name.clone(), Type::Number),
            _ => (name.clone(), Type::String),
        });
    Ok(proto::DynamicValue {
        msgpack: thing.to_msgpack(&Type::object(types)).unwrap(),
        json: Vec::new(),
    })
}

#[tokio::test]
async fn a_host_that_would_store_write_only_values_is_refused_them() {
    let plugin = Plugin::start(None);
    let (sender, _link) = connect(&plugin, None).await.unwrap();
    for (allowed, password, refused) in [
        (Some(true), "hunter2".into(), false),
        (Some(false), "hunter2".into(), true),
        (None, "hunter2".into(), true),
        (None, Value::Unknown, true),
        (None, Value::Null, false),
    ] {
        let given = [("name", "one".into()), ("password", password)];
        let request = proto::validate_resource_config::Request {
            type_name: "demo_thing".to_owned(),
            config: Some(thing(&sender, &given).await.unwrap()),
            client_capabilities: allowed.map(|allowed| proto::ClientCapabilities {
                write_only_attributes_allowed: allowed,
                ..Default::default()
            }),
        };
        let answer = client!(ProviderClient, sender)
            .validate_resource_config(request)
            .await
            .unwrap();
        let diagnostics = answer.into_inner().diagnostics;
        assert_eq!(!diagnostics.is_empty(), refused, "{allowed:?}");
        for diagnostic in diagnostics {
            assert!(diagnostic.detail.contains("Terraform 1.11"));
            let step = diagnostic.attribute.unwrap().steps.remove(0);
            let named = proto::attribute_path::step::Selector::AttributeName("password".to_owned());
            assert_eq!(step.selector, Some(named));
        }
    }
}

/// The places of what is said of a configuration of this shape, whatever the schema's is.
async fn said(sender: &Sender, name: &str, ty: Type, value: Value) -> Vec<String> {
    let shape = Type::object([("name", Type::String), (name, ty)]);
    let mut config = Value::object([("name", "one".into())]);
    config.set(name, value);
    let request = proto::validate_resource_config::Request {
        type_name: "demo_thing".to_owned(),
        config: Some(proto::DynamicValue {
            msgpack: config.to_msgpack(&shape).unwrap(),
            json: Vec::new(),
        }),
        ..Default::default()
    };
    let answer = client!(ProviderClient, sender)
        .validate_resource_config(request)
        .await
        .unwrap();
    let diagnostics = answer.into_inner().diagnostics;
    let told = diagnostics.into_iter().map(|diagnostic| {
        use proto::attribute_path::step::Selector;
        assert!(
            !diagnostic.detail.contains("hunter2"),
            "{}",
            diagnostic.detail
        );
        let steps = diagnostic.attribute.unwrap_or_default().steps.into_iter();
        let names = steps.map(|step| match step.selector.unwrap() {
            Selector::AttributeName(name) | Selector::ElementKeyString(name) => name,
            Selector::ElementKeyInt(index) => index.to_string(),
        });
        names.collect::<Vec<_>>().join(".")
    });
    told.collect()
}

#[tokio::test]
async fn a_configuration_of_another_shape_is_an_error_at_the_attribute() {
    let plugin = Plugin::start(None);
    let (sender, _link) = connect(&plugin, None).await.unwrap();
    let secret = || Value::from("hunter2");
    let settings = |name: &str, ty: Type, value: Value| {
        let shape = Type::object([("size", Type::Number), (name, ty)]);
        let mut object = Value::object([("size", 1.into())]);
        object.set(name, value);
        (shape, object)
    };
    assert_eq!(
        said(&sender, "name", Type::Bool, true.into()).await,
        ["name"]
    );
    assert_eq!(
        said(&sender, "ratio", Type::String, secret()).await,
        ["ratio"]
    );
    let list = Value::List(vec![secret()]);
    assert_eq!(
        said(&sender, "labels", Type::list(Type::String), list).await,
        ["labels"]
    );
    let (shape, object) = settings("tags", Type::String, secret());
    assert_eq!(
        said(&sender, "settings", shape, object).await,
        ["settings.tags"]
    );
    // A mistyped key: a core drops it, another host may not.
    let (shape, object) = settings("sise", Type::String, secret());
    assert_eq!(said(&sender, "settings", shape, object).await, ["settings"]);
    assert_eq!(said(&sender, "nmae", Type::String, secret()).await, [""]);
    let (shape, object) = settings("tags", Type::set(Type::String), Value::Unknown);
    assert!(said(&sender, "settings", shape, object).await.is_empty());
}

async fn slow_apply(sender: &Sender, journal: &Path) -> Result<(), tonic::Status> {
    let given = [
        ("name", "slow".into()),
        ("delay_ms", 800.into()),
        ("journal", journal.display().to_string().into()),
    ];
    let value = thing(sender, &given).await?;
    let request = proto::apply_resource_change::Request {
        type_name: "demo_thing".to_owned(),
        planned_state: Some(value.clone()),
        config: Some(value),
        ..Default::default()
    };
    client!(ProviderClient, sender)
        .apply_resource_change(request)
        .await
        .map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_whose_call_is_dropped_finishes_and_knows_it() {
    for cut in ["call", "connection"] {
        let plugin = Plugin::start(None);
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal");
        let (sender, link) = connect(&plugin, None).await.unwrap();
        let call = tokio::spawn({
            let (sender, journal) = (sender.clone(), journal.clone());
            async move { slow_apply(&sender, &journal).await }
        });
        let patience = Instant::now();
        while started(&journal).is_none() {
            assert!(
                patience.elapsed() < Duration::from_secs(20),
                "the apply starts"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let link = match cut {
            "call" => {
                call.abort();
                Some(link)
            }
            _ => {
                drop(link);
                None
            }
        };
        while !std::fs::read_to_string(&journal)
            .unwrap()
            .contains("finished")
        {
            assert!(
                patience.elapsed() < Duration::from_secs(20),
                "the work finishes"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let text = std::fs::read_to_string(&journal).unwrap();
        assert!(text.contains("gone\nfinished"), "{cut}: {text}");
        drop((sender, link));
        let pid = plugin.process.id();
        within(Duration::from_secs(15), "the deserted process ends", || {
            !runs(pid)
        });
    }
}

#[tokio::test]
async fn an_apply_that_is_waited_for_is_not_told_otherwise() {
    let plugin = Plugin::start(None);
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let (sender, _link) = connect(&plugin, None).await.unwrap();
    slow_apply(&sender, &journal).await.unwrap();
    let text = std::fs::read_to_string(&journal).unwrap();
    assert!(
        text.ends_with("\nfinished\n") && !text.contains("gone"),
        "{text}"
    );
}

#[test]
fn a_person_who_starts_it_by_hand_reads_a_sentence() {
    for cookie in [None, Some("biscuit")] {
        let mut command = Command::new(demo());
        command.env_remove("TF_PLUGIN_MAGIC_COOKIE");
        if let Some(cookie) = cookie {
            command.env("TF_PLUGIN_MAGIC_COOKIE", cookie);
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(
            text.starts_with("This program is a Terraform provider."),
            "{text}"
        );
    }
}

#[test]
fn debug_mode_prints_what_to_export_and_runs_until_interrupted() {
    let mut process = Command::new(demo())
        .arg("-debug")
        .env_remove("TF_PLUGIN_MAGIC_COOKIE")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert!(
        line.starts_with("TF_REATTACH_PROVIDERS='{\"registry.terraform.io/tfplugin/demo\""),
        "{line}"
    );
    let interrupt = Command::new("kill")
        .args(["-INT", &process.id().to_string()])
        .status();
    assert!(interrupt.unwrap().success());
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "nothing else may be written to stdout");
    assert!(process.wait().unwrap().success());
}
