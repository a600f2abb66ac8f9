//! Finalizers and labels of ours that another writer takes away again and again: they are set anew after
//! pauses that grow, like all that is undone, and whoever does it is named.

use jiff::Timestamp;
use kube::ResourceExt;

use crate::cluster::conditions::Fact;
use crate::cluster::contest::Contest;

/// Whether a finalizer of ours stands.
pub(crate) fn has(object: &impl ResourceExt, ours: &str) -> bool {
    object.finalizers().iter().any(|name| name == ours)
}

/// What one object has marked, and what carries the mark. Each `ApiToken` has one: a map with names would have
/// room for eleven.
#[derive(Debug, Default)]
pub(crate) struct Marks(Vec<(Box<str>, Mark)>);

/// A mark that was set.
#[derive(Debug, Default)]
struct Mark {
    contest: Contest,
    /// Whether it does not stand, and waits to be set anew.
    owed: bool,
}

impl Marks {
    /// When it may be set anew; `None` where that is now.
    pub(crate) fn waits(
        &mut self,
        on: &str,
        generation: Option<i64>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let (_, mark) = self.0.iter_mut().find(|(known, _)| **known == *on)?;
        let waits = mark.contest.waits(generation, now);
        mark.owed = waits.is_some();
        waits
    }

    /// It was set; what is to be said, where a contest begins with that.
    pub(crate) fn set(
        &mut self,
        on: &str,
        generation: Option<i64>,
        rival: Option<String>,
        now: Timestamp,
    ) -> Option<Fact> {
        let mark = self.on(on);
        mark.owed = false;
        let begins = mark.contest.written(generation, rival, now);
        mark.contest.about_mark(on, now).filter(|_| begins)
    }

    fn on(&mut self, on: &str) -> &mut Mark {
        let known = self.0.iter().position(|(known, _)| **known == *on);
        let at = known.unwrap_or(self.0.len());
        if known.is_none() {
            self.0.reserve_exact(1);
            self.0.push((on.into(), Mark::default()));
        }
        &mut self.0[at].1
    }

    /// Whether one does not stand, and waits.
    pub(crate) fn owed(&self) -> bool {
        self.0.iter().any(|(_, mark)| mark.owed)
    }

    /// Who takes which of them away.
    pub(crate) fn contested(&self, now: Timestamp) -> Option<Fact> {
        let mut marks = self.0.iter();
        marks.find_map(|(on, mark)| mark.contest.about_mark(on, now))
    }

    /// When something is to be done or said again because of them.
    pub(crate) fn changes_at(&self, now: Timestamp) -> Option<Timestamp> {
        let marks = self.0.iter();
        marks
            .filter_map(|(_, mark)| mark.contest.changes_at(now))
            .min()
    }
}
