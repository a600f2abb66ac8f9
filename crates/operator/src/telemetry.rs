//! The log of the program, and the traces of rotations for a collector where one is configured.
//!
//! A collector is named by the variables that OpenTelemetry defines for all programs. Without one, no exporter
//! is made and no thread runs.

use std::time::Duration;

use anyhow::Context as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokenwright_operator::traces;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, registry};

/// What is not delivered by then is lost: the end of the program waits no longer.
const GOODBYE: Duration = Duration::from_secs(5);

/// The name of the program in traces, unless `OTEL_SERVICE_NAME` says another.
const SERVICE: &str = "tokenwright-operator";

/// What has to be ended with the program.
#[derive(Debug)]
pub(crate) struct Telemetry(Option<SdkTracerProvider>);

/// What the environment asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Nothing,
    Traces,
    /// In a protocol that is not spoken.
    Unspoken(String),
}

fn asked(variable: impl Fn(&str) -> Option<String>) -> Asked {
    let said = |name: &str| variable(name).filter(|text| !text.trim().is_empty());
    let of_traces = |rest: &str| {
        let own = said(&format!("OTEL_EXPORTER_OTLP_TRACES_{rest}"));
        own.or_else(|| said(&format!("OTEL_EXPORTER_OTLP_{rest}")))
    };
    let disabled = said("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let elsewhere = said("OTEL_TRACES_EXPORTER").is_some_and(|text| text != "otlp");
    if disabled || elsewhere || of_traces("ENDPOINT").is_none() {
        return Asked::Nothing;
    }
    match of_traces("PROTOCOL") {
        Some(protocol) if protocol != "http/protobuf" => Asked::Unspoken(protocol),
        Some(_) | None => Asked::Traces,
    }
}

impl Telemetry {
    /// Begins to log, and to export where a collector is named. A collector that cannot be used is told in
    /// the log: no token depends on it.
    pub(crate) fn begin() -> Self {
        let asked = asked(|name| std::env::var(name).ok());
        let made = (asked == Asked::Traces).then(provider).transpose();
        let (provider, refused) = match made {
            Ok(provider) => (provider, None),
            Err(error) => (None, Some(error)),
        };
        let wanted = std::env::var("RUST_LOG").ok();
        let wanted = wanted.and_then(|text| text.parse::<Targets>().ok());
        let filter = wanted.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
        subscriber(filter, provider.as_ref()).init();
        if let Some(error) = refused {
            tracing::warn!("no traces are exported: {error:#}");
        }
        match asked {
            Asked::Nothing => {}
            Asked::Traces if provider.is_some() => tracing::info!("traces are exported"),
            Asked::Traces => {}
            Asked::Unspoken(protocol) => {
                tracing::warn!(
                    protocol,
                    "no traces are exported: set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf, and the endpoint to the collector's port for it"
                );
            }
        }
        Self(provider)
    }

    /// Exports what is left.
    pub(crate) async fn end(self) {
        let Some(provider) = self.0 else { return };
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(GOODBYE));
        if let Ok(Err(error)) = ended.await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the last traces may be lost"
            );
        }
    }
}

/// Whoever listens to what is said and traced. Libraries say much that nobody reads, so that it must cost
/// nothing: each filter names its highest level, and where nobody exports there is no layer at all. A layer
/// that is `None` counts as one that wants everything, and has each span of each library made.
fn subscriber(
    filter: Targets,
    provider: Option<&SdkTracerProvider>,
) -> Box<dyn Subscriber + Send + Sync> {
    let of_log = filter_fn(|metadata| {
        !traces::is_for_collectors(metadata) && !is_span_of_a_library(metadata)
    });
    let log = tracing_subscriber::fmt::layer()
        .json()
        .with_writer(std::io::stderr)
        .with_filter(filter.and(of_log.with_max_level_hint(LevelFilter::TRACE)));
    let Some(provider) = provider else {
        return Box::new(registry().with(log));
    };
    let of_collectors = filter_fn(traces::is_for_collectors);
    let spans = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer(SERVICE))
        .with_context_activation(false)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(of_collectors.with_max_level_hint(LevelFilter::INFO));
    Box::new(registry().with(log).with(spans))
}

/// Whether it is a span that no line of ours needs: an object is named by a span of our own. The controllers
/// of kube make one for each look, which costs more than what is logged.
fn is_span_of_a_library(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && !metadata.target().starts_with("tokenwright")
}

/// Exports in batches, from a thread of its own; addresses, headers and times are read from the environment.
fn provider() -> anyhow::Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .build()
        .context("making the exporter")?;
    let resource = Resource::builder();
    let resource = match std::env::var_os("OTEL_SERVICE_NAME") {
        Some(_) => resource,
        None => resource.with_service_name(SERVICE),
    };
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource.build())
        .build())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Asked {
        asked(|name| {
            let mut all = variables.iter();
            all.find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn what_a_library_says_to_nobody_costs_nothing_with_and_without_a_collector() {
        let provider = SdkTracerProvider::builder().build();
        for provider in [None, Some(&provider)] {
            let subscriber = subscriber("info".parse().unwrap(), provider);
            assert_eq!(subscriber.max_level_hint(), Some(LevelFilter::INFO));
            tracing::subscriber::with_default(subscriber, || {
                assert!(tracing::debug_span!("HTTP").is_disabled());
                assert!(!tracing::enabled!(tracing::Level::TRACE));
                assert!(!tracing::info_span!("object").is_disabled());
                let of_kube = tracing::info_span!(target: "kube_runtime::controller", "x");
                assert!(of_kube.is_disabled());
                let traced = tracing::info_span!(target: traces::TARGET, "rotation");
                assert_eq!(traced.is_disabled(), provider.is_none());
            });
        }
    }

    #[test]
    fn traces_are_exported_where_a_collector_is_named_and_nothing_speaks_against_it() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
        let of_traces = (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "http://collector:4318/v1/traces",
        );
        assert_eq!(with(&[]), Asked::Nothing);
        assert_eq!(
            with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]),
            Asked::Nothing
        );
        assert_eq!(with(&[endpoint]), Asked::Traces);
        assert_eq!(with(&[of_traces]), Asked::Traces);
        assert_eq!(
            with(&[endpoint, ("OTEL_SDK_DISABLED", "TRUE")]),
            Asked::Nothing
        );
        assert_eq!(
            with(&[endpoint, ("OTEL_TRACES_EXPORTER", "none")]),
            Asked::Nothing
        );
        assert_eq!(
            with(&[endpoint, ("OTEL_TRACES_EXPORTER", "otlp")]),
            Asked::Traces
        );
        let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
        assert_eq!(with(&[endpoint, grpc]), Asked::Unspoken("grpc".to_owned()));
        let http = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf");
        assert_eq!(with(&[endpoint, grpc, http]), Asked::Traces);
    }
}
