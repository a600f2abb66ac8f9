//! Every line of every built-in profile is held by something: by the loader or by an example.
//!
//! Each test takes one thing out of a profile, or writes another in its place, and expects that the rest
//! notices. What nobody can notice stands in `survivors`, with the reason.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};
use tokenwright_client::Profile;
use tokenwright_client::profile::examples::{Examples, replay};
use tokenwright_client::profile::{builtin_files, builtins};

mod expressions;
mod mutants;
mod survivors;

use survivors::{EVERYWHERE, HERE, matches};

/// YAML as profiles are read: a token may be called `n`.
fn read(text: &str) -> Json {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).unwrap()
}

/// The examples of a profile, each alone, so that the first that fails ends the matter.
fn examples(name: &str) -> Vec<Examples> {
    let all = read(builtin_files(name).unwrap().1);
    let all = all["examples"].as_array().unwrap().iter();
    let alone = all.map(|one| Examples::parse(&json!({"examples": [one]}).to_string()));
    alone.collect::<Result<_, _>>().unwrap()
}

fn parse(file: &Json) -> Option<Arc<Profile>> {
    Profile::parse(&file.to_string()).ok().map(Arc::new)
}

/// All changes of a profile, and whether something noticed each.
fn changes(name: &str) -> BTreeMap<String, bool> {
    let file = read(builtin_files(name).unwrap().0);
    let mut examples = examples(name);
    let holds = |profile: &Arc<Profile>, one: &Examples| replay(profile, one).is_empty();
    let whole = parse(&file).unwrap();
    let good = examples.iter().all(|one| holds(&whole, one));
    assert!(good, "{name} is not as its examples say");
    let mut changes = BTreeMap::new();
    for mutant in mutants::of(&file) {
        let profile = parse(&mutant.file);
        let noticed = profile.is_none_or(|profile| {
            let at = examples.iter().position(|one| !holds(&profile, one));
            if let Some(at) = at {
                // Its neighbours in the file are likely noticed by the same.
                examples[..=at].rotate_right(1);
            }
            at.is_some()
        });
        changes.insert(mutant.to_string(), noticed);
    }
    changes
}

/// What nothing notices although it should, and what is noticed although it is said that nothing does.
fn unheld(name: &str) -> Vec<String> {
    let changes = changes(name);
    let here = HERE.iter().filter(|survivor| survivor.profile == name);
    let here: Vec<_> = here.collect();
    let everywhere = |change: &str| EVERYWHERE.iter().any(|s| matches(s.change, change));
    let known = |change: &str| here.iter().any(|s| matches(s.change, change));
    let few = (changes.len() < 20).then(|| format!("{name} has only {} lines", changes.len()));
    let wrong = changes
        .iter()
        .filter_map(|(change, noticed)| match noticed {
            false if !everywhere(change) && !known(change) => {
                Some(format!("{name}: nothing notices that {change}"))
            }
            true if everywhere(change) => Some(format!("{name}: it is noticed that {change}")),
            false | true => None,
        });
    let stale = here.iter().filter(|survivor| {
        let survives =
            |(change, noticed): (&String, &bool)| !noticed && matches(survivor.change, change);
        !changes.iter().any(survives)
    });
    let stale = stale.map(|survivor| format!("{name}: it is noticed that {}", survivor.change));
    few.into_iter().chain(wrong).chain(stale).collect()
}

#[test]
fn every_line_of_every_profile_is_held() {
    let left = Mutex::new(builtins());
    let problems = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(name) = { left.lock().unwrap().next() } {
                    let found = unheld(name);
                    problems.lock().unwrap().extend(found);
                }
            });
        }
    });
    let problems = problems.into_inner().unwrap();
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn whatever_is_left_alone_has_a_reason_and_a_profile() {
    let known: Vec<_> = builtins().collect();
    assert!(
        HERE.iter()
            .all(|s| known.contains(&s.profile) && !s.reason.is_empty())
    );
    assert!(EVERYWHERE.iter().all(|s| !s.reason.is_empty()));
}
