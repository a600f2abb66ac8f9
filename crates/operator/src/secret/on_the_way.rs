//! What a mutating webhook or policy of the cluster makes of a Secret on its way.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use tokenwright_api::names::GROUP;

use crate::cluster::calls::CallError;

/// Whether a Secret holds what was sent.
///
/// # Errors
///
/// With the first key that it does not have as it was sent.
pub(crate) fn intact(sent: &Secret, answered: &Secret) -> Result<(), CallError> {
    let nothing = BTreeMap::new();
    let [was, is] = [sent, answered].map(|secret| secret.data.as_ref().unwrap_or(&nothing));
    let mut keys = was.keys().chain(is.keys());
    let other = keys.find(|key| is.get(*key) != was.get(*key));
    other.map_or(Ok(()), |key| Err(changed(key)))
}

/// Whether a Secret carries our label and annotations as they were sent: without the label nobody sees what
/// becomes of it, and the annotations are the truth about what is current.
///
/// # Errors
///
/// With the first of them that it does not have as it was sent.
pub(crate) fn marked(sent: &Secret, answered: &Secret) -> Result<(), CallError> {
    let lost = |sent: &BTreeMap<String, String>, answered: &BTreeMap<String, String>| {
        let mut ours = sent.iter().filter(|(key, _)| key.starts_with(GROUP));
        let lost = ours.find(|(key, text)| answered.get(*key) != Some(*text));
        lost.map(|(key, _)| changed(key))
    };
    let label = lost(sent.labels(), answered.labels());
    let lost = label.or_else(|| lost(sent.annotations(), answered.annotations()));
    lost.map_or(Ok(()), Err)
}

fn changed(key: &str) -> CallError {
    CallError::Refused {
        what: "writing the Secret",
        message: format!(
            "what is written under {key:?} would be missing, or another text than was sent; a mutating webhook or policy of the cluster changes this Secret: exempt it there"
        ),
    }
}
