//! What is told of it: one line per step, with its mark and its time.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::time::Duration;

use crate::clock::Stopwatch;
use crate::output::{print, tame};

/// Where the lines go, and whether any of them was a failure.
pub(crate) struct Report {
    write: Box<dyn Fn(&str)>,
    failed: Cell<bool>,
    started: RefCell<Option<Stopwatch>>,
}

impl Report {
    /// A report to standard output.
    pub(crate) fn standard() -> Self {
        Self::to(print)
    }

    /// A report to whoever takes its lines.
    pub(crate) fn to(write: impl Fn(&str) + 'static) -> Self {
        Self {
            write: Box::new(write),
            failed: Cell::new(false),
            started: RefCell::new(None),
        }
    }

    /// Whether a step has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.get()
    }

    /// What comes before the steps, or between them.
    pub(crate) fn heading(&self, text: &str) {
        (self.write)(&format!("{}\n", tame(text)));
    }

    /// What happens meanwhile, within a step.
    pub(crate) fn note(&self, text: &str) {
        (self.write)(&format!("    {}\n", tame(text)));
    }

    /// A step begins.
    pub(crate) fn begin(&self) {
        self.started.replace(Some(Stopwatch::start()));
    }

    /// The step that began last did what it should.
    pub(crate) fn passed(&self, step: &str, what: &str) {
        self.line('✓', step, what);
    }

    /// The step that began last did not.
    pub(crate) fn failed(&self, step: &str, what: &str) {
        self.failed.set(true);
        self.line('✗', step, what);
    }

    /// A step that this system does not have.
    pub(crate) fn skipped(&self, step: &str, why: &str) {
        self.started.replace(None);
        self.line('–', step, why);
    }

    fn line(&self, mark: char, step: &str, what: &str) {
        let took = self.started.take().map(Stopwatch::elapsed);
        let mut line = format!(
            "{mark} {step:<14} {:>8}",
            took.map(milliseconds).unwrap_or_default()
        );
        // Writing to a string cannot fail.
        let _ = write!(line, "  {}", tame(what));
        (self.write)(&format!("{}\n", line.trim_end()));
    }
}

fn milliseconds(took: Duration) -> String {
    format!("{} ms", took.as_millis())
}
