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

/// What waits for nobody but the issuer takes as long as its answers; the rest is ours.
const OF_ITS_ANSWERS: f64 = 1.15;
const BESIDE_THE_CORE: &str = "times the answers it needs, and what the core itself works";

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
        if measured > budget.most {
            let Budget { what, unit, .. } = budget;
            let (is, may) = (number(measured), number(budget.most));
            self.missed
                .push(format!("{what}{case}: {is} {unit}, and at most {may}"));
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

    const ALL: [Budget; 10] = [
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
    fn a_budget_that_is_missed_is_told_by_name_and_no_other() {
        let mut verdict = Verdict::default();
        verdict.judge(START, "", 4.9);
        verdict.judge(LISTS, ", 1000 tokens", 1.1);
        verdict.judge(HELD, "", f64::NAN);
        assert_eq!(
            verdict.lines(),
            ["missed: provider: lists of a refresh, 1000 tokens: 1.1 for each page, and at most 1"]
        );
        assert!(!verdict.is_kept());
        let mut kept = Verdict::default();
        kept.judge(SCHEMA, "", 2.0);
        assert_eq!(kept.lines(), ["all 1 budgets are kept"]);
    }
}
