//! All ApiTokens as their watch shows them, and which of them a Secret or an issuer concerns, found without a
//! look at all of them.
//!
//! Kept by that watch, before anybody is reconciled. An event costs as much as there are objects that it
//! concerns, however many there are in all.

use std::collections::HashSet;

use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher::Event;
use parking_lot::Mutex;
use tokenwright_api::ApiToken;
use tokenwright_api::token::IssuerKind;

use crate::cluster::token::PackedToken;
use crate::cluster::uid::Uid;

/// Everything that is found.
#[derive(Debug, Default)]
pub(crate) struct Index(Mutex<State>);

#[derive(Debug)]
struct State {
    by_place: InOrder,
    by_delivered: InOrder,
    by_adopted: InOrder,
    by_issuer: InOrder,
    /// Whom the list that is under way told of.
    listed: HashSet<Uid>,
    /// How many ApiTokens were given out.
    #[cfg(test)]
    looked_at: usize,
}

/// A namespace and a name; what belongs to no namespace has an empty one.
type Place<'a> = (&'a str, &'a str);

/// What ApiTokens are found by; nothing where one is not found by it.
type By = fn(&PackedToken) -> Option<Place<'_>>;

/// ApiTokens in the order of what they are found by, and then of their own places: maps with names of
/// their own would take more room than the ApiTokens.
#[derive(Debug)]
struct InOrder {
    by: By,
    tokens: Vec<PackedToken>,
}

fn place(token: &PackedToken) -> Place<'_> {
    (token.namespace(), token.name())
}

fn delivered(token: &PackedToken) -> Option<Place<'_>> {
    Some((place(token).0, &token.brief().delivers_to))
}

fn adopted(token: &PackedToken) -> Option<Place<'_>> {
    let name = token.brief().adopts_from.as_deref()?;
    Some((place(token).0, name))
}

fn issuer(token: &PackedToken) -> Option<Place<'_>> {
    let issuer = &token.brief().issuer;
    let namespace = match issuer.kind {
        IssuerKind::TokenIssuer => place(token).0,
        IssuerKind::ClusterTokenIssuer => "",
    };
    Some((namespace, &issuer.name))
}

/// What of an ApiToken its issuer counts with: what it names, which version of the specification it is, and
/// when it is replaced.
fn counts(token: &PackedToken) -> impl PartialEq + '_ {
    let named = [delivered(token), adopted(token), issuer(token)];
    let version = (token.uid(), token.generation());
    (named, version, token.brief().renews_at)
}

impl InOrder {
    fn by(by: By) -> Self {
        let tokens = Vec::new();
        Self { by, tokens }
    }

    fn at(&self, token: &PackedToken) -> Result<usize, usize> {
        let order = |token| ((self.by)(token), place(token));
        let sought = order(token);
        self.tokens
            .binary_search_by(|other| order(other).cmp(&sought))
    }

    /// This one, in place of another version of it that is found by the same.
    fn put(&mut self, token: &PackedToken) {
        if (self.by)(token).is_none() {
            return;
        }
        match self.at(token) {
            Ok(at) => self.tokens[at] = token.clone(),
            Err(at) => self.tokens.insert(at, token.clone()),
        }
    }

    fn remove(&mut self, token: &PackedToken) {
        if let Ok(at) = self.at(token) {
            self.tokens.remove(at);
        }
    }

    fn found(&self, by: Place<'_>) -> &[PackedToken] {
        let by = Some(by);
        let begin = self.tokens.partition_point(|token| (self.by)(token) < by);
        let end = self.tokens.partition_point(|token| (self.by)(token) <= by);
        &self.tokens[begin..end]
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            by_place: InOrder::by(|token| Some(place(token))),
            by_delivered: InOrder::by(delivered),
            by_adopted: InOrder::by(adopted),
            by_issuer: InOrder::by(issuer),
            listed: HashSet::new(),
            #[cfg(test)]
            looked_at: 0,
        }
    }
}

impl State {
    fn lists(&mut self) -> [&mut InOrder; 4] {
        let Self {
            by_place,
            by_delivered,
            by_adopted,
            by_issuer,
            ..
        } = self;
        [by_place, by_delivered, by_adopted, by_issuer]
    }

    /// The version of it that was told last.
    fn known(&self, token: &PackedToken) -> Option<PackedToken> {
        self.by_place.found(place(token)).first().cloned()
    }

    fn remove(&mut self, token: &PackedToken) {
        self.lists().into_iter().for_each(|list| list.remove(token));
    }

    #[cfg(test)]
    fn count(&mut self, looked_at: usize) {
        self.looked_at = self.looked_at.saturating_add(looked_at);
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests count the work")]
    fn count(&mut self, _: usize) {}
}

impl Index {
    /// An ApiToken is there; whether its issuer counts with what is new of it.
    pub(crate) fn there(&self, token: &PackedToken) -> bool {
        let mut state = self.0.lock();
        let before = state.known(token);
        let same = before
            .as_ref()
            .is_some_and(|before| counts(before) == counts(token));
        if let Some(before) = before.filter(|_| !same) {
            state.remove(&before);
        }
        state.lists().into_iter().for_each(|list| list.put(token));
        !same
    }

    /// An ApiToken is gone.
    pub(crate) fn gone(&self, token: &PackedToken) {
        let mut state = self.0.lock();
        if let Some(known) = state.known(token) {
            state.remove(&known);
        }
    }

    /// Who is gone by what an event tells, though no event tells it of them: those that the end of a list did
    /// not show, as after a gap in the history, and whoever stood where another one stands now.
    pub(crate) fn gone_by(&self, event: &Event<PackedToken>) -> Vec<PackedToken> {
        let mut state = self.0.lock();
        match event {
            Event::Init => state.listed.clear(),
            Event::InitApply(token) => {
                state.listed.insert(token.uid().clone());
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut state.listed);
                let all = state.by_place.tokens.iter();
                let missing = all.filter(|token| !listed.contains(token.uid()));
                return missing.cloned().collect();
            }
            Event::Apply(_) | Event::Delete(_) => {}
        }
        let (Event::InitApply(token) | Event::Apply(token)) = event else {
            return Vec::new();
        };
        let former = state.known(token).into_iter();
        former.filter(|known| known.uid() != token.uid()).collect()
    }

    /// One of them.
    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<PackedToken> {
        let state = self.0.lock();
        state.by_place.found((namespace, name)).first().cloned()
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<PackedToken> {
        self.0.lock().by_place.tokens.clone()
    }

    /// Those that deliver to a Secret.
    pub(crate) fn delivering_to(&self, namespace: &str, name: &str) -> Vec<ObjectRef<ApiToken>> {
        self.references(|state| &state.by_delivered, (namespace, name))
    }

    /// Those that adopt the value of a Secret.
    pub(crate) fn adopting_from(&self, namespace: &str, name: &str) -> Vec<ObjectRef<ApiToken>> {
        self.references(|state| &state.by_adopted, (namespace, name))
    }

    /// Those that name an issuer.
    pub(crate) fn of_issuer(
        &self,
        kind: IssuerKind,
        namespace: &str,
        name: &str,
    ) -> Vec<PackedToken> {
        let namespace = match kind {
            IssuerKind::TokenIssuer => namespace,
            IssuerKind::ClusterTokenIssuer => "",
        };
        self.found(|state| &state.by_issuer, (namespace, name))
    }

    fn references(&self, list: fn(&State) -> &InOrder, by: Place<'_>) -> Vec<ObjectRef<ApiToken>> {
        let found = self.found(list, by);
        found.iter().map(PackedToken::reference).collect()
    }

    fn found(&self, list: fn(&State) -> &InOrder, by: Place<'_>) -> Vec<PackedToken> {
        let mut state = self.0.lock();
        let found = list(&state).found(by).to_vec();
        state.count(found.len());
        found
    }
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

    fn names(found: &[ObjectRef<ApiToken>]) -> Vec<&str> {
        found.iter().map(|token| token.name.as_str()).collect()
    }

    /// Tells of an event, as the watch does; the names of those that are gone by it.
    fn tell(index: &Index, event: Event<PackedToken>) -> Vec<String> {
        let gone = index.gone_by(&event);
        gone.iter().for_each(|token| index.gone(token));
        if let Event::InitApply(token) | Event::Apply(token) = event {
            index.there(&token);
        }
        gone.iter().map(|token| token.name().to_owned()).collect()
    }

    /// What a list tells that shows these.
    fn list(index: &Index, shown: &[PackedToken]) -> Vec<String> {
        let each = shown.iter().cloned().map(Event::InitApply);
        let events = [Event::Init].into_iter().chain(each);
        let events = events.chain([Event::InitDone]);
        events.flat_map(|event| tell(index, event)).collect()
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
        assert_eq!(index.0.lock().looked_at, 2);
        let of_issuer = index.of_issuer(IssuerKind::TokenIssuer, "team-a", "issuer-7");
        assert_eq!(of_issuer.len(), 100);
        assert_eq!(index.0.lock().looked_at, 102);
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
        assert_eq!(of("other").first().map(PackedToken::name), Some("t-1"));
        assert!(index.delivering_to("team-a", "s-1").is_empty());
        index.gone(&packed(&moved));
        assert!(index.all().is_empty());
    }

    #[test]
    fn whoever_goes_while_nobody_watches_is_told_to_be_gone() {
        let index = Index::default();
        let shown = [1, 2].map(|number| packed(&token(number, 1)));
        assert!(list(&index, &shown).is_empty());
        assert!(list(&index, &shown).is_empty());
        let mut anew = token(1, 1);
        anew.metadata.uid = Some("another".to_owned());
        assert_eq!(list(&index, &[packed(&anew)]), ["t-1", "t-2"]);
        let uids: Vec<_> = index.all().iter().map(|t| t.uid().to_string()).collect();
        assert_eq!(uids, ["another"]);
        assert_eq!(tell(&index, Event::Apply(shown[0].clone())), ["t-1"]);
        assert_eq!(list(&index, &[]), ["t-1"]);
        let mut state = index.0.lock();
        assert!(state.lists().iter().all(|list| list.tokens.is_empty()));
    }
}
