//! A collector of traces, as OpenTelemetry's protocol knows it, and what the operator sends there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message as _;
use tokenwright_testbed::programs::{More, wait_for};
use tokenwright_testbed::quickstart::{TEAM_NAMESPACE, TOKEN};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::cluster::{Cluster, SYSTEM, root};

/// What is left is exported for five seconds at the end, and something has to be done beside that.
const GOODBYE: Duration = Duration::from_secs(10);

/// A collector on loopback; ends when it is dropped.
struct Collector {
    endpoint: String,
    bodies: Arc<Mutex<Vec<Bytes>>>,
    _server: JoinSet<std::io::Result<()>>,
}

impl Collector {
    async fn start() -> Result<Self> {
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let received = Arc::clone(&bodies);
        let router = Router::new().route(
            "/v1/traces",
            post(move |body: Bytes| async move {
                let mut bodies = received.lock().unwrap_or_else(|broken| broken.into_inner());
                bodies.push(body);
                StatusCode::OK
            }),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let mut server = JoinSet::new();
        server.spawn(axum::serve(listener, router).into_future());
        Ok(Self {
            endpoint,
            bodies,
            _server: server,
        })
    }

    fn received(&self) -> Vec<Bytes> {
        let bodies = self
            .bodies
            .lock()
            .unwrap_or_else(|broken| broken.into_inner());
        bodies.clone()
    }

    /// Each export, decoded.
    fn exports(&self) -> Result<Vec<ExportTraceServiceRequest>> {
        let bodies = self.received().into_iter();
        let decoded = bodies.map(ExportTraceServiceRequest::decode);
        Ok(decoded.collect::<Result<_, _>>()?)
    }

    fn spans(&self) -> Result<Vec<Span>> {
        let of_scopes = |export: ExportTraceServiceRequest| {
            let resources = export.resource_spans.into_iter();
            let scopes = resources.flat_map(|resource| resource.scope_spans);
            scopes.flat_map(|scope| scope.spans).collect::<Vec<_>>()
        };
        Ok(self.exports()?.into_iter().flat_map(of_scopes).collect())
    }
}

/// The attributes of a span, as texts.
fn attributes(span: &Span) -> BTreeMap<&str, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let all = span.attributes.iter().filter_map(|attribute| {
        let value = attribute.value.as_ref()?.value.as_ref()?;
        Some((attribute.key.as_str(), text(value)))
    });
    all.collect()
}

#[tokio::test]
async fn a_collector_gets_one_span_for_a_rotation_with_the_requests_to_the_issuer_and_no_secret()
-> Result<()> {
    let (cluster, collector) = (Cluster::start().await?, Collector::start().await?);
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let more = More {
        environment: vec![
            variable("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint),
            variable("OTEL_BSP_SCHEDULE_DELAY", "200"),
        ],
        ..More::default()
    };
    let operator = cluster.launch("operator", more).await?;
    let first = cluster.delivered().await?;
    let second = cluster.team.secret_after(Some(&first)).await?;
    let rotation = wait_for(
        "the span of the rotation",
        Duration::from_secs(20),
        || async {
            let mut spans = collector.spans()?.into_iter();
            Ok(spans.find(|span| {
                let said = attributes(span);
                said.get("tokenwright.revision")
                    .is_some_and(|revision| revision == "2")
            }))
        },
    )
    .await?;

    let said = attributes(&rotation);
    ensure!(
        rotation.name == "rotation" && rotation.parent_span_id.is_empty(),
        "{rotation:?}"
    );
    for (name, value) in [
        ("k8s.namespace.name", TEAM_NAMESPACE),
        ("tokenwright.token", TOKEN),
        ("tokenwright.result", "Published"),
    ] {
        ensure!(
            said.get(name).is_some_and(|is| is == value),
            "{name}: {said:?}"
        );
    }
    let nonce = said.get("tokenwright.nonce").context("no nonce")?;
    let marked = cluster.sandbox.ledger().await?;
    let marked = marked.tokens.iter().find(|life| life.id == second.id);
    let marked = format!("{:?}", marked.context("the token is not there")?);
    ensure!(
        marked.contains(nonce.as_str()),
        "{nonce} finds nothing: {marked}"
    );

    let spans = collector.spans()?;
    let children = spans
        .iter()
        .filter(|span| span.parent_span_id == rotation.span_id);
    let asked: Vec<_> = children
        .map(|span| {
            let inside = span.start_time_unix_nano >= rotation.start_time_unix_nano
                && span.end_time_unix_nano <= rotation.end_time_unix_nano;
            ensure!(inside && span.trace_id == rotation.trace_id, "{span:?}");
            ensure!(span.kind() == SpanKind::Client, "{span:?}");
            let said = attributes(span);
            Ok(said
                .get("tokenwright.operation")
                .cloned()
                .unwrap_or_default())
        })
        .collect::<Result<_>>()?;
    ensure!(asked == ["mint", "check"], "{asked:?}");

    let page = std::fs::read_to_string(root().join("docs/metrics.md"))?;
    for span in &spans {
        let row = format!("| `{}` |", span.name);
        let row = page.lines().find(|line| line.starts_with(&row));
        let row = row.with_context(|| format!("{} is in no list", span.name))?;
        for name in attributes(span).keys() {
            ensure!(row.contains(&format!("`{name}`")), "{}: {name}", span.name);
        }
        ensure!(span.events.is_empty(), "lines of the log: {span:?}");
    }
    let secrets = [
        &first.value,
        &second.value,
        &cluster.sandbox.system(SYSTEM)?.credential,
    ];
    for body in collector.received() {
        for secret in secrets {
            let found = body
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            ensure!(!found, "a secret value was exported");
        }
    }
    cluster.team.delete().await?;
    operator.kill().await
}

/// One that is not there refuses at once; one that hangs takes the connection, and says nothing.
#[tokio::test]
async fn a_collector_that_is_away_or_hangs_delays_neither_a_rotation_nor_the_end() -> Result<()> {
    let hangs = TcpListener::bind("127.0.0.1:0").await?;
    let away = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    for collector in [hangs.local_addr()?, away] {
        let cluster = Cluster::start().await?;
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let more = More {
            environment: vec![
                variable(
                    "OTEL_EXPORTER_OTLP_ENDPOINT",
                    &format!("http://{collector}"),
                ),
                variable("OTEL_BSP_SCHEDULE_DELAY", "200"),
            ],
            ..More::default()
        };
        let operator = cluster.launch("operator", more).await?;
        let first = cluster.delivered().await?;
        let second = cluster.team.secret_after(Some(&first)).await?;
        ensure!(second.revision == "2", "{}", second.revision);
        cluster.team.delete().await?;
        cluster.nothing_lives().await?;
        operator.signal("TERM").await?;
        ensure!(operator.ended(GOODBYE).await?, "{}", cluster.log()?);
    }
    Ok(())
}
