//! What front ends are promised of a profile: where it is spoken to, which environment variables its users
//! know, how long its answers lag, and how long its values can be. A rehearsal publishes as many bytes: more would refuse
//! destinations that were good enough before.

use serde_json::{Map, Value as Json, json};

use tokenwright_core::{duration, schedule};

use crate::profile::Profile;

pub(super) fn describe(profile: &Profile) -> Json {
    let mut out = Map::from_iter([("profile".to_owned(), json!(profile.name()))]);
    if let Some(group) = profile.group() {
        out.insert("group".to_owned(), json!(group));
    }
    if let Some(endpoint) = profile.default_endpoint() {
        out.insert("endpoint".to_owned(), json!(endpoint));
    }
    let credential = profile.credential().iter();
    let credential: Map<_, _> = credential
        .map(|(part, credential)| (part.clone(), json!(credential.env)))
        .collect();
    if !credential.is_empty() {
        out.insert("credential".to_owned(), Json::Object(credential));
    }
    let ways = profile.ways();
    let ways: Map<_, _> = ways
        .filter_map(|way| Some((way.name?.to_owned(), json!(way.parts))))
        .collect();
    if !ways.is_empty() {
        out.insert("ways".to_owned(), Json::Object(ways));
    }
    let settle = profile.capabilities().settle;
    if settle != schedule::SETTLE {
        out.insert("settle".to_owned(), json!(duration::format(settle)));
    }
    out.insert("value".to_owned(), json!(profile.value_parts()));
    out.into()
}
