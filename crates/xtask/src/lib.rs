//! What the development commands are made of: the tools that tests need, and progress on a terminal.
//!
//! It is a library beside the `xtask` binary so that the testbed finds tools by the same order and
//! the same versions. It knows nothing of tokens, and it stays small: it is built before anything
//! else can be.

pub mod progress;
pub mod tools;
