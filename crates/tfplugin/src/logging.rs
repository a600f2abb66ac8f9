//! Logs as go-plugin's hosts read them: one JSON object per line on stderr.
//!
//! The level comes from `TF_LOG_PROVIDER_NAME`, for the provider of this name alone, else from `TF_LOG_PROVIDER` or
//! `TF_LOG`; the host passes them on, and itself shows no more than the latter two ask for. Libraries below
//! us log warnings only: their traces show the bytes that travel, and those may be secret.
//! What a provider masks, by the name of a field or as a text, is written as `***`.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;
use std::io::Write;
use std::sync::{PoisonError, RwLock};

use serde_json::{Map, Value as Json, json};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, registry};

use crate::clock;

/// A host does not parse lines above 64 KiB; a text is cut long before that.
const LONGEST_TEXT: usize = 8 << 10;

/// What stands in the place of what is masked.
const MASK: &str = "***";

/// The texts that no line shows, the longest first.
static MASKED: RwLock<Vec<String>> = RwLock::new(Vec::new());

const LIBRARIES: [&str; 7] = [
    "h2",
    "hyper",
    "hyper_util",
    "tonic",
    "tower",
    "rustls",
    "reqwest",
];

/// From now on no line of the process shows this text, in whatever field or message it stands, or as `{:?}` writes it.
///
/// A secret that has a field of its own is better masked by that field's name: see
/// [`ServeOptions::masked_fields`](crate::ServeOptions::masked_fields).
pub fn mask(text: &str) {
    let quoted = format!("{text:?}");
    let escaped = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"'));
    let mut masked = MASKED.write().unwrap_or_else(PoisonError::into_inner);
    for form in std::iter::once(text).chain(escaped) {
        if !form.is_empty() && masked.iter().all(|known| known != form) {
            masked.push(form.to_owned());
        }
    }
    // A text that is a part of another one must not break that one up.
    masked.sort_by_key(|form| Reverse(form.len()));
}

/// Installs the log of the provider with this address for the process, unless there is one already.
pub(crate) fn init(debug: bool, address: &str, masked: &BTreeSet<String>) {
    let fallback = if debug {
        LevelFilter::INFO
    } else {
        LevelFilter::OFF
    };
    let level = level(address, |name| std::env::var(name).ok()).unwrap_or(fallback);
    let quiet = level.min(LevelFilter::WARN);
    let targets = Targets::new()
        .with_default(level)
        .with_targets(LIBRARIES.map(|library| (library, quiet)));
    let layer = HclogLayer::new(std::io::stderr)
        .masking(masked.clone())
        .with_filter(targets);
    // Whoever installed a subscriber before us wants another log.
    let _ = registry().with(layer).try_init();
}

/// The level that the user asked for; `None` if there was no word.
pub(crate) fn level(
    address: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Option<LevelFilter> {
    let name = address.rsplit('/').next().unwrap_or_default();
    let name = name.replace('-', "_").to_ascii_uppercase();
    let own = format!("TF_LOG_PROVIDER_{name}");
    let word = [&own, "TF_LOG_PROVIDER", "TF_LOG"]
        .into_iter()
        .find_map(|name| variable(name).filter(|word| !word.is_empty()))?;
    Some(match word.to_ascii_uppercase().as_str() {
        "DEBUG" => LevelFilter::DEBUG,
        "INFO" => LevelFilter::INFO,
        "WARN" => LevelFilter::WARN,
        "ERROR" => LevelFilter::ERROR,
        "OFF" => LevelFilter::OFF,
        // TRACE, JSON, and, as in Terraform itself, every other word.
        _ => LevelFilter::TRACE,
    })
}

/// Writes each event as one line in hclog's JSON format, with the fields of its spans.
#[derive(Debug)]
pub struct HclogLayer<W> {
    writer: W,
    masked: BTreeSet<String>,
}

impl<W> HclogLayer<W> {
    /// Writes to `writer`.
    pub fn new(writer: W) -> Self {
        Self {
            writer,
            masked: BTreeSet::new(),
        }
    }

    /// Writes `***` for the values of fields with these names.
    pub fn masking(mut self, fields: BTreeSet<String>) -> Self {
        self.masked = fields;
        self
    }

    fn mask(&self, line: &mut Map<String, Json>) {
        let masked = MASKED.read().unwrap_or_else(PoisonError::into_inner);
        for (name, value) in line {
            if self.masked.contains(name) {
                *value = json!(MASK);
            } else if let Json::String(text) = value {
                for secret in masked.iter() {
                    *text = text.replace(secret, MASK);
                }
                text.truncate(text.floor_char_boundary(LONGEST_TEXT));
            }
        }
    }
}

struct Fields(Map<String, Json>);

impl<S, W> Layer<S> for HclogLayer<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id) {
            let mut fields = Fields(Map::new());
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let mut line = Map::new();
        for span in ctx
            .event_scope(event)
            .into_iter()
            .flat_map(|scope| scope.from_root())
        {
            if let Some(fields) = span.extensions().get::<Fields>() {
                line.extend(fields.0.clone());
            }
        }
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        let message = fields.0.remove("message").unwrap_or_else(|| json!(""));
        line.extend(fields.0);
        line.insert("@message".to_owned(), message);
        self.mask(&mut line);
        let metadata = event.metadata();
        line.insert("@level".to_owned(), json!(word(metadata.level())));
        line.insert("@module".to_owned(), json!(metadata.target()));
        line.insert("@timestamp".to_owned(), json!(clock::log_timestamp()));
        let mut text = Json::Object(line).to_string();
        text.push('\n');
        // The host may be gone already: a lost log line is no reason to fail.
        let _ = self.writer.make_writer().write_all(text.as_bytes());
    }
}

fn word(level: &Level) -> &'static str {
    match *level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

impl Fields {
    fn put(&mut self, field: &Field, value: Json) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, json!(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, json!(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, json!(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What is written of these events.
    fn written(masked: &[&str], events: impl FnOnce()) -> String {
        let page = Page::default();
        let copy = page.clone();
        let masked = masked.iter().map(|name| (*name).to_owned()).collect();
        let layer = HclogLayer::new(move || copy.clone()).masking(masked);
        tracing::subscriber::with_default(registry().with(layer), events);
        String::from_utf8(page.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn what_a_provider_masks_by_the_name_of_a_field_or_as_a_text_stands_in_no_line() {
        mask("");
        mask("hunter2");
        mask("hunter2\nand \"more\"");
        let text = written(&["password", "pin"], || {
            let span = tracing::info_span!("call", password = "in the span", size = 12);
            let _entered = span.enter();
            tracing::warn!(pin = 4711, name = "web", "refused: hunter2, it said");
            tracing::warn!(error = ?"hunter2\nand \"more\"", "as it is: hunter2\nand \"more\"");
            let cut = format!("{}hunter2", "x".repeat(LONGEST_TEXT - 3));
            tracing::warn!(cut);
        });
        let lines: Vec<Json> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines[0]["password"], "***");
        assert_eq!(lines[0]["pin"], "***");
        assert_eq!(lines[0]["name"], "web");
        assert_eq!(lines[0]["size"], 12);
        assert_eq!(lines[0]["@message"], "refused: ***, it said");
        assert_eq!(lines[1]["error"], "\"***\"");
        assert_eq!(lines[1]["@message"], "as it is: ***");
        let cut = lines[2]["cut"].as_str().unwrap();
        assert!(cut.ends_with("x***") && cut.len() == LONGEST_TEXT, "{cut}");
    }

    #[test]
    fn an_event_is_one_line_that_a_host_understands() {
        let text = written(&[], || {
            let span = tracing::info_span!("call", rpc = "plan");
            let _entered = span.enter();
            tracing::warn!(target: "demo", attempt = 2, "slow \"answer\"");
        });
        assert_eq!(text.lines().count(), 1);
        let line: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(line["@level"], "warn");
        assert_eq!(line["@message"], "slow \"answer\"");
        assert_eq!(line["@module"], "demo");
        assert_eq!(line["rpc"], "plan");
        assert_eq!(line["attempt"], 2);
        let timestamp = line["@timestamp"].as_str().unwrap();
        let fraction = timestamp.split_once('.').unwrap().1;
        assert_eq!(fraction.len(), "123456Z".len(), "{timestamp}");
        assert!(fraction.ends_with('Z'), "{timestamp}");
    }

    #[test]
    fn the_level_of_the_one_provider_wins_then_that_of_all_providers() {
        let level = |words: &[(&str, &str)]| {
            level("registry.terraform.io/acme/two-words", |name| {
                let found = words.iter().find(|(key, _)| *key == name);
                found.map(|(_, word)| (*word).to_owned())
            })
        };
        assert_eq!(level(&[]), None);
        assert_eq!(level(&[("TF_LOG", "debug")]), Some(LevelFilter::DEBUG));
        assert_eq!(level(&[("TF_LOG", "JSON")]), Some(LevelFilter::TRACE));
        let mut all = vec![("TF_LOG", "trace"), ("TF_LOG_PROVIDER", "error")];
        assert_eq!(level(&all), Some(LevelFilter::ERROR));
        all.push(("TF_LOG_PROVIDER_OTHER", "debug"));
        assert_eq!(level(&all), Some(LevelFilter::ERROR));
        all.push(("TF_LOG_PROVIDER_TWO_WORDS", "warn"));
        assert_eq!(level(&all), Some(LevelFilter::WARN));
    }
}
