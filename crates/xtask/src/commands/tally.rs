//! Adds up what cargo's test harness reports, suite by suite.

/// Tests that ran, and tests that somebody kept from running.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) ignored: u64,
}

impl Tally {
    /// Takes one line of output; only a suite's closing line counts.
    ///
    /// Such a line may carry colours, so numbers are looked for by the word that follows them.
    pub(super) fn add(&mut self, line: &str) {
        if !line.starts_with("test result: ") {
            return;
        }
        let words: Vec<&str> = line
            .split([' ', ';'])
            .filter(|word| !word.is_empty())
            .collect();
        for pair in words.windows(2) {
            let [number, word] = pair else { continue };
            let Ok(number) = number.parse::<u64>() else {
                continue;
            };
            match *word {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

/// The names in what a test binary prints for `--list`.
pub(super) fn listed(output: &str) -> Vec<&str> {
    output
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_summed_and_other_lines_are_not() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 2 filtered out; finished in 0.00s",
            "test 5 passed; 5 failed ... ok",
            "test result: \u{1b}[31mFAILED\u{1b}[0m. 10 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out",
        ] {
            tally.add(line);
        }
        let expected = Tally {
            passed: 13,
            failed: 2,
            ignored: 1,
        };
        assert_eq!(tally, expected);
    }

    #[test]
    fn a_listing_names_tests_and_not_its_own_sum() {
        let output = "starts::round_trip: test\nrbac::refuses: test\n\n2 tests, 0 benchmarks\n";
        assert_eq!(listed(output), ["starts::round_trip", "rbac::refuses"]);
    }
}
