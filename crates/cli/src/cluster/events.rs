//! `events`: what happened to an ApiToken, as the operator told it.

use jiff::Timestamp;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::ListParams;
use serde::Serialize;

use super::{Cluster, Refusal};
use crate::arguments::Events;
use crate::clock;
use crate::exit::Exit;
use crate::output::{Cell, Tone, complain, give, show};
use crate::reach::runtime;
use crate::when::age;

/// One event, as programs read it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    at: Option<Timestamp>,
    #[serde(rename = "type")]
    kind: String,
    reason: String,
    note: String,
    /// How often in a row.
    count: i32,
}

/// Prints them.
pub(crate) fn run(asked: &Events) -> anyhow::Result<Exit> {
    let taken = runtime()?.block_on(async {
        let cluster = Cluster::reach(&asked.object.cluster).await?;
        anyhow::Ok(take(&cluster, asked).await)
    })?;
    let events = match taken {
        Ok(events) => events,
        Err(refusal) => return Ok(refusal.told("reading the events")),
    };
    give(asked.output, &events, |events| tell(events))?;
    Ok(Exit::Done)
}

fn tell(events: &[Told]) {
    if events.is_empty() {
        complain("no events: clusters forget them, after an hour unless configured otherwise");
        return;
    }
    let now = clock::now();
    let rows = events.iter().map(|event| {
        let tone = match event.kind == "Warning" {
            true => Tone::Warning,
            false => Tone::Plain,
        };
        vec![
            Cell::from(event.at.map_or("-".to_owned(), |at| age(at, now))),
            Cell::toned(&event.kind, tone),
            Cell::from(&event.reason),
            Cell::from(match event.count {
                ..=1 => event.note.clone(),
                count => format!("{} ({count} times)", event.note),
            }),
        ]
    });
    show(&["AGE", "TYPE", "REASON", "NOTE"], rows.collect());
}

async fn take(cluster: &Cluster, asked: &Events) -> Result<Vec<Told>, Refusal> {
    let object = cluster.token(&asked.object).await?;
    let namespace = object.metadata.namespace.unwrap_or_default();
    let name = object.metadata.name.unwrap_or_default();
    let api: Api<Event> = Api::namespaced(cluster.client.clone(), &namespace);
    let all = api.list(&ListParams::default()).await?;
    let ours = all.items.into_iter().filter(|event| {
        let about = event.regarding.as_ref();
        about.is_some_and(|about| {
            about.kind.as_deref() == Some("ApiToken") && about.name.as_deref() == Some(&name)
        })
    });
    let mut told: Vec<Told> = ours.map(Told::of).collect();
    told.sort_by_key(|event| event.at);
    Ok(told)
}

impl Told {
    fn of(event: Event) -> Self {
        let series = event.series.as_ref();
        let last = series.map(|series| series.last_observed_time.0);
        Self {
            at: last
                .or(event.event_time.map(|at| at.0))
                .or(event.deprecated_last_timestamp.map(|at| at.0)),
            kind: event.type_.unwrap_or_default(),
            reason: event.reason.unwrap_or_default(),
            note: event.note.unwrap_or_default(),
            count: series.map_or(1, |series| series.count),
        }
    }
}
