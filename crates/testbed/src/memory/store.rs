//! The objects and their history: every change has a resourceVersion, and the state at any
//! retained version can be told by undoing changes. Checks nothing; that is `write`'s part.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::{Value, json};

use super::kinds::{self, Kind};
use super::refusal::{Outcome, expired};

/// More than any test or demo writes; a real server forgets after five minutes.
const RETAINED_CHANGES: usize = 50_000;

/// Where an object lives. Cluster-scoped objects have an empty namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) resource: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

/// The objects of one resource at one resourceVersion.
pub(super) type View = BTreeMap<Key, Arc<Value>>;

/// One step of the history.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) version: u64,
    pub(super) key: Key,
    pub(super) before: Option<Arc<Value>>,
    pub(super) after: Option<Arc<Value>>,
}

#[derive(Debug)]
pub(super) struct Store {
    pub(super) kinds: Vec<Kind>,
    pub(super) version: u64,
    objects: View,
    history: VecDeque<Change>,
    /// Changes up to this version are forgotten.
    forgotten: u64,
}

impl Store {
    pub(super) fn new() -> Self {
        Self {
            kinds: kinds::built_in(),
            version: 1,
            objects: View::new(),
            history: VecDeque::new(),
            forgotten: 0,
        }
    }

    pub(super) fn kind(&self, group: &str, version: &str, plural: &str) -> Option<Kind> {
        self.kinds
            .iter()
            .find(|kind| {
                kind.group == group
                    && kind.plural == plural
                    && kind.versions.iter().any(|served| served == version)
            })
            .cloned()
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Arc<Value>> {
        self.objects.get(key)
    }

    /// The newest objects of one resource.
    pub(super) fn view(&self, resource: &str) -> View {
        let first = Key {
            resource: resource.to_owned(),
            namespace: String::new(),
            name: String::new(),
        };
        self.objects
            .range(first..)
            .take_while(|(key, _)| key.resource == resource)
            .map(|(key, object)| (key.clone(), Arc::clone(object)))
            .collect()
    }

    /// The objects of one resource as they were at `version`.
    pub(super) fn view_at(&self, resource: &str, version: u64) -> Outcome<View> {
        let mut view = self.view(resource);
        for change in self.changes_since(resource, version)?.into_iter().rev() {
            match change.before {
                Some(before) => view.insert(change.key, before),
                None => view.remove(&change.key),
            };
        }
        Ok(view)
    }

    /// What happened to one resource after `version`, oldest first.
    pub(super) fn changes_since(&self, resource: &str, version: u64) -> Outcome<Vec<Change>> {
        if version < self.forgotten {
            return Err(expired(version, self.forgotten));
        }
        let start = self
            .history
            .partition_point(|change| change.version <= version);
        Ok(self
            .history
            .range(start..)
            .filter(|change| change.key.resource == resource)
            .cloned()
            .collect())
    }

    /// Makes one change; answers with the object as stored, or as it was when removed.
    pub(super) fn commit(&mut self, key: Key, after: Option<Value>) -> Arc<Value> {
        self.version += 1;
        let after = after.map(|object| Arc::new(at_version(object, self.version)));
        let before = match &after {
            Some(object) => self.objects.insert(key.clone(), Arc::clone(object)),
            None => self.objects.remove(&key),
        };
        let shown = after.clone().or_else(|| before.clone()).unwrap_or_default();
        self.learn(&key, after.as_deref(), before.as_deref());
        self.history.push_back(Change {
            version: self.version,
            key,
            before,
            after,
        });
        if self.history.len() > RETAINED_CHANGES
            && let Some(oldest) = self.history.pop_front()
        {
            self.forgotten = oldest.version;
        }
        shown
    }

    /// Undoes what happened after `version`, and forgets that it did.
    pub(super) fn rewind(&mut self, version: u64) -> Outcome<()> {
        if version < self.forgotten {
            return Err(expired(version, self.forgotten));
        }
        while let Some(change) = self.history.pop_back_if(|last| last.version > version) {
            match change.before {
                Some(before) => self.objects.insert(change.key, before),
                None => self.objects.remove(&change.key),
            };
        }
        self.version = version;
        Ok(())
    }

    /// Forgets the whole history, as a compaction does.
    pub(super) fn compact(&mut self) {
        self.history.clear();
        self.forgotten = self.version;
    }

    /// A definition teaches a kind; without it the kind and its objects are gone.
    fn learn(&mut self, key: &Key, after: Option<&Value>, before: Option<&Value>) {
        if key.resource != kinds::DEFINITIONS {
            return;
        }
        let declared = after.or(before).and_then(kinds::declared);
        let Some(kind) = declared else { return };
        let resource = kind.id();
        self.kinds.retain(|known| known.id() != resource);
        if after.is_some() {
            self.kinds.push(kind);
        } else {
            self.objects.retain(|key, _| key.resource != resource);
        }
    }
}

pub(super) fn at_version(mut object: Value, version: u64) -> Value {
    object["metadata"]["resourceVersion"] = json!(version.to_string());
    object
}
