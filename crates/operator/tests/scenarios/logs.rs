//! What the log says: which object each line is about and why, and no secret.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

use serde_json::json;
use tokenwright_client::memory::Fault as Trouble;
use tokenwright_client::{ErrorKind, MemorySettings, Operation};
use tokenwright_testbed::memory::Fault;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::world::{NAMESPACE, OPERATOR, TOKENS, World};

#[derive(Debug, Clone, Default)]
struct Fields(BTreeMap<String, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

/// One line: what it says, with the fields of the spans that it stands in.
#[derive(Debug, Clone)]
struct Line {
    module: String,
    fields: BTreeMap<String, String>,
}

/// The lines of one thread: a world runs in the thread of its test.
#[derive(Debug, Clone)]
struct Lines(Arc<Mutex<Vec<Line>>>, ThreadId);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        context.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let module = event.metadata().module_path().unwrap_or_default();
        if *event.metadata().level() > Level::INFO || std::thread::current().id() != self.1 {
            return;
        }
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(around) = span.extensions().get::<Fields>() {
                for (key, value) in &around.0 {
                    fields.0.entry(key.clone()).or_insert_with(|| value.clone());
                }
            }
        }
        event.record(&mut fields);
        self.0.lock().unwrap().push(Line {
            module: module.to_owned(),
            fields: fields.0,
        });
    }
}

/// A story in which as much goes wrong as one object can tell of.
async fn troubled(world: &mut World) {
    for fault in [Trouble::LoseAnswer, Trouble::Refuse(ErrorKind::Forbidden)] {
        world.issuer.fault(Operation::Mint, fault);
    }
    let refused = Trouble::Refuse(ErrorKind::Forbidden);
    world.issuer.fault(Operation::List, refused.clone());
    world.issuer.fault(Operation::Identity, refused);
    world.ask(json!({})).await;
    let elsewhere = json!({ "secret": { "name": "adopted" } });
    world.adopt_as("adopts", elsewhere).await;
    world
        .make_token("unreadable", json!({ "spec": { "state": "Paused" } }))
        .await;
    world.start();
    world.pass(3_600).await;
    world.api.on_request(|seen| {
        let refuse = seen.who == OPERATOR && seen.is_write() && seen.resource == "secrets";
        match refuse {
            true => Fault::refuse(403, "Forbidden", "no"),
            false => Fault::Pass,
        }
    });
    let data = json!({ "spec": { "secret": { "data": { "a": "b" } } } });
    world.change(data).await;
    world
        .tokens()
        .delete("adopts", &kube::api::DeleteParams::default())
        .await
        .unwrap();
    world.pass(600).await;
    world
        .api
        .on_request(|seen| match seen.who == OPERATOR && seen.is_write() {
            true => Fault::refuse(500, "InternalError", "no"),
            false => Fault::Pass,
        });
    let trigger = json!({ "spec": { "rotation": { "trigger": "now" } } });
    world.change(trigger).await;
    world.pass(60).await;
    world.api.clear_faults();
    // What cannot be read may need everything.
    let tokens = TOKENS;
    assert!(world.api.erase(tokens, NAMESPACE, "unreadable"));
    world.set_credential("wrong").await;
    world.pass(600).await;
    world.set_credential("right").await;
    world.issuer.outage(Some(ErrorKind::Unavailable));
    world.delete().await;
    world.pass(600).await;
    world.issuer.calm();
    world.pass(3_600).await;
}

#[tokio::test(start_paused = true)]
async fn each_line_about_work_on_an_object_names_it_and_says_why() {
    let lines = Lines(Arc::default(), std::thread::current().id());
    // For all threads: where one of another test comes by first, it decides what is recorded at all.
    let registry = Registry::default().with(LevelFilter::INFO);
    tracing::subscriber::set_global_default(registry.with(lines.clone())).unwrap();
    let (mut world, _, value) = World::offering(MemorySettings::default()).await;
    troubled(&mut world).await;

    let lines = lines.0.lock().unwrap().clone();
    let layers = ["minted", "adopted", "issuer", "secret", "watch"];
    let of_object = |line: &&Line| {
        let module = line.module.strip_prefix("tokenwright_operator::");
        let module = module.unwrap_or("outside");
        let told = ["cluster::events", "cluster::finalizers"].contains(&module);
        // Of a watch as a whole, and of a client, only those lines are asked for that stand in a task.
        let layer = layers.iter().any(|layer| module.starts_with(layer));
        told || (layer && module != "watch::trouble")
    };
    let mut modules = BTreeSet::new();
    for line in lines.iter().filter(of_object) {
        modules.insert(line.module.clone());
        for field in ["kind", "namespace", "name", "reason"] {
            assert!(line.fields.contains_key(field), "no {field}: {line:?}");
        }
    }
    // The reason of a decision, and not only that somebody looked.
    for layer in ["minted", "adopted", "issuer"] {
        let decided = |line: &Line| {
            let of_layer = format!("tokenwright_operator::{layer}");
            line.module.starts_with(&of_layer) && !line.fields["reason"].contains("Observe")
        };
        let mut about = lines.iter().filter(of_object);
        assert!(about.any(decided), "no reason in {layer}");
    }
    for module in [
        "minted::mint::task",
        "minted::listing",
        "minted::restore",
        "adopted::managed",
        "issuer::proven",
        "watch::dispatch",
        "watch::sieve",
        "cluster::events",
        "cluster::finalizers",
    ] {
        let module = format!("tokenwright_operator::{module}");
        assert!(modules.contains(&module), "{module} is not in the story");
    }
    let all = format!("{lines:?}");
    assert!(!all.contains(&value), "a value is logged");
    for whole in ["ApiTokenSpec", "TokenIssuerSpec", "ObjectMeta"] {
        assert!(!all.contains(whole), "a whole object is logged");
    }
}
