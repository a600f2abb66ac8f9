//! What comes through a watch and can be read; what cannot be is noted, told, and left alone.

use std::fmt::Debug;
use std::sync::Arc;

use kube::Resource;
use kube::runtime::watcher::Event;
use tokenwright_api::names::reason;

use crate::cluster::calls::Scoped;
use crate::cluster::context::Context;
use crate::cluster::unreadable::Place;
use crate::cluster::{cause, complaint, logs};
use crate::watch::herald::Herald;
use crate::watch::readable::Readable;

/// The longest error of a parser that is shown; the object itself never is.
const LONGEST_ERROR: usize = 300;

/// The sieve of one watch.
pub(crate) struct Sieve<K, P> {
    context: Arc<Context>,
    /// The namespace that is watched; empty for all.
    namespace: String,
    /// Makes of an object what is kept of it.
    keep: Keep<K, P>,
    /// What the watch showed last of what stands there.
    last: Last<P>,
    /// Told of what can be read again, or is gone: what it may have needed is looked at again.
    cleared: Arc<Herald<Place>>,
    /// What the list that is under way showed and nobody can read.
    listed: Vec<Place>,
}

/// Makes of an object what is kept of it in memory.
pub(crate) type Keep<K, P> = Box<dyn Fn(K) -> P + Send>;

/// Finds what is kept by namespace and name.
pub(crate) type Last<P> = Box<dyn Fn(&str, &str) -> Option<P> + Send>;

/// Both.
pub(crate) type Kept<K, P> = (Keep<K, P>, Last<P>);

impl<K, P> Sieve<K, P>
where
    K: Resource<DynamicType = (), Scope: Scoped> + Clone + Debug + Send + Sync + 'static,
{
    /// The sieve of a watch of `namespace`.
    pub(crate) fn new(
        context: Arc<Context>,
        namespace: &str,
        (keep, last): Kept<K, P>,
        cleared: Arc<Herald<Place>>,
    ) -> Self {
        Self {
            context,
            namespace: namespace.to_owned(),
            keep,
            last,
            cleared,
            listed: Vec::new(),
        }
    }

    /// What of an event can be read.
    pub(crate) fn pass(&mut self, event: Event<Readable<K>>) -> Option<Event<P>> {
        match event {
            Event::Init => {
                self.listed.clear();
                Some(Event::Init)
            }
            Event::InitApply(object) => match object.0 {
                Ok(object) => Some(Event::InitApply(self.readable(object))),
                Err(invalid) => {
                    let place = self.unreadable(&invalid.metadata, &invalid.error);
                    self.listed.push(place);
                    None
                }
            },
            Event::InitDone => {
                let unreadable = &self.context.unreadable;
                unreadable.keep_only(&K::kind(&()), &self.namespace, &self.listed);
                Some(Event::InitDone)
            }
            Event::Apply(object) => match object.0 {
                Ok(object) => Some(Event::Apply(self.readable(object))),
                // What was known of it is true no more.
                Err(invalid) => {
                    let place = self.unreadable(&invalid.metadata, &invalid.error);
                    self.last_of(&place).map(Event::Delete)
                }
            },
            Event::Delete(object) => {
                let place = Place::at::<K>(object.meta());
                self.clear(&place);
                match object.0 {
                    Ok(object) => Some(Event::Delete((self.keep)(object))),
                    Err(_) => self.last_of(&place).map(Event::Delete),
                }
            }
        }
    }

    fn readable(&self, object: K) -> P {
        self.clear(&Place::at::<K>(object.meta()));
        (self.keep)(object)
    }

    fn clear(&self, place: &Place) {
        if self.context.unreadable.clear(place) {
            self.cleared.tell(place.clone());
        }
    }

    fn last_of(&self, place: &Place) -> Option<P> {
        (self.last)(&place.namespace, &place.name)
    }

    /// Notes it, and tells it once.
    fn unreadable(&self, metadata: &kube::api::ObjectMeta, error: &str) -> Place {
        let place = Place::at::<K>(metadata);
        let error: String = error.chars().take(LONGEST_ERROR).collect();
        let unreadable = &self.context.unreadable;
        if !unreadable.note(place.clone(), &error) {
            return place;
        }
        let unreadable = unreadable.count();
        let _about = logs::span(&place).entered();
        logs::because(reason::UNREADABLE);
        tracing::warn!(
            error,
            unreadable,
            "this object cannot be read and is left alone; all others go on"
        );
        let (context, told) = (Arc::clone(&self.context), place.clone());
        self.context.tasks.start(async move {
            // It may have been mended since, as while this replica stood by.
            let unreadable = &context.unreadable;
            if !unreadable.holds(&told.kind, &told.namespace, &told.name) {
                return;
            }
            if let Err(error) = complaint::unreadable::<K>(&context, &told, &error).await {
                let error = cause::chain(&error);
                tracing::warn!(error, "its conditions could not say that it cannot be read");
            }
        });
        place
    }
}
