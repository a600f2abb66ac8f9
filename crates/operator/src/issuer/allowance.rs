//! Who may ask which `ClusterTokenIssuer`, as the watches show it now.
//!
//! The watches tell it before anybody is reconciled, so that a grant that is withdrawn counts at once. Of
//! a limited number of places, who has been let in keeps its place in this process, and who has a token
//! keeps it over a restart: two that come at once are never both let in for one place.

mod places;

use std::collections::HashMap;
use std::sync::Arc;

use kube::ResourceExt as _;
use parking_lot::Mutex;
use tokenwright_api::token::{IssuerKind, IssuerRef, TokenRequest};
use tokenwright_api::{ApiToken, ApiTokenSpec, ClusterTokenIssuer, Grant};
use tokenwright_core::Inputs;

use self::places::{Entries, Places, Rank};
use crate::issuer::grants::{Asked, Fault, Labels, NotAllowed, covers, is_for};

/// All that decides about it.
#[derive(Debug, Default)]
pub(crate) struct Allowances(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// By issuer.
    grants: HashMap<String, Vec<Grant>>,
    /// By namespace.
    labels: HashMap<String, Labels>,
    /// By namespace, then by issuer.
    crowds: HashMap<String, HashMap<String, Crowd>>,
}

/// The `ApiToken`s of one namespace that name one issuer.
#[derive(Debug, Default)]
struct Crowd {
    /// By UID.
    members: HashMap<String, Member>,
    places: Places,
    /// Who is covered by what and who has a place were found out since a grant or a label changed.
    known: bool,
    /// Those that came to a place which another one had, and were not told yet.
    freed: Vec<Arc<str>>,
}

/// One `ApiToken`.
#[derive(Debug)]
struct Member {
    rank: Rank,
    asked: Asked,
    /// The entries that cover it.
    covered: Entries,
}

/// An issuer of the cluster and a namespace.
pub(crate) struct Group {
    issuer: String,
    namespace: String,
}

/// What one issuer allows one namespace.
struct Allowed<'a> {
    grants: &'a [Grant],
    namespace: &'a str,
    labels: Option<&'a Labels>,
}

impl Group {
    /// The one of an `ApiToken`.
    pub(crate) fn of(token: &ApiToken) -> Option<Self> {
        let namespace = token.namespace().unwrap_or_default();
        Self::at(&token.spec.issuer_ref, &namespace)
    }

    /// Nothing where no grant is needed.
    pub(crate) fn at(issuer: &IssuerRef, namespace: &str) -> Option<Self> {
        (issuer.kind == IssuerKind::ClusterTokenIssuer).then(|| Self {
            issuer: issuer.name.clone(),
            namespace: namespace.to_owned(),
        })
    }
}

impl Allowances {
    /// What an issuer allows now.
    pub(crate) fn grant(&self, issuer: &ClusterTokenIssuer) {
        let mut state = self.0.lock();
        let name = issuer.name_any();
        if state.grants.get(&name) == Some(&issuer.spec.allow) {
            return;
        }
        state.grants.insert(name.clone(), issuer.spec.allow.clone());
        state.find_out_anew(&name);
    }

    /// An issuer is gone.
    pub(crate) fn withdraw(&self, issuer: &str) {
        let mut state = self.0.lock();
        state.grants.remove(issuer);
        state.find_out_anew(issuer);
    }

    /// The labels of a namespace, none where it is gone. Gives the UIDs of those that are concerned.
    pub(crate) fn label(&self, namespace: &str, labels: Option<&Labels>) -> Vec<String> {
        let mut state = self.0.lock();
        if state.labels.get(namespace) == labels {
            return Vec::new();
        }
        match labels {
            Some(labels) => state.labels.insert(namespace.to_owned(), labels.clone()),
            None => state.labels.remove(namespace),
        };
        let crowds = state.crowds.get_mut(namespace).into_iter().flatten();
        let uids = crowds.flat_map(|(_, crowd)| {
            crowd.known = false;
            crowd.members.keys().cloned()
        });
        uids.collect()
    }

    /// An `ApiToken` is there, in this form. Gives the UIDs of those that came to a place by it.
    pub(crate) fn there(&self, token: &ApiToken) -> Vec<Arc<str>> {
        let (Some(group), Some(uid)) = (Group::of(token), token.uid()) else {
            return Vec::new();
        };
        let mut state = self.0.lock();
        let (crowd, allowed) = state.crowd(&group);
        crowd.there(&allowed, uid, token);
        std::mem::take(&mut crowd.freed)
    }

    /// An `ApiToken` is gone. Gives the UIDs of those that came to a place by it.
    pub(crate) fn gone(&self, group: Option<&Group>, uid: &str) -> Vec<Arc<str>> {
        let Some(group) = group else {
            return Vec::new();
        };
        let mut state = self.0.lock();
        let (crowd, _) = state.crowd(group);
        crowd.leave(uid);
        let freed = std::mem::take(&mut crowd.freed);
        if crowd.members.is_empty() {
            state.forget(group);
        }
        freed
    }

    /// Whether an `ApiToken` may have what it asks for.
    ///
    /// # Errors
    ///
    /// If its issuer is one of the cluster and does not allow it.
    pub(crate) fn check(&self, token: &ApiToken) -> Result<(), NotAllowed> {
        let (Some(group), Some(uid)) = (Group::of(token), token.uid()) else {
            return Ok(());
        };
        let mut state = self.0.lock();
        let (crowd, allowed) = state.crowd(&group);
        crowd.there(&allowed, uid.clone(), token);
        crowd.find_out(&allowed);
        match crowd.faults(&allowed, &uid) {
            None => Ok(()),
            Some(faults) => Err(NotAllowed {
                issuer: group.issuer,
                namespace: group.namespace,
                faults,
            }),
        }
    }

    /// Whether an `ApiToken` may have a token with these inputs, whatever it asks for now: a mint of it that was
    /// begun may be done again. Its token may be there already, so that a place that it has counts for any entry.
    pub(crate) fn grants(&self, token: &ApiToken, inputs: &Inputs) -> bool {
        let (Some(group), Some(uid)) = (Group::of(token), token.uid()) else {
            return true;
        };
        let asked = Asked::of(&ApiTokenSpec {
            token: Some(TokenRequest {
                name: inputs.name.clone(),
                parameters: inputs.parameters.clone(),
                scopes: inputs.scopes.iter().cloned().collect(),
                lifetime: inputs.lifetime.to_string().as_str().into(),
            }),
            adopt: None,
            ..token.spec.clone()
        });
        let mut state = self.0.lock();
        let (crowd, allowed) = state.crowd(&group);
        crowd.find_out(&allowed);
        let covered = allowed.covering(&asked);
        let member = crowd.members.get(&uid);
        let unlimited = |entry: &usize| allowed.most(*entry).is_none();
        covered.iter().any(unlimited)
            || crowd.places.has_room(&covered)
            || !covered.is_empty() && member.is_some_and(|member| crowd.is_let_in(&allowed, member))
    }
}

impl State {
    fn crowd<'a>(&'a mut self, group: &'a Group) -> (&'a mut Crowd, Allowed<'a>) {
        let Group { issuer, namespace } = group;
        let crowds = self.crowds.entry(namespace.clone()).or_default();
        let crowd = crowds.entry(issuer.clone()).or_default();
        let allowed = Allowed {
            grants: self.grants.get(issuer).map_or(&[], Vec::as_slice),
            namespace,
            labels: self.labels.get(namespace),
        };
        (crowd, allowed)
    }

    fn forget(&mut self, group: &Group) {
        if let Some(crowds) = self.crowds.get_mut(&group.namespace) {
            crowds.remove(&group.issuer);
            if crowds.is_empty() {
                self.crowds.remove(&group.namespace);
            }
        }
    }

    fn find_out_anew(&mut self, issuer: &str) {
        let crowds = self.crowds.values_mut();
        for crowd in crowds.filter_map(|crowds| crowds.get_mut(issuer)) {
            crowd.known = false;
        }
    }
}

impl Allowed<'_> {
    /// The entries for this namespace.
    fn entries(&self) -> impl Iterator<Item = (usize, &Grant)> {
        let entries = self.grants.iter().enumerate();
        let none = Labels::new();
        entries.filter(move |(_, grant)| {
            let labels = self.labels.unwrap_or(&none);
            is_for(&grant.namespaces, self.namespace, labels)
        })
    }

    /// The entries that cover it; the one alone that has no greatest number, since no place is taken of it.
    fn covering(&self, asked: &Asked) -> Entries {
        let entries = self.entries();
        let covering = entries.filter(|(_, grant)| covers(grant, asked).is_ok());
        let all: Vec<_> = covering.map(|(entry, _)| entry).collect();
        let unlimited = all.iter().find(|entry| self.most(**entry).is_none());
        unlimited
            .map_or(all.as_slice(), std::slice::from_ref)
            .into()
    }

    fn most(&self, entry: usize) -> Option<u32> {
        self.grants.get(entry)?.max_tokens
    }
}

impl Crowd {
    fn there(&mut self, allowed: &Allowed<'_>, uid: String, token: &ApiToken) {
        let known = self.members.get(&uid);
        let waits = known.is_none_or(|member| member.rank.waits) && !has_a_token(token);
        if known.is_some_and(|known| known.rank.waits == waits && known.asked.is_of(&token.spec)) {
            return;
        }
        let rank = Rank {
            waits,
            created: token.creation_timestamp().map(|time| time.0),
            uid: uid.as_str().into(),
        };
        let asked = Asked::of(&token.spec);
        let covered = allowed.covering(&asked);
        self.leave(&uid);
        self.come(Member {
            rank,
            asked,
            covered,
        });
    }

    fn come(&mut self, member: Member) {
        if self.known {
            let covered = Arc::clone(&member.covered);
            self.places.put(member.rank.clone(), covered);
        }
        self.members.insert(member.rank.uid.to_string(), member);
        let mut freed = std::mem::take(&mut self.freed);
        freed.retain(|uid| {
            self.members
                .get(&**uid)
                .is_some_and(|one| self.has_place(one))
        });
        self.freed = freed;
    }

    fn leave(&mut self, uid: &str) -> Option<Member> {
        let member = self.members.remove(uid)?;
        if self.known {
            let freed = self.places.remove(&member.rank, &member.covered);
            self.freed.extend(freed.map(|rank| rank.uid));
        }
        Some(member)
    }

    fn is_let_in(&self, allowed: &Allowed<'_>, member: &Member) -> bool {
        let mut covered = member.covered.iter();
        covered.any(|entry| allowed.most(*entry).is_none()) || self.has_place(member)
    }

    fn has_place(&self, member: &Member) -> bool {
        self.places.has(&member.rank, &member.covered)
    }

    fn find_out(&mut self, allowed: &Allowed<'_>) {
        if self.known {
            return;
        }
        self.known = true;
        self.freed.clear();
        self.places.clear(allowed.grants);
        for member in self.members.values_mut() {
            member.covered = allowed.covering(&member.asked);
            let covered = Arc::clone(&member.covered);
            self.places.put(member.rank.clone(), covered);
        }
    }

    /// What the entries for this namespace lack; nothing where one of them will do. Whoever is let in keeps
    /// its place.
    fn faults(&mut self, allowed: &Allowed<'_>, uid: &str) -> Option<Vec<(usize, Fault)>> {
        let member = self.members.get(uid)?;
        let covered = member.covered.iter().copied();
        let full: Option<Vec<_>> = covered
            .map(|entry| Some((entry, Fault::Full(allowed.most(entry)?))))
            .collect();
        // One that has no greatest number will do for any.
        if full.is_none() || self.has_place(member) {
            if member.rank.waits
                && let Some(mut member) = self.leave(uid)
            {
                member.rank.waits = false;
                self.come(member);
            }
            return None;
        }
        let lacking = allowed.entries().filter_map(|(entry, grant)| {
            let fault = covers(grant, &member.asked).err()?;
            Some((entry, fault))
        });
        // What would do but for its number is what a person wants to read first.
        Some(full.into_iter().flatten().chain(lacking).collect())
    }
}

/// Whether there is, or may be, a token of it at the issuer.
fn has_a_token(token: &ApiToken) -> bool {
    token.status.as_ref().is_some_and(|status| {
        let adopted = status.adopted.as_ref();
        status.last_revision > 0
            || !status.attempts.is_empty()
            || adopted.is_some_and(|adopted| adopted.fingerprint.is_some())
    })
}

#[cfg(test)]
mod tests;
