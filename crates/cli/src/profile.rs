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
    let profile = Profile::parse(&read(path)?);
    Ok(Arc::new(
        profile.with_context(|| path.display().to_string())?,
    ))
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
