//! What a resource keeps beside its state and may lose.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Kept as bytes that Terraform does not look into; what cannot be read is as good as lost.
pub(crate) trait PrivateState: Default + Serialize + DeserializeOwned {
    fn read(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}
