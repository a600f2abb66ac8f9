//! Acts on the blocks of a page, one after the other, as a person at a terminal does.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::page::{Action, Block, Page, When};
use super::seen::missing;
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
    let mut acted = true;
    for block in &page.0 {
        acted = match &block.when {
            // Where nothing was typed, nothing was printed.
            When::Always if matches!(block.action, Action::See(_)) => acted,
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
    let at = |name: &str| match name.strip_prefix("~/") {
        Some(below) => folder.home.join(below),
        None => place.join(name),
    };
    match &block.action {
        Action::Save(name, text) => {
            let path = at(name);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)
                    .with_context(|| format!("cannot make {}", folder.display()))?;
            }
            fs::write(&path, here(text)).with_context(|| format!("cannot write {}", path.display()))
        }
        Action::Change(name, before, after) => {
            let path = at(name);
            let text = fs::read_to_string(&path);
            let text = text.with_context(|| format!("cannot read {}", path.display()))?;
            let (before, after) = (here(before), here(after));
            let found = text.matches(&before).count();
            ensure!(found == 1, "{name} has {found} times:\n{before}");
            fs::write(&path, text.replace(&before, &after))
                .with_context(|| format!("cannot write {}", path.display()))
        }
        Action::See(text) => {
            let printed = terminal.printed()?;
            match missing(&here(text), &printed) {
                Some(line) => bail!("nothing printed {line:?} here:\n{printed}"),
                None => Ok(()),
            }
        }
        Action::Type(text) => {
            *place = terminal.type_in(&here(text))?;
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Folder, Page, follow};

    /// Follows blocks after a file and a command that prints it.
    fn after_a_file(blocks: &str) -> Result<(), String> {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder {
            home: home.path().to_owned(),
            start: home.path().to_owned(),
            variables: Vec::new(),
            stands_for: vec![("NAME".to_owned(), "ci".to_owned())],
            long: false,
            cluster: false,
        };
        let begun = "```hcl\n# a.tf\nx = \"NAME\"\ny = 2\n```\n```console\ncat a.tf\n```\n";
        let page = Page::read(&format!("{begun}{blocks}"));
        let followed = follow(&page, &folder, |_| {});
        followed.map(drop).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn what_a_page_shows_and_changes_must_be_there() {
        let seen = "<!-- printed -->\n```text\nx = \"NAME\"\ny = …\n```\n";
        after_a_file(seen).unwrap();
        let unseen = after_a_file("<!-- printed -->\n```text\ny = 3\n```\n").unwrap_err();
        assert!(unseen.contains("nothing printed \"y = 3\""), "{unseen}");

        let changed = "```diff\n# a.tf\n x = \"NAME\"\n-y = 2\n+y = 3\n```\n";
        let shown = "```console\ncat a.tf\n```\n<!-- printed -->\n```text\ny = 3\n```\n";
        after_a_file(&format!("{changed}{shown}")).unwrap();
        let other = "```diff\n# a.tf\n-y = 4\n+y = 3\n```\n";
        let unchanged = after_a_file(other).unwrap_err();
        assert!(unchanged.contains("has 0 times"), "{unchanged}");

        // Nothing was typed, so that nothing was printed.
        let elsewhere = "<!-- elsewhere: needs an account -->\n```console\nfalse\n```\n";
        after_a_file(&format!("{elsewhere}<!-- printed -->\n```text\nz\n```\n")).unwrap();
    }
}
