//! A delivered Secret as its watch shows it: its metadata, which say everything but the value.

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::core::PartialObjectMeta;
use tokenwright_api::names::annotation;

use crate::cluster::packed::{Packed, Packs};

/// A Secret without its data.
pub(crate) type SecretMeta = PartialObjectMeta<Secret>;

/// The same, packed: there is one for each `ApiToken`.
pub(crate) type PackedSecret = Packed<SecretMeta>;

impl Packs for SecretMeta {
    /// The name of the `ApiToken` that it says it belongs to.
    type Brief = Option<String>;
}

/// Packs one.
pub(crate) fn pack(secret: &SecretMeta) -> PackedSecret {
    let manager = secret.annotations().get(annotation::MANAGER_NAME);
    Packed::new(secret, manager.cloned())
}

/// The same, for whoever wants to know whose it is and what it says.
pub(crate) fn without_value(shown: &SecretMeta) -> Secret {
    Secret {
        metadata: shown.metadata.clone(),
        ..Secret::default()
    }
}
