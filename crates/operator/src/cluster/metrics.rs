//! What can be measured of the operator, in the format of Prometheus.
//!
//! What happens is counted where it happens; what is so now is looked up when somebody asks. Labels are
//! bounded: kinds, issuers, and words of our own, but for the two metrics of each ApiToken.

pub mod names;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::routing::get;
use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tokenwright_client::Operation;

use self::names::{Metric, Sort};

/// For so long an answer that is still read is given to others, too.
const SECONDS_SHARED: u32 = 10;

/// What is answered.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How mints end, but for what the issuer's answer may say of a token that cannot be kept.
const MINT_RESULTS: [&str; 10] = [
    "Published",
    "MintRefused",
    "MintNotSent",
    "MintedValueRefused",
    "PublishRefused",
    "RehearsalRefused",
    "ValueNotProven",
    "AttemptConflict",
    "DestinationChanged",
    "OutcomeUnknown",
];

/// How revokes end, and what comes in their way.
const REVOKE_RESULTS: [&str; 6] = [
    "Revoked",
    "Expired",
    "Gone",
    "RevokeFailed",
    "NotProven",
    "RevokeNotSeen",
];

/// What every issuer is asked.
const ASKED: [Operation; 5] = [
    Operation::Identity,
    Operation::Check,
    Operation::Mint,
    Operation::List,
    Operation::Revoke,
];

/// How that ends where it went well, and where the issuer does not answer as it should.
const ENDS: [&str; 5] = [
    "Ok",
    "Unavailable",
    "OutcomeUnknown",
    "AnswerNotUnderstood",
    "NoRoom",
];

/// What is tried again.
const RETRIED: [Operation; 3] = [Operation::Mint, Operation::List, Operation::Revoke];

/// Of so many issuers it is kept what they left alive, whether or not they are still there.
const MOST_ABANDONING: usize = 1_000;

type Labels = Vec<(&'static str, String)>;
type Counts = Family<Labels, Counter>;
type Durations = Family<Labels, Histogram, fn() -> Histogram>;

/// Everything that is measured; clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Metrics(Arc<Measured>);

#[derive(Debug)]
struct Measured {
    registry: Registry,
    mints: Counts,
    revokes: Counts,
    requests: Counts,
    sent: Counts,
    request_seconds: Durations,
    reconcile_seconds: Durations,
    reconcile_failures: Counts,
    retries: Counts,
    handovers: Counter,
    abandoned: Counts,
    /// The issuers that tokens were left alive at.
    abandoning: Mutex<HashSet<String>>,
    /// What is counted of each issuer that is there, beside what begins at 0.
    of_issuers: Mutex<HashMap<String, HashSet<Labels>>>,
    shown: Arc<Shown>,
}

/// What one metric is now, for the values of its labels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) metric: Metric,
    pub(crate) labels: Vec<String>,
    pub(crate) value: f64,
}

impl Sample {
    pub(crate) fn new(metric: Metric, labels: impl Into<Vec<String>>, value: f64) -> Self {
        Self {
            metric,
            labels: labels.into(),
            value,
        }
    }
}

/// The name of an issuer in labels; those of the cluster have no namespace.
pub(crate) fn issuer((namespace, name): (String, String)) -> String {
    match namespace.as_str() {
        "" => name,
        _ => format!("{namespace}/{name}"),
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let shown = Arc::new(Shown::default());
        registry.register_collector(Box::new(Arc::clone(&shown)));
        let mut counts = |metric: Metric| {
            let counts = Counts::default();
            // The library adds the end itself.
            let name = metric.name.trim_end_matches("_total");
            registry.register(name, metric.meaning, counts.clone());
            counts
        };
        let (mints, revokes) = (counts(names::MINTS), counts(names::REVOKES));
        let requests = counts(names::ISSUER_REQUESTS);
        let sent = counts(names::ISSUER_SENT);
        let abandoned = counts(names::ABANDONED);
        let reconcile_failures = counts(names::RECONCILE_FAILURES);
        let retries = counts(names::ISSUER_RETRIES);
        let (handovers, metric) = (Counter::default(), names::HANDOVERS);
        let name = metric.name.trim_end_matches("_total");
        registry.register(name, metric.meaning, handovers.clone());
        let mut durations = |metric: Metric| {
            let durations = Durations::new_with_constructor(seconds);
            registry.register(metric.name, metric.meaning, durations.clone());
            durations
        };
        let request_seconds = durations(names::ISSUER_SECONDS);
        let reconcile_seconds = durations(names::RECONCILE_SECONDS);
        Self(Arc::new(Measured {
            registry,
            mints,
            revokes,
            requests,
            sent,
            request_seconds,
            reconcile_seconds,
            reconcile_failures,
            retries,
            handovers,
            abandoned,
            abandoning: Mutex::default(),
            of_issuers: Mutex::default(),
            shown,
        }))
    }
}

/// From ten milliseconds to ten minutes.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.01, 3.0, 11))
}

fn labelled<const N: usize>(metric: Metric, values: [&str; N]) -> Labels {
    let values = values.into_iter().map(ToOwned::to_owned);
    metric.labels.iter().copied().zip(values).collect()
}

impl Measured {
    /// What is counted of an issuer from 0 on: of a number that begins at 1, nobody sees that it grew.
    fn begun(&self, issuer: &str) -> impl Iterator<Item = (&Counts, Labels)> {
        let mints = MINT_RESULTS.map(|result| labelled(names::MINTS, [issuer, result]));
        let revokes = REVOKE_RESULTS.map(|result| labelled(names::REVOKES, [issuer, result]));
        let retries =
            RETRIED.map(|operation| labelled(names::ISSUER_RETRIES, [issuer, operation.name()]));
        let asked = move |operation: Operation| {
            let asked = [issuer, operation.name()];
            ENDS.map(|end| labelled(names::ISSUER_REQUESTS, [asked[0], asked[1], end]))
        };
        let requests = ASKED.into_iter().flat_map(asked);
        let all = mints.into_iter().map(|labels| (&self.mints, labels));
        all.chain(revokes.into_iter().map(|labels| (&self.revokes, labels)))
            .chain(retries.into_iter().map(|labels| (&self.retries, labels)))
            .chain(requests.map(|labels| (&self.requests, labels)))
    }
}

impl Metrics {
    /// There is an issuer of this name, which may be counted.
    pub(crate) fn there(&self, issuer: &str) {
        let mut known = self.0.of_issuers.lock();
        let Entry::Vacant(unknown) = known.entry(issuer.to_owned()) else {
            return;
        };
        for (counts, labels) in self.0.begun(issuer) {
            drop(counts.get_or_create(&labels));
        }
        unknown.insert(HashSet::new());
        let none = labelled(names::ABANDONED, [issuer]);
        drop(self.0.abandoned.get_or_create(&none));
    }

    /// It is gone, and so is what was counted: who makes and deletes issuers leaves nothing here, but for tokens.
    pub(crate) fn forget(&self, issuer: &str) {
        let measured = &self.0;
        let mut known = measured.of_issuers.lock();
        if !measured.abandoning.lock().contains(issuer) {
            let none = labelled(names::ABANDONED, [issuer]);
            measured.abandoned.remove(&none);
        }
        let Some(others) = known.remove(issuer) else {
            return;
        };
        for (counts, labels) in measured.begun(issuer) {
            counts.remove(&labels);
        }
        for labels in others {
            let Measured {
                mints,
                revokes,
                requests,
                sent,
                retries,
                ..
            } = measured.as_ref();
            for counts in [mints, revokes, requests, sent, retries] {
                counts.remove(&labels);
            }
            measured.request_seconds.remove(&labels);
        }
    }

    /// Counts something of an issuer, unless that is gone.
    fn count_of<const N: usize>(
        &self,
        (metric, values): (Metric, [&str; N]),
        count: impl FnOnce(&Labels),
    ) {
        let labels = labelled(metric, values);
        let mut known = self.0.of_issuers.lock();
        if let Some(known) = values.first().and_then(|issuer| known.get_mut(*issuer)) {
            count(&labels);
            known.insert(labels);
        }
    }

    /// One more of them.
    fn one_more<const N: usize>(&self, of: &Counts, counted: (Metric, [&str; N])) {
        self.count_of(counted, |labels| {
            of.get_or_create(labels).inc();
        });
    }

    /// A mint came to its end.
    pub(crate) fn minted(&self, issuer: &str, result: &str) {
        self.one_more(&self.0.mints, (names::MINTS, [issuer, result]));
    }

    /// A token has ended, or something new stands in the way of that.
    pub(crate) fn revoked(&self, issuer: &str, result: &str) {
        self.one_more(&self.0.revokes, (names::REVOKES, [issuer, result]));
    }

    /// Tokens live on, or may, whose object goes. A namespace that is deleted takes their issuer, too: this stays.
    pub(crate) fn abandoned(&self, issuer: &str, tokens: usize) {
        let mut all = self.0.abandoning.lock();
        let room = all.len() < MOST_ABANDONING;
        let named = all.contains(issuer) || room && all.insert(issuer.to_owned());
        let labels = labelled(names::ABANDONED, [if named { issuer } else { "" }]);
        let count = self.0.abandoned.get_or_create(&labels);
        count.inc_by(tokens.try_into().unwrap_or(u64::MAX));
    }

    /// An issuer is asked again for what failed before.
    pub(crate) fn retried(&self, issuer: &str, operation: Operation) {
        let counted = (names::ISSUER_RETRIES, [issuer, operation.name()]);
        self.one_more(&self.0.retries, counted);
    }

    /// This replica has the Lease now.
    pub(crate) fn took_over(&self) {
        self.0.handovers.inc();
    }

    /// An issuer was asked, by so many requests, and it took this long.
    pub(crate) fn asked(
        &self,
        issuer: &str,
        (operation, kind): (&str, &str),
        (sent, took): (u32, Duration),
    ) {
        let counted = (names::ISSUER_REQUESTS, [issuer, operation, kind]);
        self.one_more(&self.0.requests, counted);
        let requests = (names::ISSUER_SENT, [issuer, operation]);
        self.count_of(requests, |labels| {
            self.0.sent.get_or_create(labels).inc_by(sent.into());
        });
        let durations = &self.0.request_seconds;
        let timed = (names::ISSUER_SECONDS, [issuer, operation, kind]);
        self.count_of(timed, |labels| {
            let seconds = durations.get_or_create(labels);
            seconds.observe(took.as_secs_f64());
        });
    }

    /// The work on an object of a kind took this long, and failed or not.
    pub(crate) fn worked(&self, kind: &str, failed: bool, took: Duration) {
        let labels = labelled(names::RECONCILE_SECONDS, [kind]);
        let seconds = self.0.reconcile_seconds.get_or_create(&labels);
        seconds.observe(took.as_secs_f64());
        let labels = labelled(names::RECONCILE_FAILURES, [kind]);
        let failures = self.0.reconcile_failures.get_or_create(&labels);
        failures.inc_by(u64::from(failed));
    }

    /// Looks up what is so now, whenever somebody asks from now on.
    pub(crate) fn show(&self, look: impl Fn() -> Vec<Sample> + Send + Sync + 'static) {
        *self.0.shown.0.lock() = Some(Box::new(look));
    }

    /// The endpoint `/metrics`.
    pub(crate) fn router(&self) -> Router {
        let (metrics, last) = (self.clone(), Arc::new(Last::default()));
        let answer = move || match last.or(|| metrics.text()) {
            Ok(text) => (StatusCode::OK, text),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string().into()),
        };
        let kind = [(header::CONTENT_TYPE, OPEN_METRICS)];
        Router::new().route("/metrics", get(async move || (kind, answer())))
    }

    fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.0.registry).map(|()| text)
    }
}

/// The last answer, which has megabytes where there are thousands of ApiTokens: who asks soon after it, or while
/// somebody is slow to read it, gets it as well.
#[derive(Default)]
struct Last(Mutex<Option<Bytes>>);

impl Last {
    fn or(
        self: &Arc<Self>,
        make: impl FnOnce() -> Result<String, fmt::Error>,
    ) -> Result<Bytes, fmt::Error> {
        let mut last = self.0.lock();
        if let Some(text) = &*last {
            return Ok(text.clone());
        }
        let text = Bytes::from(make()?);
        *last = Some(text.clone());
        tokio::spawn(Arc::clone(self).forget());
        Ok(text)
    }

    async fn forget(self: Arc<Self>) {
        for _ in 0..SECONDS_SHARED {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if self.0.lock().as_ref().is_none_or(Bytes::is_unique) {
                break;
            }
        }
        self.0.lock().take();
    }
}

type Look = Box<dyn Fn() -> Vec<Sample> + Send + Sync>;

/// What is so now; nothing before anybody works here.
#[derive(Default)]
struct Shown(Mutex<Option<Look>>);

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}

impl Collector for Shown {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut samples = self.0.lock().as_ref().map_or_else(Vec::new, |look| look());
        // A replica that stands by shows that it does.
        if !samples.iter().any(|sample| sample.metric == names::LEADER) {
            samples.push(Sample::new(names::LEADER, [], 0.0));
        }
        let gauges = names::ALL.iter().filter(|m| m.sort == Sort::Gauge);
        for metric in gauges {
            let kind = MetricType::Gauge;
            let mut family = encoder.encode_descriptor(metric.name, metric.meaning, None, kind)?;
            for sample in samples.iter().filter(|sample| sample.metric == *metric) {
                let labels = metric.labels.iter().copied();
                let labels: Labels = labels.zip(sample.labels.iter().cloned()).collect();
                match labels.is_empty() {
                    true => family.encode_gauge(&sample.value)?,
                    false => family.encode_family(&labels)?.encode_gauge(&sample.value)?,
                }
            }
        }
        Ok(())
    }
}
