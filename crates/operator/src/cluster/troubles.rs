//! What does not work now, for whoever asks how the operator is.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// Sentences by what they are about; clones are the same list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Troubles(Arc<Mutex<BTreeMap<String, String>>>);

impl Troubles {
    /// Something does not work, from now on or still.
    pub(crate) fn begin(&self, about: &str, sentence: String) {
        self.0.lock().insert(about.to_owned(), sentence);
    }

    /// It works again.
    pub(crate) fn over(&self, about: &str) {
        self.0.lock().remove(about);
    }

    /// All sentences.
    pub(crate) fn sentences(&self) -> Vec<String> {
        self.0.lock().values().cloned().collect()
    }
}
