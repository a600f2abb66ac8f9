//! The credential: from the environment variables that the system's own users know, or from files.

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow, bail};
use tokenwright_client::profile::Way;
use tokenwright_client::{Profile, SecretText, SecretValue};

/// All parts, and in words where they came from.
pub(super) fn read(
    profile: &Profile,
    files: &[(String, String)],
) -> anyhow::Result<(SecretValue, String)> {
    let by_part: BTreeMap<&str, &str> = files
        .iter()
        .map(|(p, f)| (p.as_str(), f.as_str()))
        .collect();
    let parts = profile.credential();
    if let Some(unknown) = by_part.keys().find(|part| !parts.contains_key(**part)) {
        let known: Vec<_> = parts.keys().map(String::as_str).collect();
        bail!(
            "--credential-file: the credential has no part {unknown:?}; it has {}",
            known.join(", ")
        );
    }
    let mut value = Vec::new();
    let mut sources = Vec::new();
    let way = way(profile, &by_part)?;
    let parts = parts.iter().filter(|(part, _)| way.parts.contains(part));
    for (part, described) in parts {
        let (text, source) = match (by_part.get(part.as_str()), &described.env) {
            (Some(file), _) => (from_file(file)?, (*file).to_owned()),
            (None, Some(variable)) => (from_variable(part, variable)?, variable.clone()),
            (None, None) => {
                bail!("the credential has no part {part}: give --credential-file {part}=PATH")
            }
        };
        value.push((part.clone(), text));
        sources.push(source);
    }
    Ok((SecretValue::new(value), sources.join(", ")))
}

/// The way that the files are for, and that files and variables are enough for; else the first, so that what
/// is missing of it is told.
fn way<'p>(profile: &'p Profile, files: &BTreeMap<&str, &str>) -> anyhow::Result<Way<'p>> {
    let for_files = |way: &Way<'_>| {
        let mut files = files.keys();
        files.all(|part| way.parts.iter().any(|own| own == part))
    };
    let set = |part: &String| {
        let variable = profile.credential().get(part).and_then(|p| p.env.as_ref());
        let text = variable.and_then(|variable| std::env::var(variable).ok());
        files.contains_key(part.as_str()) || text.is_some_and(|text| !text.is_empty())
    };
    let ways: Vec<_> = profile.ways().filter(for_files).collect();
    let whole = ways.iter().find(|way| way.parts.iter().all(set));
    let way = whole.or(ways.first()).copied();
    way.context("--credential-file: no way to authenticate has all these parts")
}

fn from_file(path: &str) -> anyhow::Result<SecretText> {
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("reading {path} for the credential"))?;
    let text = SecretText::taken_in(&text);
    if text.is_empty() {
        bail!("reading {path} for the credential: it is empty");
    }
    Ok(text)
}

fn from_variable(part: &str, variable: &str) -> anyhow::Result<SecretText> {
    let text = std::env::var(variable).ok();
    let text = text.map(|text| SecretText::taken_in(&text));
    let text = text.filter(|text| !text.is_empty());
    let missing = || {
        anyhow!(
            "the credential has no part {part}: set {variable}, or give --credential-file {part}=PATH"
        )
    };
    text.ok_or_else(missing)
}
