//! What the audience sees: one line per step, with the seconds since the curtain rose.

use std::io::{IsTerminal, Write};
use std::time::Instant;

/// The terminal.
#[derive(Debug)]
pub(super) struct Stage {
    begun: Instant,
    colour: bool,
}

impl Stage {
    pub(super) fn begin() -> Self {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self {
            begun: Instant::now(),
            colour,
        }
    }

    /// A heading.
    pub(super) fn act(&self, title: &str) {
        self.line("");
        self.line(&self.paint("1", title));
    }

    /// A claim that was checked.
    pub(super) fn done(&self, sentence: &str) {
        self.step(&self.paint("32", "✓"), sentence);
    }

    /// Something that is under way and takes a while.
    pub(super) fn doing(&self, sentence: &str) {
        self.step(&self.paint("36", "…"), sentence);
    }

    /// Something that this machine cannot show.
    pub(super) fn skipped(&self, sentence: &str) {
        self.step(&self.paint("33", "–"), sentence);
    }

    /// A check that failed.
    pub(super) fn failed(&self, error: &anyhow::Error) {
        self.step(&self.paint("31", "✗"), &format!("{error:#}"));
    }

    /// A line as it is.
    pub(super) fn line(&self, text: &str) {
        // A closed terminal must not end the demo before it has cleaned up.
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }

    fn step(&self, mark: &str, sentence: &str) {
        self.line(&format!(
            "{:>6.1} s {mark} {sentence}",
            self.begun.elapsed().as_secs_f64()
        ));
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}
