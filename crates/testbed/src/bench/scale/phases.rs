//! What the phases of two operators have in common, and are compared by.

use std::time::Duration;

use super::super::budget::{self, Verdict};
use super::usage::Usage;

/// So long nothing happens but what an operator does by itself.
pub(super) const REST: Duration = Duration::from_secs(30);
/// After a start all lists are in and every object was looked at.
pub(super) const STARTED: Duration = Duration::from_secs(10);

/// What two operators are compared by.
pub(super) struct Phases {
    pub(super) start: Usage,
    pub(super) create: Usage,
    pub(super) rotation: Usage,
}

impl Phases {
    pub(super) fn judge_beside(&self, its: &Self, tokens: usize, verdict: &mut Verdict) {
        let work = |ours: &Usage, its: &Usage| (budget::WORK_BESIDE, ours.cpu / its.cpu);
        let size = |ours: &Usage, its: &Usage| {
            let share = ours.mebibytes() / its.mebibytes();
            (budget::SIZE_BESIDE_OPERATOR, share)
        };
        let requests = |ours: f64, its: &Usage| (budget::REQUESTS_BESIDE, ours / its.asked(tokens));
        let (create, rotation) = (
            self.create.asked_for_each(tokens),
            self.rotation.asked_beside_looks(tokens),
        );
        verdict.judge_all(" (start)", [size(&self.start, &its.start)]);
        verdict.judge_all(
            " (create)",
            [
                work(&self.create, &its.create),
                requests(create, &its.create),
                size(&self.create, &its.create),
            ],
        );
        verdict.judge_all(
            " (rotation)",
            [
                work(&self.rotation, &its.rotation),
                requests(rotation, &its.rotation),
                size(&self.rotation, &its.rotation),
            ],
        );
    }
}
