//! Whether a page shows what its commands print.

/// What stands on a page for whatever is there.
const ANYTHING: char = '…';

/// The first line of a page that is not among what was printed after the line before it.
pub(super) fn missing<'a>(shown: &'a str, printed: &str) -> Option<&'a str> {
    let mut printed = printed.lines().map(str::trim);
    let shown = shown.lines().map(str::trim);
    let mut told = shown.filter(|line| !line.is_empty() && !line.chars().eq([ANYTHING]));
    told.find(|line| !printed.any(|there| is_like(line, there).is_some()))
}

fn is_like(shown: &str, there: &str) -> Option<()> {
    let parts: Vec<&str> = shown.split(ANYTHING).collect();
    let [first, between @ .., last] = parts.as_slice() else {
        return (shown == there).then_some(());
    };
    let mut rest = there.strip_prefix(first)?;
    for part in between {
        (_, rest) = rest.split_once(part)?;
    }
    rest.ends_with(last).then_some(())
}

#[cfg(test)]
mod tests {
    use super::missing;

    #[test]
    fn each_line_of_a_page_is_looked_for_after_the_one_before() {
        let printed = "Plan: 1 to add\n\n  + id = \"a1\" -> \"b2\"\nDone.\n";
        for all_there in [
            "Plan: 1 to add\n…\nDone.",
            "+ id = … -> \"b2\"",
            "Plan: …",
            "…\n+ id = \"…\" -> \"…\"\n\nDone.",
        ] {
            assert_eq!(missing(all_there, printed), None, "{all_there}");
        }
        for (shown, line) in [
            ("Done.\nPlan: 1 to add", "Plan: 1 to add"),
            ("Plan: 2 …", "Plan: 2 …"),
            ("Plan: 1", "Plan: 1"),
            ("+ id = … -> \"c3\"", "+ id = … -> \"c3\""),
            ("Done.\nDone.", "Done."),
        ] {
            assert_eq!(missing(shown, printed), Some(line), "{shown}");
        }
    }
}
