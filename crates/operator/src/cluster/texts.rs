//! The long texts that are in memory at once: of all ApiTokens so many, and of one namespace no more than a part.
//!
//! Who has a long object holds a part for as long as it has it, while it waits for an issuer, too: a tenant decides
//! how many of them wait there, and for how long.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// So many bytes of them at once.
const MOST: usize = 12 * 1024 * 1024;

/// A namespace has no more than one in so many parts of them.
const PARTS: usize = 3;

tokio::task_local! {
    /// What the work that runs holds of them.
    static HELD: Option<Arc<Held>>;
}

/// How many bytes each namespace holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Texts(Arc<Mutex<HashMap<String, usize>>>);

/// A part; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Held {
    texts: Texts,
    namespace: String,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.texts.0.lock();
        let left = held.remove(&self.namespace).unwrap_or_default();
        let left = left.saturating_sub(self.bytes);
        if left > 0 {
            held.insert(std::mem::take(&mut self.namespace), left);
        }
    }
}

impl Texts {
    /// Room for a text of a namespace, or nothing. What alone is longer than all may be has room where it is alone.
    pub(crate) fn hold(&self, namespace: &str, bytes: usize) -> Option<Held> {
        let mut held = self.0.lock();
        let all = held
            .values()
            .fold(0, |all: usize, one| all.saturating_add(*one));
        let own = held.get(namespace).copied().unwrap_or_default();
        let fits = |held: usize, most| held == 0 || held.saturating_add(bytes) <= most;
        if !fits(all, MOST) || !fits(own, MOST / PARTS) {
            return None;
        }
        held.insert(namespace.to_owned(), own.saturating_add(bytes));
        Some(Held {
            texts: self.clone(),
            namespace: namespace.to_owned(),
            bytes,
        })
    }
}

/// Works with a text.
pub(crate) async fn with<F: Future>(held: Option<Held>, work: F) -> F::Output {
    HELD.scope(held.map(Arc::new), work).await
}

/// What the work that runs holds, for a task that goes on with its object.
pub(crate) fn held() -> Option<Arc<Held>> {
    HELD.try_with(Clone::clone).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    #[test]
    fn a_namespace_has_a_part_of_them_and_gives_back_what_it_has() {
        let texts = Texts::default();
        let crowd: Vec<_> = (0..100).filter_map(|_| texts.hold("crowd", MIB)).collect();
        assert_eq!(crowd.len(), 4);
        let others: Vec<_> = ["a", "b", "c", "d"]
            .map(|of| texts.hold(of, 3 * MIB))
            .into();
        let fit = others.iter().flatten().count();
        assert_eq!(fit, 2, "twelve in all");
        drop(others);
        assert!(texts.hold("large", 9 * MIB).is_none(), "it is not alone");
        drop(crowd);
        let large = texts.hold("large", 90 * MIB).unwrap();
        assert!(texts.hold("crowd", 1).is_none());
        drop(large);
        assert!(texts.0.lock().is_empty());
    }

    #[tokio::test]
    async fn a_task_that_goes_on_with_the_object_keeps_what_its_work_held() {
        let texts = Texts::default();
        let kept = with(texts.hold("a", MIB), async { held() }).await;
        assert!(kept.is_some() && held().is_none());
        assert_eq!(texts.0.lock().get("a"), Some(&MIB));
        drop(kept);
        assert!(texts.0.lock().is_empty());
    }
}
