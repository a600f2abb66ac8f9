//! What is known of token systems without asking anybody: the built-in profiles and files.

pub(crate) mod check;
pub(crate) mod explain;
pub(crate) mod list;
pub(crate) mod new;
pub(crate) mod show;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use tokenwright_client::profile::{self, InvalidProfile, Profile};

use crate::output::chain;

/// A built-in profile by its name, or one from a file.
pub(crate) fn find(word: &str) -> anyhow::Result<Arc<Profile>> {
    if let Some(built_in) = profile::builtin(word) {
        return Ok(built_in);
    }
    if !is_path(word) {
        return Err(unknown(word));
    }
    let path = Path::new(word);
    let text = read(path)?;
    let profile = Profile::parse(&text)
        .map_err(|error| anyhow!("{}: {}", path.display(), placed(&error, &text)))?;
    Ok(Arc::new(profile))
}

/// The same, where a folder of one's own holds `NAME.yaml` for further names.
pub(crate) fn find_in(word: &str, folder: Option<&Path>) -> anyhow::Result<Arc<Profile>> {
    let own = folder.map(|folder| folder.join(format!("{word}.yaml")));
    let own = own.filter(|own| own.is_file());
    match (own, profile::builtin(word)) {
        // A name says where a credential is sent: it must mean one thing.
        (Some(own), Some(_)) => Err(anyhow!(
            "{word:?} is a built-in profile, and {} has the same name: name the one by its path, or rename it",
            own.display()
        )),
        (Some(own), None) => find(&own.to_string_lossy()),
        (None, _) => find(word),
    }
}

/// Why there is no built-in profile of this name.
fn unknown(name: &str) -> anyhow::Error {
    let near = nearest(profile::builtins(), |known| {
        strsim::jaro_winkler(known, name)
    });
    let meant = near.map(|known| format!("did you mean {known:?}? "));
    anyhow!(
        "no built-in profile is named {name:?}: {}`tokenwright profile list` shows which there are",
        meant.unwrap_or_default()
    )
}

/// From here on a name is taken for a slip of the pen: as alike as "seme" and "seeme".
const ALIKE: f64 = 0.85;

/// The name that is meant, where one is much like what somebody wrote.
pub(crate) fn nearest<'a>(
    names: impl IntoIterator<Item = &'a str>,
    likeness: impl Fn(&str) -> f64,
) -> Option<&'a str> {
    let judged = names.into_iter().map(|name| (name, likeness(name)));
    let near = judged.filter(|(_, likeness)| *likeness > ALIKE);
    let nearest = near.max_by(|(_, one), (_, other)| one.total_cmp(other));
    nearest.map(|(name, _)| name)
}

/// Whether a word is meant as the path of a file.
fn is_path(word: &str) -> bool {
    let path = Path::new(word);
    path.components().count() > 1 || path.extension().is_some() || path.exists()
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

/// What is wrong with a profile, and the place in its text.
fn placed(error: &InvalidProfile, text: &str) -> String {
    let message = chain(error);
    let place = error.line().zip(error.column());
    let shown = place.and_then(|(number, column)| {
        let line = text.lines().nth(number.checked_sub(1)?)?;
        let mark = format!("{:>column$}", '^');
        Some(format!("{number:>6} | {line}\n       | {mark}"))
    });
    match shown {
        Some(shown) => format!("{message}\n{shown}"),
        None => message,
    }
}
