//! Who has a place under entries that have few: each, in order, under the first entry that covers it and has
//! room left.
//!
//! Kept as one comes or goes, at the cost of what that changes: whoever comes may take the place of the last
//! one under its entry, who takes the next that covers it, and so on. That never goes back to an entry, so
//! that it takes no more steps than there are entries, however many wait.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokenwright_api::Grant;

/// The order: who has a token or was let in goes first, then the oldest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) waits: bool,
    pub(super) created: Option<Timestamp>,
    pub(super) uid: Arc<str>,
}

/// Entries of a grant, by their numbers, in their order.
pub(super) type Entries = Arc<[usize]>;

/// The places of one namespace.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// By entry; one without a greatest number has none.
    lines: BTreeMap<usize, Line>,
    /// How often somebody was put under an entry.
    #[cfg(test)]
    pub(super) looked_at: usize,
}

/// One entry.
#[derive(Debug)]
struct Line {
    most: usize,
    holding: BTreeMap<Rank, Entries>,
    /// Who would rather have a place here than the one it has, or has none.
    wanting: BTreeMap<Rank, Entries>,
}

impl Line {
    fn of(most: u32) -> Self {
        Self {
            most: usize::try_from(most).unwrap_or(usize::MAX),
            holding: BTreeMap::new(),
            wanting: BTreeMap::new(),
        }
    }

    /// Gives one a place; the last one where it is one too many.
    fn put(&mut self, who: Rank, covered: Entries) -> Option<(Rank, Entries)> {
        self.holding.insert(who, covered);
        let (last, its) = (self.holding.len() > self.most).then(|| self.holding.pop_last())??;
        self.wanting.insert(last.clone(), Arc::clone(&its));
        Some((last, its))
    }
}

impl Places {
    /// Takes all places back, of which there are so many now.
    pub(super) fn clear(&mut self, grants: &[Grant]) {
        let all = grants.iter().enumerate();
        let few = all.filter_map(|(entry, grant)| Some((entry, Line::of(grant.max_tokens?))));
        self.lines = few.collect();
    }

    pub(super) fn has(&self, who: &Rank, covered: &[usize]) -> bool {
        let mut lines = covered.iter().filter_map(|entry| self.lines.get(entry));
        lines.any(|line| line.holding.contains_key(who))
    }

    pub(super) fn has_room(&self, covered: &[usize]) -> bool {
        let mut lines = covered.iter().filter_map(|entry| self.lines.get(entry));
        lines.any(|line| line.holding.len() < line.most)
    }

    /// One comes, which these entries cover.
    pub(super) fn put(&mut self, who: Rank, covered: Entries) {
        let mut next = Some((who, covered));
        let mut from = 0;
        while let Some((who, covered)) = next.take() {
            self.count();
            let Some(entry) = covered.iter().find(|entry| **entry >= from).copied() else {
                return;
            };
            from = entry.saturating_add(1);
            let line = self.lines.get_mut(&entry);
            next = line.and_then(|line| line.put(who, covered));
        }
    }

    /// One goes. Gives the one that has a place for it and had none.
    pub(super) fn remove(&mut self, who: &Rank, covered: &[usize]) -> Option<Rank> {
        let mut free = self.leave(who, covered, 0);
        while let Some(entry) = free {
            self.count();
            let line = self.lines.get_mut(&entry)?;
            let (next, its) = line.wanting.pop_first()?;
            line.holding.insert(next.clone(), Arc::clone(&its));
            free = self.leave(&next, &its, entry.saturating_add(1));
            if free.is_none() {
                return Some(next);
            }
        }
        None
    }

    /// Leaves the lines of the entries from this one on; the entry whose place is free now.
    fn leave(&mut self, who: &Rank, covered: &[usize], from: usize) -> Option<usize> {
        let mut free = None;
        for entry in covered.iter().filter(|entry| **entry >= from) {
            if let Some(line) = self.lines.get_mut(entry) {
                line.wanting.remove(who);
                if line.holding.remove(who).is_some() {
                    free = Some(*entry);
                }
            }
        }
        free
    }

    #[cfg(test)]
    fn count(&mut self) {
        self.looked_at = self.looked_at.saturating_add(1);
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests count the work")]
    fn count(&mut self) {}
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn grants(most: &[u32]) -> Vec<Grant> {
        let grant = |most| json!({ "namespaces": { "names": ["team-a"] }, "maxTokens": most });
        let grants = most.iter().map(grant);
        grants
            .map(|grant| serde_json::from_value(grant).unwrap())
            .collect()
    }

    fn rank(nth: usize) -> Rank {
        Rank {
            waits: true,
            created: Some(Timestamp::from_second(i64::try_from(nth).unwrap()).unwrap()),
            uid: nth.to_string().into(),
        }
    }

    /// What the places are by their definition.
    fn in_order(most: &[u32], covered: &BTreeMap<Rank, Entries>) -> Vec<(Rank, bool)> {
        let mut room = most.to_vec();
        let mut place = |entries: &Entries| {
            let free = entries.iter().find(|entry| room[**entry] > 0);
            free.map(|entry| room[*entry] -= 1).is_some()
        };
        let all = covered.iter();
        all.map(|(who, entries)| (who.clone(), place(entries)))
            .collect()
    }

    #[test]
    fn room_is_given_in_order_whoever_comes_and_goes_first() {
        let most = [1, 2, 1, 3];
        let (mut places, mut there) = (Places::default(), BTreeMap::new());
        places.clear(&grants(&most));
        // Each number from 0 to 16 is one step of a walk that comes to all of them in no order.
        for step in 0..4_000_usize {
            let nth = (step * step + step / 3) % 17;
            let entries = (0..4).filter(|entry| (nth + 1 + step / 40) >> entry & 1 == 1);
            let who = rank(nth);
            let before = in_order(&most, &there);
            match there.remove(&who) {
                Some(covered) => {
                    let woken = places.remove(&who, &covered);
                    let has_now = in_order(&most, &there)
                        .into_iter()
                        .find(|(who, has)| *has && before.contains(&(who.clone(), false)));
                    assert_eq!(woken, has_now.map(|(who, _)| who), "{step}");
                }
                None => {
                    let covered: Entries = entries.collect();
                    there.insert(who.clone(), Arc::clone(&covered));
                    places.put(who, covered);
                }
            }
            for (who, wanted) in in_order(&most, &there) {
                assert_eq!(places.has(&who, &there[&who]), wanted, "{step}: {who:?}");
            }
        }
    }
}
