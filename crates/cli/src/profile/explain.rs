//! `profile explain`: what will be done for each operation of a profile, in sentences.

use std::path::Path;

use anyhow::anyhow;
use tokenwright_client::profile::builtin_files;
use tokenwright_client::profile::explain::explain;

use super::{is_path, placed, read, unknown};
use crate::arguments::Explain;
use crate::exit::Exit;
use crate::output::print;

/// Prints them, each operation under its name.
pub(crate) fn run(asked: &Explain) -> anyhow::Result<Exit> {
    let text = match builtin_files(&asked.profile) {
        Some((text, _)) => text.to_owned(),
        None if is_path(&asked.profile) => read(Path::new(&asked.profile))?,
        None => return Err(unknown(&asked.profile)),
    };
    let told = explain(&text).map_err(|e| anyhow!("{}: {}", asked.profile, placed(&e, &text)))?;
    for one in told {
        let sentences = one.sentences.iter().map(|s| format!("  {s}\n"));
        print(&format!("{}\n{}", one.what, sentences.collect::<String>()));
    }
    Ok(Exit::Done)
}
