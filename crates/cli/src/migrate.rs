//! `migrate`: what a person writes and does to move tokens here from something else. It changes nothing.
//!
//! `peers` knows the resources of other Terraform providers, and `terraform` writes ours in their place.
//! `place` writes our objects in the place of another, which `cluster` reads of External Secrets and `vault`
//! of the Vault Secrets Operator. Of a file only what they name is read: no value ever is.

mod cluster;
mod peers;
mod place;
mod terraform;
mod vault;

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::Value;
use tokenwright_client::profile;
use tokenwright_core::duration;

use crate::arguments::Migrate;
use crate::exit::Exit;
use crate::output::{complain, print};

/// What a file is to be.
const GIVE: &str = "give what `terraform state pull` or `kubectl get -o yaml` prints";

/// What one source gives.
#[derive(Debug, Default, PartialEq, Eq)]
struct Moved {
    /// What a person writes, and what stands between it: a file that its program reads as it is.
    text: String,
    /// How many tokens have a place in it.
    moved: usize,
    /// What has none, and what a person does about it.
    left: Vec<String>,
}

/// Prints it.
pub(crate) fn run(asked: &Migrate) -> anyhow::Result<Exit> {
    let mut states = Vec::new();
    let mut objects = Vec::new();
    for file in &asked.files {
        let text = read(file)?;
        match source(&text).with_context(|| file.display().to_string())? {
            Source::State(state) => states.push(state),
            Source::Objects(found) => objects.extend(found),
        }
    }
    let mut left = Vec::new();
    let mut moved = 0_usize;
    for one in [
        terraform::moved(&states),
        cluster::moved(&objects)?,
        vault::moved(&objects)?,
    ] {
        print(&one.text);
        moved = moved.saturating_add(one.moved);
        left.extend(one.left);
    }
    for line in &left {
        complain(&format!("left: {line}"));
    }
    complain(&match moved {
        0 => "nothing here can be moved: `tokenwright profile list` shows the token systems that are known".to_owned(),
        1 => "1 token can be moved; nothing was changed".to_owned(),
        several => format!("{several} tokens can be moved; nothing was changed"),
    });
    Ok(match moved > 0 && left.is_empty() {
        true => Exit::Done,
        false => Exit::Failed,
    })
}

/// What a file is.
enum Source {
    State(Value),
    Objects(Vec<Value>),
}

fn source(text: &str) -> anyhow::Result<Source> {
    // What a parser says could quote a value.
    let Ok(documents) = serde_saphyr::from_multiple::<Value>(text) else {
        bail!("is neither a Terraform state nor YAML: {GIVE}");
    };
    if let [state] = &documents[..]
        && state.get("resources").is_some_and(Value::is_array)
    {
        return Ok(Source::State(state.clone()));
    }
    let mut objects = Vec::new();
    for document in documents {
        match document.get("items").and_then(Value::as_array) {
            Some(items) => objects.extend(items.clone()),
            None => objects.push(document),
        }
    }
    objects.retain(|object| object.get("kind").is_some_and(Value::is_string));
    match objects.is_empty() {
        true => bail!("holds no Terraform resources and no objects of a cluster: {GIVE}"),
        false => Ok(Source::Objects(objects)),
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    if path.as_os_str() != "-" {
        return std::fs::read_to_string(path)
            .with_context(|| format!("reading {}", path.display()));
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("reading standard input")?;
    Ok(text)
}

/// What a person writes over where nothing that was given tells it.
const FILL_IN: &str = "FILL-IN";

/// How long a token lives where the system lets us choose and nothing else was asked.
const LIFETIME: &str = "90d";

/// How long a token of a system lives, and when the next follows where it never ends.
#[derive(Debug, PartialEq, Eq)]
struct Life {
    lifetime: String,
    every: Option<&'static str>,
}

impl Life {
    /// As was wanted, where that is a duration, and no longer than the system takes.
    fn of(profile: &str, wanted: Option<&str>) -> Self {
        let limits = profile::builtin(profile).map(|profile| profile.limits().clone());
        if limits.as_ref().is_some_and(|limits| !limits.expiry) {
            return Self {
                lifetime: "never".to_owned(),
                every: Some(LIFETIME),
            };
        }
        let wanted = wanted.and_then(|text| duration::parse(text).ok());
        let wanted = wanted.or_else(|| duration::parse(LIFETIME).ok());
        let longest = limits.and_then(|limits| limits.lifetime_max);
        let lifetime = match (wanted, longest) {
            (Some(wanted), Some(longest)) => Some(wanted.min(longest)),
            (wanted, _) => wanted,
        };
        Self {
            lifetime: lifetime.map_or(LIFETIME.to_owned(), duration::format),
            every: None,
        }
    }
}

/// A text on one line of a comment.
fn told(text: &str) -> String {
    crate::output::tame(text)
}

#[cfg(test)]
mod tests;
