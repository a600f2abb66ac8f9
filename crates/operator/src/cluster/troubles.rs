//! What does not work now, for whoever asks how the operator is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// A sentence, and when it is over by itself.
#[derive(Debug)]
struct Told {
    sentence: String,
    until: Option<Instant>,
}

/// Sentences by what they are about; clones are the same list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Troubles(Arc<Mutex<BTreeMap<String, Told>>>);

impl Troubles {
    /// Something does not work, until it is told to be over.
    pub(crate) fn begin(&self, about: &str, sentence: String) {
        let until = None;
        self.0
            .lock()
            .insert(about.to_owned(), Told { sentence, until });
    }

    /// What does not work until it is told to be over.
    pub(crate) fn lasting(&self) -> BTreeSet<String> {
        let troubles = self.0.lock();
        let lasting = troubles.iter().filter(|(_, told)| told.until.is_none());
        lasting.map(|(about, _)| about.clone()).collect()
    }

    /// Something does not work. What is tried again may tell nothing when it works: it is over once it was
    /// not told again for this long.
    pub(crate) fn begin_for(&self, about: &str, sentence: String, longest: Duration) {
        let until = Instant::now().checked_add(longest);
        self.0
            .lock()
            .insert(about.to_owned(), Told { sentence, until });
    }

    /// It works again.
    pub(crate) fn over(&self, about: &str) {
        self.0.lock().remove(about);
    }

    /// All sentences.
    pub(crate) fn sentences(&self) -> Vec<String> {
        let now = Instant::now();
        let mut troubles = self.0.lock();
        troubles.retain(|_, told| told.until.is_none_or(|until| until > now));
        troubles
            .values()
            .map(|told| told.sentence.clone())
            .collect()
    }
}
