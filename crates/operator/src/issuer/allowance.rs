//! Who may ask which `ClusterTokenIssuer`, as the watches show it now.
//!
//! The watches tell it before anybody is reconciled, so that a grant that is withdrawn counts at once. Of
//! a limited number of places, who has been let in keeps its place in this process, and who has a token
//! keeps it over a restart: two that come at once are never both let in for one place.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use kube::ResourceExt as _;
use parking_lot::Mutex;
use tokenwright_api::token::IssuerKind;
use tokenwright_api::{ApiToken, ApiTokenSpec, ClusterTokenIssuer, Grant};

use crate::issuer::grants::{Fault, Labels, NotAllowed, assign, covers, is_for};

/// All that decides about it.
#[derive(Debug, Default)]
pub(crate) struct Allowances(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// By issuer.
    grants: HashMap<String, Vec<Grant>>,
    /// By namespace.
    labels: HashMap<String, Labels>,
    /// The `ApiToken`s of one namespace that name one issuer, by UID.
    groups: HashMap<Group, HashMap<String, Member>>,
}

/// An issuer and a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Group {
    issuer: String,
    namespace: String,
}

/// One `ApiToken`.
#[derive(Debug)]
struct Member {
    created: Option<Timestamp>,
    /// It was let in before.
    seated: bool,
    /// It was refused when it asked last.
    refused: bool,
    spec: ApiTokenSpec,
    /// The entries that cover it; nothing where that must be found out anew.
    covered: Option<Vec<usize>>,
}

impl Group {
    fn of(token: &ApiToken) -> Option<Self> {
        let at = &token.spec.issuer_ref;
        (at.kind == IssuerKind::ClusterTokenIssuer).then(|| Self {
            issuer: at.name.clone(),
            namespace: token.namespace().unwrap_or_default(),
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
        state.find_out_anew(|group| group.issuer == name);
    }

    /// An issuer is gone.
    pub(crate) fn withdraw(&self, issuer: &str) {
        let mut state = self.0.lock();
        state.grants.remove(issuer);
        state.find_out_anew(|group| group.issuer == issuer);
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
        state.find_out_anew(|group| group.namespace == namespace);
        let groups = state.groups.iter();
        let concerned = groups.filter(|(group, _)| group.namespace == namespace);
        concerned
            .flat_map(|(_, members)| members.keys().cloned())
            .collect()
    }

    /// An `ApiToken` is there, in this form.
    pub(crate) fn there(&self, token: &ApiToken) {
        let (Some(group), Some(uid)) = (Group::of(token), token.uid()) else {
            return;
        };
        self.0.lock().there(group, uid, token);
    }

    /// An `ApiToken` is gone. Gives the UIDs of those that may have its place now.
    pub(crate) fn gone(&self, token: &ApiToken) -> Vec<String> {
        let (Some(group), Some(uid)) = (Group::of(token), token.uid()) else {
            return Vec::new();
        };
        let mut state = self.0.lock();
        let Some(members) = state.groups.get_mut(&group) else {
            return Vec::new();
        };
        members.remove(&uid);
        if members.is_empty() {
            state.groups.remove(&group);
            return Vec::new();
        }
        let refused = members.iter().filter(|(_, member)| member.refused);
        refused.map(|(uid, _)| uid.clone()).collect()
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
        state.there(group.clone(), uid.clone(), token);
        let faults = state.faults(&group, &uid);
        if let Some(member) = state.member(&group, &uid) {
            member.refused = faults.is_some();
            member.seated |= faults.is_none();
        }
        match faults {
            None => Ok(()),
            Some(faults) => Err(NotAllowed {
                issuer: group.issuer,
                namespace: group.namespace,
                faults,
            }),
        }
    }
}

impl State {
    fn member(&mut self, group: &Group, uid: &str) -> Option<&mut Member> {
        self.groups.get_mut(group)?.get_mut(uid)
    }

    fn there(&mut self, group: Group, uid: String, token: &ApiToken) {
        let member = self.groups.entry(group).or_default();
        let member = member.entry(uid).or_insert_with(|| Member {
            created: token.creation_timestamp().map(|time| time.0),
            seated: false,
            refused: false,
            spec: token.spec.clone(),
            covered: None,
        });
        member.seated |= has_a_token(token);
        if member.spec != token.spec {
            member.spec = token.spec.clone();
            member.covered = None;
        }
    }

    fn find_out_anew(&mut self, concerned: impl Fn(&Group) -> bool) {
        for (group, members) in &mut self.groups {
            if concerned(group) {
                members
                    .values_mut()
                    .for_each(|member| member.covered = None);
            }
        }
    }

    /// What the entries for this namespace lack; nothing where one of them will do.
    fn faults(&mut self, group: &Group, uid: &str) -> Option<Vec<(usize, Fault)>> {
        let Self {
            grants,
            labels,
            groups,
        } = self;
        let none = Labels::new();
        let labels = labels.get(&group.namespace).unwrap_or(&none);
        let grants = grants.get(&group.issuer).map_or(&[][..], Vec::as_slice);
        let entries = || {
            let entries = grants.iter().enumerate();
            entries.filter(|(_, grant)| is_for(&grant.namespaces, &group.namespace, labels))
        };
        let members = groups.get_mut(group)?;
        let cover = |member: &mut Member| {
            let spec = &member.spec;
            let all = member.covered.get_or_insert_with(|| {
                let covering = entries().filter(|(_, grant)| covers(grant, spec).is_ok());
                covering.map(|(entry, _)| entry).collect()
            });
            all.clone()
        };
        let covered = cover(members.get_mut(uid)?);
        let most = |entry: &usize| grants.get(*entry).and_then(|grant| grant.max_tokens);
        let limits: Vec<_> = covered.iter().map(|entry| (*entry, most(entry))).collect();
        if limits.iter().any(|(_, most)| most.is_none()) {
            return None;
        }
        // Only where places are few it matters who else asks for one.
        if !limits.is_empty() {
            members.values_mut().for_each(|member| drop(cover(member)));
            if has_place(grants, members, uid) {
                return None;
            }
        }
        let mine = members.get(uid)?;
        let full = limits
            .into_iter()
            .filter_map(|(entry, most)| Some((entry, Fault::Full(most?))));
        let lacking = entries().filter_map(|(entry, grant)| {
            let fault = covers(grant, &mine.spec).err()?;
            Some((entry, fault))
        });
        // What would do but for its number is what a person wants to read first.
        Some(full.chain(lacking).collect())
    }
}

/// Whether there is a place for one: who has a token or was let in goes first, then the oldest.
fn has_place(grants: &[Grant], members: &HashMap<String, Member>, uid: &str) -> bool {
    let mut order: BTreeMap<_, &[usize]> = BTreeMap::new();
    for (uid, member) in members {
        let covered = member.covered.as_deref().unwrap_or_default();
        order.insert((!member.seated, member.created, uid), covered);
    }
    let covered: Vec<_> = order.values().copied().collect();
    let places = assign(grants, &covered);
    let mut all = order.keys().zip(places);
    all.any(|((_, _, whose), has)| has && whose.as_str() == uid)
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
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn issuer(allow: Value) -> ClusterTokenIssuer {
        serde_json::from_value(json!({
            "apiVersion": "tokenwright.dev/v1alpha1", "kind": "ClusterTokenIssuer",
            "metadata": { "name": "shared" }, "spec": { "profile": "memory", "allow": allow },
        }))
        .unwrap()
    }

    fn token(name: &str, created: &str) -> ApiToken {
        serde_json::from_value(json!({
            "apiVersion": "tokenwright.dev/v1alpha1", "kind": "ApiToken",
            "metadata": { "name": name, "namespace": "team-a", "uid": name, "creationTimestamp": created },
            "spec": {
                "issuerRef": { "kind": "ClusterTokenIssuer", "name": "shared" },
                "token": { "name": "ci", "lifetime": "30d" },
                "secret": { "name": "ci-token" },
            },
        }))
        .unwrap()
    }

    const EARLY: &str = "2026-01-01T00:00:00Z";
    const LATE: &str = "2026-01-01T00:00:01Z";

    fn two(allow: Value) -> (Allowances, [ApiToken; 2]) {
        let allowances = Allowances::default();
        allowances.grant(&issuer(allow));
        let both = [token("a", LATE), token("b", EARLY)];
        both.iter().for_each(|token| allowances.there(token));
        (allowances, both)
    }

    #[test]
    fn the_oldest_of_those_that_come_at_once_has_the_last_place_whoever_asks_first() {
        let (allowances, [late, early]) =
            two(json!([{ "namespaces": { "names": ["team-a"] }, "maxTokens": 1 }]));
        let refused = allowances.check(&late).unwrap_err();
        assert_eq!(refused.faults, [(0, Fault::Full(1))]);
        assert_eq!(allowances.check(&early), Ok(()));
        assert!(allowances.check(&late).is_err());
    }

    #[test]
    fn who_was_let_in_keeps_its_place_even_if_an_older_one_is_seen_later() {
        let allowances = Allowances::default();
        let entry = json!([{ "namespaces": { "names": ["team-a"] }, "maxTokens": 1 }]);
        allowances.grant(&issuer(entry));
        assert_eq!(allowances.check(&token("a", LATE)), Ok(()));
        assert!(allowances.check(&token("b", EARLY)).is_err());
        assert_eq!(allowances.check(&token("a", LATE)), Ok(()));
    }

    #[test]
    fn who_has_a_token_keeps_its_place_over_a_restart() {
        let (allowances, [mut late, early]) =
            two(json!([{ "namespaces": { "names": ["team-a"] }, "maxTokens": 1 }]));
        late.status = Some(serde_json::from_value(json!({ "lastRevision": 1 })).unwrap());
        allowances.there(&late);
        assert!(allowances.check(&early).is_err());
        assert_eq!(allowances.check(&late), Ok(()));
        // It goes, and its place with it; who waits for it is woken.
        assert_eq!(allowances.gone(&late), ["b"]);
        assert_eq!(allowances.check(&early), Ok(()));
    }

    #[test]
    fn a_withdrawn_grant_counts_at_once_and_so_does_a_changed_label() {
        let (allowances, [one, _]) =
            two(json!([{ "namespaces": { "selector": { "matchLabels": { "tier": "gold" } } } }]));
        assert!(allowances.check(&one).is_err(), "no labels are known yet");
        let gold: Labels = [("tier".to_owned(), "gold".to_owned())].into();
        let mut concerned = allowances.label("team-a", Some(&gold));
        concerned.sort();
        assert_eq!(concerned, ["a", "b"]);
        assert_eq!(allowances.check(&one), Ok(()));
        assert!(allowances.label("team-a", Some(&gold)).is_empty());
        allowances.label("team-a", Some(&Labels::new()));
        assert!(allowances.check(&one).is_err());
        allowances.grant(&issuer(json!([{ "namespaces": { "names": ["team-a"] } }])));
        assert_eq!(allowances.check(&one), Ok(()));
        allowances.grant(&issuer(json!([])));
        let refused = allowances.check(&one).unwrap_err();
        assert!(refused.to_string().contains("no entry of its spec.allow"));
    }
}
