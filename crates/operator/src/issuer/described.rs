//! `TokenProfile`s: token systems that an administrator describes, read, and told where they are wrong.
//!
//! The watch tells each before an issuer is looked at. Nothing is minted because one changes: the issuers
//! that name it are made anew, and go on with the tokens that there are.

use std::collections::HashMap;
use std::sync::Arc;

use kube::ResourceExt as _;
use kube::runtime::controller::Action as Next;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokenwright_api::names::{condition, reason};
use tokenwright_api::{TokenProfile, TokenProfileStatus};
use tokenwright_client::Profile;

use crate::cluster::calls::CallError;
use crate::cluster::conditions::{Fact, Trouble, reconciling, stalled, updated};
use crate::cluster::context::Context;
use crate::issuer::obstacle::Obstacle;

/// The key of a profile that says its name.
const NAME: &str = "profile";

/// A missing key is told at the first one beside it.
const MISSING: &str = "missing field";

/// A `TokenProfile` at one generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    uid: Option<String>,
    generation: Option<i64>,
}

/// All that are there, by name.
#[derive(Debug, Default)]
pub(crate) struct Described(Mutex<HashMap<String, Known>>);

#[derive(Debug)]
struct Known {
    version: Version,
    profile: Result<Arc<Profile>, String>,
}

impl Described {
    /// One is there, in this form; whether that is new.
    pub(crate) fn there(&self, object: &TokenProfile) -> bool {
        let (name, version) = (object.name_any(), Version::of(object));
        if self.version(&name).as_ref() == Some(&version) {
            return false;
        }
        let profile = read(&name, &object.spec.0).map(Arc::new);
        self.0.lock().insert(name, Known { version, profile });
        true
    }

    /// One is gone.
    pub(crate) fn gone(&self, name: &str) {
        self.0.lock().remove(name);
    }

    /// Which version of one is there.
    pub(crate) fn version(&self, name: &str) -> Option<Version> {
        self.0.lock().get(name).map(|known| known.version.clone())
    }

    /// One that can be used, or why it cannot.
    pub(crate) fn get(&self, name: &str) -> Result<Arc<Profile>, Obstacle> {
        match self.0.lock().get(name) {
            None => Err(Obstacle::stalled(
                reason::UNKNOWN_PROFILE,
                format!(
                    "spec.profileRef: there is no TokenProfile {name}, or this operator is limited to namespaces and reads none"
                ),
            )),
            Some(known) => known.profile.clone().map_err(|problem| {
                let message = format!("The TokenProfile {name} cannot be used: {problem}");
                Obstacle::stalled(reason::INVALID_PROFILE, message)
            }),
        }
    }
}

impl Version {
    fn of(object: &TokenProfile) -> Self {
        Self {
            uid: object.uid(),
            generation: object.metadata.generation,
        }
    }
}

/// Says in the conditions of a `TokenProfile` whether it can be used: the watch told it before.
pub(crate) async fn say(
    context: &Context,
    described: &Described,
    object: &TokenProfile,
) -> Result<Next, CallError> {
    let facts = match described.get(&object.name_any()) {
        Ok(_) => {
            let sentence = "The profile can be used.";
            let ready = Fact::new(condition::READY, true, reason::READY, sentence);
            [ready, reconciling(None), stalled(None)]
        }
        Err(Obstacle {
            reason, message, ..
        }) => {
            let ready = Fact::new(condition::READY, false, reason, message.clone());
            let why = Trouble::new(reason, message);
            [ready, reconciling(None), stalled(Some(why))]
        }
    };
    let before = object.status.clone().unwrap_or_default();
    let generation = object.metadata.generation.unwrap_or_default();
    let status = TokenProfileStatus {
        observed_generation: Some(generation),
        conditions: updated(&before.conditions, &facts, generation, context.clock.now()),
    };
    if status != before {
        let mut next = object.clone();
        next.status = Some(status);
        context.calls.write_status(next).await?;
    }
    Ok(Next::await_change())
}

/// Reads what the loader of profiles reads, and tells the key at fault.
fn read(name: &str, spec: &Map<String, Value>) -> Result<Profile, String> {
    let mut spec = spec.clone();
    let said = spec.entry(NAME).or_insert_with(|| json!(name));
    if said.as_str() != Some(name) {
        return Err(format!(
            "spec.{NAME}: must be the name of the object, {name:?}, or absent"
        ));
    }
    // Every key stands on a line of its own, so that a line tells a key.
    let text = format!("{:#}", Value::Object(spec));
    Profile::parse(&text).map_err(|error| {
        let cause = std::error::Error::source(&error);
        let cause = cause.map_or_else(|| error.to_string(), ToString::to_string);
        let mut path = vec!["spec".to_owned()];
        path.extend(
            error
                .line()
                .map(|line| path_at(&text, line))
                .unwrap_or_default(),
        );
        if cause.starts_with(MISSING) && path.len() > 1 {
            path.pop();
        }
        format!("{}: {cause}", path.join("."))
    })
}

/// The key that a line of indented JSON is about, with those around it.
fn path_at(text: &str, line: usize) -> Vec<String> {
    let indent = |line: &str| line.len().saturating_sub(line.trim_start().len());
    let lines: Vec<_> = text.lines().take(line).collect();
    let mut depth = usize::MAX;
    let mut path = Vec::new();
    for line in lines.into_iter().rev() {
        if indent(line) >= depth {
            continue;
        }
        depth = indent(line);
        if let Some((key, _)) = key_of(line) {
            path.push(key);
        }
    }
    path.reverse();
    path
}

fn key_of(line: &str) -> Option<(String, &str)> {
    let (key, rest) = line.trim_start().strip_prefix('"')?.split_once("\": ")?;
    (!key.contains('"')).then(|| (key.to_owned(), rest))
}

#[cfg(test)]
mod tests {
    use tokenwright_client::profile::{builtin_files, builtins};

    use super::*;

    fn spec(yaml: &str) -> Map<String, Value> {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn every_profile_that_is_built_in_can_be_the_specification_of_a_token_profile() {
        for name in builtins() {
            let (text, _) = builtin_files(name).unwrap();
            assert_eq!(read(name, &spec(text)).unwrap().name(), name);
        }
    }

    #[test]
    fn the_example_can_be_used() {
        let example = include_str!("../../../../examples/kubernetes/token-profile.yaml");
        let documents: Vec<Value> = serde_saphyr::from_multiple(example).unwrap();
        let spec = documents[0]["spec"].as_object().unwrap();
        assert!(read("parcel", spec).unwrap().mints());
    }

    #[test]
    fn a_profile_without_a_name_has_that_of_the_object_and_another_is_refused() {
        let (text, _) = builtin_files("devpi").unwrap();
        let mut spec = spec(text);
        spec.remove("profile");
        assert_eq!(read("ours", &spec).unwrap().name(), "ours");
        spec.insert("profile".to_owned(), json!("theirs"));
        assert_eq!(
            read("ours", &spec).unwrap_err(),
            "spec.profile: must be the name of the object, \"ours\", or absent"
        );
    }

    #[test]
    fn what_is_wrong_is_told_at_its_key() {
        let (text, _) = builtin_files("gitea").unwrap();
        let faults = [
            ("mint", "unknwon", json!(1), "spec.mint"),
            ("token", "id", json!("item.id |"), "spec.token.id"),
            ("token", "name", json!(["a"]), "spec.token.name"),
        ];
        for (part, key, value, path) in faults {
            let mut spec = spec(text);
            spec[part][key] = value;
            let problem = read("gitea", &spec).unwrap_err();
            assert!(problem.starts_with(path), "{problem}");
        }
        let problem = read("gitea", &Map::new()).unwrap_err();
        assert!(problem.starts_with("spec: "), "{problem}");
    }

    #[test]
    fn a_line_of_indented_json_is_about_the_key_in_it_and_those_around() {
        let text = format!(
            "{:#}",
            json!({ "a": { "b": ["x: y", { "c": "d\": e" }], "f": 1 } })
        );
        let paths: Vec<_> = (1..=text.lines().count())
            .map(|line| path_at(&text, line).join("."))
            .collect();
        let wanted = [
            "", "a", "a.b", "a.b", "a.b", "a.b.c", "a.b", "a", "a.f", "", "",
        ];
        assert_eq!(paths, wanted);
    }
}
