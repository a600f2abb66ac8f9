//! A delivered Secret as its watch shows it: its metadata, which say everything but the value.

use k8s_openapi::api::core::v1::Secret;
use kube::core::PartialObjectMeta;

/// A Secret without its data.
pub(crate) type SecretMeta = PartialObjectMeta<Secret>;

/// The same, for whoever wants to know whose it is and what it says.
pub(crate) fn without_value(shown: &SecretMeta) -> Secret {
    Secret {
        metadata: shown.metadata.clone(),
        ..Secret::default()
    }
}
