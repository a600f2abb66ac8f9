//! What a shell and `man` want to know of this program, made from its own arguments.

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::generate;

use crate::arguments::{CommandLine, Completion, Man, NAME};
use crate::exit::Exit;
use crate::output::print;

/// Prints the completions for a shell.
pub(crate) fn completion(wanted: &Completion) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    generate(wanted.shell, &mut CommandLine::command(), NAME, &mut script);
    print(&String::from_utf8(script).context("the completions are no text")?);
    Ok(Exit::Done)
}

/// Writes one page for the program and one for each of its commands.
pub(crate) fn man(wanted: &Man) -> anyhow::Result<Exit> {
    let folder = &wanted.folder;
    let failed = || format!("cannot write man pages into {}", folder.display());
    std::fs::create_dir_all(folder).with_context(failed)?;
    clap_mangen::generate_to(CommandLine::command(), folder).with_context(failed)?;
    Ok(Exit::Done)
}
