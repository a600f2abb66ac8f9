//! Who manages a token: one `ApiToken`, named so that a Secret and a marker can name it.

use kube::ResourceExt as _;
use tokenwright_api::ApiToken;
use tokenwright_api::owner::Owner;
use tokenwright_core::{ManagerId, Marker, Origin};

/// One `ApiToken` as the manager of its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manager {
    /// Its namespace, which is that of its Secret.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) name: String,
    /// Its UID.
    pub(crate) uid: String,
    /// The cluster, as markers spell it.
    pub(crate) origin: Origin,
    /// The UID, as markers spell it.
    pub(crate) id: ManagerId,
}

impl Manager {
    /// The manager that an object is; `None` for an object that the API server never saw.
    pub(crate) fn of(object: &ApiToken, origin: &Origin) -> Option<Self> {
        let uid = object.uid()?;
        Some(Self {
            namespace: object.namespace()?,
            name: object.name_any(),
            id: ManagerId::of(&uid),
            uid,
            origin: origin.clone(),
        })
    }

    /// As Secrets name it.
    pub(crate) fn owner(&self) -> Owner {
        Owner {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            uid: self.uid.clone(),
        }
    }

    /// Whether a token with this marker is this manager's.
    ///
    /// Metadata and status can be written by others; what carries another's marker there is not ours.
    pub(crate) fn owns(&self, marker: &Marker) -> bool {
        marker.origin == self.origin && marker.manager == self.id
    }
}
