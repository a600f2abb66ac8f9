//! What is judged of a command: what our provider needs of the issuer for it, and what it took.

use std::collections::BTreeMap;

use super::super::budget::{self, Budget, Verdict};
use super::case::Case;

/// A command, and what our provider needs of the issuer for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work {
    pub(super) command: &'static str,
    /// Requests for each resource.
    each: u32,
    /// Listings of everything, which all resources wait for.
    listings: u32,
    /// How many tokens a resource has while it is done.
    holds: u32,
    budget: Option<Budget>,
}

/// A mint and a proof each.
pub(super) const CREATE: Work = Work {
    command: "apply",
    each: 2,
    listings: 0,
    holds: 1,
    budget: Some(budget::CREATE),
};
pub(super) const REFRESH: Work = Work {
    command: "plan",
    each: 0,
    listings: 1,
    holds: 1,
    budget: None,
};
pub(super) const ROTATE: Work = Work {
    command: "apply",
    each: 2,
    listings: 1,
    holds: 1,
    budget: Some(budget::ROTATE),
};
/// A revoke and a look for both tokens, and a question to the value that is at hand; the last two are asked at once.
pub(super) const DESTROY: Work = Work {
    command: "destroy",
    each: 4,
    listings: 2,
    holds: 2,
    budget: Some(budget::DESTROY),
};

/// With so many, what the starts of a provider cost does not count; it has budgets of its own.
const MANY: u32 = 1000;

/// How many tokens a page of the issuer's list has.
const PAGE: u32 = 100;

impl Work {
    /// The pages of one listing.
    fn pages(self, case: Case) -> u32 {
        let tokens = case.tokens.saturating_mul(self.holds);
        tokens.saturating_add(case.others).div_ceil(PAGE)
    }

    /// The seconds that the answers take which it needs.
    fn answers(self, case: Case) -> f64 {
        let one_after_the_other = f64::from(self.listings * self.pages(case));
        let each = f64::from(self.each * case.tokens) / f64::from(case.at_once());
        (one_after_the_other + each) * f64::from(case.latency) / 1e3
    }
}

/// What is judged, beside what the same took where answers took no time.
pub(super) struct Judge<'a> {
    verdict: &'a mut Verdict,
    undelayed: BTreeMap<(Case, &'static str), f64>,
}

impl<'a> Judge<'a> {
    pub(super) const fn new(verdict: &'a mut Verdict) -> Self {
        Self {
            verdict,
            undelayed: BTreeMap::new(),
        }
    }

    pub(super) fn judge(&mut self, what: &'static str, work: Work, case: Case, took: &Took) {
        let about = format!(" ({})", case.told(what));
        self.verdict.judge(budget::HELD, &about, took.held);
        let alike = (Case { latency: 0, ..case }, what);
        let Some(budget) = work.budget else {
            let lists = f64::from(took.lists) / f64::from(work.pages(case));
            self.verdict.judge(budget::LISTS, &about, lists);
            return;
        };
        if case.latency > 0 {
            let undelayed = self.undelayed.get(&alike).copied();
            let share = undelayed.unwrap_or(took.core);
            let times = (took.wall - share) / work.answers(case);
            self.verdict.judge(budget, &about, times);
            return;
        }
        self.undelayed.insert(alike, took.wall);
        if case.tokens >= MANY {
            let of_the_core = took.provider / took.core;
            self.verdict.judge(budget::WORK, &about, of_the_core);
        }
    }
}

/// What one command took, and asked.
pub(super) struct Took {
    pub(super) wall: f64,
    /// What the provider and the core worked, in seconds of one processor.
    pub(super) provider: f64,
    pub(super) core: f64,
    pub(super) held: f64,
    pub(super) lists: u32,
}
