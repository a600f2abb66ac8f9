//! Every line of every built-in profile is held by something: by the loader, by an example, or by what
//! front ends are promised.
//!
//! Each test takes one thing out of a profile, or writes another in its place, and expects that the rest
//! notices. What nobody can notice stands in `survivors`, with the reason.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use tokenwright_client::Profile;
use tokenwright_client::profile::examples::{Examples, replay};
use tokenwright_client::profile::{builtin_files, builtins};

mod expressions;
mod mutants;
mod promises;
mod survivors;

use promises::keeps;
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
    assert!(keeps(name, &whole) && examples.iter().all(|one| holds(&whole, one)));
    let mut changes = BTreeMap::new();
    for mutant in mutants::of(&file) {
        let profile = parse(&mutant.file).filter(|profile| keeps(name, profile));
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

fn every_line_is_held(name: &str) {
    let changes = changes(name);
    let here = HERE.iter().filter(|survivor| survivor.profile == name);
    let here: Vec<_> = here.collect();
    let everywhere = |change: &str| EVERYWHERE.iter().any(|s| matches(s.change, change));
    let known = |change: &str| here.iter().any(|s| matches(s.change, change));
    let all = || {
        changes
            .iter()
            .map(|(change, noticed)| (change.as_str(), *noticed))
    };
    let unheld =
        all().filter(|(change, noticed)| !noticed && !everywhere(change) && !known(change));
    let unheld: Vec<_> = unheld.map(|(change, _)| change).collect();
    assert!(unheld.is_empty(), "{name}: nothing notices {unheld:#?}");
    let stale = here.iter().map(|survivor| survivor.change);
    let stale = stale.filter(|pattern| !all().any(|(c, noticed)| !noticed && matches(pattern, c)));
    let more = all().filter(|(c, noticed)| *noticed && everywhere(c));
    let stale: Vec<_> = stale.chain(more.map(|(c, _)| c)).collect();
    assert!(stale.is_empty(), "{name}: noticed by now {stale:#?}");
    assert!(
        changes.len() > 20,
        "{name} has only {} lines",
        changes.len()
    );
}

macro_rules! profiles {
    ($($test:ident: $name:literal,)*) => {
        const PROFILES: &[&str] = &[$($name,)*];
        $(#[test]
        fn $test() {
            every_line_is_held($name);
        })*
    };
}

profiles! {
    every_line_of_cloudflare_account_is_held: "cloudflare-account",
    every_line_of_cloudflare_user_is_held: "cloudflare-user",
    every_line_of_devpi_is_held: "devpi",
    every_line_of_gitea_is_held: "gitea",
    every_line_of_gitlab_group_is_held: "gitlab-group",
    every_line_of_gitlab_personal_is_held: "gitlab-personal",
    every_line_of_gitlab_project_is_held: "gitlab-project",
    every_line_of_grafana_is_held: "grafana",
    every_line_of_jupyterhub_is_held: "jupyterhub",
    every_line_of_npm_is_held: "npm",
    every_line_of_online_net_is_held: "online-net",
    every_line_of_openbao_is_held: "openbao",
    every_line_of_scaleway_is_held: "scaleway",
    every_line_of_seeme_is_held: "seeme",
    every_line_of_seenode_is_held: "seenode",
    every_line_of_terrakube_team_is_held: "terrakube-team",
    every_line_of_terrakube_user_is_held: "terrakube-user",
    every_line_of_transiyzi_is_held: "transiyzi",
}

#[test]
fn no_profile_is_left_out() {
    assert_eq!(builtins().collect::<Vec<_>>(), PROFILES);
    let known = |name: &str| PROFILES.contains(&name);
    assert!(
        HERE.iter()
            .all(|s| known(s.profile) && !s.reason.is_empty())
    );
    assert!(EVERYWHERE.iter().all(|s| !s.reason.is_empty()));
}
