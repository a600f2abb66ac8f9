//! What one issuer shows, read once for all managers.
//!
//! A listing that fails is no listing: the former one stays, and whoever waits is woken to ask again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokenwright_client::{Filter, Issuer, Listing};
use tokenwright_core::{Marker, Parameters, Sighting, Survey};

use crate::clock::Clock;
use crate::locked::Locked;
use crate::manager::Manager;
use crate::scheduler::Wake;

/// After a listing that failed, the next one waits this long.
const AFTER_FAILURE: SignedDuration = SignedDuration::from_secs(10);

/// The listings of one issuer, one for each set of parameters.
#[derive(Debug, Default)]
pub struct Inventory {
    lists: Locked<BTreeMap<Parameters, List>>,
}

#[derive(Debug, Default)]
struct List {
    newest: Option<Arc<Listing>>,
    running: bool,
    failed_at: Option<Timestamp>,
    /// Who waits, and for a listing that started when.
    waiting: BTreeMap<String, Timestamp>,
}

/// What came of asking for a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// There is one that is new enough.
    There,
    /// One must be read now, by the one who asked.
    Read,
    /// It is being read, or waits; the one who asked is woken, at the latest at this instant.
    Later(Option<Timestamp>),
}

impl Inventory {
    /// The newest listing.
    #[must_use]
    pub fn newest(&self, parameters: &Parameters) -> Option<Arc<Listing>> {
        self.lists.lock().get(parameters)?.newest.clone()
    }

    /// When the newest listing of all was started.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        let lists = self.lists.lock();
        lists.values().filter_map(|list| Some(list.newest.as_ref()?.started_at)).max()
    }

    /// What the newest listing shows of one manager.
    #[must_use]
    pub fn survey(&self, parameters: &Parameters, manager: &Manager, now: Timestamp) -> Option<Survey> {
        let listing = self.newest(parameters)?;
        let ours = listing.tokens.iter().filter_map(|token| {
            let marker = Marker::of_name(token.name.as_deref()?)?;
            let lives = token.expires_at.is_none_or(|at| at > now);
            (manager.owns(&marker) && lives).then(|| Sighting {
                id: token.id.clone(),
                marker,
                expires_at: token.expires_at,
                enabled: token.enabled,
            })
        });
        Some(Survey {
            started_at: listing.started_at,
            ours: ours.collect(),
        })
    }

    /// Asks for a listing that started at `since` or later.
    pub fn want(&self, parameters: &Parameters, since: Timestamp, uid: &str, now: Timestamp) -> Wanted {
        let mut lists = self.lists.lock();
        let list = lists.entry(parameters.clone()).or_default();
        if list.newest.as_ref().is_some_and(|listing| listing.started_at >= since) {
            return Wanted::There;
        }
        list.waiting.insert(uid.to_owned(), since);
        if since > now {
            return Wanted::Later(Some(since));
        }
        if list.running {
            return Wanted::Later(None);
        }
        match list.failed_at.map(|at| at + AFTER_FAILURE).filter(|at| *at > now) {
            Some(again) => Wanted::Later(Some(again)),
            None => {
                list.running = true;
                Wanted::Read
            }
        }
    }

    /// Reads a listing and wakes all who wait.
    pub async fn read(&self, issuer: &dyn Issuer, parameters: &Parameters, clock: &Clock, wake: &Wake) {
        let started_at = clock.now();
        let filter = Filter {
            parameters: parameters.clone(),
            manager: None,
        };
        let tokens = issuer.list(&filter).await;
        let woken: BTreeSet<String> = {
            let mut lists = self.lists.lock();
            let list = lists.entry(parameters.clone()).or_default();
            list.running = false;
            match tokens {
                Ok(tokens) => {
                    list.failed_at = None;
                    list.newest = Some(Arc::new(Listing {
                        started_at,
                        parameters: parameters.clone(),
                        tokens,
                    }));
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the inventory could not be read");
                    list.failed_at = Some(clock.now());
                }
            }
            std::mem::take(&mut list.waiting).into_keys().collect()
        };
        for uid in &woken {
            wake(uid);
        }
    }
}
