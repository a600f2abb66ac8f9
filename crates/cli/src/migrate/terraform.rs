//! Our resources in the place of those of other providers, as a configuration that can be applied.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use tokenwright_client::{Profile, profile};
use tokenwright_core::duration;

use super::peers::{LOOKS_LIKE_ONE, PEERS, Peer, Schedule, Written};
use super::{FILL_IN, Life, Moved, told};

/// What is written for these states.
pub(super) fn moved(states: &[Value]) -> Moved {
    let mut moved = Moved::default();
    let mut blocks = String::new();
    let mut profiles = BTreeSet::new();
    let mut names = BTreeSet::new();
    let resources = states
        .iter()
        .filter_map(|state| state["resources"].as_array())
        .flatten();
    for resource in resources.filter(|resource| resource["mode"] == "managed") {
        let kind = resource["type"].as_str().unwrap_or_default();
        let name = resource["name"].as_str().unwrap_or_default();
        if !PEERS.iter().any(|peer| peer.kind == kind) {
            let ours = kind.starts_with("tokenwright_");
            if !ours && LOOKS_LIKE_ONE.iter().any(|end| kind.ends_with(end)) {
                moved.left.push(format!(
                    "{} holds a token of a resource that is not known here; `tokenwright profile list` shows whether its system is",
                    told(&format!("{kind}.{name}"))
                ));
            }
            continue;
        }
        let instances = resource["instances"].as_array();
        for instance in instances.into_iter().flatten() {
            let attributes = &instance["attributes"];
            let Some(peer) = Peer::of(kind, attributes) else {
                continue;
            };
            let theirs = address(resource, instance);
            let ours = fresh(name, &mut names);
            blocks += &block(peer, &theirs, &ours, attributes);
            profiles.insert(peer.profile);
            moved.moved = moved.moved.saturating_add(1);
        }
    }
    if moved.moved > 0 {
        moved.text = format!("{}{}{blocks}{LATER}", BEFORE, provider(&profiles));
    }
    moved
}

// A module has one required_providers, and theirs is there already.
const BEFORE: &str = "\
# 1. Write in your required_providers
#      tokenwright = { source = \"tokenwright/tokenwright\" }
#    add this file beside what is there, init and apply: each token gets a successor, and the old ones work on.
";

const LATER: &str = "
# 2. Give each consumer the new value, and value_version where it asks for a version; apply.
# 3. When all of them use it, remove the old resources, but for one that stays, and apply: their provider ends
#    the old tokens.
#    `tokenwright token list --profile PROFILE` shows by LAST USED whether somebody uses one, where the
#    system tells.
";

fn provider(profiles: &BTreeSet<&'static str>) -> String {
    let issuers: String = profiles
        .iter()
        .map(|name| {
            let profile = profile::builtin(name);
            let variables = profile.as_ref().map(variables).unwrap_or_default();
            let everywhere = profile.is_none_or(|profile| !profile.endpoint().is_empty());
            let (told, endpoint) = match everywhere {
                true => (String::new(), String::new()),
                false => (
                    format!(" Write its address in place of {FILL_IN}."),
                    format!(", endpoint = \"https://{FILL_IN}\""),
                ),
            };
            format!(
                "    # The credential comes from {variables}.{told}\n    {name} = {{ profile = \"{name}\"{endpoint} }}\n",
            )
        })
        .collect();
    format!(
        "\nprovider \"tokenwright\" {{\n  # Unique among all states that manage tokens at the same issuers; choose it once.\n  \
         manager = \"moved/${{terraform.workspace}}\"\n\n  issuers = {{\n{issuers}  }}\n}}\n"
    )
}

/// Where the credential of a profile comes from: the variables of each way to authenticate.
fn variables(profile: &Arc<Profile>) -> String {
    let ways = profile.ways().map(|way| {
        let parts = way.parts.iter();
        let names = parts.filter_map(|part| profile.credential().get(part)?.env.as_deref());
        names.collect::<Vec<_>>().join(" and ")
    });
    ways.collect::<Vec<_>>().join(", or ")
}

fn block(peer: &Peer, theirs: &str, ours: &str, attributes: &Value) -> String {
    let given = |name: &str| attributes.get(name).and_then(plain);
    let name = peer.name.and_then(given).filter(|name| !name.is_empty());
    let scopes = peer.scopes.map(|name| &attributes[name]);
    let mut lines = vec![
        ("issuer", quoted(peer.profile)),
        ("name", quoted(name.as_deref().unwrap_or(ours))),
    ];
    let scopes: Vec<String> = match scopes {
        Some(Value::Array(all)) => all.iter().filter_map(plain).map(|s| quoted(&s)).collect(),
        Some(Value::String(one)) => one.split_whitespace().map(quoted).collect(),
        Some(_) | None => Vec::new(),
    };
    if !scopes.is_empty() {
        lines.push(("scopes", format!("[{}]", scopes.join(", "))));
    }
    let (lifetime, rotation) = life(peer, attributes);
    lines.push(("lifetime", quoted(&lifetime)));
    lines.push(("rotation", rotation));
    let (parameters, missing) = parameters(peer, attributes);
    if !parameters.is_empty() {
        let pairs = parameters
            .iter()
            .map(|(name, value)| format!("{name} = {}", quoted(value)));
        let pairs: Vec<_> = pairs.collect();
        lines.push(("parameters", format!("{{ {} }}", pairs.join(", "))));
    }
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines: String = lines
        .iter()
        .map(|(name, value)| format!("  {name:width$} = {value}\n"))
        .collect();
    let theirs = told(theirs);
    let stays = peer
        .stays
        .map_or_else(String::new, |how| format!("# {theirs} stays: {how}.\n"));
    format!(
        "\n# In place of {theirs}: where {theirs}.{} stood, write tokenwright_api_token.{ours}.value.\n{stays}{missing}\
         resource \"tokenwright_api_token\" \"{ours}\" {{\n{lines}}}\n",
        peer.value,
    )
}

/// How long ours live, and when the next follows: as theirs, where it is rotated on schedule.
fn life(peer: &Peer, attributes: &Value) -> (String, String) {
    let theirs = peer.schedule.as_ref();
    if let Some((lifetime, renew_before)) = theirs.and_then(|theirs| theirs.read(attributes)) {
        let rotation = format!("{{ renew_before = {} }}", quoted(&renew_before));
        return (lifetime, rotation);
    }
    let life = Life::of(peer.profile, None);
    let rotation = match life.every {
        Some(every) => format!("{{ every = {} }}", quoted(every)),
        None => "{}".to_owned(),
    };
    (life.lifetime, rotation)
}

impl Schedule {
    fn read(&self, attributes: &Value) -> Option<(String, String)> {
        let span = |pointer| {
            let text = attributes.pointer(pointer).and_then(plain)?;
            duration::parse_in(self.unit, &text)
        };
        let (lifetime, renew_before) = (span(self.lifetime)?, span(self.renew_before)?);
        Some((duration::format(lifetime), duration::format(renew_before)))
    }
}

/// Ours, by what theirs says, and what a person is told of those that ours must have and theirs does not say.
fn parameters(peer: &Peer, attributes: &Value) -> (BTreeMap<String, String>, String) {
    let said = peer
        .parameters
        .iter()
        .filter_map(|(theirs, ours, written)| {
            let value = attributes.get(theirs).and_then(plain)?;
            (!value.is_empty()).then(|| ((*ours).to_owned(), here(&value, *written)))
        });
    let mut parameters: BTreeMap<_, _> = said.collect();
    let mut missing = String::new();
    let profile = profile::builtin(peer.profile);
    for (name, parameter) in profile.iter().flat_map(|profile| profile.parameters()) {
        if parameter.required && !parameters.contains_key(name) {
            let help = parameter.help.as_deref().unwrap_or_default();
            missing += &format!("# Write {name} in place of {FILL_IN}: {help}\n");
            parameters.insert(name.clone(), FILL_IN.to_owned());
        }
    }
    (parameters, missing)
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn here(value: &str, written: Written) -> String {
    match written {
        Written::Same => value.to_owned(),
        Written::Last => {
            let last = value.rsplit([':', '/']).next();
            last.unwrap_or(value).to_owned()
        }
    }
}

/// A text as HCL writes it: nothing in it is evaluated.
fn quoted(text: &str) -> String {
    let escaped = told(text)
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace("${", "$${")
        .replace("%{", "%%{");
    format!("\"{escaped}\"")
}

/// A name that no other block has.
fn fresh(name: &str, names: &mut BTreeSet<String>) -> String {
    let plain: String = name
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == '_' || *c == '-')
        .collect();
    let plain = match plain.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        true => plain,
        false => format!("token_{plain}"),
    };
    let mut candidate = plain.clone();
    let mut count = 2_usize;
    while !names.insert(candidate.clone()) {
        candidate = format!("{plain}_{count}");
        count = count.saturating_add(1);
    }
    candidate
}

/// As `terraform state list` writes it.
fn address(resource: &Value, instance: &Value) -> String {
    let text = |key: &str| resource[key].as_str().unwrap_or_default();
    let module = match text("module") {
        "" => String::new(),
        module => format!("{module}."),
    };
    let key = match &instance["index_key"] {
        Value::Null => String::new(),
        key => format!("[{key}]"),
    };
    format!("{module}{}.{}{key}", text("type"), text("name"))
}
