//! One watch: what is there, and then what happens, in a single request where the API server streams both.
//!
//! One that does not is asked for a list in pages and then for a watch, as any server understands it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::uri::PathAndQuery;
use axum::http::{Request, Uri};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};
use kube::client::Body;
use kube::runtime::watcher::{Config, Error, Event};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, Resource};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout};

use crate::cluster::history::{History, is_of_tokens, number};

/// A server that streams says something within this, until all that is there is told: another one took the
/// request for that of a watch.
const SILENT: Duration = Duration::from_secs(15);

/// How a server refuses to stream what is there.
const REFUSED: [u16; 2] = [400, 422];

/// A page is in memory as a whole, and each object on it may be as large as whoever may write it likes.
const ON_A_PAGE: u32 = 10;

type Watched<K> = Result<Event<K>, Error>;

struct Watch<K> {
    events: BoxStream<'static, Watched<K>>,
    /// For a server that does not stream; nothing once that is known.
    in_pages: Option<BoxStream<'static, Watched<K>>>,
    /// Whether all that is there was told.
    listed: bool,
}

/// What is there and what happens; after an error it goes on, less and less hastily.
pub(super) fn of<K>(api: Api<K>, only: Config) -> impl Stream<Item = Watched<K>> + Send
where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug + Send + 'static,
{
    let watch = Watch {
        events: watcher(api.clone(), only.clone().streaming_lists()).boxed(),
        in_pages: Some(watcher(api, only.page_size(ON_A_PAGE)).boxed()),
        listed: false,
    };
    let events = futures::stream::unfold(watch, |mut watch| async move {
        let event = watch.next().await?;
        Some((event, watch))
    });
    events.default_backoff()
}

impl<K> Watch<K> {
    async fn next(&mut self) -> Option<Watched<K>> {
        let event = match self.listed || self.in_pages.is_none() {
            true => self.events.next().await,
            false => match timeout(SILENT, self.events.next()).await {
                Ok(Some(Err(error))) if refuses_to_stream(&error) => self.list_in_pages().await,
                Ok(event) => event,
                Err(_) => self.list_in_pages().await,
            },
        };
        match &event {
            Some(Ok(Event::Init)) => self.listed = false,
            Some(Ok(Event::InitDone)) => self.listed = true,
            _ => {}
        }
        event
    }

    async fn list_in_pages(&mut self) -> Option<Watched<K>> {
        if let Some(in_pages) = self.in_pages.take() {
            tracing::info!("the API server streams no lists; they are asked for in pages");
            self.events = in_pages;
        }
        self.events.next().await
    }
}

/// Whether a server knows no streams of what is there: before Kubernetes 1.34 they are an option.
fn refuses_to_stream(error: &Error) -> bool {
    let Error::WatchStartFailed(kube::Error::Api(status)) = error else {
        return false;
    };
    REFUSED.contains(&status.code)
}

/// A client whose streams show at least what was true when they were asked for, as a list does. kube asks
/// for whatever the server has at hand, which after a restart may be older than what this operator wrote
/// itself before it. Where a watch breaks, the store is asked whether it was set back; where that of the
/// `ApiToken`s comes to its end, too: all of them may wait for versions that are yet to come.
pub(super) fn up_to_date(client: Client, history: History) -> Client {
    let namespace = client.default_namespace().to_owned();
    let begun = Arc::new(Begun::default());
    let service = tower::service_fn(move |mut request: Request<Body>| {
        if let Some(uri) = newest(request.uri()) {
            *request.uri_mut() = uri;
        }
        let (client, history, begun) = (client.clone(), history.clone(), Arc::clone(&begun));
        async move {
            let uri = request.uri().clone();
            if let Some(from) = begun.ended(&uri) {
                history.watched_on(&client, uri.path(), from).await;
            }
            let answer = client.send(request).await;
            if let Ok(answer) = &answer
                && REFUSED.contains(&answer.status().as_u16())
            {
                begun.never(&uri);
            }
            answer
        }
    });
    Client::new(service, namespace)
}

/// What is asked by a name in a query.
fn option<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let mut options = uri.query()?.split('&').filter_map(|it| it.split_once('='));
    options.find_map(|(known, value)| (known == name).then_some(value))
}

/// When each watch was begun last.
#[derive(Debug, Default)]
struct Begun(Mutex<HashMap<String, Instant>>);

impl Begun {
    /// The version from which a watch is asked to go on that the store is asked about: one that ended before its
    /// time, as all do where the API server begins anew, or that of the `ApiToken`s.
    fn ended(&self, uri: &Uri) -> Option<u64> {
        option(uri, "watch").filter(|watch| *watch == "true")?;
        let before = self.0.lock().insert(which(uri), Instant::now())?;
        let longest = option(uri, "timeoutSeconds")?.parse().ok()?;
        let in_time = before.elapsed() >= Duration::from_secs(longest);
        let from = number(option(uri, "resourceVersion")).filter(|from| *from > 0)?;
        (!in_time || is_of_tokens(uri.path())).then_some(from)
    }

    /// A stream that was refused has not begun: the list in its place is as new as the store.
    fn never(&self, uri: &Uri) {
        if option(uri, "sendInitialEvents").is_some() {
            self.0.lock().remove(&which(uri));
        }
    }
}

/// Which watch a request is for.
fn which(uri: &Uri) -> String {
    format!("{}?{:?}", uri.path(), option(uri, "labelSelector"))
}

/// Where a stream begins with what is newest, in place of anything.
fn newest(uri: &Uri) -> Option<Uri> {
    let streams = uri.query()?.contains("sendInitialEvents=true");
    let anything = uri.path_and_query()?.as_str();
    let anything = anything
        .strip_suffix("&resourceVersion=0")
        .filter(|_| streams)?;
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(anything.parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;
    use k8s_openapi::api::core::v1::Namespace;
    use tokenwright_testbed::memory::{Fault, Memory, Verb};

    use super::*;

    /// The first events of a watch of namespaces, and what was asked for them.
    async fn begins(server: &Memory) -> (Vec<String>, Vec<Verb>) {
        let client = up_to_date(server.client("operator"), History::default());
        let all: Api<Namespace> = Api::all(client);
        let events = of(all, Config::default()).take(6);
        let told: Vec<_> = events.try_collect().await.unwrap();
        let asked = server.requests().into_iter();
        let asked = asked.map(|record| record.seen.verb).collect();
        (told.iter().map(ToString::to_string).collect(), asked)
    }

    const THERE: [&str; 6] = [
        "Init",
        "InitApply(default)",
        "InitApply(kube-node-lease)",
        "InitApply(kube-public)",
        "InitApply(kube-system)",
        "InitDone",
    ];

    #[tokio::test(start_paused = true)]
    async fn what_is_there_and_what_happens_is_one_request() {
        let (told, asked) = begins(&Memory::new()).await;
        assert_eq!(told, THERE);
        assert_eq!(asked, [Verb::Watch]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_streams_no_lists_is_asked_for_pages() {
        let server = Memory::new();
        let message =
            "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled";
        server.once(|_| true, Fault::refuse(422, "Invalid", message));
        let (told, asked) = begins(&server).await;
        assert_eq!(told, THERE);
        assert_eq!(asked, [Verb::Watch, Verb::List]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_never_says_that_all_is_told_is_asked_for_pages() {
        let server = Memory::new();
        server.once(|_| true, Fault::Hang);
        let (told, asked) = begins(&server).await;
        assert_eq!(told, THERE);
        assert_eq!(asked, [Verb::Watch, Verb::List]);
    }

    #[test]
    fn a_stream_begins_with_what_is_newest_and_nothing_else_is_changed() {
        let asked = |query: &str| newest(&format!("http://api/apis/x?{query}").parse().unwrap());
        let stream = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
        let changed = asked(&format!("{stream}&resourceVersion=0")).unwrap();
        assert_eq!(changed.to_string(), format!("http://api/apis/x?{stream}"));
        assert_eq!(asked("watch=true&resourceVersion=0"), None);
        assert_eq!(asked("watch=true&resourceVersion=17"), None);
    }
}
