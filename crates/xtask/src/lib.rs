//! What the development commands are made of: the tools that tests need, the packing of releases and
//! images, and progress on a terminal.
//!
//! It is a library beside the `xtask` binary so that the testbed finds tools by the same order and
//! the same versions, and tests pack what a release packs. It knows nothing of tokens, and it stays
//! small: it is built before anything else can be.

pub mod archive;
pub mod book;
pub mod dist;
pub mod files;
pub mod guide;
pub mod image;
pub mod progress;
pub mod tools;
