//! What is known of token systems without asking anybody: the built-in profiles and files.

pub(crate) mod check;
pub(crate) mod list;
pub(crate) mod show;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use tokenwright_client::profile::{self, Profile};

/// A built-in profile by its name, or one from a file.
pub(crate) fn find(word: &str) -> anyhow::Result<Arc<Profile>> {
    if let Some(built_in) = profile::builtin(word) {
        return Ok(built_in);
    }
    let path = Path::new(word);
    let is_path = path.components().count() > 1 || path.extension().is_some() || path.exists();
    if !is_path {
        return Err(unknown(word));
    }
    let text = read(path)?;
    // Its message has its cause in it: a chain would say everything twice.
    let profile = Profile::parse(&text)
        .map_err(|error| anyhow!("{}: {}", path.display(), placed(&error.to_string(), &text)))?;
    Ok(Arc::new(profile))
}

/// Why there is no built-in profile of this name.
fn unknown(name: &str) -> anyhow::Error {
    let known: Vec<_> = profile::builtins().collect();
    anyhow!(
        "no built-in profile is named {name:?}: there are {}",
        known.join(", ")
    )
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

/// A message with the line that it names under it, unless it shows that already.
fn placed(message: &str, text: &str) -> String {
    let number = || {
        let (_, rest) = message.split_once("line ")?;
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse::<usize>().ok()
    };
    let line = number().and_then(|number| {
        let line = text.lines().nth(number.checked_sub(1)?)?;
        Some(format!("{number:>6} | {line}"))
    });
    match line {
        Some(line) if message.lines().count() == 1 => format!("{message}\n{line}"),
        Some(_) | None => message.to_owned(),
    }
}
