//! Objects that this version cannot read: malformed, or written for a newer version of their kind.
//!
//! One of them stops nothing else. It is left alone, named in the log and in its own conditions, and
//! whatever it may need is kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::Resource;
use kube::api::ObjectMeta;
use parking_lot::Mutex;

/// An object, by kind, namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) kind: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Place {
    /// Where an object with this metadata stands.
    pub(crate) fn at<K: Resource<DynamicType = ()>>(metadata: &ObjectMeta) -> Self {
        Self {
            kind: K::kind(&()).into_owned(),
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

/// What cannot be read now, each with the error; clones are the same list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unreadable(Arc<Mutex<BTreeMap<Place, String>>>);

impl Unreadable {
    /// How many objects cannot be read.
    pub(crate) fn count(&self) -> usize {
        self.0.lock().len()
    }

    /// Notes one that cannot be read; whether that is new.
    pub(crate) fn note(&self, place: Place, error: &str) -> bool {
        let before = self.0.lock().insert(place, error.to_owned());
        before.as_deref() != Some(error)
    }

    /// One can be read again, or is gone; whether it could not be read before.
    pub(crate) fn clear(&self, place: &Place) -> bool {
        self.0.lock().remove(place).is_some()
    }

    /// Forgets those of a kind and a namespace, or of all, that a complete list did not show.
    pub(crate) fn keep_only(&self, kind: &str, namespace: &str, shown: &[Place]) {
        self.0.lock().retain(|place, _| {
            let listed = namespace.is_empty() || place.namespace == namespace;
            place.kind != kind || !listed || shown.contains(place)
        });
    }

    /// Whether this one cannot be read.
    pub(crate) fn holds(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let places = self.0.lock();
        let mut of_kind = places.keys().filter(|place| place.kind == kind);
        of_kind.any(|place| place.namespace == namespace && place.name == name)
    }

    /// Whether any of a kind in a namespace, or in all where it is empty, cannot be read: nobody can tell
    /// what that one needs.
    pub(crate) fn any(&self, kind: &str, namespace: &str) -> bool {
        let places = self.0.lock();
        let mut of_kind = places.keys().filter(|place| place.kind == kind);
        of_kind.any(|place| namespace.is_empty() || place.namespace == namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(namespace: &str, name: &str) -> Place {
        Place {
            kind: "ApiToken".to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn an_error_is_told_once_until_it_is_another() {
        let unreadable = Unreadable::default();
        assert!(unreadable.note(place("a", "x"), "one"));
        assert!(!unreadable.note(place("a", "x"), "one"));
        assert!(unreadable.note(place("a", "x"), "two"));
        assert_eq!(unreadable.count(), 1);
        unreadable.clear(&place("a", "x"));
        assert!(unreadable.note(place("a", "x"), "two"));
    }

    #[test]
    fn a_complete_list_forgets_what_it_does_not_show_and_nothing_else() {
        let unreadable = Unreadable::default();
        for (namespace, name) in [("a", "x"), ("a", "y"), ("b", "x")] {
            unreadable.note(place(namespace, name), "error");
        }
        unreadable.keep_only("TokenIssuer", "", &[]);
        assert_eq!(unreadable.count(), 3);
        unreadable.keep_only("ApiToken", "a", &[place("a", "y")]);
        assert!(unreadable.any("ApiToken", "b"));
        assert!(unreadable.holds("ApiToken", "a", "y"));
        assert!(!unreadable.holds("ApiToken", "a", "x"));
        unreadable.keep_only("ApiToken", "", &[]);
        assert_eq!(unreadable.count(), 0);
    }
}
