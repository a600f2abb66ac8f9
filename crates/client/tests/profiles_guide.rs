//! The guide to profiles: its worked example passes, and its table is what the profiles say.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests; clippy knows only the test functions themselves"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value as Json;
use tokenwright_client::Profile;
use tokenwright_client::limits::{NameUnit, ScopesRule};
use tokenwright_client::profile::examples::{Examples, replay};
use tokenwright_client::profile::{Group, builtin, builtins};
use tokenwright_core::{Disable, LostAnswer, UpdateKind, duration, marker};

mod profiles_guide {
    pub(crate) mod told;
}

use profiles_guide::told::{AT_MOST, COMPARED, SEEN, TOLD};

const BEGIN: &str = "<!-- table -->\n";
const END: &str = "<!-- /table -->";

fn path() -> PathBuf {
    [
        env!("CARGO_MANIFEST_DIR"),
        "..",
        "..",
        "docs",
        "profiles.md",
    ]
    .iter()
    .collect()
}

fn guide() -> String {
    fs::read_to_string(path()).unwrap()
}

/// The fenced blocks of YAML between two headings.
fn blocks(guide: &str, from: &str, to: &str) -> Vec<String> {
    let part = guide.split_once(from).unwrap().1;
    let part = part.split_once(to).unwrap().0;
    let fenced = part.split("```yaml\n").skip(1);
    fenced
        .map(|block| block.split_once("```").unwrap().0.to_owned())
        .collect()
}

#[test]
fn the_worked_example_passes_as_it_stands_there() {
    let guide = guide();
    let profile = blocks(&guide, "### 1. ", "### 7. ").concat();
    let profile = Arc::new(Profile::parse(&profile).unwrap());
    let examples = blocks(&guide, "### 7. ", "### What to look for").concat();
    let examples = Examples::parse(&examples).unwrap();
    assert_eq!(replay(&profile, &examples), []);
    let said = format!("{} examples replayed", examples.len());
    assert!(guide.contains(&said), "the guide does not say {said:?}");
}

/// The profile with a fragment in the place of its keys of the same name.
fn with(base: &str, fragment: &str) -> String {
    let key = |line: &str| {
        let key = line.split_once(':')?.0;
        (!key.starts_with([' ', '#'])).then(|| key.to_owned())
    };
    let replaced: BTreeSet<_> = fragment.lines().filter_map(key).collect();
    // Each key of the base is one line.
    let kept = base
        .lines()
        .filter(|line| key(line).is_none_or(|key| !replaced.contains(&key)));
    let kept: Vec<_> = kept.collect();
    format!("{}\n{fragment}", kept.join("\n"))
}

#[test]
fn every_pattern_loads_and_replays_its_examples() {
    let page = fs::read_to_string(path().with_file_name("profile-patterns.md")).unwrap();
    let (patterns, _) = page.split_once("## What cannot be said").unwrap();
    let fenced = patterns.split("```yaml\n").skip(1);
    let blocks: Vec<_> = fenced
        .map(|block| block.split_once("```").unwrap().0)
        .collect();
    let (base, patterns) = blocks.split_first().unwrap();
    assert!(patterns.len() >= 36 && patterns.len() % 2 == 0);
    for pair in patterns.chunks(2) {
        let text = with(base, pair[0]);
        let profile = Profile::parse(&text);
        let profile = Arc::new(profile.unwrap_or_else(|e| panic!("{e:?}\n{text}")));
        let examples = format!("examples:\n{}", pair[1]);
        let examples = Examples::parse(&examples).unwrap_or_else(|e| panic!("{e}\n{}", pair[1]));
        assert!(!examples.is_empty());
        assert_eq!(replay(&profile, &examples), [], "{}", pair[0]);
        // The pattern is what makes it pass.
        let plain = Arc::new(Profile::parse(base).unwrap());
        assert_ne!(replay(&plain, &examples), [], "{}", pair[0]);
    }
}

#[test]
fn every_profile_of_the_folder_is_built_in() {
    let folder = [env!("CARGO_MANIFEST_DIR"), "profiles"];
    let folder = fs::read_dir(folder.iter().collect::<PathBuf>()).unwrap();
    let files = folder.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<_> = files
        .filter(|file| file.ends_with(".yaml") && !file.ends_with(".examples.yaml"))
        .collect();
    files.sort_unstable();
    let mut known: Vec<_> = builtins().map(|name| format!("{name}.yaml")).collect();
    known.sort_unstable();
    assert_eq!(files, known);
}

/// The names of all keys and all words of a schema.
fn words(schema: &Json, out: &mut BTreeSet<String>) {
    match schema {
        Json::Object(map) => {
            if let Some(Json::Object(keys)) = map.get("properties") {
                out.extend(keys.keys().cloned());
            }
            if let Some(Json::String(word)) = map.get("const") {
                out.insert(word.clone());
            }
            map.values().for_each(|schema| words(schema, out));
        }
        Json::Array(list) => list.iter().for_each(|schema| words(schema, out)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

#[test]
fn the_reference_names_every_key_and_word_of_a_profile() {
    let schema = include_str!("../profiles/profile.schema.json");
    let mut known = BTreeSet::new();
    words(&serde_json::from_str(schema).unwrap(), &mut known);
    assert!(
        known.contains("mint") && known.contains("utf16"),
        "{known:?}"
    );
    let guide = guide();
    let reference = guide.split_once("## Reference").unwrap().1;
    // Words between backticks, alone or in a list such as `{ word: … }`.
    let named: BTreeSet<_> = reference
        .split('`')
        .skip(1)
        .step_by(2)
        .flat_map(|code| code.split(|c: char| !c.is_alphanumeric()))
        .collect();
    let missing: Vec<_> = known
        .iter()
        .filter(|w| !named.contains(w.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "the reference does not name {missing:?}"
    );
}

#[test]
fn the_table_is_what_the_profiles_say() {
    let guide = guide();
    let (before, rest) = guide.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let fresh = format!("{before}{BEGIN}{}{END}{after}", table());
    if std::env::var_os("TOKENWRIGHT_UPDATE").is_some() {
        fs::write(path(), fresh).unwrap();
    } else {
        assert!(
            guide == fresh,
            "docs/profiles.md is stale: run this test with TOKENWRIGHT_UPDATE=1"
        );
    }
}

#[test]
fn what_no_client_can_change_is_told() {
    let guide = guide();
    let (_, told) = guide.split_once("### What one must know").unwrap();
    let (told, _) = told.split_once("## Reference").unwrap();
    for &(profile, words) in TOLD {
        let about = told
            .split("\n**")
            .find(|part| part.contains(&format!("`{profile}`")));
        let about = about.unwrap_or_default();
        for word in words {
            assert!(
                about.contains(word),
                "{profile}: the guide does not say {word:?}"
            );
        }
    }
}

/// One table for each group of systems.
fn table() -> String {
    let mut names: Vec<_> = builtins().collect();
    names.sort_unstable();
    let profiles: Vec<_> = names.iter().map(|name| builtin(name).unwrap()).collect();
    let mut out = format!("{} systems.\n", profiles.len());
    for group in Group::ALL {
        let of_group = profiles
            .iter()
            .filter(|profile| profile.group() == Some(group));
        write!(
            out,
            "\n#### {group}\n\n\
             | system | profile | tokens are made | expiry | scopes | a lost answer is | check | update | disable | revoke | at most | seen |\n\
             |---|---|---|---|---|---|---|---|---|---|---|---|\n",
        )
        .unwrap();
        for profile in of_group {
            writeln!(out, "| {} |", row(profile).join(" | ")).unwrap();
        }
    }
    out
}

#[test]
fn every_system_has_a_group_and_every_group_a_system() {
    let groups: BTreeSet<_> = builtins()
        .map(|name| builtin(name).unwrap().group())
        .collect();
    let expected: BTreeSet<_> = Group::ALL.into_iter().map(Some).collect();
    assert_eq!(groups, expected);
}

#[test]
fn what_is_told_of_systems_is_told_of_those_that_are_built_in() {
    let known: BTreeSet<_> = builtins().collect();
    let seen = SEEN.iter().map(|(name, _)| *name);
    let told = TOLD.iter().map(|(name, _)| *name);
    let at_most = AT_MOST.iter().map(|(name, _)| *name);
    let named = seen.chain(told).chain(at_most);
    let unknown: Vec<_> = named
        .chain(COMPARED.iter().copied())
        .filter(|name| !known.contains(name))
        .collect();
    assert_eq!(unknown, [""; 0]);
}

fn row(profile: &Profile) -> Vec<String> {
    let title = match profile.docs() {
        Some(docs) => format!("[{}]({docs})", profile.title()),
        None => profile.title().to_owned(),
    };
    let name = profile.name();
    let seen = match SEEN.iter().find(|(seen, _)| *seen == name) {
        Some((_, how)) => how,
        None if COMPARED.contains(&name) => "documented shapes, compared",
        None => "documented shapes",
    };
    let first = [title, format!("`{name}`")];
    let by_hand = !profile.mints();
    let middle = if by_hand {
        ["by hand", "", "", ""].map(str::to_owned)
    } else {
        let lost = match profile.capabilities().lost_answer {
            LostAnswer::Replay => "asked again",
            LostAnswer::FindByMarker => "found by its name",
            LostAnswer::CannotAttribute | LostAnswer::CannotList => "a case for a person",
        };
        [
            "by mint".to_owned(),
            expiry(profile),
            scopes(profile),
            lost.to_owned(),
        ]
    };
    let can = profile.capabilities();
    let last = [
        yes(can.check),
        updates(profile),
        match can.disable {
            Disable::Unsupported => "no",
            Disable::SetState => "yes",
            Disable::BlindToggle => "by a toggle",
        }
        .to_owned(),
        if by_hand {
            "by hand".to_owned()
        } else {
            yes(can.revoke)
        },
        at_most(profile),
        seen.to_owned(),
    ];
    first.into_iter().chain(middle).chain(last).collect()
}

fn yes(can: bool) -> String {
    if can { "yes" } else { "no" }.to_owned()
}

/// The longest name, where tokens carry one and the marker behind it, and how many there may be.
fn at_most(profile: &Profile) -> String {
    let carried = profile.capabilities().lost_answer == LostAnswer::FindByMarker;
    let name = carried.then(|| {
        let unit = match profile.limits().name_unit {
            NameUnit::Characters => "characters",
            NameUnit::Bytes => "bytes",
            NameUnit::Utf16 => "UTF-16 units",
        };
        let longest = profile.limits().name_max - marker::MAX_LEN - 1;
        format!("names of {longest} {unit}")
    });
    let many = AT_MOST.iter().find(|(system, _)| *system == profile.name());
    let many = many.map(|(_, many)| (*many).to_owned());
    let all: Vec<_> = name.into_iter().chain(many).collect();
    all.join("; ")
}

fn expiry(profile: &Profile) -> String {
    let limits = profile.limits();
    if !limits.expiry {
        return "never".to_owned();
    }
    let unit = duration::format(limits.lifetime_unit);
    let longest = limits.lifetime_max.map(duration::format);
    let longest = longest.map(|max| format!(", at most {max}"));
    let never = match limits.allows_never() {
        true => ", or never",
        false => "",
    };
    format!("in steps of {unit}{}{never}", longest.unwrap_or_default())
}

fn scopes(profile: &Profile) -> String {
    match profile.limits().scopes {
        ScopesRule::None => "none",
        ScopesRule::Required => "yes",
        ScopesRule::Optional => "if any",
    }
    .to_owned()
}

fn updates(profile: &Profile) -> String {
    let can = &profile.capabilities().update;
    let words: Vec<_> = can
        .iter()
        .map(|kind| match kind {
            UpdateKind::Name => "name",
            UpdateKind::Scopes => "scopes",
            UpdateKind::AddExpiry => "add an expiry",
            UpdateKind::ShortenExpiry => "an earlier expiry",
            UpdateKind::ExtendExpiry => "a later expiry",
        })
        .collect();
    if words.is_empty() {
        return "no".to_owned();
    }
    words.join(", ")
}
