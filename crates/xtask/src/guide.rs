//! A page of the documentation, followed to the letter: its commands are run, its files are written.
//!
//! A block of `console` is run; a block whose first line is a comment with a file's name is written there, and
//! a `diff` with such a line changes that file. What stands below `<!-- printed -->` must be in what the block
//! before has printed, line after line; `…` stands for whatever is there.
//!
//! What a machine cannot do by itself stands below a comment that says why, which no reader sees:
//! `<!-- elsewhere: needs Docker -->`; what takes minutes below `<!-- long -->`, and what needs a cluster that
//! `kubectl` reaches below `<!-- cluster -->`.

mod follow;
mod page;
mod seen;
mod terminal;

pub use follow::{Took, follow};
pub use page::{Action, Block, Page, When};
pub use terminal::Folder;
