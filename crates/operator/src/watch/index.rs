//! Which ApiTokens a Secret or an issuer concerns, found without a look at all of them.
//!
//! Kept by the watch of ApiTokens, before anybody is reconciled. An event costs as much as there are
//! objects that it concerns, however many there are in all.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use kube::runtime::reflector::ObjectRef;
use kube::{Resource as _, ResourceExt as _};
use parking_lot::Mutex;
use tokenwright_api::token::IssuerKind;

use crate::cluster::token::PackedToken;
use crate::issuer::object::place_of_packed;

/// Everything that is found.
#[derive(Debug, Default)]
pub(crate) struct Index(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// What each ApiToken was told to name last.
    known: HashMap<Place, Named>,
    /// By the Secret that they deliver to or adopt from.
    by_secret: HashMap<Place, Vec<Place>>,
    by_issuer: HashMap<Issuer, BTreeSet<Place>>,
    /// How many ApiTokens were given out.
    #[cfg(test)]
    looked_at: usize,
}

/// Namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Place {
    namespace: String,
    name: String,
}

/// An issuer that an ApiToken names; one of the cluster has no namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Issuer {
    of_cluster: bool,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    delivers_to: String,
    adopts_from: Option<String>,
    issuer: Issuer,
    for_issuer: ForIssuer,
}

/// What of an ApiToken its issuer counts with: which version of the specification it is, and when it is
/// replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ForIssuer {
    uid: Option<String>,
    generation: Option<i64>,
    renew_at: Option<Timestamp>,
}

impl Named {
    fn by(token: &PackedToken) -> Self {
        let brief = token.brief();
        let (namespace, name) = place_of_packed(token);
        Self {
            delivers_to: brief.delivers_to.clone(),
            adopts_from: brief.adopts_from.clone(),
            issuer: Issuer {
                of_cluster: brief.issuer.kind == IssuerKind::ClusterTokenIssuer,
                place: Place { namespace, name },
            },
            for_issuer: ForIssuer {
                uid: token.uid(),
                generation: token.meta().generation,
                renew_at: brief.renews_at,
            },
        }
    }

    /// The Secrets of its namespace that concern it.
    fn secrets(&self, namespace: &str) -> impl Iterator<Item = Place> {
        let names = [Some(&self.delivers_to), self.adopts_from.as_ref()];
        let names = names.into_iter().flatten();
        names.map(|name| Place::new(namespace, name))
    }
}

impl Place {
    fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    fn of(token: &PackedToken) -> Self {
        Self {
            namespace: token.namespace().unwrap_or_default(),
            name: token.name_any(),
        }
    }

    fn reference(&self) -> ObjectRef<PackedToken> {
        ObjectRef::new(&self.name).within(&self.namespace)
    }
}

impl Index {
    /// An ApiToken is there; whether its issuer counts with what is new of it.
    pub(crate) fn there(&self, token: &PackedToken) -> bool {
        let (place, named) = (Place::of(token), Named::by(token));
        let mut state = self.0.lock();
        let before = state.known.get(&place);
        if before == Some(&named) {
            return false;
        }
        state.remove(&place);
        for secret in named.secrets(&place.namespace) {
            // It is one, as a rule.
            let of_secret = state.by_secret.entry(secret);
            let of_secret = of_secret.or_insert_with(|| Vec::with_capacity(1));
            if !of_secret.contains(&place) {
                of_secret.push(place.clone());
            }
        }
        let of_issuer = state.by_issuer.entry(named.issuer.clone()).or_default();
        of_issuer.insert(place.clone());
        state.known.insert(place, named);
        true
    }

    /// An ApiToken is gone.
    pub(crate) fn gone(&self, token: &PackedToken) {
        self.0.lock().remove(&Place::of(token));
    }

    /// Forgets all ApiTokens but these, after a gap in the history.
    pub(crate) fn keep_only(&self, there: impl Fn(&ObjectRef<PackedToken>) -> bool) {
        let mut state = self.0.lock();
        let known = state.known.keys();
        let gone: Vec<_> = known.filter(|place| !there(&place.reference())).collect();
        let gone: Vec<Place> = gone.into_iter().cloned().collect();
        for place in gone {
            state.remove(&place);
        }
    }

    /// Those that deliver to a Secret.
    pub(crate) fn delivering_to(&self, namespace: &str, name: &str) -> Vec<ObjectRef<PackedToken>> {
        let delivers = |named: &Named| named.delivers_to == name;
        self.0
            .lock()
            .of_secret(&Place::new(namespace, name), delivers)
    }

    /// Those that adopt the value of a Secret.
    pub(crate) fn adopting_from(&self, namespace: &str, name: &str) -> Vec<ObjectRef<PackedToken>> {
        let adopts = |named: &Named| named.adopts_from.as_deref() == Some(name);
        self.0
            .lock()
            .of_secret(&Place::new(namespace, name), adopts)
    }

    /// Those that name an issuer.
    pub(crate) fn of_issuer(
        &self,
        kind: IssuerKind,
        namespace: &str,
        name: &str,
    ) -> Vec<ObjectRef<PackedToken>> {
        let issuer = Issuer {
            of_cluster: kind == IssuerKind::ClusterTokenIssuer,
            place: Place::new(namespace, name),
        };
        let mut state = self.0.lock();
        let all = state.by_issuer.get(&issuer);
        let all: Vec<_> = all.into_iter().flatten().map(Place::reference).collect();
        state.count(all.len());
        all
    }
}

impl State {
    fn remove(&mut self, place: &Place) {
        let Some(named) = self.known.remove(place) else {
            return;
        };
        for secret in named.secrets(&place.namespace) {
            if let Some(of_secret) = self.by_secret.get_mut(&secret) {
                of_secret.retain(|other| other != place);
                if of_secret.is_empty() {
                    self.by_secret.remove(&secret);
                }
            }
        }
        if let Some(of_issuer) = self.by_issuer.get_mut(&named.issuer) {
            of_issuer.remove(place);
            if of_issuer.is_empty() {
                self.by_issuer.remove(&named.issuer);
            }
        }
    }

    fn of_secret(
        &mut self,
        secret: &Place,
        concerned: impl Fn(&Named) -> bool,
    ) -> Vec<ObjectRef<PackedToken>> {
        let named = self.by_secret.get(secret).into_iter().flatten();
        let candidates = named.clone().count();
        let concerned = named.filter(|place| self.known.get(*place).is_some_and(&concerned));
        let found = concerned.map(Place::reference).collect();
        self.count(candidates);
        found
    }

    #[cfg(test)]
    fn count(&mut self, looked_at: usize) {
        self.looked_at = self.looked_at.saturating_add(looked_at);
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests count the work")]
    fn count(&mut self, _: usize) {}
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokenwright_api::ApiToken;

    use super::*;
    use crate::cluster::shared::Shared;
    use crate::cluster::token::pack;

    fn token(number: usize, generation: i64) -> ApiToken {
        let mut object = json!({
            "apiVersion": "tokenwright.dev/v1alpha1", "kind": "ApiToken",
            "metadata": {
                "name": format!("t-{number}"), "namespace": "team-a", "uid": format!("{number}"),
                "generation": generation,
            },
            "spec": {
                "issuerRef": { "name": format!("issuer-{}", number % 100) },
                "secret": { "name": format!("s-{number}") },
            },
        });
        match number {
            0 => {
                object["spec"]["adopt"] = json!({ "valueFrom": { "secretRef": { "name": "s-1" } } })
            }
            _ => object["spec"]["token"] = json!({ "name": "ci", "lifetime": "30d" }),
        }
        serde_json::from_value(object).unwrap()
    }

    fn packed(token: &ApiToken) -> PackedToken {
        pack(token, &Shared::default())
    }

    fn names(found: &[ObjectRef<PackedToken>]) -> Vec<&str> {
        found.iter().map(|token| token.name.as_str()).collect()
    }

    #[test]
    fn an_event_of_a_secret_looks_at_those_it_concerns_however_many_there_are() {
        let index = Index::default();
        for number in 0..10_000 {
            index.there(&packed(&token(number, 1)));
        }
        assert_eq!(names(&index.delivering_to("team-a", "s-1")), ["t-1"]);
        assert_eq!(names(&index.adopting_from("team-a", "s-1")), ["t-0"]);
        assert!(index.adopting_from("team-b", "s-1").is_empty());
        assert_eq!(index.0.lock().looked_at, 4);
        let of_issuer = index.of_issuer(IssuerKind::TokenIssuer, "team-a", "issuer-7");
        assert_eq!(of_issuer.len(), 100);
        assert_eq!(index.0.lock().looked_at, 104);
    }

    #[test]
    fn an_issuer_is_told_of_what_it_counts_with_alone() {
        let index = Index::default();
        let mut one = token(1, 1);
        assert!(index.there(&packed(&one)));
        one.metadata.labels = Some([("a".to_owned(), "b".to_owned())].into());
        one.status = Some(serde_json::from_value(json!({ "lastRevision": 1 })).unwrap());
        assert!(
            !index.there(&packed(&one)),
            "a label and a record change nothing for it"
        );
        assert!(index.there(&packed(&token(1, 2))), "another specification");
    }

    #[test]
    fn what_moves_or_goes_is_found_at_its_former_place_no_more() {
        let index = Index::default();
        index.there(&packed(&token(1, 1)));
        let mut moved = token(1, 2);
        moved.spec.issuer_ref.name = "other".to_owned();
        moved.spec.secret.name = "elsewhere".to_owned();
        index.there(&packed(&moved));
        let of = |name| index.of_issuer(IssuerKind::TokenIssuer, "team-a", name);
        assert!(of("issuer-1").is_empty());
        assert_eq!(names(&of("other")), ["t-1"]);
        assert!(index.delivering_to("team-a", "s-1").is_empty());
        index.gone(&packed(&moved));
        index.there(&packed(&token(2, 1)));
        index.keep_only(|_| false);
        let state = index.0.lock();
        assert!(state.known.is_empty() && state.by_secret.is_empty() && state.by_issuer.is_empty());
    }
}
