//! What the figures may be at most: the one table that the bench judges by, and that the page of figures has.

/// What a figure may be at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    what: &'static str,
    most: f64,
    unit: &'static str,
}

const fn at_most(what: &'static str, most: f64, unit: &'static str) -> Budget {
    Budget { what, most, unit }
}

pub(super) const START: Budget = at_most("provider: start to handshake line", 5.0, "ms");
pub(super) const START_BESIDE: Budget =
    at_most("… beside a plain provider in Go", 0.1, "of its time");
pub(super) const SIZE: Budget = at_most("provider: resident after the handshake line", 15.0, "MB");
pub(super) const SIZE_BESIDE: Budget = at_most(
    "… of a plain provider in Go, beside it",
    1.0 / 3.0,
    "of its size",
);
pub(super) const SCHEMA: Budget = at_most("provider: GetProviderSchema", 2.0, "ms");
pub(super) const HELD: Budget = at_most("provider: held at most, whatever it does", 30.0, "MB");
pub(super) const LISTS: Budget = at_most("provider: lists of a refresh", 1.0, "for each page");
pub(super) const CREATE: Budget = at_most("provider: create", OF_ITS_ANSWERS, BESIDE_THE_CORE);
pub(super) const ROTATE: Budget = at_most("provider: rotate", OF_ITS_ANSWERS, BESIDE_THE_CORE);
pub(super) const DESTROY: Budget = at_most("provider: destroy", OF_ITS_ANSWERS, BESIDE_THE_CORE);
pub(super) const WORK: Budget = at_most(
    "provider: the processor, with 1000 tokens and more, where answers take no time",
    0.15,
    "of what the core itself works",
);

pub(super) const EMPTY: Budget =
    at_most("operator: resident, ten issuers and no token", 13.0, "MiB");
pub(super) const KEPT: Budget = at_most("operator: resident with up to 1000 tokens", 30.0, "MiB");
pub(super) const KEPT_MANY: Budget = at_most("operator: resident with more tokens", 60.0, "MiB");
pub(super) const MINT_TIME: Budget = at_most("operator: create all", 17.0, FOR_EACH_THOUSAND);
pub(super) const MINT_WORK: Budget = at_most("operator: the processor, a first mint", 2.0, "ms");
pub(super) const MINT_REQUESTS: Budget = at_most("operator: requests, a first mint", 6.0, EACH);
pub(super) const ROTATION_TIME: Budget = at_most("operator: rotate all", 16.0, FOR_EACH_THOUSAND);
pub(super) const ROTATION_WORK: Budget = at_most(
    "operator: the processor, a rotation with the end of the former token",
    3.0,
    "ms",
);
pub(super) const ROTATION_REQUESTS: Budget = at_most(
    "operator: requests, a rotation with the end of the former token",
    7.0,
    BESIDE_LOOKS,
);
pub(super) const DELETION_TIME: Budget = at_most("operator: delete all", 15.0, FOR_EACH_THOUSAND);
pub(super) const DELETION_REQUESTS: Budget =
    at_most("operator: requests, a deletion", 5.0, BESIDE_LOOKS);
pub(super) const RESTART_REQUESTS: Budget =
    at_most("operator: requests, a restart", 19.0, "in all");
pub(super) const QUIET_REQUESTS: Budget = at_most(
    "operator: requests, half a minute of rest, and a label on each",
    0.0,
    "in all, beside one look at the store in five minutes",
);
pub(super) const MINTS: Budget = at_most(
    "operator: mints of a create and a rotation",
    1.0,
    "for each token",
);
pub(super) const NO_MINTS: Budget = at_most(
    "operator: mints of a start, a rest, a label and a deletion",
    0.0,
    "in all",
);
pub(super) const WORK_BESIDE: Budget = at_most(
    "operator: the processor, a first mint and a rotation, beside External Secrets Operator",
    1.0,
    "of its time",
);
pub(super) const REQUESTS_BESIDE: Budget =
    at_most("… requests of both, beside it", 1.0, "of its requests");
pub(super) const SIZE_BESIDE_OPERATOR: Budget = at_most(
    "… resident without a token and after both, beside it",
    1.0 / 3.0,
    "of its size",
);
pub(super) const RENEWAL: Budget =
    at_most("operator: between two renewals of the Lease", 10.0, "s");

const FOR_EACH_THOUSAND: &str = "s for each 1000";
const EACH: &str = "for each";
const BESIDE_LOOKS: &str = "for each, beside one look a second at the store";

/// What waits for nobody but the issuer takes as long as its answers; the rest is ours.
const OF_ITS_ANSWERS: f64 = 1.15;
const BESIDE_THE_CORE: &str =
    "times the answers it needs, beside what it takes where they take no time";

impl Budget {
    /// What it may be, as the tables say it.
    pub(super) fn target(self) -> String {
        format!("at most {} {}", number(self.most), self.unit)
    }
}

fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Which budgets were missed.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    judged: usize,
    missed: Vec<String>,
}

impl Verdict {
    /// Judges one figure, of this case.
    pub(super) fn judge(&mut self, budget: Budget, case: &str, measured: f64) {
        self.judged = self.judged.saturating_add(1);
        // What is no number was not measured, and keeps nothing.
        if measured.is_nan() || measured > budget.most {
            let Budget { what, unit, .. } = budget;
            let (is, may) = (number(measured), number(budget.most));
            self.missed
                .push(format!("{what}{case}: {is} {unit}, and at most {may}"));
        }
    }

    /// Judges all figures of one case.
    pub(super) fn judge_all(
        &mut self,
        case: &str,
        figures: impl IntoIterator<Item = (Budget, f64)>,
    ) {
        for (budget, measured) in figures {
            self.judge(budget, case, measured);
        }
    }

    pub(super) fn is_kept(&self) -> bool {
        self.missed.is_empty()
    }

    /// What is to be told: of each that was missed, or that none was.
    pub(super) fn lines(&self) -> Vec<String> {
        let missed = self.missed.iter().map(|missed| format!("missed: {missed}"));
        let kept = (self.judged > 0 && self.is_kept())
            .then(|| format!("all {} budgets are kept", self.judged));
        missed.chain(kept).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::Path;

    use super::*;

    const ALL: [Budget; 30] = [
        START,
        START_BESIDE,
        SIZE,
        SIZE_BESIDE,
        SCHEMA,
        HELD,
        LISTS,
        CREATE,
        ROTATE,
        DESTROY,
        WORK,
        EMPTY,
        KEPT,
        KEPT_MANY,
        MINT_TIME,
        MINT_WORK,
        MINT_REQUESTS,
        ROTATION_TIME,
        ROTATION_WORK,
        ROTATION_REQUESTS,
        DELETION_TIME,
        DELETION_REQUESTS,
        RESTART_REQUESTS,
        QUIET_REQUESTS,
        MINTS,
        NO_MINTS,
        WORK_BESIDE,
        REQUESTS_BESIDE,
        SIZE_BESIDE_OPERATOR,
        RENEWAL,
    ];

    /// The table of the page.
    fn table() -> String {
        let mut text = "| figure | at most |\n|---|---|\n".to_owned();
        for Budget { what, most, unit } in ALL {
            let _ = writeln!(text, "| {what} | {} {unit} |", number(most));
        }
        text
    }

    #[test]
    fn the_page_of_figures_has_the_budgets_that_are_judged() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/figures.md");
        let text = std::fs::read_to_string(page).unwrap();
        let table = table();
        assert!(text.contains(&table), "docs/figures.md lacks:\n{table}");
    }

    #[test]
    fn a_budget_that_is_missed_or_was_not_measured_is_told_by_name_and_no_other() {
        let mut verdict = Verdict::default();
        verdict.judge(START, "", 4.9);
        verdict.judge(LISTS, ", 1000 tokens", 1.1);
        verdict.judge(HELD, "", f64::NAN);
        assert_eq!(
            verdict.lines(),
            [
                "missed: provider: lists of a refresh, 1000 tokens: 1.1 for each page, and at most 1",
                "missed: provider: held at most, whatever it does: NaN MB, and at most 30",
            ]
        );
        assert!(!verdict.is_kept());
        let mut kept = Verdict::default();
        kept.judge(SCHEMA, "", 2.0);
        assert_eq!(kept.lines(), ["all 1 budgets are kept"]);
    }
}
