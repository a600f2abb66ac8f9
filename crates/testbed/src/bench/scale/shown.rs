//! What the objects of one kind show, followed by one watch.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use futures::StreamExt as _;
use kube::api::{ApiResource, DynamicObject};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, ResourceExt as _};
use tokio::task::JoinHandle;

use crate::programs::wait_for;

/// What one of them shows.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) ready: bool,
    /// The id of the token that its Secret holds.
    pub(super) current: Option<String>,
    pub(super) revision: u64,
    pub(super) retiring: usize,
}

impl Token {
    /// What an ApiToken shows.
    pub(super) fn of(object: &DynamicObject) -> Self {
        let status = &object.data["status"];
        Self {
            ready: is_ready(object),
            current: status["current"]["tokenID"].as_str().map(str::to_owned),
            revision: status["current"]["revision"].as_u64().unwrap_or(0),
            retiring: status["retiring"].as_array().map_or(0, Vec::len),
        }
    }
}

/// All of them, by namespace and name.
#[derive(Debug)]
pub(super) struct Shown {
    all: Arc<Mutex<HashMap<String, Token>>>,
    watch: JoinHandle<()>,
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl Shown {
    /// Begins to watch all objects of a kind; what one of them shows is told by this.
    pub(super) fn watch(
        client: &Client,
        kind: &ApiResource,
        told: fn(&DynamicObject) -> Token,
    ) -> Self {
        let api: Api<DynamicObject> = Api::all_with(client.clone(), kind);
        let all = Arc::new(Mutex::new(HashMap::new()));
        let known = Arc::clone(&all);
        let watch = tokio::spawn(async move {
            let mut events = watcher(api, watcher::Config::default()).boxed();
            while let Some(event) = events.next().await {
                let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                match event {
                    Ok(Event::Apply(object) | Event::InitApply(object)) => {
                        known.insert(place(&object), told(&object));
                    }
                    Ok(Event::Delete(object)) => {
                        known.remove(&place(&object));
                    }
                    Ok(Event::Init) => known.clear(),
                    // The watch begins anew by itself.
                    Ok(Event::InitDone) | Err(_) => {}
                }
            }
        });
        Self { all, watch }
    }

    /// Waits until all of them show something.
    ///
    /// # Errors
    ///
    /// When they do not; the error says how many were there and Ready.
    pub(super) async fn until(
        &self,
        what: &str,
        patience: Duration,
        shows: impl Fn(&[Token]) -> bool,
    ) -> Result<()> {
        let seen = wait_for(what, patience, || {
            let found = shows(&self.now()).then_some(());
            std::future::ready(Ok(found))
        });
        seen.await.map_err(|error| {
            let all = self.now();
            let ready = all.iter().filter(|token| token.ready).count();
            error.context(format!("{} are there, {ready} of them Ready", all.len()))
        })
    }

    /// What they show now.
    pub(super) fn now(&self) -> Vec<Token> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().cloned().collect()
    }
}

/// Whether the condition `Ready` holds.
pub(super) fn is_ready(object: &DynamicObject) -> bool {
    let conditions = object.data["status"]["conditions"].as_array();
    let ready = conditions.into_iter().flatten();
    let mut ready = ready.filter(|condition| condition["type"] == "Ready");
    ready.any(|condition| condition["status"] == "True")
}

fn place(object: &DynamicObject) -> String {
    format!(
        "{}/{}",
        object.namespace().unwrap_or_default(),
        object.name_any()
    )
}
