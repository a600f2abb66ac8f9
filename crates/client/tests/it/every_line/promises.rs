//! What front ends are promised of each profile, as `promises.yaml` says it.

use std::collections::BTreeMap;

use serde::Deserialize;
use tokenwright_client::Profile;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Promise {
    endpoint: String,
    /// Environment variables by part.
    credential: BTreeMap<String, String>,
    /// The most bytes by part.
    value: BTreeMap<String, usize>,
}

impl Promise {
    /// The promises of all profiles.
    pub(super) fn all() -> BTreeMap<String, Self> {
        serde_saphyr::from_str(include_str!("promises.yaml")).unwrap()
    }

    /// Whether a profile is still what users of this name configured.
    pub(super) fn is_kept(&self, name: &str, profile: &Profile) -> bool {
        let credential = profile.credential().iter();
        let credential =
            credential.map(|(part, c)| (part.clone(), c.env.clone().unwrap_or_default()));
        let kept = Self {
            endpoint: profile.endpoint().to_owned(),
            credential: credential.collect(),
            value: profile.value_parts().clone(),
        };
        profile.name() == name && kept == *self
    }
}
