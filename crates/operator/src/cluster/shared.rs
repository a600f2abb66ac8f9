//! Values that thousands of objects have in common, kept once.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;

/// Each value once, as long as somebody has it.
#[derive(Debug)]
pub(crate) struct Shared<T>(Mutex<State<T>>);

#[derive(Debug)]
struct State<T> {
    known: BTreeSet<Arc<T>>,
    /// Once there are so many, those that nobody has any more go.
    full: usize,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(Mutex::new(State {
            known: BTreeSet::new(),
            full: 8,
        }))
    }
}

impl<T: Ord + Clone> Shared<T> {
    /// The one that equals this.
    pub(crate) fn one(&self, value: &T) -> Arc<T> {
        let mut state = self.0.lock();
        if let Some(known) = state.known.get(value) {
            return Arc::clone(known);
        }
        if state.known.len() >= state.full {
            state.known.retain(|known| Arc::strong_count(known) > 1);
            state.full = state.known.len().saturating_mul(2).max(8);
        }
        let value = Arc::new(value.clone());
        state.known.insert(Arc::clone(&value));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_equals_is_kept_once_and_what_nobody_has_is_let_go() {
        let shared = Shared::default();
        let first = shared.one(&"a".to_owned());
        assert!(Arc::ptr_eq(&first, &shared.one(&"a".to_owned())));
        for number in 0..1_000 {
            shared.one(&number.to_string());
        }
        assert!(shared.0.lock().known.len() <= 16);
        assert!(Arc::ptr_eq(&first, &shared.one(&"a".to_owned())));
    }
}
