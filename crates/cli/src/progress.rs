//! What a person at a terminal sees of long work: one line on standard error that goes when it is done.

use std::io::{IsTerminal as _, Write as _};

/// Work that is under way.
#[derive(Debug)]
pub(crate) struct Progress {
    doing: String,
    done: usize,
    /// Of how many; nothing where nobody knows.
    of: Option<usize>,
    shown: bool,
}

impl Progress {
    /// Work that nobody can count.
    pub(crate) fn at(doing: impl Into<String>) -> Self {
        Self::new(doing.into(), None)
    }

    /// Work of so many steps.
    pub(crate) fn of(doing: impl Into<String>, steps: usize) -> Self {
        Self::new(doing.into(), Some(steps))
    }

    fn new(doing: String, of: Option<usize>) -> Self {
        let progress = Self {
            doing,
            done: 0,
            of,
            // Pipes and files keep what is erased on a terminal.
            shown: std::io::stderr().is_terminal(),
        };
        progress.show();
        progress
    }

    /// The next step.
    pub(crate) fn step(&mut self) {
        self.done = self.done.saturating_add(1);
        self.show();
    }

    fn show(&self) {
        if self.shown {
            // Nobody is left to be told that nobody is left.
            let _ = write!(std::io::stderr().lock(), "\r\u{1b}[2K{}", self.line());
        }
    }

    fn line(&self) -> String {
        match self.of {
            Some(of) => format!("{} {} of {of} …", self.doing, self.done),
            None => format!("{} …", self.doing),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(std::io::stderr().lock(), "\r\u{1b}[2K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Progress;

    #[test]
    fn work_is_told_with_its_steps_where_somebody_can_count_them() {
        let mut counted = Progress::of("looking at ApiTokens", 3);
        counted.step();
        assert_eq!(counted.line(), "looking at ApiTokens 1 of 3 …");
        assert_eq!(Progress::at("listing").line(), "listing …");
    }
}
