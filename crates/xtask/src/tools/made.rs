//! What comes of building a tool, whatever it is built with.

use std::path::PathBuf;

/// What building a tool has made inside its workshop.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) executable: PathBuf,
    /// What it needs beside it.
    pub(super) beside: Vec<PathBuf>,
}

impl Made {
    /// A program that needs nothing else.
    pub(super) fn program(executable: PathBuf) -> Self {
        Self {
            executable,
            beside: Vec::new(),
        }
    }
}
