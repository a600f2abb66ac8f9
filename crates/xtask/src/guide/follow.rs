//! Acts on the blocks of a page, one after the other, as a person at a terminal does.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::page::{Action, Block, Page, When};
use super::terminal::{Folder, Terminal};

/// A block, and how long it took; nothing where it was left out.
#[derive(Debug)]
pub struct Took {
    /// The block.
    pub block: Block,
    /// How long.
    pub time: Option<Duration>,
    /// How much of that its programs worked, on all processors together: the figure that a busy machine
    /// does not change. Nothing where the system does not tell; what is left in the background is not in it.
    pub worked: Option<Duration>,
}

/// Follows a page to its end, and tells each block once it is behind.
///
/// # Errors
///
/// At the first block that fails; the error has its line and what was printed.
pub fn follow(page: &Page, folder: &Folder, mut tell: impl FnMut(&Took)) -> Result<Vec<Took>> {
    let mut terminal = Terminal::open(folder)?;
    let mut place = folder.start.clone();
    let mut took = Vec::new();
    for block in &page.0 {
        let acted = match &block.when {
            When::Always => true,
            When::Long => folder.long,
            When::Cluster => folder.cluster,
            When::Elsewhere(_) => false,
        };
        let (started, before) = (Instant::now(), terminal.processors());
        if acted {
            act(block, folder, &mut terminal, &mut place)
                .with_context(|| format!("{:?}, line {}", block.heading, block.line))?;
        }
        let after = terminal.processors();
        let worked = after.zip(before);
        let worked = worked.map(|(after, before)| after.saturating_sub(before));
        let behind = Took {
            block: block.clone(),
            time: acted.then(|| started.elapsed()),
            worked: worked.filter(|_| acted),
        };
        tell(&behind);
        took.push(behind);
    }
    Ok(took)
}

fn act(block: &Block, folder: &Folder, terminal: &mut Terminal, place: &mut PathBuf) -> Result<()> {
    let here = |text: &str| {
        let pairs = folder.stands_for.iter();
        pairs.fold(text.to_owned(), |text, (theirs, ours)| {
            text.replace(theirs, ours)
        })
    };
    match &block.action {
        Action::Save(name, text) => {
            let path = match name.strip_prefix("~/") {
                Some(below) => folder.home.join(below),
                None => place.join(name),
            };
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)
                    .with_context(|| format!("cannot make {}", folder.display()))?;
            }
            fs::write(&path, here(text)).with_context(|| format!("cannot write {}", path.display()))
        }
        Action::Type(text) => {
            *place = terminal.type_in(&here(text))?;
            Ok(())
        }
    }
}
