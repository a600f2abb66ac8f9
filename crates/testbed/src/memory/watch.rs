//! One open watch: the history of a resource as a stream of lines, from a version on.
//! It holds no objects but those it has yet to send; a slow or stale one reads on from the history.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use serde_json::{Value, json};
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

use super::call::{Call, Form};
use super::kinds::Kind;
use super::read::{shown, version};
use super::refusal::{self, Broken, Outcome};
use super::selector::Selector;
use super::shared::{BoxError, Shared, State};
use super::store::{Change, at_version};

/// How often a real server tells a quiet watch how far it has come.
const BOOKMARK_PERIOD: Duration = Duration::from_secs(60);
/// How long a real server keeps a watch open whose client names no limit, at least.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1800);

/// Marks the end of the initial events of a streaming list.
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

pub(super) struct Watch {
    shared: Arc<Shared>,
    signal: Receiver<u64>,
    who: String,
    call: Call,
    kind: Kind,
    selector: Selector,
    position: u64,
    told: u64,
    bookmarks_asked: u64,
    cuts: u64,
    ends: Instant,
    next_bookmark: Instant,
    lines: VecDeque<Bytes>,
    over: bool,
    cut: bool,
}

impl Watch {
    pub(super) fn open(
        shared: &Arc<Shared>,
        state: &State,
        who: &str,
        call: Call,
    ) -> Outcome<Self> {
        let kind = state.server.kind_of(&call)?;
        let mut selector = call.option("fieldSelector").to_owned();
        if let Some(name) = &call.name {
            selector = format!("metadata.name={name},{selector}");
        }
        let selector = Selector::parse(&kind, call.option("labelSelector"), &selector)?;
        check_options(&call)?;
        let timeout = match call.option("timeoutSeconds").parse() {
            Ok(0) | Err(_) => DEFAULT_TIMEOUT,
            Ok(seconds) => Duration::from_secs(seconds),
        };
        let now = Instant::now();
        let mut watch = Self {
            shared: Arc::clone(shared),
            signal: shared.signal.subscribe(),
            who: who.to_owned(),
            position: version(&call)?,
            told: 0,
            bookmarks_asked: state.bookmarks_asked,
            cuts: state.cuts_of(who),
            ends: now + timeout,
            next_bookmark: now + BOOKMARK_PERIOD,
            lines: VecDeque::new(),
            over: false,
            cut: false,
            call,
            kind,
            selector,
        };
        watch.begin(state);
        Ok(watch)
    }

    /// A streaming list, or a watch from "any" version, starts with what there is.
    fn begin(&mut self, state: &State) {
        let streaming = self.call.flag("sendInitialEvents");
        if self.position > 0 && !streaming {
            return;
        }
        let resource = self.kind.id();
        let (version, view) = match state.stale(&self.who, &resource) {
            Some(stale) => (stale.version, stale.view.clone()),
            None => (
                state.server.store.version,
                state.server.store.view(&resource),
            ),
        };
        for (key, object) in view {
            if self.wants(&key.namespace, &object) {
                self.send("ADDED", shown(&object, &self.kind, &self.call));
            }
        }
        self.position = version;
        if streaming {
            self.bookmark(Some(INITIAL_EVENTS_END));
        }
    }

    fn wants(&self, namespace: &str, object: &Value) -> bool {
        self.call
            .namespace
            .as_deref()
            .is_none_or(|ns| ns == namespace)
            && self.selector.matches(object)
    }

    /// Takes from the state what has happened since the last look.
    fn look(&mut self) {
        let shared = Arc::clone(&self.shared);
        let state = shared.state();
        if state.cuts_of(&self.who) != self.cuts {
            self.cut = true;
            return;
        }
        let resource = self.kind.id();
        let limit = state.stale(&self.who, &resource).map(|stale| stale.version);
        match state.server.store.changes_since(&resource, self.position) {
            Err(status) => {
                // A stale view that has not come to its limit waits there; nobody is told yet.
                if limit.is_none_or(|limit| self.position < limit) {
                    self.send("ERROR", refusal::body(&status));
                    self.over = true;
                }
                return;
            }
            Ok(changes) => {
                for change in changes {
                    if limit.is_none_or(|limit| change.version <= limit) {
                        self.tell(&change);
                    }
                }
            }
        }
        let reached = limit.unwrap_or(state.server.store.version);
        self.position = self.position.max(reached);
        if state.bookmarks_asked != self.bookmarks_asked {
            self.bookmarks_asked = state.bookmarks_asked;
            self.bookmark(None);
        }
    }

    /// One change as this watch sees it: an object may enter or leave the selection.
    fn tell(&mut self, change: &Change) {
        let namespace = &change.key.namespace;
        let before = change
            .before
            .as_ref()
            .filter(|object| self.wants(namespace, object));
        let after = change
            .after
            .as_ref()
            .filter(|object| self.wants(namespace, object));
        let (event, object) = match (before, after) {
            (None, None) => return,
            (None, Some(object)) => ("ADDED", Value::clone(object)),
            (Some(_), Some(object)) => ("MODIFIED", Value::clone(object)),
            (Some(object), None) => ("DELETED", at_version(Value::clone(object), change.version)),
        };
        self.told = change.version;
        self.send(event, shown(&object, &self.kind, &self.call));
    }

    fn send(&mut self, event: &str, object: Value) {
        let mut line = json!({ "type": event, "object": object }).to_string();
        line.push('\n');
        self.lines.push_back(Bytes::from(line));
    }

    fn bookmark(&mut self, annotation: Option<&str>) {
        if !self.call.flag("allowWatchBookmarks") {
            return;
        }
        let mut metadata =
            json!({ "resourceVersion": self.position.to_string(), "creationTimestamp": null });
        if let Some(annotation) = annotation {
            metadata["annotations"][annotation] = json!("true");
        }
        let (api_version, kind) = match self.call.form {
            Form::Whole => (
                self.kind.api_version(&self.call.version),
                self.kind.kind.clone(),
            ),
            Form::Metadata => (
                "meta.k8s.io/v1".to_owned(),
                "PartialObjectMetadata".to_owned(),
            ),
        };
        self.told = self.position;
        self.send(
            "BOOKMARK",
            json!({ "kind": kind, "apiVersion": api_version, "metadata": metadata }),
        );
    }

    async fn next(&mut self) -> Option<Result<Bytes, BoxError>> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Some(Ok(line));
            }
            if self.over {
                return None;
            }
            self.signal.mark_unchanged();
            self.look();
            if self.cut {
                self.over = true;
                let error = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
                return Some(Err(error.into()));
            }
            if self.lines.is_empty() {
                self.wait().await;
            }
        }
    }

    async fn wait(&mut self) {
        let bookmarks = self.call.flag("allowWatchBookmarks") && self.told != self.position;
        tokio::select! {
            changed = self.signal.changed() => self.over = changed.is_err(),
            () = sleep_until(self.ends) => {
                self.bookmark(None);
                self.over = true;
            }
            () = sleep_until(self.next_bookmark), if bookmarks => {
                self.bookmark(None);
                self.next_bookmark = Instant::now() + BOOKMARK_PERIOD;
            }
        }
    }

    pub(super) fn into_lines(self) -> impl Stream<Item = Result<Bytes, BoxError>> + Send {
        futures::stream::unfold(self, |mut watch| async move {
            watch.next().await.map(|line| (line, watch))
        })
    }
}

fn check_options(call: &Call) -> Outcome<()> {
    let matching = call.option("resourceVersionMatch");
    let streaming = call.query.contains_key("sendInitialEvents");
    let broken = match (streaming, matching) {
        (true, "NotOlderThan") | (false, "") => return Ok(()),
        (true, _) => {
            "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        }
        (false, _) => {
            "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        }
    };
    let broken = Broken::forbidden("resourceVersionMatch", broken);
    Err(refusal::invalid("ListOptions.meta.k8s.io", "", broken))
}
