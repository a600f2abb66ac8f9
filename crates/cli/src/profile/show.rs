//! `profile show`: a built-in profile as it was written.

use tokenwright_client::profile;

use super::unknown;
use crate::arguments::Show;
use crate::exit::Exit;
use crate::output::print;

/// Prints the file or the examples, to the byte.
pub(crate) fn run(show: &Show) -> anyhow::Result<Exit> {
    let files = profile::builtin_files(&show.name);
    let (text, examples) = files.ok_or_else(|| unknown(&show.name))?;
    print(if show.examples { examples } else { text });
    Ok(Exit::Done)
}
